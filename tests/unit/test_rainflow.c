#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "core/rainflow.h"

enum { BINS = 16 };

static void add(double histogram[BINS], const struct rainflow_cycle *cycle, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		histogram[(unsigned)cycle[i].range] += cycle[i].count;
}

/* ASTM E1049-85, figure 6: the standard's own example, with its table of counts. */
static void the_example_of_the_standard_is_counted_exactly(void)
{
	static const double series[] = {-2, 1, -3, 5, -1, 3, -4, 4, -2};
	static const double want[BINS] = {[3] = 0.5, [4] = 1.5, [6] = 0.5, [8] = 1.0, [9] = 0.5};
	struct rainflow_cycle cycle[RAINFLOW_STACK];
	double histogram[BINS] = {0};
	struct rainflow r = {0};

	for (unsigned i = 0; i < sizeof series / sizeof series[0]; i++)
		add(histogram, cycle, rainflow_feed(&r, series[i], 0.0, cycle));
	add(histogram, cycle, rainflow_residue(&r, cycle));
	for (unsigned i = 0; i < BINS; i++)
		CU_ASSERT_DOUBLE_EQUAL(histogram[i], want[i], 0.0);
}

static void an_inner_cycle_is_whole_and_keeps_its_mean(void)
{
	static const double series[] = {0, 10, 4, 6, -20, 0};
	struct rainflow_cycle cycle[RAINFLOW_STACK];
	struct rainflow r = {0};
	unsigned n = 0;

	for (unsigned i = 0; i < 6; i++)
		n = rainflow_feed(&r, series[i], 0.0, cycle);
	CU_ASSERT_EQUAL(n, 2); /* 4 .. 6 inside the fall from 10, then half a cycle 0 .. 10 */
	CU_ASSERT_DOUBLE_EQUAL(cycle[0].range, 2.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(cycle[0].mean, 5.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(cycle[0].count, 1.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(cycle[1].range, 10.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(cycle[1].count, 0.5, 0.0);
}

static void small_reversals_and_unknown_samples_do_not_count(void)
{
	struct rainflow_cycle cycle[RAINFLOW_STACK];
	struct rainflow r = {0};
	unsigned n = 0;

	for (unsigned i = 0; i < 1000; i++) {
		n += rainflow_feed(&r, 0.2 + 0.0005 * i + (i % 2 ? 0.002 : -0.002), 0.005, cycle);
		n += rainflow_feed(&r, NAN, 0.005, cycle);
	}
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL(r.depth, 1);
	CU_ASSERT_EQUAL(rainflow_residue(&r, cycle), 1);
	CU_ASSERT_DOUBLE_EQUAL(cycle[0].range, 0.5, 0.01);
}

static void a_full_stack_gives_up_its_oldest_half_cycle(void)
{
	struct rainflow_cycle cycle[RAINFLOW_STACK];
	struct rainflow r = {0};
	double halves = 0.0, first_range = 0.0;

	/* Ever smaller swings close nothing. */
	for (int i = 0; i < 200; i++) {
		unsigned n = rainflow_feed(&r, (i % 2 ? 1.0 : -1.0) * (300 - i), 0.0, cycle);

		CU_ASSERT_TRUE(r.depth <= RAINFLOW_STACK);
		for (unsigned j = 0; j < n; j++) {
			if (halves == 0.0)
				first_range = cycle[j].range;
			CU_ASSERT_DOUBLE_EQUAL(cycle[j].count, 0.5, 0.0);
			halves += 1.0;
		}
	}
	CU_ASSERT_DOUBLE_EQUAL(first_range, 599.0, 0.0);
	halves += rainflow_residue(&r, cycle);
	CU_ASSERT_DOUBLE_EQUAL(halves, 199.0, 0.0);
}

/* ---- stream == batch ---------------------------------------------------------------------- */

enum { WALK = 400 };

static uint64_t seed_state = 12345;

static double uniform(void)
{
	seed_state = seed_state * 6364136223846793005u + 1442695040888963407u;
	return (double)(seed_state >> 11) / 9007199254740992.0;
}

static unsigned reversals(const double *walk, unsigned n, double *out)
{
	unsigned m = 0;

	for (unsigned i = 0; i < n; i++) {
		if (i == 0 || i == n - 1 || (walk[i] - walk[i - 1]) * (walk[i + 1] - walk[i]) < 0.0)
			out[m++] = walk[i];
	}
	return m;
}

/* The rule of section 5.4.4 over the whole history at once, with the points struck out in place. */
static double batch(double *p, unsigned n, double weight[BINS])
{
	double damage = 0.0;
	unsigned at = 2;

	while (at < n) {
		double x = fabs(p[at] - p[at - 1]), y = fabs(p[at - 1] - p[at - 2]);
		bool whole = at > 2;

		if (x < y) {
			at++;
			continue;
		}
		weight[(unsigned)(y * BINS * 0.999)] += whole ? 1.0 : 0.5;
		damage += (whole ? 1.0 : 0.5) * y * y;
		/* A whole cycle strikes out both its points, a half one only the first. */
		for (unsigned i = at - 2; i + (whole ? 2 : 1) < n; i++)
			p[i] = p[i + (whole ? 2 : 1)];
		n -= whole ? 2 : 1;
		at = at > 3 ? at - 2 : 2;
	}
	for (unsigned i = 1; i < n; i++) {
		weight[(unsigned)(fabs(p[i] - p[i - 1]) * BINS * 0.999)] += 0.5;
		damage += 0.5 * (p[i] - p[i - 1]) * (p[i] - p[i - 1]);
	}
	return damage;
}

static double stream(const double *walk, unsigned n, double weight[BINS])
{
	struct rainflow_cycle cycle[RAINFLOW_STACK];
	struct rainflow r = {0};
	double damage = 0.0;

	for (unsigned i = 0; i <= n; i++) {
		unsigned m = i < n ? rainflow_feed(&r, walk[i], 0.0, cycle)
				   : rainflow_residue(&r, cycle);

		for (unsigned j = 0; j < m; j++) {
			weight[(unsigned)(cycle[j].range * BINS * 0.999)] += cycle[j].count;
			damage += cycle[j].count * cycle[j].range * cycle[j].range;
		}
	}
	return damage;
}

static void stream_equals_batch_on_500_random_walks(void)
{
	for (unsigned run = 0; run < 500; run++) {
		double walk[WALK], point[WALK], in_batch[BINS] = {0}, in_stream[BINS] = {0};
		double soc = uniform(), step = 0.02 + 0.3 * uniform(), a, b;

		for (unsigned i = 0; i < WALK; i++) {
			walk[i] = soc;
			soc += step * (uniform() - 0.5);
			soc = soc < 0.0 ? -soc : soc > 1.0 ? 2.0 - soc : soc;
		}
		a = batch(point, reversals(walk, WALK, point), in_batch);
		b = stream(walk, WALK, in_stream);
		CU_ASSERT_DOUBLE_EQUAL(a, b, 1e-9);
		for (unsigned i = 0; i < BINS; i++)
			CU_ASSERT_DOUBLE_EQUAL(in_batch[i], in_stream[i], 0.0);
	}
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(the_example_of_the_standard_is_counted_exactly),
		TEST(an_inner_cycle_is_whole_and_keeps_its_mean),
		TEST(small_reversals_and_unknown_samples_do_not_count),
		TEST(a_full_stack_gives_up_its_oldest_half_cycle),
		TEST(stream_equals_batch_on_500_random_walks),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"rainflow", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
