/* What shipped profiles send, against recorded and published frames; and what must not go out. */
#include <CUnit/Basic.h>
#include <math.h>

#include "wire_bench.h"

static struct wire_sending sending;
static struct wire_command command;

static void begin(const char *profile)
{
	bench_start(profile);
	memset(&sending, 0, sizeof sending);
	memset(&command, 0, sizeof command);
}

/* The n-th description of that id. */
static unsigned send_of(uint32_t id, unsigned n)
{
	for (unsigned i = 0; i < bench.wire->n_sends; i++)
		if (bench.wire->send[i].id == id && n-- == 0)
			return i;
	CU_FAIL_FATAL("no such frame");
	return 0;
}

static bool build(unsigned index, uint8_t *data)
{
	return wire_build_frame(bench.wire, index, &sending, &command, data);
}

static void next_is(unsigned index, const char *hex)
{
	uint8_t data[8], want[8];
	unsigned n = bytes_of(hex, want, 8);

	CU_ASSERT_TRUE(build(index, data));
	CU_ASSERT_EQUAL(n, bench.wire->send[index].length);
	CU_ASSERT_EQUAL(memcmp(data, want, n), 0);
}

static void all_zero_outputs_send_nothing(void)
{
	static const char *const profiles[] = {
		"bmw-i3-94",     "kona-64",        "nissan-leaf-aze0", "nissan-leaf-ze1",
		"tesla-model-3", "renault-zoe-22", "renault-zoe-41",   "renault-zoe-50"};
	uint8_t data[8];

	for (unsigned p = 0; p < sizeof profiles / sizeof *profiles; p++) {
		begin(profiles[p]);
		for (unsigned i = 0; i < bench.wire->n_sends; i++)
			CU_ASSERT_FALSE(build(i, data));
		CU_ASSERT_EQUAL(sending.sent[0], 0);
		CU_ASSERT_FALSE(sending.commands_close);
	}
}

static void leaf_frames_are_those_recorded(void)
{
	begin("nissan-leaf-aze0");
	command.keep_alive = true;
	unsigned torque = send_of(0x1D4, 0), question = send_of(0x50C, 0),
		 index = send_of(0x1F2, 0);

	next_is(torque, "6E6E00040746E012");
	next_is(torque, "6E6E00044746E0D5");
	next_is(torque, "6E6E00048746E019");
	next_is(torque, "6E6E0004C746E0DE");
	next_is(torque, "6E6E00040746E012");
	next_is(question, "000000005DC8");
	next_is(question, "00000001B231");
	next_is(question, "000000025D63");
	next_is(question, "00000003B29A");
	next_is(index, "106400B0001E008F");
	next_is(index, "106400B0001E0180");
	next_is(index, "106400B0001E0281");
	next_is(index, "106400B0001E0382");
	next_is(index, "106400B0001E008F");
	next_is(index, "106400B4001E0184"); /* after five frames */
}

static void i3_counts_to_fourteen_and_opens_first(void)
{
	uint8_t data[8];

	begin("bmw-i3-94");
	command.keep_alive = command.close = true;
	unsigned close = send_of(0x10B, 0);

	for (unsigned n = 0; n < 160; n++) {
		CU_ASSERT_TRUE(build(close, data));
		CU_ASSERT_EQUAL(data[1] & 0x0f, n % 15); /* 15 is no valid count */
		CU_ASSERT_EQUAL(data[1] >> 4, 0);
		CU_ASSERT_EQUAL(data[2], 0xFC);
		CU_ASSERT_FALSE(sending.commands_close);
	}
	CU_ASSERT_TRUE(build(close, data));
	CU_ASSERT_EQUAL(data[1] >> 4, 1);
	CU_ASSERT_TRUE(sending.commands_close);
	command.close = false;
	CU_ASSERT_TRUE(build(close, data));
	CU_ASSERT_EQUAL(data[1] >> 4, 0);
	CU_ASSERT_FALSE(sending.commands_close);
	/* Without keep-alive nothing goes out, whatever is commanded. */
	command.keep_alive = false;
	command.close = true;
	CU_ASSERT_FALSE(build(close, data));
}

static void kona_is_told_the_measured_voltage_or_nothing(void)
{
	uint8_t data[8];

	begin("kona-64");
	CU_ASSERT_TRUE(bench.wire->needs_bus_v);
	command.keep_alive = command.close = true;
	command.bus_v = 355.4;
	unsigned link = send_of(0x524, 0);

	CU_ASSERT_FALSE(build(link, data)); /* not known to be measured */
	command.bus_known = true;
	command.bus_v = NAN;
	CU_ASSERT_FALSE(build(link, data));
	command.bus_v = 122.4;
	next_is(link, "7A00000000000000"); /* as recorded in a car before its precharge */
	command.bus_v = 353.1;
	next_is(link, "6101000000000000");
	command.bus_v = -3.0;
	next_is(link, "0000000000000000");
}

static void a_field_without_its_voltage_stops_the_frame(void)
{
	static struct wire wire;
	uint8_t data[8];

	begin("kona-64");
	wire = *bench.wire;
	unsigned link = send_of(0x524, 0);

	wire.send[link].when = 0; /* a profile that forgot "bus-known" */
	command.bus_v = 355.4;
	CU_ASSERT_FALSE(wire_build_frame(&wire, link, &sending, &command, data));
	command.bus_known = true;
	CU_ASSERT_TRUE(wire_build_frame(&wire, link, &sending, &command, data));
}

static void kona_has_one_frame_for_each_command(void)
{
	uint8_t data[8];

	begin("kona-64");
	CU_ASSERT_TRUE(bench.wire->by_frames);
	command.keep_alive = true;
	CU_ASSERT_TRUE(build(send_of(0x200, 0), data));
	CU_ASSERT_FALSE(build(send_of(0x200, 1), data));
	CU_ASSERT_FALSE(sending.commands_close);
	command.close = true;
	CU_ASSERT_FALSE(build(send_of(0x200, 0), data));
	CU_ASSERT_TRUE(build(send_of(0x200, 1), data));
	CU_ASSERT_TRUE(sending.commands_close);
	CU_ASSERT_EQUAL(data[5], 0x57); /* goes on counting, as the recorded car does */
	CU_ASSERT_TRUE(build(send_of(0x200, 1), data));
	CU_ASSERT_EQUAL(data[5], 0x97);
}

static void tesla_is_told_drive_while_commanded_closed(void)
{
	uint8_t data[8];

	begin("tesla-model-3");
	CU_ASSERT_TRUE(bench.wire->by_frames);
	command.keep_alive = true;
	CU_ASSERT_FALSE(build(send_of(0x221, 0), data));
	CU_ASSERT_FALSE(sending.commands_close);
	command.close = true;
	next_is(send_of(0x221, 0), "60 55 55 15 54 51 F1 D8"); /* both published */
	next_is(send_of(0x221, 0), "61 05 55 05 00 00 00 E3");
	CU_ASSERT_TRUE(sending.commands_close);
	next_is(send_of(0x221, 0), "60 55 55 15 54 51 11 F8");
	for (unsigned i = 3; i < 16; i++)
		CU_ASSERT_TRUE(build(send_of(0x221, 0), data));
	next_is(send_of(0x221, 0), "60 55 55 15 54 51 F1 D8");
	command.close = false;
	CU_ASSERT_FALSE(build(send_of(0x221, 0), data));
	CU_ASSERT_FALSE(sending.commands_close);
	next_is(send_of(0x221, 1), "01 01 01 50 00 00 00 76"); /* off, and counts on */
	next_is(send_of(0x221, 1), "00 01 00 00 00 50 11 85");
	for (unsigned i = 3; i < 16; i++)
		CU_ASSERT_TRUE(build(send_of(0x221, 1), data));
	next_is(send_of(0x221, 1), "00 01 00 00 00 50 F1 65");
}

/* As published, checksums and all: the frames of an id in their order. */
static void tesla_hears_the_rest_of_its_car(void)
{
	static const struct {
		uint32_t id;
		const char *hex;
	} frame[] = {
		{0x3A1, "C3 FF FF FF 3D 00 D0 01"},
		{0x3A1, "08 62 0B 18 00 28 E2 CB"},
		{0x3A1, "C3 FF FF FF 3D 00 F0 21"},
		{0x118, "AB 60 2A 00 00 08 00 00"},
		{0x118, "AC 61 2A 00 00 08 00 00"},
		{0x39D, "E1 59 C1 27 00"},
		{0x2E1, "29 0A 00 FF 0F 00 00 00"},
		{0x2E1, "02 00 00 00 00 00 03 00"},
		{0x2E1, "03 6D 99 02 1B 57 00 00"},
		{0x2E1, "FC 1B D1 99 9A D8 09 00"},
		{0x2E1, "05 00 00 00 00 00 00 00"},
		{0x2E1, "08 21 04 6E A0 88 06 04"},
		{0x2E1, "29 0A 00 FF 0F 00 00 00"},
		{0x2A8, "02 00 00 00 00 80 00 2C"},
		{0x2E8, "02 00 10 00 00 80 00 7C"},
		{0x213, "00 15"},
		{0x213, "10 25"},
		{0x293, "01 0C 55 91 55 15 01 F3"},
		{0x313, "00 00 00 05 00 00 00 1B"},
		{0x321, "EC 71 A7 6E 02 6C 00 04"},
		{0x334, "3F 3F 00 0F E2 3F 90 75"},
		{0x229, "46 00 00"},
		{0x229, "44 01 00"},
	};
	uint8_t data[8];

	begin("tesla-model-3");
	command.keep_alive = true;
	CU_ASSERT_FALSE(build(send_of(0x3A1, 0), data));
	command.closed = true;
	for (unsigned i = 0; i < sizeof frame / sizeof *frame; i++)
		next_is(send_of(frame[i].id, 0), frame[i].hex);
	for (unsigned i = 3; i < 16; i++)
		CU_ASSERT_TRUE(build(send_of(0x3A1, 0), data));
	next_is(send_of(0x3A1, 0), "C3 FF FF FF 3D 00 D0 01");
}

static void zoes_are_kept_awake(void)
{
	begin("renault-zoe-50");
	CU_ASSERT_FALSE(bench.wire->by_frames);
	command.keep_alive = true;
	for (unsigned i = 0; i < 12; i++) {
		uint8_t data[8];

		CU_ASSERT_TRUE(build(send_of(0x0EE, 0), data));
	}
	next_is(send_of(0x0EE, 0), "32 03 20 AA 00 00 0C 93"); /* recorded */
	for (unsigned i = 0; i < 5; i++)
		next_is(send_of(0x373, 0), "C1 40 5D B2 00 01 FF E3");
	next_is(send_of(0x373, 0), "C1 40 B2 5D 00 01 FF E3");
	begin("renault-zoe-41");
	command.keep_alive = true;
	for (unsigned i = 0; i < 5; i++)
		next_is(send_of(0x423, 0), "07 1D 00 02 5D 80 5D C8");
	next_is(send_of(0x423, 0), "07 1D 00 02 B2 80 B2 C8");
}

static void the_time_is_told_when_it_is_known(void)
{
	uint8_t data[8];

	begin("renault-zoe-50");
	unsigned time = send_of(0x376, 0);

	command.keep_alive = true;
	CU_ASSERT_FALSE(build(time, data)); /* no clock */
	command.utc_ms = INT64_C(1614454106999);
	CU_ASSERT_FALSE(build(time, data)); /* before its minutes were 0 */
	command.utc_ms = INT64_C(1614454107000);
	next_is(time, "00 00 00 00 00 00 0A 00");
	command.utc_ms += INT64_C(254) * 60000;
	next_is(time, "00 00 FE 00 00 FE 0A 00");
	command.utc_ms += 60000;
	next_is(time, "00 01 00 00 01 00 0A 00");
	command.utc_ms = INT64_C(1745452800000); /* where emulators start it: 2025-04-24 */
	next_is(time, "21 93 01 21 93 01 0A 00");
	command.utc_ms = INT64_C(1614454107000) + INT64_C(255) * 255 * 255 * 60000 - 1;
	next_is(time, "FE FE FE FE FE FE 0A 00");
	command.utc_ms++;
	CU_ASSERT_FALSE(build(time, data)); /* no room for it */
}

static void requests_are_those_of_the_pack(void)
{
	uint8_t payload[8];

	begin("nissan-leaf-aze0");
	CU_ASSERT_EQUAL(wire_request_build(bench.wire, 0, 0, payload), 2);
	CU_ASSERT_EQUAL(memcmp(payload, "\x21\x02", 2), 0);
	CU_ASSERT_EQUAL(bench.wire->channel[0].block_size, 1);
	/* A number that counts up, some values left out. */
	static struct wire wire = {.n_requests = 1};
	wire.request[0] = (struct wire_request){.length = 3,
						.payload = {0x22, 0x00, 0x00},
						.step_at = 1,
						.step_bytes = 2,
						.step_first = 0x903F,
						.n_steps = 4,
						.n_skip = 2,
						.skip = {0x9040, 0x9042}};
	CU_ASSERT_EQUAL(wire_request_build(&wire, 0, 0, payload), 3);
	CU_ASSERT_EQUAL(memcmp(payload, "\x22\x90\x3F", 3), 0);
	wire_request_build(&wire, 0, 1, payload);
	CU_ASSERT_EQUAL(memcmp(payload, "\x22\x90\x41", 3), 0);
	wire_request_build(&wire, 0, 2, payload);
	CU_ASSERT_EQUAL(memcmp(payload, "\x22\x90\x43", 3), 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(all_zero_outputs_send_nothing),
		TEST(leaf_frames_are_those_recorded),
		TEST(i3_counts_to_fourteen_and_opens_first),
		TEST(kona_is_told_the_measured_voltage_or_nothing),
		TEST(a_field_without_its_voltage_stops_the_frame),
		TEST(kona_has_one_frame_for_each_command),
		TEST(tesla_is_told_drive_while_commanded_closed),
		TEST(tesla_hears_the_rest_of_its_car),
		TEST(zoes_are_kept_awake),
		TEST(the_time_is_told_when_it_is_known),
		TEST(requests_are_those_of_the_pack),
		CU_TEST_INFO_NULL,
	};

	return bench_run("frames to send", tests);
}
