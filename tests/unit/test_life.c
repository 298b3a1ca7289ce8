#include <math.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "core/bank.h"

static struct bank bank;
static struct bank_inputs in;
static struct bank_outputs out;

static struct life *one_pack(void)
{
	struct pack_site *site = &bank.site.pack[0];
	struct pack_now *now = &bank.now.pack[0];

	memset(&bank, 0, sizeof bank);
	memset(&in, 0, sizeof in);
	memset(&out, 0, sizeof out);
	bank.site.n_packs = 1;
	bank.now_ms = bank.start_ms = 5000000;
	site->model.nominal_ah = 50.0;
	site->limit = (struct pack_limits){.cell_min_v = 3.0,
					   .cell_max_v = 4.1,
					   .pack_min_v = 290.0,
					   .pack_max_v = 395.0,
					   .dis_max_a = 100.0,
					   .cha_max_a = 50.0,
					   .temp_trip_c = 60.0,
					   .insulation_trip_ohm = 50e3};
	*now = (struct pack_now){.pack_v = 360.0,
				 .current_a = 0.0,
				 .cell_min_v = 3.7,
				 .cell_max_v = 3.8,
				 .temp_min_c = 24.0,
				 .temp_max_c = 25.0,
				 .insulation_ohm = NAN};
	bank.estimate[0].soc = 0.5;
	bank.contactor[0].connected = true;
	return &bank.life[0];
}

static void step(int64_t dt_ms)
{
	bank.now_ms += dt_ms;
	bank.dt_s = (double)dt_ms / 1000.0;
	life_step(&bank, &in, &out);
}

static void steps(int64_t ms)
{
	for (; ms > 0; ms -= 100)
		step(100);
}

static void throughput_is_counted_by_direction(void)
{
	struct life *life = one_pack();

	bank.now.pack[0].current_a = 36.0;
	steps(100000);
	CU_ASSERT_DOUBLE_EQUAL(life->ah_dis, 1.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(life->wh_dis, 360.0, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(life->ah_cha, 0.0, 0.0);
	bank.now.pack[0].current_a = -18.0;
	steps(100000);
	CU_ASSERT_DOUBLE_EQUAL(life->ah_dis, 1.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(life->ah_cha, 0.5, 1e-9);
	steps(1000);
	CU_ASSERT_DOUBLE_EQUAL(life->efc, (life->ah_dis + life->ah_cha) / 100.0, 1e-4);
}

static void unknown_readings_and_open_packs_count_nothing(void)
{
	struct life *life = one_pack();

	bank.now.pack[0].current_a = NAN;
	steps(10000);
	bank.now.pack[0].current_a = 36.0;
	bank.now.pack[0].pack_v = NAN;
	steps(1000);
	CU_ASSERT_DOUBLE_EQUAL(life->wh_dis, 0.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(life->ah_dis, 0.01, 1e-9);
	bank.contactor[0].connected = false;
	steps(10000);
	CU_ASSERT_DOUBLE_EQUAL(life->ah_dis, 0.01, 1e-9);
	bank.now.pack[0].temp_max_c = bank.now.pack[0].temp_min_c = NAN;
	bank.estimate[0].soc = NAN;
	memset(life->hours_temp, 0, sizeof life->hours_temp);
	memset(life->hours_soc, 0, sizeof life->hours_soc);
	steps(10000);
	for (unsigned i = 0; i < LIFE_TEMP_BANDS; i++)
		CU_ASSERT_DOUBLE_EQUAL(life->hours_temp[i], 0.0, 0.0);
	for (unsigned i = 0; i < LIFE_SOC_BANDS; i++)
		CU_ASSERT_DOUBLE_EQUAL(life->hours_soc[i], 0.0, 0.0);
}

static void hours_fall_into_their_bands(void)
{
	static const double temp_c[LIFE_TEMP_BANDS] = {0.0, 10.0, 10.1, 30.0, 35.0, 49.9, 50.1};
	static const double soc[LIFE_SOC_BANDS] = {0.0, 0.2, 0.59, 0.6, 1.0};
	struct life *life;

	for (unsigned i = 0; i < LIFE_TEMP_BANDS; i++) {
		life = one_pack();
		bank.now.pack[0].temp_max_c = temp_c[i];
		steps(61000);
		CU_ASSERT_DOUBLE_EQUAL(life->hours_temp[i], 1.0 / 60.0, 0.001);
	}
	for (unsigned i = 0; i < LIFE_SOC_BANDS; i++) {
		life = one_pack();
		bank.estimate[0].soc = soc[i];
		steps(61000);
		CU_ASSERT_DOUBLE_EQUAL(life->hours_soc[i], 1.0 / 60.0, 0.001);
		CU_ASSERT_DOUBLE_EQUAL(life->hours_connected, 1.0 / 60.0, 0.001);
		CU_ASSERT_DOUBLE_EQUAL(life->hours_total, life->hours_connected, 1e-12);
	}
}

static void charging_cold_or_hot_is_counted_only_while_charging(void)
{
	struct life *life = one_pack();

	bank.now.pack[0].temp_min_c = -1.0;
	bank.now.pack[0].temp_max_c = 46.0;
	bank.now.pack[0].current_a = 5.0;
	steps(61000);
	CU_ASSERT_DOUBLE_EQUAL(life->hours_charging_cold, 0.0, 0.0);
	bank.now.pack[0].current_a = -5.0;
	steps(60000);
	CU_ASSERT_DOUBLE_EQUAL(life->hours_charging_cold, 1.0 / 60.0, 0.001);
	CU_ASSERT_DOUBLE_EQUAL(life->hours_charging_hot, 1.0 / 60.0, 0.001);
}

static void a_gap_or_an_earlier_start_adds_no_hours(void)
{
	struct life *life = one_pack();

	steps(2000);
	step(3600000);
	CU_ASSERT_TRUE(life->hours_total < 0.001);
	bank.now_ms = 1000; /* the machine started again; the counters were restored */
	steps(3000);
	CU_ASSERT_TRUE(life->hours_total < 0.002);
	CU_ASSERT_TRUE(life->hours_total > 0.0005);
}

static void a_short_excess_counts_once_until_it_is_clearly_over(void)
{
	struct life *life = one_pack();

	bank.now.pack[0].current_a = 106.0;
	step(10);
	bank.now.pack[0].current_a = 102.0;
	step(10);
	bank.now.pack[0].current_a = 106.0;
	step(10);
	CU_ASSERT_EQUAL(life->over_currents, 1);
	bank.now.pack[0].current_a = NAN;
	step(10);
	bank.now.pack[0].current_a = 106.0;
	step(10);
	CU_ASSERT_EQUAL(life->over_currents, 1);
	bank.now.pack[0].current_a = 0.0;
	step(10);
	bank.now.pack[0].current_a = -53.0;
	step(10);
	CU_ASSERT_EQUAL(life->over_currents, 2);
}

static void each_negative_event_has_its_counter(void)
{
	struct life *life = one_pack();
	struct pack_now *now = &bank.now.pack[0];

	step(100);
	CU_ASSERT_EQUAL(life->deep_discharges + life->over_voltages + life->over_currents +
				life->over_temperatures + life->insulation_faults,
			0);
	now->cell_min_v = 2.99;
	step(100);
	CU_ASSERT_EQUAL(life->deep_discharges, 1);
	now->cell_min_v = 3.7;
	step(100);
	bank.estimate[0].soc = 0.04;
	step(100);
	CU_ASSERT_EQUAL(life->deep_discharges, 2);
	now->cell_max_v = 4.11;
	step(100);
	now->cell_max_v = 4.0;
	step(100);
	now->pack_v = 395.5;
	step(100);
	CU_ASSERT_EQUAL(life->over_voltages, 2);
	now->temp_max_c = 60.5;
	step(100);
	CU_ASSERT_EQUAL(life->over_temperatures, 1);
	now->insulation_ohm = 49e3;
	step(100);
	CU_ASSERT_EQUAL(life->insulation_faults, 1);
}

static void cycles_are_binned_by_depth_and_mean(void)
{
	static const double soc[] = {0.95, 0.82, 0.97, 0.24, 0.81, 0.5, 0.63, 0.3, 0.9};
	struct life *life = one_pack();
	double total = 0.0;

	step(1000);
	memset(&life->rainflow, 0, sizeof life->rainflow);
	for (unsigned i = 0; i < sizeof soc / sizeof soc[0]; i++) {
		bank.estimate[0].soc = soc[i];
		step(1000);
	}
	for (unsigned d = 0; d < LIFE_DOD_BINS; d++) {
		for (unsigned m = 0; m < LIFE_SOC_BANDS; m++)
			total += life->cycles[d][m];
	}
	CU_ASSERT_DOUBLE_EQUAL(life->cycles[1][4], 1.0, 0.0); /* two halves near the top */
	CU_ASSERT_DOUBLE_EQUAL(life->cycles[1][2], 1.0, 0.0); /* 0.5 .. 0.63 inside the fall */
	CU_ASSERT_DOUBLE_EQUAL(total, 2.0, 0.0);
}

static void noise_at_rest_makes_no_cycles(void)
{
	struct life *life = one_pack();

	for (unsigned i = 0; i < 2000; i++) {
		bank.estimate[0].soc = 0.5 + (i % 2 ? 0.0024 : -0.0024);
		step(1000);
	}
	for (unsigned d = 0; d < LIFE_DOD_BINS; d++) {
		for (unsigned m = 0; m < LIFE_SOC_BANDS; m++)
			CU_ASSERT_DOUBLE_EQUAL(life->cycles[d][m], 0.0, 0.0);
	}
}

/* TE EVC250: 50 000 breaks at 100 A, 5 000 at 200 A, 1 at 2 000 A (400 V class). */
static void breaking_wears_as_the_data_sheet_says(void)
{
	CU_ASSERT_DOUBLE_EQUAL(1.0 / life_wear_break(100.0, 100.0), 5e4, 1.0);
	CU_ASSERT_DOUBLE_EQUAL(1.0 / life_wear_break(-200.0, 100.0), 5e3, 100.0);
	CU_ASSERT_TRUE(life_wear_break(2000.0, 100.0) > 0.2);
	CU_ASSERT_TRUE(life_wear_break(1e9, 100.0) <= 1.0);
	CU_ASSERT_TRUE(life_wear_break(5.0, 100.0) < 1e-8);
	CU_ASSERT_DOUBLE_EQUAL(life_wear_break(150.0, 0.0), life_wear_break(150.0, 100.0), 0.0);
	CU_ASSERT_DOUBLE_EQUAL(life_wear_break(NAN, 100.0), 0.0, 0.0);
}

/* Durakool DEVR40: making onto a capacitor, 50 000 times at 90 % precharge and 50 at 80 %. */
static void making_wears_a_thousandfold_below_nine_tenths_of_precharge(void)
{
	double mechanical = life_wear_make(0.0, 1.0, 100.0);

	CU_ASSERT_DOUBLE_EQUAL(mechanical, 1.0 / 2e5, 1e-7);
	CU_ASSERT_DOUBLE_EQUAL(life_wear_make(0.0, 0.9, 100.0) - 1.0 / 2e5, 1.0 / 5e4, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(life_wear_make(0.0, 0.8, 100.0) - 1.0 / 2e5, 1.0 / 50, 1e-6);
	CU_ASSERT_TRUE(life_wear_make(0.0, 0.0, 100.0) <= 1.1);
	CU_ASSERT_DOUBLE_EQUAL(life_wear_make(NAN, NAN, 100.0), 1.0 / 2e5, 1e-12);
}

static void closings_and_openings_are_remembered_per_pole(void)
{
	static struct life life;
	struct contactor_wear *wear = &life.wear[POLE_POSITIVE];

	memset(&life, 0, sizeof life);
	life_count_make(&life, POLE_POSITIVE, -12.0, -1.5, 0.98, 100.0);
	life_count_break(&life, POLE_POSITIVE, 4.0, 361.0, 100.0, 10.0);
	CU_ASSERT_EQUAL(wear->operations, 1);
	CU_ASSERT_EQUAL(wear->loaded_breaks, 0);
	CU_ASSERT_DOUBLE_EQUAL(wear->make_a, 12.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(wear->make_v, 1.5, 0.0);
	life_count_break(&life, POLE_POSITIVE, -80.0, 361.0, 100.0, 10.0);
	life_count_break(&life, POLE_POSITIVE, NAN, 361.0, 100.0, 10.0);
	CU_ASSERT_EQUAL(wear->loaded_breaks, 1);
	CU_ASSERT_DOUBLE_EQUAL(wear->break_a_max, 80.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(wear->miner,
			       life_wear_make(12.0, 0.98, 100.0) + life_wear_break(4.0, 100.0) +
				       life_wear_break(80.0, 100.0),
			       1e-15);
	CU_ASSERT_EQUAL(life.wear[POLE_NEGATIVE].operations, 0);
}

static void wear_of_a_pack_is_that_of_its_worst_contactor(void)
{
	static struct life life;

	memset(&life, 0, sizeof life);
	CU_ASSERT_EQUAL(life_wear(&life), 0.);
	life.wear[POLE_NEGATIVE].miner = 0.3;
	life.wear[POLE_PRECHARGE].miner = 0.7;
	CU_ASSERT_EQUAL(life_wear(&life), 0.7);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(throughput_is_counted_by_direction),
		TEST(unknown_readings_and_open_packs_count_nothing),
		TEST(hours_fall_into_their_bands),
		TEST(charging_cold_or_hot_is_counted_only_while_charging),
		TEST(a_gap_or_an_earlier_start_adds_no_hours),
		TEST(a_short_excess_counts_once_until_it_is_clearly_over),
		TEST(each_negative_event_has_its_counter),
		TEST(cycles_are_binned_by_depth_and_mean),
		TEST(noise_at_rest_makes_no_cycles),
		TEST(breaking_wears_as_the_data_sheet_says),
		TEST(making_wears_a_thousandfold_below_nine_tenths_of_precharge),
		TEST(wear_of_a_pack_is_that_of_its_worst_contactor),
		TEST(closings_and_openings_are_remembered_per_pole),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"life", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
