/*
 * The models of a SunSpec device as blocks that are read in turn: measurements at the pace asked
 * for, what steers it every second, names and ratings seldom. A block that no longer begins with
 * its model's ID and length means another map.
 */
#ifndef REBANK_DRIVERS_PCS_SUNSPEC_BLOCKS_H
#define REBANK_DRIVERS_PCS_SUNSPEC_BLOCKS_H

#include "drivers/pcs/sunspec_pcs.h"

struct sunspec_blocks {
	struct sunspec_block block[SLOT_COUNT]; /* n 0: it has no such model */
	int64_t due_ms[SLOT_COUNT];
	int32_t poll_ms; /* of the measurements */
	/* its own */
	uint16_t length[SLOT_COUNT]; /* as the walk found it */
	unsigned slot, read_n;       /* being read, and registers of it that are there already */
	uint16_t chunk;
	struct sunspec_block partial;
};

enum sunspec_blocks_news {
	BLOCKS_NOTHING = 0, /* the rest is asked for, or all of it again */
	BLOCKS_TAKEN,       /* block[slot] is new */
	BLOCKS_MOVED,       /* another map */
	BLOCKS_REFUSED,     /* block[slot] is not to be had */
};

void sunspec_blocks_forget(struct sunspec_blocks *blocks);
/* Takes the models of interest from a walk that found them; all are due now. */
void sunspec_blocks_find(struct sunspec_blocks *blocks, const struct sunspec_walk *walk,
			 int64_t now_ms);
/* When a block is read next; when that is not later than now_ms, `request` is filled. */
int64_t sunspec_blocks_next(struct sunspec_blocks *blocks, int64_t now_ms,
			    struct modbus_request *request);
enum sunspec_blocks_news sunspec_blocks_done(struct sunspec_blocks *blocks,
					     const struct modbus_request *request,
					     const struct modbus_answer *answer);

/* In the middle of a block, which is not interrupted. */
bool sunspec_blocks_reading(const struct sunspec_blocks *blocks);
/* Every block was read. */
bool sunspec_blocks_complete(const struct sunspec_blocks *blocks);
bool sunspec_slot_measures(enum sunspec_slot slot);
/* Stamp of the oldest measurement; now_ms when there is none. */
int64_t sunspec_blocks_oldest_ms(const struct sunspec_blocks *blocks, int64_t now_ms);

#endif
