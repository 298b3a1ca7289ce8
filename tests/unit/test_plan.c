#include "plan_bank.h"

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
	connect(0);
	bank.now.pcs[1] = bank.now.pcs[0];
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
	CU_ASSERT(!out.relay_healthy && !out.fire_healthy && out.fan && plan->fan);
	bank.now.input[INPUT_SMOKE] = LEVEL_TRIPPED;
	step(100);
	CU_ASSERT_FALSE(out.fan);
	bank.site.fan_in_smoke = true;
	step(100);
	CU_ASSERT_TRUE(out.fan);
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
	out.bus_min_v = out.bus_max_v = out.bus_dis_max_a = out.bus_cha_max_a = 300.;
	plan_step(&bank, &in, &out);
	CU_ASSERT(out.bus_min_v == 0. && out.bus_max_v == 0.);
	CU_ASSERT(out.bus_dis_max_a == 0. && out.bus_cha_max_a == 0.);
	connect(0);
	step(100);
	out.bus_min_v = out.bus_max_v = out.bus_dis_max_a = out.bus_cha_max_a = 300.;
	plan_step(&bank, &in, &out);
	CU_ASSERT(out.bus_min_v == 300. && out.bus_max_v == 300.);
	CU_ASSERT(out.bus_dis_max_a == 300. && out.bus_cha_max_a == 300.);
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

/* 0 W is what the converters give, not what is asked; then off, then contactors. */
static void stop_switches_converters_off_when_they_have_followed_or_had_their_time(void)
{
	for (int deaf = 0; deaf < 2; deaf++) {
		begin(1);
		connect(0);
		want(20e3);
		steps(1000);
		bank.now.pcs_dc_w = 20e3;
		bank.dispatch.stopped = true;
		bank.dispatch.ramped_w = 0.;
		step(600);
		CU_ASSERT(plan->power_w == 0. && out.pcs[0].p_w == 0.);
		CU_ASSERT(out.pcs_enable && out.pcs[0].run);
		bank.now.pcs_dc_w = NAN; /* unknown is not zero */
		step(400);
		CU_ASSERT(out.pcs_enable && plan->leave == -1);
		bank.now.pcs_dc_w = deaf ? 20e3 : 590.;
		step(100);
		CU_ASSERT(out.pcs_enable == deaf && out.pcs[0].run == deaf);
		step(4500);
		CU_ASSERT_FALSE(out.pcs_enable || out.pcs[0].run);
		CU_ASSERT_EQUAL(bank.contactor[0].state, CONTACTOR_CLOSED);
	}
}

/* Pack k may not stay. */
static void must_leave(unsigned k, int64_t in_ms)
{
	struct permit *permit = &bank.protect.pack[k].permit;

	permit->hold = permit->close = false;
	permit->reason = REASON_TEMP_HIGH;
	permit->hold_deadline_ms = bank.now_ms + in_ms;
}

static void planned_leave_gives_way_to_a_trip_and_power_goes_to_zero_first(void)
{
	begin(3);
	for (unsigned k = 0; k < 3; k++)
		connect(k);
	set_voltage(0, 370.); /* under 5 kW it carries least */
	want(5e3);
	steps(1000);
	CU_ASSERT_DOUBLE_EQUAL(plan->power_w, 5e3, 1.);
	bank.dispatch.disabled = 1;
	step(100);
	CU_ASSERT_EQUAL(plan->leave, 0);
	bank.contactor[0].state = CONTACTOR_LEAVING;
	steps(300);
	CU_ASSERT_TRUE(plan->leave == 0 && !plan->several);
	must_leave(1, 2000);
	step(100);
	CU_ASSERT_TRUE(plan->leave == 1 && plan->several);
	CU_ASSERT_EQUAL(plan->leave_reason, REASON_TEMP_HIGH);
	bank.contactor[0].state = CONTACTOR_CLOSED; /* leaving.c takes the planned one back */
	bank.contactor[1].state = CONTACTOR_LEAVING;
	steps(500);
	CU_ASSERT_EQUAL(plan->power_w, 0.);
	bank.contactor[1].state = CONTACTOR_OPEN;
	bank.contactor[1].connected = false;
	step(100);
	CU_ASSERT_TRUE(plan->leave == 0 && !plan->several);
	CU_ASSERT_EQUAL(plan->leave_reason, REASON_DISABLED);
}

static void leave_that_a_trip_began_does_not_give_way(void)
{
	begin(3);
	for (unsigned k = 0; k < 3; k++)
		connect(k);
	must_leave(0, 3000);
	step(100);
	CU_ASSERT_EQUAL(plan->leave, 0);
	bank.contactor[0].state = CONTACTOR_LEAVING;
	must_leave(1, 2000);
	step(100);
	CU_ASSERT_EQUAL(plan->leave, 0);
	want(5e3);
	steps(1000);
	CU_ASSERT_EQUAL(plan->power_w, 0.); /* two are due */
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
		TEST(stop_brings_power_to_zero_then_packs_leave_one_by_one),
		TEST(stop_switches_converters_off_when_they_have_followed_or_had_their_time),
		TEST(planned_leave_gives_way_to_a_trip_and_power_goes_to_zero_first),
		TEST(leave_that_a_trip_began_does_not_give_way),
		TEST(every_reason_to_stop_stops),
		TEST(starved_bank_starts_again_from_the_other_end),
		CU_TEST_INFO_NULL,
	};

	return hand_run("plan", tests);
}
