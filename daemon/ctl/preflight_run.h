/*
 * The trial of a site's wiring, line by line, with the DC bus dead: every coil is pulsed alone and
 * every contact watched, inputs are looked at, the emergency stop is pressed, the heartbeat is
 * withheld. Time is what `now_ms` says and passes in `wait` only, so that a test can play the
 * plant.
 */
#ifndef REBANK_CTL_PREFLIGHT_RUN_H
#define REBANK_CTL_PREFLIGHT_RUN_H

#include "plant/gpio.h"

enum {
	PREFLIGHT_ITEMS_MAX = GPIO_USES_MAX + 8,
	PREFLIGHT_STEP_MS = 5,
	PREFLIGHT_ESTOP_WAIT_MS = 60000,
	PREFLIGHT_RELAY_MAX_MS = 700, /* heartbeat relay: 400-600 ms, hazards rule 6 */
};

enum verdict { VERDICT_FAIL = 0, VERDICT_UNPROVEN, VERDICT_PASS };

struct preflight_item {
	enum verdict verdict;
	char what[GPIO_USE_SIZE];
	char text[256];
	int close_ms, open_ms; /* measured; -1: not */
};

struct preflight {
	const struct config *config;
	const struct gpio_setup *setup;
	struct gpio_board *board; /* taken, settled, listening; only inputs and outputs of setup */
	int64_t (*now_ms)(void *context); /* monotonic */
	bool (*wait)(void *context,
		     int ms); /* at least so long; false: the operator wants to end */
	void (*say)(void *context, const struct preflight_item *item); /* each as it is found */
	void (*ask)(void *context, const char *text);                  /* what people must do now */
	void *context;
	/* result */
	bool aborted;
	unsigned n_items;
	struct preflight_item item[PREFLIGHT_ITEMS_MAX];
	/* own */
	bool beat;    /* level of the heartbeat line */
	bool beating; /* it toggles */
	int64_t beat_ms;
};

/* Runs it all, after the items that are there already; every output is inactive afterwards, also
 * when it was ended early. True: nothing failed and nothing was left out. Unproven items are no
 * failures: what has no contact cannot show more. */
bool preflight_run(struct preflight *preflight);

#endif
