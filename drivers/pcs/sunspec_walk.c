#include "drivers/pcs/sunspec_walk.h"

#include <stddef.h>
#include <string.h>

enum { MARK_HIGH = 0x5375, MARK_LOW = 0x6e53, SILENT_MAX = 3, SHIFTS = 3 };

static const uint16_t bases[] = {40000, 0, 50000};

enum { BASES = sizeof bases / sizeof bases[0] };

/* Offsets at which the next model is looked for: where it should be, then one off. */
static const int shifts[SHIFTS] = {0, -1, 1};

void sunspec_walk_start(struct sunspec_walk *walk)
{
	memset(walk, 0, sizeof *walk);
}

void sunspec_walk_next(const struct sunspec_walk *walk, struct modbus_request *request)
{
	request->function = MODBUS_READ_HOLDING;
	request->address = walk->marked ? (uint16_t)((int)walk->at + shifts[walk->shift])
					: bases[walk->try_base];
	request->count = 2;
}

const struct sunspec_model *sunspec_walk_find(const struct sunspec_walk *walk, uint16_t id)
{
	for (unsigned i = 0; i < walk->n; i++)
		if (walk->model[i].id == id)
			return &walk->model[i];
	return NULL;
}

/* The chain is over; without a common model it was none. */
static void finish(struct sunspec_walk *walk, bool proper)
{
	walk->truncated = !proper;
	walk->state = walk->n > 0 && walk->model[0].id == 1 ? SUNSPEC_FOUND : SUNSPEC_NOT;
}

/* Ids that are given out (SunSpec model definitions, commit 7abdf898, with room for new ones beside
 * the old), and those of vendors. */
static const struct {
	uint16_t first, last;
} families[] = {{1, 19},    {101, 145}, {160, 169}, {201, 229}, {301, 309},     {401, 409},
		{501, 509}, {601, 609}, {701, 799}, {801, 899}, {63001, 63999}, {64001, 65534}};

enum { VENDORS = 63001 };

static bool is_model(unsigned id, unsigned length, uint32_t at)
{
	if (length == 0 || at + 2 + length > UINT16_MAX + 1u)
		return false;
	for (unsigned i = 0; i < sizeof families / sizeof families[0]; i++)
		if (id >= families[i].first && id <= families[i].last)
			return true;
	return false;
}

static bool try_another_shift(struct sunspec_walk *walk)
{
	do {
		if (++walk->shift >= SHIFTS)
			return false;
	} while (walk->n == 0 || (int)walk->at + shifts[walk->shift] > UINT16_MAX - 1);
	return true;
}

static void header_take(struct sunspec_walk *walk, const uint16_t *value)
{
	unsigned id = value[0], length = value[1];
	uint32_t at = (uint32_t)((int)walk->at + shifts[walk->shift]);

	if (id == SUNSPEC_MODEL_END && length == 0) {
		finish(walk, true);
		return;
	}
	/* One off, only the models of the standard are believed: any number may look like one. */
	if (!is_model(id, length, at) || (walk->shift > 0 && id >= VENDORS)) {
		if (!try_another_shift(walk))
			finish(walk, false);
		return;
	}
	walk->corrected += walk->shift > 0;
	walk->shift = 0;
	walk->model[walk->n++] =
		(struct sunspec_model){(uint16_t)id, (uint16_t)at, (uint16_t)length};
	walk->at = at + 2 + length;
	if (walk->n == SUNSPEC_MODELS_MAX || walk->at > UINT16_MAX - 1)
		finish(walk, false);
}

static void marker_take(struct sunspec_walk *walk, const struct modbus_answer *answer)
{
	if (answer->result == MODBUS_ANSWERED && answer->value[0] == MARK_HIGH &&
	    answer->value[1] == MARK_LOW) {
		walk->marked = true;
		walk->base = bases[walk->try_base];
		walk->at = walk->base + 2u;
	} else if (++walk->try_base == BASES) {
		walk->state = SUNSPEC_NOT;
	}
}

void sunspec_walk_done(struct sunspec_walk *walk, const struct modbus_answer *answer)
{
	if (walk->state != SUNSPEC_WALKING)
		return;
	if (answer->result != MODBUS_ANSWERED && answer->result != MODBUS_REFUSED) {
		if (++walk->silent >= SILENT_MAX)
			walk->state = SUNSPEC_NOBODY;
		return;
	}
	walk->silent = 0;
	if (!walk->marked)
		marker_take(walk, answer);
	else if (answer->result == MODBUS_ANSWERED)
		header_take(walk, answer->value);
	else if (!try_another_shift(walk))
		finish(walk, false);
}
