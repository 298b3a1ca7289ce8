/*
 * A scenario: a site, a plant, faults and commands at times, and what must hold (tests/scenario).
 * Runs the same bank_step as the daemon against the twin, in virtual time.
 */
#ifndef REBANK_CTL_SCENARIO_H
#define REBANK_CTL_SCENARIO_H

#include <jansson.h>

#include "config/config.h"

struct scenario;

/* Reads a scenario file; mistakes are printed like config's. NULL on any. */
struct scenario *scenario_load(const char *path, FILE *errors);
void scenario_free(struct scenario *scenario);

/* Overrides; NAN / 0 keeps what the file says. */
struct scenario_options {
	uint64_t seed;
	double hours;
	const char *record; /* write a recording of the whole run here; NULL: none */
	bool verbose;       /* print events as they happen */
};

/* Runs it. `result` gets the JSON object of `simulate --json`. Returns the number of expectations
 * and invariants that did not hold. */
int scenario_run(struct scenario *scenario, const struct scenario_options *options, FILE *log,
		 json_t **result);

/* Prints every word a scenario may use: conditions, faults, reasons. */
void scenario_print_words(FILE *out);

#endif
