#include "relay_bank.h"

static void planned_leave_waits_for_its_current_and_opens_pole_by_pole(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 30.;
	bank.plan.leave = 0;
	bank.plan.leave_reason = REASON_OWN_FLOOR;
	run(1000);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	CU_ASSERT_EQUAL(noted[REASON_OWN_FLOOR], 1);
	CU_ASSERT(out.pack[0].coil[POLE_NEGATIVE] && out.pack[0].coil[POLE_POSITIVE]);
	plant.current_a[0] = 9.8; /* its sensor may be wrong by 0.5 A */
	run(100);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	plant.current_a[0] = 5.;
	run(20);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_FIRST);
	CU_ASSERT_NOT_EQUAL(out.pack[0].coil[POLE_NEGATIVE], out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_TRUE(bank.contactor[0].connected);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 200));
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 200));
	CU_ASSERT_EQUAL(noted[REASON_LEFT], 1);
	CU_ASSERT_EQUAL(bank.life[0].emergency_opens, 0);
	CU_ASSERT_EQUAL(bank.life[0].leave_peak_a, 5.);
	CU_ASSERT_TRUE(bank.contactor[0].planned);
	run(50);
	CU_ASSERT_TRUE(bank.contactor[0].isolated);
	CU_ASSERT_EQUAL(contactor_connected(&bank), 2);
}

static void planned_leave_that_is_called_off_or_takes_too_long_ends_closed(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 30.;
	bank.plan.leave = 0;
	run(100);
	bank.plan.leave = -1;
	run(20);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_CLOSED);
	bank.plan.leave = 0;
	run(30000);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 300));
	CU_ASSERT(out.pack[0].coil[POLE_NEGATIVE] && out.pack[0].coil[POLE_POSITIVE]);
}

static void last_pack_waits_until_the_converters_are_shown_off(void)
{
	begin(1);
	close_pack(0);
	bank.guard.pcs_drop_ms = 0;
	bank.now.pcs[0].state = PCS_RUNNING;
	bank.plan.leave = 0;
	run(1000);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	bank.now.pcs[0].state = PCS_OFF;
	bank.now.pcs[0].dc_a = 4.;
	run(100);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	bank.now.pcs[0].dc_a = NAN;
	run(100);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	bank.now.pcs[0].dc_a = 0.;
	run(20);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_FIRST);
	begin(1);
	close_pack(0);
	bank.now.pcs[0].state = PCS_UNKNOWN;
	bank.guard.pcs_drop_ms = bank.now_ms;
	bank.plan.leave = 0;
	run(90);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	run(30);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_FIRST);
}

static void packs_that_all_have_to_leave_wait_for_the_converters(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.guard.pcs_drop_ms = 0;
	bank.now.pcs[0].state = PCS_RUNNING;
	no_hold(0, 2000, false);
	bank.plan.leave = 1;
	plant.current_a[0] = plant.current_a[1] = 20.;
	run(50);
	CU_ASSERT(state(0) == CONTACTOR_LEAVING && state(1) == CONTACTOR_LEAVING);
	plant.current_a[0] = plant.current_a[1] = 0.;
	run(500);
	CU_ASSERT(state(0) == CONTACTOR_LEAVING && state(1) == CONTACTOR_LEAVING);
	bank.now.pcs[0].state = PCS_OFF;
	run(20);
	CU_ASSERT(state(0) == CONTACTOR_OPEN_FIRST && state(1) == CONTACTOR_LEAVING);
	run(500);
	CU_ASSERT(state(0) == CONTACTOR_OPEN && state(1) == CONTACTOR_OPEN);
}

static void without_an_enable_line_only_the_converters_can_show_that_they_are_off(void)
{
	begin(1);
	close_pack(0);
	bank.site.has_pcs_enable = false;
	bank.guard.pcs_drop_ms = bank.now_ms - 1000; /* told to be off, which is all */
	bank.now.pcs[0].state = PCS_RUNNING;
	CU_ASSERT_FALSE(contactor_converters_off(&bank));
	bank.now.pcs[0].state = PCS_OFF;
	CU_ASSERT_TRUE(contactor_converters_off(&bank));
	bank.now.pcs[0].known = false;
	bank.now.pcs[0].state = PCS_UNKNOWN;
	CU_ASSERT_FALSE(contactor_converters_off(&bank));
	bank.converter[0].gives_nothing = true;
	CU_ASSERT_TRUE(contactor_converters_off(&bank));
	bank.converter[0].gives_nothing = false;
	bank.site.has_pcs_enable = true;
	CU_ASSERT_TRUE(contactor_converters_off(&bank));
}

/* In the books as closed by itself or as welded, it may let go at any time. */
static void pack_nobody_closed_does_not_hold_the_bus_for_a_converter(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.guard.pcs_drop_ms = 0;
	bank.now.pcs[0].state = PCS_RUNNING;
	bank.contactor[1].state = CONTACTOR_OPEN;
	bank.contactor[1].welded[POLE_NEGATIVE] = bank.contactor[1].welded[POLE_POSITIVE] = true;
	bank.plan.leave = 0;
	run(500);
	CU_ASSERT_TRUE(bank.contactor[1].connected);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	bank.now.pcs[0].state = PCS_OFF;
	run(20);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_FIRST);
}

static void closed_pack_that_lost_a_coil_to_the_guard_opens_the_rest(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.contactor[0].coil[POLE_POSITIVE] = false;
	bank.guard.let_go = 1;
	tick();
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(noted[REASON_LEFT], 1);
	CU_ASSERT_EQUAL(state(1), CONTACTOR_CLOSED);
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 50.;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_LEAVING, 100));
	bank.contactor[0].coil[POLE_POSITIVE] = false;
	bank.guard.let_go = 1;
	tick();
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
}

static void packs_that_have_to_go_open_one_after_the_other_until_their_deadline(void)
{
	begin(3);
	plant.held = true;
	close_pack(1);
	close_pack(0);
	close_pack(2);
	no_hold(0, 2000, false);
	no_hold(1, 2000, false);
	bank.plan.leave = 0;
	run(20);
	CU_ASSERT(state(0) == CONTACTOR_OPEN_FIRST && state(1) == CONTACTOR_LEAVING);
	run(50);
	CU_ASSERT(state(0) == CONTACTOR_OPEN_SECOND && state(1) == CONTACTOR_LEAVING);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 500));
	run(20);
	CU_ASSERT_EQUAL(state(1), CONTACTOR_OPEN_FIRST);
	begin(3);
	plant.held = true;
	close_pack(1);
	close_pack(0);
	close_pack(2);
	no_hold(0, 10, false);
	no_hold(1, 10, false);
	run(30);
	CU_ASSERT(state(0) >= CONTACTOR_OPEN_FIRST && state(1) >= CONTACTOR_OPEN_FIRST);
}

static void emergency_does_not_wait_for_its_turn_but_for_the_converters(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.guard.pcs_drop_ms = 0;
	bank.now.pcs[0].state = PCS_RUNNING;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_FIRST, 200));
	no_hold(1, 500, true);
	run(20);
	CU_ASSERT(state(0) == CONTACTOR_OPEN_FIRST && state(1) == CONTACTOR_LEAVING);
	bank.now.pcs[0].state = PCS_OFF;
	run(10);
	CU_ASSERT_EQUAL(state(1), CONTACTOR_OPEN_SECOND);
}

static void pack_that_burns_is_open_before_the_others_are(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.now.pcs[0].state = PCS_OFF;
	bank.protect.permit.hold = false;
	bank.protect.permit.hold_deadline_ms = bank.now_ms + 500;
	no_hold(1, 400, true);
	bank.protect.pack[1].permit.goes_first = true;
	run(20);
	CU_ASSERT(state(1) == CONTACTOR_OPEN_SECOND && !any_coil(1));
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	CU_ASSERT_TRUE(reach(1, CONTACTOR_OPEN, 100));
	run(20);
	CU_ASSERT_FALSE(any_coil(0));
}

static void nobody_waits_past_his_deadline_for_a_pack_that_burns(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.held = true;
	plant.stuck[1][POLE_NEGATIVE] = plant.stuck[1][POLE_POSITIVE] = true;
	plant.current_a[0] = plant.current_a[1] = 50.;
	bank.protect.permit.hold = false;
	bank.protect.permit.hold_deadline_ms = bank.now_ms + 500;
	no_hold(1, 400, true);
	bank.protect.pack[1].permit.goes_first = true;
	run(390);
	CU_ASSERT(any_coil(0) && any_coil(1));
	run(20);
	CU_ASSERT(any_coil(0) && !any_coil(1));
	run(100);
	CU_ASSERT_FALSE(any_coil(0));
	/* two that burn do not wait for each other */
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.held = true;
	no_hold(0, 400, true);
	no_hold(1, 400, true);
	bank.protect.pack[0].permit.goes_first = bank.protect.pack[1].permit.goes_first = true;
	bank.now.pcs[0].state = PCS_OFF;
	run(20);
	CU_ASSERT(!any_coil(0) && !any_coil(1));
}

static void ordered_leave_opens_at_its_deadline_whatever_flows(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 50.;
	no_hold(0, 2000, false);
	run(1950);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	CU_ASSERT(out.next_step_ms <= bank.protect.pack[0].permit.hold_deadline_ms);
	run(60);
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	CU_ASSERT_EQUAL(bank.life[0].emergency_opens, 1);
	CU_ASSERT_EQUAL(bank.contactor[0].reason, REASON_TEMP_HIGH);
	CU_ASSERT_FALSE(bank.contactor[0].planned);
}

static void unknown_current_is_no_small_current(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = NAN;
	no_hold(0, 500, false);
	run(480);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	run(40);
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(bank.life[0].emergency_opens, 1);
	CU_ASSERT_EQUAL(bank.life[0].leave_peak_a, 0.);
}

static void second_pole_does_not_wait_past_the_deadline(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 50.;
	no_hold(0, 500, false);
	run(470);
	plant.current_a[0] = 0.;
	plant.stuck[0][POLE_NEGATIVE] = plant.stuck[0][POLE_POSITIVE] = true;
	run(20);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_FIRST);
	run(20);
	CU_ASSERT_FALSE(any_coil(0));
}

static void emergency_opens_both_poles_as_soon_as_current_is_gone(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 50.;
	no_hold(0, 500, true);
	run(100);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	plant.current_a[0] = 1.;
	run(20);
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	begin(1);
	close_pack(0);
	bank.protect.permit.hold = bank.protect.permit.close = false;
	bank.protect.permit.reason = REASON_ESTOP;
	bank.protect.permit.hold_deadline_ms = bank.now_ms + 500;
	run(30);
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(bank.contactor[0].reason, REASON_ESTOP);
}

static void emergency_overtakes_an_opening_in_progress(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_FIRST, 100));
	no_hold(0, 500, true);
	tick();
	CU_ASSERT_FALSE(any_coil(0));
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_FIRST, 100));
	bank.protect.permit.hold = false;
	bank.protect.permit.hold_deadline_ms = bank.now_ms + 500;
	tick();
	CU_ASSERT_FALSE(any_coil(0));
}

static enum pole first_opened(double current_a, bool polarised)
{
	bank.site.pack[0].contactors.polarised = polarised;
	plant.current_a[0] = current_a;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_FIRST, 200));
	CU_ASSERT_NOT_EQUAL(out.pack[0].coil[POLE_NEGATIVE], out.pack[0].coil[POLE_POSITIVE]);
	return out.pack[0].coil[POLE_POSITIVE] ? POLE_NEGATIVE : POLE_POSITIVE;
}

static enum pole opened_after_closing(double current_a, bool polarised)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	return first_opened(current_a, polarised);
}

static void poles_take_turns_so_that_both_are_tested(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	enum pole one = first_opened(0., false);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 500));
	bank.plan.leave = -1;
	run(100);
	close_pack(0);
	CU_ASSERT_NOT_EQUAL(first_opened(0., false), one);
}

static void polarised_contactor_opens_the_pole_that_suits_the_current(void)
{
	CU_ASSERT_EQUAL(opened_after_closing(-5., true), POLE_POSITIVE);
	CU_ASSERT_EQUAL(opened_after_closing(5., true), POLE_NEGATIVE);
	CU_ASSERT_EQUAL(opened_after_closing(1., true), opened_after_closing(0., false));
	CU_ASSERT_EQUAL(opened_after_closing(5., false), opened_after_closing(0., false));
}

/* ---- feedback that cannot be read ------------------------------------------------------------ */

static void lose_contacts(bool negative, bool positive)
{
	plant.gone[0][POLE_NEGATIVE] = plant.gone[0][POLE_PRECHARGE] = negative;
	plant.gone[0][POLE_POSITIVE] = positive;
}

static bool none_welded(unsigned k)
{
	const bool *welded = bank.contactor[k].welded;

	return !welded[POLE_NEGATIVE] && !welded[POLE_POSITIVE] && !welded[POLE_PRECHARGE];
}

static void contact_that_cannot_be_read_is_no_weld(void)
{
	for (unsigned planned = 0; planned < 2; planned++) {
		begin(2);
		close_pack(1);
		close_pack(0);
		lose_contacts(true, true);
		run(600);
		if (planned)
			bank.plan.leave = 0;
		else
			no_hold(0, 4000, false);
		CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 3000));
		CU_ASSERT_FALSE(any_coil(0));
		run(10000);
		CU_ASSERT(none_welded(0) && !bank.contactor[0].trip_weld);
		CU_ASSERT_EQUAL(raised[REASON_WELDED], 0);
		CU_ASSERT_EQUAL(noted[REASON_OPEN_UNPROVEN], 1);
		CU_ASSERT_FALSE(bank.contactor[0].isolated);
		lose_contacts(false, false);
		run(50);
		CU_ASSERT_TRUE(bank.contactor[0].isolated);
	}
}

static void contact_that_is_away_for_a_moment_still_shows_the_weld(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.stuck[0][POLE_NEGATIVE] = plant.stuck[0][POLE_POSITIVE] = true;
	no_hold(0, 500, true);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 1000));
	lose_contacts(true, true);
	run(450);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	lose_contacts(false, false);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 500));
	CU_ASSERT_TRUE(bank.contactor[0].trip_weld);
}

static void weld_is_found_when_the_contact_can_be_read_again(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	lose_contacts(true, true);
	plant.stuck[0][POLE_POSITIVE] = true;
	run(600);
	no_hold(0, 4000, false);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 3000));
	CU_ASSERT_TRUE(none_welded(0));
	lose_contacts(false, false);
	run(20);
	CU_ASSERT(bank.contactor[0].welded[POLE_POSITIVE] && !bank.contactor[0].trip_weld);
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 1);
}

static void last_pack_that_cannot_be_read_is_accused_by_a_bus_that_stays(void)
{
	static const struct {
		bool negative_gone, held, blind, welded;
	} cases[] = {
		{true, false, false, false}, /* a falling bus proves the opening */
		{true, true, false, true},
		{true, true, true, false},   /* no bus voltage accuses nobody */
		{false, true, false, false}, /* the other pole is shown open */
	};

	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin(1);
		close_pack(0);
		lose_contacts(cases[i].negative_gone, true);
		plant.held = cases[i].held;
		run(600);
		no_hold(0, 4000, false);
		CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 3000));
		plant.blind = cases[i].blind;
		CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 8000));
		CU_ASSERT_EQUAL(none_welded(0), !cases[i].welded);
		CU_ASSERT_EQUAL(noted[REASON_OPEN_UNPROVEN], !cases[i].welded && cases[i].held);
	}
}

static void learnt_sensor_offset_is_the_mean_within_its_bound(void)
{
	begin(1);
	close_pack(0);
	bank.contactor[0].v_offset_n = 0;
	bank.contactor[0].v_offset = 0.;
	bank.now.pack[0].electrical_new = true;
	bank.now.pack[0].pack_v = 374.4 + 0.3;
	run(3000);
	CU_ASSERT_DOUBLE_EQUAL(bank.contactor[0].v_offset, 0.3, 1e-6);
	bank.now.pack[0].pack_v = 374.4 + 1.2;
	run(60000);
	CU_ASSERT_DOUBLE_EQUAL(bank.contactor[0].v_offset, 0.5, 1e-9);
	CU_ASSERT_EQUAL(bank.contactor[0].v_offset_n, 1000);
	bank.now.pack[0].pack_v = 374.4 + 9.;
	run(1000);
	bank.now.pack[0].pack_v = NAN;
	run(1000);
	CU_ASSERT_DOUBLE_EQUAL(bank.contactor[0].v_offset, 0.5, 1e-9);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(planned_leave_waits_for_its_current_and_opens_pole_by_pole),
		TEST(planned_leave_that_is_called_off_or_takes_too_long_ends_closed),
		TEST(last_pack_waits_until_the_converters_are_shown_off),
		TEST(packs_that_all_have_to_leave_wait_for_the_converters),
		TEST(without_an_enable_line_only_the_converters_can_show_that_they_are_off),
		TEST(pack_nobody_closed_does_not_hold_the_bus_for_a_converter),
		TEST(closed_pack_that_lost_a_coil_to_the_guard_opens_the_rest),
		TEST(packs_that_have_to_go_open_one_after_the_other_until_their_deadline),
		TEST(emergency_does_not_wait_for_its_turn_but_for_the_converters),
		TEST(pack_that_burns_is_open_before_the_others_are),
		TEST(nobody_waits_past_his_deadline_for_a_pack_that_burns),
		TEST(ordered_leave_opens_at_its_deadline_whatever_flows),
		TEST(unknown_current_is_no_small_current),
		TEST(second_pole_does_not_wait_past_the_deadline),
		TEST(emergency_opens_both_poles_as_soon_as_current_is_gone),
		TEST(emergency_overtakes_an_opening_in_progress),
		TEST(poles_take_turns_so_that_both_are_tested),
		TEST(polarised_contactor_opens_the_pole_that_suits_the_current),
		TEST(contact_that_cannot_be_read_is_no_weld),
		TEST(contact_that_is_away_for_a_moment_still_shows_the_weld),
		TEST(weld_is_found_when_the_contact_can_be_read_again),
		TEST(last_pack_that_cannot_be_read_is_accused_by_a_bus_that_stays),
		TEST(learnt_sensor_offset_is_the_mean_within_its_bound),
		CU_TEST_INFO_NULL,
	};

	return hand_run("leaving", tests);
}
