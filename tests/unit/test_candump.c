/* Lines of a log, ISO-TP put together from them, and a profile made of a DBC file. */
#include <CUnit/Basic.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "ctl/candump.h"
#include "ctl/dbc.h"
#include "ctl/isotp_log.h"

static struct candump_frame frame;

static void lines_of_other_programs_are_read(void)
{
	CU_ASSERT_EQUAL(candump_parse("(1700000000.024962) can0 12F#8724861CF1313000\n", &frame),
			CANDUMP_FRAME);
	CU_ASSERT_EQUAL(frame.us, INT64_C(1700000000024962));
	CU_ASSERT_STRING_EQUAL(frame.bus, "can0");
	CU_ASSERT_EQUAL(frame.id, 0x12F);
	CU_ASSERT_FALSE(frame.ext);
	CU_ASSERT_EQUAL(frame.length, 8);
	CU_ASSERT_EQUAL(frame.data[7], 0x00);
	CU_ASSERT_EQUAL(candump_parse("(1.5) vcan12 18DAF1DB#0322 R", &frame), CANDUMP_FRAME);
	CU_ASSERT_EQUAL(frame.us, 1500000);
	CU_ASSERT_TRUE(frame.ext);
	CU_ASSERT_EQUAL(frame.length, 2);
	CU_ASSERT_EQUAL(candump_parse("(1.0) can0 123#", &frame), CANDUMP_FRAME);
	CU_ASSERT_EQUAL(frame.length, 0);
}

static void what_is_no_data_frame_is_passed_over(void)
{
	CU_ASSERT_EQUAL(candump_parse("\n", &frame), CANDUMP_OTHER);
	CU_ASSERT_EQUAL(candump_parse("# a remark", &frame), CANDUMP_OTHER);
	CU_ASSERT_EQUAL(candump_parse("(1.0) can0 123#R", &frame), CANDUMP_OTHER);
	CU_ASSERT_EQUAL(candump_parse("(1.0) can0 123##1AABB", &frame), CANDUMP_OTHER);
	CU_ASSERT_EQUAL(candump_parse("(1.0) can0 20000080#0000000000000000", &frame),
			CANDUMP_OTHER);
}

static void broken_lines_are_told_apart(void)
{
	static const char *const lines[] = {"(1.0) can0 123",
					    "(1.0) can0 12#00",
					    "(1.0) can0 FFF#00",
					    "1.0 can0 123#00",
					    "(1.0) can0 123#0",
					    "(1.0) can0 123#0G",
					    "(x) can0 123#00",
					    "(1.0) 123#00",
					    "(1.0) can0 123#00 x",
					    "(1.0) can0 123#001122334455667788",
					    "(9999999999999999999.0) can0 123#00"};

	for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++)
		CU_ASSERT_EQUAL(candump_parse(lines[i], &frame), CANDUMP_BROKEN);
}

static void the_sequence_of_a_long_answer_wraps(void)
{
	static struct isotp_log log;
	uint8_t bytes[8] = {0x10, 198, 0x61, 0x02, 0, 1, 2, 3};
	unsigned whole = 0, n = 0;

	CU_ASSERT_FALSE(isotp_log_take(&log, bytes, 8));
	for (unsigned sequence = 1; log.length; sequence++, n++) {
		bytes[0] = (uint8_t)(0x20 | (sequence & 15));
		whole += isotp_log_take(&log, bytes, 8);
	}
	CU_ASSERT_EQUAL(n, 28);
	CU_ASSERT_EQUAL(whole, 1);
	CU_ASSERT_EQUAL(log.have, 198);
	CU_ASSERT_EQUAL(log.data[1], 0x02);
}

static void a_lost_frame_loses_the_answer(void)
{
	static struct isotp_log log;
	uint8_t first[8] = {0x10, 20}, next[8] = {0x21}, after[8] = {0x23};

	CU_ASSERT_FALSE(isotp_log_take(&log, first, 8));
	CU_ASSERT_FALSE(isotp_log_take(&log, next, 8));
	CU_ASSERT_FALSE(isotp_log_take(&log, after, 8));
	CU_ASSERT_EQUAL(log.length, 0);
}

/* ---- DBC --------------------------------------------------------------------------------- */

static const char dbc[] = "VERSION \"\"\n"
			  "BO_ 3221225472 VECTOR__INDEPENDENT_SIG_MSG: 0 Vector__XXX\n"
			  "BO_ 475 Battery: 8 LBC\n"
			  " SG_ Current : 7|11@0- (0.5,0) [-400|200] \"A\" VCM\n"
			  " SG_ Voltage : 23|10@0+ (0.5,0) [0|450] \"V\" VCM\n"
			  "\n"
			  "BO_ 2566844416 Extended: 4 LBC\n"
			  " SG_ Page M : 0|2@1+ (1,0) [0|3] \"\" VCM\n"
			  " SG_ Hot m1 : 8|8@1+ (1,-40) [0|0] \"\xb0"
			  "C\" VCM\n"
			  "BO_ 12 Broken\n"
			  " SG_ Nothing : 8|8\n";

static void a_dbc_becomes_a_profile_to_finish_by_hand(void)
{
	char path[] = "/tmp/rebank-dbc-XXXXXX.conf";
	static struct config config;
	char *text, *said, *mistakes;
	size_t n, m, k;
	FILE *in = fmemopen((void *)(uintptr_t)dbc, sizeof dbc - 1, "r");
	FILE *out = open_memstream(&text, &n), *errors = open_memstream(&said, &m);
	FILE *file;

	CU_ASSERT_EQUAL(dbc_import("nissan.dbc", in, out, errors), 1);
	fclose(in);
	fclose(out);
	fclose(errors);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "nissan.dbc:10: not understood: a message is BO_"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "id = 0x1DB; name = \"Battery\"; length = 8;"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "bits = \"7|11@0-\"; scale = 0.5;"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "ext = true;"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "mux = \"0|2@1\";"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "offset = -40.0; page = 1;"));
	/* It is read; what is missing is what only a person can say. */
	file = fdopen(mkstemps(path, 5), "w");
	fputs(text, file);
	fclose(file);
	errors = open_memstream(&mistakes, &k);
	profile_load(path, NULL, &config, NULL, errors);
	fclose(errors);
	CU_ASSERT_PTR_NOT_NULL(strstr(mistakes, "no signal gives pack_v"));
	CU_ASSERT_PTR_NULL(strstr(mistakes, "syntax"));
	CU_ASSERT_PTR_NULL(strstr(mistakes, "unknown key"));
	config_free(&config);
	unlink(path);
	free(text);
	free(said);
	free(mistakes);
}

static const char dbc_rich[] = "BO_ 475 Battery: 8 LBC\n"
			       " SG_ Current : 7|32@0- (1,0) [0|0] \"A\" VCM\n"
			       " SG_ Ratio : 39|32@0- (1,0) [0|0] \"\" VCM\n"
			       "BO_ 2566844416 Extended: 8 LBC\n"
			       " SG_ Inner m0M : 8|8@1+ (1,0) [0|0] \"\" VCM\n"
			       " SG_ Deep m3 : 16|8@1+ (1,0) [0|0] \"\" VCM\n"
			       " SG_ Page M : 0|2@1+ (1,0) [0|3] \"\" VCM\n"
			       " SG_ Always : 24|8@1+ (1,0) [0|0] \"V\" VCM\n"
			       "BO_ 3 Seldom: 8 LBC\n"
			       " SG_ Last : 0|8@1+ (1,0) [0|0] \"\" VCM\n"
			       "BA_DEF_ BO_ \"GenMsgCycleTime\" INT 0 65535;\n"
			       "BA_ \"GenMsgCycleTime\" BO_ 475 10;\n"
			       "BA_ \"GenMsgCycleTime\" BO_ 2566844416 1500;\n"
			       "BA_ \"GenMsgCycleTime\" BO_ 3 0;\n"
			       "BA_ \"GenMsgCycleTime\" BO_ 99 20;\n"
			       "BA_ \"GenMsgCycleTime\" BO_ 475\n"
			       "SIG_VALTYPE_ 475 Ratio : 1;\n"
			       "SIG_VALTYPE_ 475 Current : 0;\n"
			       "SIG_VALTYPE_ 99 Ratio : 1;\n";

static void periods_of_a_dbc_are_kept_and_what_has_no_profile_word_is_named(void)
{
	char *text, *said;
	size_t n, m;
	FILE *in = fmemopen((void *)(uintptr_t)dbc_rich, sizeof dbc_rich - 1, "r");
	FILE *out = open_memstream(&text, &n), *errors = open_memstream(&said, &m);

	CU_ASSERT_EQUAL(dbc_import("rich.dbc", in, out, errors), 3);
	fclose(in);
	fclose(out);
	fclose(errors);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "name = \"Battery\"; length = 8; period_s = 0.01;\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "name = \"Extended\"; length = 8; period_s = 1.5;\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "name = \"Seldom\"; length = 8;\n"));
	/* The selector is the outer one, whatever comes first. */
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "mux = \"0|2@1\";"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "name = \"Current\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "name = \"Always\""));
	CU_ASSERT_PTR_NULL(strstr(text, "name = \"Ratio\""));
	CU_ASSERT_PTR_NULL(strstr(text, "name = \"Inner\""));
	CU_ASSERT_PTR_NULL(strstr(text, "name = \"Deep\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "/* line 3: Ratio: not understood: "));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(said, "rich.dbc:3: Ratio: not understood: a floating-point number"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(said, "rich.dbc:5: Inner: not understood: a page within a page"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(said, "rich.dbc:6: Deep: not understood: a page within a page"));
	config_t tree;

	config_init(&tree);
	CU_ASSERT_EQUAL(config_read_string(&tree, text), CONFIG_TRUE);
	config_destroy(&tree);
	free(text);
	free(said);
}

#define TEST(name) CU_add_test(suite, #name, name)

int main(void)
{
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	CU_pSuite suite = CU_add_suite("logs and DBC", NULL, NULL);

	TEST(lines_of_other_programs_are_read);
	TEST(what_is_no_data_frame_is_passed_over);
	TEST(broken_lines_are_told_apart);
	TEST(the_sequence_of_a_long_answer_wraps);
	TEST(a_lost_frame_loses_the_answer);
	TEST(a_dbc_becomes_a_profile_to_finish_by_hand);
	TEST(periods_of_a_dbc_are_kept_and_what_has_no_profile_word_is_named);
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	unsigned failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
