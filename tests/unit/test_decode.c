/* The decoder on hand-made frames: the traps that battery messages lay (numbered as they are listed
 * in docs/writing-a-pack-profile.md), and what a bus may do to it. */
#include <CUnit/Basic.h>
#include <math.h>

#include "wire_bench.h"

/* ---- Leaf frames, made and checked by hand ----------------------------------------------- */

static const struct wire_sum nissan = {WIRE_SUM_CRC8, 0x85, 0, 0, 0, 6, 7};

static void put(uint8_t *data, unsigned start, unsigned length, bool motorola, uint64_t raw)
{
	struct wire_bits bits;

	CU_ASSERT_TRUE_FATAL(wire_bits_compile(&bits, start, length, motorola, false));
	wire_insert(&bits, data, raw);
}

static enum wire_verdict leaf_1db(int64_t ms, unsigned volts_raw, int amperes_raw, unsigned count)
{
	uint8_t data[8] = {0};

	put(data, 7, 11, true, (uint64_t)amperes_raw & 0x7ff);
	put(data, 23, 10, true, volts_raw);
	put(data, 27, 1, false, 1);
	put(data, 48, 2, false, count & 3);
	wire_sum_put(&nissan, 0x1DB, data);
	return wire_decode_frame(bench.wire, &bench.state, ms, 0x1DB, false, data, 8, &bench.sample,
				 &bench.contacts);
}

static void leaf_5c0(int64_t ms, unsigned page, int celsius)
{
	uint8_t data[8] = {(uint8_t)(page << 6), 0, (uint8_t)((celsius + 40) << 1)};

	wire_decode_frame(bench.wire, &bench.state, ms, 0x5C0, false, data, 8, &bench.sample,
			  &bench.contacts);
}

static void see(int64_t ms, uint32_t id)
{
	bench_frame(ms, id, "0000000000000000");
}

/* ---- the ten traps ----------------------------------------------------------------------- */

static void trap_1_order_and_sign_are_those_of_each_table(void)
{
	bench_start("nissan-leaf-aze0");
	CU_ASSERT_EQUAL(leaf_1db(1000, 740, -21, 0), WIRE_TAKEN);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 370.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.current_a, -10.5, 1e-9);
	bench_start("bmw-i3-94");
	bench_frame(1000, 0x112, "FA1FC70E3A72855F");
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 378.3, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.soc, 0.570, 1e-9);
}

/* Cells 0 to 31 of a Kona: 3.6 V, the last one of that code. */
static void kona_cells(uint8_t last)
{
	uint8_t data[39] = {0x62, 0x01, 0x02};

	bench_start("kona-64");
	memset(data + 7, 180, 32);
	data[38] = last;
	for (unsigned r = 0; r < bench.wire->n_requests; r++)
		if (wire_answers(bench.wire, r, 0, data, sizeof data))
			wire_decode_answer(bench.wire, &bench.state, 1000, r, 0, data, sizeof data,
					   &bench.sample, &bench.contacts);
}

static void trap_2_codes_of_a_booting_pack_are_unknown(void)
{
	bench_start("bmw-i3-94");
	bench_frame(1000, 0x112, "FFFFFFFFFF7FF5FF");
	CU_ASSERT_TRUE(isnan(bench.sample.pack_v));
	CU_ASSERT_TRUE(isnan(bench.sample.current_a));
	CU_ASSERT_TRUE(isnan(bench.sample.soc));
	CU_ASSERT_TRUE(isnan(bench.sample.link_v));
	CU_ASSERT_EQUAL(bench.sample.electrical_ms, 1000); /* it talks, and says: unknown */
	bench_frame(1010, 0x1FA, "404905F0FF42FFFF");
	CU_ASSERT_TRUE(isnan(bench.sample.temp_min_c));
	CU_ASSERT_TRUE(isnan(bench.sample.temp_max_c));
	bench_start("nissan-leaf-aze0");
	leaf_1db(1000, 0x3FF, 0, 0);
	CU_ASSERT_TRUE(isnan(bench.sample.pack_v));
	bench_start("renault-zoe-50"); /* its first 50 voltages are plainly wrong */
	for (unsigned i = 0; i < 50; i++)
		bench_frame(1000 + 20 * i, 0x0F8, "FFFE0000");
	CU_ASSERT_TRUE(isnan(bench.sample.pack_v));
	bench_frame(2000, 0x0F8, "FFFE73A0");
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 370., 1e-9);
	bench_frame(9000, 0x0F8, "FFFE0000"); /* it slept, and wakes again */
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 370., 1e-9);
	CU_ASSERT_EQUAL(bench.state.scalar_ms[WIRE_TO_PACK_V], 2000);
	kona_cells(2); /* a pack of 90 cells says 20 to 60 mV of those it has not */
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.cell_v[30], 3.6, 1e-9);
	CU_ASSERT_TRUE(isnan(bench.sample.cell_v[31]));
}

static void seplos_alarms(uint8_t first)
{
	uint8_t data[10];

	bench_start("seplos-v3");
	memset(data, 0xFF, sizeof data);
	data[0] = first;
	for (unsigned b = 0; b < bench.wire->n_blocks; b++)
		if (bench.wire->block[b].address == 0x1400)
			wire_decode_block(bench.wire, &bench.state, 1000, b, data, sizeof data,
					  &bench.sample, &bench.contacts);
	CU_ASSERT_EQUAL(bench.state.complaint[WIRE_SHORT], 0);
	CU_ASSERT(bench.state.touched & WIRE_BMS);
}

static void trap_3_healthy_is_not_always_zero(void)
{
	bench_start("bmw-i3-94");
	bench_frame(1000, 0x112, "FA1FC70E3A72855F");
	CU_ASSERT_EQUAL(bench.sample.bms_flags, 0); /* open request reads 1 */
	bench_frame(1010, 0x112, "FA1FC70E3A32855F");
	CU_ASSERT_EQUAL(bench.sample.bms_flags, BMS_WANTS_OPEN); /* reads 0 */
	bench_frame(1020, 0x112, "FA1FC70E3AB2855F");
	CU_ASSERT_EQUAL(bench.sample.bms_flags, BMS_WANTS_OPEN); /* reads 2 */
	bench_frame(1030, 0x112, "FA1FC70E3A72855F");
	CU_ASSERT_EQUAL(bench.sample.bms_flags, 0);
	bench_start("renault-zoe-50"); /* a closed interlock is FFFE */
	for (unsigned i = 0; i < 51; i++)
		bench_frame(1000 + 20 * i, 0x0F8, "FFFE73A0");
	CU_ASSERT_EQUAL(bench.sample.bms_flags, 0);
	bench_frame(2100, 0x0F8, "000073A0");
	CU_ASSERT_EQUAL(bench.sample.bms_flags, BMS_FAULT);
	seplos_alarms(0xFF); /* its alarms are coils that are 0 */
	CU_ASSERT_EQUAL(bench.sample.bms_flags, 0);
	seplos_alarms(0xFE);
	CU_ASSERT_EQUAL(bench.sample.bms_flags, BMS_NO_CHARGE);
}

static void an_invalid_code_does_not_lower_a_flag(void)
{
	bench_start("bmw-i3-60");
	bench_frame(1000, 0x1FA, "404925F0FF423C3C"); /* weld detection: 2, at least one welded */
	CU_ASSERT_EQUAL(bench.sample.bms_flags, BMS_WELDED);
	bench_frame(2000, 0x1FA, "404935F0FF423C3C"); /* 3: no answer */
	CU_ASSERT_EQUAL(bench.sample.bms_flags, BMS_WELDED);
	for (unsigned i = 0; i < bench.wire->n_signals; i++)
		if (bench.wire->signal[i].bms_flag == BMS_WELDED)
			CU_ASSERT_EQUAL(bench.state.flag_ms[bench.wire->signal[i].flag_slot], 1000);
	bench_frame(3000, 0x1FA, "404905F0FF423C3C"); /* 0: not welded */
	CU_ASSERT_EQUAL(bench.sample.bms_flags, 0);
}

static double info_of(const char *name)
{
	double value = NAN;

	for (unsigned i = 0; i < bench.wire->n_info; i++)
		if (strcmp(bench.wire->info[i], name) == 0 && isnan(value))
			value = bench.state.info[i]; /* generations have one each */
	return value;
}

static void trap_4_a_page_says_what_the_bits_mean(void)
{
	bench_start("nissan-leaf-aze0");
	see(1000, 0x59E);
	leaf_5c0(1100, 1, 25);
	CU_ASSERT_EQUAL(bench.sample.temps_ms, 0); /* the lowest is not known yet */
	leaf_5c0(1200, 2, 23);
	leaf_5c0(1300, 3, 21);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.temp_max_c, 25., 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.temp_min_c, 21., 1e-9);
	CU_ASSERT_EQUAL(bench.sample.temps_ms, 1100); /* as old as its older half */
	/* One bit more, and the gids of now are the largest number of gids. */
	bench_frame(1400, 0x5BC, "3E80640000002000");
	CU_ASSERT_DOUBLE_EQUAL(info_of("gids"), 250., 1e-9);
	bench_frame(1500, 0x5BC, "46405F0000102000");
	CU_ASSERT_DOUBLE_EQUAL(info_of("gids_max"), 281., 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(info_of("gids"), 250., 1e-9);
	bench_start("tesla-model-3"); /* page 0 of 0x332 is temperatures */
	bench_frame(1000, 0x332, "0000787878000000");
	CU_ASSERT_TRUE(isnan(bench.sample.cell_max_v) && isnan(bench.sample.cell_min_v));
	bench_frame(1100, 0x332, "411E3A0700000000");
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.cell_max_v, 3.872, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.cell_min_v, 3.7, 1e-9);
}

static void trap_5_an_id_alone_says_nothing_about_its_bus(void)
{
	/* That a decoder is bound to one bus is the driver's; here: the width of an id is part of
	 * it. */
	const uint8_t data[8] = {0};

	bench_start("kona-64");
	CU_ASSERT_EQUAL(wire_decode_frame(bench.wire, &bench.state, 1000, 0x595, true, data, 8,
					  &bench.sample, &bench.contacts),
			WIRE_FOREIGN);
	CU_ASSERT_EQUAL(bench.sample.electrical_ms, 0);
}

static void trap_6_each_bmw_id_has_its_own_start_value(void)
{
	struct wire_sending sending = {{0}, false};
	const struct wire_command command = {.keep_alive = true};
	uint8_t first[8], second[8];
	int a = -1, b = -1;

	bench_start("bmw-i3-94");
	for (unsigned i = 0; i < bench.wire->n_sends; i++) {
		a = bench.wire->send[i].id == 0x12F ? (int)i : a;
		b = bench.wire->send[i].id == 0x19B ? (int)i : b;
	}
	CU_ASSERT_TRUE_FATAL(a >= 0 && b >= 0);
	CU_ASSERT_TRUE(wire_build_frame(bench.wire, (unsigned)a, &sending, &command, first));
	CU_ASSERT_TRUE(wire_build_frame(bench.wire, (unsigned)b, &sending, &command, second));
	CU_ASSERT_NOT_EQUAL(bench.wire->send[a].sum.init, bench.wire->send[b].sum.init);
	/* Recorded in a car: 19B#20404055FDFFFFFF */
	CU_ASSERT_EQUAL(memcmp(second, "\x20\x40\x40\x55\xFD\xFF\xFF\xFF", 8), 0);
}

static void trap_7_an_answer_is_taken_whole_or_not_at_all(void)
{
	uint8_t data[198] = {0x61, 0x02};

	bench_start("nissan-leaf-aze0");
	for (unsigned i = 0; i < 96; i++) {
		data[2 + 2 * i] = 0x0E;
		data[3 + 2 * i] = (uint8_t)i;
	}
	CU_ASSERT_EQUAL(wire_decode_answer(bench.wire, &bench.state, 1000, 0, 0, data, 197,
					   &bench.sample, &bench.contacts),
			WIRE_BAD);
	CU_ASSERT_EQUAL(bench.sample.cells_ms, 0);
	CU_ASSERT_EQUAL(wire_decode_answer(bench.wire, &bench.state, 1000, 0, 0, data, 198,
					   &bench.sample, &bench.contacts),
			WIRE_TAKEN);
	CU_ASSERT_EQUAL(bench.sample.cells_ms, 1000);
	CU_ASSERT_EQUAL(bench.sample.n_cells, 96);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.cell_v[0], 3.584, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.cell_v[95], 3.679, 1e-9);
	data[1] = 0x04; /* the answer to another request */
	CU_ASSERT_EQUAL(wire_decode_answer(bench.wire, &bench.state, 2000, 0, 0, data, 198,
					   &bench.sample, &bench.contacts),
			WIRE_BAD);
	CU_ASSERT_EQUAL(bench.sample.cells_ms, 1000);
}

static void trap_8_another_generation_keeps_no_temperature(void)
{
	bench_start("nissan-leaf-aze0");
	see(1000, 0x59E);
	leaf_5c0(1100, 1, 25);
	leaf_5c0(1200, 3, 21);
	leaf_1db(1210, 740, 0, 0);
	CU_ASSERT_EQUAL(bench.sample.temps_ms, 1100);
	see(1300, 0x380); /* it is a ZE1: this profile is not for it */
	CU_ASSERT_TRUE(isnan(bench.sample.temp_max_c));
	CU_ASSERT_EQUAL(bench.sample.temps_ms, 0);
	CU_ASSERT_EQUAL(leaf_1db(1310, 740, 0, 1), WIRE_BAD);
	CU_ASSERT_TRUE(isnan(bench.sample.pack_v));
	CU_ASSERT(bench.state.complaint[WIRE_GENERATION_WRONG] > 0);
	bench_start("nissan-leaf-ze1");
	see(1000, 0x59E);
	see(1010, 0x380);
	leaf_5c0(1100, 1, 25);
	CU_ASSERT_EQUAL(bench.sample.temps_ms, 0); /* 0x5C0 means something else now */
	CU_ASSERT_EQUAL(leaf_1db(1310, 740, 0, 1), WIRE_TAKEN);
}

static void trap_8_a_generation_without_proof_needs_its_time(void)
{
	bench_start("nissan-leaf-ze0");
	leaf_1db(1000, 740, 0, 0);
	CU_ASSERT_EQUAL(bench.state.generation, 0);
	leaf_1db(3001, 740, 0, 1);
	CU_ASSERT_EQUAL(bench.state.generation, 1);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 370., 1e-9);
	see(3100, 0x59E); /* so it is not a ZE0 after all */
	CU_ASSERT_TRUE(isnan(bench.sample.pack_v));
}

static void trap_9_every_current_is_positive_when_discharging(void)
{
	bench_start("bmw-i3-94");                     /* raw + is charge */
	bench_frame(1000, 0x112, "4F20C70E3A72855F"); /* 7.9 A raw */
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.current_a, -7.9, 1e-9);
	bench_start("kona-64"); /* raw + is discharge */
	bench_frame(1000, 0x595, "1A00B4B51B00DE0D");
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.current_a, 2.7, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 355.0, 1e-9);
	bench_start("tesla-model-3"); /* a negative scale */
	bench_frame(1000, 0x132, "7096AEFF5C26FF0F");
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.pack_v, 385.12, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.current_a, 8.2, 1e-9);
	bench_start("jk-can-16s"); /* raw + is charge, from -400 A */
	bench_frame(1000, 0x2F4, "10020410320000");
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.current_a, -10., 1e-9);
	/* Somebody's Leaf counts the other way round. */
	bench_start("nissan-leaf-aze0");
	wire_start(bench.wire, &bench.state, true, &bench.sample, &bench.contacts);
	leaf_1db(1000, 740, -21, 0);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.current_a, 10.5, 1e-9);
}

static void trap_10_what_was_never_heard_is_unknown(void)
{
	bench_start("bmw-i3-94");
	const struct pack_sample *sample = &bench.sample;

	CU_ASSERT_TRUE(isnan(sample->pack_v) && isnan(sample->current_a) && isnan(sample->soc));
	CU_ASSERT_TRUE(isnan(sample->soh) && isnan(sample->dis_limit_a) && isnan(sample->aux_v));
	CU_ASSERT_TRUE(isnan(sample->cell_min_v) && isnan(sample->temp_max_c));
	CU_ASSERT_TRUE(isnan(sample->insulation_ohm) && isnan(sample->link_v));
	CU_ASSERT_EQUAL(sample->electrical_ms + sample->cells_ms + sample->temps_ms, 0);
	CU_ASSERT_EQUAL(sample->bms_ms + sample->link_ms, 0);
	CU_ASSERT_EQUAL(bench.contacts.feedback[POLE_POSITIVE], CONTACT_UNKNOWN);
	/* And what stopped keeps its old stamp. */
	bench_frame(1000, 0x112, "FA1FC70E3A72855F");
	bench_frame(9000, 0x2F5, "710F6029220A0610");
	CU_ASSERT_EQUAL(bench.sample.electrical_ms, 1000);
}

/* ---- what a bus may do ------------------------------------------------------------------- */

static void short_and_broken_frames_are_counted_and_change_nothing(void)
{
	bench_start("nissan-leaf-aze0");
	leaf_1db(1000, 740, -21, 0);
	CU_ASSERT_EQUAL(bench_frame(1010, 0x1DB, "FD60B92A000000"), WIRE_BAD);
	CU_ASSERT_EQUAL(bench_frame(1020, 0x1DB, "0000000000000055"), WIRE_BAD);
	CU_ASSERT_EQUAL(bench.state.complaint[WIRE_SHORT], 1);
	CU_ASSERT_EQUAL(bench.state.complaint[WIRE_SUM_WRONG], 1);
	CU_ASSERT_EQUAL(bench.state.complaint_id[WIRE_SUM_WRONG], 0x1DB);
	CU_ASSERT_EQUAL(bench.sample.bad_frames, 2);
	CU_ASSERT_EQUAL(bench.sample.electrical_ms, 1000);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.current_a, -10.5, 1e-9);
}

static void unknown_ids_are_foreign_and_harmless(void)
{
	bench_start("bmw-i3-94");
	for (uint32_t id = 0; id <= 0x7ff; id++)
		if (!wire_find(bench.wire, id, false))
			CU_ASSERT_EQUAL(bench_frame(1000, id, "FFFFFFFFFFFFFFFF"), WIRE_FOREIGN);
	CU_ASSERT_EQUAL(bench.sample.bad_frames, 0);
	CU_ASSERT_EQUAL(bench.sample.electrical_ms, 0);
}

static void a_counter_that_stands_still_is_seen_by_the_core(void)
{
	bench_start("nissan-leaf-aze0");
	CU_ASSERT_TRUE(bench.sample.counts);
	leaf_1db(1000, 740, 0, 0);
	leaf_1db(1010, 740, 0, 1);
	uint32_t before = bench.sample.electrical_count;
	leaf_1db(1020, 740, 0, 1);
	CU_ASSERT_EQUAL(bench.sample.electrical_count, before);
	CU_ASSERT_EQUAL(bench.sample.electrical_ms, 1020);
	CU_ASSERT_EQUAL(bench.state.complaint[WIRE_COUNTER_STUCK], 1);
	leaf_1db(1030, 740, 0, 2);
	CU_ASSERT_EQUAL(bench.sample.electrical_count, before + 1);
	leaf_1db(1040, 740, 0, 1);
	CU_ASSERT_EQUAL(bench.state.complaint[WIRE_COUNTER_JUMPED], 1);
	leaf_1db(9000, 740, 0, 0); /* after silence a counter may start anywhere */
	CU_ASSERT_EQUAL(bench.state.complaint[WIRE_COUNTER_JUMPED], 1);
}

static void leaf_numbered(int64_t ms, uint32_t id, unsigned first, unsigned second, unsigned count)
{
	uint8_t data[8] = {(uint8_t)first, (uint8_t)second};

	put(data, 48, 2, false, count & 3);
	wire_sum_put(&nissan, id, data);
	wire_decode_frame(bench.wire, &bench.state, ms, id, false, data, 8, &bench.sample,
			  &bench.contacts);
}

/* A gateway repeats the last limits, or the last state of charge, of a BMS that is gone. */
static void what_is_repeated_is_as_old_as_its_first(void)
{
	bench_start("nissan-leaf-aze0");
	see(900, 0x59E);
	leaf_numbered(1000, 0x1DC, 0x40, 0, 0);
	leaf_numbered(1000, 0x55B, 0x80, 0, 0);
	leaf_numbered(1010, 0x1DC, 0x40, 0, 1);
	int64_t limits_ms = bench.state.scalar_ms[WIRE_TO_DIS_LIMIT_W];
	CU_ASSERT_EQUAL(limits_ms, 1010);
	for (int64_t ms = 1020; ms < 5000; ms += 10)
		leaf_numbered(ms, 0x1DC, 0x20, 0, 1);
	for (int64_t ms = 1100; ms < 5000; ms += 100)
		leaf_numbered(ms, 0x55B, 0x70, 0, 0);
	CU_ASSERT_EQUAL(bench.state.scalar_ms[WIRE_TO_DIS_LIMIT_W], limits_ms);
	CU_ASSERT_EQUAL(bench.state.scalar_ms[WIRE_TO_SOC], 1000);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.soc, 0.512, 1e-9);
	CU_ASSERT(bench.sample.bms_ms <= 1000);
	leaf_numbered(9000, 0x55B, 0x70, 0, 0); /* nor is it news after a pause */
	CU_ASSERT_EQUAL(bench.state.scalar_ms[WIRE_TO_SOC], 1000);
	leaf_numbered(9100, 0x55B, 0x70, 0, 1);
	CU_ASSERT_EQUAL(bench.state.scalar_ms[WIRE_TO_SOC], 9100);
}

static void a_flag_raised_in_a_standing_message_counts(void)
{
	bench_start("nissan-leaf-aze0");
	see(900, 0x59E);
	leaf_1db(1000, 740, 0, 0);
	uint8_t data[8] = {0, 8};

	put(data, 23, 10, true, 740);
	put(data, 27, 1, false, 1);
	wire_sum_put(&nissan, 0x1DB, data);
	wire_decode_frame(bench.wire, &bench.state, 1010, 0x1DB, false, data, 8, &bench.sample,
			  &bench.contacts);
	CU_ASSERT_EQUAL(bench.sample.bms_flags, BMS_WANTS_OPEN);
	leaf_1db(1020, 740, 0, 0); /* and stays until the counter goes on */
	CU_ASSERT_EQUAL(bench.sample.bms_flags, BMS_WANTS_OPEN);
	leaf_1db(1030, 740, 0, 1);
	CU_ASSERT_EQUAL(bench.sample.bms_flags, 0);
}

static void zoe_424(int64_t ms, const char *heart)
{
	char hex[17];

	snprintf(hex, sizeof hex, "55553C783C5A%s3D", heart);
	bench_frame(ms, 0x424, hex);
}

static void a_heart_of_codes_must_beat(void)
{
	bench_start("renault-zoe-41");
	zoe_424(1000, "56");
	CU_ASSERT_EQUAL(bench.state.complaint[WIRE_COUNTER_INVALID], 1);
	CU_ASSERT_EQUAL(bench.sample.temps_ms, 0);
	for (int64_t ms = 1000; ms < 6000; ms += 100)
		zoe_424(ms, ms / 500 % 2 ? "AA" : "55");
	CU_ASSERT_EQUAL(bench.sample.temps_ms, 5900);
	CU_ASSERT_EQUAL(bench.sample.bad_frames, 1);
	for (int64_t ms = 6000; ms < 9000; ms += 100)
		zoe_424(ms, "55"); /* ten of them are still news */
	CU_ASSERT_EQUAL(bench.sample.temps_ms, 6900);
	CU_ASSERT_EQUAL(bench.state.scalar_ms[WIRE_TO_SOH], 6900);
	CU_ASSERT_EQUAL(bench.state.complaint[WIRE_COUNTER_STUCK], 20);
}

static void two_packs_on_one_bus_are_no_pack(void)
{
	bench_start("bmw-i3-94");
	for (int64_t ms = 1000; ms < 9000; ms += 10) {
		bench_frame(ms, 0x112, "FA1FC70E3A72855F");
		bench_frame(ms + 5, 0x112, "FA1F710E3A72855F");
	}
	CU_ASSERT(bench.state.complaint[WIRE_CROWDED] > 0);
	CU_ASSERT_EQUAL(bench.state.complaint_id[WIRE_CROWDED], 0x112);
	CU_ASSERT(bench.sample.electrical_ms < 4000); /* stale since then: unknown */
	for (int64_t ms = 9000; ms < 13000; ms += 10)
		bench_frame(ms, 0x112, "FA1FC70E3A72855F");
	CU_ASSERT_EQUAL(bench.sample.electrical_ms, 12990); /* one of them was taken away */
}

static void a_drained_queue_is_not_two_packs(void)
{
	bench_start("bmw-i3-94");
	for (int64_t ms = 1000; ms < 9000; ms += 10)
		bench_frame(ms < 4000 || ms > 5000 ? ms : 5000, 0x112, "FA1FC70E3A72855F");
	CU_ASSERT_EQUAL(bench.state.complaint[WIRE_CROWDED], 0);
}

/* ---- limits and what is urgent ----------------------------------------------------------- */

static void limits_in_watts_need_a_voltage_of_the_same_time(void)
{
	bench_start("kona-64");
	bench_frame(1000, 0x594, "6842CC3E80474320");
	CU_ASSERT_TRUE(isnan(bench.sample.dis_limit_a));
	bench_frame(1010, 0x595, "1A00B4B51B00DE0D");
	bench_frame(1100, 0x594, "6842CC3E80474320");
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.cha_limit_a, 85000. / 355., 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(bench.sample.dis_limit_a, 80380. / 355., 1e-6);
	bench_frame(9000, 0x594, "6842CC3E80474320");
	CU_ASSERT_TRUE(isnan(bench.sample.dis_limit_a));
}

static void what_goes_beyond_a_bound_is_urgent_once(void)
{
	bench_start("bmw-i3-94");
	const struct pack_limits limit = bench.config.site.pack[0].limit;

	bench_frame(1000, 0x112, "0020C70E3A72855F"); /* 378.3 V */
	CU_ASSERT_FALSE(wire_urgent(&bench.state, &bench.sample, &limit));
	bench_frame(1010, 0x112, "00207B0F3A72855F"); /* 396.3 V */
	CU_ASSERT_TRUE(wire_urgent(&bench.state, &bench.sample, &limit));
	bench_frame(1020, 0x112, "00207B0F3A72855F");
	CU_ASSERT_FALSE(wire_urgent(&bench.state, &bench.sample, &limit));
	bench_frame(1030, 0x112, "0020FFFF3A72855F"); /* unknown: for the next tick */
	CU_ASSERT_FALSE(wire_urgent(&bench.state, &bench.sample, &limit));
	bench_frame(1040, 0x112, "0020C70E3A32855F"); /* it wants to open */
	CU_ASSERT_TRUE(wire_urgent(&bench.state, &bench.sample, &limit));
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(trap_1_order_and_sign_are_those_of_each_table),
		TEST(trap_2_codes_of_a_booting_pack_are_unknown),
		TEST(trap_3_healthy_is_not_always_zero),
		TEST(an_invalid_code_does_not_lower_a_flag),
		TEST(trap_4_a_page_says_what_the_bits_mean),
		TEST(trap_5_an_id_alone_says_nothing_about_its_bus),
		TEST(trap_6_each_bmw_id_has_its_own_start_value),
		TEST(trap_7_an_answer_is_taken_whole_or_not_at_all),
		TEST(trap_8_another_generation_keeps_no_temperature),
		TEST(trap_8_a_generation_without_proof_needs_its_time),
		TEST(trap_9_every_current_is_positive_when_discharging),
		TEST(trap_10_what_was_never_heard_is_unknown),
		TEST(short_and_broken_frames_are_counted_and_change_nothing),
		TEST(unknown_ids_are_foreign_and_harmless),
		TEST(a_counter_that_stands_still_is_seen_by_the_core),
		TEST(what_is_repeated_is_as_old_as_its_first),
		TEST(a_flag_raised_in_a_standing_message_counts),
		TEST(a_heart_of_codes_must_beat),
		TEST(two_packs_on_one_bus_are_no_pack),
		TEST(a_drained_queue_is_not_two_packs),
		TEST(limits_in_watts_need_a_voltage_of_the_same_time),
		TEST(what_goes_beyond_a_bound_is_urgent_once),
		CU_TEST_INFO_NULL,
	};

	return bench_run("decoder", tests);
}
