/* Wall clock, and whether it may be believed. */
#ifndef REBANK_CLOCK_H
#define REBANK_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock {
	bool synced;
	bool shared; /* the operator said that every sender reads this same clock */
	const char *file; /* touched at each synchronisation; NULL: none */
	int64_t checked_ms; /* monotonic; 0: never */
	/* the wall clock is watched for steps */
	int64_t seen_ms, offset_ms; /* last call; wall minus monotonic then; seen_ms 0: never */
	int64_t touched_ms;         /* the file's time when last looked at */
	int64_t stepped_ms;         /* by the new wall clock, not before which it stepped; 0: it has
				     * not, or was set again since */
	int64_t stepped_touched_ms; /* touched_ms as it stepped */
};

int64_t clock_monotonic_ms(void);
int64_t clock_utc_ms(void);

/*
 * True while the wall clock follows a time source: the file was touched within a day, and since the
 * clock last stepped by more than 2 s. A file, not adjtimex: that needs a system call the service is
 * not allowed. Called with both clocks at each tick; asks at most once a second; allocates nothing.
 */
bool clock_synced(struct clock *clock, int64_t now_ms, int64_t utc_ms);

#endif
