/*
 * A pack under test: a shipped profile, and frames put to it at chosen times. Include after CUnit.
 */
#ifndef REBANK_TESTS_WIRE_BENCH_H
#define REBANK_TESTS_WIRE_BENCH_H

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "ctl/candump.h"

struct bench {
	struct config config;
	const struct wire *wire;
	struct wire_state state;
	struct pack_sample sample;
	struct pack_contacts contacts;
};

static struct bench bench;

static inline void bench_start(const char *profile)
{
	config_free(&bench.config);
	CU_ASSERT_EQUAL_FATAL(profile_load(profile, "config/packs", &bench.config, NULL, stderr),
			      0);
	bench.wire = bench.config.pack[0].wire;
	CU_ASSERT_PTR_NOT_NULL_FATAL(bench.wire);
	wire_start(bench.wire, &bench.state, false, &bench.sample, &bench.contacts);
}

static inline void bench_end(void)
{
	config_free(&bench.config);
}

static inline unsigned bytes_of(const char *hex, uint8_t *data, unsigned most)
{
	unsigned n = 0, byte;

	for (; *hex && n < most; hex += 2) {
		while (*hex == ' ')
			hex++;
		CU_ASSERT_EQUAL_FATAL(sscanf(hex, "%2x", &byte), 1);
		data[n++] = (uint8_t)byte;
	}
	return n;
}

static inline enum wire_verdict bench_frame(int64_t ms, uint32_t id, const char *hex)
{
	uint8_t data[8];
	unsigned n = bytes_of(hex, data, 8);

	return wire_decode_frame(bench.wire, &bench.state, ms, id, id > 0x7ff, data, n,
				 &bench.sample, &bench.contacts);
}

/* Called after each frame of a log that was taken. */
typedef void (*bench_look)(double t, uint32_t id);

/* Feeds a log of tests/data/canlogs, frames of `bus` only; returns the number of frames taken. */
static inline unsigned bench_log(const char *name, const char *bus, bench_look look)
{
	struct candump_frame frame;
	char path[256], line[256];
	unsigned taken = 0;
	FILE *file;

	snprintf(path, sizeof path, "tests/data/canlogs/%s.candump", name);
	file = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	while (fgets(line, sizeof line, file)) {
		if (candump_parse(line, &frame) != CANDUMP_FRAME || strcmp(frame.bus, bus) != 0)
			continue;
		int64_t us = frame.us - INT64_C(1700000000) * 1000000;

		if (wire_decode_frame(bench.wire, &bench.state, 1000 + us / 1000, frame.id,
				      frame.ext, frame.data, frame.length, &bench.sample,
				      &bench.contacts) != WIRE_TAKEN)
			continue;
		taken++;
		if (look)
			look((double)us / 1e6, frame.id);
	}
	fclose(file);
	return taken;
}

/* What main does: runs the tests and says whether one failed. */
static inline int bench_run(const char *name, CU_TestInfo *tests)
{
	CU_SuiteInfo suites[] = {{name, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	bench_end();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

#endif
