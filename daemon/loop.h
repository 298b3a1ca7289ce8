/*
 * When steps are run: every tick_ms on an absolute grid of CLOCK_MONOTONIC, and at once when a
 * command waits, a driver calls, or the last step asked for one before the next tick.
 */
#ifndef REBANK_LOOP_H
#define REBANK_LOOP_H

#include "tick.h"

struct loop_result {
	uint64_t ticks, immediate, overruns; /* overruns: ticks that were skipped */
	int64_t late_max_ms;
	bool opened; /* false: the orderly stop ran out of time */
};

/*
 * Runs until SIGTERM or SIGINT and then until the bank is open, at most LOOP_STOP_MAX_MS. The
 * signals are blocked by the caller before any thread starts. 0 or -errno.
 */
enum { LOOP_STOP_MAX_MS = 30000 };
int loop_run(struct tick *tick, struct loop_result *result);

#endif
