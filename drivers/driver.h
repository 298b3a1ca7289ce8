/*
 * A driver moves bytes to samples and outputs to bytes; it measures and never judges. The control
 * thread calls all of this and none of it may block, allocate or log: slow buses have their own
 * thread (drivers/worker) and meet the driver in a mailbox.
 */
#ifndef REBANK_DRIVERS_DRIVER_H
#define REBANK_DRIVERS_DRIVER_H

#include "core/types.h"

struct driver {
	const char *name;
	void *self;
	/* Brings `in` up to date; in->now_ms and in->utc_ms are set. Touches only its own readings. */
	void (*gather)(void *self, struct bank_inputs *in);
	/* Puts `out` on the wires. All-zero outputs map to the driver's safe state. */
	void (*apply)(void *self, int64_t now_ms, const struct bank_outputs *out);
	/* Readable when something urgent arrived (an edge, a frame that could trip); -1: none. */
	int urgent_fd;
	/* Drives the safe state and frees everything. */
	void (*close)(void *self);
};

#endif
