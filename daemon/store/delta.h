/*
 * Differences between two copies of the same plain struct, word by word (8 bytes), in few bytes:
 * most words are stamps and counters that move a little, or readings with the coarse resolution of
 * a sensor. Exact: what is decoded equals what was encoded, bit by bit, NaN included.
 */
#ifndef REBANK_STORE_DELTA_H
#define REBANK_STORE_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most bytes one word may take. */
enum { DELTA_WORD_MAX = 5 + 9 };

struct delta_out {
	uint8_t *at, *end;
	size_t next; /* word that would need no gap */
	bool full;   /* something did not fit: what is written is of no use */
};

void delta_start(struct delta_out *out, uint8_t *at, size_t room);

/* Encodes bytes [begin, end) of `now` that differ from `last` (NULL: from all zero; otherwise
 * `last` is brought up to date). Widens to whole words; call with ascending, disjoint ranges. */
void delta_put(struct delta_out *out, const void *now, void *last, size_t begin, size_t end);

/* Applies a stream to `last` of `bytes` bytes. False: the stream is broken. */
bool delta_apply(const uint8_t *stream, size_t size, void *last, size_t bytes);

#endif
