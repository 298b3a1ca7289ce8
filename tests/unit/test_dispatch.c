#include <CUnit/Basic.h>

#include "dispatch_bank.h"

#define ASSERT_ACK(id, n, want_status, want_reason)                                                \
	do {                                                                                       \
		const struct ack *ack_ = ack_of(id, n);                                            \
		CU_ASSERT_PTR_NOT_NULL(ack_);                                                      \
		CU_ASSERT_EQUAL(ack_ ? ack_->status : ACK_NONE, want_status);                      \
		CU_ASSERT_EQUAL(ack_ ? ack_->reason : REASON_COUNT, want_reason);                  \
	} while (0)
#define ASSERT_W(is, want) CU_ASSERT_DOUBLE_EQUAL(is, want, 1e-6)

/* Sends one command in a step of its own without time passing; returns its id. */
static const char *send(enum command_kind kind, unsigned source, double p_w, double valid_s)
{
	static char id[COMMAND_ID_SIZE];
	struct command *c = queue(kind, source, p_w, valid_s);

	memcpy(id, c->id, sizeof id);
	step(0);
	return id;
}

static void setpoint(unsigned source, double p_w, double valid_s)
{
	send(COMMAND_SETPOINT, source, p_w, valid_s);
}

/* ---- admission --------------------------------------------------------------------------- */

static void setpoint_is_answered_in_a_step_without_time_and_then_ramps(void)
{
	const char *id;

	bank_by_hand();
	id = send(COMMAND_SETPOINT, UTILITY, 20e3, 60.0);
	ASSERT_ACK(id, 0, ACK_ACCEPTED, REASON_OK);
	ASSERT_W(out.ack[0].p_req_w, 20e3);
	ASSERT_W(out.ack[0].p_set_w, 20e3);
	CU_ASSERT_EQUAL(out.ack[0].expires_ms, bank.now_ms + 60000);
	CU_ASSERT_EQUAL(out.n_acks, 1);
	ASSERT_W(bank.dispatch.target_w, 20e3);
	ASSERT_W(bank.dispatch.ramped_w, 0.0);
	CU_ASSERT_EQUAL(bank.dispatch.winner, UTILITY);
	CU_ASSERT_EQUAL(bank.dispatch.mode, MODE_SETPOINT);
	step(100);
	ASSERT_W(bank.dispatch.ramped_w, 1e3);
	steps(3000);
	ASSERT_W(bank.dispatch.ramped_w, 20e3);
}

enum bend {
	BEND_NONE,
	BEND_SOURCE,
	BEND_RIGHT,
	BEND_BOOT,
	BEND_OLD,
	BEND_FUTURE,
	BEND_BEFORE_BOOT,
	BEND_EXTREME_TS,
	BEND_VALID_ZERO,
	BEND_VALID_NAN,
	BEND_VALID_LONG,
	BEND_DIES_AT_ONCE,
	BEND_P_NAN,
	BEND_P_INF,
	BEND_P_FAR,
	BEND_RAMP_ZERO,
	BEND_RAMP_INF,
	BEND_START_FAR,
	BEND_START_LONG_AGO,
	BEND_LOCKED,
	BEND_STOPPED,
	BEND_SHUTDOWN,
	BEND_TRIPPED,
	BEND_KIND,
	BEND_COUNT
};

static void bend_command(enum bend bend, struct command *c)
{
	switch (bend) {
	case BEND_SOURCE:
		c->source = 3;
		break;
	case BEND_RIGHT:
		bank.site.source[UTILITY].may_setpoint = false;
		break;
	case BEND_BOOT:
		c->boot_given = true;
		break;
	case BEND_OLD:
		c->ts_utc_ms -= 5001;
		break;
	case BEND_FUTURE:
		c->ts_utc_ms += 2001;
		break;
	case BEND_BEFORE_BOOT:
		bank.start_ms = bank.now_ms;
		c->ts_utc_ms -= 1;
		break;
	case BEND_EXTREME_TS:
		c->ts_utc_ms = INT64_MIN;
		break;
	case BEND_VALID_ZERO:
		c->valid_s = 0.0;
		break;
	case BEND_VALID_NAN:
		c->valid_s = NAN;
		break;
	case BEND_VALID_LONG:
		c->valid_s = 300.5;
		break;
	case BEND_DIES_AT_ONCE:
		c->valid_s = 2.0;
		c->ts_utc_ms -= 3000;
		break;
	case BEND_P_NAN:
		c->p_w = NAN;
		break;
	case BEND_P_INF:
		c->p_w = -INFINITY;
		break;
	case BEND_P_FAR:
		c->p_w = -36001.0;
		break;
	case BEND_RAMP_ZERO:
		c->ramp_w_s = 0.0;
		break;
	case BEND_RAMP_INF:
		c->ramp_w_s = INFINITY;
		break;
	case BEND_START_FAR:
		c->start_utc_ms = c->ts_utc_ms + 60001;
		break;
	case BEND_START_LONG_AGO:
		c->start_utc_ms = INT64_MIN;
		break;
	case BEND_LOCKED:
		bank.dispatch.locked = true;
		break;
	case BEND_STOPPED:
		bank.dispatch.stopped = true;
		break;
	case BEND_SHUTDOWN:
		in.shutdown = true;
		break;
	case BEND_TRIPPED:
		bank.protect.permit.tripped = true;
		break;
	case BEND_KIND:
		c->kind = COMMAND_NONE;
		break;
	case BEND_NONE:
	case BEND_COUNT:
		break;
	}
}

static void each_bad_setpoint_is_rejected_with_its_own_reason_and_moves_nothing(void)
{
	static const enum reason want[BEND_COUNT] = {
		[BEND_SOURCE] = REASON_UNKNOWN_SOURCE,
		[BEND_RIGHT] = REASON_UNKNOWN_SOURCE,
		[BEND_BOOT] = REASON_STALE_BOOT,
		[BEND_OLD] = REASON_STALE,
		[BEND_FUTURE] = REASON_FUTURE,
		[BEND_BEFORE_BOOT] = REASON_STALE,
		[BEND_EXTREME_TS] = REASON_STALE,
		[BEND_VALID_ZERO] = REASON_OUT_OF_RANGE,
		[BEND_VALID_NAN] = REASON_NOT_FINITE,
		[BEND_VALID_LONG] = REASON_VALID_TOO_LONG,
		[BEND_DIES_AT_ONCE] = REASON_STALE,
		[BEND_P_NAN] = REASON_NOT_FINITE,
		[BEND_P_INF] = REASON_NOT_FINITE,
		[BEND_P_FAR] = REASON_OUT_OF_RANGE,
		[BEND_RAMP_ZERO] = REASON_OUT_OF_RANGE,
		[BEND_RAMP_INF] = REASON_NOT_FINITE,
		[BEND_START_FAR] = REASON_FUTURE,
		[BEND_START_LONG_AGO] = REASON_STALE,
		[BEND_LOCKED] = REASON_LOCAL_LOCK,
		[BEND_STOPPED] = REASON_LOCAL_LOCK,
		[BEND_SHUTDOWN] = REASON_SHUTTING_DOWN,
		[BEND_TRIPPED] = REASON_FAULT,
		[BEND_KIND] = REASON_SCHEMA,
	};

	for (enum bend bend = BEND_NONE + 1; bend < BEND_COUNT; bend++) {
		bank_by_hand();
		bend_command(bend, queue(COMMAND_SETPOINT, UTILITY, 10e3, 60.0));
		step(0);
		steps(1000);
		ASSERT_W(bank.dispatch.target_w, 0.0);
		ASSERT_W(bank.dispatch.ramped_w, 0.0);

		bank_by_hand();
		bend_command(bend, queue(COMMAND_SETPOINT, UTILITY, 10e3, 60.0));
		step(0);
		CU_ASSERT_EQUAL(out.n_acks, 1);
		ASSERT_ACK("id-1", 0, ACK_REJECTED, want[bend]);
		ASSERT_W(out.ack[0].p_set_w, 0.0);
	}
}

static void duplicate_id_gets_its_first_answer_again_and_does_nothing(void)
{
	struct command first;

	bank_by_hand();
	bank.limits.dis_w[HORIZON_NOW] = 8e3;
	first = *queue(COMMAND_SETPOINT, UTILITY, 10e3, 60.0);
	step(0);
	setpoint(UTILITY, 3e3, 60.0);
	bank.limits.dis_w[HORIZON_NOW] = 30e3;
	in.command[in.n_commands++] = first;
	step(500);
	ASSERT_ACK("id-1", 0, ACK_LIMITED, REASON_CLAMPED_DISCHARGE);
	CU_ASSERT_TRUE(out.ack[0].duplicate);
	ASSERT_W(out.ack[0].p_set_w, 8e3);
	ASSERT_W(out.ack[0].p_req_w, 10e3);
	CU_ASSERT_EQUAL(out.ack[0].received_ms, first.received_ms);
	CU_ASSERT_EQUAL(out.ack[0].expires_ms, first.received_ms + 60000);
	ASSERT_W(bank.dispatch.target_w, 3e3);
}

static void used_sequence_number_is_a_replay(void)
{
	bank_by_hand();
	setpoint(UTILITY, 5e3, 60.0);
	queue(COMMAND_SETPOINT, UTILITY, 9e3, 60.0)->seq = 1;
	step(0);
	ASSERT_ACK("id-2", 0, ACK_REJECTED, REASON_REPLAY);
	ASSERT_W(bank.dispatch.target_w, 5e3);
}

static void setpoints_and_commands_are_counted_apart(void)
{
	struct bank_saved saved = {.valid = true};

	bank_by_hand();
	queue(COMMAND_SETPOINT, UTILITY, 5e3, 60.0)->seq = 1000;
	queue(COMMAND_CLEAR, UTILITY, NAN, 0.0)->seq = 1;
	queue(COMMAND_CLEAR, UTILITY, NAN, 0.0)->seq = 1;
	queue(COMMAND_RELEASE, UTILITY, NAN, 0.0)->seq = 1000;
	queue(COMMAND_RELEASE, UTILITY, NAN, 0.0)->seq = 1001;
	step(0);
	ASSERT_ACK("id-1", 0, ACK_ACCEPTED, REASON_OK);
	ASSERT_ACK("id-2", 0, ACK_ACCEPTED, REASON_OK);
	ASSERT_ACK("id-3", 0, ACK_REJECTED, REASON_REPLAY);
	ASSERT_ACK("id-4", 0, ACK_REJECTED, REASON_REPLAY);
	ASSERT_ACK("id-5", 0, ACK_ACCEPTED, REASON_OK);
	/* A session of its own, too, and both over a restart. */
	step(1);
	strcpy(queue(COMMAND_CLEAR, UTILITY, NAN, 0.0)->session, "t");
	step(1);
	dispatch_save(&bank.dispatch, &bank.site, &saved);
	dispatch_init(&bank.dispatch, &bank.site, &saved);
	strcpy(queue(COMMAND_CLEAR, UTILITY, NAN, 0.0)->session, "t");
	in.command[0].seq = 6;
	queue(COMMAND_SETPOINT, UTILITY, 5e3, 60.0)->seq = 1001;
	queue(COMMAND_SETPOINT, UTILITY, 5e3, 60.0)->seq = 1002;
	step(0);
	ASSERT_ACK("id-7", 0, ACK_REJECTED, REASON_REPLAY);
	ASSERT_ACK("id-8", 0, ACK_REJECTED, REASON_REPLAY);
	ASSERT_ACK("id-9", 0, ACK_ACCEPTED, REASON_OK);
}

static void new_session_restarts_the_sequence_only_with_newer_time(void)
{
	struct command *c;

	bank_by_hand();
	next_seq = 100;
	setpoint(UTILITY, 5e3, 60.0);
	c = queue(COMMAND_SETPOINT, UTILITY, 9e3, 60.0);
	strcpy(c->session, "t");
	c->seq = 0;
	step(0);
	ASSERT_ACK("id-101", 0, ACK_REJECTED, REASON_REPLAY);
	c = queue(COMMAND_SETPOINT, UTILITY, 9e3, 60.0);
	strcpy(c->session, "t");
	c->seq = 0;
	c->ts_utc_ms++;
	step(1);
	ASSERT_ACK("id-102", 0, ACK_ACCEPTED, REASON_OK);
}

static void unsynced_clock_asks_for_boot_and_counter_and_shortens_lifetimes(void)
{
	struct command *c;

	bank_by_hand();
	in.clock_synced = false;
	setpoint(UTILITY, 5e3, 60.0);
	ASSERT_ACK("id-1", 0, ACK_REJECTED, REASON_STALE_BOOT);
	c = queue(COMMAND_SETPOINT, UTILITY, 5e3, 60.0);
	c->boot_given = c->boot_matches = true;
	step(0);
	ASSERT_ACK("id-2", 0, ACK_REJECTED, REASON_CLOCK_UNSYNCED);
	c = queue(COMMAND_SETPOINT, UTILITY, 5e3, 60.5);
	c->boot_given = c->boot_matches = c->n_fresh = true;
	step(0);
	ASSERT_ACK("id-3", 0, ACK_REJECTED, REASON_VALID_TOO_LONG);
	c = queue(COMMAND_SETPOINT, UTILITY, 5e3, 60.0);
	c->boot_given = c->boot_matches = c->n_fresh = true;
	c->ts_utc_ms -= 1000000; /* no age check without a clock */
	step(0);
	ASSERT_ACK("id-4", 0, ACK_ACCEPTED, REASON_OK);
	CU_ASSERT_EQUAL(out.ack[0].expires_ms, bank.now_ms + 60000);
	c = queue(COMMAND_SETPOINT, UTILITY, 5e3, 60.0);
	c->boot_given = c->boot_matches = c->n_fresh = true;
	c->start_utc_ms = c->ts_utc_ms + 1000;
	step(0);
	ASSERT_ACK("id-5", 0, ACK_REJECTED, REASON_CLOCK_UNSYNCED);
}

static void local_operator_needs_no_clock_and_no_sequence(void)
{
	bank_by_hand();
	in.clock_synced = false;
	setpoint(LOCAL, 5e3, 200.0);
	ASSERT_ACK("id-1", 0, ACK_ACCEPTED, REASON_OK);
	CU_ASSERT_EQUAL(bank.dispatch.mode, MODE_LOCAL);
	queue(COMMAND_STOP, LOCAL, NAN, 0.0)->seq = 0;
	step(0);
	CU_ASSERT_TRUE(bank.dispatch.stopped);
}

static void sync_discards_a_remembered_time_far_ahead(void)
{
	struct command *c;

	bank_by_hand();
	in.clock_synced = false;
	step(0);
	bank.dispatch.source[UTILITY].memory[SERIES_SETPOINT].has_seq = true;
	bank.dispatch.source[UTILITY].memory[SERIES_SETPOINT].last_ts_utc_ms = UTC_MS + 1000000000;
	in.clock_synced = true;
	c = queue(COMMAND_SETPOINT, UTILITY, 5e3, 60.0);
	step(0);
	ASSERT_ACK("id-1", 0, ACK_ACCEPTED, REASON_OK);
	CU_ASSERT_EQUAL(bank.dispatch.source[UTILITY].memory[SERIES_SETPOINT].last_ts_utc_ms,
			c->ts_utc_ms);
}

static void lifetime_runs_from_the_senders_time_when_clocks_agree(void)
{
	bank_by_hand();
	queue(COMMAND_SETPOINT, UTILITY, 5e3, 60.0)->ts_utc_ms -= 4000;
	step(0);
	CU_ASSERT_EQUAL(out.ack[0].expires_ms, bank.now_ms + 56000);
}

static void asked_ramp_outside_the_bounds_is_said(void)
{
	bank_by_hand();
	queue(COMMAND_SETPOINT, UTILITY, 5e3, 60.0)->ramp_w_s = 1.0;
	step(0);
	ASSERT_ACK("id-1", 0, ACK_ACCEPTED, REASON_CLAMPED_RAMP);
	step(1000);
	ASSERT_W(bank.dispatch.ramped_w, 100.0);
}

/* ---- limits ------------------------------------------------------------------------------ */

static void infeasible_power_is_clamped_to_the_nearest(void)
{
	bank_by_hand();
	bank.limits.dis_w[HORIZON_NOW] = 7e3;
	bank.limits.cha_w[HORIZON_NOW] = 4e3;
	setpoint(UTILITY, 10e3, 60.0);
	ASSERT_ACK("id-1", 0, ACK_LIMITED, REASON_CLAMPED_DISCHARGE);
	ASSERT_W(out.ack[0].p_set_w, 7e3);
	setpoint(UTILITY, -10e3, 60.0);
	ASSERT_ACK("id-2", 0, ACK_LIMITED, REASON_CLAMPED_CHARGE);
	ASSERT_W(bank.dispatch.target_w, -4e3);
	CU_ASSERT_EQUAL(bank.dispatch.reason, REASON_CLAMPED_CHARGE);
}

static void all_or_nothing_setpoint_is_rejected_when_infeasible(void)
{
	bank_by_hand();
	bank.limits.dis_w[HORIZON_NOW] = 7e3;
	queue(COMMAND_SETPOINT, UTILITY, 10e3, 60.0)->reject_if_limited = true;
	step(0);
	ASSERT_ACK("id-1", 0, ACK_REJECTED, REASON_CLAMPED_DISCHARGE);
	CU_ASSERT_EQUAL(bank.dispatch.winner, -1);
	queue(COMMAND_SETPOINT, UTILITY, 7e3, 60.0)->reject_if_limited = true;
	step(0);
	ASSERT_ACK("id-2", 0, ACK_ACCEPTED, REASON_OK);
}

static void setpoint_before_the_bank_is_ready_grows_with_its_limits(void)
{
	unsigned told = 0;

	bank_by_hand();
	bank.state = BANK_STARTING;
	bank.limits.dis_w[HORIZON_NOW] = 0.0;
	setpoint(UTILITY, 10e3, 60.0);
	ASSERT_ACK("id-1", 0, ACK_LIMITED, REASON_NOT_READY);
	CU_ASSERT_EQUAL(out.n_acks, 1);
	steps(3000);
	ASSERT_W(bank.dispatch.target_w, 0.0);
	bank.state = BANK_READY;
	for (unsigned i = 0; i < 20; i++) {
		bank.limits.dis_w[HORIZON_NOW] += 450.0;
		step(100);
		told += acks_with(ACK_LIMITED);
	}
	CU_ASSERT_EQUAL(told, 2);
	bank.limits.dis_w[HORIZON_NOW] = 30e3;
	for (unsigned i = 0; i < 10 && !acks_with(ACK_ACCEPTED); i++)
		step(100);
	CU_ASSERT_EQUAL(acks_with(ACK_ACCEPTED), 1);
	ASSERT_W(bank.dispatch.target_w, 10e3);
}

static void falling_limit_pulls_the_power_down_at_once_and_is_told_within_a_second(void)
{
	unsigned told = 0;

	bank_by_hand();
	setpoint(UTILITY, 20e3, 60.0);
	steps(5000);
	bank.limits.dis_w[HORIZON_NOW] = 6e3;
	step(0);
	ASSERT_W(bank.dispatch.ramped_w, 6e3);
	told = acks_with(ACK_LIMITED);
	for (unsigned i = 0; i < 10; i++) {
		step(100);
		told += acks_with(ACK_LIMITED);
	}
	CU_ASSERT_EQUAL(told, 1);
	bank.limits.dis_w[HORIZON_NOW] = 5.9e3; /* below 1 % of the rating: not worth an ack */
	steps(2000);
	CU_ASSERT_EQUAL(out.n_acks, 0);
}

static void unknown_limits_mean_no_power(void)
{
	bank_by_hand();
	setpoint(UTILITY, 20e3, 60.0);
	steps(5000);
	bank.limits.dis_w[HORIZON_NOW] = NAN;
	step(0);
	ASSERT_W(bank.dispatch.target_w, 0.0);
	ASSERT_W(bank.dispatch.ramped_w, 0.0);
}

static void power_that_the_set_needs_is_given_unless_stopped(void)
{
	bank_by_hand();
	bank.limits.must_w = -2e3;
	step(100);
	ASSERT_W(bank.dispatch.target_w, -2e3);
	ASSERT_W(bank.dispatch.ramped_w, -2e3);
	setpoint(UTILITY, 5e3, 60.0);
	ASSERT_ACK("id-1", 0, ACK_LIMITED, REASON_CLAMPED_DISCHARGE);
	ASSERT_W(bank.dispatch.target_w, -2e3);
	bank.limits.must_w = 1e3;
	step(100);
	ASSERT_W(bank.dispatch.target_w, 5e3);
	send(COMMAND_STOP, LOCAL, NAN, 0.0);
	ASSERT_W(bank.dispatch.target_w, 0.0);
}

/* ---- lifetimes and arbitration ----------------------------------------------------------- */

static void expiry_ends_at_zero_with_the_normal_ramp(void)
{
	bank_by_hand();
	setpoint(UTILITY, 20e3, 5.0);
	CU_ASSERT_TRUE(out.next_step_ms <= bank.now_ms + 100);
	steps(4900);
	step(99);
	ASSERT_W(bank.dispatch.target_w, 20e3);
	CU_ASSERT_EQUAL(out.next_step_ms, bank.now_ms + 1);
	step(1);
	ASSERT_ACK("id-1", 0, ACK_EXPIRED, REASON_OK);
	CU_ASSERT_EQUAL(events_with(EVENT_NOTE, REASON_EXPIRED), 1);
	ASSERT_W(bank.dispatch.target_w, 0.0);
	CU_ASSERT_EQUAL(bank.dispatch.mode, MODE_DEFAULT);
	CU_ASSERT_EQUAL(bank.dispatch.reason, REASON_NO_SETPOINT);
	step(100);
	CU_ASSERT_TRUE(bank.dispatch.ramped_w > 18e3);
	steps(2000);
	ASSERT_W(bank.dispatch.ramped_w, 0.0);
	CU_ASSERT_TRUE(bank.dispatch.idle_since_ms != 0);
}

static void slow_ramps_still_reach_the_fallback_in_time(void)
{
	bank_by_hand();
	bank.site.grid.ramp_w_s = 500.0;
	queue(COMMAND_SETPOINT, UTILITY, 20e3, 60.0)->ramp_w_s = 100.0;
	step(0);
	bank.dispatch.ramped_w = 20e3;
	steps(59900);
	bank.dispatch.ramped_w = 20e3;
	steps(100 + 5000);
	CU_ASSERT_TRUE(bank.dispatch.ramped_w > 1e3);
	CU_ASSERT_TRUE(bank.dispatch.ramped_w < 12e3);
	steps(5000);
	ASSERT_W(bank.dispatch.ramped_w, 0.0);
	bank.dispatch.ramped_w = 20e3; /* long after, nothing is left to wait for */
	step(100);
	ASSERT_W(bank.dispatch.ramped_w, 0.0);
}

static void asked_ramp_is_for_its_own_setpoint_only(void)
{
	bank_by_hand();
	queue(COMMAND_SETPOINT, UTILITY, 20e3, 60.0)->ramp_w_s = 1e3;
	step(0);
	step(1000);
	ASSERT_W(bank.dispatch.ramped_w, 1e3);
	steps(20000);
	send(COMMAND_RELEASE, UTILITY, NAN, 60.0);
	step(1000);
	ASSERT_W(bank.dispatch.ramped_w, 10e3);
}

static void lower_priority_waits_and_runs_after_the_higher_one(void)
{
	bank_by_hand();
	setpoint(UTILITY, 10e3, 5.0);
	setpoint(HOME, -3e3, 60.0);
	ASSERT_ACK("id-2", 0, ACK_ACCEPTED, REASON_LOWER_PRIORITY);
	ASSERT_W(out.ack[0].p_set_w, 0.0);
	steps(4900);
	ASSERT_W(bank.dispatch.target_w, 10e3);
	step(100);
	ASSERT_ACK("id-1", 0, ACK_EXPIRED, REASON_OK);
	ASSERT_ACK("id-2", 0, ACK_ACCEPTED, REASON_OK);
	ASSERT_W(ack_of("id-2", 0)->p_set_w, -3e3);
	ASSERT_W(bank.dispatch.target_w, -3e3);
	CU_ASSERT_EQUAL(bank.dispatch.winner, HOME);
}

static void higher_priority_supersedes_and_the_loser_never_runs(void)
{
	bank_by_hand();
	setpoint(HOME, -3e3, 60.0);
	setpoint(UTILITY, 10e3, 5.0);
	ASSERT_ACK("id-2", 0, ACK_ACCEPTED, REASON_OK);
	ASSERT_ACK("id-1", 0, ACK_SUPERSEDED, REASON_LOWER_PRIORITY);
	steps(10000);
	ASSERT_W(bank.dispatch.target_w, 0.0);
	CU_ASSERT_EQUAL(bank.dispatch.winner, -1);
}

static void all_or_nothing_setpoint_does_not_wait(void)
{
	bank_by_hand();
	setpoint(UTILITY, 10e3, 5.0);
	queue(COMMAND_SETPOINT, HOME, -3e3, 60.0)->reject_if_limited = true;
	step(0);
	ASSERT_ACK("id-2", 0, ACK_REJECTED, REASON_LOWER_PRIORITY);
}

static void new_power_supersedes_and_equal_power_refreshes(void)
{
	bank_by_hand();
	setpoint(UTILITY, 10e3, 5.0);
	steps(3000);
	setpoint(UTILITY, 10e3, 5.0);
	CU_ASSERT_EQUAL(out.n_acks, 1);
	ASSERT_ACK("id-2", 0, ACK_ACCEPTED, REASON_OK);
	for (unsigned i = 0; i < 49; i++) {
		step(100);
		CU_ASSERT_EQUAL(out.n_acks, 0);
	}
	ASSERT_W(bank.dispatch.ramped_w, 10e3);
	setpoint(UTILITY, 2e3, 5.0);
	ASSERT_ACK("id-3", 0, ACK_ACCEPTED, REASON_OK);
	ASSERT_ACK("id-2", 0, ACK_SUPERSEDED, REASON_OK);
}

static void release_completes_itself_and_its_setpoint(void)
{
	bank_by_hand();
	setpoint(UTILITY, 10e3, 60.0);
	steps(1000);
	send(COMMAND_RELEASE, UTILITY, NAN, 60.0);
	ASSERT_ACK("id-2", 0, ACK_ACCEPTED, REASON_OK);
	ASSERT_ACK("id-2", 1, ACK_COMPLETED, REASON_OK);
	CU_ASSERT_TRUE(isnan(ack_of("id-2", 1)->p_req_w));
	ASSERT_ACK("id-1", 0, ACK_COMPLETED, REASON_OK);
	ASSERT_W(bank.dispatch.target_w, 0.0);
}

static void dry_run_is_judged_and_moves_nothing(void)
{
	bank_by_hand();
	queue(COMMAND_SETPOINT, UTILITY, 35e3, 60.0)->dry_run = true;
	step(0);
	ASSERT_ACK("id-1", 0, ACK_LIMITED, REASON_CLAMPED_DISCHARGE);
	ASSERT_W(ack_of("id-1", 0)->p_set_w, 30e3);
	ASSERT_ACK("id-1", 1, ACK_COMPLETED, REASON_OK);
	CU_ASSERT_EQUAL(bank.dispatch.winner, -1);
}

static void later_start_leaves_the_running_setpoint_until_then(void)
{
	struct command *c;

	bank_by_hand();
	setpoint(UTILITY, 10e3, 20.0);
	c = queue(COMMAND_SETPOINT, UTILITY, -5e3, 10.0);
	c->start_utc_ms = c->ts_utc_ms + 15050;
	step(0);
	ASSERT_ACK("id-2", 0, ACK_ACCEPTED, REASON_OK);
	CU_ASSERT_EQUAL(out.ack[0].expires_ms, bank.now_ms + 25050);
	CU_ASSERT_EQUAL(out.n_acks, 1);
	steps(15000);
	ASSERT_W(bank.dispatch.target_w, 10e3);
	CU_ASSERT_EQUAL(out.next_step_ms, bank.now_ms + 50);
	step(50);
	ASSERT_ACK("id-1", 0, ACK_SUPERSEDED, REASON_OK);
	ASSERT_W(bank.dispatch.target_w, -5e3);
	steps(10000);
	ASSERT_ACK("id-2", 0, ACK_EXPIRED, REASON_OK);
}

static void newest_wish_wins_where_lifetimes_overlap(void)
{
	struct command *c;

	bank_by_hand();
	c = queue(COMMAND_SETPOINT, UTILITY, -5e3, 10.0);
	c->start_utc_ms = c->ts_utc_ms + 20000;
	step(0);
	setpoint(UTILITY, 4e3, 10.0);
	CU_ASSERT_EQUAL(out.n_acks, 1);
	setpoint(UTILITY, 4e3, 30.0);
	ASSERT_ACK("id-1", 0, ACK_SUPERSEDED, REASON_OK);
}

static void setpoint_that_starts_under_a_higher_one_learns_that_it_waits(void)
{
	struct command *c;

	bank_by_hand();
	c = queue(COMMAND_SETPOINT, HOME, -5e3, 60.0);
	c->start_utc_ms = c->ts_utc_ms + 10000;
	step(0);
	ASSERT_ACK("id-1", 0, ACK_ACCEPTED, REASON_OK);
	setpoint(UTILITY, 4e3, 60.0);
	steps(10000);
	ASSERT_ACK("id-1", 0, ACK_ACCEPTED, REASON_LOWER_PRIORITY);
	ASSERT_W(out.ack[0].p_set_w, 0.0);
	ASSERT_W(bank.dispatch.target_w, 4e3);
}

static void started_is_told_when_a_tenth_of_the_step_has_moved(void)
{
	bank_by_hand();
	deaf = true;
	bank.now.pcs_ac_w = 0.0;
	setpoint(UTILITY, 10e3, 60.0);
	bank.now.pcs_ac_w = 999.0;
	step(100);
	CU_ASSERT_EQUAL(acks_with(ACK_STARTED), 0);
	bank.now.pcs_ac_w = 1000.0;
	step(100);
	ASSERT_ACK("id-1", 0, ACK_STARTED, REASON_OK);
	step(100);
	CU_ASSERT_EQUAL(out.n_acks, 0);
	setpoint(UTILITY, 1400.0, 60.0); /* within the noise of what flows */
	ASSERT_ACK("id-2", 0, ACK_ACCEPTED, REASON_OK);
	CU_ASSERT_EQUAL(acks_with(ACK_STARTED), 1);
}

static void every_ack_of_a_full_step_is_given(void)
{
	unsigned first = 0;

	bank_by_hand();
	setpoint(UTILITY, 1e3, 5.0);
	setpoint(HOME, 1e3, 5.0);
	step(5000);
	for (unsigned i = 0; i < COMMAND_MAX; i++)
		queue(COMMAND_SETPOINT, i % 3, 1e3 * i, 60.0);
	step(0);
	for (unsigned i = 0; i < out.n_acks; i++)
		first += out.ack[i].status == ACK_ACCEPTED;
	CU_ASSERT_EQUAL(first, COMMAND_MAX);
	CU_ASSERT_TRUE(out.n_acks <= ACK_MAX);
}

static void notices_wait_while_the_list_of_acks_is_full(void)
{
	bank_by_hand();
	deaf = true;
	bank.now.pcs_ac_w = 0.0;
	setpoint(UTILITY, 10e3, 60.0);
	steps(2000);
	bank.now.pcs_ac_w = 5e3;
	bank.limits.dis_w[HORIZON_NOW] = 6e3;
	out.n_acks = ACK_MAX;
	dispatch_step(&bank, &in, &out);
	CU_ASSERT_EQUAL(out.n_acks, ACK_MAX);
	step(100);
	ASSERT_ACK("id-1", 0, ACK_LIMITED, REASON_CLAMPED_DISCHARGE);
	ASSERT_ACK("id-1", 1, ACK_STARTED, REASON_OK);
}

/* ---- operator ---------------------------------------------------------------------------- */

static void stop_cancels_ramps_down_and_holds_until_start(void)
{
	bank_by_hand();
	setpoint(UTILITY, 20e3, 60.0);
	steps(5000);
	send(COMMAND_STOP, LOCAL, NAN, 0.0);
	ASSERT_ACK("id-1", 0, ACK_CANCELLED, REASON_LOCAL_LOCK);
	ASSERT_ACK("id-2", 0, ACK_ACCEPTED, REASON_OK);
	CU_ASSERT_EQUAL(events_with(EVENT_RAISED, REASON_STOP_COMMAND), 1);
	CU_ASSERT_EQUAL(bank.dispatch.mode, MODE_STOPPED);
	step(100);
	ASSERT_W(bank.dispatch.ramped_w, 19e3);
	setpoint(UTILITY, 5e3, 60.0);
	ASSERT_ACK("id-3", 0, ACK_REJECTED, REASON_LOCAL_LOCK);
	setpoint(LOCAL, 5e3, 60.0);
	ASSERT_ACK("id-4", 0, ACK_LIMITED, REASON_LOCAL_LOCK);
	ASSERT_W(bank.dispatch.target_w, 0.0);
	send(COMMAND_START, UTILITY, NAN, 0.0);
	ASSERT_ACK("id-5", 0, ACK_REJECTED, REASON_LOCAL_LOCK);
	send(COMMAND_START, LOCAL, NAN, 0.0);
	CU_ASSERT_FALSE(bank.dispatch.stopped);
	CU_ASSERT_TRUE(bank.dispatch.started);
	ASSERT_W(bank.dispatch.target_w, 5e3);
}

static void who_stopped_may_start_again_but_not_what_the_operator_stopped(void)
{
	struct bank_saved saved = {.valid = true};

	bank_by_hand();
	bank.site.source[HOME].may_command = true;
	strcpy(bank.site.source[UTILITY].id, "utility");
	strcpy(bank.site.source[HOME].id, "home");
	send(COMMAND_STOP, HOME, NAN, 0.0);
	send(COMMAND_STOP, UTILITY, NAN, 0.0); /* the higher source's stop counts */
	send(COMMAND_STOP, HOME, NAN, 0.0);
	send(COMMAND_START, HOME, NAN, 0.0);
	ASSERT_ACK("id-4", 0, ACK_REJECTED, REASON_LOCAL_LOCK);
	dispatch_save(&bank.dispatch, &bank.site, &saved);
	dispatch_init(&bank.dispatch, &bank.site, &saved);
	send(COMMAND_START, UTILITY, NAN, 0.0);
	ASSERT_ACK("id-5", 0, ACK_ACCEPTED, REASON_OK);
	CU_ASSERT_FALSE(bank.dispatch.stopped);
	setpoint(HOME, 5e3, 60.0);
	ASSERT_ACK("id-6", 0, ACK_ACCEPTED, REASON_OK);
	/* The operator's stop over it, whichever came first, and the lock. */
	send(COMMAND_STOP, UTILITY, NAN, 0.0);
	send(COMMAND_STOP, LOCAL, NAN, 0.0);
	send(COMMAND_STOP, UTILITY, NAN, 0.0);
	send(COMMAND_START, UTILITY, NAN, 0.0);
	ASSERT_ACK("id-10", 0, ACK_REJECTED, REASON_LOCAL_LOCK);
	send(COMMAND_START, LOCAL, NAN, 0.0);
	send(COMMAND_LOCK, UTILITY, NAN, 0.0);
	send(COMMAND_START, UTILITY, NAN, 0.0);
	ASSERT_ACK("id-13", 0, ACK_REJECTED, REASON_LOCAL_LOCK);
	CU_ASSERT_TRUE(bank.dispatch.stopped);
	/* A source that the site file no longer has leaves its stop to the operator. */
	dispatch_save(&bank.dispatch, &bank.site, &saved);
	strcpy(bank.site.source[UTILITY].id, "other");
	dispatch_init(&bank.dispatch, &bank.site, &saved);
	CU_ASSERT_EQUAL(bank.dispatch.stopped_by, LOCAL);
}

static void lock_stops_and_refuses_everybody_but_the_operator(void)
{
	bank_by_hand();
	setpoint(UTILITY, 20e3, 60.0);
	send(COMMAND_LOCK, LOCAL, NAN, 0.0);
	CU_ASSERT_TRUE(bank.dispatch.locked);
	CU_ASSERT_TRUE(bank.dispatch.stopped);
	send(COMMAND_STOP, UTILITY, NAN, 0.0);
	ASSERT_ACK("id-3", 0, ACK_REJECTED, REASON_LOCAL_LOCK);
	send(COMMAND_UNLOCK, UTILITY, NAN, 0.0);
	ASSERT_ACK("id-4", 0, ACK_REJECTED, REASON_LOCAL_LOCK);
	send(COMMAND_START, LOCAL, NAN, 0.0);
	ASSERT_ACK("id-5", 0, ACK_REJECTED, REASON_LOCAL_LOCK);
	send(COMMAND_UNLOCK, LOCAL, NAN, 0.0);
	CU_ASSERT_FALSE(bank.dispatch.locked);
	CU_ASSERT_TRUE(bank.dispatch.stopped);
	send(COMMAND_START, LOCAL, NAN, 0.0);
	CU_ASSERT_FALSE(bank.dispatch.stopped);
}

static void release_is_never_locked_out(void)
{
	bank_by_hand();
	bank.dispatch.locked = true;
	send(COMMAND_RELEASE, UTILITY, NAN, 60.0);
	ASSERT_ACK("id-1", 0, ACK_ACCEPTED, REASON_OK);
}

static void remote_switch_in_local_cancels_remote_setpoints_only(void)
{
	bank_by_hand();
	bank.site.input[INPUT_REMOTE].present = true;
	bank.now.input[INPUT_REMOTE] = LEVEL_OK;
	setpoint(UTILITY, 10e3, 60.0);
	CU_ASSERT_EQUAL(bank.dispatch.winner, UTILITY);
	bank.now.input[INPUT_REMOTE] = LEVEL_UNKNOWN;
	step(100);
	ASSERT_ACK("id-1", 0, ACK_CANCELLED, REASON_LOCAL_LOCK);
	setpoint(UTILITY, 10e3, 60.0);
	ASSERT_ACK("id-2", 0, ACK_REJECTED, REASON_LOCAL_LOCK);
	setpoint(LOCAL, 4e3, 60.0);
	steps(1000);
	ASSERT_W(bank.dispatch.target_w, 4e3);
}

static void commands_need_their_own_right(void)
{
	bank_by_hand();
	send(COMMAND_STOP, HOME, NAN, 0.0);
	ASSERT_ACK("id-1", 0, ACK_REJECTED, REASON_UNKNOWN_SOURCE);
	CU_ASSERT_FALSE(bank.dispatch.stopped);
	send(COMMAND_STOP, UTILITY, NAN, 0.0);
	CU_ASSERT_TRUE(bank.dispatch.stopped);
}

static void packs_are_disabled_and_enabled_one_by_one(void)
{
	bank_by_hand();
	queue(COMMAND_PACK_DISABLE, LOCAL, NAN, 0.0)->pack = 3;
	step(0);
	CU_ASSERT_EQUAL(bank.dispatch.disabled, 8);
	CU_ASSERT_EQUAL(events_with(EVENT_RAISED, REASON_DISABLED), 1);
	queue(COMMAND_PACK_DISABLE, LOCAL, NAN, 0.0)->pack = 4;
	step(0);
	ASSERT_ACK("id-2", 0, ACK_REJECTED, REASON_OUT_OF_RANGE);
	send(COMMAND_PACK_ENABLE, LOCAL, NAN, 0.0);
	ASSERT_ACK("id-3", 0, ACK_REJECTED, REASON_OUT_OF_RANGE);
	queue(COMMAND_PACK_ENABLE, LOCAL, NAN, 0.0)->pack = 3;
	step(0);
	CU_ASSERT_EQUAL(bank.dispatch.disabled, 0);
}

static void clear_answers_with_what_protection_says(void)
{
	bank_by_hand();
	send(COMMAND_CLEAR, LOCAL, NAN, 0.0);
	ASSERT_ACK("id-1", 0, ACK_ACCEPTED, REASON_OK);
	queue(COMMAND_CLEAR, LOCAL, NAN, 0.0)->pack = 4;
	step(0);
	ASSERT_ACK("id-2", 0, ACK_REJECTED, REASON_OUT_OF_RANGE);
	bank.protect.rule[0].latched = true;
	bank.protect.rule[0].verdict = VERDICT_FAIL; /* the cause persists */
	send(COMMAND_CLEAR, LOCAL, NAN, 0.0);
	ASSERT_ACK("id-3", 0, ACK_REJECTED, REASON_FAULT);
	CU_ASSERT_TRUE(bank.protect.rule[0].latched);
	bank.protect.rule[0].verdict = VERDICT_PASS;
	send(COMMAND_CLEAR, LOCAL, NAN, 0.0);
	ASSERT_ACK("id-4", 0, ACK_ACCEPTED, REASON_OK);
	CU_ASSERT_FALSE(bank.protect.rule[0].latched);
}

/* ---- trips, time, read-back --------------------------------------------------------------- */

static void trip_ignores_the_ramp_and_nothing_resumes(void)
{
	bank_by_hand();
	setpoint(UTILITY, 20e3, 60.0);
	steps(5000);
	bank.protect.permit.tripped = true;
	bank.protect.permit.reason = REASON_ESTOP;
	step(0);
	ASSERT_W(bank.dispatch.ramped_w, 0.0);
	ASSERT_W(bank.dispatch.target_w, 0.0);
	CU_ASSERT_EQUAL(bank.dispatch.mode, MODE_TRIPPED);
	CU_ASSERT_EQUAL(bank.dispatch.reason, REASON_ESTOP);
	ASSERT_ACK("id-1", 0, ACK_CANCELLED, REASON_FAULT);
	bank.protect.permit.tripped = false;
	steps(1000);
	ASSERT_W(bank.dispatch.target_w, 0.0);
}

static void lost_enable_ends_power_at_once_and_the_setpoint_lives_on(void)
{
	bank_by_hand();
	setpoint(UTILITY, 20e3, 60.0);
	steps(5000);
	bank.protect.permit.pcs_enable = false;
	step(0);
	ASSERT_W(bank.dispatch.ramped_w, 0.0);
	ASSERT_ACK("id-1", 0, ACK_LIMITED, REASON_FAULT);
	bank.protect.permit.pcs_enable = true;
	bank.protect.permit.power = false;
	step(100);
	ASSERT_W(bank.dispatch.target_w, 0.0);
	bank.protect.permit.power = true;
	step(100);
	ASSERT_W(bank.dispatch.target_w, 20e3);
	ASSERT_W(bank.dispatch.ramped_w, 1e3);
}

static void converters_that_were_off_start_from_zero(void)
{
	bank_by_hand();
	setpoint(UTILITY, 20e3, 60.0);
	steps(5000);
	bank.plan.pcs_run = false;
	steps(3000);
	ASSERT_W(bank.dispatch.ramped_w, 0.0);
	ASSERT_W(bank.dispatch.target_w, 20e3);
	bank.plan.pcs_run = true;
	step(1000);
	ASSERT_W(bank.dispatch.ramped_w, 10e3);
	steps(2000);
	ASSERT_W(bank.dispatch.ramped_w, 20e3);
}

static void setpoint_while_everything_is_open_waits_for_the_bank(void)
{
	bank_by_hand();
	bank.state = BANK_STOPPED; /* opened after a long idle time, say */
	bank.limits.dis_w[HORIZON_NOW] = 0.0;
	setpoint(UTILITY, 20e3, 60.0);
	ASSERT_ACK("id-1", 0, ACK_LIMITED, REASON_NOT_READY);
	CU_ASSERT_EQUAL(bank.dispatch.idle_since_ms, 0);
}

static void shutdown_cancels_and_refuses(void)
{
	bank_by_hand();
	setpoint(LOCAL, 20e3, 60.0);
	in.shutdown = true;
	step(0);
	ASSERT_ACK("id-1", 0, ACK_CANCELLED, REASON_SHUTTING_DOWN);
	CU_ASSERT_EQUAL(bank.dispatch.mode, MODE_STOPPED);
	send(COMMAND_START, LOCAL, NAN, 0.0);
	ASSERT_ACK("id-2", 0, ACK_REJECTED, REASON_SHUTTING_DOWN);
}

static void wall_clock_jump_is_an_event_and_changes_no_lifetime(void)
{
	bank_by_hand();
	setpoint(UTILITY, 20e3, 5.0);
	step(100);
	CU_ASSERT_EQUAL(events_with(EVENT_NOTE, REASON_CLOCK_JUMP), 0);
	bank.dispatch.utc_offset_ms -= 3600000; /* as if the wall clock had been an hour behind */
	step(100);
	CU_ASSERT_EQUAL(events_with(EVENT_NOTE, REASON_CLOCK_JUMP), 1);
	ASSERT_W(out.event[0].value, 3600.0);
	ASSERT_W(bank.dispatch.target_w, 20e3);
	step(100);
	CU_ASSERT_EQUAL(out.n_events, 0);
	steps(4700);
	ASSERT_W(bank.dispatch.target_w, 0.0);
}

/* What UTILITY sends `off_s` seconds from our clock's time. */
static struct command *queue_off(enum command_kind kind, double p_w, double valid_s, int64_t off_s)
{
	struct command *c = queue(kind, UTILITY, p_w, valid_s);

	c->ts_utc_ms += off_s * 1000;
	return c;
}

static void release_and_zero_pass_whatever_the_clocks_say(void)
{
	static const int64_t off_s[] = {-3600, 3600};

	for (unsigned i = 0; i < 2; i++) {
		bank_by_hand();
		setpoint(UTILITY, 20e3, 300.0);
		queue_off(COMMAND_SETPOINT, 10e3, 300.0, off_s[i]);
		step(0);
		ASSERT_ACK("id-2", 0, ACK_REJECTED, i ? REASON_FUTURE : REASON_STALE);
		queue_off(COMMAND_SETPOINT, 0.0, 300.0, off_s[i]);
		step(0);
		ASSERT_ACK("id-3", 0, ACK_ACCEPTED, REASON_OK);
		CU_ASSERT_EQUAL(out.ack[0].expires_ms, bank.now_ms + 300000);
		ASSERT_W(bank.dispatch.target_w, 0.0);
		setpoint(UTILITY, 20e3, 300.0);
		queue_off(COMMAND_RELEASE, NAN, 0.0, off_s[i]);
		step(0);
		ASSERT_ACK("id-5", 0, ACK_ACCEPTED, REASON_OK);
		ASSERT_W(bank.dispatch.target_w, 0.0);
		/* A sender's time ahead of ours locks no later session out. */
		step(1000);
		strcpy(queue(COMMAND_SETPOINT, UTILITY, 5e3, 60.0)->session, "t");
		step(0);
		ASSERT_ACK("id-6", 0, ACK_ACCEPTED, REASON_OK);
	}
}

static void release_and_zero_pass_without_a_clock(void)
{
	bank_by_hand();
	setpoint(UTILITY, 20e3, 300.0);
	in.clock_synced = false;
	queue_off(COMMAND_SETPOINT, 0.0, 300.0, -3600);
	step(0);
	ASSERT_ACK("id-2", 0, ACK_ACCEPTED, REASON_OK);
	queue_off(COMMAND_RELEASE, NAN, 0.0, -3600);
	step(0);
	ASSERT_ACK("id-3", 0, ACK_ACCEPTED, REASON_OK);
	CU_ASSERT_EQUAL(bank.dispatch.winner, -1);
}

static void less_power_is_only_for_who_is_in_command_and_never_repeated(void)
{
	struct command *c;

	bank_by_hand();
	/* Nothing of this source lives: nothing is less. */
	queue_off(COMMAND_SETPOINT, 0.0, 60.0, -3600);
	queue_off(COMMAND_RELEASE, NAN, 0.0, -3600);
	step(0);
	ASSERT_ACK("id-1", 0, ACK_REJECTED, REASON_STALE);
	ASSERT_ACK("id-2", 0, ACK_REJECTED, REASON_STALE);
	/* Behind the operator, 0 W would be waiting for the operator's end. */
	setpoint(LOCAL, -5e3, 60.0);
	setpoint(UTILITY, 20e3, 60.0);
	queue_off(COMMAND_SETPOINT, 0.0, 60.0, -3600);
	step(0);
	ASSERT_ACK("id-5", 0, ACK_REJECTED, REASON_STALE);
	/* Old sequence numbers and another start of the bank stay refused. */
	bank_by_hand();
	setpoint(UTILITY, 20e3, 60.0);
	queue_off(COMMAND_RELEASE, NAN, 0.0, -3600)->seq = 1;
	c = queue_off(COMMAND_RELEASE, NAN, 0.0, -3600);
	c->boot_given = true;
	c = queue_off(COMMAND_SETPOINT, 0.0, 60.0, -3600);
	c->start_utc_ms = c->ts_utc_ms + 1000;
	step(0);
	ASSERT_ACK("id-2", 0, ACK_REJECTED, REASON_REPLAY);
	ASSERT_ACK("id-3", 0, ACK_REJECTED, REASON_STALE_BOOT);
	ASSERT_ACK("id-4", 0, ACK_REJECTED, REASON_STALE);
	ASSERT_W(bank.dispatch.target_w, 20e3);
}

static void power_that_does_not_follow_is_told_then_dropped_then_tried_again(void)
{
	unsigned raised = 0, cleared = 0;

	bank_by_hand();
	deaf = true;
	bank.now.pcs_ac_w = 0.0;
	bank.site.source[UTILITY].valid_max_s = 3600.0;
	setpoint(UTILITY, 20e3, 3600.0);
	for (unsigned i = 0; i < 120; i++) {
		step(100);
		raised += events_with(EVENT_RAISED, REASON_TRACKING);
		CU_ASSERT_TRUE(!bank.dispatch.degraded || i > 100);
	}
	CU_ASSERT_EQUAL(raised, 1);
	CU_ASSERT_TRUE(bank.dispatch.degraded);
	CU_ASSERT_FALSE(bank.dispatch.dropped);
	steps(50000);
	CU_ASSERT_TRUE(bank.dispatch.dropped);
	ASSERT_W(bank.dispatch.target_w, 0.0);
	CU_ASSERT_EQUAL(bank.dispatch.reason, REASON_TRACKING);
	steps(30000);
	CU_ASSERT_TRUE(bank.dispatch.dropped);
	deaf = false;
	for (unsigned i = 0; i < 400; i++) {
		step(100);
		cleared += events_with(EVENT_CLEARED, REASON_TRACKING);
	}
	CU_ASSERT_EQUAL(cleared, 1);
	ASSERT_W(bank.dispatch.target_w, 20e3);
}

static void unknown_power_is_no_verdict(void)
{
	bank_by_hand();
	deaf = true;
	bank.now.pcs_ac_w = NAN;
	setpoint(UTILITY, 20e3, 300.0);
	steps(30000);
	CU_ASSERT_FALSE(bank.dispatch.degraded);
}

static void readings_without_power_in_between_start_nothing_anew(void)
{
	bank_by_hand();
	deaf = true;
	bank.site.n_pcs = 1;
	bank.now.pcs[0].known = true;
	setpoint(UTILITY, 20e3, 300.0);
	for (unsigned i = 0; i < 150; i++) {
		bank.now.pcs_ac_w = i % 2 ? 0.0 : (double)NAN;
		step(100);
	}
	CU_ASSERT_TRUE(bank.dispatch.degraded);
	bank_by_hand();
	deaf = true;
	bank.site.n_pcs = 1;
	setpoint(UTILITY, 20e3, 300.0);
	for (unsigned i = 0; i < 150; i++) {
		bank.now.pcs[0].known = i % 2; /* lost, that is another matter */
		bank.now.pcs_ac_w = i % 2 ? 0.0 : (double)NAN;
		step(100);
	}
	CU_ASSERT_FALSE(bank.dispatch.degraded);
}

static void starting_converter_is_no_verdict(void)
{
	bank_by_hand();
	deaf = true;
	bank.site.n_pcs = 2;
	bank.now.pcs[0].state = PCS_RUNNING;
	bank.now.pcs[1].state = PCS_STARTING;
	setpoint(UTILITY, 20e3, 300.0);
	steps(30000);
	CU_ASSERT_FALSE(bank.dispatch.degraded);
	bank.now.pcs[1].state = PCS_RUNNING;
	steps(10200);
	CU_ASSERT_TRUE(bank.dispatch.degraded);
}

static void steering_is_what_read_back_compares_with(void)
{
	bank_by_hand();
	deaf = true;
	bank.plan.steering = true;
	bank.plan.power_w = -8e3;
	bank.now.pcs_ac_w = -8e3;
	setpoint(UTILITY, 20e3, 300.0);
	steps(30000);
	CU_ASSERT_FALSE(bank.dispatch.degraded);
}

/* ---- restart ----------------------------------------------------------------------------- */

static void locks_and_replay_memory_survive_a_restart_and_setpoints_do_not(void)
{
	static struct bank_saved saved;

	bank_by_hand();
	memset(&saved, 0, sizeof saved);
	strcpy(bank.site.pack[0].id, "a");
	strcpy(bank.site.pack[1].id, "b");
	saved.n_packs = 2;
	strcpy(saved.pack[0].id, "a");
	strcpy(saved.pack[1].id, "b");
	queue(COMMAND_PACK_DISABLE, LOCAL, NAN, 0.0)->pack = 1;
	queue(COMMAND_SETPOINT, UTILITY, 5e3, 60.0);
	step(0);
	send(COMMAND_LOCK, LOCAL, NAN, 0.0);
	saved.valid = true;
	dispatch_save(&bank.dispatch, &bank.site, &saved);
	strcpy(bank.site.pack[0].id, "b"); /* the packs changed places */
	strcpy(bank.site.pack[1].id, "a");
	dispatch_init(&bank.dispatch, &bank.site, &saved);
	CU_ASSERT_TRUE(bank.dispatch.locked);
	CU_ASSERT_TRUE(bank.dispatch.stopped);
	CU_ASSERT_EQUAL(bank.dispatch.disabled, 1);
	send(COMMAND_UNLOCK, LOCAL, NAN, 0.0);
	send(COMMAND_START, LOCAL, NAN, 0.0);
	CU_ASSERT_EQUAL(bank.dispatch.winner, -1);
	queue(COMMAND_SETPOINT, UTILITY, 5e3, 60.0)->seq = 2;
	step(0);
	ASSERT_ACK("id-6", 0, ACK_REJECTED, REASON_REPLAY);
	setpoint(HOME, 5e3, 60.0);
	ASSERT_ACK("id-7", 0, ACK_ACCEPTED, REASON_OK);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(setpoint_is_answered_in_a_step_without_time_and_then_ramps),
		TEST(each_bad_setpoint_is_rejected_with_its_own_reason_and_moves_nothing),
		TEST(duplicate_id_gets_its_first_answer_again_and_does_nothing),
		TEST(used_sequence_number_is_a_replay),
		TEST(setpoints_and_commands_are_counted_apart),
		TEST(new_session_restarts_the_sequence_only_with_newer_time),
		TEST(unsynced_clock_asks_for_boot_and_counter_and_shortens_lifetimes),
		TEST(local_operator_needs_no_clock_and_no_sequence),
		TEST(sync_discards_a_remembered_time_far_ahead),
		TEST(lifetime_runs_from_the_senders_time_when_clocks_agree),
		TEST(asked_ramp_outside_the_bounds_is_said),
		TEST(infeasible_power_is_clamped_to_the_nearest),
		TEST(all_or_nothing_setpoint_is_rejected_when_infeasible),
		TEST(setpoint_before_the_bank_is_ready_grows_with_its_limits),
		TEST(falling_limit_pulls_the_power_down_at_once_and_is_told_within_a_second),
		TEST(unknown_limits_mean_no_power),
		TEST(power_that_the_set_needs_is_given_unless_stopped),
		TEST(expiry_ends_at_zero_with_the_normal_ramp),
		TEST(slow_ramps_still_reach_the_fallback_in_time),
		TEST(asked_ramp_is_for_its_own_setpoint_only),
		TEST(lower_priority_waits_and_runs_after_the_higher_one),
		TEST(higher_priority_supersedes_and_the_loser_never_runs),
		TEST(all_or_nothing_setpoint_does_not_wait),
		TEST(new_power_supersedes_and_equal_power_refreshes),
		TEST(release_completes_itself_and_its_setpoint),
		TEST(dry_run_is_judged_and_moves_nothing),
		TEST(later_start_leaves_the_running_setpoint_until_then),
		TEST(newest_wish_wins_where_lifetimes_overlap),
		TEST(setpoint_that_starts_under_a_higher_one_learns_that_it_waits),
		TEST(started_is_told_when_a_tenth_of_the_step_has_moved),
		TEST(every_ack_of_a_full_step_is_given),
		TEST(notices_wait_while_the_list_of_acks_is_full),
		TEST(stop_cancels_ramps_down_and_holds_until_start),
		TEST(who_stopped_may_start_again_but_not_what_the_operator_stopped),
		TEST(lock_stops_and_refuses_everybody_but_the_operator),
		TEST(release_is_never_locked_out),
		TEST(remote_switch_in_local_cancels_remote_setpoints_only),
		TEST(commands_need_their_own_right),
		TEST(packs_are_disabled_and_enabled_one_by_one),
		TEST(clear_answers_with_what_protection_says),
		TEST(trip_ignores_the_ramp_and_nothing_resumes),
		TEST(lost_enable_ends_power_at_once_and_the_setpoint_lives_on),
		TEST(converters_that_were_off_start_from_zero),
		TEST(setpoint_while_everything_is_open_waits_for_the_bank),
		TEST(shutdown_cancels_and_refuses),
		TEST(wall_clock_jump_is_an_event_and_changes_no_lifetime),
		TEST(release_and_zero_pass_whatever_the_clocks_say),
		TEST(release_and_zero_pass_without_a_clock),
		TEST(less_power_is_only_for_who_is_in_command_and_never_repeated),
		TEST(power_that_does_not_follow_is_told_then_dropped_then_tried_again),
		TEST(unknown_power_is_no_verdict),
		TEST(readings_without_power_in_between_start_nothing_anew),
		TEST(starting_converter_is_no_verdict),
		TEST(steering_is_what_read_back_compares_with),
		TEST(locks_and_replay_memory_survive_a_restart_and_setpoints_do_not),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"dispatch", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
