/* Converters whose own EMS decides: led by limits, judged by them, measured by the packs. */
#include "core/report.h"
#include "plan_bank.h"

static void begin_led(void)
{
	begin(2);
	bank.site.pcs[0].self_steered = true;
	connect(0);
	bank.now.pcs[0].known = true;
	bank.now.pcs_dc_w = bank.now.pcs_dc_a = 0.;
}

/* The limits of the bus as limits.c publishes them, before the plan's step. */
static void led_step(int64_t ms)
{
	hand_advance(ms);
	out.bus_dis_max_a = 100.;
	out.bus_cha_max_a = 80.;
	out.bus_min_v = 350.;
	out.bus_max_v = 390.;
	plan_step(&bank, &in, &out);
	hand_read();
}

static void led_steps(int64_t ms)
{
	for (; ms > 0; ms -= 100)
		led_step(100);
}

static void without_a_wish_the_limits_are_the_banks(void)
{
	begin_led();
	led_steps(1000);
	CU_ASSERT(out.pcs_enable && out.pcs[0].run);
	CU_ASSERT_DOUBLE_EQUAL(out.bus_dis_max_a, 100., 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(out.bus_cha_max_a, 80., 1e-9);
}

static void without_a_wish_it_rests_where_the_site_says_so(void)
{
	static struct bank_report report;

	begin_led();
	led_steps(1000);
	bank_report(&bank, &in, &out, &report);
	CU_ASSERT(isnan(report.p_target_w) && isnan(report.p_ramped_w));
	bank.site.pcs[0].rests = true;
	led_steps(1000);
	CU_ASSERT(out.pcs_enable && out.pcs[0].run);
	CU_ASSERT(out.bus_dis_max_a == 0. && out.bus_cha_max_a == 0.);
	CU_ASSERT(out.bus_max_v > 0.);
	bank_report(&bank, &in, &out, &report);
	CU_ASSERT_EQUAL(report.p_target_w, 0.);
	/* A setpoint leads it as ever, and its end puts it to rest again. */
	want(3000.);
	led_steps(2000);
	CU_ASSERT(out.bus_dis_max_a > 7. && out.bus_dis_max_a < 9.);
	want(0.);
	bank.dispatch.winner = -1;
	led_steps(2000);
	CU_ASSERT(out.bus_dis_max_a == 0. && out.bus_cha_max_a == 0.);
}

static void a_setpoint_bounds_its_direction_and_forbids_the_other(void)
{
	begin_led();
	want(3000.);
	led_steps(2000);
	CU_ASSERT(out.bus_dis_max_a > 7. && out.bus_dis_max_a < 9.);
	CU_ASSERT_EQUAL(out.bus_cha_max_a, 0.);
	want(-3000.);
	led_steps(2000);
	CU_ASSERT_EQUAL(out.bus_dis_max_a, 0.);
	CU_ASSERT(out.bus_cha_max_a > 7. && out.bus_cha_max_a < 9.);
	want(0.);
	led_steps(2000);
	CU_ASSERT(out.bus_dis_max_a == 0. && out.bus_cha_max_a == 0.);
	CU_ASSERT(out.bus_max_v > 0.); /* it is told to rest, not that there is no battery */
	/* Never more than the bank bears. */
	want(40e3);
	led_steps(2000);
	CU_ASSERT_DOUBLE_EQUAL(out.bus_dis_max_a, 100., 1e-9);
}

static void a_stop_lets_it_come_to_rest_before_the_enable_falls(void)
{
	begin_led();
	bank.now.pcs_dc_w = 8000.;
	led_steps(500);
	bank.dispatch.stopped = true;
	led_steps(1000);
	CU_ASSERT(out.pcs_enable);
	CU_ASSERT(out.bus_dis_max_a == 0. && out.bus_cha_max_a == 0.);
	bank.now.pcs_dc_w = 200.;
	led_step(100);
	CU_ASSERT_FALSE(out.pcs_enable);
}

static void one_that_does_not_come_to_rest_is_switched_off_all_the_same(void)
{
	begin_led();
	bank.now.pcs_dc_w = 8000.;
	led_steps(60000); /* running, however long, does not count */
	bank.dispatch.stopped = true;
	led_steps(4900);
	CU_ASSERT(out.pcs_enable);
	led_steps(300);
	CU_ASSERT_FALSE(out.pcs_enable);
	begin_led();
	bank.dispatch.stopped = true;
	bank.now.pcs_dc_w = NAN;
	led_steps(4900);
	CU_ASSERT(out.pcs_enable);
	led_steps(300);
	CU_ASSERT_FALSE(out.pcs_enable);
}

/* ---- what it does -------------------------------------------------------------------------- */

/* One step of the readings: pack 0 connected and carrying `a`, the converter heard or not. */
static void read_step(double a, bool heard, double dc_a)
{
	hand_advance(100);
	in.pack[0].electrical_ms = in.pack[1].electrical_ms = bank.now_ms;
	in.pack[0].electrical_count++;
	in.pack[1].electrical_count++;
	in.pack[0].pack_v = in.pack[1].pack_v = 374.4;
	in.pack[0].current_a = a;
	in.pack[1].current_a = 0.;
	in.bus = (struct bus_sample){bank.now_ms, 374.};
	if (heard)
		in.pcs[0] = (struct pcs_sample){.stamp_ms = bank.now_ms,
						.state = PCS_RUNNING,
						.ac_w = NAN,
						.dc_w = dc_a * 374.,
						.dc_v = 374.,
						.dc_a = dc_a,
						.dis_max_w = NAN,
						.cha_max_w = NAN};
	fresh_step(&bank, &in, &out);
	converter_step(&bank);
}

static void what_the_packs_give_is_what_it_takes(void)
{
	begin_led();
	read_step(-10., true, NAN);
	read_step(-10., true, NAN);
	CU_ASSERT_DOUBLE_EQUAL(bank.now.pcs_dc_a, -10., 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bank.now.pcs_dc_w, -3740., 1e-6);
	/* At the grid that is more: losses. */
	CU_ASSERT(bank.now.pcs_ac_w < -3740. && bank.now.pcs_ac_w > -4500.);
	/* A pack whose current is unknown makes it unknown. */
	read_step(NAN, true, NAN);
	CU_ASSERT(isnan(bank.now.pcs_dc_a) && isnan(bank.now.pcs_ac_w));
}

static void its_own_measurement_goes_first(void)
{
	begin_led();
	read_step(-10., true, -9.);
	CU_ASSERT_DOUBLE_EQUAL(bank.now.pcs_dc_a, -9., 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bank.now.pcs_dc_w, -9. * 374., 1e-6);
}

static void others_are_not_measured_by_the_packs(void)
{
	begin_led();
	bank.site.pcs[0].self_steered = false;
	read_step(-10., true, NAN);
	CU_ASSERT(isnan(bank.now.pcs_dc_a));
}

static void the_guard_is_ready_before_such_an_inverter_was_ever_heard(void)
{
	begin_led();
	bank.contactor[0].state = CONTACTOR_OPEN;
	bank.contactor[0].connected = false;
	bank.guard.ready = false;
	in.bus = (struct bus_sample){0};
	read_step(0., false, NAN);
	CU_ASSERT_FALSE(bank.now.pcs[0].known);
	guard_step(&bank, &in, &out);
	CU_ASSERT_TRUE(bank.guard.ready);
	bank.guard.ready = false;
	bank.site.pcs[0].self_steered = false;
	read_step(0., false, NAN);
	guard_step(&bank, &in, &out);
	CU_ASSERT_FALSE(bank.guard.ready);
}

static void note(double dis_a, double cha_a)
{
	out.pcs_enable = out.pcs[0].run = true;
	out.bus_dis_max_a = dis_a;
	out.bus_cha_max_a = cha_a;
	converter_note(&bank, &out);
}

static void within_its_limits_nothing_is_excess_and_beyond_it_is(void)
{
	begin_led();
	for (int i = 0; i < 100; i++) {
		read_step(i % 2 ? 45. : -35., true, NAN);
		note(50., 40.);
	}
	CU_ASSERT(bank.converter[0].excess_w <= 0. && bank.converter[0].against_w <= 0.);
	/* A limit that fell is followed in its time. */
	for (int i = 0; i < 20; i++) {
		read_step(45., true, NAN);
		note(0., 40.);
	}
	CU_ASSERT(bank.converter[0].excess_w <= 0.);
	for (int i = 0; i < 50; i++) {
		read_step(45., true, NAN);
		note(0., 40.);
	}
	CU_ASSERT(bank.converter[0].excess_w > 15000.);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(without_a_wish_the_limits_are_the_banks),
		TEST(without_a_wish_it_rests_where_the_site_says_so),
		TEST(a_setpoint_bounds_its_direction_and_forbids_the_other),
		TEST(a_stop_lets_it_come_to_rest_before_the_enable_falls),
		TEST(one_that_does_not_come_to_rest_is_switched_off_all_the_same),
		TEST(what_the_packs_give_is_what_it_takes),
		TEST(its_own_measurement_goes_first),
		TEST(others_are_not_measured_by_the_packs),
		TEST(the_guard_is_ready_before_such_an_inverter_was_ever_heard),
		TEST(within_its_limits_nothing_is_excess_and_beyond_it_is),
		CU_TEST_INFO_NULL,
	};

	return hand_run("self_steered", tests);
}
