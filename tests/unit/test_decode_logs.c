/*
 * Recordings against what the owners of the logs say of them (tests/data/canlogs/SOURCE.txt). Line
 * by line they are compared in tests/decoder; here is what must be true whatever the lines look
 * like.
 */
#include <CUnit/Basic.h>
#include <math.h>

#include "wire_bench.h"

/* ---- i3: boot, precharge, closed --------------------------------------------------------- */

static struct {
	double first_known_v, first_known_a;
	double link_at_precharge_v, link_at_closed_v;
	double precharge_s, closed_s;
	double worst_precharge_a;
	bool ever_beyond;
} boot;

static void look_at_boot(double t, uint32_t id)
{
	const struct pack_sample *sample = &bench.sample;
	const enum contact *feedback = bench.contacts.feedback;

	(void)id;
	boot.ever_beyond = boot.ever_beyond || sample->pack_v > 1000. || sample->current_a > 800. ||
			   sample->current_a < -800. || sample->soc > 1.1 || sample->link_v > 1000.;
	if (isnan(boot.first_known_v) && !isnan(sample->pack_v))
		boot.first_known_v = sample->pack_v;
	if (isnan(boot.first_known_a) && !isnan(sample->current_a))
		boot.first_known_a = sample->current_a;
	if (feedback[POLE_PRECHARGE] == CONTACT_CLOSED && isnan(boot.precharge_s)) {
		boot.precharge_s = t;
		boot.link_at_precharge_v = sample->link_v;
	}
	if (feedback[POLE_POSITIVE] == CONTACT_CLOSED && isnan(boot.closed_s)) {
		boot.closed_s = t;
		boot.link_at_closed_v = sample->link_v;
	}
	if (t > 4.3 && t < 4.6 && sample->current_a > boot.worst_precharge_a)
		boot.worst_precharge_a = sample->current_a;
}

static void i3_boots_unknown_and_closes_after_its_precharge(void)
{
	boot.first_known_v = boot.first_known_a = boot.precharge_s = boot.closed_s = NAN;
	boot.worst_precharge_a = 0.;
	boot.ever_beyond = false;
	bench_start("bmw-i3-60");
	CU_ASSERT(bench_log("bmw_i3/i3_2013_switched_on", "can0", look_at_boot) > 1000);
	CU_ASSERT_FALSE(boot.ever_beyond); /* 6553.5 V, 5734.3 A, 409.5 %, 1020 V in the bytes */
	CU_ASSERT_DOUBLE_EQUAL(boot.first_known_v, 382.5, 0.06);
	CU_ASSERT_DOUBLE_EQUAL(boot.first_known_a, 0., 0.06);
	CU_ASSERT_DOUBLE_EQUAL(boot.closed_s - boot.precharge_s, 0.25, 0.02);
	CU_ASSERT(boot.link_at_precharge_v < 20.);
	CU_ASSERT(boot.link_at_closed_v > 0.98 * 382.5);
	/* The pack discharges into the link: + by our convention. */
	CU_ASSERT(boot.worst_precharge_a > 12. && boot.worst_precharge_a < 40.);
	CU_ASSERT_EQUAL(bench.contacts.feedback[POLE_NEGATIVE], CONTACT_CLOSED);
	CU_ASSERT_EQUAL(bench.contacts.feedback[POLE_PRECHARGE], CONTACT_OPEN);
	CU_ASSERT_EQUAL(bench.sample.bms_flags, 0);
	CU_ASSERT_EQUAL(bench.sample.bad_frames, 0);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.temp_max_c, 17., 0.1);
	CU_ASSERT_EQUAL(bench.sample.serial, config_serial_digest("132830012"));
}

/* ---- i3: AC charge ----------------------------------------------------------------------- */

static double most_a, least_a;

static void look_at_charge(double t, uint32_t id)
{
	(void)t;
	if (id != 0x112)
		return;
	most_a = bench.sample.current_a > most_a ? bench.sample.current_a : most_a;
	least_a = bench.sample.current_a < least_a ? bench.sample.current_a : least_a;
}

static void i3_charging_counts_negative(void)
{
	most_a = -1e9, least_a = 1e9;
	bench_start("bmw-i3-60");
	CU_ASSERT(bench_log("bmw_i3/i3_2015rex_ac_charge_69pct", "can0", look_at_charge) > 600);
	CU_ASSERT_DOUBLE_EQUAL(least_a, -7.9, 0.06); /* 3 kW into 379 V */
	CU_ASSERT_DOUBLE_EQUAL(most_a, 0.7, 0.06);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 378.4, 0.2);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.soc, 0.570, 0.001);
	/* "69perc" of the file's name is what the dashboard shows. */
	CU_ASSERT_DOUBLE_EQUAL(bench.state.info[7], 0.69, 0.006);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.cha_limit_a, 240.0, 0.1);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.dis_limit_a, 409.0, 0.1);
	CU_ASSERT_EQUAL(bench.contacts.feedback[POLE_POSITIVE], CONTACT_CLOSED);
}

static void i3_closed_and_idle_reads_371_volts(void)
{
	bench_start("bmw-i3-60");
	CU_ASSERT(bench_log("bmw_i3/i3_ptcan_open_close", "can0", NULL) > 1000);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 371.0, 0.2);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.current_a, 0.9, 0.3);
	CU_ASSERT_EQUAL(bench.contacts.feedback[POLE_POSITIVE], CONTACT_CLOSED);
	CU_ASSERT_EQUAL(bench.sample.bms_flags, 0);
}

/* ---- Kona -------------------------------------------------------------------------------- */

static double kona_closed_s, kona_opened_s, kona_most_a;

static void look_at_kona(double t, uint32_t id)
{
	enum contact positive = bench.contacts.feedback[POLE_POSITIVE];

	(void)id;
	if (positive == CONTACT_CLOSED && isnan(kona_closed_s))
		kona_closed_s = t;
	if (positive == CONTACT_OPEN && !isnan(kona_closed_s) && isnan(kona_opened_s))
		kona_opened_s = t;
	if (bench.sample.current_a > kona_most_a)
		kona_most_a = bench.sample.current_a;
}

static void kona_reads_355_volts_and_discharge_is_positive(void)
{
	kona_closed_s = kona_opened_s = NAN;
	kona_most_a = 0.;
	bench_start("kona-64");
	CU_ASSERT_EQUAL(bench_log("kona_ev/kona2019_power_cycle_ready_off", "can0", look_at_kona),
			7 * 70);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 355.1, 0.2);
	CU_ASSERT_DOUBLE_EQUAL(kona_most_a, 3.6, 0.3);
	/* The link reached 353 V 0.6 s after waking (0x524 of the car); it fell from 9.14 s on. */
	CU_ASSERT_DOUBLE_EQUAL(kona_closed_s, 2.78, 0.05);
	CU_ASSERT_DOUBLE_EQUAL(kona_opened_s, 9.07, 0.05);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.cha_limit_a, 85000. / 355.1, 0.5);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.dis_limit_a, 80380. / 355.1, 0.5);
	CU_ASSERT_TRUE(isnan(bench.sample.aux_v)); /* 0 in the last frames: not 0 V */
}

static void kona_ids_on_the_other_bus_are_no_battery(void)
{
	bench_start("kona-64");
	bench_log("kona_ev/kona2019_power_cycle_ready_off", "can1", NULL);
	CU_ASSERT_EQUAL(bench.sample.electrical_ms > 0, true); /* the same id... */
	CU_ASSERT_EQUAL(bench.sample.bms_ms, 0);               /* ...but no limits, no state */
	CU_ASSERT_EQUAL(bench.contacts.stamp_ms, 0);
	bench_start("kona-64");
	bench_log("kona_ev/kona2019_power_cycle_ready_off", "can2", NULL);
	CU_ASSERT_EQUAL(bench.sample.electrical_ms, 0);
}

/* ---- what a car sends is what we send ---------------------------------------------------- */

static void bmw_checksums_hold_in_every_recorded_frame(void)
{
	struct {
		uint32_t id;
		struct wire_sum sum;
		unsigned n;
	} of[] = {{0x12F, {WIRE_SUM_CRC8, 0x1D, 0x60, 0, 1, 7, 0}, 0},
		  {0x19B, {WIRE_SUM_CRC8, 0x1D, 0x6C, 0, 1, 7, 0}, 0},
		  {0x1D0, {WIRE_SUM_CRC8, 0x1D, 0xF9, 0, 1, 7, 0}, 0}};
	struct candump_frame frame;
	char line[256];
	FILE *file = fopen("tests/data/canlogs/bmw_i3/i3_2013_switched_on.candump", "r");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	while (fgets(line, sizeof line, file)) {
		if (candump_parse(line, &frame) != CANDUMP_FRAME)
			continue;
		for (unsigned i = 0; i < 3; i++) {
			if (of[i].id != frame.id)
				continue;
			of[i].n++;
			CU_ASSERT_TRUE(wire_sum_holds(&of[i].sum, frame.id, frame.data, 8));
		}
	}
	fclose(file);
	CU_ASSERT_EQUAL(of[0].n, 98);
	CU_ASSERT_EQUAL(of[1].n, 20);
	CU_ASSERT_EQUAL(of[2].n, 11);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(i3_boots_unknown_and_closes_after_its_precharge),
		TEST(i3_charging_counts_negative),
		TEST(i3_closed_and_idle_reads_371_volts),
		TEST(kona_reads_355_volts_and_discharge_is_positive),
		TEST(kona_ids_on_the_other_bus_are_no_battery),
		TEST(bmw_checksums_hold_in_every_recorded_frame),
		CU_TEST_INFO_NULL,
	};

	return bench_run("decoded logs", tests);
}
