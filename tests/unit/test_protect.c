#include "hand_bank.h"

static void step(int64_t ms)
{
	hand_advance(ms);
	protect_step(&bank, &in, &out);
	hand_read();
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static struct rule_result *row(enum reason reason)
{
	for (unsigned r = 0; r < n_pack_rules; r++)
		if (pack_rules[r].reason == reason)
			return &bank.protect.pack[0].rule[r];
	return NULL;
}

static void unknown_reading_is_no_verdict_and_forbids_to_close(void)
{
	hand_init(1);
	bank.now.pack[0].pack_v = bank.now.pack[0].cell_max_v = NAN;
	step(100);
	CU_ASSERT_EQUAL(row(REASON_PACK_HIGH)->verdict, VERDICT_UNKNOWN);
	CU_ASSERT_EQUAL(row(REASON_CELL_OVERVOLTAGE)->verdict, VERDICT_UNKNOWN);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.close);
	CU_ASSERT_TRUE(bank.protect.pack[0].permit.hold);
	CU_ASSERT_EQUAL(bank.protect.pack[0].permit.reason, REASON_UNPROVEN);
	bank.now.pack[0].pack_v = 374.4;
	bank.now.pack[0].current_a = NAN;
	step(100);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.close);
	bank.now.pack[0].current_a = 0.;
	step(100);
	CU_ASSERT_TRUE(bank.protect.pack[0].permit.close);
}

static void unknown_reading_does_not_clear_a_latch_but_ends_nothing_early(void)
{
	hand_init(1);
	bank.now.pack[0].cell_max_v = 4.3;
	step(100);
	step(200);
	CU_ASSERT_TRUE(row(REASON_CELL_OVERVOLTAGE)->latched);
	bank.now.pack[0].cell_max_v = NAN;
	step(100);
	step(5000);
	CU_ASSERT_TRUE(row(REASON_CELL_OVERVOLTAGE)->active);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.hold);
}

static void flicker_shorter_than_the_delay_trips_nothing(void)
{
	hand_init(1);
	for (int i = 0; i < 50; i++) {
		bank.now.pack[0].cell_max_v = i % 2 ? 3.9 : 4.3;
		step(150);
	}
	CU_ASSERT_EQUAL(row(REASON_CELL_OVERVOLTAGE)->trips, 0);
	CU_ASSERT_EQUAL(raised[REASON_CELL_OVERVOLTAGE], 0);
}

static void what_was_never_heard_is_told_after_the_start_only(void)
{
	hand_init(1);
	bank.start_ms = bank.now_ms;
	bank.now.pack[0].electrical_known_s = INFINITY;
	step(100);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.hold);
	CU_ASSERT_EQUAL(raised[REASON_PACK_SILENT], 0);
	step(4000);
	CU_ASSERT_EQUAL(raised[REASON_PACK_SILENT], 0);
	step(1000);
	CU_ASSERT_EQUAL(raised[REASON_PACK_SILENT], 1);
	step(1000);
	CU_ASSERT_EQUAL(raised[REASON_PACK_SILENT], 1);
}

static void never_told_fault_ends_without_an_event(void)
{
	hand_init(1);
	bank.start_ms = bank.now_ms;
	bank.now.pack[0].electrical_known_s = INFINITY;
	step(100);
	bank.now.pack[0].electrical_known_s = 0.;
	step(100);
	step(1000);
	CU_ASSERT_FALSE(row(REASON_PACK_SILENT)->active);
	CU_ASSERT_EQUAL(cleared[REASON_PACK_SILENT], 0);
}

/* ---- permits --------------------------------------------------------------------------------- */

static void currents_follow_temperature_and_unknown_temperature_gives_none(void)
{
	struct permit *permit = &bank.protect.pack[0].permit;

	hand_init(1);
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(permit->cha_a, 40., 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(permit->dis_a, 60., 1e-9);
	CU_ASSERT_EQUAL(permit->cha_reason, REASON_OK);
	bank.now.pack[0].temp_min_c = bank.now.pack[0].temp_max_c = 7.5;
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(permit->cha_a, 20., 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(permit->dis_a, 55., 1e-9);
	CU_ASSERT_EQUAL(permit->cha_reason, REASON_TEMPERATURE);
	bank.now.pack[0].temp_min_c = bank.now.pack[0].temp_max_c = 40.;
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(permit->cha_a, 20., 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(permit->dis_a, 60., 1e-9);
	bank.now.pack[0].temp_min_c = bank.now.pack[0].temp_max_c = NAN;
	step(100);
	CU_ASSERT_EQUAL(permit->cha_a, 0.);
	CU_ASSERT_EQUAL(permit->dis_a, 0.);
	bank.site.pack[0].temps_required = false;
	step(100);
	step(1100);
	CU_ASSERT_DOUBLE_EQUAL(permit->cha_a, 40., 1e-9);
	bank.now.pack[0].temp_min_c = bank.now.pack[0].temp_max_c = 7.5;
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(permit->cha_a, 20., 1e-9);
}

static void bms_limits_bind_and_a_negative_one_means_none(void)
{
	struct permit *permit = &bank.protect.pack[0].permit;

	hand_init(1);
	bank.now.pack[0].dis_limit_a = 10.;
	bank.now.pack[0].cha_limit_a = -5.;
	step(100);
	CU_ASSERT_EQUAL(permit->dis_a, 10.);
	CU_ASSERT_EQUAL(permit->dis_reason, REASON_BMS_LIMIT);
	CU_ASSERT_EQUAL(permit->cha_a, 0.);
	CU_ASSERT_EQUAL(permit->cha_reason, REASON_BMS_LIMIT);
}

static void graver_rule_gives_the_reason_and_the_earlier_deadline_holds(void)
{
	struct permit *permit = &bank.protect.pack[0].permit;

	hand_init(1);
	bank.now.pack[0].aux_v = 8.;
	step(100);
	step(200);
	CU_ASSERT_EQUAL(permit->reason, REASON_AUX_LOW);
	bank.now.pack[0].cells_known_s = 6.;
	step(100);
	CU_ASSERT_EQUAL(permit->reason, REASON_CELLS_STALE);
	int64_t cells_ms = permit->hold_deadline_ms;
	CU_ASSERT_EQUAL(cells_ms, bank.now_ms + 4000);
	bank.now.pack[0].bms_flags = BMS_WELDED;
	step(100);
	CU_ASSERT_EQUAL(permit->reason, REASON_CELLS_STALE);
	CU_ASSERT_EQUAL(permit->hold_deadline_ms, bank.now_ms + 1000);
	bank.now.pack[0].bms_age_s = 6.;
	step(100);
	CU_ASSERT_EQUAL(permit->hold_deadline_ms, bank.now_ms + 900);
}

static void open_pack_at_once_disables_converters_only_while_connected(void)
{
	hand_init(2);
	bank.contactor[0].connected = true;
	bank.now.bus_v = 374.;
	protect_trip(&bank, &out, 1, REASON_FEEDBACK_LOST, 0., 2.);
	CU_ASSERT_TRUE(bank.protect.permit.pcs_enable);
	protect_trip(&bank, &out, 0, REASON_FEEDBACK_LOST, 0., 2.);
	CU_ASSERT_FALSE(bank.protect.permit.pcs_enable);
	CU_ASSERT_TRUE(bank.protect.permit.hold);
}

static void two_bank_trips_name_the_graver_and_keep_the_earlier_deadline(void)
{
	const struct bank_permit *all = &bank.protect.permit;

	hand_init(1);
	bank.site.input[INPUT_DOOR].present = bank.site.input[INPUT_INSULATION].present = true;
	bank.now.input[INPUT_DOOR] = LEVEL_TRIPPED;
	step(100);
	int64_t door_ms = all->hold_deadline_ms;
	bank.now.input[INPUT_SMOKE] = LEVEL_TRIPPED;
	bank.now.input[INPUT_INSULATION] = LEVEL_TRIPPED;
	step(1);
	step(1000);
	CU_ASSERT_EQUAL(all->reason, REASON_SMOKE);
	CU_ASSERT_EQUAL(all->hold_deadline_ms, door_ms);
	CU_ASSERT(all->fire && all->alarm);
}

static void latched_converter_trip_counts_as_a_tripped_bank(void)
{
	hand_init(1);
	bank.now.pcs[0].age_s = 3.;
	step(100);
	CU_ASSERT(!bank.protect.permit.pcs_enable && !bank.protect.permit.tripped);
	hand_init(1);
	bank.plan.power_w = 1000.;
	bank.now.pcs_ac_w = 9000.;
	step(100);
	step(2000);
	CU_ASSERT(!bank.protect.permit.pcs_enable && bank.protect.permit.tripped);
	hand_init(1);
	bank.contactor[0].connected = true;
	bank.now.bus_v = 374.;
	bank.now.pack[0].current_a = 50.;
	bank.guard.pcs_drop_ms = 0;
	step(100);
	step(10000);
	CU_ASSERT(!bank.protect.permit.power && bank.protect.permit.tripped);
	CU_ASSERT_TRUE(bank.protect.permit.hold);
}

/* ---- insulation, latches --------------------------------------------------------------------- */

static void insulation_trip_is_booked_to_the_pack_that_joined_last(void)
{
	for (unsigned last = 1; last <= 2; last++) {
		hand_init(3);
		bank.contactor[0].closed_ms = bank.now_ms - 70000;
		bank.contactor[last].closed_ms = bank.now_ms - 2000;
		bank.contactor[3 - last].closed_ms = bank.now_ms - 9000;
		bank.now.imd_ohm = 10e3;
		step(100);
		step(2000);
		CU_ASSERT_EQUAL(raised[REASON_QUARANTINED], 1);
		CU_ASSERT_EQUAL(bank.protect.pack[last].permit.reason, REASON_QUARANTINED);
		CU_ASSERT_NOT_EQUAL(bank.protect.pack[3 - last].permit.reason, REASON_QUARANTINED);
		step(2000);
		CU_ASSERT_EQUAL(raised[REASON_QUARANTINED], 1);
	}
}

static void insulation_trip_without_a_join_is_nobodys(void)
{
	hand_init(2);
	bank.contactor[0].closed_ms = bank.now_ms - 70000;
	bank.now.imd_ohm = 10e3;
	step(100);
	step(2000);
	CU_ASSERT_EQUAL(raised[REASON_INSULATION], 1);
	CU_ASSERT_EQUAL(raised[REASON_QUARANTINED], 0);
}

static void weld_that_still_reads_closed_cannot_be_cleared(void)
{
	hand_init(1);
	bank.contactor[0].welded[POLE_POSITIVE] = true;
	protect_trip(&bank, &out, 0, REASON_WELDED, 400., 200.);
	bank.now.pack[0].feedback[POLE_POSITIVE] = CONTACT_CLOSED;
	CU_ASSERT_EQUAL(protect_clear(&bank, 0, true), REASON_FAULT);
	CU_ASSERT_TRUE(bank.contactor[0].welded[POLE_POSITIVE]);
	bank.now.pack[0].feedback[POLE_POSITIVE] = CONTACT_OPEN;
	bank.contactor[0].tries = 2;
	CU_ASSERT_EQUAL(protect_clear(&bank, 0, true), REASON_OK);
	CU_ASSERT_FALSE(bank.contactor[0].welded[POLE_POSITIVE]);
	CU_ASSERT_EQUAL(bank.contactor[0].tries, 0);
}

static void clearing_with_one_cause_left_clears_nothing(void)
{
	hand_init(1);
	protect_trip(&bank, &out, 0, REASON_NO_CLOSE, 3., 3.);
	bank.now.pack[0].cell_max_v = 4.3;
	step(100);
	step(200);
	CU_ASSERT_EQUAL(protect_clear(&bank, 0, true), REASON_FAULT);
	CU_ASSERT_TRUE(row(REASON_NO_CLOSE)->latched);
	CU_ASSERT_TRUE(row(REASON_CELL_OVERVOLTAGE)->latched);
	CU_ASSERT_EQUAL(
		__builtin_popcountll(protect_latched(bank.protect.pack[0].rule, n_pack_rules)), 2);
}

static void latches_survive_a_restart(void)
{
	static struct bank_saved saved;
	static struct site site;

	hand_init(2);
	protect_trip(&bank, &out, 1, REASON_PRECHARGE_SHORT, 3., 3.);
	bank.now.input[INPUT_ESTOP] = LEVEL_TRIPPED;
	step(100);
	bank_save(&bank, &in, &saved);
	site = bank.site;
	bank_init(&bank, &site, &saved);
	for (unsigned k = 0; k < 2; k++)
		hand_pack(k);
	bank.now.input[INPUT_ESTOP] = bank.now.input[INPUT_SMOKE] = LEVEL_OK;
	bank.now.supply_v = NAN;
	bank.now_ms = 100000;
	step(100);
	CU_ASSERT_FALSE(bank.protect.pack[1].permit.close);
	CU_ASSERT_EQUAL(bank.protect.pack[1].permit.reason, REASON_PRECHARGE_SHORT);
	CU_ASSERT_FALSE(bank.protect.permit.hold);
	CU_ASSERT_EQUAL(bank.protect.permit.reason, REASON_ESTOP);
	CU_ASSERT_EQUAL(protect_clear(&bank, -1, true), REASON_OK);
	step(100);
	CU_ASSERT_TRUE(bank.protect.permit.hold);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(unknown_reading_is_no_verdict_and_forbids_to_close),
		TEST(unknown_reading_does_not_clear_a_latch_but_ends_nothing_early),
		TEST(flicker_shorter_than_the_delay_trips_nothing),
		TEST(what_was_never_heard_is_told_after_the_start_only),
		TEST(never_told_fault_ends_without_an_event),
		TEST(currents_follow_temperature_and_unknown_temperature_gives_none),
		TEST(bms_limits_bind_and_a_negative_one_means_none),
		TEST(graver_rule_gives_the_reason_and_the_earlier_deadline_holds),
		TEST(open_pack_at_once_disables_converters_only_while_connected),
		TEST(two_bank_trips_name_the_graver_and_keep_the_earlier_deadline),
		TEST(latched_converter_trip_counts_as_a_tripped_bank),
		TEST(insulation_trip_is_booked_to_the_pack_that_joined_last),
		TEST(insulation_trip_without_a_join_is_nobodys),
		TEST(weld_that_still_reads_closed_cannot_be_cleared),
		TEST(clearing_with_one_cause_left_clears_nothing),
		TEST(latches_survive_a_restart),
		CU_TEST_INFO_NULL,
	};

	return hand_run("protect", tests);
}
