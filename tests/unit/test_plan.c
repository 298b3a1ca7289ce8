#include "hand_bank.h"
#include "core/choose.h"

static struct plan *plan;

/* n packs, none on the bus, a steady bus and nothing asked; limits 40 kW each way. */
static void begin(unsigned n)
{
	hand_init(n);
	plan = &bank.plan;
	plan->event_ms = bank.now_ms - 10000;
	plan->steady_ms = 1;
	bank.now.bus_v = 0.;
	bank.dispatch.winner = -1;
	bank.limits.dis_w[HORIZON_NOW] = bank.limits.cha_w[HORIZON_NOW] = 40e3;
	for (unsigned k = 0; k < n; k++)
		bank.contactor[k].opened_ms = bank.now_ms - 3600000;
}

static void connect(unsigned k)
{
	bank.contactor[k].state = CONTACTOR_CLOSED;
	bank.contactor[k].connected = true;
	bank.now.bus_v = bank.now.pack[k].pack_v;
	bank.guard.pcs_drop_ms = 0;
	bank.now.pcs[0].state = PCS_RUNNING;
	plan->pcs_run = true;
	limits_of_set(bank.limits.pack, contactor_connected(&bank), &bank.limits.bus,
		      &bank.limits.set);
}

static void set_voltage(unsigned k, double v)
{
	bank.now.pack[k].pack_v = v;
	bank.estimate[k].e_v = bank.estimate[k].e_relaxed_v = v;
	bank.limits.pack[k].e_v = v;
	limits_interval(&bank.limits.pack[k]);
}

static void want(double p_w)
{
	bank.dispatch.winner = 1;
	bank.dispatch.source[1].now.p_w = p_w;
	bank.dispatch.ramped_w = p_w;
}

static void step(int64_t ms)
{
	hand_advance(ms);
	plan_step(&bank, &in, &out);
	hand_read();
}

static void steps(int64_t ms)
{
	for (; ms > 0; ms -= 100)
		step(100);
}

/* The pack that is asked to join within ms; -1: none. The plan asks in single steps. */
static int joiner_within(int64_t ms)
{
	for (plan->join = -1; ms > 0 && plan->join < 0; ms -= 100)
		step(100);
	return plan->join;
}

/* ---- power ----------------------------------------------------------------------------------- */

static void power_follows_what_dispatch_ramped_within_the_limits(void)
{
	begin(1);
	connect(0);
	want(20e3);
	steps(1000);
	CU_ASSERT_DOUBLE_EQUAL(plan->power_w, 20e3, 1e-6);
	CU_ASSERT(out.pcs_enable && out.pcs[0].run);
	CU_ASSERT_DOUBLE_EQUAL(out.pcs[0].p_w, 20e3, 1e-6);
	bank.limits.dis_w[HORIZON_NOW] = 5e3;
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(plan->power_w, 5e3, 1e-6);
	bank.limits.dis_w[HORIZON_NOW] = NAN;
	step(100);
	CU_ASSERT_EQUAL(plan->power_w, 0.);
}

static void power_moves_by_a_full_rating_in_the_ramp_time_at_most(void)
{
	begin(1);
	connect(0);
	want(40e3);
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(plan->power_w, 12e3, 1e-6);
	step(0);
	CU_ASSERT_DOUBLE_EQUAL(plan->power_w, 12e3, 1e-6);
}

static void unknown_wish_is_zero_watts(void)
{
	begin(1);
	connect(0);
	want(NAN);
	step(100);
	CU_ASSERT_EQUAL(plan_wanted_w(&bank), 0.);
	CU_ASSERT_EQUAL(plan->power_w, 0.);
}

static void no_power_and_no_enable_without_their_permits_or_a_closed_pack(void)
{
	begin(1);
	connect(0);
	want(10e3);
	steps(500);
	bank.protect.permit.power = false;
	step(100);
	CU_ASSERT(out.pcs_enable && out.pcs[0].p_w == 0.);
	bank.protect.permit.power = true;
	bank.protect.permit.pcs_enable = false;
	step(100);
	CU_ASSERT(!out.pcs_enable && !out.pcs[0].run && out.pcs[0].p_w == 0.);
	begin(1);
	want(10e3);
	steps(500);
	CU_ASSERT(!out.pcs_enable && !out.pcs[0].run && out.pcs[0].p_w == 0.);
}

static void converters_share_by_rating_and_a_lost_one_gets_nothing(void)
{
	begin(1);
	bank.site.n_pcs = 2;
	bank.site.pcs[1] = bank.site.pcs[0];
	bank.site.pcs[1].p_max_w = 20e3;
	bank.now.pcs[1] = bank.now.pcs[0];
	connect(0);
	want(16e3);
	steps(1000);
	CU_ASSERT_DOUBLE_EQUAL(out.pcs[0].p_w, 12e3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(out.pcs[1].p_w, 4e3, 1e-6);
	bank.now.pcs[1].state = PCS_FAULT;
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(out.pcs[0].p_w, 16e3, 1e-6);
	CU_ASSERT(!out.pcs[1].run && out.pcs[1].p_w == 0.);
	bank.now.pcs[0].known = false;
	step(100);
	CU_ASSERT(out.pcs[0].p_w == 0. && out.pcs[1].p_w == 0. && !out.pcs[0].run);
}

static void relays_and_fans_tell_the_state_of_protection(void)
{
	begin(1);
	step(100);
	CU_ASSERT(out.relay_healthy && out.fire_healthy && !out.fan);
	bank.protect.permit.alarm = bank.protect.permit.fire = true;
	bank.now.pack[0].temp_max_c = 38.;
	step(100);
	CU_ASSERT(!out.relay_healthy && !out.fire_healthy && out.fan);
	bank.now.input[INPUT_SMOKE] = LEVEL_TRIPPED;
	step(100);
	CU_ASSERT_FALSE(out.fan);
	bank.now.input[INPUT_SMOKE] = LEVEL_OK;
	bank.now.pack[0].temp_max_c = 20.;
	bank.now.input[INPUT_GAS] = LEVEL_TRIPPED;
	step(100);
	CU_ASSERT_TRUE(out.fan);
}

static void self_steering_converters_get_limits_only_while_they_may_run(void)
{
	begin(1);
	step(100);
	CU_ASSERT(out.bus_max_v == 0. && out.bus_dis_max_a == 0.);
	connect(0);
	step(100);
	CU_ASSERT(out.bus_min_v > 300. && out.bus_max_v < 400. && out.bus_max_v > out.bus_min_v);
	CU_ASSERT(out.bus_dis_max_a > 10. && out.bus_cha_max_a > 10.);
	bank.limits.set.known = false;
	step(100);
	CU_ASSERT_EQUAL(out.bus_max_v, 0.);
}

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
	bank.contactor[0].retry_ms = bank.now_ms + 1000;
	CU_ASSERT_EQUAL(waits(), REASON_DWELL);
	begin(1);
	bank.contactor[0].closed_ms = bank.now_ms - 2000;
	bank.contactor[0].opened_ms = bank.now_ms - 1000;
	CU_ASSERT_EQUAL(waits(), REASON_DWELL);
	begin(1);
	bank.contactor[0].ops_day_ms = bank.now_ms;
	bank.contactor[0].ops_today = 12;
	CU_ASSERT_EQUAL(waits(), REASON_OPS_CAP);
	begin(1);
	bank.life[0].wear[POLE_POSITIVE].miner = 0.95;
	CU_ASSERT_EQUAL(waits(), REASON_WEAR_INHIBIT);
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

static void current_that_moves_is_not_steady(void)
{
	begin(2);
	connect(0);
	plan->steady_ms = 0;
	for (int i = 0; i < 40; i++) {
		bank.now.pcs_dc_a = i % 2 ? 20. : 0.;
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

/* ---- stopping -------------------------------------------------------------------------------- */

static void stop_brings_power_to_zero_then_packs_leave_one_by_one(void)
{
	begin(2);
	connect(0);
	connect(1);
	want(20e3);
	steps(1000);
	bank.now.pack[0].current_a = 25.;
	bank.now.pack[1].current_a = 20.;
	bank.dispatch.stopped = true;
	step(100);
	CU_ASSERT(plan->stopping && plan->leave == -1);
	bank.dispatch.ramped_w = 0.;
	steps(1000);
	CU_ASSERT(!out.pcs_enable && plan->power_w == 0.);
	bank.guard.pcs_drop_ms = bank.now_ms - 200;
	step(100);
	CU_ASSERT(plan->leave == 1 && plan->leave_reason == REASON_SHUTTING_DOWN);
	bank.contactor[1].state = CONTACTOR_OPEN_FIRST;
	step(100);
	CU_ASSERT_EQUAL(plan->leave, 1);
	bank.contactor[1].state = CONTACTOR_OPEN;
	bank.contactor[1].connected = false;
	step(100);
	CU_ASSERT_EQUAL(plan->leave, 0);
	CU_ASSERT_EQUAL(plan->join, -1);
}

static void every_reason_to_stop_stops(void)
{
	begin(1);
	bank.dispatch.locked = true;
	step(100);
	CU_ASSERT_TRUE(plan->stopping);
	begin(1);
	in.shutdown = true;
	step(100);
	CU_ASSERT_TRUE(plan->stopping);
	begin(1);
	bank.site.start = START_COMMAND;
	step(100);
	CU_ASSERT_TRUE(plan->stopping);
	bank.dispatch.started = true;
	step(100);
	CU_ASSERT_FALSE(plan->stopping);
	begin(1);
	bank.site.plan.idle_open_ms = 60000;
	bank.dispatch.idle_since_ms = bank.now_ms;
	steps(59000);
	CU_ASSERT_FALSE(plan->stopping);
	steps(1100);
	CU_ASSERT_TRUE(plan->stopping);
}

static void starved_bank_starts_again_from_the_other_end(void)
{
	begin(3);
	set_voltage(0, 366.);
	connect(0);
	set_voltage(1, 380.);
	set_voltage(2, 380.);
	bank.limits.dis_w[HORIZON_NOW] = 5e3;
	want(20e3);
	steps(29000);
	CU_ASSERT_FALSE(plan->regrouping);
	steps(1500);
	CU_ASSERT(plan->regrouping && plan->stopping);
	CU_ASSERT_EQUAL(noted[REASON_REGROUP], 1);
	bank.contactor[0].state = CONTACTOR_OPEN;
	bank.contactor[0].connected = false;
	step(100);
	CU_ASSERT_FALSE(plan->regrouping || plan->stopping);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(power_follows_what_dispatch_ramped_within_the_limits),
		TEST(power_moves_by_a_full_rating_in_the_ramp_time_at_most),
		TEST(unknown_wish_is_zero_watts),
		TEST(no_power_and_no_enable_without_their_permits_or_a_closed_pack),
		TEST(converters_share_by_rating_and_a_lost_one_gets_nothing),
		TEST(relays_and_fans_tell_the_state_of_protection),
		TEST(self_steering_converters_get_limits_only_while_they_may_run),
		TEST(first_pack_is_the_one_that_lets_the_others_join_on_the_way),
		TEST(nothing_starts_while_the_bus_is_live_unknown_or_the_converter_is_on),
		TEST(pack_that_may_not_join_says_why),
		TEST(pack_at_its_floor_comes_back_for_charging_or_with_gained_energy),
		TEST(equal_pack_joins_at_once_when_the_bus_is_steady),
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
		TEST(stop_brings_power_to_zero_then_packs_leave_one_by_one),
		TEST(every_reason_to_stop_stops),
		TEST(starved_bank_starts_again_from_the_other_end),
		CU_TEST_INFO_NULL,
	};

	return hand_run("plan", tests);
}
