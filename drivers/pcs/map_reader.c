#include "drivers/pcs/map_reader.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool comes_before(const struct map_place *a, const struct map_place *b)
{
	if (a->unit != b->unit)
		return a->unit < b->unit;
	if (a->function != b->function)
		return a->function < b->function;
	return a->address < b->address;
}

/* Extends the block, or refuses: only neighbours are read together, a gap may not be readable. */
static bool block_extend(struct map_block *block, const struct map_place *place)
{
	unsigned end = (unsigned)place->address + map_size(place->type);

	if (block->count == 0 || block->unit != place->unit || block->function != place->function ||
	    place->address > block->address + block->count ||
	    end > (unsigned)block->address + MODBUS_READ_LIMIT)
		return false;
	if (end > (unsigned)block->address + block->count)
		block->count = (uint16_t)(end - block->address);
	return true;
}

void map_reader_init(struct map_reader *reader, const struct register_map *map)
{
	const struct map_place *sorted[MAP_READS_MAX];

	memset(reader, 0, sizeof *reader);
	reader->map = map;
	for (unsigned w = 0; w < MAP_WHATS; w++)
		reader->value[w] = (double)NAN;
	for (unsigned i = 0; i < map->n_reads; i++) {
		const struct map_place *place = &map->read[i].at;
		unsigned at = i;

		for (; at > 0 && comes_before(place, sorted[at - 1]); at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = place;
	}
	for (unsigned i = 0; i < map->n_reads; i++) {
		const struct map_place *place = sorted[i];

		if (reader->n_blocks > 0 &&
		    block_extend(&reader->block[reader->n_blocks - 1], place))
			continue;
		reader->block[reader->n_blocks++] =
			(struct map_block){.function = place->function,
					   .unit = place->unit,
					   .address = place->address,
					   .count = (uint16_t)map_size(place->type)};
	}
}

void map_reader_request(const struct map_reader *reader, struct modbus_request *request)
{
	const struct map_block *block = &reader->block[reader->at];

	request->function = block->function;
	request->address = block->address;
	request->count = block->count;
	if (block->unit != MAP_UNIT_OWN)
		request->unit = (uint8_t)block->unit;
}

static double number_at(const struct map_reader *reader, const struct map_read *read)
{
	for (unsigned i = 0; i < reader->n_blocks; i++) {
		const struct map_block *block = &reader->block[i];
		double raw;

		if (block->unit != read->at.unit || block->function != read->at.function ||
		    read->at.address < block->address ||
		    read->at.address + map_size(read->at.type) >
			    (unsigned)block->address + block->count)
			continue;
		raw = map_raw(&read->at, &block->value[read->at.address - block->address]);
		if (read->has_invalid && raw == read->invalid)
			return (double)NAN;
		return raw * read->scale + read->offset;
	}
	return (double)NAN;
}

static void round_take(struct map_reader *reader)
{
	bool seen[MAP_WHATS] = {false};

	for (unsigned i = 0; i < reader->map->n_reads; i++) {
		const struct map_read *read = &reader->map->read[i];
		double value = number_at(reader, read);

		reader->value[read->what] =
			seen[read->what] ? reader->value[read->what] + value : value;
		seen[read->what] = true;
	}
	reader->stamp_ms = reader->first_ms;
}

bool map_reader_take(struct map_reader *reader, const struct modbus_answer *answer)
{
	struct map_block *block = &reader->block[reader->at];

	if (answer->result != MODBUS_ANSWERED) {
		reader->at = 0;
		return false;
	}
	if (reader->at == 0)
		reader->first_ms = answer->arrived_ms;
	memcpy(block->value, answer->value, block->count * sizeof block->value[0]);
	if (++reader->at < reader->n_blocks)
		return false;
	reader->at = 0;
	round_take(reader);
	return true;
}

enum pcs_state map_state(const struct register_map *map, double raw)
{
	for (unsigned i = 0; i < map->n_states; i++)
		if (raw == map->state[i].raw)
			return map->state[i].state;
	return PCS_UNKNOWN;
}

enum pcs_state map_state_told(bool told_to_run, double p_w, double still_w)
{
	if (isnan(p_w))
		return PCS_UNKNOWN;
	return told_to_run || fabs(p_w) > still_w ? PCS_RUNNING : PCS_OFF;
}

void map_state_trouble(const struct register_map *map, enum pcs_state state, double raw, char *text,
		       size_t size)
{
	if (state != PCS_UNKNOWN)
		text[0] = '\0';
	else if (map->n_states == 0)
		snprintf(text, size, "has no state in its map, and does not tell its power");
	else if (isnan(raw))
		snprintf(text, size, "does not tell its state");
	else
		snprintf(text, size, "is in state %.0f, which its map does not know", raw);
}
