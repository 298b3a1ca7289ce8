#include "relay_bank.h"
#include "core/sequence.h"
#include "core/closing.h"

static void first_pack_closes_by_precharge_one_pole_after_the_other(void)
{
	begin(1);
	run(100);
	CU_ASSERT_TRUE(bank.contactor[0].isolated);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_FIRST, 20));
	CU_ASSERT(out.pack[0].coil[POLE_NEGATIVE] && !out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_PRECHARGE]);
	CU_ASSERT(out.next_step_ms <= bank.now_ms + 20);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 200));
	CU_ASSERT(out.pack[0].coil[POLE_PRECHARGE] && !out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_FALSE(bank.contactor[0].connected);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 2000));
	CU_ASSERT(plant.bus_v > 0.97 * 374.4);
	CU_ASSERT(out.pack[0].coil[POLE_PRECHARGE] && out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 300));
	CU_ASSERT(out.pack[0].coil[POLE_NEGATIVE] && out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_PRECHARGE]);
	CU_ASSERT_EQUAL(noted[REASON_JOINED], 1);
	CU_ASSERT(bank.contactor[0].connected && !bank.contactor[0].isolated);
	CU_ASSERT_EQUAL(bank.life[0].joins, 1);
	CU_ASSERT_EQUAL(contactor_connected(&bank), 1);
	const struct contactor_wear *wear = &bank.life[0].wear[POLE_PRECHARGE];
	CU_ASSERT(wear->make_a > 7. && wear->make_a < 8.); /* 374 V onto 47 ohm */
	CU_ASSERT(wear->make_v > 350. && wear->break_a < 0.5 && wear->break_v > 350.);
}

static void second_pack_joins_without_precharge_by_the_join_rule(void)
{
	begin(2);
	close_pack(1);
	plant.current_a[0] = 3.;
	bank.now.pack[0].electrical_new = true;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 500));
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_PRECHARGE]);
	CU_ASSERT(bank.contactor[0].predicted_a > 0.);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 300));
	run(100);
	CU_ASSERT_EQUAL(bank.contactor[0].peak_a, 3.);
	CU_ASSERT_EQUAL(bank.life[0].join_peak_a, 3.);
	plant.current_a[0] = 1.;
	run(50);
	CU_ASSERT_EQUAL(bank.contactor[0].peak_a, 3.);
	bank.now.pack[0].electrical_new = false;
	run(50);
	bank.now.pack[0].electrical_new = true;
	plant.current_a[0] = 9.;
	run(400);
	CU_ASSERT(bank.contactor[0].peak_a == 3. || bank.contactor[0].peak_a == 9.);
	CU_ASSERT_EQUAL(contactor_connected(&bank), 3);
}

static void join_refused_at_the_edge_opens_again_and_waits(void)
{
	begin(2);
	close_pack(1);
	bank.now.pack[0].pack_v = 380.;
	bank.plan.join = 0;
	run(20);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_CLOSE_FIRST);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1000));
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_EQUAL(noted[REASON_JOIN_WAIT], 1);
	CU_ASSERT(bank.contactor[0].retry_ms > bank.now_ms + 10000);
	CU_ASSERT_EQUAL(bank.contactor[0].tries, 0);
}

static void nothing_closes_without_a_permit_a_ready_guard_and_a_free_bank(void)
{
	begin(2);
	bank.plan.join = 0;
	bank.protect.pack[0].permit.close = false;
	run(100);
	bank.protect.pack[0].permit.close = true;
	bank.protect.permit.close = false;
	run(100);
	bank.protect.permit.close = true;
	bank.guard.ready = false;
	run(100);
	bank.guard.ready = true;
	bank.plan.stopping = true;
	run(100);
	bank.plan.stopping = false;
	bank.contactor[1].state = CONTACTOR_PRECHARGE;
	CU_ASSERT_FALSE(contactor_sequence_free(&bank, 0));
	CU_ASSERT_FALSE(closing_allowed(&bank, 0));
	bank.contactor[1].state = CONTACTOR_OPEN;
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN);
	CU_ASSERT_FALSE(any_coil(0));
	run(20);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_CLOSE_FIRST);
}

/* A bus sensor that is silent in each precharge: no fault of the pack, but its coils wear. */
static void failed_closings_use_up_the_budget_and_come_ever_later(void)
{
	int64_t pause_ms = 3000;

	begin(1);
	bank.plan.join = 0;
	for (unsigned i = 1; i <= 10; i++) {
		plant.blind = false;
		plant.bus_v = 0.;
		CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 500));
		CU_ASSERT_EQUAL(bank.contactor[0].ops_today, i);
		CU_ASSERT_EQUAL(bank.plan.ops_hour, i);
		plant.blind = true;
		tick();
		CU_ASSERT_EQUAL(bank.contactor[0].reason, REASON_NO_BUS_SOURCE);
		CU_ASSERT_EQUAL(bank.contactor[0].retry_ms, bank.now_ms + pause_ms);
		CU_ASSERT_EQUAL(bank.contactor[0].pause_ms, pause_ms);
		pause_ms = pause_ms < 150000 ? 2 * pause_ms : 300000;
		CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1000));
	}
	CU_ASSERT_EQUAL(bank.contactor[0].tries, 0);
	CU_ASSERT_TRUE(bank.protect.pack[0].permit.close);
	contactor_release(&bank, 0);
	CU_ASSERT_EQUAL(bank.contactor[0].failures, 0);
	CU_ASSERT_EQUAL(bank.contactor[0].retry_ms, 0);
	CU_ASSERT_EQUAL(bank.contactor[0].ops_today, 10); /* what wore is worn */
}

static void pause_doubles_up_to_five_minutes(void)
{
	CU_ASSERT_EQUAL(closing_pause_ms(1), 3000);
	CU_ASSERT_EQUAL(closing_pause_ms(2), 6000);
	CU_ASSERT_EQUAL(closing_pause_ms(7), 192000);
	CU_ASSERT_EQUAL(closing_pause_ms(8), 300000);
	CU_ASSERT_EQUAL(closing_pause_ms(UINT32_MAX), 300000);
}

/* Loses `what` in CLOSE_FIRST; returns the reason of the abort. */
static enum reason loses(int what)
{
	begin(2);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_FIRST, 100));
	bank.protect.pack[0].permit.close = what != 0;
	bank.protect.pack[0].permit.reason = what == 0 ? REASON_AUX_LOW : REASON_OK;
	bank.protect.permit.close = what != 1;
	bank.protect.permit.reason = what == 1 ? REASON_SUPPLY_LOW : REASON_OK;
	bank.plan.stopping = what == 2;
	bank.contactor[1].state = what == 3 ? CONTACTOR_OPEN_FIRST : CONTACTOR_OPEN;
	tick();
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	return bank.contactor[0].reason;
}

static void interrupted_closing_opens_at_once_and_says_why(void)
{
	CU_ASSERT_EQUAL(loses(0), REASON_AUX_LOW);
	CU_ASSERT_EQUAL(loses(1), REASON_SUPPLY_LOW);
	CU_ASSERT_EQUAL(loses(2), REASON_SHUTTING_DOWN);
	CU_ASSERT_EQUAL(loses(3), REASON_NOT_READY);
}

static void closing_that_lost_a_coil_to_the_guard_is_given_up(void)
{
	begin(2);
	close_pack(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 500));
	bank.contactor[0].coil[POLE_POSITIVE] = false;
	bank.guard.let_go = 1;
	tick();
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	CU_ASSERT_EQUAL(bank.contactor[0].reason, REASON_NOT_READY);
	begin(2);
	close_pack(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_FIRST, 500));
	bank.contactor[0].coil[POLE_NEGATIVE] = false;
	bank.guard.let_go = 1;
	tick();
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
}

static void missed_bus_after_many_failures_waits_the_longer_of_both_pauses(void)
{
	struct contactor *contactor = &bank.contactor[0];

	for (unsigned failures = 0; failures < 7; failures += 6) {
		begin(2);
		contactor->failures = failures;
		closing_abort(&bank, 0, &out, REASON_JOIN_WAIT, 1., 0.);
		CU_ASSERT_EQUAL(contactor->pause_ms, failures ? closing_pause_ms(7) : 30000);
	}
}

/* Whatever its number: here the later pack finds its feedback lost in the very step. */
static void pack_that_begins_to_leave_stops_a_closing_in_the_same_step(void)
{
	begin(3);
	plant.held = true;
	close_pack(1);
	close_pack(2);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_FIRST, 100));
	plant.lies[2][POLE_POSITIVE] = true;
	tick();
	CU_ASSERT_EQUAL(state(2), CONTACTOR_LEAVING);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	CU_ASSERT_EQUAL(bank.contactor[0].reason, REASON_NOT_READY);
}

static void made_circuit_is_broken_by_a_lost_hold_and_by_nothing_less(void)
{
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 3000));
	bank.protect.permit.close = bank.protect.pack[0].permit.close = false;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 300));
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 3000));
	no_hold(0, 2000, false);
	tick();
	CU_ASSERT_FALSE(any_coil(0));
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 3000));
	bank.protect.permit.hold = bank.protect.permit.close = false;
	bank.protect.permit.reason = REASON_ESTOP;
	tick();
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(bank.contactor[0].reason, REASON_ESTOP);
}

static void made_circuit_that_may_not_hold_is_not_broken_under_current(void)
{
	const double current_a[] = {9., 300., NAN};

	for (unsigned i = 0; i < 3; i++) {
		begin(2);
		close_pack(1);
		bank.plan.join = 0;
		CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 500));
		plant.at[0][POLE_POSITIVE] = true;
		plant.current_a[0] = current_a[i];
		no_hold(0, 3000, true);
		tick();
		CU_ASSERT_EQUAL(state(0), i == 0 ? CONTACTOR_OPEN_SECOND : CONTACTOR_LEAVING);
		CU_ASSERT_EQUAL(any_coil(0), i != 0);
		CU_ASSERT_FALSE(bank.contactor[0].coil[POLE_PRECHARGE]);
		CU_ASSERT_EQUAL(bank.contactor[0].reason, REASON_TEMP_HIGH);
		run(3100);
		CU_ASSERT_FALSE(any_coil(0));
	}
}

static void pole_that_does_not_close_is_tried_three_times_then_latched(void)
{
	for (int pole = POLE_NEGATIVE; pole <= POLE_POSITIVE; pole++) {
		begin(1);
		plant.stuck[0][pole] = true;
		bank.plan.join = 0;
		for (unsigned i = 1; i <= 3; i++) {
			CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 4000));
			CU_ASSERT_EQUAL(noted[REASON_NO_CLOSE], i);
			CU_ASSERT_EQUAL(bank.contactor[0].tries, i);
			CU_ASSERT(bank.contactor[0].retry_ms >= bank.now_ms + 2900);
			CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1000));
			plant.bus_v = 0.;
		}
		CU_ASSERT_EQUAL(raised[REASON_NO_CLOSE], 1);
		run(1000);
		CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN);
		CU_ASSERT_FALSE(any_coil(0));
	}
}

static void good_closing_forgets_failed_ones(void)
{
	begin(1);
	plant.stuck[0][POLE_NEGATIVE] = true;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 2000));
	CU_ASSERT_EQUAL(bank.contactor[0].tries, 1);
	CU_ASSERT_EQUAL(bank.contactor[0].failures, 1);
	CU_ASSERT_EQUAL(bank.contactor[0].ops_today, 1);
	plant.stuck[0][POLE_NEGATIVE] = false;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 4000));
	CU_ASSERT_EQUAL(bank.contactor[0].tries, 0);
	CU_ASSERT_EQUAL(bank.contactor[0].failures, 0);
	CU_ASSERT_EQUAL(bank.contactor[0].ops_today, 2); /* once each, though three coils rose */
	CU_ASSERT_EQUAL(bank.plan.ops_hour, 2);
}

static void bus_that_rises_on_the_first_pole_shows_a_welded_precharge(void)
{
	begin(1);
	plant.stuck[0][POLE_PRECHARGE] = plant.at[0][POLE_PRECHARGE] = true;
	bank.site.pack[0].contactors.feedback[POLE_PRECHARGE] = false;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 500));
	CU_ASSERT_EQUAL(raised[REASON_PRECHARGE_WELDED], 1);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.close);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	CU_ASSERT_FALSE(any_coil(0));
}

static void unknown_bus_voltage_starts_no_precharge(void)
{
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_FIRST, 100));
	plant.blind = true;
	tick();
	CU_ASSERT_FALSE(any_coil(0));
}

static void failed_precharge_opens_and_short_is_latched_at_once(void)
{
	begin(1);
	plant.shorted = true;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 500));
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 500));
	CU_ASSERT_EQUAL(raised[REASON_PRECHARGE_SHORT], 1);
	CU_ASSERT_FALSE(any_coil(0));
	begin(1);
	plant.broken = true;
	bank.plan.join = 0;
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 4000));
		CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 2000));
	}
	CU_ASSERT_EQUAL(noted[REASON_PRECHARGE_SLOW], 3);
	CU_ASSERT_EQUAL(raised[REASON_PRECHARGE_LOCKED], 1);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.close);
}

static void pack_without_feedback_closes_on_time_alone(void)
{
	begin(1);
	memset(bank.site.pack[0].contactors.feedback, 0, POLE_COUNT * sizeof(bool));
	close_pack(0);
	CU_ASSERT(out.pack[0].coil[POLE_NEGATIVE] && out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_PRECHARGE]);
}

static void one_contactor_pack_closes_with_what_it_has(void)
{
	for (int missing = POLE_NEGATIVE; missing <= POLE_POSITIVE; missing++) {
		begin(1);
		struct pack_contactors *site = &bank.site.pack[0].contactors;
		site->has[missing] = site->feedback[missing] = false;
		site->shared_pole = true;
		if (missing == POLE_NEGATIVE)
			plant.held = true;
		run(100);
		CU_ASSERT_FALSE(bank.contactor[0].isolated);
		close_pack(0);
		CU_ASSERT_FALSE(out.pack[0].coil[missing]);
		CU_ASSERT_EQUAL(bank.contactor[0].ops_today, 1);
		CU_ASSERT_TRUE(bank.contactor[0].connected);
		bank.plan.leave = 0;
		CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1000));
		CU_ASSERT_FALSE(any_coil(0));
		CU_ASSERT_FALSE(bank.contactor[0].connected);
		run(100);
		CU_ASSERT_FALSE(bank.contactor[0].isolated);
	}
}

static void feedback_of_a_pole_that_is_not_ours_counts_only_where_frames_report_it(void)
{
	begin(1);
	struct pack_contactors *site = &bank.site.pack[0].contactors;
	run(100);
	CU_ASSERT_FALSE(sequence_is_proven(&bank, 0, POLE_POSITIVE, CONTACT_CLOSED, 0));
	site->has[POLE_POSITIVE] = false;
	CU_ASSERT_TRUE(site->feedback[POLE_POSITIVE]);
	CU_ASSERT_TRUE(sequence_is_proven(&bank, 0, POLE_POSITIVE, CONTACT_CLOSED, 0));
	site->by_frames = true;
	CU_ASSERT_FALSE(sequence_is_proven(&bank, 0, POLE_POSITIVE, CONTACT_CLOSED, 0));
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(first_pack_closes_by_precharge_one_pole_after_the_other),
		TEST(second_pack_joins_without_precharge_by_the_join_rule),
		TEST(join_refused_at_the_edge_opens_again_and_waits),
		TEST(failed_closings_use_up_the_budget_and_come_ever_later),
		TEST(pause_doubles_up_to_five_minutes),
		TEST(nothing_closes_without_a_permit_a_ready_guard_and_a_free_bank),
		TEST(interrupted_closing_opens_at_once_and_says_why),
		TEST(closing_that_lost_a_coil_to_the_guard_is_given_up),
		TEST(missed_bus_after_many_failures_waits_the_longer_of_both_pauses),
		TEST(pack_that_begins_to_leave_stops_a_closing_in_the_same_step),
		TEST(made_circuit_is_broken_by_a_lost_hold_and_by_nothing_less),
		TEST(made_circuit_that_may_not_hold_is_not_broken_under_current),
		TEST(pole_that_does_not_close_is_tried_three_times_then_latched),
		TEST(good_closing_forgets_failed_ones),
		TEST(bus_that_rises_on_the_first_pole_shows_a_welded_precharge),
		TEST(unknown_bus_voltage_starts_no_precharge),
		TEST(failed_precharge_opens_and_short_is_latched_at_once),
		TEST(pack_without_feedback_closes_on_time_alone),
		TEST(one_contactor_pack_closes_with_what_it_has),
		TEST(feedback_of_a_pole_that_is_not_ours_counts_only_where_frames_report_it),
		CU_TEST_INFO_NULL,
	};

	return hand_run("closing", tests);
}
