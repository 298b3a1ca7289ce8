#include <math.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "core/report.h"
#include "core/rules.h"

static struct bank bank;
static struct bank_inputs in;
static struct bank_outputs out;
static struct bank_report report;

static void two_packs(void)
{
	memset(&bank, 0, sizeof bank);
	memset(&in, 0, sizeof in);
	memset(&out, 0, sizeof out);
	bank.site.n_packs = 2;
	bank.site.n_sources = 2;
	strcpy(bank.site.pack[0].id, "leaf-a");
	strcpy(bank.site.pack[1].id, "i3-b");
	strcpy(bank.site.source[1].id, "utility");
	bank.dispatch.winner = -1;
	bank.plan.join = bank.plan.leave = -1;
	bank.now.pack[0].pack_v = 360.0;
	bank.now.pack[1].pack_v = 365.0;
}

static const char *state_of(enum contactor_state state)
{
	bank.contactor[0].state = state;
	bank_report(&bank, &in, &out, &report);
	return report.pack[0].state;
}

static void each_contactor_state_has_its_word(void)
{
	two_packs();
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_UNPROVEN), "open");
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_OPEN), "open");
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_CLOSE_FIRST), "joining");
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_CLOSE_SECOND), "joining");
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_CLOSED), "closed");
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_LEAVING), "leaving");
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_OPEN_FIRST), "leaving");
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_OPEN_SECOND), "leaving");
	bank.contactor[0].by_precharge = true;
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_CLOSE_FIRST), "precharge");
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_PRECHARGE), "precharge");
	bank.contactor[0].isolated = true;
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_OPEN), "isolated");
}

static void a_weld_is_named_before_silence_and_silence_before_a_latch(void)
{
	two_packs();
	bank.protect.pack[0].rule[5].latched = true;
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_OPEN), "quarantined");
	CU_ASSERT_TRUE(report.pack[0].latched);
	CU_ASSERT_FALSE(report.pack[1].latched);
	bank.now.pack[0].pack_v = bank.now.pack[0].current_a = NAN;
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_OPEN), "offline");
	bank.contactor[0].welded[POLE_PRECHARGE] = true;
	CU_ASSERT_STRING_EQUAL(state_of(CONTACTOR_OPEN), "welded");
}

static void the_reason_says_what_forbids_then_what_waits_then_what_limits(void)
{
	struct permit *permit = &bank.protect.pack[0].permit;

	two_packs();
	permit->dis_reason = REASON_CELL_LOW;
	permit->dis_a = 12.0;
	bank.contactor[0].wait = REASON_JOIN_WAIT;
	bank.contactor[0].wait_value = 360.0;
	bank.contactor[0].wait_threshold = 366.0;
	state_of(CONTACTOR_CLOSED);
	CU_ASSERT_EQUAL(report.pack[0].reason, REASON_CELL_LOW);
	CU_ASSERT_DOUBLE_EQUAL(report.pack[0].lim_dis_a, 12.0, 0.0);
	state_of(CONTACTOR_OPEN);
	CU_ASSERT_EQUAL(report.pack[0].reason, REASON_JOIN_WAIT);
	CU_ASSERT_DOUBLE_EQUAL(report.pack[0].reason_threshold, 366.0, 0.0);
	bank.plan.leave = 0;
	bank.plan.leave_reason = REASON_OWN_FLOOR;
	state_of(CONTACTOR_LEAVING);
	CU_ASSERT_EQUAL(report.pack[0].reason, REASON_OWN_FLOOR);
	bank.dispatch.disabled = 1;
	state_of(CONTACTOR_OPEN);
	CU_ASSERT_EQUAL(report.pack[0].reason, REASON_DISABLED);
	CU_ASSERT_TRUE(report.pack[0].disabled);
	permit->reason = REASON_OVER_TEMPERATURE;
	permit->value = 61.0;
	state_of(CONTACTOR_OPEN);
	CU_ASSERT_EQUAL(report.pack[0].reason, REASON_OVER_TEMPERATURE);
	CU_ASSERT_DOUBLE_EQUAL(report.pack[0].reason_value, 61.0, 0.0);
}

static void measured_power_is_that_of_the_sites_point_and_may_be_unknown(void)
{
	two_packs();
	bank.now.pcs_ac_w = 9800.0;
	bank.now.pcs_dc_w = 10000.0;
	bank_report(&bank, &in, &out, &report);
	CU_ASSERT_DOUBLE_EQUAL(report.p_w, 10000.0, 0.0);
	bank.site.grid.measured_at_ac = true;
	bank_report(&bank, &in, &out, &report);
	CU_ASSERT_DOUBLE_EQUAL(report.p_w, 9800.0, 0.0);
	bank.now.pcs_ac_w = NAN;
	bank_report(&bank, &in, &out, &report);
	CU_ASSERT_TRUE(isnan(report.p_w));
}

static void the_one_in_command_is_named(void)
{
	two_packs();
	bank_report(&bank, &in, &out, &report);
	CU_ASSERT_STRING_EQUAL(report.winner_id, "");
	bank.dispatch.winner = 1;
	bank.dispatch.mode = MODE_SETPOINT;
	bank.dispatch.target_w = 5e3;
	bank.dispatch.ramped_w = 4e3;
	strcpy(bank.dispatch.source[1].now.id, "order-7");
	bank_report(&bank, &in, &out, &report);
	CU_ASSERT_STRING_EQUAL(report.winner_id, "utility");
	CU_ASSERT_STRING_EQUAL(report.command_id, "order-7");
	CU_ASSERT_DOUBLE_EQUAL(report.p_target_w, 5e3, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(report.p_ramped_w, 4e3, 0.0);
}

static void packs_are_summed_and_the_worst_contactor_counts(void)
{
	two_packs();
	bank.contactor[1].connected = true;
	bank.life[0].wh_dis = 100.0;
	bank.life[1].wh_dis = 50.0;
	bank.life[0].wear[POLE_POSITIVE] = (struct contactor_wear){.operations = 7, .miner = 0.2};
	bank.life[0].wear[POLE_NEGATIVE] = (struct contactor_wear){.operations = 6, .miner = 0.3};
	bank.now.pack[0].temp_min_c = NAN;
	bank.now.pack[0].temp_max_c = NAN;
	bank.now.pack[1].temp_min_c = 11.0;
	bank.now.pack[1].temp_max_c = 14.0;
	bank_report(&bank, &in, &out, &report);
	CU_ASSERT_EQUAL(report.packs_connected, 1);
	CU_ASSERT_EQUAL(report.packs_total, 2);
	CU_ASSERT_TRUE(report.pack[1].connected);
	CU_ASSERT_FALSE(report.pack[0].connected);
	CU_ASSERT_DOUBLE_EQUAL(report.wh_dis, 150.0, 0.0);
	CU_ASSERT_EQUAL(report.pack[0].operations, 7);
	CU_ASSERT_DOUBLE_EQUAL(report.pack[0].wear, 0.3, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(report.t_min_c, 11.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(report.t_max_c, 14.0, 0.0);
	bank.now.pack[1].temp_min_c = bank.now.pack[1].temp_max_c = NAN;
	bank_report(&bank, &in, &out, &report);
	CU_ASSERT_TRUE(isnan(report.t_min_c) && isnan(report.t_max_c));
}

static void what_stands_is_listed_for_who_comes_later(void)
{
	struct event list[3];

	two_packs();
	bank.site.n_pcs = 1;
	bank.start_ms = 100;
	bank.protect.pack[1].rule[3] = (struct rule_result){
		.active = true, .told = true, .active_ms = 900, .value = 4.3, .threshold = 4.2};
	bank.protect.pack[1].rule[4].active = true; /* not told yet */
	bank.protect.pack[1].active[0] = 3u << 3;
	bank.protect.pcs[0].rule[1].active = bank.protect.pcs[0].rule[1].told = true;
	bank.protect.rule[2].told = true; /* not active any more */
	bank.protect.rule[1].active = bank.protect.rule[1].told = true;
	CU_ASSERT_EQUAL(standing_list(&bank, list, 3), 3);
	CU_ASSERT_EQUAL(list[0].reason, bank_rules[1].reason);
	CU_ASSERT_TRUE(list[0].pack == -1 && list[0].pcs == -1);
	CU_ASSERT_EQUAL(list[0].at_ms, 100);
	CU_ASSERT_EQUAL(list[1].reason, pcs_rules[1].reason);
	CU_ASSERT_TRUE(list[1].pack == -1 && list[1].pcs == 0);
	CU_ASSERT_EQUAL(list[2].reason, pack_rules[3].reason);
	CU_ASSERT_TRUE(list[2].pack == 1 && list[2].pcs == -1);
	CU_ASSERT_EQUAL(list[2].at_ms, 900);
	CU_ASSERT_EQUAL(list[2].value, 4.3);
	list[2].reason = REASON_OK;
	CU_ASSERT_EQUAL(standing_list(&bank, list, 2), 3);
	CU_ASSERT_EQUAL(list[2].reason, REASON_OK);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(each_contactor_state_has_its_word),
		TEST(a_weld_is_named_before_silence_and_silence_before_a_latch),
		TEST(the_reason_says_what_forbids_then_what_waits_then_what_limits),
		TEST(measured_power_is_that_of_the_sites_point_and_may_be_unknown),
		TEST(the_one_in_command_is_named),
		TEST(packs_are_summed_and_the_worst_contactor_counts),
		TEST(what_stands_is_listed_for_who_comes_later),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"report", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
