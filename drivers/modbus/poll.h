/*
 * A device that is read by a fixed schedule: blocks of registers with their periods, and registers
 * to be written, of which only the latest value counts. The control thread looks at the blocks as
 * they last arrived; how old they are is in their stamp, and judging that is not done here.
 *
 *	static const struct modbus_block blocks[] = {
 *		{MODBUS_READ_INPUT, 0x1000, 18, 1000}, {MODBUS_READ_INPUT, 0x1100, 26, 1000}};
 *	struct modbus_poll *poll = modbus_poll_new(&(struct modbus_poll_setup){
 *		.unit = 1, .timeout_ms = 300, .n_blocks = 2, .block = blocks});
 *	modbus_pool_add(pool, &address, modbus_poll_device(poll));
 *	...                                               every tick:
 *	struct modbus_image image;
 *	if (modbus_poll_read(poll, 0, &image) != seen) { seen = ...; image.stamp_ms, image.value }
 */
#ifndef REBANK_DRIVERS_MODBUS_POLL_H
#define REBANK_DRIVERS_MODBUS_POLL_H

#include <stdbool.h>

#include "drivers/modbus/device.h"

enum { MODBUS_BLOCKS_MAX = 16, MODBUS_WRITES_MAX = 8, MODBUS_WRITE_SIZE = 16 };

struct modbus_block {
	enum modbus_function function; /* MODBUS_READ_HOLDING or MODBUS_READ_INPUT */
	uint16_t address, count;       /* 1..125 */
	int32_t period_ms;             /* >= 10 */
};

struct modbus_poll_setup {
	uint8_t unit;
	int32_t timeout_ms; /* 10..2000 */
	unsigned n_blocks;  /* <= MODBUS_BLOCKS_MAX; copied */
	const struct modbus_block *block;
};

struct modbus_image {
	int64_t stamp_ms;  /* when the last good answer arrived; 0: none yet */
	uint32_t failures; /* in a row, since then */
	uint32_t refused;  /* of these, exceptions */
	uint16_t value[MODBUS_READ_LIMIT];
};

struct modbus_poll;

/* NULL when out of memory or when the setup does not hold. */
struct modbus_poll *modbus_poll_new(const struct modbus_poll_setup *setup);
/* After the bus has stopped. */
void modbus_poll_free(struct modbus_poll *poll);
/* What to give the bus. */
struct modbus_device modbus_poll_device(struct modbus_poll *poll);

/* Control thread. How often the block's image changed (answers and failures); 0: never. */
uint64_t modbus_poll_read(struct modbus_poll *poll, unsigned block, struct modbus_image *image);

/* Control thread, then modbus_bus_wake: `count` registers (1..16) from `address` are to be written,
 * at once, three attempts. What `slot` (0..7) wanted before is forgotten. */
void modbus_poll_write(struct modbus_poll *poll, unsigned slot, enum modbus_function function,
		       uint16_t address, unsigned count, const uint16_t *value);

#endif
