/*
 * Random banks, random lines, random faults, random gaps between looks: the laws hold whatever
 * happens. Usage: prop_twin [SEED [BANKS]]; the seed is printed.
 */
#include <CUnit/Basic.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tests/twin_site.h"

struct random_source {
	uint64_t s;
};

struct trial {
	struct rig fine,
		coarse; /* same plant and lines, looked at in small steps and in big ones */
	int64_t heartbeat_ms, enable_ms,
		change_ms; /* last true; last true; last change of a line */
	struct twin_truth last;
};

static uint64_t seed = 20260923, banks = 60;

/* SplitMix64: not the generator of the plant. */
static uint64_t draw(struct random_source *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static unsigned below(struct random_source *r, unsigned n)
{
	return (unsigned)(draw(r) % n);
}

static void trial_fault(struct random_source *r, struct trial *trial, unsigned n_packs)
{
	static const double value[TWIN_FAULT_COUNT] = {
		[TWIN_CURRENT_LIE] = 9.0, [TWIN_VOLTAGE_LIE] = -6.0, [TWIN_CELL_DRIFT] = 0.3,
		[TWIN_HOT] = 2000.0,      [TWIN_RUNAWAY] = 2.0,      [TWIN_INSULATION] = 10e3,
		[TWIN_SUPPLY] = 12.0,     [TWIN_CLOCK_JUMP] = 60.0,  [TWIN_AMBIENT] = -15.0,
	};
	struct twin_fault fault = {
		.kind = (enum twin_fault_kind)(1 + below(r, TWIN_FAULT_COUNT - 1)),
		.pack = (int)below(r, n_packs + 1) - 1,
		.pole = (enum pole)below(r, POLE_COUNT),
		.input = (enum input_id)below(r, INPUT_COUNT),
		.at_ms = trial->fine.in.now_ms - 1000 + below(r, 500)};

	if (fault.kind >= TWIN_PCS_DEAF && fault.kind <= TWIN_PCS_FAULT)
		fault.pack = -1;
	fault.until_ms = below(r, 4) ? fault.at_ms + 1 + below(r, 5000) : 0;
	fault.value = value[fault.kind];
	CU_ASSERT_EQUAL(twin_inject(trial->fine.twin, &fault),
			twin_inject(trial->coarse.twin, &fault));
}

static void trial_lines(struct random_source *r, struct trial *trial, unsigned n_packs)
{
	struct bank_outputs *out = &trial->fine.out;

	out->heartbeat = below(r, 12) != 0;
	if (below(r, 10) == 0)
		out->pcs_enable = !out->pcs_enable;
	if (below(r, 5) == 0) {
		bool *coil = &out->pack[below(r, n_packs)].coil[below(r, POLE_COUNT)];

		*coil = !*coil;
		trial->change_ms = trial->fine.in.now_ms;
	}
	if (below(r, 3) == 0) {
		out->pcs[0].run = below(r, 6) != 0;
		out->pcs[0].p_w = (double)below(r, 60000) - 30000.0;
	}
	trial->coarse.out = *out;
}

/* Both twins through the same gap with the same lines. */
static void trial_step(struct random_source *r, struct trial *trial)
{
	int64_t gap = below(r, 3) ? 100 : 1 + below(r, 999), now = trial->fine.in.now_ms + gap;

	twin_apply(trial->fine.twin, trial->fine.in.now_ms, &trial->fine.out);
	twin_apply(trial->coarse.twin, trial->coarse.in.now_ms, &trial->coarse.out);
	if (trial->fine.out.heartbeat)
		trial->heartbeat_ms = trial->fine.in.now_ms;
	if (trial->fine.out.pcs_enable)
		trial->enable_ms = now;
	while (trial->fine.in.now_ms < now) {
		trial->fine.in.now_ms += 1 + below(r, 25);
		if (trial->fine.in.now_ms > now)
			trial->fine.in.now_ms = now;
		twin_gather(trial->fine.twin, &trial->fine.in);
	}
	if (now - trial->heartbeat_ms >= 500)
		trial->change_ms = now;
	trial->coarse.in.now_ms = now;
	twin_gather(trial->coarse.twin, &trial->coarse.in);
	twin_truth(trial->fine.twin, &trial->fine.truth);
	trial->last = trial->coarse.truth;
	twin_truth(trial->coarse.twin, &trial->coarse.truth);
}

static bool all_finite(const struct twin_truth *truth, unsigned n_packs)
{
	double sum = truth->bus_v + truth->cap_v + truth->dc_w + truth->ac_w + truth->dc_a;

	for (unsigned k = 0; k < n_packs; k++) {
		const struct twin_pack_truth *pack = &truth->pack[k];

		sum += pack->v + pack->a + pack->soc + pack->e_v + pack->r_ohm + pack->temp_max_c +
		       pack->cell_min_v + pack->cell_max_v + pack->peak_a + pack->resistor_j;
	}
	return isfinite(sum);
}

static bool conducts(const struct twin_pack_truth *pack)
{
	return pack->closed[POLE_NEGATIVE] &&
	       (pack->closed[POLE_POSITIVE] || pack->closed[POLE_PRECHARGE]);
}

/* Nothing is heard from the future, nothing goes back. */
static void check_samples(const struct trial *trial, unsigned n_packs)
{
	const struct bank_inputs *in = &trial->coarse.in;

	CU_ASSERT_TRUE(in->bus.stamp_ms <= in->now_ms && in->pcs[0].stamp_ms <= in->now_ms);
	CU_ASSERT_TRUE(in->meter.stamp_ms <= in->now_ms && in->imd.stamp_ms <= in->now_ms);
	for (unsigned k = 0; k < n_packs; k++) {
		const struct pack_sample *pack = &in->pack[k];

		CU_ASSERT_TRUE(pack->electrical_ms <= in->now_ms && pack->cells_ms <= in->now_ms);
		CU_ASSERT_TRUE(pack->temps_ms <= in->now_ms && pack->bms_ms <= in->now_ms);
		CU_ASSERT_TRUE(trial->coarse.truth.pack[k].loaded_breaks >=
			       trial->last.pack[k].loaded_breaks);
		CU_ASSERT_TRUE(trial->coarse.truth.pack[k].excess_s >=
			       trial->last.pack[k].excess_s);
	}
}

/* Kirchhoff at the bar, and no current where no path is. */
static void check_currents(const struct trial *trial, unsigned n_packs, bool faults)
{
	const struct twin_truth *truth = &trial->coarse.truth;
	double a = 0.0, source_w = 0.0;
	bool main_path = false, pre_charging = false;

	for (unsigned k = 0; k < n_packs; k++) {
		const struct twin_pack_truth *pack = &truth->pack[k];

		if (!conducts(pack))
			CU_ASSERT_EQUAL(pack->a, 0.0);
		main_path |= pack->closed[POLE_NEGATIVE] && pack->closed[POLE_POSITIVE];
		pre_charging |= conducts(pack) && !pack->closed[POLE_POSITIVE];
		a += pack->a;
		source_w += pack->a * (pack->v + pack->a * pack->r_ohm);
		CU_ASSERT_TRUE(pack->cell_min_v <= pack->cell_max_v);
	}
	/* Only once the contacts have been at rest for some time is there no capacitor current. */
	if (main_path && !pre_charging && !faults &&
	    trial->coarse.in.now_ms - trial->change_ms > 1500) {
		CU_ASSERT_DOUBLE_EQUAL(a, truth->dc_a + truth->load_a, 1e-3 + 1e-5 * fabs(a));
		CU_ASSERT_TRUE(source_w >= truth->cap_v * (truth->dc_a + truth->load_a) - 1.0);
	}
}

/* The hardware chain works without anybody's help. */
static void check_chain(const struct trial *trial, unsigned n_packs, bool faults)
{
	const struct twin_truth *truth = &trial->coarse.truth;
	int64_t now = trial->coarse.in.now_ms;

	CU_ASSERT_TRUE(fabs(truth->ac_w) <= 30e3 * 1.001);
	/* A chip that is gone keeps its lines until the relay has seen no edge for its time. */
	if ((now - trial->enable_ms > 45 && !faults) || now - trial->heartbeat_ms > 545)
		CU_ASSERT_EQUAL(truth->ac_w, 0.0);
	if (now - trial->heartbeat_ms <= 600 || faults)
		return;
	for (unsigned k = 0; k < n_packs; k++)
		CU_ASSERT_FALSE(conducts(&truth->pack[k]));
}

/* How often the plant is looked at does not change what happens in it. */
static void check_steps(const struct trial *trial, unsigned n_packs)
{
	for (unsigned k = 0; k < n_packs; k++) {
		const struct twin_pack_truth *fine = &trial->fine.truth.pack[k];
		const struct twin_pack_truth *coarse = &trial->coarse.truth.pack[k];

		CU_ASSERT_DOUBLE_EQUAL(fine->soc, coarse->soc, 1e-3);
		CU_ASSERT_DOUBLE_EQUAL(fine->temp_max_c, coarse->temp_max_c, 0.5);
		for (int pole = 0; pole < POLE_COUNT; pole++)
			CU_ASSERT_EQUAL(fine->closed[pole], coarse->closed[pole]);
	}
}

static void trial_begin(struct random_source *r, struct trial *trial, unsigned n_packs)
{
	static const enum chemistry mix[4] = {CHEMISTRY_LMO, CHEMISTRY_NMC, CHEMISTRY_NCA,
					      CHEMISTRY_LFP};

	memset(trial, 0, sizeof(*trial));
	rig_init(&trial->fine, n_packs, CHEMISTRY_NMC);
	trial->fine.config.seed = draw(r);
	trial->fine.config.spread = below(r, 3) ? 1.0 : 0.0;
	trial->fine.config.noise = below(r, 3) ? 1.0 : 0.0;
	trial->fine.config.load_w = below(r, 2) ? 0.0 : 150.0;
	for (unsigned k = 0; k < n_packs; k++) {
		trial->fine.site.pack[k].model.chemistry = mix[below(r, 4)];
		trial->fine.config.pack[k].soc = 0.1 + 0.008 * below(r, 100);
	}
	trial->coarse = trial->fine;
	if (!rig_start(&trial->fine) || !rig_start(&trial->coarse))
		abort();
	trial->enable_ms = trial->heartbeat_ms = trial->fine.in.now_ms;
}

static void the_laws_hold_whatever_happens(void)
{
	struct trial *trial = malloc(sizeof(*trial));
	struct random_source r = {seed};

	if (!trial)
		abort();
	for (uint64_t bank = 0; bank < banks; bank++) {
		unsigned n_packs = 1 + below(&r, 6), failures = CU_get_number_of_failure_records();
		bool faults = below(&r, 2) != 0;

		trial_begin(&r, trial, n_packs);
		for (int step = 0; step < 250; step++) {
			trial_lines(&r, trial, n_packs);
			if (faults && below(&r, 20) == 0)
				trial_fault(&r, trial, n_packs);
			trial_step(&r, trial);
			CU_ASSERT_TRUE_FATAL(all_finite(&trial->coarse.truth, n_packs));
			check_samples(trial, n_packs);
			check_currents(trial, n_packs, faults);
			check_chain(trial, n_packs, faults);
			check_steps(trial, n_packs);
			if (CU_get_number_of_failure_records() != failures) {
				printf("bank %" PRIu64 " step %d\n", bank, step);
				break;
			}
		}
		rig_stop(&trial->fine);
		rig_stop(&trial->coarse);
	}
	free(trial);
}

int main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
		{"the_laws_hold_whatever_happens", the_laws_hold_whatever_happens},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"twin", NULL, NULL, NULL, NULL, NULL}, CU_SUITE_INFO_NULL};
	unsigned failed;

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		banks = strtoull(argv[2], NULL, 0);
	printf("prop_twin: seed %" PRIu64 ", %" PRIu64 " banks\n", seed, banks);
	suites[0].pTests = (CU_TestInfo *)(uintptr_t)tests;
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
