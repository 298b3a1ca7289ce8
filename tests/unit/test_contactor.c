#include "relay_bank.h"

/* ---- feedback -------------------------------------------------------------------------------- */

static void feedback_lost_without_current_opens_the_partner_at_once(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 0.5;
	plant.lies[0][POLE_POSITIVE] = true;
	run(30);
	CU_ASSERT_EQUAL(raised[REASON_FEEDBACK_LOST], 1);
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(bank.contactor[1].state, CONTACTOR_CLOSED);
}

static void feedback_that_reads_open_under_current_lies_and_the_pack_leaves_in_order(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 20.;
	plant.lies[0][POLE_NEGATIVE] = true;
	run(1000);
	CU_ASSERT_EQUAL(raised[REASON_FEEDBACK_LIES], 1);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	CU_ASSERT(out.pack[0].coil[POLE_NEGATIVE] && out.pack[0].coil[POLE_POSITIVE]);
	plant.current_a[0] = 5.;
	run(50);
	CU_ASSERT_NOT_EQUAL(state(0), CONTACTOR_LEAVING);
}

/* ---- welds ----------------------------------------------------------------------------------- */

static void pack_known_to_be_welded_defies_a_trip_that_comes_later(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.stuck[0][POLE_POSITIVE] = plant.stuck[0][POLE_NEGATIVE] = true;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 2000));
	CU_ASSERT_TRUE(bank.contactor[0].connected);
	CU_ASSERT_FALSE(contactor_defies_trip(&bank, 0)); /* found at a planned leave */
	bank.protect.pack[0].permit.hold = false;
	CU_ASSERT_FALSE(
		contactor_defies_trip(&bank, 0)); /* its own latch wants no more than a leave */
	bank.protect.pack[0].permit.immediate = true;
	CU_ASSERT_TRUE(contactor_defies_trip(&bank, 0));
	CU_ASSERT_FALSE(contactor_defies_trip(&bank, 1));
	bank.protect.pack[0].permit.immediate = false;
	bank.protect.permit.hold = false;
	CU_ASSERT_TRUE(contactor_defies_trip(&bank, 0));
	bank.contactor[0].state = CONTACTOR_OPEN_SECOND; /* may still open */
	CU_ASSERT_FALSE(contactor_defies_trip(&bank, 0));
	bank.contactor[0].state = CONTACTOR_OPEN;
	bank.contactor[0].connected = false; /* the other pole is open */
	CU_ASSERT_FALSE(contactor_defies_trip(&bank, 0));
	bank.contactor[0].connected = true;
	plant.stuck[0][POLE_NEGATIVE] = plant.at[0][POLE_NEGATIVE] = false;
	contactor_release(&bank, 0);
	run(100);
	CU_ASSERT_FALSE(contactor_defies_trip(&bank, 0)); /* one pole opened and was cleared */
}

static void pack_is_closing_from_its_first_coil_until_it_is_proven_closed(void)
{
	begin(3);
	for (int s = CONTACTOR_UNPROVEN; s <= CONTACTOR_OPEN_SECOND; s++) {
		bank.contactor[1].state = (enum contactor_state)s;
		bool closing = s == CONTACTOR_CLOSE_FIRST || s == CONTACTOR_PRECHARGE ||
			       s == CONTACTOR_CLOSE_SECOND;
		CU_ASSERT_EQUAL(contactor_closing(&bank), closing ? 2 : 0);
	}
}

static void open_current(bool active)
{
	for (unsigned r = 0; r < n_pack_rules; r++)
		if (pack_rules[r].reason == REASON_OPEN_CURRENT)
			bank.protect.pack[0].rule[r].active = active;
	protect_restored(&bank.protect.pack[0]);
}

/* Without contacts, and with others on the bus, nothing but its current shows that a pack stayed.
 */
static void current_of_an_open_pack_puts_it_in_the_books_unless_a_pole_is_shown_open(void)
{
	bool *feedback;

	for (int shown = 0; shown < 2; shown++) {
		begin(2);
		close_pack(1);
		feedback = bank.site.pack[0].contactors.feedback;
		feedback[POLE_NEGATIVE] = false;
		feedback[POLE_POSITIVE] = shown;
		run(200);
		CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN);
		open_current(true);
		tick();
		CU_ASSERT_EQUAL(bank.contactor[0].connected, !shown);
		CU_ASSERT_EQUAL(raised[REASON_WELDED], !shown);
	}
	begin(2); /* one contactor, the other pole is shared */
	close_pack(1);
	bank.site.pack[0].contactors.has[POLE_NEGATIVE] = false;
	bank.site.pack[0].contactors.shared_pole = true;
	feedback = bank.site.pack[0].contactors.feedback;
	feedback[POLE_NEGATIVE] = feedback[POLE_POSITIVE] = false;
	run(200);
	open_current(true);
	tick();
	CU_ASSERT_TRUE(bank.contactor[0].connected && bank.contactor[0].welded[POLE_POSITIVE]);
	CU_ASSERT_FALSE(bank.contactor[0].welded[POLE_NEGATIVE]);
}

static void weld_on_the_first_pole_is_a_fact_and_the_pack_is_off_all_the_same(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.contactor[0].alternate = false;
	plant.stuck[0][POLE_POSITIVE] = true;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 2000));
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 1);
	CU_ASSERT_TRUE(bank.contactor[0].welded[POLE_POSITIVE]);
	CU_ASSERT_FALSE(bank.contactor[0].welded[POLE_NEGATIVE]);
	CU_ASSERT_FALSE(bank.contactor[0].trip_weld);
	run(100);
	CU_ASSERT_FALSE(bank.contactor[0].connected || bank.contactor[0].isolated);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.close);
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 1);
	CU_ASSERT_TRUE(contactor_still_welded(&bank, 0));
}

static void both_poles_welded_stay_in_the_books_as_connected(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.stuck[0][POLE_NEGATIVE] = plant.stuck[0][POLE_POSITIVE] = true;
	no_hold(0, 500, true);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 2000));
	run(100);
	CU_ASSERT_TRUE(bank.contactor[0].connected);
	CU_ASSERT_EQUAL(contactor_connected(&bank), 3);
	CU_ASSERT_TRUE(bank.contactor[0].trip_weld);
	plant.stuck[0][POLE_NEGATIVE] = plant.stuck[0][POLE_POSITIVE] = false;
	run(100);
	CU_ASSERT_FALSE(contactor_still_welded(&bank, 0));
	contactor_release(&bank, 0);
	run(50);
	CU_ASSERT_FALSE(bank.contactor[0].connected || bank.contactor[0].trip_weld);
	CU_ASSERT_TRUE(bank.contactor[0].isolated);
}

static void closing_that_finds_a_weld_while_it_is_taken_back_is_no_trip(void)
{
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 500));
	plant.stuck[0][POLE_NEGATIVE] = true;
	bank.plan.stopping = true;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1000));
	CU_ASSERT_TRUE(bank.contactor[0].welded[POLE_NEGATIVE]);
	CU_ASSERT_FALSE(bank.contactor[0].trip_weld);
}

static void blind_poles(bool negative, bool positive)
{
	bank.site.pack[0].contactors.feedback[POLE_NEGATIVE] = !negative;
	bank.site.pack[0].contactors.feedback[POLE_POSITIVE] = !positive;
}

static void without_feedback_a_bus_that_keeps_its_voltage_shows_the_weld(void)
{
	begin(1);
	blind_poles(true, true);
	close_pack(0);
	plant.held = true;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 1000));
	run(4500);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1500));
	CU_ASSERT(bank.contactor[0].welded[POLE_NEGATIVE] &&
		  bank.contactor[0].welded[POLE_POSITIVE]);
	CU_ASSERT_TRUE(bank.contactor[0].connected);
	begin(1);
	blind_poles(false, true);
	close_pack(0);
	plant.held = true;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 8000));
	CU_ASSERT(!bank.contactor[0].welded[POLE_NEGATIVE] &&
		  bank.contactor[0].welded[POLE_POSITIVE]);
	begin(1);
	blind_poles(true, true);
	bank.site.pack[0].contactors.has[POLE_NEGATIVE] = false;
	close_pack(0);
	plant.held = true;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 8000));
	CU_ASSERT(!bank.contactor[0].welded[POLE_NEGATIVE] &&
		  bank.contactor[0].welded[POLE_POSITIVE]);
	begin(1);
	blind_poles(true, false);
	close_pack(0);
	plant.held = plant.blind = true;
	bank.contactor[0].start_v = 370.;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 8000));
}

static void without_feedback_a_falling_bus_proves_the_opening(void)
{
	begin(1);
	blind_poles(true, true);
	close_pack(0);
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 3000));
	CU_ASSERT_FALSE(bank.contactor[0].welded[POLE_NEGATIVE]);
	run(100);
	CU_ASSERT_FALSE(bank.contactor[0].connected || bank.contactor[0].isolated);
}

static void without_feedback_a_bus_held_by_others_proves_nothing_and_says_so_once(void)
{
	begin(2);
	blind_poles(true, true);
	close_pack(1);
	for (int i = 0; i < 2; i++) {
		close_pack(0);
		bank.plan.leave = 0;
		CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1000));
		bank.plan.leave = -1;
	}
	CU_ASSERT_EQUAL(noted[REASON_OPEN_UNPROVEN], 1);
	run(50);
	CU_ASSERT_FALSE(bank.contactor[0].isolated);
}

static void pole_found_closed_on_an_open_pack_is_welded(void)
{
	begin(1);
	run(500);
	bank.contactor[0].coil_ms[POLE_POSITIVE] = bank.now_ms;
	plant.at[0][POLE_POSITIVE] = plant.stuck[0][POLE_POSITIVE] = true;
	run(300);
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 0);
	run(200);
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 1);
	run(200);
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 1);
	CU_ASSERT_FALSE(bank.contactor[0].isolated);
}

static void precharge_contactor_that_reads_closed_keeps_a_pack_from_being_isolated(void)
{
	begin(1);
	run(100);
	CU_ASSERT_TRUE(bank.contactor[0].isolated);
	plant.at[0][POLE_PRECHARGE] = plant.stuck[0][POLE_PRECHARGE] = true;
	run(20);
	CU_ASSERT_FALSE(bank.contactor[0].isolated);
	bank.site.pack[0].contactors.feedback[POLE_PRECHARGE] = false;
	run(20);
	CU_ASSERT_TRUE(bank.contactor[0].isolated);
	bank.site.pack[0].contactors.has[POLE_PRECHARGE] = false;
	run(20);
	CU_ASSERT_TRUE(bank.contactor[0].isolated);
	bank.site.pack[0].contactors.shared_pole = true;
	run(20);
	CU_ASSERT_FALSE(bank.contactor[0].isolated);
}

static void pack_with_a_missing_pole_is_never_isolated(void)
{
	for (int missing = POLE_NEGATIVE; missing <= POLE_POSITIVE; missing++) {
		begin(1);
		run(50);
		CU_ASSERT_TRUE(bank.contactor[0].isolated);
		bank.site.pack[0].contactors.has[missing] = false;
		run(50);
		CU_ASSERT_FALSE(bank.contactor[0].isolated);
	}
}

/* ---- start ----------------------------------------------------------------------------------- */

static void start_adopts_no_closed_contactor(void)
{
	begin(1);
	bank.contactor[0].state = CONTACTOR_UNPROVEN;
	bank.contactor[0].since_ms = bank.now_ms;
	plant.at[0][POLE_NEGATIVE] = plant.stuck[0][POLE_NEGATIVE] = true;
	plant.at[0][POLE_POSITIVE] = plant.stuck[0][POLE_POSITIVE] = true;
	run(900);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_UNPROVEN);
	CU_ASSERT_FALSE(any_coil(0));
	run(300);
	CU_ASSERT(bank.contactor[0].welded[POLE_NEGATIVE] &&
		  bank.contactor[0].welded[POLE_POSITIVE]);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN);
	CU_ASSERT_EQUAL(contactor_connected(&bank), 1);
	CU_ASSERT_EQUAL(bank.plan.join, -1);
}

static void start_waits_for_undriven_lines_and_for_feedback(void)
{
	begin(1);
	bank.contactor[0].state = CONTACTOR_UNPROVEN;
	bank.contactor[0].since_ms = bank.now_ms;
	plant.line_high = true;
	run(1500);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_UNPROVEN);
	CU_ASSERT_TRUE(contactor_any_driven(&bank, 0));
	begin(1);
	bank.contactor[0].state = CONTACTOR_UNPROVEN;
	bank.contactor[0].since_ms = bank.now_ms;
	hand_advance(2000);
	bank.now.pack[0].feedback[POLE_POSITIVE] = CONTACT_UNKNOWN;
	contactor_step(&bank, &in, &out);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_UNPROVEN);
	run(10);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN);
	begin(1);
	bank.site.pack[0].contactors.has[POLE_PRECHARGE] = false;
	bank.site.pack[0].contactors.feedback[POLE_POSITIVE] = false;
	bank.contactor[0].state = CONTACTOR_UNPROVEN;
	bank.contactor[0].since_ms = bank.now_ms;
	run(50);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_UNPROVEN);
	run(100);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN);
}

static void coils_found_driven_at_the_start_are_told_of_their_pack(void)
{
	begin(2);
	in.found_driven = 2;
	tick();
	CU_ASSERT_EQUAL(noted[REASON_FOUND_DRIVEN], 1);
	CU_ASSERT_EQUAL(out.n_events, 1);
	CU_ASSERT_EQUAL(out.event[0].pack, 1);
	in.found_driven = 0;
	tick();
	CU_ASSERT_EQUAL(noted[REASON_FOUND_DRIVEN], 1);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void line_that_does_not_follow_its_output_stops_the_bank(void)
{
	begin(2);
	close_pack(0);
	for (int i = 0; i < 15; i++) {
		hand_advance(10);
		in.contacts[0].readback[POLE_NEGATIVE] = CONTACT_OPEN;
		contactor_step(&bank, &in, &out);
		hand_read();
	}
	CU_ASSERT_EQUAL(raised[REASON_READBACK], 0);
	in.contacts[0].readback[POLE_NEGATIVE] = CONTACT_UNKNOWN;
	hand_advance(10);
	contactor_step(&bank, &in, &out);
	for (int i = 0; i < 22; i++) {
		hand_advance(10);
		in.contacts[0].readback[POLE_NEGATIVE] = CONTACT_OPEN;
		contactor_step(&bank, &in, &out);
		hand_read();
	}
	CU_ASSERT_EQUAL(raised[REASON_READBACK], 1);
	CU_ASSERT_FALSE(bank.protect.permit.hold);
}

static void welded_pack_is_kept_alive_for_five_seconds_more(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.plan.stopping = bank.dispatch.locked = true;
	plant.stuck[0][POLE_NEGATIVE] = plant.stuck[0][POLE_POSITIVE] = true;
	no_hold(0, 500, true);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 2000));
	run(4900);
	CU_ASSERT(bank.contactor[0].connected && out.pack[0].keep_alive);
	run(200);
	CU_ASSERT_FALSE(out.pack[0].keep_alive);
}

static void every_coil_pulls_in_at_full_voltage_and_no_longer(void)
{
	begin(1);
	run(100);
	CU_ASSERT_FALSE(out.pack[0].boost);
	bank.site.pack[0].contactors.boost_ms = 150;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_FIRST, 200));
	CU_ASSERT_TRUE(out.pack[0].boost && out.pack[0].coil[POLE_NEGATIVE]);
	CU_ASSERT_TRUE(out.next_step_ms <= bank.now_ms + 150);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 500));
	CU_ASSERT_TRUE(out.pack[0].boost); /* the next coil */
	run(160);
	CU_ASSERT_FALSE(out.pack[0].boost);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 2000));
	CU_ASSERT_TRUE(out.pack[0].boost);
	run(400);
	CU_ASSERT_TRUE(out.pack[0].coil[POLE_POSITIVE] && !out.pack[0].boost);
}

static void keep_alive_ends_only_when_a_locked_bank_has_opened(void)
{
	begin(2);
	close_pack(1);
	CU_ASSERT_TRUE(out.pack[0].keep_alive);
	bank.plan.stopping = true;
	run(20);
	CU_ASSERT_TRUE(out.pack[0].keep_alive); /* stopped, and still watched */
	bank.dispatch.locked = true;
	run(20);
	CU_ASSERT_FALSE(out.pack[0].keep_alive);
	CU_ASSERT_TRUE(out.pack[1].keep_alive);
	bank.plan.leave = 1;
	CU_ASSERT_TRUE(reach(1, CONTACTOR_OPEN_SECOND, 500));
	CU_ASSERT_TRUE(out.pack[1].keep_alive);
	CU_ASSERT_TRUE(reach(1, CONTACTOR_OPEN, 500));
	run(20);
	CU_ASSERT_FALSE(out.pack[1].keep_alive);
	bank.dispatch.locked = false;
	run(20);
	CU_ASSERT_TRUE(out.pack[0].keep_alive && out.pack[1].keep_alive);
	in.shutdown = true;
	run(20);
	CU_ASSERT_FALSE(out.pack[0].keep_alive || out.pack[1].keep_alive);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(feedback_lost_without_current_opens_the_partner_at_once),
		TEST(feedback_that_reads_open_under_current_lies_and_the_pack_leaves_in_order),
		TEST(pack_known_to_be_welded_defies_a_trip_that_comes_later),
		TEST(pack_is_closing_from_its_first_coil_until_it_is_proven_closed),
		TEST(current_of_an_open_pack_puts_it_in_the_books_unless_a_pole_is_shown_open),
		TEST(weld_on_the_first_pole_is_a_fact_and_the_pack_is_off_all_the_same),
		TEST(both_poles_welded_stay_in_the_books_as_connected),
		TEST(closing_that_finds_a_weld_while_it_is_taken_back_is_no_trip),
		TEST(without_feedback_a_bus_that_keeps_its_voltage_shows_the_weld),
		TEST(without_feedback_a_falling_bus_proves_the_opening),
		TEST(without_feedback_a_bus_held_by_others_proves_nothing_and_says_so_once),
		TEST(pole_found_closed_on_an_open_pack_is_welded),
		TEST(precharge_contactor_that_reads_closed_keeps_a_pack_from_being_isolated),
		TEST(pack_with_a_missing_pole_is_never_isolated),
		TEST(start_adopts_no_closed_contactor),
		TEST(start_waits_for_undriven_lines_and_for_feedback),
		TEST(coils_found_driven_at_the_start_are_told_of_their_pack),
		TEST(line_that_does_not_follow_its_output_stops_the_bank),
		TEST(welded_pack_is_kept_alive_for_five_seconds_more),
		TEST(every_coil_pulls_in_at_full_voltage_and_no_longer),
		TEST(keep_alive_ends_only_when_a_locked_bank_has_opened),
		CU_TEST_INFO_NULL,
	};

	return hand_run("contactor", tests);
}
