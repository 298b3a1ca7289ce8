#include "hand_bank.h"

/* Converters seen one step at a time: what they were asked, what they say, what the packs carry. */

static int64_t period_ms;

static void look(int64_t ms)
{
	for (; ms > 0; ms -= 100) {
		hand_advance(100);
		for (unsigned i = 0; i < bank.site.n_pcs; i++)
			if (bank.now.pcs[i].known && bank.now_ms % period_ms == 0)
				bank.now.pcs[i].known_ms = bank.now_ms;
		converter_step(&bank);
		out.pcs_enable = bank.guard.pcs_drop_ms == 0;
		for (unsigned i = 0; i < bank.site.n_pcs; i++)
			out.pcs[i] = (struct pcs_output){.run = bank.converter[i].asked_run,
							 .p_w = bank.converter[i].asked_w};
		converter_note(&bank, &out);
	}
}

static void ask(unsigned i, double p_w)
{
	bank.converter[i].asked_run = true;
	bank.converter[i].asked_w = p_w;
}

static void give(unsigned i, double p_w)
{
	bank.now.pcs[i].ac_w = bank.now.pcs[i].dc_w = p_w;
}

/* n running converters of 30 kW at one connected pack; enable high; readings every 100 ms. */
static void begin(unsigned n)
{
	hand_init(1);
	period_ms = 100;
	bank.site.n_pcs = n;
	bank.guard.pcs_drop_ms = 0;
	bank.contactor[0].connected = true;
	for (unsigned i = 0; i < n; i++) {
		bank.site.pcs[i] = bank.site.pcs[0];
		bank.site.pcs[i].p_max_w = bank.site.pcs[i].dis_max_w = 30e3;
		bank.site.pcs[i].cha_max_w = 30e3;
		bank.now.pcs[i] = (struct pcs_now){.known = true,
						   .state = PCS_RUNNING,
						   .dis_max_w = (double)NAN,
						   .cha_max_w = (double)NAN};
		ask(i, 0.);
	}
	look(1000);
}

static double share(double p_w, unsigned i)
{
	memset(&out, 0, sizeof out);
	converter_share(&bank, true, p_w, &out);
	return out.pcs[i].p_w;
}

/* ---- asked and given ------------------------------------------------------------------------- */

static void less_than_asked_is_no_excess_and_more_is(void)
{
	begin(1);
	ask(0, 10e3);
	give(0, 4e3);
	look(1000);
	CU_ASSERT(bank.converter[0].excess_w <= 0. && bank.converter[0].against_w == 0.);
	give(0, 13e3);
	look(100);
	CU_ASSERT_DOUBLE_EQUAL(bank.converter[0].excess_w, 3e3, 1e-6);
	ask(0, -10e3);
	give(0, -14e3);
	look(1000);
	CU_ASSERT_DOUBLE_EQUAL(bank.converter[0].excess_w, 4e3, 1e-6);
	ask(0, 0.);
	give(0, -2e3);
	look(1000);
	CU_ASSERT_DOUBLE_EQUAL(bank.converter[0].excess_w, 2e3, 1e-6);
	CU_ASSERT_EQUAL(bank.converter[0].against_w, 0.);
}

static void power_against_the_asked_sign_is_seen_in_both_directions(void)
{
	begin(1);
	ask(0, 10e3);
	give(0, -9e3);
	look(1000);
	CU_ASSERT_DOUBLE_EQUAL(bank.converter[0].against_w, 9e3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(bank.converter[0].excess_w, 9e3, 1e-6);
	ask(0, -10e3);
	give(0, 12e3);
	look(1000);
	CU_ASSERT_DOUBLE_EQUAL(bank.converter[0].against_w, 10e3, 1e-6);
}

static void a_falling_command_gives_the_converter_a_moment(void)
{
	begin(1);
	ask(0, 20e3);
	give(0, 20e3);
	look(2000);
	ask(0, 0.);
	look(200);
	CU_ASSERT(bank.converter[0].excess_w <= 0.);
	look(600);
	CU_ASSERT_DOUBLE_EQUAL(bank.converter[0].excess_w, 20e3, 1e-6);
}

static void a_reading_from_before_the_command_accuses_nobody(void)
{
	begin(1);
	period_ms = 1000;
	ask(0, 20e3);
	give(0, 20e3);
	look(3000);
	ask(0, 0.);
	look(900);
	CU_ASSERT(bank.converter[0].excess_w <= 0.);
	give(0, 0.);
	look(1100);
	CU_ASSERT(bank.converter[0].excess_w <= 0.);
}

static void switched_off_converter_is_asked_for_nothing(void)
{
	begin(1);
	ask(0, 10e3);
	look(1000);
	bank.guard.pcs_drop_ms = bank.now_ms;
	look(100);
	CU_ASSERT(bank.converter[0].asked_w == 0. && !bank.converter[0].asked_run);
}

static void unknown_power_leaves_the_verdict_as_it_was(void)
{
	begin(1);
	ask(0, 10e3);
	give(0, -14e3);
	look(1000);
	give(0, NAN);
	look(1000);
	CU_ASSERT_DOUBLE_EQUAL(bank.converter[0].excess_w, 14e3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(bank.converter[0].against_w, 10e3, 1e-6);
	give(0, 9e3);
	look(100);
	CU_ASSERT(bank.converter[0].excess_w <= 0. && bank.converter[0].against_w == 0.);
}

static void who_shows_no_power_is_overdue_like_one_that_says_nothing(void)
{
	begin(1);
	CU_ASSERT_EQUAL(bank.converter[0].stamp_ms, bank.now_ms);
	in.pcs[0].stamp_ms = bank.now_ms + 400; /* it answers; nothing known is in it */
	period_ms = 1000000;
	look(400);
	CU_ASSERT_TRUE(bank.converter[0].overdue);
}

static void invalid_readings_in_between_do_not_save_one_in_excess(void)
{
	int64_t began_ms;

	begin(1);
	began_ms = bank.now_ms;
	while (!raised[REASON_PCS_EXCESS] && bank.now_ms - began_ms < 10000) {
		bool valid = bank.now_ms / 100 % 2;

		hand_advance(100);
		in.pcs[0] = (struct pcs_sample){.stamp_ms = bank.now_ms,
						.state = PCS_RUNNING,
						.ac_w = valid ? 20e3 : (double)NAN,
						.dc_w = valid ? 21e3 : (double)NAN};
		fresh_step(&bank, &in, &out);
		converter_step(&bank);
		protect_step(&bank, &in, &out);
		hand_read();
	}
	CU_ASSERT(raised[REASON_PCS_EXCESS] && bank.now_ms - began_ms <= 2500);
	CU_ASSERT_FALSE(bank.protect.permit.pcs_enable);
}

static void two_missed_readings_are_overdue_at_any_period(void)
{
	begin(1);
	CU_ASSERT_EQUAL(bank.converter[0].period_ms, 100);
	period_ms = 1000000;
	look(300);
	CU_ASSERT_FALSE(bank.converter[0].overdue);
	look(100);
	CU_ASSERT_TRUE(bank.converter[0].overdue);
	begin(1);
	period_ms = 1000;
	look(5000);
	period_ms = 1000000;
	look(1900);
	CU_ASSERT_FALSE(bank.converter[0].overdue);
	look(300);
	CU_ASSERT_TRUE(bank.converter[0].overdue);
}

static void who_is_asked_to_run_and_does_not_is_counted(void)
{
	begin(1);
	CU_ASSERT_EQUAL(bank.converter[0].idle_ms, 0);
	bank.now.pcs[0].state = PCS_OFF;
	ask(0, 0.);
	look(1000);
	CU_ASSERT_EQUAL(bank.now_ms - bank.converter[0].idle_ms, 900);
	bank.now.pcs[0].state = PCS_RUNNING;
	look(100);
	CU_ASSERT_EQUAL(bank.converter[0].idle_ms, 0);
}

/* ---- unseen ---------------------------------------------------------------------------------- */

static void lose(unsigned i)
{
	bank.now.pcs[i] = (struct pcs_now){0};
	bank.protect.pcs[i].permit = (struct pcs_permit){.lost = true};
	bank.converter[i].asked_run = false;
	bank.converter[i].asked_w = 0.;
}

static void silent_converter_gives_nothing_once_the_balance_has_shown_it(void)
{
	begin(2);
	give(0, 10e3);
	bank.now.pack[0].current_a = 10e3 / 374.4;
	look(2000);
	CU_ASSERT_FALSE(bank.converter[1].gives_nothing);
	lose(1);
	look(1000);
	CU_ASSERT_FALSE(bank.converter[1].gives_nothing);
	CU_ASSERT_DOUBLE_EQUAL(converter_unseen_w(&bank, true, false), 30e3, 1e-6);
	look(100);
	CU_ASSERT_TRUE(bank.converter[1].gives_nothing);
	CU_ASSERT_EQUAL(converter_unseen_w(&bank, true, true), 0.);
	bank.now.pack[0].current_a = 15e3 / 374.4;
	look(100);
	CU_ASSERT_DOUBLE_EQUAL(converter_unseen_w(&bank, true, false), 30e3, 1e-6);
	/* a pack that tells its current late must have told it again */
	bank.now.pack[0].current_a = 10e3 / 374.4;
	bank.site.pack[0].electrical_stale_ms = 2500;
	look(2500);
	CU_ASSERT_FALSE(bank.converter[1].gives_nothing);
	look(100);
	CU_ASSERT_TRUE(bank.converter[1].gives_nothing);
	bank.now.pack[0].current_a = NAN;
	look(5000);
	CU_ASSERT_DOUBLE_EQUAL(converter_unseen_w(&bank, false, false), 30e3, 1e-6);
}

static void low_enable_line_stops_everything_but_promises_nothing(void)
{
	begin(2);
	lose(1);
	bank.guard.pcs_drop_ms = bank.now_ms - 99;
	CU_ASSERT_DOUBLE_EQUAL(converter_unseen_w(&bank, true, false), 30e3, 1e-6);
	bank.guard.pcs_drop_ms = bank.now_ms - 100;
	CU_ASSERT_EQUAL(converter_unseen_w(&bank, true, false), 0.);
	look(5000);
	CU_ASSERT_DOUBLE_EQUAL(converter_unseen_w(&bank, true, true), 30e3, 1e-6);
}

static void silent_converter_that_still_gives_power_after_its_time_is_in_excess(void)
{
	begin(2);
	bank.now.pack[0].current_a = 20.;
	lose(1);
	look(7900);
	CU_ASSERT_TRUE(isnan(bank.converter[1].excess_w));
	look(200);
	CU_ASSERT_DOUBLE_EQUAL(bank.converter[1].excess_w, 20. * 374.4, 1e-6);
	CU_ASSERT(bank.converter[0].excess_w <= 0.);
	bank.now.pcs[1].known = true;
	bank.now.pcs[1].ac_w = 0.;
	look(100);
	CU_ASSERT(bank.converter[1].excess_w <= 0.);
}

/* ---- sharing --------------------------------------------------------------------------------- */

static void power_is_shared_by_rating_within_each_own_limit(void)
{
	begin(3);
	bank.site.pcs[2].p_max_w = 15e3;
	bank.now_ms += 10000;
	CU_ASSERT_DOUBLE_EQUAL(share(25e3, 0), 10e3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(share(25e3, 2), 5e3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(share(-25e3, 1), -10e3, 1e-6);
	bank.now.pcs[0].dis_max_w = 2e3;
	CU_ASSERT_DOUBLE_EQUAL(share(23e3, 0), 2e3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(share(23e3, 1), 14e3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(share(23e3, 2), 7e3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(share(-25e3, 0), -10e3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(share(100e3, 1), 30e3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(share(100e3, 2), 15e3, 1e-6);
	bank.now.pcs[1].dis_max_w = -5.;
	CU_ASSERT_EQUAL(share(10e3, 1), 0.);
	CU_ASSERT_EQUAL(share(NAN, 0), 0.);
}

static void only_running_ones_share_and_a_newcomer_takes_over_slowly(void)
{
	begin(2);
	bank.now.pcs[1].state = PCS_STARTING;
	look(10000);
	CU_ASSERT(share(10e3, 0) == 10e3 && share(10e3, 1) == 0. && out.pcs[1].run);
	bank.now.pcs[1].state = PCS_RUNNING;
	look(100);
	CU_ASSERT(share(10e3, 1) < 10. && share(10e3, 0) + share(10e3, 1) <= 10e3);
	look(2500);
	CU_ASSERT_DOUBLE_EQUAL(share(15e3, 1), 5e3, 100.);
	look(2500);
	CU_ASSERT_DOUBLE_EQUAL(share(10e3, 1), 5e3, 1e-6);
	bank.now.pcs[0].state = PCS_FAULT;
	CU_ASSERT(share(10e3, 1) == 10e3 && share(10e3, 0) == 0. && !out.pcs[0].run);
	bank.protect.pcs[1].permit.run = false;
	CU_ASSERT(share(10e3, 1) == 0. && !out.pcs[1].run);
}

static void what_is_below_a_minimum_goes_to_the_others(void)
{
	begin(2);
	look(10000);
	bank.site.pcs[1].min_w = 2e3;
	CU_ASSERT_DOUBLE_EQUAL(share(3e3, 0), 3e3, 1e-6);
	CU_ASSERT_EQUAL(share(3e3, 1), 0.);
	CU_ASSERT_DOUBLE_EQUAL(share(6e3, 1), 3e3, 1e-6);
	bank.site.pcs[0].min_w = 2e3;
	CU_ASSERT_DOUBLE_EQUAL(fabs(share(-3e3, 0)) + fabs(share(-3e3, 1)), 3e3, 1e-6);
	CU_ASSERT_EQUAL(fabs(share(1e3, 0)) + fabs(share(1e3, 1)), 0.);
}

static void commands_are_steps_that_the_converter_has_never_more_than_its_share(void)
{
	begin(1);
	bank.site.pcs[0].resolution_w = 100.;
	CU_ASSERT_DOUBLE_EQUAL(share(1999., 0), 1900., 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(share(-1999., 0), -1900., 1e-6);
	CU_ASSERT_EQUAL(share(99., 0), 0.);
}

static void steps_of_a_converter_are_no_deviation(void)
{
	static struct site site;
	static struct protect protect;
	unsigned excess = 0;

	fixture_site(&site, 1);
	while (pcs_rules[excess].reason != REASON_PCS_EXCESS)
		excess++;
	protect_init(&protect, &site);
	CU_ASSERT_DOUBLE_EQUAL(protect.pcs[0].bound[excess], 3e3, 1e-6);
	site.pcs[0].resolution_w = 2e3;
	protect_init(&protect, &site);
	CU_ASSERT_DOUBLE_EQUAL(protect.pcs[0].bound[excess], 4e3, 1e-6);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(less_than_asked_is_no_excess_and_more_is),
		TEST(power_against_the_asked_sign_is_seen_in_both_directions),
		TEST(a_falling_command_gives_the_converter_a_moment),
		TEST(a_reading_from_before_the_command_accuses_nobody),
		TEST(switched_off_converter_is_asked_for_nothing),
		TEST(unknown_power_leaves_the_verdict_as_it_was),
		TEST(who_shows_no_power_is_overdue_like_one_that_says_nothing),
		TEST(invalid_readings_in_between_do_not_save_one_in_excess),
		TEST(two_missed_readings_are_overdue_at_any_period),
		TEST(who_is_asked_to_run_and_does_not_is_counted),
		TEST(silent_converter_gives_nothing_once_the_balance_has_shown_it),
		TEST(low_enable_line_stops_everything_but_promises_nothing),
		TEST(silent_converter_that_still_gives_power_after_its_time_is_in_excess),
		TEST(power_is_shared_by_rating_within_each_own_limit),
		TEST(only_running_ones_share_and_a_newcomer_takes_over_slowly),
		TEST(what_is_below_a_minimum_goes_to_the_others),
		TEST(commands_are_steps_that_the_converter_has_never_more_than_its_share),
		TEST(steps_of_a_converter_are_no_deviation),
		CU_TEST_INFO_NULL,
	};

	return hand_run("converter", tests);
}
