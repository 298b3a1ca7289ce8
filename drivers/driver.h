/*
 * A driver moves bytes to samples and outputs to bytes; it measures and never judges. The control
 * thread calls all of this and none of it may block, allocate or log: slow buses have their own
 * thread (drivers/worker) and meet the driver in a mailbox.
 */
#ifndef REBANK_DRIVERS_DRIVER_H
#define REBANK_DRIVERS_DRIVER_H

#include "core/types.h"

enum { DRIVER_PLACE_SIZE = 24 };

/* What is wrong on a wire, for the log. */
struct driver_notice {
	int pack;                      /* -1: of no pack */
	char place[DRIVER_PLACE_SIZE]; /* the bus, "" where it is of a pack */
	const char *text;              /* outlives the driver */
	bool has_id;
	uint32_t id;    /* of the last frame or answer it was about */
	uint32_t times; /* so often, since it was last told */
	bool again;
};

struct driver {
	const char *name;
	void *self;
	/* Brings `in` up to date; in->now_ms and in->utc_ms are set. Touches only its own readings. */
	void (*gather)(void *self, struct bank_inputs *in);
	/* Puts `out` on the wires. All-zero outputs map to the driver's safe state. */
	void (*apply)(void *self, int64_t now_ms, const struct bank_outputs *out);
	/* Readable when something arrived that may be urgent (an edge, a frame); -1: none. */
	int urgent_fd;
	/* Called when urgent_fd is readable: takes what is there, and says whether a step must run at
	 * once (an edge, a reading beyond a limit). NULL: always. */
	bool (*urgent)(void *self, int64_t now_ms);
	/* What people are to be told now, one at a time; false: nothing more. NULL: never anything. */
	bool (*notice)(void *self, int64_t now_ms, struct driver_notice *notice);
	/* Drives the safe state and frees everything. */
	void (*close)(void *self);
};

#endif
