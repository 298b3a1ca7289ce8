/*
 * Black box: the inputs and outputs of every step as deltas in a RAM ring, with snapshots of struct
 * bank, so that the last ten minutes can be written out and replayed exactly. The ring is a row of
 * segments; each stands alone, begins with a snapshot and is overwritten as a whole.
 */
#ifndef REBANK_STORE_RECORDER_H
#define REBANK_STORE_RECORDER_H

#include <stdio.h>

#include "core/bank.h"

/* Eight packs at 10 Hz: seven minutes when each of 96 cells changes in every step, an hour when
 * only their extremes are sent. */
enum { RECORDER_BYTES = 6 << 20 };

struct recorder;

/* Allocates everything now (`bytes` of ring, at least two segments). NULL when out of memory. */
struct recorder *recorder_new(size_t bytes);
void recorder_free(struct recorder *recorder);

/* Before each step: `bank` and `in` as bank_step gets them; after it: the outputs. Never allocates.
 */
void recorder_before(struct recorder *recorder, const struct bank *bank,
		     const struct bank_inputs *in);
void recorder_after(struct recorder *recorder, const struct bank_outputs *out);

/* Copies the ring's present content out for another thread to write (no disk here); returns bytes.
 */
size_t recorder_freeze(struct recorder *recorder, void *buffer, size_t size);
size_t recorder_size(const struct recorder *recorder); /* enough for freeze */

/*
 * The same without a copy, for a thread that must not spend the time: pins all that is recorded and
 * goes on in other segments. False while an earlier pin is still being written, or with nothing
 * recorded. Steps that find every segment pinned are not recorded; recorder_lost counts them.
 */
bool recorder_pin(struct recorder *recorder);

/* Gives a pin back unwritten. */
void recorder_unpin(struct recorder *recorder);

/* On another thread, once after each pin: writes what is pinned, then unpins it, written or not.
 * 0 or -errno. */
int recorder_write_pinned(struct recorder *recorder, const char *path);

/* Writes a frozen buffer to `path` through a temporary file, fsync and rename. 0 or -errno. */
int recording_write(const char *path, const void *buffer, size_t size);

/* Steps and bytes recorded since start, snapshots included; steps that were not recorded. */
uint64_t recorder_steps(const struct recorder *recorder);
uint64_t recorder_bytes(const struct recorder *recorder);
uint64_t recorder_lost(const struct recorder *recorder);

/*
 * Replays a recording through bank_step and compares outputs: byte for byte when it was made by
 * this build, else decisions and events exactly and numbers to 1e-9. Prints what it did to `out`,
 * and the first difference. Returns 0: reproduced; 1: differs; 2: unreadable or torn (what is
 * intact is replayed first), or recorded by a build whose structs have another size.
 */
int recording_replay(const char *path, bool verbose, FILE *out);

#endif
