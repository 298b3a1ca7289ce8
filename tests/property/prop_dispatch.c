/*
 * Random streams of commands on random clocks, limits and permits. The oracle believes only what
 * the acks say: who was told to be in command, until when, and what ended.
 *
 *   prop_dispatch [SEED [RUNS]]
 */
#include <stdlib.h>

#include <CUnit/Basic.h>

#include "tests/unit/dispatch_bank.h"

enum { STEPS = 400, HEARD_MAX = 4096, SILENCE_S = 300 };

/* One setpoint or other id that got its first answer. */
struct heard {
	unsigned source;
	char id[COMMAND_ID_SIZE];
	double p_w;
	int64_t start_ms, expires_ms;
	bool live, ended;
};

static struct heard heard[HEARD_MAX];
static unsigned n_heard;
static struct command sent[HEARD_MAX];
static unsigned n_sent;
static char ring[SOURCE_MAX][DISPATCH_IDS][COMMAND_ID_SIZE];
static unsigned ring_at[SOURCE_MAX];
static uint64_t seed, state;
static unsigned runs = 2000;
static bool bad;

#define HOLDS(condition)                                                                           \
	do {                                                                                       \
		if (!(condition) && !bad) {                                                        \
			bad = true;                                                                \
			printf("\nseed %" PRIu64 ", at %" PRId64 " ms: %s\n", seed, bank.now_ms,   \
			       #condition);                                                        \
		}                                                                                  \
	} while (0)

static uint64_t below(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state * UINT64_C(2685821657736338717) >> 33) % n;
}

static bool chance(unsigned percent)
{
	return below(100) < percent;
}

static double between(double low, double high)
{
	return low + (high - low) * (double)below(1000001) / 1e6;
}

/* ---- the world ---------------------------------------------------------------------------- */

static double any_bad_number(void)
{
	static const double number[] = {NAN, INFINITY, -INFINITY, 0.0, -1.0, 1e300, 40e3};

	return number[below(sizeof number / sizeof number[0])];
}

static void any_command(void)
{
	static const double power[] = {0.0, 5e3, -5e3, 12e3, 30e3};
	unsigned source = chance(2) ? (unsigned)below(255) : (unsigned)below(5);
	struct command *c;

	if (chance(8) && n_sent) { /* an old message again */
		unsigned back = 1 + (unsigned)below(n_sent < 24 ? n_sent : 24);

		in.command[in.n_commands++] = sent[n_sent - back];
		return;
	}
	c = queue(COMMAND_SETPOINT, source, chance(60) ? power[below(5)] : between(-40e3, 40e3),
		  between(0.05, chance(50) ? 5.0 : SILENCE_S));
	if (chance(12))
		c->kind = (enum command_kind)below(COMMAND_PROOF + 1);
	if (c->kind == COMMAND_LOCK && chance(80))
		c->kind = COMMAND_UNLOCK;
	if (c->kind == COMMAND_STOP && chance(50))
		c->kind = COMMAND_START;
	c->pack = (int16_t)((int)below(6) - 1);
	c->boot_given = chance(in.clock_synced ? 10 : 90);
	c->boot_matches = chance(95);
	c->n_fresh = chance(90);
	c->dry_run = chance(3);
	c->reject_if_limited = chance(10);
	if (chance(10))
		c->start_utc_ms = c->ts_utc_ms + (int64_t)below(80000) - 10000;
	if (chance(10))
		c->ts_utc_ms += (int64_t)below(20000) - 10000;
	if (chance(1))
		c->ts_utc_ms = chance(50) ? INT64_MAX : INT64_MIN;
	if (chance(10))
		c->seq -= (int64_t)below(5);
	if (chance(5))
		snprintf(c->session, sizeof c->session, "s%u", (unsigned)below(3));
	if (chance(10))
		c->received_ms -= (int64_t)below(3000);
	if (chance(3))
		c->p_w = any_bad_number();
	if (chance(3))
		c->valid_s = any_bad_number();
	if (chance(20))
		c->ramp_w_s = chance(80) ? between(1.0, 20e3) : any_bad_number();
	if (n_sent < HEARD_MAX)
		sent[n_sent++] = *c;
}

static double any_limit(void)
{
	return chance(3) ? NAN : chance(20) ? 0.0 : between(0.0, 30e3);
}

static void change_world(void)
{
	struct bank_permit *permit = &bank.protect.permit;

	if (chance(10))
		bank.limits.dis_w[HORIZON_NOW] = any_limit();
	if (chance(10))
		bank.limits.cha_w[HORIZON_NOW] = any_limit();
	if (chance(3))
		bank.limits.must_w = chance(80) ? NAN : between(-5e3, 5e3);
	if (chance(5))
		permit->power = chance(90);
	if (chance(5))
		permit->pcs_enable = chance(90);
	if (chance(5))
		permit->tripped = chance(10);
	if (chance(5))
		bank.now.input[INPUT_REMOTE] = chance(80) ? LEVEL_OK : LEVEL_TRIPPED;
	if (chance(5))
		bank.state = chance(80) ? BANK_RUNNING : BANK_STARTING;
	if (chance(2))
		in.clock_synced = chance(70);
	deaf = chance(5) ? !deaf : deaf;
	if (chance(3))
		bank.now.pcs_ac_w = chance(50) ? NAN : between(-30e3, 30e3);
}

static void new_world(void)
{
	bank_by_hand();
	n_heard = n_sent = 0;
	memset(ring, 0, sizeof ring);
	memset(ring_at, 0, sizeof ring_at);
	bank.site.n_sources = 5;
	for (unsigned i = 0; i < 5; i++) {
		struct source_site *source = &bank.site.source[i];

		*source = bank.site.source[UTILITY];
		source->priority = (uint8_t)(10 * i + below(10));
		source->may_setpoint = chance(95);
		source->may_command = chance(30);
	}
	for (unsigned i = 4; i > 0; i--) { /* priorities in any order */
		unsigned j = (unsigned)below(i + 1);
		uint8_t other = bank.site.source[i].priority;

		bank.site.source[i].priority = bank.site.source[j].priority;
		bank.site.source[j].priority = other;
	}
	bank.site.input[INPUT_REMOTE].present = chance(50);
	bank.now.input[INPUT_REMOTE] = LEVEL_OK;
	bank.site.grid.ramp_w_s = between(200.0, 20e3);
	in.clock_synced = chance(80);
}

/* ---- the oracle --------------------------------------------------------------------------- */

static struct heard *heard_of(unsigned source, const char *id)
{
	for (unsigned i = n_heard; i-- > 0;) {
		if (heard[i].source == source && strcmp(heard[i].id, id) == 0)
			return &heard[i];
	}
	return NULL;
}

static bool is_remembered(unsigned source, const char *id)
{
	for (unsigned i = 0; i < DISPATCH_IDS; i++) {
		if (strcmp(ring[source][i], id) == 0)
			return true;
	}
	return false;
}

/* A later notice to a living setpoint may read the same as a first answer. */
static bool is_first(const struct ack *ack)
{
	const struct heard *h = heard_of(ack->source, ack->id);

	if (ack->duplicate || (ack->status != ACK_ACCEPTED && ack->status != ACK_LIMITED))
		return !ack->duplicate && ack->status == ACK_REJECTED;
	return !h || (!h->live && !is_remembered(ack->source, ack->id));
}

/* Exactly one first answer, or one repeat, per command, in the order of the commands. */
static void check_answers(const struct command *command, unsigned n)
{
	unsigned at = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct command *c = &command[i];
		bool known = c->source < bank.site.n_sources && is_remembered(c->source, c->id);
		const struct ack *ack;
		struct heard *h;

		while (at < out.n_acks && !(known ? out.ack[at].duplicate : is_first(&out.ack[at])))
			at++;
		HOLDS(at < out.n_acks);
		if (at >= out.n_acks)
			return;
		ack = &out.ack[at++];
		HOLDS(ack->source == c->source && strcmp(ack->id, c->id) == 0);
		if (known || c->source >= bank.site.n_sources)
			continue;
		strcpy(ring[c->source][ring_at[c->source]++ % DISPATCH_IDS], c->id);
		if (n_heard == HEARD_MAX)
			continue;
		h = &heard[n_heard++];
		*h = (struct heard){.source = c->source,
				    .p_w = c->p_w,
				    .expires_ms = ack->expires_ms,
				    .live = ack->status != ACK_REJECTED &&
					    c->kind == COMMAND_SETPOINT && !c->dry_run};
		strcpy(h->id, c->id);
		h->start_ms = c->start_utc_ms ? c->start_utc_ms - UTC_MS : 0;
		for (unsigned j = 0; h->live && h->start_ms <= bank.now_ms && j + 1 < n_heard;
		     j++) {
			if (heard[j].live && heard[j].source == h->source &&
			    heard[j].start_ms <= bank.now_ms && heard[j].p_w == h->p_w)
				heard[j].live = false; /* refreshed */
		}
	}
	for (; at < out.n_acks; at++)
		HOLDS(!out.ack[at].duplicate && !is_first(&out.ack[at]));
}

static void check_ends(void)
{
	for (unsigned i = 0; i < out.n_acks; i++) {
		const struct ack *ack = &out.ack[i];
		struct heard *h = heard_of(ack->source, ack->id);

		HOLDS(isfinite(ack->p_set_w));
		if (ack->duplicate || !h)
			continue;
		HOLDS(!h->ended);
		if (ack->status == ACK_SUPERSEDED || ack->status == ACK_EXPIRED ||
		    ack->status == ACK_CANCELLED || ack->status == ACK_COMPLETED) {
			h->live = false;
			h->ended = true;
		}
	}
}

static void check_winner(void)
{
	int best = -1;

	for (unsigned i = 0; i < n_heard; i++) {
		if (!heard[i].live)
			continue;
		HOLDS(heard[i].expires_ms > bank.now_ms);
		if (heard[i].start_ms > bank.now_ms)
			continue;
		if (best < 0 ||
		    bank.site.source[heard[i].source].priority < bank.site.source[best].priority)
			best = (int)heard[i].source;
	}
	HOLDS(bank.dispatch.winner == best);
}

static void check_power(double ramped_before_w)
{
	const struct dispatch *d = &bank.dispatch;
	double dis_w = num_or(bank.limits.dis_w[HORIZON_NOW], 0.0);
	double cha_w = num_or(bank.limits.cha_w[HORIZON_NOW], 0.0);
	bool must = bank.limits.must_w < 0.0 || bank.limits.must_w > 0.0;
	bool power = bank.protect.permit.power && bank.protect.permit.pcs_enable &&
		     !bank.protect.permit.tripped;

	HOLDS(isfinite(d->target_w) && isfinite(d->ramped_w));
	HOLDS(d->target_w <= dis_w && d->target_w >= -cha_w);
	HOLDS(d->ramped_w <= dis_w && d->ramped_w >= -cha_w);
	HOLDS(power || (d->target_w == 0.0 && d->ramped_w == 0.0));
	if (must || (d->winner >= 0 && !d->stopped))
		return;
	HOLDS(d->target_w == 0.0);
	HOLDS(fabs(d->ramped_w) <= fabs(ramped_before_w));
}

static void check_step(int64_t dt_ms)
{
	static struct command command[COMMAND_MAX];
	unsigned n = in.n_commands;
	double ramped_w = bank.dispatch.ramped_w;

	memcpy(command, in.command, n * sizeof command[0]);
	step(dt_ms);
	HOLDS(out.n_acks < ACK_MAX || n == COMMAND_MAX);
	check_answers(command, n);
	check_ends();
	check_winner();
	check_power(ramped_w);
}

static void run_once(void)
{
	static const int64_t dt_ms[] = {0, 1, 37, 100, 100, 100, 1000};
	const struct dispatch *d = &bank.dispatch;

	new_world();
	for (unsigned i = 0; i < STEPS && !bad; i++) {
		unsigned n = chance(3) ? COMMAND_MAX : chance(40) ? (unsigned)below(4) : 0;

		change_world();
		while (n-- > 0)
			any_command();
		check_step(dt_ms[below(sizeof dt_ms / sizeof dt_ms[0])]);
	}
	/* Start times reach 60 s ahead; then everything has ended and the fallback is reached. */
	bank.limits.must_w = NAN;
	for (unsigned i = 0; i < SILENCE_S + 60 + 11 && !bad; i++)
		check_step(1000);
	HOLDS(d->winner < 0);
	HOLDS(d->target_w == 0.0 && d->ramped_w == 0.0);
	for (unsigned i = 0; i < n_heard; i++)
		HOLDS(!heard[i].live);
}

static void silence_ends_at_zero_and_every_command_is_answered_once(void)
{
	for (unsigned i = 0; i < runs && !bad; i++)
		run_once();
	CU_ASSERT_FALSE(bad);
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		{"silence_ends_at_zero_and_every_command_is_answered_once",
		 silence_ends_at_zero_and_every_command_is_answered_once},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"prop_dispatch", NULL, NULL, NULL, NULL, tests},
				 CU_SUITE_INFO_NULL};
	unsigned failures;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 20261127;
	if (argc > 2)
		runs = (unsigned)strtoul(argv[2], NULL, 0);
	state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	printf("seed %" PRIu64 "\n", seed);
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
