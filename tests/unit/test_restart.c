/* What a restart may not forget, so that a process which dies again and again does no harm. */
#include "relay_bank.h"
#include "core/closing.h"
#include "core/precharge.h"
#include "core/restart.h"

enum { GAP_MS = 2000, HOUR_MS = 3600000 }; /* RestartSec=2 */

static struct bank_saved saved;
static int64_t utc_ms; /* of the world, while processes come and go */
static bool synced;    /* the wall clock */
static double heat_j;  /* really in the resistor */
static double hottest_j;
static unsigned closings, ops_day_max = 1000;

/* A new process, which is given what the last one saved; NULL: a first start. */
static void start(const struct bank_saved *from)
{
	hand_init(1);
	bank.site.pack[0].limit.pack_max_v = 390.;
	bank.site.pack[0].contactors.precharge_j = 400.;
	bank.site.plan.pack_ops_day_max = bank.site.plan.bank_ops_hour_max = ops_day_max;
	in.now_ms = bank.now_ms;
	in.utc_ms = utc_ms;
	in.clock_synced = synced;
	restart_restore(&bank, from);
	restart_begin(&bank, &in);
	hand_pack(0);
	bank.dispatch.winner = -1;
	bank.plan.event_ms = bank.now_ms - 10000;
	bank.plan.steady_ms = 1;
	bank.contactor[0].opened_ms = bank.now_ms;
	bank.now.bus_v = plant.bus_v;
}

static void heat(int64_t ms)
{
	const struct pack_contactors *site = &bank.site.pack[0].contactors;
	double a = plant.at[0][POLE_POSITIVE] ? 0. : bank.now.pack[0].current_a;

	utc_ms += ms;
	heat_j *= exp(-0.001 * (double)ms / site->precharge_cool_s);
	heat_j +=
		plant.at[0][POLE_PRECHARGE] ? a * a * site->precharge_ohm * 0.001 * (double)ms : 0.;
	hottest_j = num_max(hottest_j, heat_j);
}

static void step(void)
{
	enum contactor_state before = state(0);

	plan_step(&bank, &in, &out);
	tick();
	in.utc_ms = utc_ms;
	heat(STEP_MS);
	closings += before == CONTACTOR_OPEN && state(0) == CONTACTOR_CLOSE_FIRST;
}

/* Runs to the end of a precharge, good or called off; false: none within ms. */
static bool pre_charges_within(int64_t ms)
{
	bool began = false;

	for (; ms > 0; ms -= STEP_MS) {
		step();
		/* As tick.c does. */
		if (!began && contactor_closing(&bank))
			bank_save(&bank, &in, &saved);
		began = contactor_closing(&bank) != 0;
		if (state(0) == CONTACTOR_CLOSE_SECOND || state(0) == CONTACTOR_OPEN_SECOND)
			return true;
	}
	return false;
}

/* The coils fall, and somebody discharges the bus: the worst case for the resistor. */
static void die(void)
{
	memset(plant.at, 0, sizeof plant.at);
	plant.bus_v = 0.;
	bank.now.pack[0].current_a = 0.;
	heat(GAP_MS);
}

static void world_begins(void)
{
	memset(&plant, 0, sizeof plant);
	memset(&saved, 0, sizeof saved);
	utc_ms = 1700000000000;
	heat_j = hottest_j = 0.;
	closings = 0;
	synced = true;
	start(NULL);
	bank_save(&bank, &in, &saved); /* in the first tick */
}

/* Only the resistor's memory and the lock-out: pauses are taken out of the way. */
static void process_that_dies_in_each_precharge_does_not_overheat_the_resistor(void)
{
	for (int how = 0; how < 3; how++) {
		world_begins();
		for (int i = 0; i < 40; i++) {
			struct bank_saved early;
			bank_save(&bank, &in, &early);
			CU_ASSERT_TRUE_FATAL(pre_charges_within(400000));
			if (how == 1) /* it died before the disk had the closing */
				saved = early;
			die();
			saved.pack[0].failures = 0;
			saved.pack[0].ops_today = saved.ops_hour = 0;
			synced = how != 2;
			start(&saved);
			bank.contactor[0].retry_ms = 0;
		}
		CU_ASSERT(hottest_j > 150. && hottest_j < 400.);
		CU_ASSERT_EQUAL(closings, 40);
	}
}

/* The same with everything: each death in a closing makes the next try later. */
static void process_that_dies_in_each_precharge_tries_ever_less(void)
{
	for (ops_day_max = 5; ops_day_max <= 1000; ops_day_max += 995) {
		world_begins();
		int64_t end_ms = utc_ms + HOUR_MS;
		while (pre_charges_within(end_ms - utc_ms)) {
			die();
			start(&saved);
		}
		CU_ASSERT(ops_day_max == 5 ? closings == 5 : closings > 10 && closings < 20);
		CU_ASSERT(hottest_j < 400.);
	}
	ops_day_max = 1000;
}

static void pause_and_tries_go_on_after_a_restart(void)
{
	world_begins();
	saved.ended = true;
	saved.pack[0].tries = 2;
	saved.pack[0].failures = 5;
	start(&saved);
	CU_ASSERT_EQUAL(bank.contactor[0].tries, 2);
	CU_ASSERT_EQUAL(bank.contactor[0].failures, 5);
	CU_ASSERT_EQUAL(bank.contactor[0].retry_ms, bank.now_ms + 48000);
	CU_ASSERT_EQUAL(bank.contactor[0].pause_ms, 48000);
	saved.ended = false;
	start(&saved);
	CU_ASSERT_EQUAL(bank.contactor[0].failures, 6);
	CU_ASSERT_EQUAL(bank.contactor[0].retry_ms, bank.now_ms + 96000);
	bank_save(&bank, &in, &saved);
	CU_ASSERT_EQUAL(saved.pack[0].tries, 2);
	CU_ASSERT_EQUAL(saved.pack[0].failures, 6);
	CU_ASSERT_FALSE(saved.ended);
	saved.pack[0].failures = 0;
	saved.ended = true;
	start(&saved);
	CU_ASSERT_EQUAL(bank.contactor[0].retry_ms, 0);
}

static void resistor_cools_by_the_wall_clock_or_not_at_all(void)
{
	const struct contactor *contactor = &bank.contactor[0];

	world_begins();
	saved.ended = true;
	saved.pack[0].resistor_j = 300.;
	utc_ms += 120000;
	start(&saved);
	CU_ASSERT_DOUBLE_EQUAL(precharge_held_j(&bank, 0), 300. * exp(-1.), 1e-9);
	CU_ASSERT_EQUAL(contactor->precharge_ms, bank.now_ms - 120000);
	bank.now_ms += 120000;
	bank_save(&bank, &in, &saved);
	CU_ASSERT_DOUBLE_EQUAL(saved.pack[0].resistor_j, 300. * exp(-2.), 1e-9);
	saved.pack[0].resistor_j = 300.;
	saved.ended = true;
	saved.utc_ms = 0; /* it had no clock */
	start(&saved);
	CU_ASSERT_EQUAL(contactor->resistor_j, 300.);
	CU_ASSERT_EQUAL(contactor->precharge_ms, bank.now_ms);
	saved.utc_ms = utc_ms + 1000; /* the clock was set back */
	start(&saved);
	CU_ASSERT_EQUAL(contactor->resistor_j, 300.);
}

static void unclean_end_counts_as_a_precharge_and_nonsense_as_a_hot_resistor(void)
{
	const struct contactor *contactor = &bank.contactor[0];

	world_begins();
	start(&saved); /* as of a version that saved nothing of this */
	CU_ASSERT_DOUBLE_EQUAL(contactor->resistor_j, 0.6 * 2e-3 * 390. * 390., 1e-9);
	CU_ASSERT_EQUAL(contactor->precharge_ms, bank.now_ms);
	saved.pack[0].resistor_j = 350.;
	start(&saved);
	CU_ASSERT_EQUAL(contactor->resistor_j, 400.);
	saved.ended = true;
	saved.pack[0].resistor_j = (double)NAN;
	start(&saved);
	CU_ASSERT_EQUAL(contactor->resistor_j, 400.);
	saved.pack[0].resistor_j = -1.;
	start(&saved);
	CU_ASSERT_EQUAL(contactor->resistor_j, 400.);
	saved.n_packs = 0; /* a pack that nothing is known of is cold */
	saved.ended = false;
	start(&saved);
	CU_ASSERT_EQUAL(contactor->resistor_j, 0.);
	CU_ASSERT_EQUAL(contactor->failures, 0);
}

static void hour_goes_on_after_a_restart(void)
{
	static struct site site;

	world_begins();
	bank.plan.ops_hour = 59;
	bank.plan.ops_hour_ms = bank.now_ms - HOUR_MS / 2;
	bank_save(&bank, &in, &saved);
	CU_ASSERT_EQUAL(saved.ops_hour, 59);
	CU_ASSERT_EQUAL(saved.ops_hour_ms, HOUR_MS / 2);
	site = bank.site;
	bank_init(&bank, &site, &saved);
	in.now_ms = 1000LL * HOUR_MS;
	bank_step(&bank, &in, &out);
	CU_ASSERT_EQUAL(bank.plan.ops_hour, 59);
	in.now_ms += HOUR_MS / 2 - 1;
	bank_step(&bank, &in, &out);
	CU_ASSERT_EQUAL(bank.plan.ops_hour, 59);
	in.now_ms++;
	bank_step(&bank, &in, &out);
	CU_ASSERT_EQUAL(bank.plan.ops_hour, 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(process_that_dies_in_each_precharge_does_not_overheat_the_resistor),
		TEST(process_that_dies_in_each_precharge_tries_ever_less),
		TEST(pause_and_tries_go_on_after_a_restart),
		TEST(resistor_cools_by_the_wall_clock_or_not_at_all),
		TEST(unclean_end_counts_as_a_precharge_and_nonsense_as_a_hot_resistor),
		TEST(hour_goes_on_after_a_restart),
		CU_TEST_INFO_NULL,
	};

	return hand_run("restart", tests);
}
