/* Wall clock, and whether it may be believed. */
#ifndef REBANK_CLOCK_H
#define REBANK_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock {
	bool synced;
	bool shared; /* the operator said that every sender reads this same clock */
	int64_t checked_ms; /* monotonic; 0: never */
};

int64_t clock_monotonic_ms(void);
int64_t clock_utc_ms(void);

/*
 * True when the wall clock follows a time source to better than a second: systemd-timesyncd says
 * so, or the kernel does (chrony, ntpd, PTP). Asks at most once a second; cheap, allocates nothing.
 */
bool clock_synced(struct clock *clock, int64_t now_ms);

#endif
