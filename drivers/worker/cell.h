/*
 * The latest value of one struct between two threads, without a descriptor: whoever reads looks
 * when it suits. No call allocates or waits longer than the other side's memcpy (the lock lends the
 * reader's priority to the writer).
 */
#ifndef REBANK_DRIVERS_WORKER_CELL_H
#define REBANK_DRIVERS_WORKER_CELL_H

#include <stddef.h>
#include <stdint.h>

struct cell;

/* NULL when out of memory. The value is all zero until the first put. */
struct cell *cell_new(size_t size);
void cell_free(struct cell *cell);
void cell_put(struct cell *cell, const void *value);
/* Copies the latest value; how often one was put, 0: never. */
uint64_t cell_get(struct cell *cell, void *value);

#endif
