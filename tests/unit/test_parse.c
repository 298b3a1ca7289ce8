#include <CUnit/Basic.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "northbound/parse.h"

static struct site site;
static const char boot[] = "boot-1";

static int make_site(void)
{
	site.n_packs = 2;
	strcpy(site.pack[0].id, "leaf-a");
	strcpy(site.pack[1].id, "i3-b");
	return 0;
}

static struct parsed setpoint_of(const char *text)
{
	struct parsed parsed;

	parse_setpoint(text, strlen(text), &site, boot, &parsed);
	return parsed;
}

static struct parsed cmd_of(const char *text)
{
	struct parsed parsed;

	parse_cmd(text, strlen(text), &site, boot, &parsed);
	return parsed;
}

#define HEAD "\"v\":1,\"id\":\"a.b:c_d-1\",\"seq\":42,\"ts\":1700000000000"

static void complete_setpoint_is_read(void)
{
	struct parsed p = setpoint_of(
		"{" HEAD ",\"session\":\"s-1\",\"boot\":\"boot-1\",\"n\":7,\"p_w\":-1500.5,"
		"\"valid_s\":60,\"start\":1700000001000,\"ramp_w_s\":250,\"limit\":\"reject\","
		"\"service\":\"afrr\",\"on_expiry\":\"zero\",\"dry_run\":true}");
	const struct command *c = &p.command;

	CU_ASSERT_EQUAL(p.reason, REASON_OK);
	CU_ASSERT_STRING_EQUAL(p.detail, "");
	CU_ASSERT_EQUAL(p.n, 7);
	CU_ASSERT_EQUAL(c->kind, COMMAND_SETPOINT);
	CU_ASSERT_STRING_EQUAL(c->id, "a.b:c_d-1");
	CU_ASSERT_STRING_EQUAL(c->session, "s-1");
	CU_ASSERT_EQUAL(c->seq, 42);
	CU_ASSERT_EQUAL(c->ts_utc_ms, 1700000000000);
	CU_ASSERT_EQUAL(c->start_utc_ms, 1700000001000);
	CU_ASSERT_EQUAL(c->p_w, -1500.5);
	CU_ASSERT_EQUAL(c->valid_s, 60.0);
	CU_ASSERT_EQUAL(c->ramp_w_s, 250.0);
	CU_ASSERT_TRUE(c->reject_if_limited && c->zero_on_expiry && c->dry_run);
	CU_ASSERT_TRUE(c->boot_given && c->boot_matches);
	CU_ASSERT_EQUAL(c->service, SERVICE_AFRR);
	CU_ASSERT_EQUAL(c->pack, -1);
}

static void optional_keys_default_to_the_normal_case(void)
{
	struct parsed p = setpoint_of("{" HEAD ",\"p_w\":0,\"valid_s\":0.5}");

	CU_ASSERT_EQUAL(p.reason, REASON_OK);
	CU_ASSERT_EQUAL(p.n, -1);
	CU_ASSERT_STRING_EQUAL(p.command.session, "");
	CU_ASSERT_EQUAL(p.command.start_utc_ms, 0);
	CU_ASSERT_TRUE(isnan(p.command.ramp_w_s));
	CU_ASSERT_FALSE(p.command.reject_if_limited || p.command.zero_on_expiry ||
			p.command.dry_run || p.command.boot_given);
	CU_ASSERT_EQUAL(p.command.service, SERVICE_NONE);
}

static void null_power_is_a_release(void)
{
	struct parsed p = setpoint_of("{" HEAD ",\"p_w\":null,\"valid_s\":60}");

	CU_ASSERT_EQUAL(p.reason, REASON_OK);
	CU_ASSERT_EQUAL(p.command.kind, COMMAND_RELEASE);
	CU_ASSERT_TRUE(isnan(p.command.p_w));
}

static void another_boot_is_noted_not_judged(void)
{
	struct parsed p = setpoint_of("{" HEAD ",\"boot\":\"boot-2\",\"p_w\":1,\"valid_s\":60}");

	CU_ASSERT_EQUAL(p.reason, REASON_OK);
	CU_ASSERT_TRUE(p.command.boot_given);
	CU_ASSERT_FALSE(p.command.boot_matches);
}

static const struct {
	const char *text;
	enum reason reason;
	const char *detail; /* part of it */
	bool has_id;
} bad_setpoints[] = {
	{"", REASON_MALFORMED, "line 1", false},
	{"{", REASON_MALFORMED, "line 1", false},
	{"[]", REASON_MALFORMED, "not a JSON object", false},
	{"null", REASON_MALFORMED, "line 1", false},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":60} x", REASON_MALFORMED, "end of file", false},
	{"{" HEAD ",\"p_w\":1,\"p_w\":2,\"valid_s\":60}", REASON_MALFORMED, "duplicate", false},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":60,\"x\":[[[[1]]]]}", REASON_MALFORMED, "deeper than 4",
	 false},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":60,\"x\":[[[1]]]}", REASON_SCHEMA, "unknown key \"x\"",
	 true},
	{"{" HEAD ",\"p_w\":\"\xff\",\"valid_s\":60}", REASON_MALFORMED, "decode", false},
	{"{" HEAD ",\"p_w\":NaN,\"valid_s\":60}", REASON_NOT_FINITE, "not finite", true},
	{"{" HEAD ",\"p_w\":-Infinity,\"valid_s\":60}", REASON_NOT_FINITE, "not finite", true},
	{"{" HEAD ",\"p_w\":1e999,\"valid_s\":60}", REASON_NOT_FINITE, "not finite", true},
	{"{" HEAD ",\"p_w\":-1E400,\"valid_s\":60}", REASON_NOT_FINITE, "not finite", true},
	{"{" HEAD ",\"p_w\":99999999999999999999,\"valid_s\":60}", REASON_NOT_FINITE, "", true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":inf}", REASON_NOT_FINITE, "not finite", true},
	{"{\"v\":2,\"id\":\"a\",\"seq\":1,\"new\":1}", REASON_VERSION, "v is not 1", true},
	{"{\"v\":\"1\",\"id\":\"a\",\"seq\":1}", REASON_VERSION, "v is not 1", true},
	{"{\"id\":\"a\",\"seq\":1,\"ts\":1,\"p_w\":1,\"valid_s\":1}", REASON_SCHEMA,
	 "\"v\" is missing", true},
	{"{\"v\":1,\"seq\":1,\"ts\":1,\"p_w\":1,\"valid_s\":1}", REASON_SCHEMA, "\"id\" is missing",
	 false},
	{"{\"v\":1,\"id\":\"a b\",\"seq\":1,\"ts\":1,\"p_w\":1,\"valid_s\":1}", REASON_SCHEMA,
	 "id is not", false},
	{"{\"v\":1,\"id\":\"\",\"seq\":1,\"ts\":1,\"p_w\":1,\"valid_s\":1}", REASON_SCHEMA,
	 "id is not", false},
	{"{\"v\":1,\"id\":7,\"seq\":1,\"ts\":1,\"p_w\":1,\"valid_s\":1}", REASON_SCHEMA,
	 "id is not", false},
	{"{\"v\":1,\"id\":\"a\",\"seq\":-1,\"ts\":1,\"p_w\":1,\"valid_s\":1}", REASON_SCHEMA,
	 "seq is not", true},
	{"{\"v\":1,\"id\":\"a\",\"seq\":1.5,\"ts\":1,\"p_w\":1,\"valid_s\":1}", REASON_SCHEMA,
	 "seq is not", true},
	{"{\"v\":1,\"id\":\"a\",\"seq\":9007199254740993,\"ts\":1,\"p_w\":1,\"valid_s\":1}",
	 REASON_SCHEMA, "seq is not", true},
	{"{\"v\":1,\"id\":\"a\",\"seq\":1,\"ts\":\"now\",\"p_w\":1,\"valid_s\":1}", REASON_SCHEMA,
	 "ts is not", true},
	{"{" HEAD ",\"p_w\":\"5 kW\",\"valid_s\":60}", REASON_SCHEMA, "p_w is not", true},
	{"{" HEAD ",\"p_w\":true,\"valid_s\":60}", REASON_SCHEMA, "p_w is not", true},
	{"{" HEAD ",\"p_w\":1}", REASON_SCHEMA, "\"valid_s\" is missing", true},
	{"{" HEAD ",\"valid_s\":1}", REASON_SCHEMA, "\"p_w\" is missing", true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":0}", REASON_SCHEMA, "valid_s is not", true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":-1}", REASON_SCHEMA, "valid_s is not", true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":3600.1}", REASON_VALID_TOO_LONG, "above 3600", true},
	{"{" HEAD ",\"p_w\":1,\"valids\":60,\"valid_s\":60}", REASON_SCHEMA,
	 "unknown key \"valids\"", true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":60,\"k\xc3\xa4y\":1}", REASON_SCHEMA,
	 "unknown key \"k??y\"", true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":60,\"ramp_w_s\":0}", REASON_SCHEMA, "ramp_w_s is not",
	 true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":60,\"limit\":\"maybe\"}", REASON_SCHEMA, "limit is not",
	 true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":60,\"service\":\"fcr\"}", REASON_SCHEMA, "service is not",
	 true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":60,\"on_expiry\":0}", REASON_SCHEMA, "on_expiry is not",
	 true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":60,\"dry_run\":1}", REASON_SCHEMA, "dry_run is not",
	 true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":60,\"start\":0}", REASON_SCHEMA, "start is not", true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":60,\"session\":\"a_b\"}", REASON_SCHEMA, "session is not",
	 true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":60,\"boot\":null}", REASON_SCHEMA, "boot is not", true},
	{"{" HEAD ",\"p_w\":1,\"valid_s\":60,\"do\":\"start\"}", REASON_SCHEMA,
	 "unknown key \"do\"", true},
};

static void every_bad_setpoint_is_refused_with_reason_and_sentence(void)
{
	for (size_t i = 0; i < sizeof bad_setpoints / sizeof bad_setpoints[0]; i++) {
		struct parsed p = setpoint_of(bad_setpoints[i].text);
		bool as_expected = p.reason == bad_setpoints[i].reason &&
				   strstr(p.detail, bad_setpoints[i].detail) && p.detail[0] &&
				   (p.id[0] != '\0') == bad_setpoints[i].has_id;

		if (!as_expected)
			printf("\n%s -> %s \"%s\" id \"%s\"\n", bad_setpoints[i].text,
			       reason_text(p.reason)->word, p.detail, p.id);
		CU_ASSERT_TRUE(as_expected);
	}
}

static void refused_numbers_leave_no_power_behind(void)
{
	struct parsed p = setpoint_of("{" HEAD ",\"p_w\":1e999,\"valid_s\":60}");

	CU_ASSERT_TRUE(isnan(p.command.p_w));
	CU_ASSERT_EQUAL(p.seq, 42);
}

static void four_kibibytes_are_the_most(void)
{
	char text[PARSE_BYTES_MAX + 2];
	const char *start = "{" HEAD ",\"p_w\":1,\"valid_s\":60}";
	struct parsed p;

	memset(text, ' ', sizeof text);
	memcpy(text, start, strlen(start));
	parse_setpoint(text, PARSE_BYTES_MAX, &site, boot, &p);
	CU_ASSERT_EQUAL(p.reason, REASON_OK);
	parse_setpoint(text, PARSE_BYTES_MAX + 1, &site, boot, &p);
	CU_ASSERT_EQUAL(p.reason, REASON_MALFORMED);
	CU_ASSERT_STRING_EQUAL(p.detail, "message is longer than 4096 bytes");
}

static void numbers_in_strings_are_left_alone(void)
{
	struct parsed p = setpoint_of("{\"v\":1,\"id\":\"NaN\",\"seq\":1,\"ts\":1,\"p_w\":1e3,"
				      "\"valid_s\":1.0,\"session\":\"1e999\"}");

	CU_ASSERT_EQUAL(p.reason, REASON_OK);
	CU_ASSERT_STRING_EQUAL(p.id, "NaN");
	CU_ASSERT_STRING_EQUAL(p.command.session, "1e999");
}

static void integers_written_as_reals_count(void)
{
	struct parsed p = setpoint_of(
		"{\"v\":1.0,\"id\":\"a\",\"seq\":4.2e1,\"ts\":1,\"p_w\":1,\"valid_s\":1}");

	CU_ASSERT_EQUAL(p.reason, REASON_OK);
	CU_ASSERT_EQUAL(p.command.seq, 42);
}

static void commands_name_their_pack(void)
{
	struct parsed p = cmd_of("{" HEAD ",\"do\":\"disable\",\"pack\":\"i3-b\"}");

	CU_ASSERT_EQUAL(p.reason, REASON_OK);
	CU_ASSERT_EQUAL(p.command.kind, COMMAND_PACK_DISABLE);
	CU_ASSERT_EQUAL(p.command.pack, 1);
	CU_ASSERT_TRUE(isnan(p.command.p_w));
	p = cmd_of("{" HEAD ",\"do\":\"clear\"}");
	CU_ASSERT_EQUAL(p.reason, REASON_OK);
	CU_ASSERT_EQUAL(p.command.kind, COMMAND_CLEAR);
	CU_ASSERT_EQUAL(p.command.pack, -1);
	CU_ASSERT_EQUAL(cmd_of("{" HEAD ",\"do\":\"stop\"}").command.kind, COMMAND_STOP);
	CU_ASSERT_EQUAL(cmd_of("{" HEAD ",\"do\":\"lock\"}").command.kind, COMMAND_LOCK);
	CU_ASSERT_EQUAL(cmd_of("{" HEAD ",\"do\":\"unlock\"}").command.kind, COMMAND_UNLOCK);
	CU_ASSERT_EQUAL(cmd_of("{" HEAD ",\"do\":\"start\"}").command.kind, COMMAND_START);
}

static void bad_commands_are_refused(void)
{
	CU_ASSERT_EQUAL(cmd_of("{" HEAD "}").reason, REASON_SCHEMA);
	CU_ASSERT_EQUAL(cmd_of("{" HEAD ",\"do\":\"explode\"}").reason, REASON_SCHEMA);
	CU_ASSERT_EQUAL(cmd_of("{" HEAD ",\"do\":\"release\"}").reason, REASON_SCHEMA);
	CU_ASSERT_EQUAL(cmd_of("{" HEAD ",\"do\":7}").reason, REASON_SCHEMA);
	CU_ASSERT_EQUAL(cmd_of("{" HEAD ",\"do\":\"enable\"}").reason, REASON_SCHEMA);
	CU_ASSERT_EQUAL(cmd_of("{" HEAD ",\"do\":\"enable\",\"pack\":\"x\"}").reason,
			REASON_SCHEMA);
	CU_ASSERT_EQUAL(cmd_of("{" HEAD ",\"do\":\"stop\",\"pack\":\"i3-b\"}").reason,
			REASON_SCHEMA);
	CU_ASSERT_EQUAL(cmd_of("{" HEAD ",\"do\":\"stop\",\"p_w\":0}").reason, REASON_SCHEMA);
}

static enum local_request local_of(const char *text, struct parsed *parsed)
{
	return parse_local(text, strlen(text), &site, boot, parsed);
}

static void proof_says_what_was_seen_and_only_locally(void)
{
	struct parsed p;

	CU_ASSERT_EQUAL(local_of("{\"do\":\"proof\",\"proof\":\"dead-man\"}", &p), LOCAL_COMMAND);
	CU_ASSERT(p.command.kind == COMMAND_PROOF && p.command.proof == PROOF_DEAD_MAN);
	CU_ASSERT_EQUAL(p.command.pack, -1);
	CU_ASSERT_EQUAL(
		local_of("{\"do\":\"proof\",\"proof\":\"weld\",\"pack\":\"i3-b\"}", &p),
		LOCAL_COMMAND);
	CU_ASSERT(p.command.proof == PROOF_WELD && p.command.pack == 1);
	CU_ASSERT_EQUAL(local_of("{\"do\":\"proof\"}", &p), LOCAL_REFUSED);
	CU_ASSERT_EQUAL(local_of("{\"do\":\"proof\",\"proof\":\"luck\"}", &p), LOCAL_REFUSED);
	CU_ASSERT_EQUAL(local_of("{\"do\":\"proof\",\"proof\":\"weld\"}", &p), LOCAL_REFUSED);
	CU_ASSERT_EQUAL(
		local_of("{\"do\":\"proof\",\"proof\":\"estop\",\"pack\":\"i3-b\"}", &p),
		LOCAL_REFUSED);
	CU_ASSERT_EQUAL(local_of("{\"do\":\"stop\",\"proof\":\"estop\"}", &p), LOCAL_REFUSED);
	CU_ASSERT_EQUAL(cmd_of("{" HEAD ",\"do\":\"proof\"}").reason, REASON_SCHEMA);
	CU_ASSERT_EQUAL(cmd_of("{" HEAD ",\"do\":\"stop\",\"proof\":\"estop\"}").reason,
			REASON_SCHEMA);
}

static void local_requests_need_no_numbering(void)
{
	struct parsed p;

	CU_ASSERT_EQUAL(local_of("{\"do\":\"status\"}", &p), LOCAL_STATUS);
	CU_ASSERT_EQUAL(local_of("{\"do\":\"watch\"}", &p), LOCAL_WATCH);
	CU_ASSERT_EQUAL(local_of("{\"do\":\"record\"}", &p), LOCAL_RECORD);
	CU_ASSERT_EQUAL(local_of("{\"do\":\"setpoint\",\"p_w\":5,\"valid_s\":9}", &p),
			LOCAL_COMMAND);
	CU_ASSERT_EQUAL(p.command.kind, COMMAND_SETPOINT);
	CU_ASSERT_EQUAL(local_of("{\"v\":1,\"do\":\"release\",\"id\":\"r1\"}", &p), LOCAL_COMMAND);
	CU_ASSERT_EQUAL(p.command.kind, COMMAND_RELEASE);
	CU_ASSERT_STRING_EQUAL(p.command.id, "r1");
	CU_ASSERT_EQUAL(local_of("{\"do\":\"enable\",\"pack\":\"leaf-a\"}", &p), LOCAL_COMMAND);
	CU_ASSERT_EQUAL(p.command.pack, 0);
}

static void local_requests_are_as_strict(void)
{
	static const char *const bad[] = {
		"{}",
		"nonsense",
		"{\"do\":\"fly\"}",
		"{\"do\":\"status\",\"p_w\":5}",
		"{\"do\":\"setpoint\",\"p_w\":5}",
		"{\"do\":\"setpoint\",\"p_w\":NaN,\"valid_s\":5}",
		"{\"do\":\"setpoint\",\"p_w\":5,\"valid_s\":9,\"pack\":\"leaf-a\"}",
		"{\"do\":\"disable\"}",
		"{\"v\":3,\"do\":\"status\"}",
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct parsed p;

		CU_ASSERT_EQUAL(local_of(bad[i], &p), LOCAL_REFUSED);
		CU_ASSERT_NOT_EQUAL(p.reason, REASON_OK);
		CU_ASSERT_NOT_EQUAL(p.detail[0], '\0');
	}
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(complete_setpoint_is_read),
		TEST(optional_keys_default_to_the_normal_case),
		TEST(null_power_is_a_release),
		TEST(another_boot_is_noted_not_judged),
		TEST(every_bad_setpoint_is_refused_with_reason_and_sentence),
		TEST(refused_numbers_leave_no_power_behind),
		TEST(four_kibibytes_are_the_most),
		TEST(numbers_in_strings_are_left_alone),
		TEST(integers_written_as_reals_count),
		TEST(commands_name_their_pack),
		TEST(bad_commands_are_refused),
		TEST(proof_says_what_was_seen_and_only_locally),
		TEST(local_requests_need_no_numbering),
		TEST(local_requests_are_as_strict),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"parse", make_site, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
