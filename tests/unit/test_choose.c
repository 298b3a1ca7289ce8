#include "plan_bank.h"

/* ---- the first pack -------------------------------------------------------------------------- */

static int first(double p_w)
{
	begin(3);
	set_voltage(0, 374.);
	set_voltage(1, 380.);
	set_voltage(2, 366.);
	if (p_w != 0.)
		want(p_w);
	step(100);
	return plan->join;
}

static void first_pack_is_the_one_that_lets_the_others_join_on_the_way(void)
{
	CU_ASSERT_EQUAL(first(10e3), 1);
	CU_ASSERT_EQUAL(first(-10e3), 2);
	begin(3);
	set_voltage(0, 374.);
	set_voltage(1, 380.);
	set_voltage(2, 374.5);
	step(100);
	CU_ASSERT_NOT_EQUAL(plan->join, 1); /* the larger group */
}

static void nothing_starts_while_the_bus_is_live_unknown_or_the_converter_is_on(void)
{
	begin(1);
	bank.now.bus_v = 200.;
	step(100);
	CU_ASSERT(plan->join == -1 && bank.contactor[0].wait == REASON_BUS_LIVE);
	bank.now.bus_v = NAN;
	step(100);
	CU_ASSERT(plan->join == -1 && bank.contactor[0].wait == REASON_NO_BUS_SOURCE);
	bank.now.bus_v = 0.;
	bank.guard.pcs_drop_ms = 0;
	bank.now.pcs[0].state = PCS_RUNNING;
	step(100);
	CU_ASSERT_EQUAL(plan->join, -1);
	bank.now.pcs[0].state = PCS_OFF;
	step(100);
	CU_ASSERT_EQUAL(plan->join, 0);
}

static enum reason waits(void)
{
	step(100);
	CU_ASSERT_EQUAL(plan->join, -1);
	return bank.contactor[0].wait;
}

static void pack_that_may_not_join_says_why(void)
{
	begin(1);
	bank.dispatch.disabled = 1;
	CU_ASSERT_EQUAL(waits(), REASON_DISABLED);
	begin(1);
	bank.protect.pack[0].permit.close = false;
	bank.protect.pack[0].permit.reason = REASON_AUX_LOW;
	CU_ASSERT_EQUAL(waits(), REASON_AUX_LOW);
	begin(1);
	bank.contactor[0].retry_ms = bank.now_ms + 2000;
	bank.contactor[0].pause_ms = 12000;
	CU_ASSERT_EQUAL(waits(), REASON_DWELL);
	CU_ASSERT(num_inside(bank.contactor[0].wait_value, 10., 12.));
	CU_ASSERT_EQUAL(bank.contactor[0].wait_threshold, 12.);
	begin(1);
	bank.contactor[0].closed_ms = bank.now_ms - 2000;
	bank.contactor[0].opened_ms = bank.now_ms - 1000;
	CU_ASSERT_EQUAL(waits(), REASON_DWELL);
	begin(1);
	bank.contactor[0].ops_day_ms = bank.now_ms;
	bank.contactor[0].ops_today = 12;
	CU_ASSERT_EQUAL(waits(), REASON_OPS_CAP);
	begin(1);
	plan->ops_hour_ms = bank.now_ms;
	plan->ops_hour = 60;
	CU_ASSERT_EQUAL(waits(), REASON_OPS_CAP);
	CU_ASSERT_EQUAL(bank.contactor[0].wait_threshold, 60.);
	begin(1);
	bank.contactor[0].precharge_ms = bank.now_ms - 9000;
	CU_ASSERT_EQUAL(waits(), REASON_DWELL);
	begin(1);
	plan->floored = 1;
	plan->left_soc[0] = 0.69;
	CU_ASSERT_EQUAL(waits(), REASON_OWN_FLOOR);
	begin(1);
	plan->ceiled = 1;
	plan->left_soc[0] = 0.71;
	CU_ASSERT_EQUAL(waits(), REASON_OWN_CEILING);
	begin(1);
	bank.protect.pack[0].proven_alive = false;
	CU_ASSERT_EQUAL(waits(), REASON_UNPROVEN);
	begin(1);
	bank.contactor[0].resistor_j = 1490.;
	bank.contactor[0].resistor_ms = bank.now_ms;
	CU_ASSERT_EQUAL(waits(), REASON_PRECHARGE_HOT);
	begin(1);
	bank.site.pack[0].contactors.has[POLE_PRECHARGE] = false;
	CU_ASSERT_EQUAL(waits(), REASON_JOIN_WAIT);
}

static void closings_of_the_day_are_counted_on_after_a_restart(void)
{
	enum { HOUR_MS = 3600000 };
	const struct contactor *contactor = &bank.contactor[0];
	static struct bank_saved saved;
	static struct site site;

	begin(1);
	bank.contactor[0].ops_today = 12;
	bank.contactor[0].ops_day_ms = bank.now_ms - 20 * HOUR_MS;
	bank_save(&bank, &in, &saved);
	site = bank.site;
	bank_init(&bank, &site, &saved);
	in.now_ms = 1000LL * HOUR_MS; /* the host has been up for weeks */
	bank_step(&bank, &in, &out);
	CU_ASSERT_EQUAL(contactor->ops_today, 12);
	CU_ASSERT_EQUAL(contactor->ops_day_ms, in.now_ms - 20 * HOUR_MS);
	in.now_ms += HOUR_MS;
	bank_step(&bank, &in, &out);
	bank_save(&bank, &in, &saved);
	CU_ASSERT_EQUAL(saved.pack[0].ops_day_ms, 21 * HOUR_MS);
	bank_init(&bank, &site, NULL);
	bank_step(&bank, &in, &out);
	CU_ASSERT_EQUAL(contactor->ops_today, 0);
	CU_ASSERT_EQUAL(contactor->ops_day_ms, in.now_ms);
}

static void pack_at_its_floor_comes_back_for_charging_or_with_gained_energy(void)
{
	begin(1);
	plan->floored = 1;
	plan->left_soc[0] = 0.69;
	want(-5e3);
	step(100);
	CU_ASSERT_EQUAL(plan->join, 0);
	begin(1);
	plan->floored = 1;
	plan->left_soc[0] = 0.66;
	step(100);
	CU_ASSERT_EQUAL(plan->join, 0);
	begin(1);
	plan->ceiled = 1;
	plan->left_soc[0] = 0.74;
	step(100);
	CU_ASSERT_EQUAL(plan->join, 0);
	begin(1);
	plan->ceiled = 1;
	plan->left_soc[0] = 0.71;
	want(5e3);
	step(100);
	CU_ASSERT_EQUAL(plan->join, 0);
}

/* ---- joining a live bus ---------------------------------------------------------------------- */

static void equal_pack_joins_at_once_when_the_bus_is_steady(void)
{
	begin(2);
	connect(0);
	plan->steady_ms = bank.now_ms;
	step(100);
	CU_ASSERT_EQUAL(plan->join, -1);
	CU_ASSERT_EQUAL(joiner_within(2000), 1);
}

static void pack_that_fits_joins_wherever_it_stands_in_the_list(void)
{
	for (unsigned fits = 1; fits < 4; fits++) {
		begin(4);
		connect(0);
		for (unsigned k = 1; k < 4; k++)
			if (k != fits)
				set_voltage(k, 366.);
		CU_ASSERT_EQUAL(joiner_within(3000), (int)fits);
	}
}

static void current_that_moves_is_not_steady(void)
{
	begin(2);
	connect(0);
	plan->steady_ms = 0;
	for (int i = 0; i < 80; i++) {
		double moving_a = i < 40 ? 20. : -20.; /* charging is no rest */

		bank.now.pcs_dc_a = i % 2 ? moving_a : 0.;
		CU_ASSERT_EQUAL(joiner_within(100), -1);
	}
	bank.now.pcs_dc_a = NAN;
	CU_ASSERT_EQUAL(joiner_within(3000), -1);
}

static void bus_is_steered_to_the_next_voltage_within_the_wanted_power(void)
{
	begin(2);
	connect(0);
	set_voltage(1, 371.5); /* 2.9 V below: some 20 A of discharge */
	want(20e3);
	steps(1000);
	CU_ASSERT_EQUAL(plan->candidate, 1);
	CU_ASSERT_TRUE(plan->steering);
	steps(1000);
	CU_ASSERT(plan->power_w > 2e3 && plan->power_w < 15e3);
	bank.now.bus_v = 371.6;
	CU_ASSERT_EQUAL(joiner_within(1500), 1);
}

static void candidate_that_is_not_met_is_let_go_for_a_minute(void)
{
	begin(2);
	connect(0);
	set_voltage(1, 371.5);
	want(20e3);
	steps(1000);
	CU_ASSERT_EQUAL(plan->candidate, 1);
	steps(15500);
	CU_ASSERT_EQUAL(plan->candidate, -1);
	steps(30000);
	CU_ASSERT_EQUAL(plan->candidate, -1);
	steps(31000);
	CU_ASSERT_EQUAL(plan->candidate, 1);
	bank.now.pack[1].pack_v = NAN;
	step(100);
	CU_ASSERT_EQUAL(plan->candidate, -1);
}

static void highest_is_not_passed_over_when_the_bus_falls(void)
{
	begin(3);
	connect(0);
	set_voltage(1, 371.5);
	set_voltage(2, 372.5);
	want(30e3);
	steps(600);
	CU_ASSERT_EQUAL(plan->candidate, 2);
	begin(3);
	connect(0);
	set_voltage(1, 377.5);
	set_voltage(2, 376.5);
	want(-30e3);
	steps(600);
	CU_ASSERT_EQUAL(plan->candidate, 2);
}

static void one_at_a_time_and_not_before_the_bank_has_settled(void)
{
	begin(3);
	connect(0);
	plan->event_ms = bank.now_ms;
	step(100);
	CU_ASSERT_EQUAL(plan->join, -1);
	int joiner = joiner_within(3000);
	CU_ASSERT_FATAL(joiner == 1 || joiner == 2);
	bank.contactor[joiner].state = CONTACTOR_CLOSE_FIRST;
	want(20e3);
	steps(1000);
	CU_ASSERT_EQUAL(plan->join, joiner);
	CU_ASSERT_EQUAL(plan->power_w, 0.); /* held still */
	bank.contactor[joiner].state = CONTACTOR_OPEN_SECOND;
	step(100);
	CU_ASSERT_EQUAL(plan->join, -1);
}

/* ---- leaving --------------------------------------------------------------------------------- */

static void pack_that_must_leave_goes_first_by_its_deadline(void)
{
	begin(3);
	connect(0);
	connect(1);
	connect(2);
	bank.protect.pack[1].permit.hold = bank.protect.pack[2].permit.hold = false;
	bank.protect.pack[1].permit.hold_deadline_ms = bank.now_ms + 4000;
	bank.protect.pack[2].permit.hold_deadline_ms = bank.now_ms + 2000;
	bank.protect.pack[2].permit.reason = REASON_PACK_SILENT;
	step(100);
	CU_ASSERT_EQUAL(plan->leave, 2);
	CU_ASSERT_EQUAL(plan->leave_reason, REASON_PACK_SILENT);
}

static void converters_stop_before_a_hold_deadline(void)
{
	begin(2);
	connect(0);
	connect(1);
	want(20e3);
	steps(1000);
	bank.protect.pack[1].permit.hold = false;
	bank.protect.pack[1].permit.hold_deadline_ms = bank.now_ms + 2000;
	bank.contactor[1].state = CONTACTOR_LEAVING;
	steps(1400);
	CU_ASSERT_TRUE(out.pcs_enable);
	steps(200);
	CU_ASSERT(!out.pcs_enable && out.pcs[0].p_w == 0.);
}

static void disabled_unknown_and_unsafe_packs_are_taken_off_in_order(void)
{
	begin(2);
	connect(0);
	connect(1);
	bank.dispatch.disabled = 2;
	step(100);
	CU_ASSERT(plan->leave == 1 && plan->leave_reason == REASON_DISABLED);
	begin(2);
	connect(0);
	connect(1);
	bank.limits.pack[1].a_v = NAN;
	steps(900);
	CU_ASSERT_EQUAL(plan->leave, -1);
	steps(300);
	CU_ASSERT(plan->leave == 1 && plan->leave_reason == REASON_UNKNOWN_LIMIT);
	begin(2);
	set_voltage(0, 384.);
	connect(0);
	connect(1);
	bank.limits.pack[0].dis_a = 5.;
	limits_interval(&bank.limits.pack[0]);
	connect(1);
	CU_ASSERT_FALSE(bank.limits.set.idle_safe);
	steps(1900);
	CU_ASSERT_EQUAL(plan->leave, -1);
	steps(300);
	CU_ASSERT(plan->leave >= 0 && plan->leave_reason == REASON_INCONSISTENT);
}

static void used_up_pack_that_binds_leaves_at_its_floor(void)
{
	begin(2);
	connect(0);
	connect(1);
	bank.estimate[0].e_dis_wh = 100.;
	bank.estimate[0].e_cha_wh = 9900.;
	bank.limits.dis_w[HORIZON_NOW] = 1e3;
	bank.limits.set.binding_dis = 0;
	want(20e3);
	step(100);
	CU_ASSERT_EQUAL(plan->leave, -1); /* on for less than its dwell time */
	bank.contactor[0].closed_ms = bank.now_ms - 3600000;
	step(100);
	CU_ASSERT(plan->leave == 0 && plan->leave_reason == REASON_OWN_FLOOR);
	CU_ASSERT_EQUAL(plan->floored, 1);
	begin(2);
	connect(0);
	connect(1);
	bank.estimate[1].e_dis_wh = 9900.;
	bank.estimate[1].e_cha_wh = 100.;
	bank.limits.cha_w[HORIZON_NOW] = 1e3;
	bank.limits.set.binding_cha = 1;
	bank.contactor[1].closed_ms = -1;
	bank.site.plan.min_on_ms = 0;
	want(-20e3);
	step(100);
	CU_ASSERT(plan->leave == 1 && plan->leave_reason == REASON_OWN_CEILING);
	CU_ASSERT_EQUAL(plan->ceiled, 2);
}

static void last_pack_at_its_floor_stays_unless_another_can_take_over(void)
{
	for (int other = 0; other < 2; other++) {
		begin(2);
		connect(0);
		bank.site.plan.min_on_ms = 0;
		bank.estimate[0].e_dis_wh = 100.;
		bank.estimate[0].e_cha_wh = 9900.;
		bank.limits.dis_w[HORIZON_NOW] = 1e3;
		bank.limits.set.binding_dis = 0;
		bank.protect.pack[1].permit.close = other;
		want(20e3);
		step(100);
		CU_ASSERT_EQUAL(plan->leave, other ? 0 : -1);
	}
}

static void pack_idling_at_its_floor_opens_after_a_while(void)
{
	begin(1);
	connect(0);
	bank.estimate[0].soc = 0.09;
	steps(29000);
	CU_ASSERT_EQUAL(plan->leave, -1);
	want(-5e3);
	step(100);
	want(0.);
	steps(29000);
	CU_ASSERT_EQUAL(plan->leave, -1);
	steps(2000);
	CU_ASSERT(plan->leave == 0 && plan->leave_reason == REASON_OWN_FLOOR);
}

static void power_is_steered_until_the_leaving_pack_carries_nothing(void)
{
	begin(2);
	set_voltage(0, 373.);
	connect(0);
	connect(1);
	want(20e3);
	steps(1000);
	bank.dispatch.disabled = 1;
	steps(1000);
	CU_ASSERT_EQUAL(plan->leave, 0);
	CU_ASSERT(plan->power_w > 1e3 && plan->power_w < 15e3);
	double i_a = (373. - limits_bus_v(&bank.limits.set, 0.01,
					  limits_to_dc_w(&bank.site, plan->power_w))) /
		     0.1;
	CU_ASSERT(fabs(i_a) < 1.);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(first_pack_is_the_one_that_lets_the_others_join_on_the_way),
		TEST(nothing_starts_while_the_bus_is_live_unknown_or_the_converter_is_on),
		TEST(pack_that_may_not_join_says_why),
		TEST(closings_of_the_day_are_counted_on_after_a_restart),
		TEST(pack_at_its_floor_comes_back_for_charging_or_with_gained_energy),
		TEST(equal_pack_joins_at_once_when_the_bus_is_steady),
		TEST(pack_that_fits_joins_wherever_it_stands_in_the_list),
		TEST(current_that_moves_is_not_steady),
		TEST(bus_is_steered_to_the_next_voltage_within_the_wanted_power),
		TEST(candidate_that_is_not_met_is_let_go_for_a_minute),
		TEST(highest_is_not_passed_over_when_the_bus_falls),
		TEST(one_at_a_time_and_not_before_the_bank_has_settled),
		TEST(pack_that_must_leave_goes_first_by_its_deadline),
		TEST(converters_stop_before_a_hold_deadline),
		TEST(disabled_unknown_and_unsafe_packs_are_taken_off_in_order),
		TEST(used_up_pack_that_binds_leaves_at_its_floor),
		TEST(last_pack_at_its_floor_stays_unless_another_can_take_over),
		TEST(pack_idling_at_its_floor_opens_after_a_while),
		TEST(power_is_steered_until_the_leaving_pack_carries_nothing),
		CU_TEST_INFO_NULL,
	};

	return hand_run("choose", tests);
}
