#include "drivers/modbus/poll.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/worker/cell.h"

enum { ATTEMPTS = 3, SLOW_AFTER = 3, SLOW_MAX_MS = 5000 };

struct write {
	enum modbus_function function;
	uint16_t address;
	unsigned count;
	uint16_t value[MODBUS_WRITE_SIZE];
};

struct block {
	struct modbus_block what;
	int64_t due_ms;
	int32_t pace_ms; /* its period, or longer while it does not answer */
	struct modbus_image image;
	struct cell *cell;
};

struct slot {
	struct cell *cell;
	uint64_t done;     /* puts that were served */
	unsigned attempts; /* at the one that is not */
	uint64_t asked;    /* the put that is on the wire */
};

struct modbus_poll {
	uint8_t unit;
	int32_t timeout_ms;
	unsigned n_blocks;
	struct block block[MODBUS_BLOCKS_MAX];
	struct slot slot[MODBUS_WRITES_MAX];
	int current; /* block asked for, or MODBUS_BLOCKS_MAX + slot */
};

static bool block_holds(const struct modbus_block *block)
{
	return (block->function == MODBUS_READ_HOLDING || block->function == MODBUS_READ_INPUT) &&
	       block->count >= 1 && block->count <= MODBUS_READ_LIMIT &&
	       block->address + block->count <= 65536 && block->period_ms >= 10;
}

static bool setup_holds(const struct modbus_poll_setup *setup)
{
	if (setup->n_blocks > MODBUS_BLOCKS_MAX || setup->timeout_ms < 10 ||
	    setup->timeout_ms > 2000)
		return false;
	for (unsigned i = 0; i < setup->n_blocks; i++)
		if (!block_holds(&setup->block[i]))
			return false;
	return true;
}

struct modbus_poll *modbus_poll_new(const struct modbus_poll_setup *setup)
{
	struct modbus_poll *poll = setup_holds(setup) ? calloc(1, sizeof *poll) : NULL;
	bool ok = poll != NULL;

	if (!ok)
		return NULL;
	poll->unit = setup->unit;
	poll->timeout_ms = setup->timeout_ms;
	poll->n_blocks = setup->n_blocks;
	for (unsigned i = 0; i < setup->n_blocks; i++) {
		poll->block[i].what = setup->block[i];
		poll->block[i].pace_ms = setup->block[i].period_ms;
		poll->block[i].cell = cell_new(sizeof(struct modbus_image));
		ok = ok && poll->block[i].cell;
	}
	for (unsigned i = 0; i < MODBUS_WRITES_MAX; i++) {
		poll->slot[i].cell = cell_new(sizeof(struct write));
		ok = ok && poll->slot[i].cell;
	}
	if (!ok) {
		modbus_poll_free(poll);
		return NULL;
	}
	return poll;
}

void modbus_poll_free(struct modbus_poll *poll)
{
	if (!poll)
		return;
	for (unsigned i = 0; i < poll->n_blocks; i++)
		cell_free(poll->block[i].cell);
	for (unsigned i = 0; i < MODBUS_WRITES_MAX; i++)
		cell_free(poll->slot[i].cell);
	free(poll);
}

uint64_t modbus_poll_read(struct modbus_poll *poll, unsigned block, struct modbus_image *image)
{
	return cell_get(poll->block[block].cell, image);
}

void modbus_poll_write(struct modbus_poll *poll, unsigned slot, enum modbus_function function,
		       uint16_t address, unsigned count, const uint16_t *value)
{
	struct write write = {.function = function, .address = address, .count = count};

	if (slot >= MODBUS_WRITES_MAX || count < 1 || count > MODBUS_WRITE_SIZE)
		return;
	memcpy(write.value, value, count * sizeof *value);
	cell_put(poll->slot[slot].cell, &write);
}

/* ---- in the bus's thread ----------------------------------------------------------------- */

static bool write_next(struct modbus_poll *poll, struct modbus_request *request)
{
	struct write write;

	for (unsigned i = 0; i < MODBUS_WRITES_MAX; i++) {
		struct slot *slot = &poll->slot[i];
		uint64_t puts = cell_get(slot->cell, &write);

		if (puts == slot->done)
			continue;
		if (puts != slot->asked)
			slot->attempts = 0;
		slot->asked = puts;
		request->function = write.function;
		request->address = write.address;
		request->count = (uint16_t)write.count;
		memcpy(request->value, write.value, sizeof write.value);
		poll->current = MODBUS_BLOCKS_MAX + (int)i;
		return true;
	}
	return false;
}

static int64_t next(void *self, int64_t now_ms, struct modbus_request *request)
{
	struct modbus_poll *poll = self;
	struct block *first = NULL;

	if (write_next(poll, request))
		return MODBUS_URGENT;
	for (unsigned i = 0; i < poll->n_blocks; i++)
		if (!first || poll->block[i].due_ms < first->due_ms)
			first = &poll->block[i];
	if (!first)
		return MODBUS_NEVER;
	if (first->due_ms == 0)
		first->due_ms = now_ms;
	if (first->due_ms > now_ms)
		return first->due_ms;
	poll->current = (int)(first - poll->block);
	request->function = first->what.function;
	request->address = first->what.address;
	request->count = first->what.count;
	return first->due_ms;
}

static void write_done(struct slot *slot, const struct modbus_answer *answer)
{
	if (answer->result == MODBUS_ANSWERED || ++slot->attempts >= ATTEMPTS) {
		slot->done = slot->asked;
		slot->attempts = 0;
	}
}

/* On the period's grid, unless that is past already. */
static void block_schedule(struct block *block, int64_t now_ms)
{
	block->due_ms += block->pace_ms;
	if (block->due_ms <= now_ms)
		block->due_ms =
			now_ms + (block->pace_ms > block->what.period_ms ? block->pace_ms : 1);
}

static void done(void *self, const struct modbus_request *request,
		 const struct modbus_answer *answer)
{
	struct modbus_poll *poll = self;
	struct block *block = &poll->block[poll->current % MODBUS_BLOCKS_MAX];
	struct modbus_image *image = &block->image;

	if (poll->current >= MODBUS_BLOCKS_MAX) {
		write_done(&poll->slot[poll->current - MODBUS_BLOCKS_MAX], answer);
		return;
	}
	if (answer->result == MODBUS_ANSWERED) {
		image->stamp_ms = answer->arrived_ms;
		image->failures = image->refused = 0;
		memcpy(image->value, answer->value, request->count * sizeof answer->value[0]);
		block->pace_ms = block->what.period_ms;
	} else {
		image->failures++;
		image->refused += answer->result == MODBUS_REFUSED;
		/* The neighbours wait for a dead device's timeout: less and less often. */
		if (image->failures >= SLOW_AFTER && block->pace_ms < SLOW_MAX_MS)
			block->pace_ms *= 2;
	}
	block_schedule(block, answer->arrived_ms);
	cell_put(block->cell, image);
}

static void connected(void *self, int64_t now_ms)
{
	struct modbus_poll *poll = self;

	for (unsigned i = 0; i < poll->n_blocks; i++) {
		poll->block[i].due_ms = now_ms;
		poll->block[i].pace_ms = poll->block[i].what.period_ms;
	}
}

struct modbus_device modbus_poll_device(struct modbus_poll *poll)
{
	return (struct modbus_device){.self = poll,
				      .unit = poll->unit,
				      .timeout_ms = poll->timeout_ms,
				      .next = next,
				      .done = done,
				      .connected = connected};
}
