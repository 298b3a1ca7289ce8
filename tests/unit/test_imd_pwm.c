/* The insulation monitor's pulses, drawn edge by edge. */
#include <CUnit/Basic.h>
#include <math.h>

#include "drivers/gpio/imd_pwm.h"

static struct imd_pwm imd;
static int64_t now_ns;

static int64_t now_ms(void)
{
	return now_ns / 1000000;
}

static void pulses(double hertz, double duty, int n)
{
	int64_t period_ns = (int64_t)(1e9 / hertz);

	for (int i = 0; i < n; i++) {
		imd_pwm_edge(&imd, now_ns, true);
		imd_pwm_edge(&imd, now_ns + (int64_t)(duty * (double)period_ns), false);
		now_ns += period_ns;
	}
	imd_pwm_edge(&imd, now_ns, true);
}

static struct imd_sample heard(double hertz, double duty)
{
	imd = (struct imd_pwm){0};
	now_ns = 5000000000;
	pulses(hertz, duty, 4);
	return imd_pwm_sample(&imd, now_ms(), 1, 100e3);
}

static void ten_and_twenty_hertz_carry_the_resistance(void)
{
	static const struct {
		double duty, ohm;
	} table[] = {{0.05, 50e6}, {0.5, 1.2e6}, {0.275, 3.6e6}, {0.95, 0.0}, {0.86, 133.3e3}};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		CU_ASSERT_DOUBLE_EQUAL(heard(10.0, table[i].duty).insulation_ohm, table[i].ohm,
				       200.0);
		CU_ASSERT_DOUBLE_EQUAL(heard(20.5, table[i].duty).insulation_ohm, table[i].ohm,
				       200.0);
		CU_ASSERT_FALSE(heard(9.5, table[i].duty).fault);
	}
	CU_ASSERT_EQUAL(heard(10.0, 0.5).stamp_ms, now_ms());
}

static void the_start_estimate_is_unknown_when_good_and_nothing_when_bad(void)
{
	struct imd_sample sample = heard(30.0, 0.08);

	CU_ASSERT(isnan(sample.insulation_ohm) && !sample.fault);
	CU_ASSERT_EQUAL(heard(30.0, 0.92).insulation_ohm, 0.0);
}

static void device_and_earth_lead_faults_are_faults(void)
{
	struct imd_sample sample = heard(40.0, 0.5);

	CU_ASSERT(sample.fault && isnan(sample.insulation_ohm));
	sample = heard(50.0, 0.5);
	CU_ASSERT(sample.fault && isnan(sample.insulation_ohm));
}

static void a_line_that_stands_is_a_fault_of_now(void)
{
	struct imd_sample sample;

	heard(10.0, 0.5);
	sample = imd_pwm_sample(&imd, now_ms() + 300, 1, 100e3);
	CU_ASSERT_FALSE(sample.fault);
	sample = imd_pwm_sample(&imd, now_ms() + 400, 1, 100e3);
	CU_ASSERT(sample.fault && isnan(sample.insulation_ohm));
	CU_ASSERT_EQUAL(sample.stamp_ms, now_ms() + 400);
	imd = (struct imd_pwm){0};
	CU_ASSERT_TRUE(imd_pwm_sample(&imd, now_ms(), 1, 100e3).fault);
}

static void a_frequency_between_two_lets_the_last_value_age(void)
{
	int64_t stamp_ms = heard(10.0, 0.5).stamp_ms;
	struct imd_sample sample;

	pulses(15.0, 0.9, 5);
	sample = imd_pwm_sample(&imd, now_ms(), 1, 100e3);
	CU_ASSERT_EQUAL(sample.stamp_ms, stamp_ms);
	CU_ASSERT_DOUBLE_EQUAL(sample.insulation_ohm, 1.2e6, 1.0);
}

static void one_odd_period_is_not_believed(void)
{
	heard(10.0, 0.5);
	pulses(40.0, 0.5, 1);
	CU_ASSERT_FALSE(imd_pwm_sample(&imd, now_ms(), 1, 100e3).fault);
	pulses(40.0, 0.5, 2);
	CU_ASSERT_TRUE(imd_pwm_sample(&imd, now_ms(), 1, 100e3).fault);
}

static void a_dropped_ok_is_a_fault_unless_the_resistance_says_why(void)
{
	struct imd_sample sample;

	heard(10.0, 0.5); /* 1.2 MOhm */
	CU_ASSERT_TRUE(imd_pwm_sample(&imd, now_ms(), 0, 100e3).fault);
	CU_ASSERT_FALSE(imd_pwm_sample(&imd, now_ms(), -1, 100e3).fault);
	heard(10.0, 0.9); /* 71 kOhm: a trip of its own, which a fault would hide */
	sample = imd_pwm_sample(&imd, now_ms(), 0, 100e3);
	CU_ASSERT_FALSE(sample.fault);
	CU_ASSERT_DOUBLE_EQUAL(sample.insulation_ohm, 70588.0, 50.0);
}

int main(void)
{
	CU_TestInfo tests[] = {
#define T(name) {#name, name}
		T(ten_and_twenty_hertz_carry_the_resistance),
		T(the_start_estimate_is_unknown_when_good_and_nothing_when_bad),
		T(device_and_earth_lead_faults_are_faults),
		T(a_line_that_stands_is_a_fault_of_now),
		T(a_frequency_between_two_lets_the_last_value_age),
		T(one_odd_period_is_not_believed),
		T(a_dropped_ok_is_a_fault_unless_the_resistance_says_why),
#undef T
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"imd_pwm", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 1;
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
