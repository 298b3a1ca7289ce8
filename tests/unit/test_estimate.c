/* Usage: test_estimate [DATA-DIRECTORY], by default tests/data (run from the top of the tree). */
#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bank.h"
#include "core/capacity.h"
#include "core/chemistry.h"
#include "core/resistance.h"
#include "core/soc_filter.h"

static const char *data_directory = "tests/data";
static struct bank bank;
static struct bank_outputs out;

static struct estimate *const e = &bank.estimate[0];
static struct pack_now *const now = &bank.now.pack[0];
static struct pack_site *const site = &bank.site.pack[0];

/* ---- a pack that is really there ---- */

struct truth {
	double soc, v1, ah, r0, r1, tau_s; /* cell, with the pack's current */
	double sensor_a;                   /* added by the current sensor */
	double branch_v;                   /* hysteresis */
};

static double noise(void)
{
	static uint32_t x = 1;
	double sum = 0.0;

	for (int i = 0; i < 12; i++) {
		x = x * 1664525u + 1013904223u;
		sum += x / 4294967296.0;
	}
	return sum - 6.0;
}

static void make_bank(enum chemistry chemistry, const struct pack_saved *saved)
{
	memset(&bank, 0, sizeof(bank));
	bank.now_ms = 5000;
	bank.site.n_packs = 1;
	bank.site.plan = (struct plan_site){.soc_floor = 0.1, .soc_ceiling = 0.9};
	site->model = (struct pack_model){.chemistry = chemistry,
					  .cells_series = 96,
					  .capacity_ah = 50.0,
					  .nominal_ah = 65.0,
					  .r_fast_ohm = 0.080,
					  .r_10s_ohm = 0.105,
					  .tau_s = 17.0,
					  .r_growth = 1.5,
					  .v_offset_max_v = 0.5,
					  .i_offset_max_a = 1.0};
	estimate_init(e, site, saved);
	*now = (struct pack_now){.pack_v = (double)NAN,
				 .current_a = (double)NAN,
				 .cell_min_v = (double)NAN,
				 .cell_max_v = (double)NAN,
				 .temp_min_c = 24.0,
				 .temp_max_c = 26.0,
				 .soc = (double)NAN,
				 .electrical_age_s = INFINITY};
}

static struct truth truth_of(double soc)
{
	const double cells = 96.0, growth = 1.5;

	return (struct truth){.soc = soc,
			      .ah = 50.0,
			      .r0 = growth * 0.080 / cells,
			      .r1 = growth * 0.025 / cells / (1.0 - exp(-10.0 / 17.0)),
			      .tau_s = 17.0};
}

/* One step of the controller without a new reading. */
static void step(int64_t ms)
{
	bank.now_ms += ms;
	bank.dt_s = (double)ms / 1000.0;
	estimate_step(&bank, NULL, &out);
	now->electrical_new = now->cells_new = false;
}

static void sample(double v, double a)
{
	now->pack_v = v;
	now->current_a = a;
	now->electrical_new = true;
	now->electrical_age_s = 0.0;
}

/* ms of true current a, then what the sensors say of it. */
static void run(struct truth *t, double a, int64_t ms, double noise_v)
{
	const double dt_s = (double)ms / 1000.0, f = exp(-dt_s / t->tau_s);
	double cell_v;

	t->soc -= a * dt_s / (3600.0 * t->ah);
	t->v1 = f * t->v1 + t->r1 * (1.0 - f) * a;
	cell_v = chemistry_ocv_v(site->model.chemistry, t->soc) + t->branch_v - t->r0 * a - t->v1;
	sample(96.0 * cell_v + noise_v * noise(), a + t->sensor_a);
	step(ms);
}

static void connect(bool connected)
{
	bank.contactor[0].connected = connected;
}

static bool state_is_finite(void)
{
	double sum = e->x[0] + e->x[1] + e->x[2] + e->growth + e->capacity_ah + e->r_fast_ohm;

	for (int i = 0; i < 9; i++)
		sum += e->p[i / 3][i % 3];
	return isfinite(sum) && e->p[0][0] > 0.0 && e->p[1][1] > 0.0 && e->p[2][2] > 0.0;
}

/* ---- starting ---- */

static void nothing_heard_is_nothing_known(void)
{
	make_bank(CHEMISTRY_LMO, NULL);
	for (int i = 0; i < 30; i++)
		step(100);
	CU_ASSERT(isnan(e->soc) && isnan(e->soc_sigma) && isnan(e->e_v));
	CU_ASSERT(isnan(e->e_relaxed_v) && isnan(e->e_dis_wh) && isnan(e->ocv_slope_v));
	CU_ASSERT_FALSE(e->started);
	CU_ASSERT_DOUBLE_EQUAL(e->r_fast_ohm, 0.12, 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(e->r_rel, 0.15, 1e-12);
}

static void open_pack_starts_from_its_voltage(void)
{
	make_bank(CHEMISTRY_LMO, NULL);
	now->soc = 0.9; /* the BMS errs */
	sample(96.0 * 3.777, 0.3);
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(e->soc, chemistry_soc(CHEMISTRY_LMO, 3.777), 0.002);
	CU_ASSERT(e->soc_sigma > 0.02 && e->soc_sigma < 0.06);
	CU_ASSERT_EQUAL(e->e_v, 96.0 * 3.777);
	CU_ASSERT_DOUBLE_EQUAL(e->e_relaxed_v, 96.0 * 3.777, 1.0);
	CU_ASSERT_DOUBLE_EQUAL(e->e_sigma_v, 0.5 + 0.003 * 96.0, 1e-9);
}

static void loaded_pack_starts_from_its_bms_without_trust(void)
{
	make_bank(CHEMISTRY_LFP, NULL);
	connect(true);
	now->soc = 0.42;
	sample(96.0 * 3.29, 10.0);
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(e->soc, 0.42, 0.01);
	CU_ASSERT_DOUBLE_EQUAL(e->soc_sigma, 0.2, 0.02);
}

static void bms_alone_gives_a_soc_but_no_source(void)
{
	make_bank(CHEMISTRY_LMO, NULL);
	now->soc = 0.55;
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(e->soc, 0.55, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(e->soc_sigma, 0.2, 1e-12);
	CU_ASSERT(isnan(e->e_v));
	CU_ASSERT_FALSE(e->started);
}

static void what_was_saved_is_restored_and_met_by_the_first_reading(void)
{
	struct pack_saved saved = {.valid = true,
				   .soc = 0.5,
				   .soc_sigma = 0.01,
				   .capacity_ah = 47.0,
				   .growth = 1.8,
				   .i_offset_a = 0.4};

	make_bank(CHEMISTRY_NMC_SDI, &saved);
	CU_ASSERT_EQUAL(e->capacity_ah, 47.0);
	CU_ASSERT_EQUAL(e->growth, 1.8);
	CU_ASSERT_EQUAL(e->x[2], 0.4);
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(e->soc, 0.5, 1e-9);
	CU_ASSERT(e->soc_sigma < 0.05);
	sample(96.0 * chemistry_ocv_v(CHEMISTRY_NMC_SDI, 0.8), 0.4);
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(e->soc, 0.8, 0.02);
}

static void nonsense_in_the_saved_state_is_not_taken(void)
{
	struct pack_saved saved = {.valid = true,
				   .soc = (double)NAN,
				   .soc_sigma = (double)NAN,
				   .capacity_ah = -3.0,
				   .growth = (double)NAN,
				   .i_offset_a = 1e9};

	make_bank(CHEMISTRY_LMO, &saved);
	CU_ASSERT_EQUAL(e->capacity_ah, 50.0);
	CU_ASSERT_EQUAL(e->growth, 1.5);
	CU_ASSERT_EQUAL(e->x[2], 0.0);
	CU_ASSERT_FALSE(e->started);
	saved = (struct pack_saved){
		.valid = false, .soc = 0.5, .soc_sigma = 0.1, .capacity_ah = 40.0, .growth = 2.0};
	make_bank(CHEMISTRY_LMO, &saved);
	CU_ASSERT_EQUAL(e->capacity_ah, 50.0);
	CU_ASSERT_FALSE(e->started);
}

/* ---- source voltage ---- */

static void source_is_the_voltage_plus_what_the_current_takes(void)
{
	make_bank(CHEMISTRY_LMO, NULL);
	connect(true);
	now->soc = 0.5;
	sample(370.0, 20.0);
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(e->e_v, 370.0 + 20.0 * e->r_fast_ohm, 1e-9);
	sample(380.0, -20.0);
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(e->e_v, 380.0 - 20.0 * e->r_fast_ohm, 1e-9);
	connect(false);
	step(100);
	CU_ASSERT_EQUAL(e->e_v, 380.0);
}

static void stale_readings_leave_no_source_and_a_growing_doubt(void)
{
	struct truth t = truth_of(0.6);
	double sigma;

	make_bank(CHEMISTRY_LMO, NULL);
	connect(true);
	now->soc = 0.6;
	for (int i = 0; i < 600; i++)
		run(&t, 10.0, 1000, 0.0);
	sigma = e->soc_sigma;
	now->pack_v = now->current_a = (double)NAN;
	step(100);
	CU_ASSERT(isnan(e->e_v));
	CU_ASSERT_DOUBLE_EQUAL(e->soc, t.soc, 0.02);
	for (int i = 0; i < 3600; i++)
		step(1000);
	CU_ASSERT(isnan(e->e_v));
	CU_ASSERT(e->soc_sigma > sigma + 0.05);
	CU_ASSERT(state_is_finite());
	run(&t, 10.0, 1000, 0.0);
	CU_ASSERT_FALSE(isnan(e->e_v));
	CU_ASSERT(e->gap_ah > 4.0);
}

static void steps_without_time_or_samples_change_nothing(void)
{
	struct truth t = truth_of(0.6);
	struct estimate before;

	make_bank(CHEMISTRY_LMO, NULL);
	connect(true);
	now->soc = 0.6;
	for (int i = 0; i < 25; i++)
		run(&t, 10.0, 100, 0.0);
	before = *e;
	for (int i = 0; i < 1000; i++)
		step(0);
	CU_ASSERT_EQUAL(memcmp(&before, e, sizeof(before)), 0);
	sample(now->pack_v, now->current_a);
	step(0);
	CU_ASSERT_EQUAL(e->x[0], before.x[0]);
	CU_ASSERT(state_is_finite());
}

/* ---- state of charge ---- */

struct score {
	double rms, worst, covered;
};

/* Two days of irregular cycling between 25 and 85 %, scored after `skip_s`. */
static struct score cycle(struct truth *t, int64_t ms, double hours, double skip_s)
{
	struct score s = {0.0, 0.0, 0.0};
	double a = 15.0, sum = 0.0;
	int64_t n = 0, inside = 0;

	for (int64_t at = 0; (double)at < hours * 3.6e6; at += ms) {
		if (at % 20000 == 0)
			a = (a > 0.0 ? 1.0 : -1.0) * fabs(12.0 + 8.0 * noise());
		if (t->soc < 0.25 && a > 0.0)
			a = -a;
		if (t->soc > 0.85 && a < 0.0)
			a = -a;
		run(t, a, ms, 0.2);
		if ((double)at < skip_s * 1000.0)
			continue;
		sum += (e->soc - t->soc) * (e->soc - t->soc);
		s.worst = fmax(s.worst, fabs(e->soc - t->soc));
		inside += fabs(e->soc - t->soc) <= 2.0 * e->soc_sigma;
		n++;
	}
	s.rms = sqrt(sum / (double)n);
	s.covered = (double)inside / (double)n;
	return s;
}

static void filter_follows_a_pack_with_a_lying_current_sensor(void)
{
	static const enum chemistry family[] = {CHEMISTRY_LMO, CHEMISTRY_NMC_SDI, CHEMISTRY_NMC,
						CHEMISTRY_NCA};

	for (unsigned i = 0; i < 4; i++) {
		struct truth t = truth_of(0.6);
		struct score s;

		t.sensor_a = 0.8;
		make_bank(family[i], NULL);
		connect(true);
		now->soc = 0.65;
		s = cycle(&t, 1000, 48.0, 7200.0);
		CU_ASSERT(s.rms < 0.01);
		CU_ASSERT(s.worst < 0.03);
		CU_ASSERT(s.covered > 0.75);
		CU_ASSERT_DOUBLE_EQUAL(e->x[2], 0.8, 0.25);
	}
}

static void ten_hertz_and_one_hertz_agree(void)
{
	struct truth t = truth_of(0.6);
	struct score s;

	make_bank(CHEMISTRY_LMO, NULL);
	connect(true);
	now->soc = 0.65;
	s = cycle(&t, 100, 6.0, 3600.0);
	CU_ASSERT(s.rms < 0.01 && s.worst < 0.03);
}

static void wrong_capacity_and_resistance_cost_little(void)
{
	struct truth t = truth_of(0.6);
	struct score s;

	t.ah = 58.0; /* believed 15 % too low */
	make_bank(CHEMISTRY_NCA, NULL);
	connect(true);
	now->soc = 0.6;
	s = cycle(&t, 1000, 24.0, 7200.0);
	CU_ASSERT(s.rms < 0.025);
	t = truth_of(0.6);
	t.r0 *= 1.5;
	t.r1 *= 1.5;
	make_bank(CHEMISTRY_LMO, NULL);
	connect(true);
	now->soc = 0.6;
	s = cycle(&t, 1000, 24.0, 7200.0);
	CU_ASSERT(s.rms < 0.025);
}

static void wrong_start_is_left_soon(void)
{
	struct truth t = truth_of(0.7);

	make_bank(CHEMISTRY_NCA, NULL);
	connect(true);
	now->soc = 0.5;
	for (int i = 0; i < 60; i++)
		run(&t, 10.0, 1000, 0.1);
	CU_ASSERT(fabs(e->soc - t.soc) < 0.03);
}

static void open_pack_learns_the_offset_and_keeps_its_charge(void)
{
	struct truth t = truth_of(0.6);

	t.sensor_a = 0.5;
	make_bank(CHEMISTRY_LMO, NULL);
	for (int i = 0; i < 4 * 3600; i++)
		run(&t, 0.0, 1000, 0.1);
	CU_ASSERT_DOUBLE_EQUAL(e->x[2], 0.5, 0.05);
	CU_ASSERT_DOUBLE_EQUAL(e->soc, 0.6, 0.005);
	CU_ASSERT(e->soc_sigma < 0.03);
}

static void garbage_leaves_a_finite_filter(void)
{
	static const double bad[] = {NAN, INFINITY, -INFINITY, 0.0, -1e9, 1e9, 1e300, 350.0};
	struct truth t = truth_of(0.6);

	for (int connected = 0; connected < 2; connected++) {
		make_bank(CHEMISTRY_LMO, NULL);
		connect(connected);
		for (int i = 0; i < 4000; i++) {
			run(&t, 5.0, 100, 0.1);
			if (i % 3)
				continue;
			sample(bad[i / 3 % 8], bad[i / 24 % 8]);
			now->electrical_age_s = i % 5 ? 0.0 : (double)NAN;
			now->temp_min_c = i % 7 ? 20.0 : (double)NAN;
			now->soc = bad[i % 8];
			now->cell_min_v = bad[i / 2 % 8];
			now->cell_max_v = bad[i / 4 % 8];
			now->cells_new = true;
			step(i % 2 ? 100 : 0);
		}
		CU_ASSERT(state_is_finite());
		CU_ASSERT(e->soc >= 0.0 && e->soc <= 1.0);
		now->temp_min_c = 24.0;
		for (int i = 0; i < 3600; i++)
			run(&t, 0.0, 1000, 0.1);
		CU_ASSERT(state_is_finite());
		CU_ASSERT(fabs(e->soc - t.soc) < 0.1);
	}
}

static void lfp_in_mid_range_admits_that_it_does_not_know(void)
{
	struct truth t = truth_of(0.55);
	double widest = 0.0;

	t.sensor_a = 0.2;
	make_bank(CHEMISTRY_LFP, NULL);
	site->model.i_offset_max_a = 0.5;
	connect(true);
	soc_filter_set(e, site, 0.55, 0.01); /* fresh from an end point */
	step(0);
	CU_ASSERT(e->soc_sigma < 0.05);
	for (int i = 0; i < 48 * 3600; i++) {
		const double a = i / 1800 % 2 ? 10.0 : -10.0;

		t.branch_v = a > 0.0 ? -0.02 : 0.02;
		run(&t, a, 1000, 0.1);
		widest = fmax(widest, e->soc_sigma);
		CU_ASSERT(fabs(e->soc - t.soc) < 3.0 * e->soc_sigma + 0.01);
	}
	CU_ASSERT(widest > 0.05);
	/* charged full, the voltage speaks again */
	for (int i = 0; i < 12 * 3600 && t.soc < 0.985; i++) {
		t.branch_v = 0.02;
		run(&t, -10.0, 1000, 0.1);
	}
	for (int i = 0; i < 300; i++)
		run(&t, -1.5, 1000, 0.1);
	CU_ASSERT(e->soc_sigma < 0.05);
	CU_ASSERT(fabs(e->soc - t.soc) < 0.03);
}

static void energies_reach_from_floor_to_ceiling(void)
{
	make_bank(CHEMISTRY_NMC, NULL);
	sample(96.0 * chemistry_ocv_v(CHEMISTRY_NMC, 0.5), 0.0);
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(e->e_dis_wh, 50.0 * 0.4 * 96.0 * 3.62, 100.0);
	CU_ASSERT_DOUBLE_EQUAL(e->e_cha_wh, 50.0 * 0.4 * 96.0 * 3.88, 100.0);
	make_bank(CHEMISTRY_NMC, NULL);
	sample(96.0 * chemistry_ocv_v(CHEMISTRY_NMC, 0.05), 0.0);
	step(100);
	CU_ASSERT_EQUAL(e->e_dis_wh, 0.0);
}

/* ---- resistance ---- */

static void cold_pack_has_more_resistance(void)
{
	double warm_ohm;

	make_bank(CHEMISTRY_LMO, NULL);
	now->temp_min_c = now->temp_max_c = 25.0;
	step(1000);
	warm_ohm = e->r_10s_ohm;
	now->temp_min_c = now->temp_max_c = 10.0;
	step(1000);
	CU_ASSERT_DOUBLE_EQUAL(e->r_10s_ohm / warm_ohm, 1.58, 0.05 * 1.58);
	now->temp_min_c = (double)NAN;
	step(1000);
	CU_ASSERT_DOUBLE_EQUAL(e->r_10s_ohm, warm_ohm, 1e-12);
	CU_ASSERT(e->r_rel >= 0.4);
}

/* Steps of 20 A held for 90 s, `n` times. */
static void pulses(struct truth *t, int n)
{
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < 900; j++)
			run(t, i % 2 ? -10.0 : 10.0, 100, 0.05);
	}
}

static void resistance_is_learnt_from_steps_but_slowly(void)
{
	struct truth t = truth_of(0.6);
	double first;

	t.r0 *= 1.2;
	t.r1 *= 1.2;
	make_bank(CHEMISTRY_LMO, NULL);
	connect(true);
	now->soc = 0.6;
	pulses(&t, 60);
	CU_ASSERT(e->r_events > 40);
	CU_ASSERT_DOUBLE_EQUAL(e->r_seen, 1.5 * 1.2, 0.05 * 1.8);
	CU_ASSERT(e->growth > 1.5 && e->growth <= 1.5 * 1.02 + 1e-12);
	CU_ASSERT(e->r_rel > 0.1 && e->r_rel < 0.4); /* believed and seen differ still */
	first = e->growth;
	for (int day = 0; day < 20; day++) {
		bank.now_ms += 86400000;
		pulses(&t, 20);
		CU_ASSERT(e->growth <= first * 1.0201);
		first = e->growth;
	}
	CU_ASSERT_DOUBLE_EQUAL(e->growth, 1.8, 0.05 * 1.8);
	CU_ASSERT(e->r_rel >= 0.05 && e->r_rel < 0.12);
}

static void slopes_and_small_steps_teach_nothing(void)
{
	struct truth t = truth_of(0.6);

	make_bank(CHEMISTRY_LMO, NULL);
	connect(true);
	now->soc = 0.6;
	for (int i = 0; i < 20000; i++) /* a ramp of 1 A/s, up and down */
		run(&t, fabs(20.0 - (double)(i % 400) / 10.0), 100, 0.05);
	for (int i = 0; i < 20000; i++) /* steps of 3 A */
		run(&t, i / 300 % 2 ? 3.0 : 0.0, 100, 0.05);
	CU_ASSERT_EQUAL(e->r_events, 0);
	CU_ASSERT_EQUAL(e->growth, 1.5);
}

static void weak_cell_shows_its_own_resistance(void)
{
	make_bank(CHEMISTRY_LMO, NULL);
	connect(true);
	now->soc = 0.6;
	for (int i = 0; i < 10; i++) {
		const double a = i % 2 ? 20.0 : 0.0;

		sample(370.0 - 0.12 * a, a);
		now->cell_min_v = 3.80 - 0.0025 * a;
		now->cell_max_v = 3.90 - 0.00125 * a;
		now->cells_new = true;
		step(1000);
	}
	CU_ASSERT_DOUBLE_EQUAL(e->r_cell_ohm, 0.0025, 0.0002);
	CU_ASSERT_EQUAL(e->cells_v, now->pack_v);
	make_bank(CHEMISTRY_LMO, NULL);
	step(1000);
	CU_ASSERT_DOUBLE_EQUAL(e->r_cell_ohm, 1.2 * e->r_fast_ohm / 96.0, 1e-12);
}

/* ---- capacity ---- */

static void capacity_comes_out_of_noisy_pairs(void)
{
	double square_sum = 0.0;

	for (int run_no = 0; run_no < 100; run_no++) {
		double c[6] = {0.0};

		capacity_pair(c, 0.0, 1.0, 0.0004, 1.0, 0.0625); /* believed: as new */
		for (int i = 0; i < 30; i++) {
			const double x = 0.3 + 0.03 * noise(), q = 46.0 / 66.0;
			const double sx = 0.01, sy = 0.25 / 66.0;

			capacity_pair(c, 0.98, x + sx * noise(), sx * sx, q * x + sy * noise(),
				      sy * sy);
		}
		CU_ASSERT(capacity_solve(c) > 0.3 && capacity_solve(c) < 1.3);
		square_sum += pow(capacity_solve(c) / (46.0 / 66.0) - 1.0, 2.0);
	}
	CU_ASSERT(sqrt(square_sum / 100.0) < 0.02);
}

static void absurd_pairs_stay_within_bounds(void)
{
	double c[6] = {0.0};

	capacity_pair(c, 0.0, 0.2, 0.01, 9.0, 0.01);
	CU_ASSERT(capacity_solve(c) <= 1.3);
	capacity_pair(c, 0.0, 0.2, 0.01, -9.0, 0.01);
	CU_ASSERT(capacity_solve(c) >= 0.3);
}

static void capacity_is_learnt_between_rests(void)
{
	struct truth t = truth_of(0.8);
	double before;

	t.ah = 45.0;
	make_bank(CHEMISTRY_NMC_SDI, NULL);
	now->soc = 0.8;
	before = fabs(e->capacity_ah - t.ah);
	for (int i = 0; i < 40; i++) {
		connect(false);
		for (int j = 0; j < 2400; j++)
			run(&t, 0.0, 1000, 0.05);
		connect(true);
		for (int j = 0; j < 5400; j++)
			run(&t, i % 2 ? -15.0 : 15.0, 1000, 0.05);
	}
	CU_ASSERT(fabs(e->capacity_ah - t.ah) < 0.25 * before);
	CU_ASSERT_DOUBLE_EQUAL(e->soh, e->capacity_ah / 65.0, 1e-12);
}

/* ---- a real cell ---- */

struct row {
	double s, a, v;
};

static struct row *rows;
static size_t n_rows;

static bool load_rows(void)
{
	char path[512], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/nissan-leaf-cell/hppc-25c.csv", data_directory);
	file = fopen(path, "r");
	if (!file) {
		perror(path);
		return false;
	}
	free(rows);
	rows = calloc(4096, sizeof(*rows));
	n_rows = 0;
	while (rows && n_rows < 4096 && fgets(line, sizeof(line), file)) {
		struct row *r = &rows[n_rows];

		if (sscanf(line, "%lf,%lf,%lf", &r->s, &r->a, &r->v) == 3)
			n_rows++;
	}
	fclose(file);
	return n_rows > 1000;
}

/* Plays the record at 1 Hz; between its rows the current holds and the voltage runs straight. */
static void play(void (*each)(double soc))
{
	double soc = 1.0;

	for (size_t i = 0; i + 1 < n_rows; i++) {
		const double span_s = rows[i + 1].s - rows[i].s;
		const int n = span_s > 1.5 ? (int)(span_s + 0.5) : 1;

		for (int j = 0; j < n; j++) {
			const double share = (double)j / n;

			sample(rows[i].v + share * (rows[i + 1].v - rows[i].v), rows[i].a);
			step((int64_t)(span_s / n * 1000.0 + 0.5));
			soc -= rows[i].a * span_s / n / 3600.0 / 30.4;
			each(soc);
		}
	}
}

/* The record has no samples in the first minute after each 10 A discharge: no step to learn from.
 */
static void forget_unseen_step(double soc)
{
	(void)soc;
	if (now->current_a > 9.0 && now->current_a < 11.0)
		resistance_forget(e);
}

static double square_sum, worst_error;
static long n_scored;

static void score_soc(double soc)
{
	if (soc < 0.02 || bank.now_ms < 600000)
		return;
	square_sum += (e->soc - soc) * (e->soc - soc);
	worst_error = fmax(worst_error, fabs(e->soc - soc));
	n_scored++;
}

static void make_leaf_cell(void)
{
	make_bank(CHEMISTRY_LMO, NULL);
	site->model.cells_series = 1;
	site->model.capacity_ah = 30.4;
	site->model.nominal_ah = 33.1;
	site->model.r_fast_ohm = 1.60e-3;
	site->model.r_10s_ohm = 2.03e-3;
	site->model.r_growth = 1.0;
	site->model.i_offset_max_a = 0.05;
	now->temp_min_c = now->temp_max_c = 25.0;
	estimate_init(e, site, NULL);
	connect(true);
}

static void leaf_cell_is_followed_from_full_to_empty(void)
{
	CU_ASSERT_FATAL(load_rows());
	make_leaf_cell();
	now->soc = 0.85;
	square_sum = worst_error = 0.0;
	n_scored = 0;
	play(score_soc);
	printf("\n    leaf cell: rms %.2f %%, worst %.2f %% of SoC\n",
	       100.0 * sqrt(square_sum / (double)n_scored), 100.0 * worst_error);
	CU_ASSERT(n_scored > 30000);
	CU_ASSERT(sqrt(square_sum / (double)n_scored) < 0.01);
	CU_ASSERT(worst_error < 0.025);
}

static void leaf_cell_tells_its_resistance(void)
{
	CU_ASSERT_FATAL(load_rows());
	make_leaf_cell();
	now->soc = 1.0;
	play(forget_unseen_step);
	printf("\n    leaf cell: %u steps, %.3f of 2.03 mohm\n", e->r_events, e->r_seen);
	CU_ASSERT(e->r_events >= 8);
	CU_ASSERT_DOUBLE_EQUAL(e->r_seen, 1.0, 0.05);
}

int main(int argc, char **argv)
{
	CU_TestInfo starting[] = {
		{"nothing heard is nothing known", nothing_heard_is_nothing_known},
		{"open pack starts from its voltage", open_pack_starts_from_its_voltage},
		{"loaded pack starts from its bms without trust",
		 loaded_pack_starts_from_its_bms_without_trust},
		{"bms alone gives a soc but no source", bms_alone_gives_a_soc_but_no_source},
		{"what was saved is restored and met by the first reading",
		 what_was_saved_is_restored_and_met_by_the_first_reading},
		{"nonsense in the saved state is not taken",
		 nonsense_in_the_saved_state_is_not_taken},
		CU_TEST_INFO_NULL,
	};
	CU_TestInfo source[] = {
		{"source is the voltage plus what the current takes",
		 source_is_the_voltage_plus_what_the_current_takes},
		{"stale readings leave no source and a growing doubt",
		 stale_readings_leave_no_source_and_a_growing_doubt},
		{"steps without time or samples change nothing",
		 steps_without_time_or_samples_change_nothing},
		CU_TEST_INFO_NULL,
	};
	CU_TestInfo charge[] = {
		{"filter follows a pack with a lying current sensor",
		 filter_follows_a_pack_with_a_lying_current_sensor},
		{"ten hertz and one hertz agree", ten_hertz_and_one_hertz_agree},
		{"wrong capacity and resistance cost little",
		 wrong_capacity_and_resistance_cost_little},
		{"wrong start is left soon", wrong_start_is_left_soon},
		{"open pack learns the offset and keeps its charge",
		 open_pack_learns_the_offset_and_keeps_its_charge},
		{"garbage leaves a finite filter", garbage_leaves_a_finite_filter},
		{"lfp in mid range admits that it does not know",
		 lfp_in_mid_range_admits_that_it_does_not_know},
		{"energies reach from floor to ceiling", energies_reach_from_floor_to_ceiling},
		{"leaf cell is followed from full to empty",
		 leaf_cell_is_followed_from_full_to_empty},
		CU_TEST_INFO_NULL,
	};
	CU_TestInfo learning[] = {
		{"cold pack has more resistance", cold_pack_has_more_resistance},
		{"resistance is learnt from steps but slowly",
		 resistance_is_learnt_from_steps_but_slowly},
		{"slopes and small steps teach nothing", slopes_and_small_steps_teach_nothing},
		{"weak cell shows its own resistance", weak_cell_shows_its_own_resistance},
		{"leaf cell tells its resistance", leaf_cell_tells_its_resistance},
		{"capacity comes out of noisy pairs", capacity_comes_out_of_noisy_pairs},
		{"absurd pairs stay within bounds", absurd_pairs_stay_within_bounds},
		{"capacity is learnt between rests", capacity_is_learnt_between_rests},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"starting", NULL, NULL, NULL, NULL, starting},
				 {"source", NULL, NULL, NULL, NULL, source},
				 {"charge", NULL, NULL, NULL, NULL, charge},
				 {"learning", NULL, NULL, NULL, NULL, learning},
				 CU_SUITE_INFO_NULL};
	unsigned failed;

	if (argc > 1)
		data_directory = argv[1];
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	free(rows);
	return failed ? 1 : 0;
}
