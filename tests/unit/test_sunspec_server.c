/* Requests, registers and writes of our SunSpec server, without sockets. */
#include <CUnit/Basic.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "northbound/sunspec_fill.h"
#include "northbound/sunspec_write.h"
#include "tests/fixture.h"

/* ---- requests ------------------------------------------------------------------------------ */

static uint16_t written[MODBUS_WRITE_MOST];
static unsigned n_written;
static enum modbus_exception refusal;

static enum modbus_exception read_numbers(void *context, uint16_t address, uint16_t count,
					  uint16_t *value)
{
	(void)context;
	for (unsigned i = 0; i < count; i++)
		value[i] = (uint16_t)(address + i);
	return refusal;
}

static enum modbus_exception write_numbers(void *context, uint16_t address, uint16_t count,
					   const uint16_t *value)
{
	(void)context;
	(void)address;
	memcpy(written, value, count * sizeof *value);
	n_written = count;
	return refusal;
}

static const struct modbus_access access = {NULL, read_numbers, write_numbers};
static const struct modbus_access read_only = {NULL, read_numbers, NULL};

/* "000100000006 01 03 9c40 0002" -> the answer in the same notation, without spaces. */
static const char *answer_to(const char *hex, const struct modbus_access *to)
{
	static char text[2 * MODBUS_ADU_MAX + 1];
	uint8_t request[MODBUS_ADU_MAX], answer[MODBUS_ADU_MAX];
	size_t n = 0, length;
	unsigned byte;

	for (; *hex; hex += 2) {
		hex += *hex == ' ';
		CU_ASSERT_EQUAL_FATAL(sscanf(hex, "%2x", &byte), 1);
		request[n++] = (uint8_t)byte;
	}
	CU_ASSERT_EQUAL_FATAL(modbus_request_length(request, n), (int)n);
	length = modbus_request_answer(request, n, 1, to, answer);
	for (size_t i = 0; i < length; i++)
		sprintf(text + 2 * i, "%02x", answer[i]);
	return text;
}

static void registers_are_read(void)
{
	refusal = EXCEPTION_NONE;
	CU_ASSERT_STRING_EQUAL(answer_to("0007 0000 0006 01 03 9c40 0002", &access),
			       "0007000000070103049c409c41");
	CU_ASSERT_STRING_EQUAL(answer_to("0007 0000 0006 01 04 9c40 0001", &access),
			       "0007000000050104029c40");
}

static void registers_are_written(void)
{
	refusal = EXCEPTION_NONE;
	CU_ASSERT_STRING_EQUAL(answer_to("0007 0000 0006 01 06 9c40 1234", &access),
			       "0007000000060106"
			       "9c401234");
	CU_ASSERT_EQUAL(written[0], 0x1234);
	CU_ASSERT_STRING_EQUAL(answer_to("0007 0000 000b 01 10 9c40 0002 04 1122 3344", &access),
			       "0007000000060110"
			       "9c400002");
	CU_ASSERT_EQUAL(n_written, 2);
	CU_ASSERT_EQUAL(written[1], 0x3344);
}

static void what_does_not_hold_is_answered_by_an_exception(void)
{
	static const char *const cases[][2] = {
		/* another unit; a function that is not served; none or too many registers */
		{"0007 0000 0006 02 03 9c40 0002", "000700000003028"
						   "30b"},
		{"0007 0000 0006 01 05 9c40 ff00", "000700000003018"
						   "501"},
		{"0007 0000 0006 01 03 9c40 0000", "000700000003018"
						   "303"},
		{"0007 0000 0006 01 03 9c40 007e", "000700000003018"
						   "303"},
		/* beyond the last register */
		{"0007 0000 0006 01 03 ffff 0002", "000700000003018"
						   "302"},
		/* too short; a byte count that contradicts; data that is not there */
		{"0007 0000 0003 01 03 9c", "000700000003018"
					    "303"},
		{"0007 0000 000b 01 10 9c40 0002 03 1122 3344", "000700000003019"
								"003"},
		{"0007 0000 0009 01 10 9c40 0002 04 1122", "000700000003019"
							   "003"},
		{"0007 0000 0007 01 10 9c40 0000 00", "000700000003019"
						      "003"},
		{"0007 0000 0002 01 03", "000700000003018"
					 "303"},
	};

	refusal = EXCEPTION_NONE;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CU_ASSERT_STRING_EQUAL(answer_to(cases[i][0], &access), cases[i][1]);
	refusal = EXCEPTION_FAILURE;
	CU_ASSERT_STRING_EQUAL(answer_to("0007 0000 0006 01 03 9c40 0002", &access),
			       "000700000003018304");
}

static void a_read_only_server_knows_no_writing(void)
{
	refusal = EXCEPTION_NONE;
	CU_ASSERT_STRING_EQUAL(answer_to("0007 0000 0006 01 06 9c40 1234", &read_only),
			       "000700000003018601");
	CU_ASSERT_STRING_EQUAL(answer_to("0007 0000 000b 01 10 9c40 0002 04 1122 3344", &read_only),
			       "000700000003019001");
}

static void streams_are_cut_into_requests(void)
{
	static const uint8_t good[] = {0, 7, 0, 0, 0, 6, 1, 3, 0x9c, 0x40, 0, 2, 0, 8};
	static const uint8_t other[] = {0, 7, 0, 1, 0, 6, 1, 3};
	static const uint8_t huge[] = {0, 7, 0, 0, 1, 6, 1, 3};
	static const uint8_t tiny[] = {0, 7, 0, 0, 0, 1, 1};

	CU_ASSERT_EQUAL(modbus_request_length(good, sizeof good), 12);
	for (size_t n = 0; n < 12; n++)
		CU_ASSERT_EQUAL(modbus_request_length(good, n), 0);
	CU_ASSERT_EQUAL(modbus_request_length(other, sizeof other), -1);
	CU_ASSERT_EQUAL(modbus_request_length(huge, sizeof huge), -1);
	CU_ASSERT_EQUAL(modbus_request_length(tiny, sizeof tiny), -1);
}

/* ---- registers ----------------------------------------------------------------------------- */

static struct config config;
static struct sunspec_image image;
static struct sunspec_view view;
static struct sunspec_writer writer;

static void bench(unsigned packs)
{
	memset(&config, 0, sizeof config);
	fixture_site(&config.site, packs);
	config.sunspec = (struct sunspec_config){
		.enabled = true, .unit = 1, .allowed = ALLOW_ANY, .source = 1, .hold_s = 60.0};
	sunspec_image_init(&image, &config);
	sunspec_writer_init(&writer, &config, "0123456789abcdef0123456789abcdef");
	memset(&view, 0, sizeof view);
	view.report.n_packs = view.report.packs_total = packs;
	view.report.now_ms = 123456;
	view.report.soc = 0.505;
	view.report.soh = 0.8;
	view.report.dc_v = 370.25;
	view.report.p_w = -12346.0;
	view.report.t_min_c = -3.5;
	view.report.t_max_c = NAN;
	view.report.winner = -1;
	for (unsigned k = 0; k < packs; k++) {
		struct pack_report *pack = &view.report.pack[k];

		*pack = (struct pack_report){.v = 370.0,
					     .a = -16.0,
					     .soc = 0.5,
					     .soh = 0.8,
					     .cell_min_v = 3.85,
					     .cell_max_v = 3.86,
					     .t_min_c = -3.5,
					     .t_max_c = NAN,
					     .connected = true};
	}
	view.report.packs_connected = packs;
}

static int16_t sign_of(unsigned at)
{
	return (int16_t)image.value[at];
}

static void the_chain_is_whole_for_every_number_of_packs(void)
{
	for (unsigned packs = 1; packs <= PACK_MAX; packs++) {
		static const unsigned ids[] = {1, 701, 702, 704, 713, 715, 802, 803};
		unsigned at = 2;

		bench(packs);
		for (unsigned i = 0; i < sizeof ids / sizeof ids[0]; i++) {
			CU_ASSERT_EQUAL(image.value[at], ids[i]);
			at += 2u + image.value[at + 1];
		}
		for (unsigned k = 0; k < packs; k++) {
			CU_ASSERT_EQUAL(image.value[at], 804);
			CU_ASSERT_EQUAL(at, image.string[k]);
			at += 2u + image.value[at + 1];
		}
		CU_ASSERT_EQUAL(image.value[at], 0xffff);
		CU_ASSERT_EQUAL(image.value[at + 1], 0);
		CU_ASSERT_EQUAL(image.n, at + 2);
		CU_ASSERT_TRUE(image.n <= SUNSPEC_REGISTERS_MAX);
		sunspec_fill(&image, &config.site, &view);
	}
}

static void numbers_stand_in_their_scale(void)
{
	bench(2);
	sunspec_fill(&image, &config.site, &view);
	CU_ASSERT_EQUAL(image.value[image.battery + 34], 3703);  /* 370.25 V in 0.1 V */
	CU_ASSERT_EQUAL(image.value[image.battery + 11], 505);   /* 50.5 % in 0.1 % */
	CU_ASSERT_EQUAL(sign_of(image.battery + 44), -320);      /* both packs, 0.1 A */
	CU_ASSERT_EQUAL(sign_of(image.measurement + 10), -1235); /* 12346 W, tens of watts */
	CU_ASSERT_EQUAL(sign_of(image.measurement + 116), 1);
	CU_ASSERT_EQUAL(sign_of(image.bank + 7), -35);
	CU_ASSERT_EQUAL(image.value[image.string[1] + 17], 3850);
	CU_ASSERT_EQUAL(image.value[image.string[1] + 2], 2);
	CU_ASSERT_EQUAL(image.value[image.storage + 4], 505);
}

static void the_unknown_is_not_implemented(void)
{
	bench(2);
	view.report.dc_v = view.report.soc = view.report.p_w = NAN;
	view.report.pack[0].a = NAN;
	sunspec_fill(&image, &config.site, &view);
	CU_ASSERT_EQUAL(image.value[image.battery + 34], 0xffff);
	CU_ASSERT_EQUAL(image.value[image.battery + 11], 0xffff);
	CU_ASSERT_EQUAL(image.value[image.battery + 44], 0x8000);
	CU_ASSERT_EQUAL(image.value[image.battery + 47], 0x8000);
	CU_ASSERT_EQUAL(image.value[image.measurement + 10], 0x8000);
	CU_ASSERT_EQUAL(image.value[image.bank + 4], 0x8000);
	/* And it is known again. */
	view.report.dc_v = 380.0;
	sunspec_fill(&image, &config.site, &view);
	CU_ASSERT_EQUAL(image.value[image.battery + 34], 3800);
}

static void faults_are_told_in_bits(void)
{
	bench(2);
	view.report.pack[1].reason = REASON_OVER_TEMPERATURE;
	view.report.pack[1].latched = true;
	view.report.pack[1].connected = false;
	view.report.packs_connected = 1;
	view.face.warnings = 1u << EVT1_VOLTAGE_IMBALANCE;
	sunspec_fill(&image, &config.site, &view);
	CU_ASSERT_EQUAL(image.value[image.battery + 27], 1u << EVT1_OVER_TEMP_ALARM);
	CU_ASSERT_EQUAL(image.value[image.battery + 26], 1u << (EVT1_VOLTAGE_IMBALANCE - 16));
	CU_ASSERT_EQUAL(image.value[image.string[1] + 29], 1u << EVT1_OVER_TEMP_ALARM);
	CU_ASSERT_EQUAL(image.value[image.string[1] + 5], 1); /* enabled, not connected */
	CU_ASSERT_EQUAL(image.value[image.string[0] + 5], 3);
	CU_ASSERT_EQUAL(image.value[image.storage + 6], 2);
	CU_ASSERT_EQUAL(image.value[image.bank + 3], 1);
}

/* ---- writes -------------------------------------------------------------------------------- */

static struct command command;

static enum modbus_exception put(unsigned at, unsigned count, const uint16_t *value)
{
	enum modbus_exception exception =
		sunspec_write(&writer, &image, at, count, value, 5000, 1700000000000, &command);

	if (exception == EXCEPTION_NONE)
		sunspec_commit(&writer, &command);
	return exception;
}

static enum modbus_exception put_one(unsigned at, uint16_t value)
{
	return put(at, 1, &value);
}

static void ack_with(enum ack_status status, double p_req_w, int64_t expires_ms)
{
	struct ack ack = {
		.status = status, .source = 1, .p_req_w = p_req_w, .expires_ms = expires_ms};

	snprintf(ack.id, sizeof ack.id, "%s", command.id);
	sunspec_writer_ack(&writer, &ack);
	sunspec_writer_show(&writer, &image, 6000);
}

static void a_setpoint_is_a_command_with_a_lifetime(void)
{
	/* WSetEna, WSetMod, WSet -5000 W, WSetRvrt 0, WSetPct, unused, WSetEnaRvrt, 30 s */
	static const uint16_t first[] = {1, 1, 0xffff, 0xec78, 0, 0, 0};
	static const uint16_t timer[] = {1, 0, 30};

	bench(1);
	CU_ASSERT_EQUAL(put(image.controls + 30, 3, timer), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_NONE); /* nothing is enabled yet */
	CU_ASSERT_EQUAL(put(image.controls + 22, 7, first), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_SETPOINT);
	CU_ASSERT_DOUBLE_EQUAL(command.p_w, -5000.0, 0);
	CU_ASSERT_DOUBLE_EQUAL(command.valid_s, 30.0, 0);
	CU_ASSERT_EQUAL(command.source, 1);
	CU_ASSERT_EQUAL(command.ts_utc_ms, 1700000000000);
	CU_ASSERT_TRUE(isnan(command.ramp_w_s));
	ack_with(ACK_ACCEPTED, -5000.0, 36000);
	CU_ASSERT_EQUAL(image.value[image.controls + 22], 1);
	CU_ASSERT_EQUAL(image.value[image.controls + 34], 30); /* WSetRvrtRem */
	ack_with(ACK_EXPIRED, -5000.0, 36000);
	CU_ASSERT_EQUAL(image.value[image.controls + 22], 0);
	CU_ASSERT_EQUAL(image.value[image.controls + 34], 0);
}

static void without_a_reversion_timer_the_lifetime_is_the_sites(void)
{
	static const uint16_t watts[] = {0, 2000};

	bench(1);
	CU_ASSERT_EQUAL(put_one(image.controls + 23, 1), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(put(image.controls + 24, 2, watts), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(put_one(image.controls + 22, 1), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_SETPOINT);
	CU_ASSERT_DOUBLE_EQUAL(command.valid_s, 60.0, 0);
	/* Writing the power again refreshes it: another command. */
	CU_ASSERT_EQUAL(put(image.controls + 24, 2, watts), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_SETPOINT);
	CU_ASSERT_EQUAL(command.seq, 2);
	CU_ASSERT_EQUAL(put_one(image.controls + 22, 0), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_RELEASE);
	/* Again, with nothing known to live: a release costs nothing and is never left out. */
	ack_with(ACK_ACCEPTED, NAN, 0);
	CU_ASSERT_EQUAL(put_one(image.controls + 22, 0), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_RELEASE);
}

static void percent_refers_to_the_rating(void)
{
	bench(1);
	CU_ASSERT_EQUAL(put_one(image.controls + 23, 0), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(put_one(image.controls + 28, (uint16_t)-500), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(put_one(image.controls + 22, 1), EXCEPTION_NONE);
	CU_ASSERT_DOUBLE_EQUAL(command.p_w, -30000.0, 1e-6);
	CU_ASSERT_EQUAL(put_one(image.controls + 28, 1001), EXCEPTION_VALUE);
}

static void a_refused_setpoint_is_not_shown_as_enabled(void)
{
	bench(1);
	put_one(image.controls + 22, 1);
	ack_with(ACK_REJECTED, 0.0, 0);
	CU_ASSERT_EQUAL(image.value[image.controls + 22], 0);
	/* What is written then commands nothing until it is enabled again. */
	CU_ASSERT_EQUAL(put_one(image.controls + 23, 1), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_NONE);
}

/* 5 kW for 300 s is in command; then `ack_with` speaks for what is written next. */
static void five_kilowatts(void)
{
	static const uint16_t first[] = {1, 1, 0, 5000, 0, 0, 0};
	static const uint16_t timer[] = {1, 0, 300};

	bench(1);
	put(image.controls + 30, 3, timer);
	put(image.controls + 22, 7, first);
	ack_with(ACK_ACCEPTED, 5000.0, 305000);
}

static void a_refused_write_leaves_the_setpoint_before_it(void)
{
	static const uint16_t slip[] = {0, 50000};
	char live_id[COMMAND_ID_SIZE];
	struct ack ended = {.status = ACK_EXPIRED, .source = 1, .p_req_w = 5000.0};

	five_kilowatts();
	memcpy(live_id, command.id, sizeof live_id);
	CU_ASSERT_EQUAL(put(image.controls + 24, 2, slip), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_SETPOINT);
	ack_with(ACK_REJECTED, 50000.0, 0);
	CU_ASSERT_EQUAL(image.value[image.controls + 22], 1);
	CU_ASSERT_EQUAL(image.value[image.controls + 25], 5000);
	CU_ASSERT_EQUAL(image.value[image.controls + 34], 299);
	/* It is still enabled: a new power refreshes it, and its end is still heard of. */
	CU_ASSERT_TRUE(writer.settings.enable);
	memcpy(ended.id, live_id, sizeof ended.id);
	sunspec_writer_ack(&writer, &ended);
	sunspec_writer_show(&writer, &image, 6000);
	CU_ASSERT_EQUAL(image.value[image.controls + 22], 0);
	CU_ASSERT_FALSE(writer.settings.enable);
}

static void disabling_is_a_release_whatever_was_refused(void)
{
	static const uint16_t slip[] = {0, 50000};

	five_kilowatts();
	put(image.controls + 24, 2, slip);
	ack_with(ACK_REJECTED, 50000.0, 0);
	CU_ASSERT_EQUAL(put_one(image.controls + 22, 0), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_RELEASE);
	/* Refused, it has released nothing. */
	ack_with(ACK_REJECTED, NAN, 0);
	CU_ASSERT_EQUAL(image.value[image.controls + 22], 1);
	put_one(image.controls + 22, 0);
	ack_with(ACK_ACCEPTED, NAN, 0);
	CU_ASSERT_EQUAL(image.value[image.controls + 22], 0);
	CU_ASSERT_FALSE(writer.settings.enable);
}

static void a_refusal_does_not_undo_what_was_written_after_it(void)
{
	static const uint16_t slip[] = {0, 50000}, less[] = {0, 2000};
	struct ack late = {.status = ACK_REJECTED, .source = 1, .p_req_w = 50000.0};

	five_kilowatts();
	put(image.controls + 24, 2, slip);
	memcpy(late.id, command.id, sizeof late.id);
	put(image.controls + 24, 2, less);
	sunspec_writer_ack(&writer, &late);
	CU_ASSERT_DOUBLE_EQUAL(writer.settings.set_w, 2000.0, 0);
	ack_with(ACK_ACCEPTED, 2000.0, 306000);
	CU_ASSERT_EQUAL(image.value[image.controls + 22], 1);
	CU_ASSERT_EQUAL(image.value[image.controls + 25], 2000);
}

static void what_could_not_be_handed_on_is_not_kept(void)
{
	static const uint16_t less[] = {0, 2000};

	five_kilowatts();
	CU_ASSERT_EQUAL(sunspec_write(&writer, &image, image.controls + 24, 2, less, 5000,
				      1700000000000, &command),
			EXCEPTION_NONE);
	sunspec_writer_show(&writer, &image, 6000);
	CU_ASSERT_EQUAL(image.value[image.controls + 22], 1);
	CU_ASSERT_EQUAL(image.value[image.controls + 25], 5000);
}

static void operations_become_commands(void)
{
	bench(2);
	CU_ASSERT_EQUAL(put_one(image.control + 8, 0), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_STOP);
	CU_ASSERT_EQUAL(put_one(image.control + 8, 1), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_START);
	CU_ASSERT_EQUAL(put_one(image.battery + 50, 2), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_STOP);
	CU_ASSERT_EQUAL(put_one(image.battery + 20, 1), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_CLEAR);
	CU_ASSERT_EQUAL(command.pack, -1);
	CU_ASSERT_EQUAL(put_one(image.string[1] + 36, 2), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_PACK_DISABLE);
	CU_ASSERT_EQUAL(command.pack, 1);
	CU_ASSERT_EQUAL(put_one(image.bank + 28 + 32 + 28, 1), EXCEPTION_NONE);
	CU_ASSERT_EQUAL(command.kind, COMMAND_PACK_ENABLE);
	CU_ASSERT_EQUAL(command.pack, 1);
}

static void what_is_not_allowed_or_not_writable_is_no_address(void)
{
	static const uint16_t beat[] = {0, 7};

	bench(1);
	config.sunspec.allowed = ALLOW_SETPOINT;
	CU_ASSERT_EQUAL(put_one(image.control + 8, 0), EXCEPTION_ADDRESS);
	CU_ASSERT_EQUAL(put_one(image.battery + 50, 2), EXCEPTION_ADDRESS);
	CU_ASSERT_EQUAL(put_one(image.string[0] + 36, 2), EXCEPTION_ADDRESS);
	CU_ASSERT_EQUAL(put_one(image.battery + 20, 1), EXCEPTION_ADDRESS);
	CU_ASSERT_EQUAL(put_one(image.battery + 11, 1), EXCEPTION_ADDRESS);
	CU_ASSERT_EQUAL(put_one(image.controls + 24, 1), EXCEPTION_ADDRESS); /* half of WSet */
	CU_ASSERT_EQUAL(put_one(0, 1), EXCEPTION_ADDRESS);
	CU_ASSERT_EQUAL(put(image.control + 5, 2, beat), EXCEPTION_NONE);
	sunspec_writer_show(&writer, &image, 6000);
	CU_ASSERT_EQUAL(image.value[image.control + 6], 7);
	config.sunspec.allowed = ALLOW_OPERATE;
	CU_ASSERT_EQUAL(put_one(image.controls + 22, 1), EXCEPTION_ADDRESS);
}

static void senseless_values_change_nothing(void)
{
	static const uint16_t watts[] = {1, 1, 0, 1000, 0, 1}; /* reverts to 1 W */
	static const uint16_t both[] = {1, 1};                 /* clear and start in one */

	bench(1);
	CU_ASSERT_EQUAL(put_one(image.controls + 22, 2), EXCEPTION_VALUE);
	CU_ASSERT_EQUAL(put(image.controls + 22, 6, watts), EXCEPTION_VALUE);
	CU_ASSERT_FALSE(writer.settings.enable);
	CU_ASSERT_EQUAL(put(image.control + 7, 2, both), EXCEPTION_VALUE);
	CU_ASSERT_EQUAL(put_one(image.control + 8, 3), EXCEPTION_VALUE);
	CU_ASSERT_EQUAL(put_one(image.string[0] + 36, 0), EXCEPTION_VALUE);
}

static void too_many_commands_are_busy_but_a_stop_is_not(void)
{
	unsigned taken = 0;

	bench(1);
	config.sunspec.rate_per_s = 10.0;
	for (unsigned i = 0; i < 50; i++)
		taken += put_one(image.control + 8, 1) == EXCEPTION_NONE;
	CU_ASSERT_EQUAL(taken, 20);
	CU_ASSERT_EQUAL(put_one(image.control + 8, 1), EXCEPTION_BUSY);
	CU_ASSERT_EQUAL(put_one(image.control + 8, 0), EXCEPTION_NONE);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(registers_are_read),
		TEST(registers_are_written),
		TEST(what_does_not_hold_is_answered_by_an_exception),
		TEST(a_read_only_server_knows_no_writing),
		TEST(streams_are_cut_into_requests),
		TEST(the_chain_is_whole_for_every_number_of_packs),
		TEST(numbers_stand_in_their_scale),
		TEST(the_unknown_is_not_implemented),
		TEST(faults_are_told_in_bits),
		TEST(a_setpoint_is_a_command_with_a_lifetime),
		TEST(without_a_reversion_timer_the_lifetime_is_the_sites),
		TEST(percent_refers_to_the_rating),
		TEST(a_refused_setpoint_is_not_shown_as_enabled),
		TEST(a_refused_write_leaves_the_setpoint_before_it),
		TEST(disabling_is_a_release_whatever_was_refused),
		TEST(a_refusal_does_not_undo_what_was_written_after_it),
		TEST(what_could_not_be_handed_on_is_not_kept),
		TEST(operations_become_commands),
		TEST(what_is_not_allowed_or_not_writable_is_no_address),
		TEST(senseless_values_change_nothing),
		TEST(too_many_commands_are_busy_but_a_stop_is_not),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"sunspec_server", NULL, NULL, NULL, NULL, tests},
				 CU_SUITE_INFO_NULL};
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
