#include <CUnit/Basic.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "northbound/render.h"
#include "northbound/sentence.h"

static struct config config;
static struct bank_report report;

static int make_world(void)
{
	struct site *site = &config.site;

	strcpy(site->id, "north");
	site->n_packs = 2;
	strcpy(site->pack[0].id, "leaf-a");
	strcpy(site->pack[1].id, "i3-b");
	site->n_sources = 2;
	strcpy(site->source[0].id, "local");
	strcpy(site->source[1].id, "utility");
	site->grid.p_max_w = 30000.0;
	site->grid.export_max_w = (double)INFINITY;
	report.now_ms = 1000000;
	report.utc_ms = 1700000000000;
	report.winner = -1;
	report.dis_pack = -1;
	report.cha_pack = 1;
	report.must_w = (double)NAN;
	report.p_w = -0.04;
	report.soc = 1.0 / 3.0;
	report.soh = (double)NAN;
	report.n_packs = 2;
	for (unsigned i = 0; i < 2; i++) {
		memcpy(report.pack[i].id, site->pack[i].id, ID_SIZE);
		report.pack[i].state = "open";
		report.pack[i].v = (double)NAN;
		report.pack[i].r_ohm = 0.0934;
		report.pack[i].reason_value = (double)NAN;
		report.pack[i].reason_threshold = 4.2;
	}
	return 0;
}

/* True when the text of the document holds `part`. */
static bool shows(json_t *document, const char *part)
{
	char *text = render_text(document);
	bool found = text && strstr(text, part);

	free(text);
	json_decref(document);
	return found;
}

static json_t *telemetry(void)
{
	return render_telemetry(&report,
				&(struct telemetry_view){.n = 7, .backlog = 3, .dropped = 2});
}

static void unknown_numbers_are_null(void)
{
	CU_ASSERT_TRUE(shows(telemetry(), "\"soh_pct\":null"));
	CU_ASSERT_TRUE(shows(render_pack_telemetry(&report, 0), "\"dc_v\":null"));
	CU_ASSERT_TRUE(shows(render_limits(&report, &config.site), "\"must_w\":null"));
	CU_ASSERT_TRUE(shows(render_info(&config, &report), "\"export_max_w\":null"));
	CU_ASSERT_TRUE(json_is_null(render_number((double)NAN, 1)));
	CU_ASSERT_TRUE(json_is_null(render_number(-(double)INFINITY, 1)));
}

static void numbers_are_rounded_and_zero_has_no_sign(void)
{
	CU_ASSERT_TRUE(shows(telemetry(), "\"soc_pct\":33.33,"));
	CU_ASSERT_TRUE(shows(telemetry(), "\"p_w\":0.0,"));
	CU_ASSERT_TRUE(shows(render_pack_telemetry(&report, 0), "\"r_mohm\":93.4,"));
}

static void counters_of_the_link_are_shown(void)
{
	CU_ASSERT_TRUE(shows(telemetry(), "\"n\":7,"));
	CU_ASSERT_TRUE(shows(telemetry(), "\"history_backlog\":3,"));
	CU_ASSERT_TRUE(shows(telemetry(), "\"dropped\":2}"));
}

static void without_a_winner_active_names_nobody(void)
{
	CU_ASSERT_TRUE(shows(render_active(&report, &config.site), "\"source\":null,\"id\":null"));
	CU_ASSERT_TRUE(shows(render_active(&report, &config.site), "\"expires\":null"));
}

static void expiry_is_wall_time(void)
{
	struct bank_report live = report;

	live.winner = 1;
	live.expires_ms = report.now_ms + 60000;
	strcpy(live.command_id, "x1");
	CU_ASSERT_TRUE(
		shows(render_active(&live, &config.site), "\"source\":\"utility\",\"id\":\"x1\""));
	CU_ASSERT_TRUE(shows(render_active(&live, &config.site), "\"expires\":1700000060000"));
}

static void limits_name_the_binding_pack_and_each_reason_once(void)
{
	struct bank_report limited = report;

	limited.dis_reason = REASON_TEMPERATURE;
	limited.cha_reason = REASON_TEMPERATURE;
	CU_ASSERT_TRUE(
		shows(render_limits(&limited, &config.site), "\"reasons\":[\"temperature\"]"));
	CU_ASSERT_TRUE(shows(render_limits(&limited, &config.site),
			     "\"dis_pack\":null,\"cha_pack\":\"i3-b\""));
	limited.dis_reason = REASON_OK;
	limited.cha_reason = REASON_OK;
	CU_ASSERT_TRUE(shows(render_limits(&limited, &config.site), "\"reasons\":[]"));
}

static const struct event event = {
	.at_ms = 1000500,
	.seq = 12,
	.kind = EVENT_RAISED,
	.reason = REASON_CELL_OVERVOLTAGE,
	.pack = 0,
	.pcs = -1,
	.value = 4.2513,
	.threshold = 4.2,
};

static void event_sentence_names_pack_and_numbers(void)
{
	struct event other = event;
	char text[128], tiny[8];

	event_sentence(&event, &config.site, text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, "pack leaf-a: cell over-voltage: 4.251 V, threshold 4.200 V");
	other.kind = EVENT_CLEARED;
	other.pack = -1;
	other.threshold = (double)NAN;
	event_sentence(&other, &config.site, text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, "bank: cell over-voltage (cleared): 4.251 V");
	other.value = (double)NAN;
	other.reason = REASON_ESTOP;
	other.kind = EVENT_NOTE;
	CU_ASSERT_EQUAL(event_sentence(&other, &config.site, text, sizeof text),
			(int)strlen("bank: emergency stop"));
	CU_ASSERT_STRING_EQUAL(text, "bank: emergency stop");
	event_sentence(&(struct event){.reason = REASON_FAULT,
				       .pack = -1,
				       .value = (double)NAN,
				       .threshold = (double)NAN},
		       &config.site, text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, "bank has tripped");
	CU_ASSERT_EQUAL(event_sentence(&other, &config.site, tiny, sizeof tiny), 20);
	CU_ASSERT_STRING_EQUAL(tiny, "bank: e");
}

static void a_notice_names_who_and_how_often(void)
{
	struct driver_notice notice = {
		.pack = 0, .text = "checksum wrong", .has_id = true, .id = 0x1DB, .times = 1};
	char text[128];

	notice_sentence(&notice, &config.site, text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, "pack leaf-a: checksum wrong, 0x1DB");
	notice.times = 120;
	notice.again = true;
	notice_sentence(&notice, &config.site, text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, "pack leaf-a: checksum wrong, last 0x1DB, 120 times since "
				     "this was last said");
	notice = (struct driver_notice){
		.pack = -1, .place = "can0", .text = "error-passive", .times = 1};
	notice_sentence(&notice, &config.site, text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, "bus can0: error-passive");
}

static void event_document_carries_code_severity_and_sunspec_bit(void)
{
	int64_t offset_ms = report.utc_ms - report.now_ms;

	CU_ASSERT_TRUE(
		shows(render_event(&event, &config.site, offset_ms),
		      "\"ts\":1700000000500,\"seq\":12,\"code\":\"cell_overvoltage\","
		      "\"kind\":\"raised\",\"severity\":\"trip\",\"pack\":\"leaf-a\","
		      "\"pcs\":null,\"evt1\":9,\"value\":4.2513,\"threshold\":4.2,\"unit\":\"V\""));
	CU_ASSERT_TRUE(shows(
		render_event(&(struct event){.reason = REASON_RETAINED, .pack = -1, .pcs = -1},
			     &config.site, offset_ms),
		"\"seq\":null,\"code\":\"retained\",\"kind\":\"note\","
		"\"severity\":\"warning\",\"pack\":null,\"pcs\":null,\"evt1\":null"));
	config.site.n_pcs = 1;
	strcpy(config.site.pcs[0].id, "pcs1");
	CU_ASSERT_TRUE(shows(render_event(&(struct event){.reason = REASON_PCS_LOST, .pack = -1},
					  &config.site, offset_ms),
			     "\"pack\":null,\"pcs\":\"pcs1\",\"evt1\":0"));
}

static void every_ack_status_has_its_response_number(void)
{
	static const struct {
		enum ack_status status;
		const char *text;
	} rows[] = {
		{ACK_ACCEPTED, "\"status\":\"accepted\",\"code\":1,"},
		{ACK_LIMITED, "\"status\":\"limited\",\"code\":1,"},
		{ACK_REJECTED, "\"status\":\"rejected\",\"code\":253,"},
		{ACK_STARTED, "\"status\":\"started\",\"code\":2,"},
		{ACK_COMPLETED, "\"status\":\"completed\",\"code\":3,"},
		{ACK_SUPERSEDED, "\"status\":\"superseded\",\"code\":7,"},
		{ACK_EXPIRED, "\"status\":\"expired\",\"code\":254,"},
		{ACK_CANCELLED, "\"status\":\"cancelled\",\"code\":6,"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct ack ack = {.status = rows[i].status, .id = "x1", .seq = 5};
		struct ack_view view = {.source = "utility", .boot = "b"};

		CU_ASSERT_TRUE(shows(render_ack(&ack, &view), rows[i].text));
	}
}

static void ack_times_are_wall_times_or_null(void)
{
	struct ack ack = {
		.status = ACK_REJECTED,
		.reason = REASON_STALE,
		.id = "x1",
		.seq = -1,
		.received_ms = 1000500,
		.p_req_w = (double)NAN,
	};
	struct ack_view view = {
		.source = "utility",
		.boot = "b",
		.utc_offset_ms = report.utc_ms - report.now_ms,
		.ts_utc_ms = 5,
	};

	CU_ASSERT_TRUE(shows(render_ack(&ack, &view), "\"seq\":null,"));
	CU_ASSERT_TRUE(shows(render_ack(&ack, &view), "\"ts\":5,\"t_rx\":1700000000500,"));
	CU_ASSERT_TRUE(shows(render_ack(&ack, &view), "\"p_req_w\":null,"));
	CU_ASSERT_TRUE(shows(render_ack(&ack, &view),
			     "\"expires\":null,\"detail\":\"command is too old\"}"));
	view.detail = "too old by 3 s";
	CU_ASSERT_TRUE(shows(render_ack(&ack, &view), "\"detail\":\"too old by 3 s\"}"));
}

static void status_says_who_and_why(void)
{
	struct status_view view = {
		.online = false, .boot = "b-1", .reason = "lost", .conn = 3, .ts_utc_ms = 9};

	CU_ASSERT_TRUE(shows(render_status(&view),
			     "{\"v\":1,\"online\":false,\"boot\":\"b-1\",\"conn\":3,\"ts\":9,"
			     "\"clock_synced\":false,"));
	CU_ASSERT_TRUE(shows(render_status(&view), "\"reason\":\"lost\"}"));
}

static void every_reason_has_words_fit_for_a_document(void)
{
	for (int i = 0; i < REASON_COUNT; i++) {
		const struct reason_text *text = reason_text((enum reason)i);

		CU_ASSERT_TRUE(strlen(text->sentence) < 121);
		CU_ASSERT_EQUAL(strspn(text->word, "abcdefghijklmnopqrstuvwxyz_"),
				strlen(text->word));
		for (int k = 0; k < i; k++)
			CU_ASSERT_STRING_NOT_EQUAL(text->word, reason_text((enum reason)k)->word);
	}
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(unknown_numbers_are_null),
		TEST(numbers_are_rounded_and_zero_has_no_sign),
		TEST(counters_of_the_link_are_shown),
		TEST(without_a_winner_active_names_nobody),
		TEST(expiry_is_wall_time),
		TEST(limits_name_the_binding_pack_and_each_reason_once),
		TEST(event_sentence_names_pack_and_numbers),
		TEST(a_notice_names_who_and_how_often),
		TEST(event_document_carries_code_severity_and_sunspec_bit),
		TEST(every_ack_status_has_its_response_number),
		TEST(ack_times_are_wall_times_or_null),
		TEST(status_says_who_and_why),
		TEST(every_reason_has_words_fit_for_a_document),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"render", make_world, NULL, NULL, NULL, tests},
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
