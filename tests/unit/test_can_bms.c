#include <CUnit/Basic.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/pcs/can_bms.h"

/* ---- help ---------------------------------------------------------------------------------- */

static struct can_bms_setup setup_of(enum can_bms_dialect dialect)
{
	return (struct can_bms_setup){
		.dialect = dialect,
		.quirk = {.fine_voltage = true},
		.frames = can_bms_standard_frames(dialect),
		.manufacturer = "PYLON",
		.name = "bank-of-the-north",
		.modules = 10,
		.pack = {"leaf-a", "leaf-b", "leaf-c"},
		.cells = 96,
		.nominal_v = 350.0,
		.installed_ah = 210.0,
	};
}

static struct can_bms_battery battery_of(double charge_v, double charge_a, double discharge_a,
					 double discharge_v)
{
	return (struct can_bms_battery){
		.charge_v = charge_v,
		.charge_a = charge_a,
		.discharge_a = discharge_a,
		.discharge_v = discharge_v,
		.face = {.known = true,
			 .v = 52.0,
			 .a = 12.5,
			 .soc = 0.5,
			 .soh = 0.9,
			 .temp_min_c = 18.0,
			 .temp_max_c = 21.5,
			 .cell_min_v = 3.61,
			 .cell_max_v = 3.64,
			 .cell_min_pack = 3,
			 .cell_max_pack = 1,
			 .temp_min_pack = 2,
			 .temp_max_pack = 1,
			 .pack_min_v = 51.5,
			 .pack_max_v = 52.3,
			 .pack_min_pack = 2,
			 .pack_max_pack = 3,
			 .wh_cha = 1.5e6,
			 .wh_dis = 1.25e6,
			 .capacity_ah = 180.0,
			 .packs_online = 9,
			 .packs_offline = 1,
			 .charge_ok = true,
			 .discharge_ok = true},
	};
}

/* "351#1F01BC02E803E700" as candump -L prints it; "" when the frame is not among them. */
static const char *frame_text(const struct can_frame *frame, unsigned n, uint32_t id, char text[32])
{
	text[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		if ((frame[i].can_id & CAN_EFF_MASK) != id)
			continue;
		int at = sprintf(text, "%X#", (unsigned)id);
		for (unsigned b = 0; b < frame[i].can_dlc; b++)
			at += sprintf(text + at, "%02X", frame[i].data[b]);
	}
	return text;
}

#define EXPECT(id, wanted)                                                                         \
	do {                                                                                       \
		char text_[32];                                                                    \
		frame_text(frame, n, id, text_);                                                   \
		if (strcmp(text_, wanted) != 0)                                                    \
			printf("\n  got %s, wanted %s ", text_, wanted);                           \
		CU_ASSERT_STRING_EQUAL(text_, wanted);                                             \
	} while (0)

static unsigned encode(const struct can_bms_setup *setup, const struct can_bms_battery *battery,
		       struct can_frame *frame)
{
	return setup->dialect == CAN_BMS_PYLONTECH_HV
		       ? can_bms_hv_frames(setup, battery, CAN_BMS_ASKS_DATA, frame)
		       : can_bms_lv_frames(setup, battery, setup->frames, frame);
}

/* ---- the 11-bit family --------------------------------------------------------------------- */

/* Captures published by users of a REC-BMS on a Sunny Island, and of a Pylontech battery. */
static void captured_frames_of_a_rec_bms_are_reproduced(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_SMA);
	struct can_bms_battery battery = battery_of(28.7, 70.0, 100.0, 23.1);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned n;

	setup.quirk.fine_soc = true;
	setup.version = 0x0602;
	battery.face.soc = 0.5;
	battery.face.soh = 1.0;
	battery.face.v = 26.1;
	battery.face.a = 0.0;
	battery.face.temp_max_c = 29.5;
	battery.face.capacity_ah = 100.0;
	n = encode(&setup, &battery, frame);
	EXPECT(0x351, "351#1F01BC02E803E700");
	EXPECT(0x355, "355#320064008813");
	EXPECT(0x356, "356#320A00002701");
	EXPECT(0x35f, "35F#0000020664000000");
}

static void captured_frames_of_a_pylontech_battery_are_reproduced(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_PYLONTECH_LV);
	struct can_bms_battery battery = battery_of(53.2, 370.0, 370.0, 46.0);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned n;

	battery.face.soc = 0.26;
	battery.face.soh = 1.0;
	battery.face.v = 49.42;
	battery.face.a = -77.0; /* charging */
	battery.face.temp_max_c = 128.4;
	n = encode(&setup, &battery, frame);
	CU_ASSERT_EQUAL(n, 6);
	EXPECT(0x351, "351#1402740E740ECC01");
	EXPECT(0x355, "355#1A006400");
	EXPECT(0x356, "356#4E1302030405");
	EXPECT(0x359, "359#000000000A504E");
	EXPECT(0x35c, "35C#C000");
	EXPECT(0x35e, "35E#50594C4F4E202020");
	setup.modules = 2;
	battery = battery_of(58.4, 200.0, 200.0, 44.8);
	n = encode(&setup, &battery, frame);
	EXPECT(0x351, "351#4802D007D007C001");
	EXPECT(0x359, "359#0000000002504E");
}

static void most_significant_byte_first_where_the_inverter_wants_it(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_SMA);
	struct can_bms_battery battery = battery_of(28.7, 70.0, 100.0, 23.1);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned n;

	setup.quirk.big_endian = true;
	n = encode(&setup, &battery, frame);
	EXPECT(0x351, "351#011F02BC03E800E7");
}

static void limits_are_rounded_to_the_safe_side(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_PYLONTECH_LV);
	struct can_bms_battery battery = battery_of(400.19, 10.09, 20.06, 300.01);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned n = encode(&setup, &battery, frame);

	/* 400.1 V, 10.0 A, 20.0 A, 300.1 V */
	EXPECT(0x351, "351#A10F6400C800B90B");
}

static void numbers_beyond_the_wire_do_not_wrap(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_PYLONTECH_LV);
	struct can_bms_battery battery = battery_of(58.0, 1e6, -5.0, 45.0);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned n;

	battery.face.a = 5000.0;
	battery.face.v = 399.0;
	n = encode(&setup, &battery, frame);
	EXPECT(0x351, "351#4402FF7F0000C201");
	EXPECT(0x356, "356#FF7F0080D700");
	setup.quirk.fine_voltage = false;
	n = encode(&setup, &battery, frame);
	EXPECT(0x356, "356#960F0080D700");
}

static void a_frame_with_anything_unknown_is_left_out(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_VICTRON);
	struct can_bms_battery battery = battery_of(58.0, 50.0, 50.0, 45.0);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned all = encode(&setup, &battery, frame), n;

	CU_ASSERT_EQUAL(all, 19);
	battery.face.soc = NAN;
	n = encode(&setup, &battery, frame);
	CU_ASSERT_EQUAL(n, all - 1);
	EXPECT(0x355, "");
	battery.face.temp_max_c = NAN;
	n = encode(&setup, &battery, frame);
	CU_ASSERT_EQUAL(n, all - 3);
	EXPECT(0x356, "");
	EXPECT(0x373, "");
	battery.face.cell_min_pack = 0;
	battery.face.wh_dis = NAN;
	n = encode(&setup, &battery, frame);
	CU_ASSERT_EQUAL(n, all - 5);
	EXPECT(0x374, "");
	EXPECT(0x378, "");
	battery.charge_v = NAN;
	n = encode(&setup, &battery, frame);
	EXPECT(0x351, "");
}

static void extreme_packs_are_named_and_energies_told(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_VICTRON);
	struct can_bms_battery battery = battery_of(58.0, 50.0, 50.0, 45.0);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned n = encode(&setup, &battery, frame);

	EXPECT(0x374, "374#6C6561662D630000"); /* leaf-c has the lowest cell */
	EXPECT(0x375, "375#6C6561662D610000");
	EXPECT(0x376, "376#6C6561662D620000");
	EXPECT(0x377, "377#6C6561662D610000");
	EXPECT(0x378, "378#983A0000D4300000"); /* 15000 and 12500 times 100 Wh */
	setup.quirk.big_endian = true;
	n = encode(&setup, &battery, frame);
	EXPECT(0x378, "378#00003A98000030D4");
}

static void a_bank_that_is_not_known_tells_limits_and_alarms_only(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_PYLONTECH_LV);
	struct can_bms_battery battery = battery_of(58.0, 0.0, 0.0, 45.0);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned n;

	battery.face = (struct bank_face){0};
	battery.alarm = true;
	n = encode(&setup, &battery, frame);
	EXPECT(0x351, "351#440200000000C201");
	EXPECT(0x355, "");
	EXPECT(0x356, "");
	EXPECT(0x359, "359#000800000A504E");
	EXPECT(0x35c, "35C#0000");
}

static void alarms_stand_where_each_layout_has_them(void)
{
	static const struct {
		uint32_t bit;
		const char *plain, *variant;
	} cases[] = {
		{EVT1_OVER_VOLT_ALARM, "359#020000000A504E", "359#020000000A504E"},
		{EVT1_UNDER_VOLT_ALARM, "359#040000000A504E", "359#040000000A504E"},
		{EVT1_OVER_TEMP_ALARM, "359#080000000A504E", "359#0C0000000A504E"},
		{EVT1_UNDER_TEMP_ALARM, "359#100000000A504E", "359#100000000A504E"},
		{EVT1_OVER_DISCHARGE_CURRENT_ALARM, "359#800000000A504E", "359#800000000A504E"},
		{EVT1_OVER_CHARGE_CURRENT_ALARM, "359#000100000A504E", "359#000100000A504E"},
		{EVT1_CONTACTOR, "359#000800000A504E", "359#008000000A504E"},
		{EVT1_GROUND_FAULT, "359#000800000A504E", "359#008000000A504E"},
	};
	struct can_bms_setup setup = setup_of(CAN_BMS_PYLONTECH_LV);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned n;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct can_bms_battery battery = battery_of(58.0, 50.0, 50.0, 45.0);

		battery.face.alarms = 1u << cases[i].bit;
		setup.quirk.fault_bit_7 = false;
		n = encode(&setup, &battery, frame);
		EXPECT(0x359, cases[i].plain);
		setup.quirk.fault_bit_7 = true;
		n = encode(&setup, &battery, frame);
		EXPECT(0x359, cases[i].variant);
	}
}

static void alarms_and_warnings_of_35a_are_01_and_fine_is_10(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_SMA);
	struct can_bms_battery battery = battery_of(58.0, 50.0, 50.0, 45.0);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned n = encode(&setup, &battery, frame);

	/* Healthy: every supported field 10, as in the captures of BYD and REC. */
	EXPECT(0x35a, "35A#AA828A02AA828A0A");
	battery.face.alarms = 1u << EVT1_OVER_VOLT_ALARM;
	n = encode(&setup, &battery, frame);
	EXPECT(0x35a, "35A#A5828A02AA828A0A");
	setup.quirk.swapped_voltage = true;
	n = encode(&setup, &battery, frame);
	EXPECT(0x35a, "35A#99828A02AA828A0A");
	setup.quirk.swapped_voltage = false;
	setup.quirk.active_is_10 = true;
	n = encode(&setup, &battery, frame);
	EXPECT(0x35a, "35A#5A41450155414509");
	setup.quirk.active_is_10 = false;
	battery.face.alarms = 0;
	battery.face.warnings = 1u << EVT1_VOLTAGE_IMBALANCE;
	n = encode(&setup, &battery, frame);
	EXPECT(0x35a, "35A#AA828A02A9828A09");
}

/* ---- the 29-bit family --------------------------------------------------------------------- */

static void a_high_voltage_battery_answers_with_offsets(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_PYLONTECH_HV);
	struct can_bms_battery battery = battery_of(400.0, 50.0, 60.0, 320.0);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned n;

	battery.face.v = 380.5;
	battery.face.a = 10.0; /* discharging: -10 A on the wire */
	n = encode(&setup, &battery, frame);
	CU_ASSERT_EQUAL(n, 8);
	CU_ASSERT_TRUE((frame[0].can_id & CAN_EFF_FLAG) != 0);
	EXPECT(0x4210, "4210#DD0ECC74BF04325A"); /* 3805, 29900, 1215, 50, 90 */
	EXPECT(0x4220, "4220#A00F800C24778877"); /* 4000, 3200, 30500, 30600 */
	EXPECT(0x4230, "4230#380E1A0E00000000");
	EXPECT(0x4240, "4240#BF049C0400000000");
	EXPECT(0x4250, "4250#0200000000000000");
	EXPECT(0x4260, "4260#4CCC2CC902000100"); /* modules 2 and 1, counted from 0 */
	EXPECT(0x4280, "4280#0000000000000000");
	battery.face.pack_max_v = 380.0; /* more than 16 bits of mV */
	n = encode(&setup, &battery, frame);
	EXPECT(0x4260, "");
	setup.quirk = (struct can_bms_quirks){
		.big_endian = true, .no_offset = true, .negative_discharge = true};
	setup.address = 1;
	n = encode(&setup, &battery, frame);
	EXPECT(0x4211, "4211#0EDDFF9C04BF325A");
	EXPECT(0x4221, "4221#0FA00C8001F4FDA8");
}

static void a_high_voltage_battery_forbids_and_reports_errors(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_PYLONTECH_HV);
	struct can_bms_battery battery = battery_of(400.0, 0.0, 60.0, 320.0);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned n;

	battery.face.charge_ok = false;
	battery.face.alarms = 1u << EVT1_OVER_VOLT_ALARM | 1u << EVT1_CONTACTOR;
	battery.face.warnings = 1u << EVT1_OVER_TEMP_WARNING;
	n = encode(&setup, &battery, frame);
	EXPECT(0x4250, "4250#02000020A0000200");
	EXPECT(0x4280, "4280#AA00000000000000");
	battery.face = (struct bank_face){0};
	battery.alarm = true;
	n = encode(&setup, &battery, frame);
	EXPECT(0x4210, "");
	EXPECT(0x4250, "4250#0000008000000000");
	EXPECT(0x4280, "4280#AAAA000000000000");
}

static void a_high_voltage_battery_says_what_it_is(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_PYLONTECH_HV);
	struct can_bms_battery battery = battery_of(400.0, 0.0, 60.0, 320.0);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	unsigned n = can_bms_hv_frames(&setup, &battery, CAN_BMS_ASKS_INFO, frame);

	CU_ASSERT_EQUAL(n, 4);
	EXPECT(0x7320, "7320#60000A605E01D200");
	EXPECT(0x7330, "7330#50594C4F4E000000");
}

/* ---- what is heard ------------------------------------------------------------------------- */

static struct can_frame frame_of(uint32_t id, uint8_t length, const char *data)
{
	struct can_frame frame = {.can_id = id, .can_dlc = length};

	memcpy(frame.data, data, length);
	return frame;
}

static void a_sunny_island_is_measured_and_its_message_read(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_SMA);
	struct can_bms_heard heard;
	struct can_frame frame;

	can_bms_hear_init(&heard);
	CU_ASSERT_TRUE(isnan(heard.v) && isnan(heard.a));
	frame = frame_of(0x305, 8, "\x08\x02\x85\xff\xd2\x00\xf4\x01");
	can_bms_hear(&heard, &setup, &frame, 1000);
	CU_ASSERT_DOUBLE_EQUAL(heard.v, 52.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(heard.a, -12.3, 1e-9);
	CU_ASSERT_EQUAL(heard.alive_ms, 1000);
	frame = frame_of(0x306, 8, "\x64\x00\x01\x02\x27\x01\x40\x02");
	can_bms_hear(&heard, &setup, &frame, 1200);
	CU_ASSERT_EQUAL(heard.error, 0x127);
	CU_ASSERT_EQUAL(heard.alive_ms, 1200);
	frame = frame_of(0x305, 4, "\x08\x02\x85\xff");
	can_bms_hear(&heard, &setup, &frame, 1300);
	CU_ASSERT_EQUAL(heard.odd, 1);
	CU_ASSERT_EQUAL(heard.measured_ms, 1000);
}

static void zeros_of_a_keep_alive_are_no_measurement(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_VICTRON);
	struct can_bms_heard heard;
	struct can_frame frame = frame_of(0x305, 8, "\0\0\0\0\0\0\0\0");

	can_bms_hear_init(&heard);
	can_bms_hear(&heard, &setup, &frame, 1000);
	CU_ASSERT_EQUAL(heard.alive_ms, 1000);
	CU_ASSERT_TRUE(isnan(heard.v) && isnan(heard.a));
	frame.can_id = 0x305 | CAN_RTR_FLAG;
	can_bms_hear(&heard, &setup, &frame, 2000);
	CU_ASSERT_EQUAL(heard.alive_ms, 1000);
}

static void a_second_battery_on_the_bus_is_noticed(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_VICTRON);
	struct can_bms_heard heard;
	struct can_frame frame = frame_of(0x351, 8, "\0\0\0\0\0\0\0\0");

	can_bms_hear_init(&heard);
	can_bms_hear(&heard, &setup, &frame, 1000);
	CU_ASSERT_EQUAL(heard.foreign_ms, 1000);
	CU_ASSERT_EQUAL(heard.alive_ms, 0);
}

static void requests_are_collected_until_they_are_answered(void)
{
	struct can_bms_setup setup = setup_of(CAN_BMS_PYLONTECH_HV);
	struct can_bms_heard heard;
	struct can_frame frame;

	can_bms_hear_init(&heard);
	frame = frame_of(0x4200 | CAN_EFF_FLAG, 8, "\2\0\0\0\0\0\0\0");
	can_bms_hear(&heard, &setup, &frame, 1000);
	frame = frame_of(0x4200 | CAN_EFF_FLAG, 8, "\0\0\0\0\0\0\0\0");
	can_bms_hear(&heard, &setup, &frame, 1001);
	CU_ASSERT_EQUAL(heard.requests, CAN_BMS_ASKS_DATA | CAN_BMS_ASKS_INFO);
	CU_ASSERT_EQUAL(heard.alive_ms, 1001);
	frame = frame_of(0x4200, 1, "\0"); /* an 11-bit frame is not the request */
	can_bms_hear(&heard, &setup, &frame, 1100);
	CU_ASSERT_EQUAL(heard.alive_ms, 1001);
}

/* ---- when it speaks ------------------------------------------------------------------------ */

static struct can_bms_setup speaking;

static struct can_bms_speaker speaker_of(enum can_bms_dialect dialect)
{
	struct can_bms_speaker speaker = {
		.setup = &speaking,
		.share = 1.0,
		.period_ms = 1000,
		.n_packs = 2,
		.bus_min_v = 280.0,
		.bus_max_v = 430.0,
		.pack_min_v = {320.0, 310.0},
		.pack_max_v = {396.0, 403.0},
	};

	speaking = setup_of(dialect);
	speaking.quirk.fine_voltage = false;
	can_bms_speak_init(&speaker);
	return speaker;
}

static struct bank_outputs live_outputs(void)
{
	struct bank_outputs out = {
		.pcs_enable = true,
		.pcs[0].run = true,
		.bus_dis_max_a = 80.0,
		.bus_cha_max_a = 40.0,
		.bus_min_v = 350.0,
		.bus_max_v = 390.0,
		.bus_known = true,
		.bus_v = 370.0,
	};

	out.pack[0].coil[POLE_NEGATIVE] = out.pack[0].coil[POLE_POSITIVE] = true;
	out.face = battery_of(0, 0, 0, 0).face;
	out.face.v = 370.0;
	return out;
}

static unsigned speak(struct can_bms_speaker *speaker, int64_t now_ms,
		      const struct bank_outputs *out, struct can_frame *frame)
{
	unsigned requests = 0;

	return can_bms_speak(speaker, now_ms, out, &requests, frame, CAN_BMS_FRAMES_MAX);
}

static void a_bank_that_was_never_known_is_silent(void)
{
	struct can_bms_speaker speaker = speaker_of(CAN_BMS_VICTRON);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	struct bank_outputs out = {0};

	for (int64_t t = 1000; t < 20000; t += 100)
		CU_ASSERT_EQUAL(speak(&speaker, t, &out, frame), 0);
}

static void safe_outputs_keep_the_charge_voltage_then_end_in_silence(void)
{
	struct can_bms_speaker speaker = speaker_of(CAN_BMS_PYLONTECH_LV);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	struct bank_outputs out = live_outputs(), safe = {0};
	unsigned n = speak(&speaker, 1000, &out, frame), told = 0;

	EXPECT(0x351, "351#3C0F90012003AC0D"); /* 390.0 V, 40 A, 80 A, 350.0 V */
	for (int64_t t = 1100; t < 1000 + CAN_BMS_SAFE_MS; t += 100) {
		n = speak(&speaker, t, &safe, frame);
		for (unsigned i = 0; i < n; i++) {
			if (frame[i].can_id != 0x351)
				continue;
			told++;
			EXPECT(0x351, "351#3C0F00000000AC0D"); /* never a charge voltage of 0 */
		}
		if (t == 1100) {
			CU_ASSERT_EQUAL(speaker.voice, CAN_BMS_ALARM);
			EXPECT(0x359, "359#000800000A504E"); /* at once, not at the next period */
		}
	}
	CU_ASSERT_TRUE(told >= 9);
	for (int64_t t = 1000 + CAN_BMS_SAFE_MS; t < 30000; t += 100)
		CU_ASSERT_EQUAL(speak(&speaker, t, &safe, frame), 0);
	CU_ASSERT_EQUAL(speaker.voice, CAN_BMS_SILENT);
	CU_ASSERT_TRUE(speak(&speaker, 30000, &out, frame) > 0);
	CU_ASSERT_EQUAL(speaker.voice, CAN_BMS_LIVE);
}

static void without_permission_currents_are_zero_and_nothing_is_alarmed(void)
{
	struct can_bms_speaker speaker = speaker_of(CAN_BMS_PYLONTECH_LV);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	struct bank_outputs out = live_outputs();
	unsigned n;

	out.pcs_enable = false;
	out.pcs[0].run = false;
	out.bus_dis_max_a = out.bus_cha_max_a = out.bus_min_v = out.bus_max_v = 0.0;
	n = speak(&speaker, 1000, &out, frame);
	CU_ASSERT_EQUAL(speaker.voice, CAN_BMS_IDLE);
	EXPECT(0x351, "351#740E00000000740E"); /* 370.0 V: the bus as it is */
	EXPECT(0x359, "359#000000000A504E");
}

/* With charging forbidden the core's upper bound is below the voltage at rest. */
static void a_forbidden_charge_does_not_look_like_over_voltage(void)
{
	struct can_bms_speaker speaker = speaker_of(CAN_BMS_PYLONTECH_LV);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	struct bank_outputs out = live_outputs();
	unsigned n;

	out.bus_max_v = 368.5;
	out.bus_cha_max_a = 0.0;
	n = speak(&speaker, 1000, &out, frame);
	EXPECT(0x351, "351#740E00002003AC0D"); /* 370.0 V, 0 A */
}

static void the_window_is_that_of_the_connected_packs(void)
{
	struct can_bms_speaker speaker = speaker_of(CAN_BMS_PYLONTECH_LV);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	struct bank_outputs out = live_outputs();

	out.bus_max_v = 420.0;
	out.bus_min_v = 300.0;
	speak(&speaker, 1000, &out, frame);
	CU_ASSERT_DOUBLE_EQUAL(speaker.battery.charge_v, 396.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(speaker.battery.discharge_v, 320.0, 1e-9);
	memset(out.pack[0].coil, 0, sizeof out.pack[0].coil);
	out.pack[1].coil[POLE_POSITIVE] = true;
	speak(&speaker, 1100, &out, frame);
	CU_ASSERT_DOUBLE_EQUAL(speaker.battery.charge_v, 403.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(speaker.battery.discharge_v, 310.0, 1e-9);
}

static void an_unknown_voltage_leaves_the_last_valid_one(void)
{
	struct can_bms_speaker speaker = speaker_of(CAN_BMS_PYLONTECH_LV);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	struct bank_outputs out = live_outputs();

	speak(&speaker, 1000, &out, frame);
	out.bus_known = false;
	out.face.v = NAN;
	speak(&speaker, 1100, &out, frame);
	CU_ASSERT_DOUBLE_EQUAL(speaker.battery.charge_v, 390.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(speaker.battery.discharge_v, 350.0, 1e-9);
	CU_ASSERT_EQUAL(speaker.voice, CAN_BMS_LIVE);
	out = live_outputs();
	out.pack[0].coil[POLE_NEGATIVE] = true;
	speaker.pack_max_v[0] = 300.0; /* a window without inside */
	speak(&speaker, 1200, &out, frame);
	CU_ASSERT_DOUBLE_EQUAL(speaker.battery.charge_v, 390.0, 1e-9);
}

static void a_falling_limit_is_told_at_once(void)
{
	struct can_bms_speaker speaker = speaker_of(CAN_BMS_VICTRON);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	struct bank_outputs out = live_outputs();
	unsigned n, sent = 0;

	n = speak(&speaker, 1000, &out, frame);
	CU_ASSERT_EQUAL(n, CAN_BMS_BURST);
	for (int64_t t = 1100; t < 1500; t += 100)
		sent += speak(&speaker, t, &out, frame);
	CU_ASSERT_EQUAL(sent, 15); /* the rest of 19, spread */
	CU_ASSERT_EQUAL(speak(&speaker, 1500, &out, frame), 0);
	out.bus_dis_max_a = 79.0;
	n = speak(&speaker, 1510, &out, frame);
	EXPECT(0x351, "351#3C0F90011603AC0D");
	out.bus_dis_max_a = 81.0; /* a rise waits */
	CU_ASSERT_EQUAL(speak(&speaker, 1600, &out, frame), 0);
	CU_ASSERT_EQUAL(speak(&speaker, 2000, &out, frame), CAN_BMS_BURST);
}

static void every_frame_of_a_set_goes_out_while_limits_fall(void)
{
	struct can_bms_speaker speaker = speaker_of(CAN_BMS_VICTRON);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	struct bank_outputs out = live_outputs();
	bool seen = false;

	for (int64_t t = 1000; t < 5000; t += 100) {
		unsigned n = speak(&speaker, t, &out, frame);

		out.bus_cha_max_a -= 0.3;
		for (unsigned i = 0; i < n; i++)
			seen = seen || frame[i].can_id == 0x382;
	}
	CU_ASSERT_TRUE(seen);
}

static void two_inverters_share_the_currents(void)
{
	struct can_bms_speaker speaker = speaker_of(CAN_BMS_PYLONTECH_LV);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	struct bank_outputs out = live_outputs();

	speaker.share = 0.25;
	speak(&speaker, 1000, &out, frame);
	CU_ASSERT_DOUBLE_EQUAL(speaker.battery.charge_a, 10.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(speaker.battery.discharge_a, 20.0, 1e-9);
}

static void a_high_voltage_battery_speaks_only_when_asked(void)
{
	struct can_bms_speaker speaker = speaker_of(CAN_BMS_PYLONTECH_HV);
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
	struct bank_outputs out = live_outputs();
	unsigned requests = 0;

	CU_ASSERT_EQUAL(can_bms_speak(&speaker, 1000, &out, &requests, frame, CAN_BMS_FRAMES_MAX),
			0);
	requests =
		CAN_BMS_ASKS_DATA | CAN_BMS_ASKS_INFO; /* one after the other: a queue holds 10 */
	CU_ASSERT_EQUAL(can_bms_speak(&speaker, 1100, &out, &requests, frame, CAN_BMS_FRAMES_MAX),
			8);
	CU_ASSERT_EQUAL(requests, CAN_BMS_ASKS_INFO);
	CU_ASSERT_EQUAL(can_bms_speak(&speaker, 1200, &out, &requests, frame, CAN_BMS_FRAMES_MAX),
			4);
	CU_ASSERT_EQUAL(requests, 0);
	out = (struct bank_outputs){0};
	requests = CAN_BMS_ASKS_DATA;
	CU_ASSERT_EQUAL(can_bms_speak(&speaker, 99000, &out, &requests, frame, CAN_BMS_FRAMES_MAX),
			0);
}

/* ---- the driver ---------------------------------------------------------------------------- */

/* A driver whose bus is a socket pair; the other end is the inverter's. */
static int inverter_end;

static struct driver driver_of(enum can_bms_dialect dialect)
{
	static struct can_bms_inverter inverter;
	struct driver driver = {0};
	int fd[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
			      0);
	inverter_end = fd[1];
	inverter = (struct can_bms_inverter){.interface = "test", .fd = fd[0]};
	inverter.setup = setup_of(dialect);
	inverter.speaker = speaker_of(dialect);
	CU_ASSERT_TRUE_FATAL(can_bms_open(&driver, 1, &inverter));
	return driver;
}

static void inverter_says(uint32_t id, const char *data)
{
	struct can_frame frame = frame_of(id, 8, data);

	CU_ASSERT_EQUAL(send(inverter_end, &frame, sizeof frame, 0), (ssize_t)sizeof frame);
}

static unsigned inverter_hears(struct can_frame *frame, unsigned max)
{
	unsigned n = 0;

	while (n < max && recv(inverter_end, &frame[n], sizeof *frame, 0) > 0)
		n++;
	return n;
}

static void driver_end(struct driver *driver)
{
	driver->close(driver->self);
	close(inverter_end);
}

static struct pcs_sample gathered(struct driver *driver, int64_t now_ms)
{
	static struct bank_inputs in;

	in = (struct bank_inputs){.now_ms = now_ms};
	driver->gather(driver->self, &in);
	return in.pcs[0];
}

static void an_inverter_lives_by_its_keep_alives(void)
{
	struct driver driver = driver_of(CAN_BMS_VICTRON);
	struct pcs_sample sample = gathered(&driver, 1000);

	CU_ASSERT_EQUAL(sample.stamp_ms, 0);
	inverter_says(0x305, "\0\0\0\0\0\0\0\0");
	sample = gathered(&driver, 2000);
	CU_ASSERT_EQUAL(sample.stamp_ms, 2000);
	CU_ASSERT_EQUAL(sample.state, PCS_RUNNING);
	CU_ASSERT_TRUE(isnan(sample.dc_w) && isnan(sample.ac_w) && isnan(sample.dc_a));
	CU_ASSERT_FALSE(sample.dead_man_proven);
	CU_ASSERT_EQUAL(gathered(&driver, 5000).stamp_ms, 2000);
	driver_end(&driver);
}

static void what_a_sunny_island_measures_is_read(void)
{
	struct driver driver = driver_of(CAN_BMS_SMA);
	struct pcs_sample sample;

	inverter_says(0x305, "\x08\x02\x64\x00\0\0\0\0"); /* 52.0 V, 10.0 A */
	sample = gathered(&driver, 1000);
	CU_ASSERT_DOUBLE_EQUAL(sample.dc_w, 520.0, 1e-6);
	CU_ASSERT_EQUAL(sample.state, PCS_RUNNING);
	inverter_says(0x306, "\x64\0\0\0\x27\x01\0\0");
	sample = gathered(&driver, 1500);
	CU_ASSERT_EQUAL(sample.state, PCS_FAULT);
	CU_ASSERT_EQUAL(sample.faults, 0x127);
	/* Alive, but its measurement stopped. */
	CU_ASSERT_EQUAL(sample.stamp_ms, 1000);
	driver_end(&driver);
}

static void limits_reach_the_inverter(void)
{
	struct driver driver = driver_of(CAN_BMS_PYLONTECH_LV);
	struct can_frame frame[32];
	struct bank_outputs out = live_outputs();
	unsigned n;

	driver.apply(driver.self, 1000, &out);
	n = inverter_hears(frame, 32);
	CU_ASSERT_EQUAL(n, CAN_BMS_BURST);
	EXPECT(0x351, "351#3C0F90012003AC0D");
	driver_end(&driver);
}

static void requests_are_answered_at_the_next_step(void)
{
	struct driver driver = driver_of(CAN_BMS_PYLONTECH_HV);
	struct can_frame frame[32];
	struct bank_outputs out = live_outputs();

	driver.apply(driver.self, 1000, &out);
	CU_ASSERT_EQUAL(inverter_hears(frame, 32), 0);
	inverter_says(0x4200 | CAN_EFF_FLAG, "\0\0\0\0\0\0\0\0");
	CU_ASSERT_EQUAL(gathered(&driver, 1100).stamp_ms, 1100);
	driver.apply(driver.self, 1100, &out);
	CU_ASSERT_EQUAL(inverter_hears(frame, 32), 8);
	driver_end(&driver);
}

static void an_inverter_that_cannot_be_told_is_lost(void)
{
	struct driver driver = driver_of(CAN_BMS_PYLONTECH_LV);
	struct bank_outputs out = live_outputs();
	int64_t t;

	/* Nobody reads: the queue fills up. Keep-alives come all the same. */
	for (t = 1000; t < 200000; t += 100) {
		driver.apply(driver.self, t, &out);
		inverter_says(0x305, "\0\0\0\0\0\0\0\0");
		if (gathered(&driver, t).stamp_ms < t - 2000)
			break;
	}
	CU_ASSERT_TRUE(t < 200000);
	driver_end(&driver);
}

static void two_batteries_on_one_bus_are_a_fault(void)
{
	struct driver driver = driver_of(CAN_BMS_VICTRON);
	struct pcs_sample sample;

	inverter_says(0x305, "\0\0\0\0\0\0\0\0");
	inverter_says(0x351, "\0\0\0\0\0\0\0\0");
	sample = gathered(&driver, 1000);
	CU_ASSERT_EQUAL(sample.state, PCS_FAULT);
	CU_ASSERT_TRUE((sample.faults & CAN_BMS_FOREIGN) != 0);
	CU_ASSERT_EQUAL(gathered(&driver, 1000 + CAN_BMS_FOREIGN_MS).state, PCS_RUNNING);
	driver_end(&driver);
}

static void frames_are_named_by_their_ids(void)
{
	uint32_t frames;

	CU_ASSERT_TRUE(can_bms_frames_parse("351 35A  382", &frames));
	CU_ASSERT_EQUAL(frames, 1u << CAN_BMS_351 | 1u << CAN_BMS_35A | 1u << CAN_BMS_382);
	CU_ASSERT_FALSE(can_bms_frames_parse("351 357", &frames));
	CU_ASSERT_FALSE(can_bms_frames_parse("351,355", &frames));
	CU_ASSERT_FALSE(can_bms_frames_parse("", &frames));
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	static CU_TestInfo tests[] = {
		TEST(captured_frames_of_a_rec_bms_are_reproduced),
		TEST(captured_frames_of_a_pylontech_battery_are_reproduced),
		TEST(most_significant_byte_first_where_the_inverter_wants_it),
		TEST(limits_are_rounded_to_the_safe_side),
		TEST(numbers_beyond_the_wire_do_not_wrap),
		TEST(a_frame_with_anything_unknown_is_left_out),
		TEST(extreme_packs_are_named_and_energies_told),
		TEST(a_bank_that_is_not_known_tells_limits_and_alarms_only),
		TEST(alarms_stand_where_each_layout_has_them),
		TEST(alarms_and_warnings_of_35a_are_01_and_fine_is_10),
		TEST(a_high_voltage_battery_answers_with_offsets),
		TEST(a_high_voltage_battery_forbids_and_reports_errors),
		TEST(a_high_voltage_battery_says_what_it_is),
		TEST(a_sunny_island_is_measured_and_its_message_read),
		TEST(zeros_of_a_keep_alive_are_no_measurement),
		TEST(a_second_battery_on_the_bus_is_noticed),
		TEST(requests_are_collected_until_they_are_answered),
		TEST(a_bank_that_was_never_known_is_silent),
		TEST(safe_outputs_keep_the_charge_voltage_then_end_in_silence),
		TEST(without_permission_currents_are_zero_and_nothing_is_alarmed),
		TEST(a_forbidden_charge_does_not_look_like_over_voltage),
		TEST(the_window_is_that_of_the_connected_packs),
		TEST(an_unknown_voltage_leaves_the_last_valid_one),
		TEST(a_falling_limit_is_told_at_once),
		TEST(every_frame_of_a_set_goes_out_while_limits_fall),
		TEST(two_inverters_share_the_currents),
		TEST(a_high_voltage_battery_speaks_only_when_asked),
		TEST(an_inverter_lives_by_its_keep_alives),
		TEST(what_a_sunny_island_measures_is_read),
		TEST(limits_reach_the_inverter),
		TEST(requests_are_answered_at_the_next_step),
		TEST(an_inverter_that_cannot_be_told_is_lost),
		TEST(two_batteries_on_one_bus_are_a_fault),
		TEST(frames_are_named_by_their_ids),
		CU_TEST_INFO_NULL,
	};
	static CU_SuiteInfo suites[] = {
		{.pName = "can_bms", .pTests = tests},
		CU_SUITE_INFO_NULL,
	};
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 1;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
