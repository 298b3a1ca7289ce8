#include "clock.h"

#include <sys/stat.h>
#include <time.h>

/* 12 ppm, a bad crystal kept warm, make a second in a day. */
enum { CHECK_MS = 1000, STEP_MS = 2000, AGE_MAX_S = 24 * 3600, AHEAD_MAX_S = 60 };

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

/* Whoever steps the clock rightly touches the file after it, so that the file is new by the new
 * time. */
static bool set_since_step(const struct clock *clock)
{
	return clock->touched_ms != clock->stepped_touched_ms &&
	       clock->touched_ms >= clock->stepped_ms;
}

/* Whoever synchronises touches the file each time. */
static bool file_says_synced(struct clock *clock, int64_t utc_ms)
{
	struct stat status;
	int64_t age_ms;

	if (!clock->file || stat(clock->file, &status) != 0)
		return false;
	clock->touched_ms =
		(int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
	age_ms = utc_ms - clock->touched_ms;
	if (age_ms < -AHEAD_MAX_S * 1000 || age_ms > AGE_MAX_S * 1000)
		return false;
	if (clock->stepped_ms != 0 && !set_since_step(clock))
		return false;
	clock->stepped_ms = 0;
	return true;
}

static void step_watch(struct clock *clock, int64_t now_ms, int64_t utc_ms)
{
	int64_t offset_ms = utc_ms - now_ms, step_ms = offset_ms - clock->offset_ms;

	if (clock->seen_ms != 0 && (step_ms > STEP_MS || step_ms < -STEP_MS)) {
		clock->stepped_ms = clock->seen_ms + offset_ms;
		clock->stepped_touched_ms = clock->touched_ms;
		clock->checked_ms = 0;
	}
	clock->seen_ms = now_ms;
	clock->offset_ms = offset_ms;
}

bool clock_synced(struct clock *clock, int64_t now_ms, int64_t utc_ms)
{
	step_watch(clock, now_ms, utc_ms);
	if (clock->checked_ms == 0 || now_ms - clock->checked_ms >= CHECK_MS) {
		clock->synced = clock->shared || file_says_synced(clock, utc_ms);
		clock->checked_ms = now_ms;
	}
	return clock->synced;
}
