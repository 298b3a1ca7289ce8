/* Whether the wall clock may be believed, with a file of our own to touch. */
#include <CUnit/Basic.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

static char file[] = "/tmp/test_clock.XXXXXX";
static struct clock watched;
static int64_t now_ms, utc_ms;

static void touch(int64_t at_ms)
{
	const struct timespec times[2] = {
		{.tv_sec = at_ms / 1000, .tv_nsec = (long)(at_ms % 1000 * 1000000)},
		{.tv_sec = at_ms / 1000, .tv_nsec = (long)(at_ms % 1000 * 1000000)}};

	CU_ASSERT_EQUAL(utimensat(AT_FDCWD, file, times, 0), 0);
}

static bool after(int64_t ms)
{
	bool synced = false;

	for (; ms > 0; ms -= 100) {
		now_ms += 100;
		utc_ms += 100;
		synced = clock_synced(&watched, now_ms, utc_ms);
	}
	return synced;
}

static void synced_an_hour_ago(void)
{
	watched = (struct clock){.file = file};
	now_ms = 7200000;
	utc_ms = 1790000000000;
	touch(utc_ms - 3600000);
	CU_ASSERT_TRUE(after(2000));
}

static void a_file_touched_within_a_day_is_a_clock_that_is_set(void)
{
	synced_an_hour_ago();
	touch(utc_ms - 25 * 3600000LL);
	CU_ASSERT_FALSE(after(1000));
	watched.file = "/nowhere/at/all";
	CU_ASSERT_FALSE(after(1000));
	watched.file = NULL;
	CU_ASSERT_FALSE(after(1000));
	watched.shared = true;
	CU_ASSERT_TRUE(after(1000));
}

static void a_step_either_way_waits_for_the_next_touch(void)
{
	static const int64_t step_ms[] = {2100, -2100, 3600000, -3600000, 4000000, -86400000};

	for (unsigned i = 0; i < sizeof step_ms / sizeof step_ms[0]; i++) {
		synced_an_hour_ago();
		utc_ms += step_ms[i];
		CU_ASSERT_FALSE(after(100)); /* at once, not with the next look at the file */
		CU_ASSERT_FALSE(after(10000));
		touch(utc_ms);
		CU_ASSERT_TRUE(after(1000));
		CU_ASSERT_TRUE(after(10000));
	}
}

static void slewing_is_no_step(void)
{
	synced_an_hour_ago();
	utc_ms += 1900;
	CU_ASSERT_TRUE(after(1000));
	utc_ms -= 1900;
	CU_ASSERT_TRUE(after(1000));
}

/* A time daemon steps the clock, then touches the file: both before the next tick. */
static void a_step_by_the_time_source_itself_costs_nothing(void)
{
	synced_an_hour_ago();
	utc_ms += 20000;
	touch(utc_ms + 50);
	CU_ASSERT_TRUE(after(100));
	/* The first time of all, on a board without a clock of its own. */
	watched = (struct clock){.file = "/nowhere/at/all"};
	utc_ms = 1000;
	CU_ASSERT_FALSE(after(5000));
	watched.file = file;
	utc_ms = 1790000000000;
	touch(utc_ms + 50);
	CU_ASSERT_TRUE(after(100));
}

/* The file's time lies in the future of a clock that was set back, until that comes again. */
static void a_touch_from_before_a_step_back_never_counts(void)
{
	synced_an_hour_ago();
	touch(utc_ms);
	CU_ASSERT_TRUE(after(1000));
	utc_ms -= 10000;
	CU_ASSERT_FALSE(after(30000));
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(a_file_touched_within_a_day_is_a_clock_that_is_set),
		TEST(a_step_either_way_waits_for_the_next_touch),
		TEST(slewing_is_no_step),
		TEST(a_step_by_the_time_source_itself_costs_nothing),
		TEST(a_touch_from_before_a_step_back_never_counts),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"clock", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	int fd = mkstemp(file);
	unsigned failures;

	if (fd < 0)
		return 2;
	close(fd);
	CU_initialize_registry();
	CU_register_suites(suites);
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	unlink(file);
	return failures > 0;
}
