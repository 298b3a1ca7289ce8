#include "hand_bank.h"
#include "core/join.h"

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

static void healthy_pack_does_not_end_what_another_reports(void)
{
	for (unsigned ill = 0; ill < 2; ill++) {
		hand_init(2);
		bank.now.pack[ill].bms_flags = BMS_FAULT;
		for (int i = 0; i < 50; i++) {
			step(100);
			CU_ASSERT_FALSE(bank.protect.pack[ill].permit.hold);
			CU_ASSERT_EQUAL(bank.protect.pack[ill].permit.reason, REASON_BMS_FAULT);
			CU_ASSERT_TRUE(bank.protect.pack[1 - ill].permit.hold);
		}
	}
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

static void reasons_that_take_turns_win_no_time(void)
{
	struct permit *permit = &bank.protect.pack[0].permit;

	hand_init(1);
	bank.now.pack[0].electrical_known_s = 5.;
	step(100);
	int64_t deadline_ms = permit->hold_deadline_ms;
	CU_ASSERT_FALSE(permit->hold);
	for (int i = 0; i < 4; i++) {
		bank.now.pack[0].electrical_known_s = i % 2 ? 5. : 0.;
		bank.now.pack[0].counter_age_s = i % 2 ? 0. : 5.;
		step(100);
		step(1000); /* the one before has ended */
		CU_ASSERT_EQUAL(row(REASON_PACK_SILENT)->active, i % 2 != 0);
		CU_ASSERT_EQUAL(row(REASON_COUNTER_FROZEN)->active, i % 2 == 0);
		CU_ASSERT_EQUAL(permit->hold_deadline_ms, deadline_ms);
	}
	bank.now.pack[0].electrical_known_s = bank.now.pack[0].counter_age_s = 0.;
	step(100);
	step(1000);
	CU_ASSERT_TRUE(permit->hold);
	bank.now.pack[0].electrical_known_s = 5.;
	step(100);
	CU_ASSERT_TRUE(permit->hold_deadline_ms > bank.now_ms);
}

static void current_above_the_fuse_is_left_to_the_fuse_for_three_seconds(void)
{
	struct permit *permit = &bank.protect.pack[0].permit;

	hand_init(1);
	bank.contactor[0].state = CONTACTOR_CLOSED;
	bank.contactor[0].connected = true;
	bank.now.pack[0].current_a = 400.;
	step(100);
	int64_t fuse_ms = bank.now_ms + 3000;
	step(200); /* far above its limit, too: that row alone would open after 1 s */
	CU_ASSERT_TRUE(row(REASON_OVERCURRENT_TRIP)->active && row(REASON_FUSE_CURRENT)->active);
	CU_ASSERT_EQUAL(permit->hold_deadline_ms, fuse_ms);
	CU_ASSERT_TRUE(permit->immediate && !bank.protect.permit.pcs_enable);
	CU_ASSERT_TRUE(bank.protect.permit.alarm);
	bank.now.pack[0].current_a = bank.site.pack[0].limit.fuse_a - 1.; /* the row clears later */
	step(100);
	CU_ASSERT_EQUAL(row(REASON_FUSE_CURRENT)->verdict, VERDICT_FAIL);
	CU_ASSERT_TRUE(permit->hold_deadline_ms < fuse_ms - 1000);
	bank.now.pack[0].current_a = 150.; /* no work for a fuse any more */
	step(100);
	CU_ASSERT_TRUE(permit->hold_deadline_ms < fuse_ms - 1000);
	CU_ASSERT_TRUE(row(REASON_FUSE_CURRENT)->active);
	bank.now.input[INPUT_ESTOP] = LEVEL_TRIPPED; /* does not wait for anything */
	bank.now.pack[0].current_a = 400.;
	step(100);
	CU_ASSERT_EQUAL(bank.protect.permit.hold_deadline_ms, bank.now_ms + 500);
}

static void value_that_stands_still_at_rest_blocks_joins_and_nothing_else(void)
{
	struct permit *permit = &bank.protect.pack[0].permit;
	struct join_check check;

	hand_init(2);
	for (unsigned k = 0; k < 2; k++) {
		bank.contactor[k].state = k ? CONTACTOR_CLOSED : CONTACTOR_OPEN;
		bank.contactor[k].connected = k;
		in.pack[k].counts = false;
		in.pack[k].pack_v = 374.4;
		in.pack[k].current_a = 0.;
	}
	bank.now.bus_v = 374.4;
	limits_of_set(bank.limits.pack, 2, &bank.limits.bus, &bank.limits.set);
	step(100);
	join_check(&bank, 0, &check);
	CU_ASSERT_TRUE(check.ok);
	for (int minute = 0; minute < 20; minute++)
		step(60000);
	join_check(&bank, 0, &check);
	CU_ASSERT_EQUAL(check.reason, REASON_UNPROVEN);
	CU_ASSERT_TRUE(permit->close && permit->hold);
	CU_ASSERT_TRUE(bank.protect.pack[1].permit.hold && bank.protect.pack[1].permit.dis_a > 0.);
	for (unsigned k = 0; k < 2; k++)
		CU_ASSERT(bank.protect.pack[k].active[0] == 0 && bank.protect.pack[k].active[1] == 0);
	in.pack[0].current_a = 0.1;
	step(100);
	join_check(&bank, 0, &check);
	CU_ASSERT_TRUE(check.ok);
}

static void share_is_judged_against_all_packs_and_not_by_a_fixed_current(void)
{
	hand_init(3);
	for (unsigned k = 0; k < 3; k++) {
		bank.contactor[k].state = CONTACTOR_CLOSED;
		bank.contactor[k].connected = true;
		bank.now.pack[k].current_a = 20.;
	}
	bank.now.bus_v = bank.now.pack[0].pack_v;
	bank.now.pcs_dc_w = 60. * 370.;
	bank.now.pcs_dc_a = 60.;
	bank.plan.power_w = bank.now.pcs_ac_w = bank.now.pcs_dc_w;
	step(100);
	step(11000);
	CU_ASSERT_FALSE(row(REASON_SHARE)->active);
	/* A strong pack beside two weak ones carries most, as it should. */
	bank.estimate[0].r_10s_ohm = 0.05;
	bank.now.pack[0].current_a = 36.;
	bank.now.pack[1].current_a = bank.now.pack[2].current_a = 12.;
	step(11000);
	CU_ASSERT_FALSE(row(REASON_SHARE)->active);
	/* Two bad contacts: one pack carries all. */
	for (unsigned k = 0; k < 3; k++)
		bank.estimate[k].r_10s_ohm = 0.15;
	bank.now.pack[0].current_a = 59.;
	bank.now.pack[1].current_a = bank.now.pack[2].current_a = 0.5;
	step(100);
	step(9800);
	CU_ASSERT_FALSE(row(REASON_SHARE)->active);
	step(300);
	CU_ASSERT_TRUE(row(REASON_SHARE)->active);
	bank.contactor[2].state = CONTACTOR_CLOSE_SECOND; /* one on its way: no prediction */
	step(100);
	CU_ASSERT_EQUAL(row(REASON_SHARE)->verdict, VERDICT_UNKNOWN);
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

static void pack_that_burns_goes_ahead_of_the_others(void)
{
	hand_init(2);
	step(100);
	protect_trip(&bank, &out, 1, REASON_THERMAL_RUNAWAY, 2., 1.);
	for (int i = 0; i < 2; i++) {
		const struct permit *burns = &bank.protect.pack[1].permit;
		int64_t active_ms = bank.now_ms - 100 * i;
		CU_ASSERT(burns->goes_first && burns->immediate && !burns->hold);
		CU_ASSERT_EQUAL(burns->hold_deadline_ms, active_ms + 400);
		CU_ASSERT(bank.protect.permit.fire && !bank.protect.permit.hold);
		CU_ASSERT_EQUAL(bank.protect.permit.hold_deadline_ms, active_ms + 500);
		CU_ASSERT_FALSE(bank.protect.pack[0].permit.goes_first);
		step(100);
	}
	protect_trip(&bank, &out, 0, REASON_CELL_OVERVOLTAGE, 4.3, 4.2);
	CU_ASSERT(bank.protect.pack[0].permit.immediate && !bank.protect.pack[0].permit.goes_first);
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

static void without_a_converter_the_enable_falls_for_the_gravest_reason(void)
{
	const struct bank_permit *all = &bank.protect.permit;

	hand_init(1);
	bank.now.pcs[0].state = PCS_FAULT;
	step(100);
	CU_ASSERT(!all->pcs_enable && !all->power && !all->close && all->hold);
	CU_ASSERT_EQUAL(all->reason, REASON_PCS_FAULT);
	bank.now.input[INPUT_SMOKE] = LEVEL_TRIPPED;
	step(100);
	CU_ASSERT_EQUAL(all->reason, REASON_SMOKE);
	hand_init(1); /* lost, and in fault besides: the first row gives the reason */
	bank.now.pcs[0].age_s = 100.;
	bank.now.pcs[0].state = PCS_FAULT;
	step(100);
	CU_ASSERT_TRUE(bank.protect.pcs[0].permit.lost && !bank.protect.pcs[0].permit.run);
	CU_ASSERT_EQUAL(bank.protect.pcs[0].permit.reason, REASON_PCS_LOST);
	hand_init(1);
	bank.site.n_pcs = 0;
	bank.protect.pcs[0].permit.run = false;
	step(100);
	CU_ASSERT(all->pcs_enable && all->power && all->reason == REASON_OK);
}

static void mute_converters_let_a_battery_come_up_only_if_all_of_them_steer_themselves(void)
{
	static const struct {
		bool self_steered[2];
		bool fault;
		bool closes;
	} trial[] = {
		{{true, true}, false, true},
		{{true, false}, false, false},
		{{false, true}, false, false},
		{{true, true}, true, false},
	};
	const struct bank_permit *all = &bank.protect.permit;

	for (unsigned i = 0; i < sizeof trial / sizeof trial[0]; i++) {
		hand_init(1);
		bank.site.n_pcs = 2;
		bank.site.pcs[1] = bank.site.pcs[0];
		bank.protect.pcs[1] = bank.protect.pcs[0];
		for (unsigned j = 0; j < 2; j++) {
			bank.site.pcs[j].self_steered = trial[i].self_steered[j];
			bank.now.pcs[j] = bank.now.pcs[0];
			bank.now.pcs[j].age_s = 60.;
		}
		if (trial[i].fault) {
			bank.now.pcs[1].age_s = 0.;
			bank.now.pcs[1].state = PCS_FAULT;
		}
		step(100);
		CU_ASSERT_EQUAL(all->close, trial[i].closes);
		CU_ASSERT(!all->pcs_enable && !all->power && all->hold);
		CU_ASSERT_EQUAL(all->reason, REASON_PCS_LOST);
	}
}

static void latched_converter_trip_counts_as_a_tripped_bank(void)
{
	hand_init(1);
	bank.now.pcs[0].age_s = 3.;
	step(100);
	CU_ASSERT(!bank.protect.permit.pcs_enable && !bank.protect.permit.tripped);
	hand_init(1);
	bank.converter[0].excess_w = 8000.;
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

static void nothing_closes_while_the_insulation_is_not_known(void)
{
	hand_init(1);
	bank.site.has_imd = true; /* never heard: its stamp is 0 */
	step(100);
	CU_ASSERT_FALSE(bank.protect.permit.close);
	in.imd.stamp_ms = bank.now_ms;
	bank.now.imd_fault = true; /* silent, in fault, or not measured yet */
	step(100);
	CU_ASSERT_FALSE(bank.protect.permit.close);
	bank.now.imd_fault = false;
	bank.now.imd_ohm = 1e6;
	step(100);
	step(1000);
	CU_ASSERT_TRUE(bank.protect.permit.close);
	bank.site.has_imd = false;
	bank.site.input[INPUT_INSULATION].present = true;
	bank.now.imd_ohm = NAN;
	bank.now.input[INPUT_INSULATION] = LEVEL_TRIPPED; /* so is a silent line, by fresh */
	step(100);
	step(1000);
	CU_ASSERT_FALSE(bank.protect.permit.close);
}

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

static void fan_is_judged_only_while_it_is_commanded(void)
{
	hand_init(1);
	bank.site.input[INPUT_FAN].present = true;
	bank.now.input[INPUT_FAN] = LEVEL_TRIPPED;
	for (int i = 0; i < 10; i++)
		step(10000);
	CU_ASSERT_EQUAL(raised[REASON_FAN], 0);
	CU_ASSERT_EQUAL(bank.protect.permit.derate, 1.);
	bank.plan.fan = true;
	step(100);
	step(29900);
	CU_ASSERT_EQUAL(raised[REASON_FAN], 0);
	step(100);
	CU_ASSERT_EQUAL(raised[REASON_FAN], 1);
	CU_ASSERT_EQUAL(bank.protect.permit.derate, 0.5);
	bank.plan.fan = false;
	step(100);
	step(1000);
	CU_ASSERT_EQUAL(cleared[REASON_FAN], 1);
	CU_ASSERT_EQUAL(bank.protect.permit.derate, 1.);
}

/* ---- auxiliary contacts ---------------------------------------------------------------------- */

static void contact_that_cannot_be_read_makes_the_pack_leave_and_come_back(void)
{
	const struct permit *permit = &bank.protect.pack[0].permit;

	for (int pole = 0; pole < POLE_COUNT; pole++) {
		hand_init(2);
		bank.now.pack[0].feedback_known_s[pole] = 0.5;
		step(100);
		CU_ASSERT(permit->close && permit->hold);
		bank.now.pack[0].feedback_known_s[pole] = 0.6;
		step(100);
		CU_ASSERT_FALSE(permit->close || permit->hold || permit->immediate);
		CU_ASSERT_EQUAL(permit->reason, REASON_FEEDBACK_UNKNOWN);
		CU_ASSERT_EQUAL(permit->hold_deadline_ms, bank.now_ms + 4000);
		CU_ASSERT_EQUAL(raised[REASON_FEEDBACK_UNKNOWN], 1);
		CU_ASSERT(bank.protect.permit.alarm && bank.protect.permit.hold);
		CU_ASSERT_TRUE(bank.protect.pack[1].permit.hold);
		bank.now.pack[0].feedback_known_s[pole] = 0.;
		step(100);
		step(1000);
		CU_ASSERT(permit->close && permit->hold && !bank.protect.permit.alarm);
		CU_ASSERT_EQUAL(cleared[REASON_FEEDBACK_UNKNOWN], 1);
	}
}

static void contact_never_read_is_told_five_seconds_after_the_start(void)
{
	hand_init(1);
	bank.start_ms = bank.now_ms;
	bank.now.pack[0].feedback_known_s[POLE_NEGATIVE] = INFINITY;
	step(4900);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.close);
	CU_ASSERT_EQUAL(raised[REASON_FEEDBACK_UNKNOWN], 0);
	step(100);
	CU_ASSERT_EQUAL(raised[REASON_FEEDBACK_UNKNOWN], 1);
}

static void contact_that_is_not_fitted_or_a_bms_reports_is_not_missed(void)
{
	hand_init(2);
	bank.site.pack[0].contactors.feedback[POLE_NEGATIVE] = false;
	bank.now.pack[0].feedback_known_s[POLE_NEGATIVE] = INFINITY;
	bank.site.pack[1].contactors.by_frames = true;
	bank.now.pack[1].feedback_known_s[POLE_POSITIVE] = INFINITY;
	step(100);
	step(10000);
	CU_ASSERT_EQUAL(raised[REASON_FEEDBACK_UNKNOWN], 0);
	CU_ASSERT(bank.protect.pack[0].permit.hold && bank.protect.pack[1].permit.hold);
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
		TEST(healthy_pack_does_not_end_what_another_reports),
		TEST(unknown_reading_does_not_clear_a_latch_but_ends_nothing_early),
		TEST(flicker_shorter_than_the_delay_trips_nothing),
		TEST(what_was_never_heard_is_told_after_the_start_only),
		TEST(never_told_fault_ends_without_an_event),
		TEST(currents_follow_temperature_and_unknown_temperature_gives_none),
		TEST(bms_limits_bind_and_a_negative_one_means_none),
		TEST(graver_rule_gives_the_reason_and_the_earlier_deadline_holds),
		TEST(reasons_that_take_turns_win_no_time),
		TEST(current_above_the_fuse_is_left_to_the_fuse_for_three_seconds),
		TEST(value_that_stands_still_at_rest_blocks_joins_and_nothing_else),
		TEST(share_is_judged_against_all_packs_and_not_by_a_fixed_current),
		TEST(open_pack_at_once_disables_converters_only_while_connected),
		TEST(pack_that_burns_goes_ahead_of_the_others),
		TEST(two_bank_trips_name_the_graver_and_keep_the_earlier_deadline),
		TEST(without_a_converter_the_enable_falls_for_the_gravest_reason),
		TEST(mute_converters_let_a_battery_come_up_only_if_all_of_them_steer_themselves),
		TEST(latched_converter_trip_counts_as_a_tripped_bank),
		TEST(nothing_closes_while_the_insulation_is_not_known),
		TEST(insulation_trip_is_booked_to_the_pack_that_joined_last),
		TEST(insulation_trip_without_a_join_is_nobodys),
		TEST(fan_is_judged_only_while_it_is_commanded),
		TEST(contact_that_cannot_be_read_makes_the_pack_leave_and_come_back),
		TEST(contact_never_read_is_told_five_seconds_after_the_start),
		TEST(contact_that_is_not_fitted_or_a_bms_reports_is_not_missed),
		TEST(weld_that_still_reads_closed_cannot_be_cleared),
		TEST(clearing_with_one_cause_left_clears_nothing),
		TEST(latches_survive_a_restart),
		CU_TEST_INFO_NULL,
	};

	return hand_run("protect", tests);
}
