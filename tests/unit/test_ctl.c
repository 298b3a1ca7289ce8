/* Quantities as people type them on rebankctl's command line. */
#include <CUnit/Basic.h>
#include <math.h>

#include "ctl/ctl.h"

static double power(const char *text)
{
	double power_w = -1.0;

	return ctl_parse_power(text, &power_w) ? power_w : (double)NAN;
}

static double duration(const char *text)
{
	double duration_s = -1.0;

	return ctl_parse_duration(text, &duration_s) ? duration_s : (double)NAN;
}

static double ramp(const char *text)
{
	double ramp_w_s = -1.0;

	return ctl_parse_ramp(text, &ramp_w_s) ? ramp_w_s : (double)NAN;
}

static void powers_carry_their_unit(void)
{
	CU_ASSERT_DOUBLE_EQUAL(power("5kW"), 5000.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(power("800W"), 800.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(power("0.3 MW"), 300000.0, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(power("2.5kw"), 2500.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(power("0W"), 0.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(power("1e1kW"), 10000.0, 0.0);
}

static void a_power_without_a_unit_is_refused(void)
{
	CU_ASSERT(isnan(power("5000")));
	CU_ASSERT(isnan(power("5k")));
}

static void milliwatts_are_refused_as_a_slip_of_megawatts(void)
{
	CU_ASSERT(isnan(power("5mW")));
}

static void what_is_no_power_is_refused(void)
{
	static const char *const words[] = {"",        "W",     "-5kW",   "+5kW", "nanW",
					    "infW",    "0x10W", "1e999W", "5kWh", "5 kW 3",
					    "five kW", ".5kW",  " 5kW",   "5,5kW"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		double value = 7.0;

		CU_ASSERT_FALSE(ctl_parse_power(words[i], &value));
		CU_ASSERT_EQUAL(value, 7.0);
	}
}

static void durations_default_to_seconds(void)
{
	CU_ASSERT_DOUBLE_EQUAL(duration("60"), 60.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(duration("90s"), 90.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(duration("15min"), 900.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(duration("1h"), 3600.0, 0.0);
	CU_ASSERT(isnan(duration("15m")));
	CU_ASSERT(isnan(duration("-60")));
}

static void ramps_are_power_per_second(void)
{
	CU_ASSERT_DOUBLE_EQUAL(ramp("500W/s"), 500.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(ramp("2kW/s"), 2000.0, 0.0);
	CU_ASSERT(isnan(ramp("500")));
	CU_ASSERT(isnan(ramp("500W")));
}

int main(void)
{
	CU_pSuite suite;
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	suite = CU_add_suite("ctl", NULL, NULL);
	CU_ADD_TEST(suite, powers_carry_their_unit);
	CU_ADD_TEST(suite, a_power_without_a_unit_is_refused);
	CU_ADD_TEST(suite, milliwatts_are_refused_as_a_slip_of_megawatts);
	CU_ADD_TEST(suite, what_is_no_power_is_refused);
	CU_ADD_TEST(suite, durations_default_to_seconds);
	CU_ADD_TEST(suite, ramps_are_power_per_second);
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
