#include "hand_bank.h"
#include "core/join.h"
#include "core/precharge.h"

/* ---- the join rule --------------------------------------------------------------------------- */

/* Pack 1 is on the bus, pack 0 wants to join, and nothing speaks against it. */
static struct join_check check;

static void begin(void)
{
	hand_init(2);
	bank.contactor[1].state = CONTACTOR_CLOSED;
	bank.contactor[1].connected = true;
	bank.now.bus_v = 374.4;
	limits_of_set(bank.limits.pack, 2, &bank.limits.bus, &bank.limits.set);
}

static enum reason verdict(void)
{
	join_check(&bank, 0, &check);
	CU_ASSERT_EQUAL(check.ok, check.reason == REASON_OK);
	return check.reason;
}

static void equal_voltages_join(void)
{
	begin();
	CU_ASSERT_EQUAL(verdict(), REASON_OK);
	CU_ASSERT_DOUBLE_EQUAL(check.dv_v, 0., 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(check.sigma_v, 0.5, 1e-9);
	/* sensors' 0.5 V over 0.09 ohm of the pack and 0.85 of the bus's 0.1 ohm or less */
	CU_ASSERT(check.predicted_a > 2.5 && check.predicted_a < 4.);
}

static void unknown_voltages_do_not_join(void)
{
	begin();
	bank.now.pack[0].pack_v = NAN;
	CU_ASSERT_EQUAL(verdict(), REASON_PACK_SILENT);
	begin();
	bank.now.bus_v = NAN;
	CU_ASSERT_EQUAL(verdict(), REASON_NO_BUS_SOURCE);
	begin();
	bank.estimate[0].r_fast_ohm = NAN;
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_WAIT);
	begin();
	bank.estimate[0].e_relaxed_v = NAN;
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_VOLTAGE);
	begin();
	bank.limits.pack[1].a_v = NAN;
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_UNSAFE);
}

static void readings_not_proven_alive_do_not_join(void)
{
	begin();
	bank.protect.pack[0].proven_alive = false;
	CU_ASSERT_EQUAL(verdict(), REASON_UNPROVEN);
}

static void voltage_that_the_state_of_charge_denies_does_not_join(void)
{
	begin();
	bank.estimate[0].e_relaxed_v = 374.4 - 0.02 * 374.4 - 0.1;
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_VOLTAGE);
	CU_ASSERT_DOUBLE_EQUAL(check.threshold, 0.02 * 374.4, 1e-6);
	bank.estimate[0].e_hysteresis_v = 1.;
	CU_ASSERT_NOT_EQUAL(verdict(), REASON_JOIN_VOLTAGE);
}

static void voltage_difference_waits_for_the_bus(void)
{
	begin();
	bank.now.bus_v = 374.4 - 0.9;
	CU_ASSERT_EQUAL(verdict(), REASON_OK);
	bank.now.bus_v = 374.4 - 1.1; /* 1.5 V less the sensors' 0.5 V */
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_WAIT);
	CU_ASSERT_DOUBLE_EQUAL(check.value, 1.1, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(check.threshold, 1.0, 1e-9);
	bank.now.bus_v = 374.4 + 1.1;
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_WAIT);
}

static void predicted_peak_above_the_making_current_waits(void)
{
	begin();
	bank.site.pack[0].contactors.make_max_a = 2.;
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_WAIT);
	begin();
	bank.site.plan.join_max_v = 9.;
	bank.site.pack[0].contactors.make_max_a = 20.;
	double window_v = join_window_v(&bank, 0);
	bank.now.bus_v = 374.4 - window_v + 0.01;
	CU_ASSERT_NOT_EQUAL(verdict(), REASON_JOIN_WAIT);
	CU_ASSERT(check.predicted_a <= 20.);
	bank.now.bus_v = 374.4 - window_v - 0.01;
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_WAIT);
}

static void pack_without_a_believable_resistance_does_not_join(void)
{
	begin();
	/* No doubt about the voltages and no difference: 0 V over 0 ohm tells no current. */
	bank.site.pack[0].model.v_offset_max_v = 0.;
	CU_ASSERT_EQUAL(verdict(), REASON_OK);
	bank.estimate[0].r_fast_ohm = bank.limits.set.g_s = 0.;
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_WAIT);
	CU_ASSERT_TRUE(isnan(check.predicted_a));
}

static void learnt_offset_moves_the_voltage_and_narrows_the_doubt(void)
{
	begin();
	bank.now.bus_v = 374.4 - 1.2;
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_WAIT);
	bank.contactor[0].v_offset = 0.4;
	bank.contactor[0].v_offset_n = 99;
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_WAIT);
	bank.contactor[0].v_offset_n = 100;
	CU_ASSERT_EQUAL(verdict(), REASON_OK);
	CU_ASSERT_DOUBLE_EQUAL(check.dv_v, 0.8, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(check.sigma_v, 0.2, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(join_pack_v(&bank, 0), 374., 1e-9);
}

static void set_that_could_not_idle_together_does_not_join(void)
{
	begin();
	bank.limits.pack[0].e_v = 380.; /* 6 V over 0.2 ohm: 30 A of circulation */
	bank.limits.pack[0].dis_a = bank.limits.pack[0].cha_a = 5.;
	bank.limits.pack[1].dis_a = bank.limits.pack[1].cha_a = 5.;
	limits_interval(&bank.limits.pack[0]);
	limits_interval(&bank.limits.pack[1]);
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_UNSAFE);
	begin();
	bank.estimate[1].e_relaxed_v = 381.;
	bank.limits.pack[0].dis_a = bank.limits.pack[0].cha_a = 5.;
	bank.limits.pack[1].dis_a = bank.limits.pack[1].cha_a = 5.;
	limits_interval(&bank.limits.pack[0]);
	limits_interval(&bank.limits.pack[1]);
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_UNSAFE);
}

static void who_joins_has_room_for_what_its_first_samples_show(void)
{
	for (int side = -1; side <= 1; side += 2) {
		begin();
		bank.limits.pack[0].e_sigma_v = 1.;
		double *end_v = side < 0 ? &bank.limits.pack[0].a_v : &bank.limits.pack[0].b_v;
		*end_v = 374.4 + side * 0.35;
		CU_ASSERT_EQUAL(verdict(), REASON_OK);
		*end_v = 374.4 + side * 0.25; /* 0 W is safe with it, but only just */
		CU_ASSERT_EQUAL(verdict(), REASON_JOIN_UNSAFE);
	}
}

static void unknown_relaxed_source_of_a_partner_joins_nothing(void)
{
	begin();
	bank.estimate[1].e_relaxed_v = NAN;
	CU_ASSERT_EQUAL(verdict(), REASON_JOIN_UNSAFE);
}

static void set_must_idle_on_both_hysteresis_branches(void)
{
	for (int branch = -1; branch <= 1; branch += 2) {
		begin();
		bank.limits.pack[0].dis_a = bank.limits.pack[0].cha_a = 20.;
		bank.limits.pack[1].dis_a = bank.limits.pack[1].cha_a = 20.;
		limits_interval(&bank.limits.pack[0]);
		limits_interval(&bank.limits.pack[1]);
		CU_ASSERT_EQUAL(verdict(), REASON_OK);
		/* both at once or one only: the other branch is fine */
		bank.estimate[0].e_relaxed_v = 374.4 - 4. * branch;
		bank.estimate[0].e_hysteresis_v = 5.;
		bank.estimate[1].e_relaxed_v = 374.4;
		CU_ASSERT_EQUAL(verdict(), REASON_JOIN_UNSAFE);
	}
}

/* ---- precharge ------------------------------------------------------------------------------- */

static enum reason why;
static double value, threshold;

static void start(void)
{
	hand_init(1);
	bank.contactor[0].pack_v = 374.4;
	bank.now.bus_v = 0.;
	why = REASON_OK;
}

/* tau = 94 ms as the site says; the curve has its own. */
static enum precharge_verdict watch(double tau_s, double to_v, double ohm, int64_t for_ms)
{
	enum precharge_verdict verdict = PRECHARGE_RISING;

	for (int64_t t = 0; t <= for_ms && verdict == PRECHARGE_RISING; t += 20) {
		double rise_s = t > 30 ? 0.001 * (double)(t - 30) : 0.;
		hand_advance(20);
		bank.now.bus_v = to_v * (1. - exp(-rise_s / tau_s));
		bank.now.pack[0].current_a = (374.4 - bank.now.bus_v) / ohm;
		verdict = precharge_watch(&bank, 0, t, &why, &value, &threshold);
	}
	return verdict;
}

static void good_curve_is_done_when_voltage_and_current_have_held(void)
{
	start();
	CU_ASSERT_EQUAL(watch(0.094, 374.4, 47., 2000), PRECHARGE_DONE);
	CU_ASSERT(bank.now.bus_v > 0.97 * 374.4);
	/* C V^2 / 2 is 140 J; what is booked before the contact has closed comes on top */
	CU_ASSERT(bank.contactor[0].resistor_j > 140. && bank.contactor[0].resistor_j < 400.);
}

static void short_is_seen_by_its_current_and_an_open_resistor_by_its_absence(void)
{
	start();
	CU_ASSERT_EQUAL(watch(0.094, 0., 47., 2000), PRECHARGE_FAILED);
	CU_ASSERT_EQUAL(why, REASON_PRECHARGE_SHORT);
	CU_ASSERT(value < threshold);
	start();
	CU_ASSERT_EQUAL(watch(0.094, 0., 1e6, 2000), PRECHARGE_FAILED);
	CU_ASSERT_EQUAL(why, REASON_PRECHARGE_SLOW);
}

static void slow_curve_fails_after_one_time_constant(void)
{
	start();
	CU_ASSERT_EQUAL(watch(0.4, 374.4, 47., 2000), PRECHARGE_FAILED);
	CU_ASSERT_EQUAL(why, REASON_PRECHARGE_SLOW);
}

static void curve_that_never_arrives_times_out(void)
{
	start();
	bank.site.pack[0].contactors.precharge_j = 1e6;
	CU_ASSERT_EQUAL(watch(0.094, 340., 47., 3000), PRECHARGE_FAILED);
	CU_ASSERT_EQUAL(why, REASON_PRECHARGE_TIMEOUT);
	start();
	bank.site.bus.capacitance_f = 0.01; /* 8 tau = 3.8 s */
	bank.site.pack[0].contactors.precharge_j = 1e6;
	CU_ASSERT_EQUAL(watch(0.47, 340., 47., 3500), PRECHARGE_RISING);
	CU_ASSERT_EQUAL(watch(0.47, 340., 47., 6000), PRECHARGE_FAILED);
	CU_ASSERT_EQUAL(why, REASON_PRECHARGE_TIMEOUT);
}

static void bus_that_is_there_at_once_shows_a_weld(void)
{
	start();
	CU_ASSERT_EQUAL(watch(0.001, 374.4, 47., 2000), PRECHARGE_FAILED);
	CU_ASSERT_EQUAL(why, REASON_PRECHARGE_WELDED);
}

static void unknown_or_absurd_bus_voltage_fails(void)
{
	const double bus_v[] = {NAN, -11., 800.};

	for (unsigned i = 0; i < 3; i++) {
		start();
		hand_advance(20);
		bank.now.bus_v = bus_v[i];
		CU_ASSERT_EQUAL(precharge_watch(&bank, 0, 20, &why, &value, &threshold),
				PRECHARGE_FAILED);
		CU_ASSERT_EQUAL(why, REASON_NO_BUS_SOURCE);
	}
}

static void resistor_that_takes_too_much_fails(void)
{
	start();
	bank.contactor[0].resistor_j = 1400.;
	CU_ASSERT_EQUAL(watch(0.094, 374.4, 47., 2000), PRECHARGE_FAILED);
	CU_ASSERT_EQUAL(why, REASON_PRECHARGE_HOT);
	CU_ASSERT_EQUAL(threshold, 1500.);
}

static void current_that_still_flows_is_not_done(void)
{
	start();
	hand_advance(20);
	bank.now.bus_v = 372.;
	bank.now.pack[0].current_a = 3.;
	CU_ASSERT_EQUAL(precharge_watch(&bank, 0, 900, &why, &value, &threshold), PRECHARGE_RISING);
	CU_ASSERT_EQUAL(bank.contactor[0].inside_ms, 0);
	bank.now.pack[0].current_a = NAN;
	CU_ASSERT_EQUAL(precharge_watch(&bank, 0, 900, &why, &value, &threshold), PRECHARGE_RISING);
	bank.now.pack[0].current_a = 0.2;
	bank.now.pack[0].pack_v = NAN;
	CU_ASSERT_EQUAL(precharge_watch(&bank, 0, 900, &why, &value, &threshold), PRECHARGE_RISING);
	bank.now.pack[0].pack_v = 374.4;
	CU_ASSERT_EQUAL(precharge_watch(&bank, 0, 900, &why, &value, &threshold), PRECHARGE_RISING);
	CU_ASSERT_EQUAL(bank.contactor[0].inside_ms, bank.now_ms);
	hand_advance(60);
	CU_ASSERT_EQUAL(precharge_watch(&bank, 0, 960, &why, &value, &threshold), PRECHARGE_RISING);
	hand_advance(40);
	CU_ASSERT_EQUAL(precharge_watch(&bank, 0, 1000, &why, &value, &threshold), PRECHARGE_DONE);
}

static void resistor_cools_before_it_may_take_one_more(void)
{
	struct contactor *contactor;
	double energy_j;

	start();
	contactor = &bank.contactor[0];
	CU_ASSERT_TRUE(precharge_is_cool(&bank, contactor, 0, 374.4, &energy_j));
	CU_ASSERT_DOUBLE_EQUAL(energy_j, 0.6 * 2e-3 * 374.4 * 374.4, 1e-9);
	contactor->resistor_j = 1450.;
	CU_ASSERT_FALSE(precharge_is_cool(&bank, contactor, 0, 374.4, &energy_j));
	hand_advance(120000);
	CU_ASSERT_TRUE(precharge_is_cool(&bank, contactor, 0, 374.4, &energy_j));
	CU_ASSERT_DOUBLE_EQUAL(contactor->resistor_j, 1450. * exp(-1.), 1e-6);
	CU_ASSERT_FALSE(precharge_is_cool(&bank, contactor, 0, NAN, &energy_j));
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(equal_voltages_join),
		TEST(unknown_voltages_do_not_join),
		TEST(readings_not_proven_alive_do_not_join),
		TEST(voltage_that_the_state_of_charge_denies_does_not_join),
		TEST(voltage_difference_waits_for_the_bus),
		TEST(predicted_peak_above_the_making_current_waits),
		TEST(pack_without_a_believable_resistance_does_not_join),
		TEST(learnt_offset_moves_the_voltage_and_narrows_the_doubt),
		TEST(set_that_could_not_idle_together_does_not_join),
		TEST(who_joins_has_room_for_what_its_first_samples_show),
		TEST(unknown_relaxed_source_of_a_partner_joins_nothing),
		TEST(set_must_idle_on_both_hysteresis_branches),
		TEST(good_curve_is_done_when_voltage_and_current_have_held),
		TEST(short_is_seen_by_its_current_and_an_open_resistor_by_its_absence),
		TEST(slow_curve_fails_after_one_time_constant),
		TEST(curve_that_never_arrives_times_out),
		TEST(bus_that_is_there_at_once_shows_a_weld),
		TEST(unknown_or_absurd_bus_voltage_fails),
		TEST(resistor_that_takes_too_much_fails),
		TEST(current_that_still_flows_is_not_done),
		TEST(resistor_cools_before_it_may_take_one_more),
		CU_TEST_INFO_NULL,
	};

	return hand_run("join", tests);
}
