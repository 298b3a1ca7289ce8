#include "hand_bank.h"

static void minimum_and_maximum_poison(void)
{
	CU_ASSERT_EQUAL(num_min(1., 2.), 1.);
	CU_ASSERT_EQUAL(num_min(2., 1.), 1.);
	CU_ASSERT_EQUAL(num_max(1., 2.), 2.);
	CU_ASSERT_EQUAL(num_max(2., 1.), 2.);
	CU_ASSERT_TRUE(isnan(num_min(NAN, 1.)));
	CU_ASSERT_TRUE(isnan(num_min(1., NAN)));
	CU_ASSERT_TRUE(isnan(num_max(NAN, 1.)));
	CU_ASSERT_TRUE(isnan(num_max(1., NAN)));
	CU_ASSERT_EQUAL(num_min(-INFINITY, 1.), -INFINITY);
	CU_ASSERT_EQUAL(num_max(INFINITY, 1.), INFINITY);
}

static void clamp_of_unknown_or_crossed_bounds_is_unknown(void)
{
	CU_ASSERT_EQUAL(num_clamp(5., 0., 3.), 3.);
	CU_ASSERT_EQUAL(num_clamp(-5., 0., 3.), 0.);
	CU_ASSERT_EQUAL(num_clamp(2., 0., 3.), 2.);
	CU_ASSERT_TRUE(isnan(num_clamp(NAN, -30e3, 30e3)));
	CU_ASSERT_TRUE(isnan(num_clamp(1., NAN, 3.)));
	CU_ASSERT_TRUE(isnan(num_clamp(1., 0., NAN)));
	CU_ASSERT_TRUE(isnan(num_clamp(1., 3., 0.)));
}

static void nothing_unknown_is_inside(void)
{
	CU_ASSERT_TRUE(num_inside(1., 1., 1.));
	CU_ASSERT_FALSE(num_inside(0.9, 1., 2.));
	CU_ASSERT_FALSE(num_inside(2.1, 1., 2.));
	CU_ASSERT_FALSE(num_inside(NAN, -INFINITY, INFINITY));
	CU_ASSERT_FALSE(num_inside(1., NAN, 2.));
	CU_ASSERT_FALSE(num_inside(1., 0., NAN));
}

static void otherwise_stands_in_for_unknown_only(void)
{
	CU_ASSERT_EQUAL(num_or(NAN, 7.), 7.);
	CU_ASSERT_EQUAL(num_or(0., 7.), 0.);
	CU_ASSERT_EQUAL(num_or(INFINITY, 7.), INFINITY);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(minimum_and_maximum_poison),
		TEST(clamp_of_unknown_or_crossed_bounds_is_unknown),
		TEST(nothing_unknown_is_inside),
		TEST(otherwise_stands_in_for_unknown_only),
		CU_TEST_INFO_NULL,
	};

	return hand_run("num", tests);
}
