/*
 * A whole bank with an inverter that follows its battery: core, simulated packs, and what the wire
 * tells. The inverter is mute until it is told limits, decides about its power by itself, and
 * follows what it was told with a second of delay.
 */
#include <CUnit/Basic.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "core/bank.h"
#include "drivers/pcs/can_bms_speak.h"
#include "drivers/sim/twin.h"

enum { TICK_MS = 100, FOLLOW_TICKS = 10 };

static struct config config;
static struct bank bank;
static struct bank_inputs in;
static struct bank_outputs out, wires;
static struct can_bms_setup setup;
static struct can_bms_speaker speaker;
static struct twin *twin;

static double wish_w; /* of the inverter's own EMS, + discharge, DC */
static double given_w;
static int64_t told_ms;
static double told_dis_a[FOLLOW_TICKS], told_cha_a[FOLLOW_TICKS]; /* limits on their way */
static double least_charge_v;

/* What the inverter makes of frames: limits from 0x351, alive while they come. */
static void inverter_hears(const struct can_frame *frame, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *data = frame[i].data;
		double charge_v = 0.1 * (data[0] | data[1] << 8);

		if (frame[i].can_id != 0x351)
			continue;
		told_ms = in.now_ms;
		told_cha_a[0] = 0.1 * (data[2] | data[3] << 8);
		told_dis_a[0] = 0.1 * (data[4] | data[5] << 8);
		if (charge_v < least_charge_v)
			least_charge_v = charge_v;
	}
}

static double most(double a, double b)
{
	return a > b ? a : b;
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

static void inverter_acts(void)
{
	double v = out.bus_known ? out.bus_v : 0.0;
	bool alive = told_ms && in.now_ms - told_ms < 3000;
	const unsigned last = FOLLOW_TICKS - 1;

	given_w = alive && out.pcs_enable
			  ? most(-told_cha_a[last] * v, least(told_dis_a[last] * v, wish_w))
			  : 0.0;
	memmove(told_dis_a + 1, told_dis_a, last * sizeof told_dis_a[0]);
	memmove(told_cha_a + 1, told_cha_a, last * sizeof told_cha_a[0]);
	wires = out;
	wires.pcs[0].run = wires.pcs_enable;
	wires.pcs[0].p_w = given_w;
	twin_apply(twin, in.now_ms, &wires);
}

static void step(void)
{
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned requests = 0;
	bool alive = told_ms && in.now_ms - told_ms < 3000;

	in.now_ms += TICK_MS;
	in.utc_ms += TICK_MS;
	twin_gather(twin, &in);
	/* It says that it is alive once a second, and nothing else. */
	in.pcs[0] = (struct pcs_sample){.stamp_ms = alive ? in.now_ms / 1000 * 1000 : 0,
					.state = PCS_RUNNING,
					.ac_w = (double)NAN,
					.dc_w = (double)NAN,
					.dc_v = (double)NAN,
					.dc_a = (double)NAN,
					.dis_max_w = (double)NAN,
					.cha_max_w = (double)NAN,
					.freq_hz = (double)NAN};
	bank_step(&bank, &in, &out);
	in.n_commands = 0;
	inverter_hears(frame, can_bms_speak(&speaker, in.now_ms, &out, &requests, frame,
					    CAN_BMS_FRAMES_MAX));
	inverter_acts();
}

static void run(double seconds)
{
	for (double t = 0.0; t < seconds; t += TICK_MS / 1000.0)
		step();
}

static bool begin(void)
{
	memset(&in, 0, sizeof in);
	memset(&out, 0, sizeof out);
	if (config_load("tests/scenario/sites/four.conf", "config/packs", &config, stdout) != 0)
		return false;
	config.site.pcs[0].self_steered = true;
	config.site.pcs[0].dead_man_ms = 0;
	in.now_ms = 1000000;
	in.utc_ms = 1790000000000;
	in.clock_synced = in.tick = in.commissioned = true;
	twin = twin_new(&config.site, &config.sim, in.now_ms);
	bank_init(&bank, &config.site, NULL);
	setup = (struct can_bms_setup){.frames = can_bms_standard_frames(CAN_BMS_PYLONTECH_LV)};
	speaker = (struct can_bms_speaker){.setup = &setup,
					   .share = 1.0,
					   .period_ms = 1000,
					   .n_packs = config.site.n_packs,
					   .bus_min_v = config.site.bus.min_v,
					   .bus_max_v = config.site.bus.max_v};
	for (unsigned k = 0; k < config.site.n_packs; k++) {
		speaker.pack_min_v[k] = config.site.pack[k].limit.pack_min_v;
		speaker.pack_max_v[k] = config.site.pack[k].limit.pack_max_v;
	}
	can_bms_speak_init(&speaker);
	told_ms = 0;
	wish_w = given_w = 0.0;
	least_charge_v = 1e9;
	return twin != NULL;
}

static void command(enum command_kind kind, double p_w)
{
	in.command[in.n_commands++] = (struct command){.kind = kind,
						       .pack = -1,
						       .id = "c",
						       .seq = in.now_ms,
						       .ts_utc_ms = in.utc_ms,
						       .received_ms = in.now_ms,
						       .p_w = p_w,
						       .valid_s = 60.0,
						       .ramp_w_s = (double)NAN};
	snprintf(in.command[0].id, sizeof in.command[0].id, "c%lld", (long long)in.now_ms);
}

static double excess_s(void)
{
	struct twin_truth truth;
	double sum = 0.0;

	twin_truth(twin, &truth);
	for (unsigned k = 0; k < config.site.n_packs; k++)
		sum += truth.pack[k].excess_s;
	return sum;
}

static bool all_open(void)
{
	for (unsigned k = 0; k < config.site.n_packs; k++)
		for (int pole = 0; pole < POLE_COUNT; pole++)
			if (out.pack[k].coil[pole])
				return false;
	return true;
}

static void a_bank_leads_an_inverter_through_a_day(void)
{
	CU_ASSERT_TRUE_FATAL(begin());
	run(60.0);
	CU_ASSERT_TRUE(out.pcs_enable && out.face.known);
	CU_ASSERT_EQUAL(speaker.voice, CAN_BMS_LIVE);
	/* It wants more than any bank of this size bears, in both directions. */
	wish_w = 1e6;
	run(120.0);
	CU_ASSERT_TRUE(given_w > 3000.0);
	CU_ASSERT_TRUE(out.pcs_enable);
	wish_w = -1e6;
	run(120.0);
	CU_ASSERT_TRUE(given_w < -2000.0);
	CU_ASSERT_TRUE(out.pcs_enable);
	CU_ASSERT_DOUBLE_EQUAL(excess_s(), 0.0, 1.0);
	/* A setpoint bounds it, in its direction only. */
	command(COMMAND_SETPOINT, 2000.0);
	run(20.0);
	CU_ASSERT_DOUBLE_EQUAL(given_w, 0.0, 100.0);
	wish_w = 1e6;
	run(20.0);
	CU_ASSERT_TRUE(given_w > 1000.0 && given_w < 2200.0);
	CU_ASSERT_TRUE(out.pcs_enable);
	/* A stop: at rest, disabled, open, and silent in the end. Nobody was told a voltage of 0.
	 */
	command(COMMAND_STOP, 0.0);
	run(20.0);
	CU_ASSERT_FALSE(out.pcs_enable);
	run(20.0);
	CU_ASSERT_TRUE(all_open());
	run(20.0);
	CU_ASSERT_EQUAL(speaker.voice, CAN_BMS_SILENT);
	CU_ASSERT_TRUE(least_charge_v > config.site.bus.min_v);
	twin_free(twin);
	config_free(&config);
}

/* It does what it wants, whatever it is told. */
static void an_inverter_that_does_not_follow_is_switched_off(void)
{
	CU_ASSERT_TRUE_FATAL(begin());
	run(60.0);
	CU_ASSERT_TRUE(out.pcs_enable);
	command(COMMAND_SETPOINT, 0.0);
	run(5.0);
	for (int i = 0; i < 200 && out.pcs_enable; i++) {
		for (unsigned k = 0; k < FOLLOW_TICKS; k++)
			told_dis_a[k] = 1000.0;
		wish_w = 6000.0;
		step();
	}
	CU_ASSERT_FALSE(out.pcs_enable);
	twin_free(twin);
	config_free(&config);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a_bank_leads_an_inverter_through_a_day", a_bank_leads_an_inverter_through_a_day},
		{"an_inverter_that_does_not_follow_is_switched_off",
		 an_inverter_that_does_not_follow_is_switched_off},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"led_bank", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
