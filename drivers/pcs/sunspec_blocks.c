#include "drivers/pcs/sunspec_blocks.h"

#include <string.h>

enum {
	SLOW_MS = 10000,   /* ratings and names */
	CONTROL_MS = 1000, /* what steers it is read back */
	CHUNK_SMALL = 50,
};

/* How often a model is read; 0: with the measurements. */
struct slot_kind {
	uint16_t first_id, last_id;
	int32_t period_ms;
};

static const struct slot_kind kinds[SLOT_COUNT] = {
	[SLOT_COMMON] = {1, 1, SLOW_MS},
	[SLOT_NAMEPLATE] = {120, 120, SLOW_MS},
	[SLOT_SETTINGS] = {121, 121, SLOW_MS},
	[SLOT_CAPACITY] = {702, 702, SLOW_MS},
	[SLOT_INVERTER] = {101, 103, 0},
	[SLOT_FLOAT] = {111, 113, 0},
	[SLOT_MEASURE] = {701, 701, 0},
	[SLOT_DC] = {714, 714, 0},
	[SLOT_MPPT] = {160, 160, 0},
	[SLOT_CONTROL] = {704, 704, CONTROL_MS},
	[SLOT_LIMIT] = {123, 123, CONTROL_MS},
	[SLOT_STORAGE] = {124, 124, CONTROL_MS},
	[SLOT_ENTER] = {703, 703, CONTROL_MS},
	[SLOT_OPERATE] = {715, 715, CONTROL_MS},
	[SLOT_BATTERY] = {802, 802, CONTROL_MS},
	[SLOT_STORED] = {713, 713, CONTROL_MS},
};

void sunspec_blocks_forget(struct sunspec_blocks *blocks)
{
	memset(blocks->block, 0, sizeof blocks->block);
	blocks->read_n = 0;
}

void sunspec_blocks_find(struct sunspec_blocks *blocks, const struct sunspec_walk *walk,
			 int64_t now_ms)
{
	blocks->chunk = SUNSPEC_BLOCK_MAX;
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		for (unsigned m = walk->n; m-- > 0;) {
			const struct sunspec_model *model = &walk->model[m];
			unsigned n = model->length + 2u;

			if (model->id < kinds[i].first_id || model->id > kinds[i].last_id)
				continue;
			blocks->block[i].id = model->id;
			blocks->block[i].address = model->address;
			blocks->block[i].n =
				(uint16_t)(n < SUNSPEC_BLOCK_MAX ? n : SUNSPEC_BLOCK_MAX);
			blocks->length[i] = model->length;
			blocks->due_ms[i] = now_ms;
		}
}

static int64_t first_due_ms(const struct sunspec_blocks *blocks, unsigned *slot)
{
	int64_t first_ms = MODBUS_NEVER;

	for (unsigned i = 0; i < SLOT_COUNT; i++)
		if (blocks->block[i].n && blocks->due_ms[i] < first_ms) {
			first_ms = blocks->due_ms[i];
			*slot = i;
		}
	return first_ms;
}

int64_t sunspec_blocks_next(struct sunspec_blocks *blocks, int64_t now_ms,
			    struct modbus_request *request)
{
	unsigned slot = blocks->slot;
	int64_t due_ms = blocks->read_n ? now_ms : first_due_ms(blocks, &slot);
	const struct sunspec_block *block = &blocks->block[slot];
	uint16_t left = (uint16_t)(block->n - blocks->read_n);

	if (due_ms > now_ms)
		return due_ms;
	blocks->slot = slot;
	request->function = MODBUS_READ_HOLDING;
	request->address = (uint16_t)(block->address + blocks->read_n);
	request->count = left < blocks->chunk ? left : blocks->chunk;
	return due_ms;
}

static enum sunspec_blocks_news block_take(struct sunspec_blocks *blocks, int64_t now_ms)
{
	unsigned slot = blocks->slot;
	struct sunspec_block *block = &blocks->block[slot];

	if (blocks->partial.value[0] != block->id ||
	    blocks->partial.value[1] != blocks->length[slot])
		return BLOCKS_MOVED;
	memcpy(block->value, blocks->partial.value, sizeof block->value);
	block->stamp_ms = now_ms;
	blocks->read_n = 0;
	blocks->due_ms[slot] +=
		sunspec_slot_measures(slot) ? blocks->poll_ms : kinds[slot].period_ms;
	if (blocks->due_ms[slot] <= now_ms)
		blocks->due_ms[slot] = now_ms + 1;
	return BLOCKS_TAKEN;
}

enum sunspec_blocks_news sunspec_blocks_done(struct sunspec_blocks *blocks,
					     const struct modbus_request *request,
					     const struct modbus_answer *answer)
{
	if (answer->result == MODBUS_ANSWERED) {
		memcpy(&blocks->partial.value[blocks->read_n], answer->value,
		       request->count * sizeof answer->value[0]);
		blocks->read_n += request->count;
		return blocks->read_n >= blocks->block[blocks->slot].n
			       ? block_take(blocks, answer->arrived_ms)
			       : BLOCKS_NOTHING;
	}
	blocks->read_n = 0;
	if (answer->result != MODBUS_REFUSED)
		return BLOCKS_NOTHING;
	if (blocks->chunk > CHUNK_SMALL && request->count > CHUNK_SMALL) {
		blocks->chunk = CHUNK_SMALL; /* some devices give no more at once */
		return BLOCKS_NOTHING;
	}
	return BLOCKS_REFUSED;
}

bool sunspec_blocks_reading(const struct sunspec_blocks *blocks)
{
	return blocks->read_n > 0;
}

bool sunspec_blocks_complete(const struct sunspec_blocks *blocks)
{
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		if (blocks->block[i].n && blocks->block[i].stamp_ms == 0)
			return false;
	return true;
}

bool sunspec_slot_measures(enum sunspec_slot slot)
{
	return kinds[slot].period_ms == 0;
}

int64_t sunspec_blocks_oldest_ms(const struct sunspec_blocks *blocks, int64_t now_ms)
{
	int64_t oldest_ms = now_ms;

	for (unsigned i = 0; i < SLOT_COUNT; i++)
		if (blocks->block[i].n && sunspec_slot_measures(i) &&
		    blocks->block[i].stamp_ms < oldest_ms)
			oldest_ms = blocks->block[i].stamp_ms;
	return oldest_ms;
}
