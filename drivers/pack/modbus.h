/*
 * Packs on Modbus buses, as one driver: each pack's blocks of registers and bits are asked for at
 * their periods by the worker of its bus, and decoded by the pack's wire (drivers/pack/wire.h) in
 * the control thread. A sample's stamp is the time its answer arrived.
 *
 * A pack that does not answer costs its neighbours on the bus its own timeout per request and is
 * asked less and less often, down to once in MODBUS_PACK_SLOW_MS; the control thread waits for
 * nothing. An exception, a short answer or a wrong one is counted in bad_frames and leaves the
 * readings as old as they are.
 */
#ifndef REBANK_DRIVERS_PACK_MODBUS_H
#define REBANK_DRIVERS_PACK_MODBUS_H

#include "drivers/driver.h"
#include "drivers/modbus/pool.h"
#include "drivers/pack/wire.h"

enum {
	MODBUS_PACK_SLOW_MS = 5000,
	MODBUS_PACK_LOST = 3, /* answers missing in a row: the link is off */
};

struct modbus_pack {
	unsigned pack; /* its index in bank_inputs */
	struct modbus_address address;
	uint8_t unit;
	int32_t timeout_ms;      /* of one request, 10..2000 */
	const struct wire *wire; /* these outlive the driver */
	const struct pack_limits *limit;
	bool reversed; /* current counts the other way than its profile says */
};

/* Adds every pack to the pool, which is started later and stopped before the driver is closed.
 * False, with errno: nothing is left in the driver, and the pool must not be started. */
bool modbus_packs_open(struct driver *driver, struct modbus_pool *pool, unsigned n,
		       const struct modbus_pack *pack);

#endif
