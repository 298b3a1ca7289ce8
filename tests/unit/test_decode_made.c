/* Shipped profiles of which there is no recording, on frames made by hand from their descriptions.
 */
#include <CUnit/Basic.h>
#include <math.h>

#include "drivers/can/poll.h"
#include "wire_bench.h"

static uint32_t flags_of(int64_t ms, uint32_t id, const char *hex)
{
	CU_ASSERT_EQUAL(bench_frame(ms, id, hex), WIRE_TAKEN);
	return bench.sample.bms_flags;
}

/* ---- JK: two bits for each alarm, 1 is the worst ------------------------------------------- */

static void jk_alarms_forbid_a_direction_or_are_faults(void)
{
	const uint32_t none = BMS_NO_CHARGE | BMS_NO_DISCHARGE;

	bench_start("jk-can-16s");
	CU_ASSERT_EQUAL(flags_of(1000, 0x7F4, "00000000"), 0);
	CU_ASSERT_EQUAL(flags_of(1100, 0x7F4, "03000000"), BMS_NO_CHARGE); /* a cell is high */
	CU_ASSERT_EQUAL(flags_of(1200, 0x7F4, "02000000"), BMS_NO_CHARGE);
	CU_ASSERT_EQUAL(flags_of(1300, 0x7F4, "01000000"), BMS_NO_CHARGE | BMS_FAULT);
	CU_ASSERT_EQUAL(flags_of(1400, 0x7F4, "08000000"), BMS_NO_DISCHARGE); /* a cell is low */
	CU_ASSERT_EQUAL(flags_of(1500, 0x7F4, "00800000"), none);             /* hot */
	CU_ASSERT_EQUAL(flags_of(1600, 0x7F4, "00400000"), none | BMS_FAULT);
	CU_ASSERT_EQUAL(flags_of(1700, 0x7F4, "00000300"), BMS_NO_CHARGE);    /* cold */
	CU_ASSERT_EQUAL(flags_of(1800, 0x7F4, "00003000"), BMS_NO_DISCHARGE); /* empty */
	CU_ASSERT_EQUAL(flags_of(1900, 0x7F4, "0000C000"), BMS_FAULT); /* insulation, any level */
	CU_ASSERT_EQUAL(flags_of(2000, 0x7F4, "00000003"), BMS_FAULT); /* interlock */
	CU_ASSERT_EQUAL(flags_of(2100, 0x7F4, "0000000C"),
			0); /* another link of it: not ours to judge */
	CU_ASSERT_EQUAL(flags_of(2200, 0x7F4, "00000000"), 0);
	CU_ASSERT_EQUAL(bench_frame(2300, 0x7F4, "000000"), WIRE_BAD);
}

static void jk_may_be_silent_about_alarms(void)
{
	bench_start("jk-can-16s");
	bench_frame(1000, 0x2F4, "1002A00F32");
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 52.8, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.current_a, 0., 1e-9);
	CU_ASSERT_EQUAL(bench.sample.bms_ms, 1000);
	CU_ASSERT_EQUAL(flags_of(1100, 0x7F4, "01000000"), BMS_NO_CHARGE | BMS_FAULT);
	wire_forget(bench.wire, &bench.state, 60000, &bench.sample);
	bench_frame(60000, 0x2F4, "1002A00F32");
	CU_ASSERT_EQUAL(bench.sample.bms_flags, 0);
}

/* ---- Daly: the lower of two bits is the first level ----------------------------------------- */

static void daly_alarms_forbid_a_direction_or_are_faults(void)
{
	const uint32_t id = 0x18984001;

	bench_start("daly-can-16s");
	bench_frame(900, 0x18904001, "0210000075300320");
	bench_frame(900, 0x18934001, "0001010000000000");
	CU_ASSERT_EQUAL(bench.sample.bms_ms, 0); /* alarms are not known yet */
	CU_ASSERT_EQUAL(flags_of(1000, id, "0000000000000000"), 0);
	CU_ASSERT_EQUAL(bench.sample.bms_ms, 900);
	CU_ASSERT_EQUAL(flags_of(1100, id, "0100000000000000"), BMS_NO_CHARGE);
	CU_ASSERT_EQUAL(flags_of(1200, id, "0300000000000000"), BMS_NO_CHARGE | BMS_FAULT);
	CU_ASSERT_EQUAL(flags_of(1300, id, "4000000000000000"), BMS_NO_DISCHARGE);
	CU_ASSERT_EQUAL(flags_of(1400, id, "0004000000000000"),
			BMS_NO_CHARGE); /* cold for charging */
	CU_ASSERT_EQUAL(flags_of(1500, id, "0020000000000000"), BMS_NO_DISCHARGE | BMS_FAULT);
	CU_ASSERT_EQUAL(flags_of(1600, id, "0000200000000000"), BMS_NO_CHARGE); /* full */
	CU_ASSERT_EQUAL(flags_of(1700, id, "0000000100000000"), 0);
	CU_ASSERT_EQUAL(flags_of(1800, id, "0000000200000000"), BMS_FAULT); /* cells apart */
	CU_ASSERT_EQUAL(flags_of(1900, id, "0000000020000000"),
			BMS_FAULT);                                 /* a transistor sticks */
	CU_ASSERT_EQUAL(flags_of(2000, id, "0000000000500000"), 0); /* clock, external link */
	CU_ASSERT_EQUAL(flags_of(2100, id, "0000000000040000"), BMS_FAULT);
	CU_ASSERT_EQUAL(flags_of(2200, id, "0000000000000400"), BMS_FAULT); /* short circuit */
	CU_ASSERT_EQUAL(flags_of(2300, id, "0000000000000800"), BMS_NO_CHARGE);
	CU_ASSERT_EQUAL(flags_of(2400, id, "0000000000000000"), 0);
}

/* ---- CAN-BMS: two families, told apart by their ids of alarms and extremes ------------------ */

/* Every group its readings require is of the last second. */
static void all_required_is_known(int64_t ms)
{
	CU_ASSERT(bench.sample.electrical_ms >= ms - 500);
	CU_ASSERT(bench.sample.cells_ms >= ms - 1000);
	CU_ASSERT(bench.sample.temps_ms >= ms - 1000);
	CU_ASSERT(bench.sample.bms_ms >= ms - 1000);
	CU_ASSERT_EQUAL(bench.sample.bad_frames, 0);
}

static void pylontech_frames_as_published_yield_every_group(void)
{
	bench_start("can-bms-pylontech-16s");
	bench_frame(1000, 0x351, "4802D007D007C001");
	bench_frame(1010, 0x355, "1E00640000000000");
	bench_frame(1020, 0x356, "7914000071000000");
	CU_ASSERT_EQUAL(bench.sample.bms_ms, 0); /* alarms are not known yet */
	CU_ASSERT_EQUAL(flags_of(1030, 0x359, "0000000002504E00"), 0);
	CU_ASSERT_EQUAL(flags_of(1040, 0x35C, "C000"), 0);
	bench_frame(1050, 0x370, "76006C00CF0CCA0C");
	all_required_is_known(1050);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 52.41, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.cell_max_v, 3.279, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.cell_min_v, 3.274, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.temp_max_c, 11.8, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.temp_min_c, 10.8, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.cha_limit_a, 200., 1e-9);
	CU_ASSERT_EQUAL(flags_of(1100, 0x359, "02000000"), BMS_FAULT);
	CU_ASSERT_EQUAL(flags_of(1110, 0x359, "00080000"), BMS_FAULT);
	CU_ASSERT_EQUAL(flags_of(1120, 0x359, "00000200"), 0); /* a warning */
	CU_ASSERT_EQUAL(flags_of(1130, 0x35C, "40"), BMS_NO_CHARGE);
	bench_frame(1140, 0x356, "4E1302030405"); /* shorter, charging with 77 A */
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.current_a, -77., 1e-9);
	bench_frame(1150, 0x370, "F6FFECFFCF0CCA0C");
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.temp_max_c, -1., 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.temp_min_c, -2., 1e-9);
}

static void victron_frames_as_published_yield_every_group(void)
{
	bench_start("can-bms-victron-16s");
	bench_frame(1000, 0x351, "1F01BC02E803E700");
	bench_frame(1010, 0x355, "320064008813");
	bench_frame(1020, 0x356, "320A00002701");
	CU_ASSERT_EQUAL(bench.sample.bms_ms, 0); /* alarms are not known yet */
	CU_ASSERT_EQUAL(flags_of(1030, 0x35A, "A8A082000000800A"), 0);
	bench_frame(1040, 0x373, "BA0CC20C2E012F01");
	all_required_is_known(1040);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 26.1, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.soc, 0.5, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.cell_min_v, 3.258, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.temp_max_c, 30., 1e-9);
	CU_ASSERT_EQUAL(flags_of(1100, 0x35A, "A8828202A8828202"), 0); /* another maker */
	CU_ASSERT_EQUAL(flags_of(1110, 0x35A, "A4828202A8828202"), BMS_FAULT);
	CU_ASSERT_EQUAL(flags_of(1120, 0x35A, "A8928202A8828202"), BMS_NO_CHARGE);
	CU_ASSERT_EQUAL(flags_of(1130, 0x35A, "A8828202A4828202"), 0); /* a warning */
	CU_ASSERT_EQUAL(flags_of(1140, 0x35A, "A8828202A8828202"), 0);
}

/* ---- Zoe 41: its voltage is the sum of cells, in two answers -------------------------------- */

static void zoe_cells(int64_t ms, unsigned request, unsigned n, unsigned mv, unsigned odd_mv)
{
	uint8_t data[126] = {0x61, (uint8_t)(0x41 + request)};

	for (unsigned i = 0; i < n; i++) {
		unsigned v = i == n - 1 ? odd_mv : mv;

		data[2 + 2 * i] = (uint8_t)(v >> 8);
		data[3 + 2 * i] = (uint8_t)v;
	}
	CU_ASSERT_EQUAL(wire_decode_answer(bench.wire, &bench.state, ms, request, 0, data,
					   2 + 2 * n, &bench.sample, &bench.contacts),
			WIRE_TAKEN);
}

static void zoe_41_is_as_high_as_its_cells_and_as_old_as_the_oldest(void)
{
	bench_start("renault-zoe-41");
	bench_frame(1000, 0x155, "00080000FFFF0000");
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.current_a, -12., 1e-9); /* 2048 / 4 - 500, charging */
	CU_ASSERT_TRUE(isnan(bench.sample.pack_v));
	CU_ASSERT_EQUAL(bench.sample.electrical_ms, 0);
	zoe_cells(1100, 0, 62, 3700, 3650);
	CU_ASSERT_TRUE(isnan(bench.sample.pack_v)); /* half of them */
	CU_ASSERT_EQUAL(bench.sample.electrical_ms, 0);
	zoe_cells(1350, 1, 34, 3700, 3710);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 96 * 3.7 - 0.05 + 0.01, 1e-9);
	CU_ASSERT_EQUAL(bench.sample.electrical_ms, 1000); /* the current is the oldest */
	bench_frame(1360, 0x155, "00080000FFFF0000");
	CU_ASSERT_EQUAL(bench.sample.electrical_ms, 1100); /* now the first half is */
	zoe_cells(1600, 0, 62, 3700, 0xFFFF);
	CU_ASSERT_TRUE(isnan(bench.sample.pack_v)); /* one cell is unknown */
}

static void zoe_ends_its_charge(void)
{
	bench_start("renault-zoe-22");
	CU_ASSERT_EQUAL(flags_of(1000, 0x424, "4000407840645540"), 0);
	CU_ASSERT_EQUAL(flags_of(1100, 0x424, "800040784064AA40"), BMS_NO_CHARGE);
	CU_ASSERT_EQUAL(flags_of(1300, 0x424, "2000407840645540"), BMS_FAULT);
	CU_ASSERT_EQUAL(flags_of(1400, 0x424, "0000407840645540"), 0);
}

/* ---- Leaf: asked slowly, and an answer may be lost ------------------------------------------ */

enum { LEAF_BURST_MS = 2000, LEAF_ANSWER_MS = 400, ASKED_FOR_MS = 1800000 };

/* The longest that request `victim` is without an answer while every other one of its own is lost,
 * over half an hour. Asserts that no request follows the answer before too soon. */
static int64_t longest_without(struct can_poll *poll, int victim)
{
	int64_t asked_ms = -LEAF_BURST_MS, answered_ms = 0, longest_ms = 0;
	unsigned n = 0;

	for (int64_t now_ms = 0; now_ms < ASKED_FOR_MS; now_ms += 10) {
		bool lost = poll->outstanding == victim && n % 2 == 0;

		can_poll_expire(poll, now_ms);
		if (poll->outstanding >= 0 && !lost && now_ms - asked_ms >= LEAF_ANSWER_MS) {
			if (poll->outstanding == victim)
				answered_ms = now_ms;
			can_poll_answered(poll, now_ms);
		}
		int next = can_poll_due(poll, now_ms, true);

		if (now_ms - answered_ms > longest_ms)
			longest_ms = now_ms - answered_ms;
		if (next < 0)
			continue;
		CU_ASSERT(now_ms - asked_ms >= LEAF_BURST_MS);
		can_poll_sent(poll, now_ms, next);
		asked_ms = now_ms;
		n += next == victim;
	}
	return longest_ms;
}

static void a_leaf_is_asked_every_2_s_at_most_and_may_lose_an_answer(void)
{
	static const char *const packs[] = {"nissan-leaf-ze0", "nissan-leaf-aze0",
					    "nissan-leaf-ze1"};

	for (unsigned p = 0; p < 3; p++) {
		bench_start(packs[p]);
		const struct pack_site *site = &bench.config.site.pack[0];

		for (int victim = 0; victim < 2; victim++) {
			struct can_poll poll;

			can_poll_init(&poll);
			for (unsigned i = 0; i < bench.wire->n_requests; i++)
				can_poll_add(&poll, bench.wire->request[i].message.period_ms,
					     bench.wire->channel[0].gap_ms,
					     bench.wire->channel[0].timeout_ms, false);
			CU_ASSERT(longest_without(&poll, victim) < site->cells_stale_ms);
		}
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(jk_alarms_forbid_a_direction_or_are_faults),
		TEST(jk_may_be_silent_about_alarms),
		TEST(daly_alarms_forbid_a_direction_or_are_faults),
		TEST(pylontech_frames_as_published_yield_every_group),
		TEST(victron_frames_as_published_yield_every_group),
		TEST(zoe_41_is_as_high_as_its_cells_and_as_old_as_the_oldest),
		TEST(zoe_ends_its_charge),
		TEST(a_leaf_is_asked_every_2_s_at_most_and_may_lose_an_answer),
		CU_TEST_INFO_NULL,
	};

	return bench_run("profiles without a recording", tests);
}
