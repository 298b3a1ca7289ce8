/* The checker must see what it is there to see: outputs that break an invariant, on purpose. */
#include <CUnit/Basic.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/scenario_parts.h"

static struct scenario *scenario;
static struct run *run;

static int set_up_suite(void)
{
	char dir[400], path[512], profiles[512];

	if (!getcwd(dir, sizeof(dir)))
		return 1;
	snprintf(path, sizeof(path), "%s/tests/scenario/sites/four.conf", dir);
	snprintf(profiles, sizeof(profiles), "%s/config/packs", dir);
	scenario = calloc(1, sizeof(*scenario));
	run = calloc(1, sizeof(*run));
	return !scenario || !run || config_load(path, profiles, &scenario->config, stderr) != 0;
}

static int tear_down_suite(void)
{
	twin_free(run->twin);
	config_free(&scenario->config);
	free(scenario);
	free(run);
	return 0;
}

/* A quiet bank: nothing driven, everything permitted. */
static void quiet(void)
{
	if (run->twin)
		twin_free(run->twin);
	memset(run, 0, sizeof(*run));
	run->scenario = scenario;
	run->site = &scenario->config.site;
	run->start_ms = run->now_ms = 1000;
	run->twin = twin_new(run->site, &scenario->config.sim, 1000);
	CU_ASSERT_PTR_NOT_NULL_FATAL(run->twin);
	bank_init(&run->bank, run->site, NULL);
	run->bank.limits.must_w = NAN;
	run->bank.protect.permit = (struct bank_permit){
		.close = true, .power = true, .pcs_enable = true, .hold = true};
	for (unsigned k = 0; k < run->site->n_packs; k++) {
		run->bank.protect.pack[k].permit = (struct permit){.close = true, .hold = true};
		run->out.pack[k].keep_alive = true;
	}
	run->out.bus_min_v = run->out.bus_max_v = 0.0;
	run->in.tick = true;
}

static void check_after(int64_t ms)
{
	run->now_ms += ms;
	run->in.now_ms = run->now_ms;
	run->truth_fresh = false;
	twin_gather(run->twin, &run->in);
	twin_apply(run->twin, run->now_ms, &run->out);
	invariants_check(run, &run->invariants);
}

static bool said(const char *text)
{
	for (unsigned i = 0; i < run->invariants.n_texts; i++)
		if (strstr(run->invariants.text[i], text))
			return true;
	return false;
}

static void a_quiet_bank_breaks_nothing(void)
{
	quiet();
	check_after(100);
	run->out.pcs_enable = true;
	check_after(100);
	CU_ASSERT_EQUAL(run->invariants.violations, 0);
}

static void a_coil_without_a_permit_is_seen(void)
{
	quiet();
	run->bank.protect.pack[1].permit.close = false;
	run->out.pack[1].coil[POLE_NEGATIVE] = true;
	check_after(100);
	CU_ASSERT(said("leaf-b: a coil rose without a permit to close"));
}

static void a_coil_without_the_banks_permit_is_seen(void)
{
	quiet();
	run->bank.protect.permit.close = false;
	run->out.pack[0].coil[POLE_POSITIVE] = true;
	check_after(100);
	CU_ASSERT(said("without a permit to close"));
}

static void two_packs_in_sequence_are_seen(void)
{
	quiet();
	run->out.pack[0].coil[POLE_NEGATIVE] = true;
	check_after(100);
	CU_ASSERT_EQUAL(run->invariants.violations, 0);
	run->out.pack[2].coil[POLE_NEGATIVE] = true;
	check_after(100);
	CU_ASSERT(said("leaf-c: a coil rose while leaf-a is in sequence"));
}

static void enable_during_the_first_precharge_is_seen(void)
{
	quiet();
	run->out.pcs_enable = true;
	run->out.pack[0].coil[POLE_NEGATIVE] = run->out.pack[0].coil[POLE_PRECHARGE] = true;
	check_after(100);
	CU_ASSERT(said("pcs_enable high while the first pack pre-charges"));
}

static void a_hard_closing_onto_an_empty_bus_is_seen(void)
{
	quiet();
	run->out.heartbeat = true;
	run->out.pack[0].coil[POLE_NEGATIVE] = run->out.pack[0].coil[POLE_POSITIVE] = true;
	for (int i = 0; i < 10; i++)
		check_after(100);
	CU_ASSERT(said("leaf-a: joined with a peak of"));
}

static void an_opening_by_choice_under_load_is_seen(void)
{
	quiet();
	run->out.heartbeat = true;
	run->out.pcs_enable = true;
	for (unsigned k = 0; k < 2; k++)
		run->out.pack[k].coil[POLE_NEGATIVE] = run->out.pack[k].coil[POLE_POSITIVE] = true;
	for (int i = 0; i < 10; i++)
		check_after(100);
	run->out.pcs[0] = (struct pcs_output){.run = true, .p_w = 30000.0};
	for (int i = 0; i < 50; i++)
		check_after(100);
	run->out.pack[1].coil[POLE_NEGATIVE] = run->out.pack[1].coil[POLE_POSITIVE] = false;
	check_after(100);
	check_after(100);
	CU_ASSERT(said("leaf-b: opened by choice at"));
	run->out.pack[0].coil[POLE_NEGATIVE] = run->out.pack[0].coil[POLE_POSITIVE] = false;
	check_after(100);
	CU_ASSERT(said("leaf-a: the last pack opened with the converter at"));
}

static void an_emergency_under_load_is_no_choice(void)
{
	quiet();
	run->out.heartbeat = true;
	run->out.pcs_enable = true;
	for (unsigned k = 0; k < 2; k++)
		run->out.pack[k].coil[POLE_NEGATIVE] = run->out.pack[k].coil[POLE_POSITIVE] = true;
	for (int i = 0; i < 10; i++)
		check_after(100);
	run->invariants.n_texts = run->invariants.violations = 0;
	run->invariants.kinds = 0;
	run->invariants.expires_ms = INT64_MAX;
	run->out.pcs[0] = (struct pcs_output){.run = true, .p_w = 30000.0};
	for (int i = 0; i < 50; i++)
		check_after(100);
	run->bank.protect.pack[1].permit =
		(struct permit){.immediate = true, .hold_deadline_ms = run->now_ms + 500};
	run->out.pack[1].coil[POLE_NEGATIVE] = run->out.pack[1].coil[POLE_POSITIVE] = false;
	check_after(100);
	check_after(100);
	CU_ASSERT_FALSE(said("by choice"));
}

static void coils_held_past_their_permit_are_seen(void)
{
	quiet();
	run->out.pack[0].coil[POLE_NEGATIVE] = true;
	check_after(100);
	run->bank.protect.pack[0].permit = (struct permit){.hold_deadline_ms = run->now_ms + 1000};
	check_after(1000);
	CU_ASSERT_EQUAL(run->invariants.violations, 0);
	check_after(300);
	CU_ASSERT(said("leaf-a: coils driven 0.3 s past the end of its hold permit"));
}

static void power_without_enable_is_seen(void)
{
	quiet();
	run->out.pcs[0].p_w = 100.0;
	check_after(100);
	CU_ASSERT(said("power 100 W asked with pcs_enable low"));
}

static void power_in_silence_is_seen(void)
{
	quiet();
	run->out.pcs_enable = true;
	run->out.pcs[0] = (struct pcs_output){.run = true, .p_w = 500.0};
	run->out.n_acks = 1;
	run->out.ack[0] = (struct ack){.status = ACK_ACCEPTED, .expires_ms = run->now_ms + 5000};
	check_after(100);
	run->out.n_acks = 0;
	for (int i = 0; i < 150; i++)
		check_after(100);
	CU_ASSERT_EQUAL(run->invariants.violations, 0);
	for (int i = 0; i < 20; i++)
		check_after(100);
	CU_ASSERT(said("500 W asked"));
}

static void what_is_not_a_number_is_seen(void)
{
	quiet();
	run->out.pcs[0].p_w = NAN;
	check_after(100);
	CU_ASSERT(said("an output is not a number"));
}

static void isolation_that_is_none_is_seen(void)
{
	quiet();
	run->out.heartbeat = true;
	run->out.pack[0].coil[POLE_NEGATIVE] = true;
	check_after(100);
	run->bank.contactor[0].isolated = true;
	check_after(100);
	CU_ASSERT(said("leaf-a: called isolated with a pole closed"));
}

static void a_heartbeat_outside_a_tick_is_seen(void)
{
	quiet();
	run->in.tick = false;
	run->out.heartbeat = true;
	check_after(100);
	CU_ASSERT(said("heartbeat permitted outside a tick"));
}

static void a_step_in_the_past_is_seen(void)
{
	quiet();
	run->out.next_step_ms = run->now_ms;
	check_after(100);
	CU_ASSERT(said("next step asked for"));
}

int main(void)
{
	CU_pSuite suite;
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	suite = CU_add_suite("invariants", set_up_suite, tear_down_suite);
	CU_ADD_TEST(suite, a_quiet_bank_breaks_nothing);
	CU_ADD_TEST(suite, a_coil_without_a_permit_is_seen);
	CU_ADD_TEST(suite, a_coil_without_the_banks_permit_is_seen);
	CU_ADD_TEST(suite, two_packs_in_sequence_are_seen);
	CU_ADD_TEST(suite, enable_during_the_first_precharge_is_seen);
	CU_ADD_TEST(suite, a_hard_closing_onto_an_empty_bus_is_seen);
	CU_ADD_TEST(suite, an_opening_by_choice_under_load_is_seen);
	CU_ADD_TEST(suite, an_emergency_under_load_is_no_choice);
	CU_ADD_TEST(suite, coils_held_past_their_permit_are_seen);
	CU_ADD_TEST(suite, power_without_enable_is_seen);
	CU_ADD_TEST(suite, power_in_silence_is_seen);
	CU_ADD_TEST(suite, what_is_not_a_number_is_seen);
	CU_ADD_TEST(suite, isolation_that_is_none_is_seen);
	CU_ADD_TEST(suite, a_heartbeat_outside_a_tick_is_seen);
	CU_ADD_TEST(suite, a_step_in_the_past_is_seen);
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
