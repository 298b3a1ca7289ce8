/*
 * Instants are 64 bits of milliseconds: a bank whose clock passes the end of 31 or 32 bits, after
 * 25 and 50 days without a restart, does the same as one that has just started.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>

#include "drivers/sim/twin.h"
#include "tests/fixture.h"

enum { PACKS = 3, RUN_MS = 600000 };

struct run {
	struct site site;
	struct bank bank;
	struct bank_inputs in;
	struct bank_outputs out;
	struct twin *twin;
	int64_t start_ms, next_ms;
};

static struct run *run_new(int64_t start_ms)
{
	struct run *run = calloc(1, sizeof *run);
	struct twin_config config;

	if (!run)
		abort();
	fixture_site(&run->site, PACKS);
	twin_config_init(&config);
	config.n_packs = PACKS;
	for (unsigned k = 0; k < PACKS; k++)
		config.pack[k] = (struct twin_pack_config){
			.soc = 0.6 + 0.01 * k, .soh = NAN, .r_growth = NAN, .temp_c = NAN};
	fixture_inputs(&run->in, start_ms);
	run->twin = twin_new(&run->site, &config, start_ms);
	run->start_ms = run->next_ms = start_ms;
	bank_init(&run->bank, &run->site, NULL);
	return run;
}

static void run_free(struct run *run)
{
	twin_free(run->twin);
	free(run);
}

/* A setpoint at 200 s, a stop at 500 s. Returns the time since the start. */
static int64_t run_step(struct run *run)
{
	int64_t t = run->next_ms, since_ms = t - run->start_ms;
	struct bank_inputs *in = &run->in;

	in->now_ms = t;
	in->utc_ms = 1700000000000 + since_ms;
	in->tick = true;
	in->shutdown = since_ms >= 500000;
	in->n_commands = since_ms == 200000;
	if (in->n_commands) {
		in->command[0] = fixture_setpoint(in, 1, 6000., 200.);
		in->command[0].seq = 1; /* the fixture takes the time */
	}
	twin_gather(run->twin, in);
	bank_step(&run->bank, in, &run->out);
	twin_apply(run->twin, t, &run->out);
	run->next_ms = t + 100;
	return since_ms;
}

/* Number of differences; the first is shown. */
static unsigned compare(const struct run *a, const struct run *b, int64_t since_ms)
{
	bool same = a->out.pcs_enable == b->out.pcs_enable &&
		    a->out.heartbeat == b->out.heartbeat &&
		    a->out.pcs[0].p_w == b->out.pcs[0].p_w && a->out.n_events == b->out.n_events &&
		    a->out.n_acks == b->out.n_acks && a->bank.state == b->bank.state;

	for (unsigned k = 0; k < PACKS; k++)
		same = same && a->bank.fresh[k].chatter == b->bank.fresh[k].chatter &&
		       memcmp(a->out.pack[k].coil, b->out.pack[k].coil,
			      sizeof a->out.pack[k].coil) == 0;
	for (unsigned i = 0; same && i < a->out.n_events; i++)
		same = a->out.event[i].reason == b->out.event[i].reason &&
		       a->out.event[i].at_ms - a->start_ms == b->out.event[i].at_ms - b->start_ms;
	if (!same)
		printf("\n  differs %lld ms after the start\n", (long long)since_ms);
	return !same;
}

/* The clock passes the instant so long after the start. */
static void same_day_at(int64_t passed_ms, int64_t after_ms)
{
	struct run *young = run_new(1000), *old = run_new(passed_ms - after_ms);
	unsigned differences = 0, packs = 0;
	double most_w = 0.;

	for (int64_t since_ms = 0; since_ms < RUN_MS && !differences;) {
		since_ms = run_step(young);
		run_step(old);
		differences += compare(young, old, since_ms);
		packs |= (unsigned)contactor_connected(&old->bank);
		most_w = old->out.pcs[0].p_w > most_w ? old->out.pcs[0].p_w : most_w;
	}
	CU_ASSERT_EQUAL(differences, 0);
	CU_ASSERT_EQUAL(packs, (1u << PACKS) - 1); /* something happened */
	CU_ASSERT_TRUE(most_w > 5000.);
	CU_ASSERT_EQUAL(contactor_connected(&old->bank), 0);
	run_free(young);
	run_free(old);
}

/* During the first closing, the joins, the delivery, the end of it, the stop. */
static const int64_t after_ms[] = {4000, 12000, 200050, 300000, 400000, 500500};

static void clock_passes_31_bits_unnoticed(void)
{
	for (unsigned i = 0; i < sizeof after_ms / sizeof after_ms[0]; i++)
		same_day_at(INT64_C(1) << 31, after_ms[i]);
}

static void clock_passes_32_bits_unnoticed(void)
{
	for (unsigned i = 0; i < sizeof after_ms / sizeof after_ms[0]; i++)
		same_day_at(INT64_C(1) << 32, after_ms[i]);
}

int main(void)
{
	CU_pSuite suite;
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	suite = CU_add_suite("instants", NULL, NULL);
	CU_ADD_TEST(suite, clock_passes_31_bits_unnoticed);
	CU_ADD_TEST(suite, clock_passes_32_bits_unnoticed);
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
