/* Packs that close by frames, played by a BMS of a few lines, under contactor.c and guard.c. */
#include "hand_bank.h"
#include "core/frames.h"
#include "core/sequence.h"

enum { STEP_MS = 10 };

static const double full_v = 374.4;

/* What each pack's own BMS does. */
static struct bms {
	bool mute;         /* does not act on commands */
	bool stays;        /* does not open any more */
	bool dark;         /* sends nothing */
	bool shorted;      /* its precharge lifts no bus */
	bool lies;         /* says closed when it is not */
	bool slow;         /* takes its time to close */
	bool opens_silent; /* opens when no frames come */
	bool precharge, closed;
	int64_t command_ms, silent_ms; /* since */
	bool commanded, heard;
} bms[PACK_MAX];

static double bus_v;
static bool blind;

static void begin(unsigned n)
{
	hand_init(n);
	memset(bms, 0, sizeof bms);
	bus_v = 0.;
	blind = false;
	bank.plan.steady_ms = 1;
	bank.limits.set.g_s = 10.;
	for (unsigned k = 0; k < n; k++) {
		struct pack_contactors *site = &bank.site.pack[k].contactors;
		site->by_frames = true;
		site->has[POLE_NEGATIVE] = site->has[POLE_PRECHARGE] = false;
		site->feedback[POLE_NEGATIVE] = site->feedback[POLE_POSITIVE] = true;
		site->feedback[POLE_PRECHARGE] = true;
		site->close_ms = 5000;
		site->open_ms = 1000;
		site->silence_ms = 2000;
		site->silence_verified = true;
	}
}

static void run_bms(unsigned k)
{
	struct bms *b = &bms[k];
	bool command = bank.contactor[k].coil[POLE_POSITIVE] && !b->mute;

	if (command != b->commanded)
		b->command_ms = bank.now_ms;
	b->commanded = command;
	if (out.pack[k].keep_alive || !b->opens_silent)
		b->silent_ms = bank.now_ms;
	int64_t ms = bank.now_ms - b->command_ms;
	if (bank.now_ms - b->silent_ms >= 2000)
		b->closed = b->precharge = false;
	else if (command && !b->closed) {
		bool near = fabs(bus_v - full_v) < 0.03 * full_v;
		b->precharge = ms >= 300 && !b->lies;
		b->closed = (ms >= (b->slow ? 3000 : 600) && near && !b->lies);
	} else if (!command && !b->stays && ms >= 200)
		b->closed = b->precharge = false;
	if (b->closed)
		b->precharge = false;
}

static void report(unsigned k)
{
	struct bms *b = &bms[k];
	bool closed = b->closed || (b->lies && b->commanded);
	enum contact *feedback = bank.now.pack[k].feedback;

	feedback[POLE_NEGATIVE] = feedback[POLE_POSITIVE] = closed ? CONTACT_CLOSED : CONTACT_OPEN;
	feedback[POLE_PRECHARGE] = b->precharge ? CONTACT_CLOSED : CONTACT_OPEN;
	for (int pole = 0; pole < POLE_COUNT; pole++) {
		if (b->dark || !bank.site.pack[k].contactors.feedback[pole])
			feedback[pole] = CONTACT_UNKNOWN;
	}
	in.contacts[k].readback[POLE_POSITIVE] =
		bank.contactor[k].coil[POLE_POSITIVE] ? CONTACT_CLOSED : CONTACT_OPEN;
}

static void tick(void)
{
	bool held = false, lifted = false;

	hand_advance(STEP_MS);
	for (unsigned k = 0; k < bank.site.n_packs; k++) {
		held = held || bms[k].closed;
		lifted = lifted || (bms[k].precharge && !bms[k].shorted);
	}
	bus_v = held ? full_v : lifted ? bus_v + 0.1 * (full_v - bus_v) : 0.98 * bus_v;
	bank.now.bus_v = blind ? (double)NAN : bus_v;
	for (unsigned k = 0; k < bank.site.n_packs; k++) {
		run_bms(k);
		report(k);
	}
	contactor_step(&bank, &in, &out);
	guard_step(&bank, &in, &out);
	hand_read();
}

static void run(int64_t ms)
{
	for (; ms > 0; ms -= STEP_MS)
		tick();
}

static bool reach(unsigned k, enum contactor_state wanted, int64_t ms)
{
	for (; ms > 0 && bank.contactor[k].state != wanted; ms -= STEP_MS)
		tick();
	return bank.contactor[k].state == wanted;
}

static void close_pack(unsigned k)
{
	bank.plan.join = (int)k;
	CU_ASSERT_TRUE(reach(k, CONTACTOR_CLOSED, 6000));
	bank.plan.join = -1;
	run(100);
	CU_ASSERT_EQUAL(bank.guard.interventions, 0);
}

static void no_hold(unsigned k, int64_t in_ms)
{
	struct permit *permit = &bank.protect.pack[k].permit;

	permit->close = permit->hold = false;
	permit->reason = REASON_TEMP_HIGH;
	permit->hold_deadline_ms = bank.now_ms + in_ms;
}

/* ---- closing --------------------------------------------------------------------------------- */

static void first_pack_lifts_a_dead_bus_and_is_proven_by_report_and_voltage(void)
{
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
	CU_ASSERT_TRUE(out.pack[0].coil[POLE_POSITIVE] && out.pack[0].keep_alive);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_NEGATIVE] || out.pack[0].coil[POLE_PRECHARGE]);
	run(100);
	CU_ASSERT_FALSE(bank.contactor[0].connected); /* it says that it is open */
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 3000));
	CU_ASSERT_TRUE(bank.contactor[0].connected);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 200));
	CU_ASSERT_EQUAL(noted[REASON_JOINED], 1);
	CU_ASSERT_EQUAL(bank.contactor[0].tries, 0);
	CU_ASSERT_EQUAL(bank.life[0].wear[POLE_POSITIVE].operations, 1);
	CU_ASSERT_EQUAL(bank.guard.interventions, 0);
}

static void converters_stay_off_until_the_pack_has_closed(void)
{
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
	out.pcs_enable = true;
	guard_step(&bank, &in, &out);
	CU_ASSERT_FALSE(out.pcs_enable);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 3000));
	out.pcs_enable = true;
	guard_step(&bank, &in, &out);
	CU_ASSERT_TRUE(out.pcs_enable);
}

static void second_pack_joins_under_the_join_rule(void)
{
	begin(2);
	close_pack(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
	CU_ASSERT_TRUE(bank.contactor[0].joining);
	CU_ASSERT_TRUE(bank.contactor[0].predicted_a > 0.);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 3000));
	CU_ASSERT_FALSE(bank.contactor[0].joining);
	CU_ASSERT_EQUAL(bank.guard.interventions, 0);
}

static void join_is_taken_back_when_the_bus_moves_before_the_pack_has_closed(void)
{
	begin(2);
	close_pack(1);
	bms[0].slow = true;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
	run(1000);
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_PRECHARGE);
	bank.now.pack[0].pack_v = bank.estimate[0].e_relaxed_v = 378.;
	tick();
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_OPEN_SECOND);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_EQUAL(noted[REASON_JOIN_WAIT], 1);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 2000));
	CU_ASSERT_FALSE(bank.contactor[0].connected || bank.contactor[0].joining);
	CU_ASSERT_EQUAL(bank.contactor[0].tries, 0);
}

static void join_is_taken_back_when_power_moves_or_must(void)
{
	for (int by = 0; by < 2; by++) {
		begin(2);
		close_pack(1);
		bms[0].slow = true;
		bank.plan.join = 0;
		CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
		run(500);
		if (by == 0)
			bank.plan.steady_ms = 0;
		else
			bank.plan.pressed = true;
		tick();
		CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_OPEN_SECOND);
		CU_ASSERT_EQUAL(bank.contactor[0].reason, REASON_JOIN_WAIT);
	}
}

static void power_stands_still_until_a_join_is_over(void)
{
	begin(2);
	close_pack(1);
	bms[0].slow = true;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
	bank.plan.power_w = 5000.;
	bank.plan.pcs_run = true;
	bank.guard.pcs_drop_ms = 0;
	bank.dispatch.ramped_w = 5000.;
	bank.limits.dis_w[HORIZON_NOW] = bank.limits.cha_w[HORIZON_NOW] = 20e3;
	hand_advance(10);
	plan_step(&bank, &in, &out);
	CU_ASSERT_FALSE(bank.plan.pressed);
	bank.dispatch.ramped_w = 1000.;
	hand_advance(10);
	plan_step(&bank, &in, &out);
	CU_ASSERT_EQUAL(bank.plan.power_w, 5000.);
	CU_ASSERT_TRUE(bank.plan.pressed);
	bank.limits.dis_w[HORIZON_NOW] = 4000.; /* limits are not waited with */
	hand_advance(10);
	plan_step(&bank, &in, &out);
	CU_ASSERT_TRUE(bank.plan.power_w <= 4000.);
}

static void power_does_not_wait_for_a_pack_that_does_not_open_in_its_time(void)
{
	begin(2);
	close_pack(1);
	bms[0].slow = true;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
	bank.plan.pressed = true;
	tick();
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_OPEN_SECOND);
	CU_ASSERT_TRUE(frames_joining(&bank));
	bank.now_ms += bank.site.pack[0].contactors.open_ms + SEQUENCE_LATE_MS;
	CU_ASSERT_TRUE(frames_joining(&bank));
	bank.now_ms++;
	CU_ASSERT_FALSE(frames_joining(&bank));
}

static void pack_that_never_answers_is_given_up_and_locked(void)
{
	begin(1);
	bms[0].mute = true;
	for (unsigned i = 1; i <= 3; i++) {
		bank.plan.join = 0;
		CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
		CU_ASSERT_FALSE(reach(0, CONTACTOR_OPEN_SECOND, 5100));
		CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 300));
		CU_ASSERT_EQUAL(noted[REASON_NO_CLOSE], i);
		CU_ASSERT_EQUAL(bank.contactor[0].tries, i);
	}
	CU_ASSERT_EQUAL(raised[REASON_NO_CLOSE], 1);
	bank.plan.join = 0;
	run(500);
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_OPEN);
}

static void pack_that_pre_charges_and_does_not_close_has_timed_out(void)
{
	begin(1);
	bms[0].slow = true;
	bank.site.pack[0].contactors.close_ms = 2000;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 2300));
	CU_ASSERT_EQUAL(noted[REASON_PRECHARGE_TIMEOUT], 1);
}

static void join_that_is_not_answered_ends_in_time_too(void)
{
	begin(2);
	close_pack(1);
	bms[0].mute = true;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 5300));
	CU_ASSERT_EQUAL(noted[REASON_NO_CLOSE], 1);
}

static void precharge_that_lifts_nothing_is_a_short_and_latches(void)
{
	begin(1);
	bms[0].shorted = true;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 2500));
	CU_ASSERT_EQUAL(raised[REASON_PRECHARGE_SHORT], 1);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.close);
}

static void unknown_bus_ends_a_closing(void)
{
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
	blind = true;
	tick();
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_OPEN_SECOND);
	CU_ASSERT_EQUAL(noted[REASON_NO_BUS_SOURCE], 1);
}

static void report_of_closed_that_the_bus_does_not_show_is_not_believed(void)
{
	begin(1);
	bms[0].lies = true;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 300));
	run(900);
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_CLOSE_SECOND);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 200));
	CU_ASSERT_EQUAL(noted[REASON_LINK_MISMATCH], 1);
	CU_ASSERT_EQUAL(noted[REASON_JOINED], 0);
}

static void first_closing_ends_when_the_bus_crept_up_before_its_command(void)
{
	begin(1);
	bus_v = bank.site.bus.dead_v - 1.;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_FIRST, 100));
	bank.plan.join = -1;
	for (int i = 0; i < 15; i++) {
		bus_v = bank.site.bus.dead_v + 3.;
		tick();
	}
	CU_ASSERT_EQUAL(noted[REASON_BUS_LIVE], 1);
	CU_ASSERT_EQUAL(bank.guard.interventions, 0);
	CU_ASSERT_FALSE(bank.contactor[0].coil[POLE_POSITIVE]);
}

static void first_closing_ends_when_another_pack_turns_out_to_be_on_the_bus(void)
{
	begin(2);
	run(200);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_FIRST, 100));
	bms[1].closed = bms[1].stays = true;
	bank.contactor[1].coil_ms[POLE_POSITIVE] = bank.now_ms;
	tick();
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_OPEN_SECOND);
	CU_ASSERT_EQUAL(noted[REASON_BUS_LIVE], 1);
	CU_ASSERT_EQUAL(bank.guard.interventions, 0);
}

static void report_that_lies_three_times_locks_the_pack(void)
{
	begin(1);
	bms[0].lies = true;
	for (int i = 0; i < 3; i++) {
		bank.plan.join = 0;
		CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 500));
		bank.plan.join = -1;
		CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 3000));
	}
	CU_ASSERT_EQUAL(raised[REASON_NO_CLOSE], 1);
	CU_ASSERT_EQUAL(raised[REASON_PRECHARGE_LOCKED], 0);
}

static void guard_takes_the_boost_with_the_last_coil_only(void)
{
	begin(1);
	bank.site.pack[0].contactors.by_frames = false;
	bank.guard.ready = true;
	hand_advance(10);
	out.pack[0].coil[POLE_POSITIVE] = out.pack[0].boost = true;
	bank.guard.coil[0][POLE_POSITIVE] = true;
	out.pack[0].coil[POLE_PRECHARGE] = true;
	bank.contactor[0].connected = true; /* no precharge onto a bus that is held */
	guard_step(&bank, &in, &out);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_PRECHARGE]);
	CU_ASSERT_TRUE(out.pack[0].coil[POLE_POSITIVE] && out.pack[0].boost);
}

static void pack_that_opens_again_at_once_has_not_closed(void)
{
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 3000));
	bms[0].mute = true;
	bms[0].closed = false;
	run(900);
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_CLOSE_SECOND);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 300));
	CU_ASSERT_EQUAL(noted[REASON_NO_CLOSE], 1);
}

static void joining_pack_that_says_open_has_not_closed_though_others_hold_the_bus(void)
{
	begin(2);
	close_pack(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 3000));
	bms[0].mute = true;
	bms[0].closed = false;
	run(900);
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_CLOSE_SECOND);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 300));
	CU_ASSERT_EQUAL(noted[REASON_NO_CLOSE], 1);
	CU_ASSERT_EQUAL(bank.contactor[1].state, CONTACTOR_CLOSED);
}

static void closed_pack_that_opens_by_itself_has_lost_its_feedback(void)
{
	begin(1);
	close_pack(0);
	bms[0].mute = true;
	run(300);
	CU_ASSERT_EQUAL(raised[REASON_FEEDBACK_LOST], 1);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_POSITIVE]);
}

static void closing_pack_that_loses_its_permit_is_taken_back(void)
{
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
	bank.protect.pack[0].permit.close = false;
	bank.protect.pack[0].permit.reason = REASON_AUX_LOW;
	tick();
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1500));
}

static void without_a_report_time_and_voltage_have_to_do(void)
{
	begin(1);
	memset(bank.site.pack[0].contactors.feedback, 0,
	       sizeof bank.site.pack[0].contactors.feedback);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 300));
	CU_ASSERT_FALSE(reach(0, CONTACTOR_CLOSED, 4900));
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 500));
	bank.plan.join = -1;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 4000));
	CU_ASSERT_FALSE(bank.contactor[0].isolated);
	begin(1);
	memset(bank.site.pack[0].contactors.feedback, 0,
	       sizeof bank.site.pack[0].contactors.feedback);
	bms[0].mute = true;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 6500));
	CU_ASSERT_EQUAL(noted[REASON_LINK_MISMATCH], 1);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void opening_is_proven_by_report_before_the_frames_may_stop(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.plan.leave = 0;
	bank.dispatch.locked = true;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_FIRST, 200));
	CU_ASSERT_TRUE(bank.contactor[0].connected && out.pack[0].keep_alive);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1000));
	run(20);
	CU_ASSERT_TRUE(bank.contactor[0].isolated && !bank.contactor[0].connected);
	CU_ASSERT_FALSE(out.pack[0].keep_alive);
	CU_ASSERT_TRUE(out.pack[1].keep_alive);
}

static void pack_that_reports_one_pole_is_never_called_isolated(void)
{
	begin(1);
	bank.site.pack[0].contactors.feedback[POLE_NEGATIVE] = false;
	run(200);
	CU_ASSERT_FALSE(bank.contactor[0].isolated || bank.contactor[0].connected);
	begin(1);
	bank.site.pack[0].contactors.shared_pole = true;
	run(200);
	CU_ASSERT_FALSE(bank.contactor[0].isolated);
	begin(1);
	bms[0].precharge = true;
	bms[0].stays = true;
	run(200);
	CU_ASSERT_FALSE(bank.contactor[0].isolated);
}

static void pack_that_does_not_open_is_welded_and_gets_no_frames_for_a_while(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bms[0].stays = true;
	no_hold(0, 200);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 3000));
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 1);
	CU_ASSERT_TRUE(bank.contactor[0].connected && out.pack[0].keep_alive);
	CU_ASSERT_FALSE(bank.contactor[0].isolated);
	run(5500);
	CU_ASSERT_FALSE(out.pack[0].keep_alive);
	run(10000);
	CU_ASSERT_TRUE(bank.contactor[0].connected && out.pack[0].keep_alive);
	CU_ASSERT_EQUAL(protect_clear(&bank, 0, true), REASON_FAULT);
	bms[0].stays = false;
	run(300);
	CU_ASSERT_FALSE(bank.contactor[0].connected);
	CU_ASSERT_EQUAL(protect_clear(&bank, 0, true), REASON_OK);
}

static void silence_opens_a_pack_that_does_not_hear_its_command(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bms[0].stays = bms[0].opens_silent = true;
	no_hold(0, 200);
	run(8000);
	CU_ASSERT_FALSE(bms[0].closed || bank.contactor[0].connected);
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 1);
}

static void silent_pack_is_off_the_books_after_its_verified_time(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bms[0].dark = true;
	no_hold(0, 200);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 1000));
	run(6500);
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_OPEN_SECOND);
	CU_ASSERT_TRUE(bank.contactor[0].connected);
	run(800);
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_OPEN);
	CU_ASSERT_FALSE(bank.contactor[0].connected || bank.contactor[0].isolated);
	CU_ASSERT_EQUAL(noted[REASON_OPEN_UNPROVEN], 1);
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 0);
}

static void silent_pack_whose_silence_proves_nothing_opens_the_bank(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.site.pack[0].contactors.silence_verified = false;
	bms[0].dark = true;
	no_hold(0, 200);
	run(7500);
	CU_ASSERT_EQUAL(raised[REASON_OPEN_UNPROVEN], 1);
	CU_ASSERT_FALSE(bank.protect.permit.hold);
	CU_ASSERT_TRUE(bank.contactor[0].connected);
	CU_ASSERT_EQUAL(protect_clear(&bank, 0, true), REASON_FAULT);
	CU_ASSERT_TRUE(reach(1, CONTACTOR_OPEN, 3000));
	bms[0].closed = false; /* the heartbeat chain cut its supply */
	run(4000);
	CU_ASSERT_FALSE(bank.contactor[0].connected); /* the dead bus proves it */
	CU_ASSERT_EQUAL(protect_clear(&bank, 0, true), REASON_OK);
}

static void dead_bus_proves_a_silent_pack_open_at_once(void)
{
	begin(1);
	close_pack(0);
	bms[0].dark = true;
	no_hold(0, 200);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 3500));
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 0);
	CU_ASSERT_FALSE(bank.contactor[0].connected);
}

/* ---- never adopted --------------------------------------------------------------------------- */

static void pack_that_closes_unasked_is_refused_and_counts_as_connected(void)
{
	begin(2);
	run(200);
	bms[0].closed = bms[0].stays = true;
	run(50);
	CU_ASSERT_EQUAL(raised[REASON_CLOSED_UNASKED], 1);
	CU_ASSERT_TRUE(bank.contactor[0].connected && !bank.contactor[0].isolated);
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_OPEN);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.close || bank.protect.pack[0].permit.hold);
	CU_ASSERT_TRUE(bank.protect.permit.alarm);
	CU_ASSERT_EQUAL(contactor_connected(&bank), 1);
	bms[0].dark = true; /* what was closed stays in the books */
	run(500);
	CU_ASSERT_TRUE(bank.contactor[0].connected);
	CU_ASSERT_EQUAL(protect_clear(&bank, 0, true), REASON_FAULT);
	bms[0].dark = false;
	bms[0].stays = false;
	run(300);
	CU_ASSERT_FALSE(bank.contactor[0].connected);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.close); /* latched */
	CU_ASSERT_EQUAL(protect_clear(&bank, 0, true), REASON_OK);
}

static void pack_that_reports_one_pole_only_is_seen_closing_by_it(void)
{
	begin(2);
	bank.site.pack[0].contactors.feedback[POLE_NEGATIVE] = false;
	run(200);
	bms[0].closed = bms[0].stays = true;
	run(50);
	CU_ASSERT_EQUAL(raised[REASON_CLOSED_UNASKED], 1);
	CU_ASSERT_TRUE(bank.contactor[0].connected);
}

static void command_just_withdrawn_explains_a_closed_report_for_the_time_of_opening(void)
{
	begin(2);
	run(200);
	bank.contactor[0].coil_ms[POLE_POSITIVE] = bank.now_ms;
	bms[0].closed = bms[0].stays = true;
	run(1000);
	CU_ASSERT_EQUAL(raised[REASON_CLOSED_UNASKED], 0);
	run(500);
	CU_ASSERT_EQUAL(raised[REASON_CLOSED_UNASKED], 1);
}

static void welded_pack_that_closes_again_is_told_and_stays_in_the_books(void)
{
	begin(2);
	bank.contactor[0].welded[POLE_POSITIVE] = true; /* known from before the start */
	run(200);
	CU_ASSERT_FALSE(bank.contactor[0].connected);
	bms[0].closed = bms[0].stays = true;
	run(50);
	CU_ASSERT_EQUAL(raised[REASON_CLOSED_UNASKED], 1);
	bms[0].dark = true;
	run(500);
	CU_ASSERT_TRUE(bank.contactor[0].connected);
}

static void pack_found_closed_at_start_has_time_to_open_and_is_not_adopted(void)
{
	begin(1);
	bank.contactor[0].state = CONTACTOR_UNPROVEN;
	bank.contactor[0].since_ms = bank.now_ms;
	bank.guard.ready = false;
	bms[0].closed = bms[0].stays = true;
	run(1000);
	CU_ASSERT_TRUE(bank.contactor[0].connected);
	CU_ASSERT_FALSE(out.heartbeat);
	CU_ASSERT_EQUAL(raised[REASON_CLOSED_UNASKED], 0);
	run(300);
	CU_ASSERT_EQUAL(raised[REASON_CLOSED_UNASKED], 1);
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_OPEN);
	CU_ASSERT_TRUE(bank.contactor[0].connected);
	begin(1);
	bank.contactor[0].state = CONTACTOR_UNPROVEN;
	bank.contactor[0].since_ms = bank.now_ms;
	bms[0].closed = true;
	run(500);
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_OPEN);
	CU_ASSERT_EQUAL(raised[REASON_CLOSED_UNASKED], 0);
}

static void pack_asleep_at_start_holds_the_bank_only_until_the_dead_bus_speaks_for_it(void)
{
	begin(1);
	bank.contactor[0].state = CONTACTOR_UNPROVEN;
	bank.contactor[0].since_ms = bank.now_ms;
	bms[0].dark = true;
	blind = true;
	run(12000);
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_UNPROVEN);
	CU_ASSERT_TRUE(out.pack[0].keep_alive || bank.contactor[0].connected);
	blind = false;
	run(200);
	CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_OPEN);
	CU_ASSERT_EQUAL(noted[REASON_OPEN_UNPROVEN], 1);
	CU_ASSERT_FALSE(bank.contactor[0].isolated);
}

static void command_in_the_frames_may_follow_with_the_next_ones(void)
{
	begin(1);
	for (int i = 0; i < 25; i++) {
		tick();
		in.contacts[0].readback[POLE_POSITIVE] = CONTACT_CLOSED;
		contactor_step(&bank, &in, &out);
	}
	CU_ASSERT_EQUAL(raised[REASON_READBACK], 0);
	for (int i = 0; i < 210; i++) {
		hand_advance(10);
		in.contacts[0].readback[POLE_POSITIVE] = CONTACT_CLOSED;
		contactor_step(&bank, &in, &out);
		hand_read();
	}
	CU_ASSERT_EQUAL(raised[REASON_READBACK], 1);
}

/* ---- the guard ------------------------------------------------------------------------------- */

static void guard_lets_a_command_rise_only_onto_a_dead_bus_or_one_that_is_near(void)
{
	begin(2);
	bank.now.bus_v = 200.;
	hand_advance(10);
	bank.contactor[0].coil[POLE_POSITIVE] = out.pack[0].coil[POLE_POSITIVE] = true;
	guard_step(&bank, &in, &out);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_POSITIVE] || bank.contactor[0].coil[POLE_POSITIVE]);
	bank.now.bus_v = 0.;
	out.pack[0].coil[POLE_POSITIVE] = out.pcs_enable = true;
	guard_step(&bank, &in, &out);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_POSITIVE]);
	out.pack[0].coil[POLE_POSITIVE] = true;
	out.pcs_enable = false;
	guard_step(&bank, &in, &out);
	CU_ASSERT_TRUE(out.pack[0].coil[POLE_POSITIVE]);
	begin(2);
	close_pack(1);
	out.pack[0].coil[POLE_POSITIVE] = true;
	guard_step(&bank, &in, &out);
	CU_ASSERT_TRUE(out.pack[0].coil[POLE_POSITIVE]);
	begin(2);
	close_pack(1);
	bank.now.bus_v = 360.;
	out.pack[0].coil[POLE_POSITIVE] = true;
	guard_step(&bank, &in, &out);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_POSITIVE]);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(first_pack_lifts_a_dead_bus_and_is_proven_by_report_and_voltage),
		TEST(converters_stay_off_until_the_pack_has_closed),
		TEST(second_pack_joins_under_the_join_rule),
		TEST(join_is_taken_back_when_the_bus_moves_before_the_pack_has_closed),
		TEST(join_is_taken_back_when_power_moves_or_must),
		TEST(power_stands_still_until_a_join_is_over),
		TEST(power_does_not_wait_for_a_pack_that_does_not_open_in_its_time),
		TEST(pack_that_never_answers_is_given_up_and_locked),
		TEST(pack_that_pre_charges_and_does_not_close_has_timed_out),
		TEST(join_that_is_not_answered_ends_in_time_too),
		TEST(precharge_that_lifts_nothing_is_a_short_and_latches),
		TEST(unknown_bus_ends_a_closing),
		TEST(report_of_closed_that_the_bus_does_not_show_is_not_believed),
		TEST(first_closing_ends_when_the_bus_crept_up_before_its_command),
		TEST(first_closing_ends_when_another_pack_turns_out_to_be_on_the_bus),
		TEST(report_that_lies_three_times_locks_the_pack),
		TEST(guard_takes_the_boost_with_the_last_coil_only),
		TEST(pack_that_opens_again_at_once_has_not_closed),
		TEST(joining_pack_that_says_open_has_not_closed_though_others_hold_the_bus),
		TEST(closed_pack_that_opens_by_itself_has_lost_its_feedback),
		TEST(closing_pack_that_loses_its_permit_is_taken_back),
		TEST(without_a_report_time_and_voltage_have_to_do),
		TEST(opening_is_proven_by_report_before_the_frames_may_stop),
		TEST(pack_that_reports_one_pole_is_never_called_isolated),
		TEST(pack_that_does_not_open_is_welded_and_gets_no_frames_for_a_while),
		TEST(silence_opens_a_pack_that_does_not_hear_its_command),
		TEST(silent_pack_is_off_the_books_after_its_verified_time),
		TEST(silent_pack_whose_silence_proves_nothing_opens_the_bank),
		TEST(dead_bus_proves_a_silent_pack_open_at_once),
		TEST(pack_that_closes_unasked_is_refused_and_counts_as_connected),
		TEST(pack_that_reports_one_pole_only_is_seen_closing_by_it),
		TEST(command_just_withdrawn_explains_a_closed_report_for_the_time_of_opening),
		TEST(welded_pack_that_closes_again_is_told_and_stays_in_the_books),
		TEST(pack_found_closed_at_start_has_time_to_open_and_is_not_adopted),
		TEST(pack_asleep_at_start_holds_the_bank_only_until_the_dead_bus_speaks_for_it),
		TEST(command_in_the_frames_may_follow_with_the_next_ones),
		TEST(guard_lets_a_command_rise_only_onto_a_dead_bus_or_one_that_is_near),
		CU_TEST_INFO_NULL,
	};

	return hand_run("frames", tests);
}
