/*
 * Finds the SunSpec models of a device: the marker "SunS" at 40000, 0 or 50000, then model after
 * model. One request at a time, no clock, no I/O. Takes devices as they are: chains that end in an
 * exception instead of the end model, lengths that are one off, the same model twice.
 */
#ifndef REBANK_DRIVERS_PCS_SUNSPEC_WALK_H
#define REBANK_DRIVERS_PCS_SUNSPEC_WALK_H

#include <stdbool.h>

#include "drivers/modbus/device.h"

enum { SUNSPEC_MODELS_MAX = 64, SUNSPEC_MODEL_END = 0xffff };

enum sunspec_walk_state {
	SUNSPEC_WALKING = 0,
	SUNSPEC_FOUND,  /* the marker, and the common model behind it */
	SUNSPEC_NOT,    /* it answers, and is no SunSpec device */
	SUNSPEC_NOBODY, /* no answer */
};

struct sunspec_model {
	uint16_t id, address, length; /* address of the ID register; length as the device says */
};

struct sunspec_walk {
	enum sunspec_walk_state state;
	unsigned n;
	struct sunspec_model model[SUNSPEC_MODELS_MAX];
	uint16_t base;      /* of the marker */
	bool truncated;     /* the chain has no proper end */
	unsigned corrected; /* lengths that were wrong */
	/* its own */
	unsigned try_base, silent, shift;
	bool marked;
	uint32_t at;
};

void sunspec_walk_start(struct sunspec_walk *walk);
/* While WALKING: the next request, unit untouched. */
void sunspec_walk_next(const struct sunspec_walk *walk, struct modbus_request *request);
void sunspec_walk_done(struct sunspec_walk *walk, const struct modbus_answer *answer);
/* The first of that id; NULL: none. */
const struct sunspec_model *sunspec_walk_find(const struct sunspec_walk *walk, uint16_t id);

#endif
