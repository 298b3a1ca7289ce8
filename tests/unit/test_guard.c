#include "hand_bank.h"

/* The outputs below are mistakes made by hand; no plan would drive them. */

static void begin(unsigned n)
{
	hand_init(n);
	for (unsigned k = 0; k < n; k++)
		bank.contactor[k].readback[POLE_NEGATIVE] = CONTACT_OPEN;
	bank.now.pcs_dc_w = 0.;
	bank.now.bus_v = 374.;
	hand_advance(100);
}

static void drive(unsigned k, bool negative, bool positive, bool precharge)
{
	const bool coil[POLE_COUNT] = {negative, positive, precharge};

	memcpy(out.pack[k].coil, coil, sizeof coil);
	memcpy(bank.contactor[k].coil, coil, sizeof coil);
}

/* As it was driven and accepted in the step before. */
static void was(unsigned k, bool negative, bool positive, bool precharge)
{
	drive(k, negative, positive, precharge);
	memcpy(bank.guard.coil[k], out.pack[k].coil, sizeof bank.guard.coil[k]);
}

static void look(void)
{
	guard_step(&bank, &in, &out);
	hand_read();
}

static bool untouched(void)
{
	return bank.guard.interventions == 0 && noted[REASON_INTERNAL] == 0;
}

static void enable(double p_w)
{
	out.pcs_enable = true;
	out.pcs[0].run = true;
	out.pcs[0].p_w = p_w;
}

/* ---- rising ---------------------------------------------------------------------------------- */

static void good_outputs_pass_untouched(void)
{
	begin(2);
	was(0, true, true, false);
	drive(1, true, false, false);
	enable(30e3);
	look();
	CU_ASSERT_TRUE(untouched());
	CU_ASSERT(out.pcs_enable && out.pcs[0].run && out.pcs[0].p_w == 30e3);
	CU_ASSERT(out.pack[1].coil[POLE_NEGATIVE] && bank.guard.coil[1][POLE_NEGATIVE]);
	CU_ASSERT_EQUAL(bank.guard.pcs_drop_ms, 0);
	CU_ASSERT_TRUE(out.heartbeat);
}

static void refuses_to_rise(void)
{
	look();
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_NEGATIVE] || bank.contactor[0].coil[POLE_NEGATIVE]);
	CU_ASSERT_EQUAL(bank.guard.interventions, 1);
	CU_ASSERT_EQUAL(noted[REASON_INTERNAL], 1);
	CU_ASSERT_EQUAL(bank.guard.last_pack, 0);
}

static void coil_does_not_rise_without_both_permits_or_before_the_bank_is_ready(void)
{
	begin(2);
	drive(0, true, false, false);
	bank.protect.permit.close = false;
	refuses_to_rise();
	begin(2);
	drive(0, true, false, false);
	bank.protect.pack[0].permit.close = false;
	refuses_to_rise();
	begin(2);
	drive(0, true, false, false);
	bank.guard.ready = false;
	bank.contactor[1].state = CONTACTOR_UNPROVEN;
	refuses_to_rise();
	begin(2);
	drive(0, true, false, false);
	bank.contactor[1].state = CONTACTOR_OPEN_FIRST;
	refuses_to_rise();
}

static void coil_that_is_already_up_is_not_asked_for_a_permit_to_close(void)
{
	begin(1);
	was(0, true, true, false);
	bank.protect.permit.close = bank.protect.pack[0].permit.close = false;
	look();
	CU_ASSERT_TRUE(untouched());
	CU_ASSERT_TRUE(out.pack[0].coil[POLE_NEGATIVE]);
}

static void circuit_closes_only_onto_a_bus_shown_to_be_near(void)
{
	const double bus_v[] = {374.4, 368., 366., 382.5, NAN};
	const bool allowed[] = {true, true, false, false, false};

	for (unsigned i = 0; i < 5; i++) {
		begin(1);
		was(0, true, false, false);
		drive(0, true, true, false);
		bank.now.bus_v = bus_v[i];
		look();
		CU_ASSERT_EQUAL(out.pack[0].coil[POLE_POSITIVE], allowed[i]);
		CU_ASSERT_EQUAL(untouched(), allowed[i]);
	}
}

static void one_contactor_pack_is_held_to_the_same_window(void)
{
	for (int missing = POLE_NEGATIVE; missing <= POLE_POSITIVE; missing++) {
		begin(1);
		bank.site.pack[0].contactors.has[missing] = false;
		drive(0, missing == POLE_POSITIVE, missing == POLE_NEGATIVE, false);
		bank.now.bus_v = 300.;
		look();
		CU_ASSERT_EQUAL(bank.guard.interventions, 1);
		begin(1);
		bank.site.pack[0].contactors.has[missing] = false;
		was(0, missing == POLE_POSITIVE, missing == POLE_NEGATIVE, false);
		enable(1000.);
		look();
		CU_ASSERT(untouched() && out.pcs_enable);
	}
}

static void precharge_rises_only_on_an_empty_bus_with_converters_disabled(void)
{
	begin(2);
	was(0, true, false, false);
	drive(0, true, false, true);
	look();
	CU_ASSERT(untouched() && out.pack[0].coil[POLE_PRECHARGE]);
	begin(2);
	was(0, true, false, false);
	drive(0, true, false, true);
	was(1, true, true, false);
	bank.contactor[1].connected = true;
	look();
	CU_ASSERT(!untouched() && !out.pack[0].coil[POLE_PRECHARGE]);
	begin(2);
	was(0, true, false, false);
	drive(0, true, false, true);
	enable(0.);
	look();
	CU_ASSERT(!untouched() && !out.pack[0].coil[POLE_PRECHARGE]);
}

static void boost_goes_with_the_last_coil_whichever_it_is(void)
{
	begin(1);
	was(0, false, false, true);
	drive(0, true, false, true);
	out.pack[0].boost = true;
	bank.protect.permit.close = false;
	look();
	CU_ASSERT(!out.pack[0].coil[POLE_NEGATIVE] && out.pack[0].coil[POLE_PRECHARGE]);
	CU_ASSERT_TRUE(out.pack[0].boost);
	begin(1);
	drive(0, true, false, false);
	out.pack[0].boost = true;
	bank.protect.permit.close = false;
	look();
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_NEGATIVE] || out.pack[0].boost);
}

/* ---- holding --------------------------------------------------------------------------------- */

static void pack_forgotten_past_its_deadline_is_opened(void)
{
	begin(2);
	was(0, true, true, false);
	was(1, true, true, false);
	bank.protect.pack[0].permit.hold = false;
	bank.protect.pack[0].permit.hold_deadline_ms = bank.now_ms - 99;
	bank.protect.pack[0].permit.reason = REASON_TEMP_HIGH;
	look();
	CU_ASSERT(untouched() && out.pack[0].coil[POLE_POSITIVE]);
	hand_advance(1);
	drive(0, true, true, false);
	drive(1, true, true, false);
	look();
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_NEGATIVE] || out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_TRUE(out.pack[1].coil[POLE_POSITIVE]);
	CU_ASSERT_EQUAL(bank.guard.interventions, 2);
	CU_ASSERT_EQUAL(bank.guard.last, REASON_TEMP_HIGH);
}

static void bank_forgotten_past_its_deadline_is_opened(void)
{
	begin(2);
	was(0, true, true, false);
	was(1, true, true, false);
	bank.protect.permit.hold = false;
	bank.protect.permit.hold_deadline_ms = bank.now_ms - 100;
	bank.protect.pack[1].permit.hold = false;
	bank.protect.pack[1].permit.hold_deadline_ms = bank.now_ms - 500;
	look();
	CU_ASSERT_EQUAL(bank.guard.interventions, 4);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_POSITIVE] || out.pack[1].coil[POLE_POSITIVE]);
	begin(1);
	was(0, true, true, false);
	bank.protect.permit.hold = false;
	bank.protect.permit.hold_deadline_ms = bank.now_ms + 500;
	look();
	CU_ASSERT(untouched() && out.pack[0].coil[POLE_POSITIVE]);
}

static void what_it_opens_is_in_the_books_with_its_time_its_wear_and_until_proven(void)
{
	begin(2);
	was(0, true, true, false);
	bank.contactor[0].state = CONTACTOR_CLOSED;
	bank.contactor[0].connected = true;
	bank.contactor[0].coil_ms[POLE_NEGATIVE] = bank.contactor[0].coil_ms[POLE_POSITIVE] = 5000;
	bank.now.pack[0].feedback[POLE_NEGATIVE] = CONTACT_CLOSED;
	bank.now.pack[0].feedback[POLE_POSITIVE] = CONTACT_CLOSED;
	bank.now.pack[0].current_a = 80.;
	bank.protect.pack[0].permit.hold = false;
	bank.protect.pack[0].permit.hold_deadline_ms = bank.now_ms - 100;
	look();
	for (int pole = POLE_NEGATIVE; pole <= POLE_POSITIVE; pole++) {
		CU_ASSERT_EQUAL(bank.contactor[0].coil_ms[pole], bank.now_ms);
		CU_ASSERT_EQUAL(bank.life[0].wear[pole].break_a, 80.);
		CU_ASSERT_EQUAL(bank.life[0].wear[pole].loaded_breaks, 1);
	}
	for (int i = 0; i < 3; i++) {
		hand_advance(1);
		contactor_step(&bank, &in, &out);
		CU_ASSERT_TRUE(bank.contactor[0].connected);
	}
	bank.now.pack[0].feedback[POLE_NEGATIVE] = CONTACT_OPEN;
	hand_advance(20);
	contactor_step(&bank, &in, &out);
	CU_ASSERT_FALSE(bank.contactor[0].connected);
	CU_ASSERT_EQUAL(bank.life[0].wear[POLE_NEGATIVE].loaded_breaks, 1);
}

/* ---- power ----------------------------------------------------------------------------------- */

static bool may_enable_with(bool permit, bool hold, bool immediate, bool connected)
{
	begin(2);
	was(0, true, true, false);
	bank.protect.permit.pcs_enable = permit;
	bank.protect.permit.hold = hold;
	bank.protect.permit.hold_deadline_ms = bank.now_ms + 500;
	bank.protect.pack[0].permit.immediate = immediate;
	bank.contactor[0].connected = connected;
	enable(5000.);
	look();
	CU_ASSERT_TRUE(untouched());
	CU_ASSERT_EQUAL(out.pcs_enable, out.pcs[0].run);
	CU_ASSERT_EQUAL(out.pcs_enable, out.pcs[0].p_w == 5000.);
	CU_ASSERT_EQUAL(bank.guard.pcs_drop_ms == 0, out.pcs_enable);
	return out.pcs_enable;
}

static void converters_are_enabled_only_by_permit_and_while_no_coil_must_drop(void)
{
	CU_ASSERT_TRUE(may_enable_with(true, true, false, true));
	CU_ASSERT_TRUE(may_enable_with(true, true, true, false));
	CU_ASSERT_FALSE(may_enable_with(true, true, true, true));
	CU_ASSERT_FALSE(may_enable_with(false, true, false, true));
	CU_ASSERT_FALSE(may_enable_with(true, false, false, true));
}

static void converters_are_enabled_only_on_a_closed_pack_and_after_precharge(void)
{
	begin(2);
	was(0, true, false, false);
	enable(0.);
	look();
	CU_ASSERT_FALSE(out.pcs_enable);
	begin(2);
	was(0, true, true, false);
	was(1, true, false, true);
	enable(0.);
	look();
	CU_ASSERT_FALSE(out.pcs_enable);
	begin(2);
	was(0, true, true, true);
	enable(0.);
	look();
	CU_ASSERT_TRUE(out.pcs_enable);
}

static void power_beyond_the_rating_or_unknown_becomes_zero(void)
{
	const double bad_w[] = {60.1e3, -60.1e3, NAN, INFINITY};

	for (unsigned i = 0; i < 4; i++) {
		begin(1);
		was(0, true, true, false);
		enable(bad_w[i]);
		look();
		CU_ASSERT_EQUAL(out.pcs[0].p_w, 0.);
		CU_ASSERT_EQUAL(bank.guard.last, REASON_OUT_OF_RANGE);
		CU_ASSERT_EQUAL(bank.guard.last_pack, -1);
		CU_ASSERT_EQUAL(bank.guard.interventions, 1);
	}
	begin(1);
	was(0, true, true, false);
	enable(1000.);
	out.pcs[3].p_w = 1.; /* no such converter */
	look();
	CU_ASSERT(out.pcs[3].p_w == 0. && out.pcs[0].p_w == 1000.);
}

static void power_without_its_permit_becomes_zero(void)
{
	begin(1);
	was(0, true, true, false);
	bank.protect.permit.power = false;
	enable(1000.);
	look();
	CU_ASSERT(out.pcs_enable && out.pcs[0].p_w == 0. && untouched());
}

static void time_since_the_converters_were_disabled_is_kept(void)
{
	begin(1);
	bank.guard.pcs_drop_ms = 0;
	look();
	int64_t drop_ms = bank.guard.pcs_drop_ms;
	CU_ASSERT_EQUAL(drop_ms, bank.now_ms);
	hand_advance(500);
	look();
	CU_ASSERT_EQUAL(bank.guard.pcs_drop_ms, drop_ms);
}

/* ---- start and heartbeat --------------------------------------------------------------------- */

static void heartbeat_waits_until_every_line_is_seen_open_and_the_converters_are_still(void)
{
	begin(2);
	bank.guard.ready = false;
	bank.contactor[1].readback[POLE_PRECHARGE] = CONTACT_CLOSED;
	look();
	CU_ASSERT_FALSE(bank.guard.ready || out.heartbeat);
	bank.contactor[1].readback[POLE_PRECHARGE] = CONTACT_OPEN;
	bank.contactor[0].state = CONTACTOR_UNPROVEN;
	look();
	CU_ASSERT_FALSE(bank.guard.ready);
	bank.contactor[0].state = CONTACTOR_OPEN;
	bank.now.pcs[0].dc_w = 3000.;
	look();
	CU_ASSERT_FALSE(bank.guard.ready);
	bank.now.pcs[0].dc_w = NAN;
	look();
	CU_ASSERT_FALSE(bank.guard.ready || out.heartbeat);
	bank.now.pcs[0] = (struct pcs_now){.known = false};
	look();
	CU_ASSERT_FALSE(bank.guard.ready);
	bank.now.pcs[0] = (struct pcs_now){.known = true, .dc_w = -60.};
	look();
	CU_ASSERT(bank.guard.ready && out.heartbeat);
	bank.contactor[0].state = CONTACTOR_UNPROVEN;
	look();
	CU_ASSERT_TRUE(bank.guard.ready);
	bank.guard.ready = false;
	bank.contactor[0].state = CONTACTOR_OPEN;
	bank.site.n_pcs = 0;
	bank.now.pcs_dc_w = NAN;
	look();
	CU_ASSERT_TRUE(bank.guard.ready);
}

static void one_silent_converter_holds_up_the_start_only_without_an_enable_line(void)
{
	begin(1);
	bank.site.n_pcs = 2;
	bank.guard.ready = false;
	bank.start_ms = bank.now_ms - 4000;
	look();
	CU_ASSERT_FALSE(bank.guard.ready);
	bank.start_ms = bank.now_ms - 5000;
	bank.site.has_pcs_enable = false;
	look();
	CU_ASSERT_FALSE(bank.guard.ready);
	bank.site.has_pcs_enable = true;
	bank.now.pcs[0].known = false;
	look();
	CU_ASSERT_FALSE(bank.guard.ready);
	bank.now.pcs[0].known = true;
	look();
	CU_ASSERT_TRUE(bank.guard.ready);
	/* One that steers itself may be mute before there is a battery. */
	bank.guard.ready = false;
	bank.site.n_pcs = 1;
	bank.now.pcs[0] = (struct pcs_now){.known = false};
	bank.site.pcs[0].self_steered = true;
	look();
	CU_ASSERT_TRUE(bank.guard.ready);
}

static void heartbeat_needs_a_punctual_tick_and_its_chip(void)
{
	begin(1);
	in.lateness_ms = 399;
	look();
	CU_ASSERT_TRUE(out.heartbeat);
	in.lateness_ms = 400;
	look();
	CU_ASSERT_FALSE(out.heartbeat);
	in.lateness_ms = 0;
	in.tick = false;
	look();
	CU_ASSERT_FALSE(out.heartbeat);
	in.tick = true;
	in.gpio = GPIO_UNKNOWN;
	look();
	CU_ASSERT_FALSE(out.heartbeat);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(good_outputs_pass_untouched),
		TEST(coil_does_not_rise_without_both_permits_or_before_the_bank_is_ready),
		TEST(coil_that_is_already_up_is_not_asked_for_a_permit_to_close),
		TEST(circuit_closes_only_onto_a_bus_shown_to_be_near),
		TEST(one_contactor_pack_is_held_to_the_same_window),
		TEST(precharge_rises_only_on_an_empty_bus_with_converters_disabled),
		TEST(boost_goes_with_the_last_coil_whichever_it_is),
		TEST(pack_forgotten_past_its_deadline_is_opened),
		TEST(bank_forgotten_past_its_deadline_is_opened),
		TEST(what_it_opens_is_in_the_books_with_its_time_its_wear_and_until_proven),
		TEST(converters_are_enabled_only_by_permit_and_while_no_coil_must_drop),
		TEST(converters_are_enabled_only_on_a_closed_pack_and_after_precharge),
		TEST(power_beyond_the_rating_or_unknown_becomes_zero),
		TEST(power_without_its_permit_becomes_zero),
		TEST(time_since_the_converters_were_disabled_is_kept),
		TEST(heartbeat_waits_until_every_line_is_seen_open_and_the_converters_are_still),
		TEST(heartbeat_needs_a_punctual_tick_and_its_chip),
		TEST(one_silent_converter_holds_up_the_start_only_without_an_enable_line),
		CU_TEST_INFO_NULL,
	};

	return hand_run("guard", tests);
}
