#include <CUnit/Basic.h>
#include <math.h>
#include <string.h>

#include "core/chemistry.h"

static void curves_rise_and_their_slope_is_positive(void)
{
	for (int c = CHEMISTRY_UNKNOWN + 1; c < CHEMISTRY_COUNT; c++) {
		for (int i = 0; i < 1000; i++) {
			const double z = i / 1000.0, v = chemistry_ocv_v((enum chemistry)c, z);

			CU_ASSERT(chemistry_ocv_v((enum chemistry)c, z + 0.001) > v);
			CU_ASSERT(chemistry_slope_v((enum chemistry)c, z) > 0.0);
		}
	}
}

static void table_points_are_met(void)
{
	CU_ASSERT_DOUBLE_EQUAL(chemistry_ocv_v(CHEMISTRY_LMO, 0.5), 3.916, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(chemistry_ocv_v(CHEMISTRY_NMC_SDI, 0.15), 3.523, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(chemistry_ocv_v(CHEMISTRY_NMC, 0.0), 3.331, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(chemistry_ocv_v(CHEMISTRY_NCA, 1.0), 4.197, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(chemistry_ocv_v(CHEMISTRY_LFP, 0.95), 3.345, 1e-12);
}

static void beyond_the_ends_the_curve_is_held(void)
{
	CU_ASSERT_DOUBLE_EQUAL(chemistry_ocv_v(CHEMISTRY_LMO, -1.0), 3.081, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(chemistry_ocv_v(CHEMISTRY_LMO, 2.0), 4.182, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(chemistry_soc(CHEMISTRY_LMO, 1.0), 0.0, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(chemistry_soc(CHEMISTRY_LMO, 5.0), 1.0, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(chemistry_soc(CHEMISTRY_LFP, INFINITY), 1.0, 1e-12);
}

static void soc_of_the_ocv_is_the_soc(void)
{
	for (int c = CHEMISTRY_UNKNOWN + 1; c < CHEMISTRY_COUNT; c++) {
		for (int i = 0; i <= 997; i++) {
			const double z = i / 997.0;
			const double v = chemistry_ocv_v((enum chemistry)c, z);

			CU_ASSERT_DOUBLE_EQUAL(chemistry_soc((enum chemistry)c, v), z, 1e-9);
		}
	}
}

static void area_is_the_integral_of_the_curve(void)
{
	for (int c = CHEMISTRY_UNKNOWN + 1; c < CHEMISTRY_COUNT; c++) {
		double sum = 0.0;

		for (int i = 0; i < 2000; i++) {
			const double z = (i + 0.5) / 2000.0;

			sum += chemistry_ocv_v((enum chemistry)c, z) / 2000.0;
			CU_ASSERT_DOUBLE_EQUAL(
				chemistry_area_v((enum chemistry)c, (i + 1) / 2000.0), sum, 1e-9);
		}
	}
}

static void only_lfp_has_hysteresis(void)
{
	CU_ASSERT_EQUAL(chemistry_hysteresis_v(CHEMISTRY_LMO, 0.5), 0.0);
	CU_ASSERT_DOUBLE_EQUAL(chemistry_hysteresis_v(CHEMISTRY_LFP, 0.5), 0.019, 1e-12);
}

static void leaf_resistance_follows_temperature_as_measured(void)
{
	CU_ASSERT_DOUBLE_EQUAL(chemistry_r_factor(CHEMISTRY_LMO, 25.0), 1.0, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(chemistry_r_factor(CHEMISTRY_LMO, 10.0), 1.58, 0.05 * 1.58);
	CU_ASSERT_DOUBLE_EQUAL(chemistry_r_factor(CHEMISTRY_LMO, 40.0), 0.95, 0.01);
	CU_ASSERT_EQUAL(chemistry_r_factor(CHEMISTRY_LMO, -80.0),
			chemistry_r_factor(CHEMISTRY_LMO, -30.0));
}

static void unknown_in_is_unknown_out(void)
{
	const enum chemistry bad[] = {CHEMISTRY_UNKNOWN, CHEMISTRY_COUNT, (enum chemistry)99};

	for (int c = CHEMISTRY_UNKNOWN + 1; c < CHEMISTRY_COUNT; c++) {
		CU_ASSERT(isnan(chemistry_ocv_v((enum chemistry)c, NAN)));
		CU_ASSERT(isnan(chemistry_slope_v((enum chemistry)c, NAN)));
		CU_ASSERT(isnan(chemistry_soc((enum chemistry)c, NAN)));
		CU_ASSERT(isnan(chemistry_area_v((enum chemistry)c, NAN)));
		CU_ASSERT(isnan(chemistry_hysteresis_v((enum chemistry)c, NAN)));
		CU_ASSERT(isnan(chemistry_r_factor((enum chemistry)c, NAN)));
	}
	for (int i = 0; i < 3; i++) {
		CU_ASSERT(isnan(chemistry_ocv_v(bad[i], 0.5)));
		CU_ASSERT(isnan(chemistry_slope_v(bad[i], 0.5)));
		CU_ASSERT(isnan(chemistry_soc(bad[i], 3.7)));
		CU_ASSERT(isnan(chemistry_area_v(bad[i], 0.5)));
		CU_ASSERT(isnan(chemistry_sigma_v(bad[i])));
		CU_ASSERT(isnan(chemistry_r_factor(bad[i], 25.0)));
		CU_ASSERT_STRING_EQUAL(chemistry_text(bad[i])->word, "unknown");
	}
}

static void words_differ_and_curves_lie_within_absolute_limits(void)
{
	for (int c = CHEMISTRY_UNKNOWN + 1; c < CHEMISTRY_COUNT; c++) {
		const struct chemistry_text *text = chemistry_text((enum chemistry)c);

		for (int d = CHEMISTRY_UNKNOWN; d < c; d++)
			CU_ASSERT(strcmp(text->word, chemistry_text((enum chemistry)d)->word) != 0);
		CU_ASSERT(chemistry_ocv_v((enum chemistry)c, 0.0) > text->cell_abs_min_v);
		CU_ASSERT(chemistry_ocv_v((enum chemistry)c, 1.0) < text->cell_abs_max_v);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"curves rise and their slope is positive",
		 curves_rise_and_their_slope_is_positive},
		{"table points are met", table_points_are_met},
		{"beyond the ends the curve is held", beyond_the_ends_the_curve_is_held},
		{"soc of the ocv is the soc", soc_of_the_ocv_is_the_soc},
		{"area is the integral of the curve", area_is_the_integral_of_the_curve},
		{"only lfp has hysteresis", only_lfp_has_hysteresis},
		{"leaf resistance follows temperature as measured",
		 leaf_resistance_follows_temperature_as_measured},
		{"unknown in is unknown out", unknown_in_is_unknown_out},
		{"words differ and curves lie within absolute limits",
		 words_differ_and_curves_lie_within_absolute_limits},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"chemistry", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
