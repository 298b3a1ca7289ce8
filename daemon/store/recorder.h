/*
 * Black box: the inputs of every step as deltas in a RAM ring, with snapshots of struct bank, so that
 * the last ten minutes can be written out and replayed exactly.
 */
#ifndef REBANK_STORE_RECORDER_H
#define REBANK_STORE_RECORDER_H

#include <stdio.h>

#include "core/bank.h"

struct recorder;

/* Allocates everything now (`bytes` of ring). NULL when out of memory. */
struct recorder *recorder_new(size_t bytes);
void recorder_free(struct recorder *recorder);

/* Before each step: `bank` and `in` as bank_step gets them; after it: the outputs. Never allocates. */
void recorder_before(struct recorder *recorder, const struct bank *bank,
		     const struct bank_inputs *in);
void recorder_after(struct recorder *recorder, const struct bank_outputs *out);

/* Copies the ring's present content out for another thread to write (no disk here); returns bytes. */
size_t recorder_freeze(struct recorder *recorder, void *buffer, size_t size);
size_t recorder_size(const struct recorder *recorder); /* enough for freeze */

/* Writes a frozen buffer to `path` through a temporary file, fsync and rename. 0 or -errno. */
int recording_write(const char *path, const void *buffer, size_t size);

/*
 * Replays a recording through bank_step and compares outputs: byte for byte when it was made by this
 * build, else decisions and events exactly and numbers to 1e-9. Prints what it did to `out`, and the
 * first difference. Returns 0: reproduced; 1: differs; 2: unreadable or torn.
 */
int recording_replay(const char *path, bool verbose, FILE *out);

#endif
