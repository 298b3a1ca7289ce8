#include "clock.h"

#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

/* Touched by systemd-timesyncd at each synchronisation of this boot; /run is empty after a boot. */
#define TIMESYNC_FILE "/run/systemd/timesync/synchronized"

enum { CHECK_MS = 1000, ERROR_MAX_US = 1000000 };

static int64_t read_ms(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_utc_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

static bool kernel_says_synced(void)
{
	struct timex timex = {.modes = 0}; /* reads only: needs no privilege */
	int state = adjtimex(&timex);

	return state >= 0 && state != TIME_ERROR && !(timex.status & STA_UNSYNC) &&
	       timex.esterror < ERROR_MAX_US;
}

bool clock_synced(struct clock *clock, int64_t now_ms)
{
	if (clock->checked_ms == 0 || now_ms - clock->checked_ms >= CHECK_MS) {
		clock->synced = clock->shared || kernel_says_synced() ||
				access(TIMESYNC_FILE, F_OK) == 0;
		clock->checked_ms = now_ms;
	}
	return clock->synced;
}
