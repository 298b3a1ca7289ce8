/*
 * Reads everything of a register map, round after round: neighbours in one request, what is known
 * only when every block of the round was answered.
 */
#ifndef REBANK_DRIVERS_PCS_MAP_READER_H
#define REBANK_DRIVERS_PCS_MAP_READER_H

#include "drivers/pcs/map.h"

struct map_block {
	enum modbus_function function;
	int unit;
	uint16_t address, count;
	uint16_t value[MODBUS_READ_LIMIT];
};

struct map_reader {
	const struct register_map *map;
	unsigned n_blocks, at; /* at: the block that is asked next */
	struct map_block block[MAP_READS_MAX];
	int64_t first_ms; /* when the first block of this round arrived */
	/* of the last complete round */
	int64_t stamp_ms;
	double value[MAP_WHATS]; /* NaN: not in the map, or not known */
};

void map_reader_init(struct map_reader *reader, const struct register_map *map);
/* The next request; unit is set only when the map names one. */
void map_reader_request(const struct map_reader *reader, struct modbus_request *request);
/* Takes the answer to it. True: a round is complete, value and stamp_ms are new. An answer that did
 * not come begins the round anew. */
bool map_reader_take(struct map_reader *reader, const struct modbus_answer *answer);
/* The state of a raw number; PCS_UNKNOWN: not in the map. */
enum pcs_state map_state(const struct register_map *map, double raw);
/* The state of a device that does not tell one: by what it was told and took, and by its power. */
enum pcs_state map_state_told(bool told_to_run, double p_w, double still_w);
/* What keeps a converter that answers from being used, in words; "" when its state is known. */
void map_state_trouble(const struct register_map *map, enum pcs_state state, double raw, char *text,
		       size_t size);

#endif
