/*
 * The whole step against a simulated plant, with sensors, lines, commands and clocks that lie for
 * random times. After every step an oracle that knows the invariants, and of the core's state only
 * the permits of this step and what is latched as welded, looks at what was driven. A second run
 * feeds inputs without any plant behind them.
 *
 *   prop_bank [seed [ticks [step]]]
 *
 * Without ticks: those of PROP_BANK_TICKS in the environment, or 500 000. Three of five have a
 * plant. With a step: prints the last steps up to it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "drivers/sim/twin.h"
#include "tests/fixture.h"
#include "tests/property/bank_garbage.h"
#include "tests/property/bank_lies.h"
#include "tests/property/bank_oracle.h"
#include "tests/property/bank_trace.h"

enum { WORLD_STEPS = 6000, START_MS = 1000, SHOWN_STEPS = 30 };

static struct lies lies;
static struct oracle oracle;
static struct bank bank;
static struct bank_inputs clean, in;
static struct bank_outputs out;
static struct site site;
static struct twin *twin;
static uint64_t seed;
static unsigned long steps = 300000; /* with a plant; two thirds as many without */
static unsigned long shown;          /* this step and those before it are printed; 0: none */
static int64_t next_tick_ms;
static bool clock_lies;

/* ---- a world --------------------------------------------------------------------------------- */

static void vary_frames(struct pack_contactors *contactors)
{
	struct rng *rng = &lies.rng;

	contactors->by_frames = true;
	contactors->has[POLE_NEGATIVE] = contactors->has[POLE_PRECHARGE] = false;
	contactors->has[POLE_POSITIVE] = true;
	contactors->shared_pole = rng_chance(rng, 10);
	contactors->feedback[POLE_POSITIVE] = !rng_chance(rng, 10);
	contactors->feedback[POLE_NEGATIVE] = rng_chance(rng, 60);
	contactors->feedback[POLE_PRECHARGE] = rng_chance(rng, 60);
	contactors->boost_ms = 0;
	contactors->close_ms = 1500 + (int32_t)rng_below(rng, 5000);
	contactors->open_ms = 300 + (int32_t)rng_below(rng, 2000);
	contactors->silence_ms = 1000 + (int32_t)rng_below(rng, 4000);
	contactors->silence_verified = rng_chance(rng, 60);
	contactors->supply_in_chain = rng_chance(rng, 40);
	contactors->precharge_ohm = contactors->precharge_j = 0.;
}

static void vary_pack(struct pack_site *pack)
{
	struct rng *rng = &lies.rng;
	struct pack_contactors *contactors = &pack->contactors;

	if (rng_chance(rng, 10))
		contactors->feedback[POLE_NEGATIVE] = contactors->feedback[POLE_POSITIVE] = false;
	if (rng_chance(rng, 20))
		contactors->feedback[POLE_PRECHARGE] = false;
	if (rng_chance(rng, 5)) {
		contactors->has[POLE_NEGATIVE] = contactors->feedback[POLE_NEGATIVE] = false;
		contactors->shared_pole = true;
	}
	if (rng_chance(rng, 5))
		contactors->has[POLE_PRECHARGE] = contactors->feedback[POLE_PRECHARGE] = false;
	contactors->polarised = rng_chance(rng, 25);
	contactors->boost_ms = rng_chance(rng, 30) ? 50 + (int32_t)rng_below(rng, 500) : 0;
	if (rng_chance(rng, 10)) { /* one contactor between the pack and a shared pole */
		enum pole gone = rng_chance(rng, 50) ? POLE_NEGATIVE : POLE_POSITIVE;
		contactors->has[gone] = contactors->feedback[gone] = false;
		contactors->has[!gone] = contactors->shared_pole = true;
	}
	if (rng_chance(rng, 25))
		vary_frames(contactors);
	if (rng_chance(rng, 10))
		pack->electrical_stale_ms = 2500; /* told once a second */
	pack->serial = rng_chance(rng, 10) ? 0 : pack->serial;
	pack->limit.aux_min_v = rng_chance(rng, 50) ? 11. : 0.;
}

static void vary_site(void)
{
	struct rng *rng = &lies.rng;

	fixture_site(&site, 1 + rng_below(rng, rng_chance(rng, 20) ? 8 : 4));
	site.plan.min_on_ms = site.plan.min_off_ms = 1000 * (int32_t)(1 + rng_below(rng, 20));
	site.plan.settle_ms = 500 + 100 * (int32_t)rng_below(rng, 16);
	site.plan.bank_ops_hour_max = site.plan.pack_ops_day_max = 10000;
	site.has_imd = rng_chance(rng, 40);
	site.imd_stale_ms = 5000;
	site.has_supply = rng_chance(rng, 50);
	site.supply_close_min_v = 21.;
	site.supply_open_v = 18.;
	site.grid.has_meter = rng_chance(rng, 50);
	site.grid.no_meter_export_w = site.grid.no_meter_import_w = 5e3;
	site.grid.measured_at_ac = rng_chance(rng, 70);
	site.grid.ramp_w_s = rng_chance(rng, 50) ? 60e3 : 6e3;
	site.real_contactors = rng_chance(rng, 50);
	for (int id = 0; id < INPUT_COUNT; id++)
		if (rng_chance(rng, 30))
			site.input[id] = (struct input_site){true, 20};
	site.input[INPUT_ESTOP] = (struct input_site){true, 10};
	site.has_pcs_enable = !rng_chance(rng, 20);
	if (rng_chance(rng, 30)) {
		site.n_pcs = 2;
		site.pcs[1] = site.pcs[0];
		site.pcs[0].p_max_w = site.pcs[1].p_max_w = 30e3;
	}
	for (unsigned k = 0; k < site.n_packs; k++)
		vary_pack(&site.pack[k]);
}

static void break_plant(struct twin_config *config)
{
	struct rng *rng = &lies.rng;

	config->n_faults = rng_chance(rng, 60) ? rng_below(rng, 4) : 0;
	for (unsigned i = 0; i < config->n_faults; i++) {
		struct twin_fault *fault = &config->fault[i];
		fault->kind = 1 + (enum twin_fault_kind)rng_below(rng, TWIN_FAULT_COUNT - 1);
		fault->at_ms = rng_below(rng, 300000);
		fault->until_ms = fault->at_ms + 100 + rng_below(rng, 60000);
		fault->pack = (int)rng_below(rng, site.n_packs);
		fault->pole = (enum pole)rng_below(rng, POLE_COUNT);
		fault->input = (enum input_id)rng_below(rng, INPUT_COUNT);
		fault->value = rng_between(rng, -50., 100.);
		if (twin_fault_of_pcs(fault->kind))
			fault->pack = (int)rng_below(rng, site.n_pcs + 1) - 1;
	}
}

static bool new_world(void)
{
	struct rng *rng = &lies.rng;
	struct twin_config config;
	double soc = rng_between(rng, 0.05, 0.97), spread = rng_chance(rng, 60) ? 0.005 : 0.1;

	vary_site();
	twin_config_init(&config);
	config.seed = rng_next(rng);
	config.n_packs = site.n_packs;
	for (unsigned k = 0; k < site.n_packs; k++)
		config.pack[k] =
			(struct twin_pack_config){.soc = soc + spread * rng_between(rng, -0.5, 0.5),
						  .soh = NAN,
						  .r_growth = NAN,
						  .temp_c = NAN};
	break_plant(&config);
	fixture_inputs(&clean, START_MS);
	twin_free(twin);
	twin = twin_new(&site, &config, START_MS);
	bank_init(&bank, &site, NULL);
	lies_begin(&lies, rng_chance(rng, 70));
	clock_lies = rng_chance(rng, 25);
	oracle_begin(&oracle, seed, !clock_lies);
	next_tick_ms = START_MS;
	return twin != NULL;
}

/* ---- a step ---------------------------------------------------------------------------------- */

/* The next step as the shell runs it: when due or asked for; a lying clock comes when it likes. */
static void take_time(void)
{
	struct rng *rng = &lies.rng;
	int64_t asked_ms = out.next_step_ms > clean.now_ms ? out.next_step_ms : clean.now_ms + 1;
	int64_t now_ms = asked_ms < next_tick_ms ? asked_ms : next_tick_ms;

	clean.lateness_ms = 0;
	if (clock_lies && rng_chance(rng, 30)) {
		now_ms = clean.now_ms + (int64_t)rng_below(rng, rng_chance(rng, 20) ? 1500 : 150);
		clean.lateness_ms = (int32_t)rng_below(rng, rng_chance(rng, 10) ? 600 : 60);
	} else if (rng_chance(rng, 5)) {
		int64_t room_ms = now_ms - clean.now_ms;
		now_ms = clean.now_ms + (int64_t)rng_below(rng, (unsigned)room_ms + 1);
	}
	clean.now_ms = now_ms;
	clean.utc_ms = 1700000000000 + now_ms;
	clean.tick = now_ms >= next_tick_ms;
	if (clean.tick)
		next_tick_ms = now_ms + site.tick_ms;
}

static void decide(void)
{
	lies.stopped = bank.dispatch.stopped;
	lies.locked = bank.dispatch.locked;
	lies.disabled = bank.dispatch.disabled != 0;
	lies_command(&lies, &site, &in);
	oracle_before(&oracle, &bank, &in);
	bank_step(&bank, &in, &out);
	if (oracle.step <= shown && oracle.step + SHOWN_STEPS > shown)
		trace_step(&bank, &in, &out);
	oracle_after(&oracle, &bank, &in, &out);
}

static void step(void)
{
	take_time();
	twin_gather(twin, &clean);
	lies_tell(&lies, &site, &clean, &in);
	decide();
	twin_apply(twin, in.now_ms, &out);
}

static void nothing_unsafe_is_driven_whatever_is_read(void)
{
	unsigned long worlds = 0, closings = 0, done = 0;

	memset(&out, 0, sizeof out);
	while (done < steps && !oracle.bad) {
		CU_ASSERT_FATAL(new_world());
		worlds++;
		for (unsigned i = 0; i < WORLD_STEPS && done < steps && !oracle.bad; i++, done++)
			step();
		closings += oracle.closings;
	}
	printf(" (%lu worlds, %lu steps, %lu closings)", worlds, done, closings);
	CU_ASSERT_FALSE(oracle.bad);
	/* A bank that never moves would pass anything. */
	CU_ASSERT(steps < 50000 || closings > worlds);
}

/* ---- no plant -------------------------------------------------------------------------------- */

static void nothing_rises_on_unknown_readings_and_outputs_stay_finite(void)
{
	unsigned long closings = 0;

	oracle.bad = false;
	for (unsigned long done = 0; done < steps * 2 / 3 && !oracle.bad; done++) {
		if (done % WORLD_STEPS == 0) {
			vary_site();
			memset(&clean, 0, sizeof clean);
			fixture_inputs(&clean, START_MS);
			bank_init(&bank, &site, NULL);
			lies_begin(&lies, rng_chance(&lies.rng, 50));
			oracle_begin(&oracle, seed, false);
		}
		clean.now_ms +=
			(int64_t)rng_below(&lies.rng, rng_chance(&lies.rng, 5) ? 1500 : 120);
		clean.tick = rng_chance(&lies.rng, 80);
		lies_garbage(&lies, &site, &out, &clean);
		lies_tell(&lies, &site, &clean, &in);
		decide();
		if (done % WORLD_STEPS == WORLD_STEPS - 1)
			closings += oracle.closings;
	}
	printf(" (%lu closings)", closings);
	CU_ASSERT_FALSE(oracle.bad);
	CU_ASSERT(steps < 50000 || closings > 0);
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		{"nothing_unsafe_is_driven_whatever_is_read",
		 nothing_unsafe_is_driven_whatever_is_read},
		{"nothing_rises_on_unknown_readings_and_outputs_stay_finite",
		 nothing_rises_on_unknown_readings_and_outputs_stay_finite},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"prop_bank", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failures;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 20261127;
	const char *ticks = argc > 2 ? argv[2] : getenv("PROP_BANK_TICKS");
	if (ticks)
		steps = strtoul(ticks, NULL, 0) / 5 * 3;
	shown = argc > 3 ? strtoul(argv[3], NULL, 0) : 0;
	lies.rng.state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	printf("seed %" PRIu64 "\n", seed);
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	twin_free(twin);
	return failures != 0;
}
