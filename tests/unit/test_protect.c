#include "hand_bank.h"

/* ---- one row after the other ----------------------------------------------------------------- */

static void step(int64_t ms)
{
	hand_advance(ms);
	protect_step(&bank, &in, &out);
	hand_read();
}

static void closed(unsigned k)
{
	bank.contactor[k].state = CONTACTOR_CLOSED;
	bank.contactor[k].connected = true;
	bank.now.bus_v = bank.now.pack[k].pack_v;
}

/* Makes the measure read v on pack 0; everything else stays healthy. */
static void set_pack_reading(enum pack_measure measure, double v)
{
	struct pack_now *now = &bank.now.pack[0];
	struct protect_pack *protect = &bank.protect.pack[0];
	const struct pack_limits *limit = &bank.site.pack[0].limit;

	switch (measure) {
	case PACK_ELECTRICAL_AGE_S:
		now->electrical_known_s = v;
		break;
	case PACK_COUNTER_AGE_S:
		now->counter_age_s = v;
		break;
	case PACK_CELLS_AGE_S:
		now->cells_known_s = v;
		break;
	case PACK_TEMPS_AGE_S:
		now->temps_age_s = v;
		break;
	case PACK_BMS_AGE_S:
		now->bms_age_s = v;
		break;
	case PACK_LINK_DOWN:
		in.pack[0].link = v > 0.5 ? LINK_OFF : LINK_OK;
		break;
	case PACK_TX_FULL:
		in.pack[0].link_tx_full = v > 0.5;
		break;
	case PACK_FOREIGN:
		in.pack[0].link_foreign_tx = v > 0.5;
		break;
	case PACK_BAD_FRAMES:
		bank.fresh[0].bad_frames_rate = (unsigned)ceil(v);
		break;
	case PACK_FROZEN_S:
		in.pack[0].counts = false;
		in.pack[0].pack_v = protect->frozen_v = 370.;
		in.pack[0].current_a = protect->frozen_i = 5.;
		protect->frozen_s = v;
		break;
	case PACK_BMS_FAULT:
		now->bms_flags = v > 0.5 ? BMS_FAULT : 0;
		break;
	case PACK_BMS_OPEN:
		now->bms_flags = v > 0.5 ? BMS_WANTS_OPEN : 0;
		break;
	case PACK_BMS_NO_CHARGE:
		now->bms_flags = v > 0.5 ? BMS_NO_CHARGE : 0;
		break;
	case PACK_BMS_NO_DISCHARGE:
		now->bms_flags = v > 0.5 ? BMS_NO_DISCHARGE : 0;
		break;
	case PACK_SWAPPED:
		bank.site.pack[0].serial = 7;
		in.pack[0].serial = v > 0.5 ? 8 : 7;
		break;
	case PACK_CELL_MAX_V:
		now->cell_max_v = now->cell_min_v = v;
		break;
	case PACK_CELL_MIN_V:
		now->cell_min_v = now->cell_max_v = v;
		break;
	case PACK_V:
		now->pack_v = now->cell_sum_v = v;
		break;
	case PACK_CELL_SUM:
		now->cell_sum_v = now->pack_v * (1. - v);
		break;
	case PACK_CELL_SPREAD_V:
		now->cell_min_v = now->cell_max_v - v;
		break;
	case PACK_TEMP_MAX_C:
		now->temp_max_c = now->temp_min_c = v;
		break;
	case PACK_TEMP_MIN_C:
		now->temp_min_c = now->temp_max_c = v;
		break;
	case PACK_TEMP_SPREAD_K:
		now->temp_min_c = now->temp_max_c - v;
		break;
	case PACK_TEMP_RISE_K_S:
		protect->temp_then_ms = bank.now_ms;
		protect->temp_rise_k_s = v;
		break;
	case PACK_TEMPS_BAD:
		now->temps_bad = v > 0.5;
		break;
	case PACK_SOC_IMPLAUSIBLE:
		now->cell_max_v = limit->cell_max_v - 0.01;
		now->soc = v > 0.5 ? 0.3 : 0.9;
		break;
	case PACK_DIS_RATIO:
		closed(0);
		now->current_a = v * num_max(protect->permit.dis_a, 0.1 * limit->dis_max_a);
		break;
	case PACK_CHA_RATIO:
		closed(0);
		now->current_a = -v * num_max(protect->permit.cha_a, 0.1 * limit->cha_max_a);
		break;
	case PACK_RATED_RATIO:
		closed(0);
		protect->rated_dis_a = limit->dis_max_a;
		now->current_a = v * limit->dis_max_a;
		break;
	case PACK_CURRENT_A:
		closed(0);
		now->current_a = v;
		break;
	case PACK_LINK_DIFF_V:
		closed(0);
		bank.now.bus_v = now->pack_v - v;
		break;
	case PACK_OPEN_CURRENT_A:
		bank.contactor[0].state = CONTACTOR_OPEN;
		now->current_a = v;
		break;
	case PACK_CIRCULATION_A:
		closed(0);
		now->current_a = -(protect->permit.cha_a + v);
		break;
	case PACK_CHATTER:
		bank.fresh[0].chatter = (uint16_t)ceil(v);
		break;
	case PACK_INSULATION_OHM:
		now->insulation_ohm = v;
		break;
	case PACK_AUX_V:
		now->aux_v = v;
		break;
	case PACK_TOLD:
	case PACK_MEASURE_COUNT:
		CU_FAIL("not a reading");
		break;
	}
}

static void set_bank_reading(unsigned measure, double v)
{
	struct now *now = &bank.now;

	if (measure < INPUT_COUNT) {
		bank.site.input[measure].present = true;
		now->input[measure] = v > 0.5 ? LEVEL_TRIPPED : LEVEL_OK;
		return;
	}
	switch ((int)measure) {
	case BANK_TRIP_WELD:
		bank.contactor[0].trip_weld = v > 0.5;
		break;
	case BANK_IMD_OHM:
		now->imd_ohm = v;
		break;
	case BANK_IMD_FAULT:
		now->imd_fault = v > 0.5;
		break;
	case BANK_SUPPLY_V:
		now->supply_v = v;
		break;
	case BANK_BUS_CONNECTED_V:
		bank.contactor[0].connected = true;
		now->bus_v = v;
		break;
	case BANK_BUS_V:
		now->bus_v = v;
		break;
	case BANK_BUS_AGE_S:
		now->bus_age_s = v;
		break;
	case BANK_BUS_LIVE_V:
		bank.protect.bus_free_ms = 1;
		now->bus_v = v;
		break;
	case BANK_PCS_AGE_S:
		now->pcs[0].age_s = v;
		break;
	case BANK_PCS_AGE_INHIBITED_S:
		bank.contactor[0].connected = true;
		now->bus_v = 374.;
		now->pack[0].bms_flags = BMS_NO_DISCHARGE;
		now->pcs[0].age_s = v;
		break;
	case BANK_PCS_FAULT:
		now->pcs[0].state = v > 0.5 ? PCS_FAULT : PCS_OFF;
		break;
	case BANK_PCS_EXCESS_W:
		bank.plan.power_w = -10000.;
		now->pcs_ac_w = -10000. - v;
		break;
	case BANK_PCS_SIGN_W:
		bank.plan.power_w = -30000.;
		now->pcs_ac_w = v;
		break;
	case BANK_PCS_RUNAWAY_W:
		bank.contactor[0].connected = true;
		now->bus_v = 374.;
		bank.guard.pcs_drop_ms = 1;
		now->pack[0].current_a = v / 374.;
		now->pcs_dc_a = v / 374.;
		break;
	case BANK_CURRENT_SUM_A:
		bank.contactor[0].connected = true;
		now->bus_v = 374.;
		now->pack[0].current_a = v;
		break;
	case BANK_METER_AGE_S:
		bank.site.grid.has_meter = true;
		now->meter_age_s = v;
		break;
	case BANK_LATE_MS:
		in.lateness_ms = (int32_t)v;
		break;
	case BANK_GPIO_GONE:
		in.gpio = v > 0.5 ? GPIO_GONE : GPIO_OK;
		break;
	case BANK_UNCOMMISSIONED:
		bank.site.real_contactors = true;
		in.commissioned = !(v > 0.5);
		break;
	case BANK_BROKER_LOST:
		in.broker_connected = !(v > 0.5);
		break;
	default:
		CU_FAIL("no such reading");
		break;
	}
}

/* What a row is tried with. */
struct trial {
	const struct rule *rule;
	struct rule_result *result;
	int pack;
	double bound, beyond, inside;
};

static void set_reading(const struct trial *trial, double v)
{
	if (trial->pack < 0)
		set_bank_reading(trial->rule->measure, v);
	else
		set_pack_reading((enum pack_measure)trial->rule->measure, v);
}

/* Just beyond the bound, and safely inside its hysteresis. */
static struct trial trial_of(int pack, unsigned r)
{
	struct trial trial = {
		.rule = pack < 0 ? &bank_rules[r] : &pack_rules[r],
		.result = pack < 0 ? &bank.protect.rule[r] : &bank.protect.pack[0].rule[r],
		.pack = pack,
		.bound = pack < 0 ? bank.protect.bound[r] : bank.protect.pack[0].bound[r],
	};
	double sign = trial.rule->side == ABOVE ? 1. : -1.;
	double margin = 0.02 * fabs(trial.bound) + 1e-6;

	if (trial.bound == 0.)
		margin = 1.;
	if (pack >= 0 &&
	    (trial.rule->measure == PACK_CELL_MAX_V || trial.rule->measure == PACK_CELL_MIN_V))
		margin = 0.01;
	trial.beyond = trial.bound + sign * margin;
	trial.inside = trial.bound - sign * (trial.rule->hysteresis + margin);
	return trial;
}

static void assert_pack_action(const struct trial *trial, const struct permit *before)
{
	const struct permit *permit = &bank.protect.pack[0].permit;
	const struct bank_permit *all = &bank.protect.permit;
	int64_t deadline_ms = trial->result->active_ms + trial->rule->deadline_ms;

	switch (trial->rule->action) {
	case ACTION_WARN:
		CU_ASSERT(permit->close && permit->hold);
		break;
	case ACTION_NO_CLOSE:
		CU_ASSERT(!permit->close && permit->hold);
		CU_ASSERT_EQUAL(permit->reason, trial->rule->reason);
		break;
	case ACTION_HALVE:
		CU_ASSERT(permit->dis_a <= before->dis_a / 2. && permit->dis_a > 0.);
		CU_ASSERT(permit->cha_a <= before->cha_a / 2.);
		break;
	case ACTION_NO_CHARGE:
		CU_ASSERT_EQUAL(permit->cha_a, 0.);
		break;
	case ACTION_NO_DISCHARGE:
		CU_ASSERT_EQUAL(permit->dis_a, 0.);
		break;
	case ACTION_LEAVE:
		CU_ASSERT(!permit->hold && permit->hold_deadline_ms <= deadline_ms);
		CU_ASSERT(permit->dis_a == 0. && permit->cha_a == 0. && !permit->close);
		break;
	case ACTION_FIRE:
		CU_ASSERT(all->fire);
		/* fall through */
	case ACTION_BANK_OPEN:
		CU_ASSERT(!all->hold && !all->pcs_enable && !all->power && all->tripped);
		CU_ASSERT(all->hold_deadline_ms <= deadline_ms);
		/* fall through */
	case ACTION_OPEN:
		CU_ASSERT(permit->immediate && !permit->hold);
		CU_ASSERT(permit->hold_deadline_ms <= deadline_ms);
		break;
	case ACTION_ZERO:
	case ACTION_PCS_OFF:
		CU_FAIL("not an action of a pack rule");
		break;
	}
	CU_ASSERT(!(trial->rule->flags & RULE_ALARM) || all->alarm);
}

static void assert_bank_action(const struct trial *trial)
{
	const struct bank_permit *all = &bank.protect.permit;
	enum action action = trial->rule->action;
	bool opens = action == ACTION_OPEN || action == ACTION_FIRE;

	CU_ASSERT_EQUAL(all->hold, !opens);
	CU_ASSERT(!opens ||
		  all->hold_deadline_ms <= trial->result->active_ms + trial->rule->deadline_ms);
	CU_ASSERT(!(opens || action == ACTION_PCS_OFF) || (!all->pcs_enable && !all->power));
	CU_ASSERT(action != ACTION_ZERO || !all->power);
	CU_ASSERT_EQUAL(all->fire, action == ACTION_FIRE);
	CU_ASSERT(action < ACTION_ZERO || !all->close);
	CU_ASSERT(action != ACTION_NO_CLOSE || !all->close);
	CU_ASSERT(action != ACTION_HALVE || all->derate == 0.5);
	CU_ASSERT(!opens || all->tripped);
	CU_ASSERT(!(trial->rule->flags & RULE_ALARM) || all->alarm);
	if (action >= ACTION_NO_CLOSE)
		CU_ASSERT_NOT_EQUAL(all->reason, REASON_OK);
}

/* Not before its delay, then the action and the event; ends by itself only when it does not latch.
 */
static void try_row(int pack, unsigned r)
{
	hand_init(1);
	struct trial trial = trial_of(pack, r);
	const struct rule *rule = trial.rule;
	enum reason told;

	set_reading(&trial, trial.inside);
	step(100);
	step(100);
	struct permit before = bank.protect.pack[0].permit;
	CU_ASSERT_FALSE(trial.result->active);
	CU_ASSERT_EQUAL(trial.result->verdict, VERDICT_PASS);
	hand_forget();
	set_reading(&trial, trial.beyond);
	step(10);
	CU_ASSERT_EQUAL(trial.result->verdict, VERDICT_FAIL);
	CU_ASSERT_EQUAL(trial.result->active, rule->delay_ms == 0);
	if (rule->delay_ms > 0) {
		if (rule->delay_ms < 100)
			CU_ASSERT(out.next_step_ms <= bank.now_ms + rule->delay_ms);
		set_reading(&trial, trial.beyond);
		step(rule->delay_ms - 1);
		CU_ASSERT_FALSE(trial.result->active);
		CU_ASSERT_EQUAL(out.next_step_ms, bank.now_ms + 1);
		set_reading(&trial, trial.beyond);
		step(1);
	}
	CU_ASSERT_TRUE(trial.result->active);
	CU_ASSERT_EQUAL(trial.result->active_ms, bank.now_ms);
	CU_ASSERT_EQUAL(trial.result->threshold, trial.bound);
	CU_ASSERT(raised[rule->reason] >= 1);
	CU_ASSERT_EQUAL(trial.result->latched, (rule->flags & RULE_LATCH) != 0);
	if (pack < 0)
		assert_bank_action(&trial);
	else
		assert_pack_action(&trial, &before);
	told = protect_clear(&bank, pack, true);
	CU_ASSERT_EQUAL(told, rule->flags & RULE_LATCH ? REASON_FAULT : REASON_OK);
	hand_forget();
	set_reading(&trial, trial.inside);
	step(1);
	CU_ASSERT_TRUE(trial.result->active);
	set_reading(&trial, trial.inside);
	step(1000);
	CU_ASSERT_EQUAL(trial.result->active, (rule->flags & RULE_LATCH) != 0);
	CU_ASSERT_EQUAL(cleared[rule->reason] > 0, !(rule->flags & RULE_LATCH));
	if (!(rule->flags & RULE_LATCH))
		return;
	if (rule->flags & RULE_LOCAL) {
		CU_ASSERT_EQUAL(protect_clear(&bank, pack, false), REASON_LOCAL_LOCK);
		CU_ASSERT_TRUE(trial.result->latched);
	}
	CU_ASSERT_EQUAL(protect_clear(&bank, pack, true), REASON_OK);
	CU_ASSERT_FALSE(trial.result->latched || trial.result->active);
	set_reading(&trial, trial.inside);
	step(100);
	CU_ASSERT_FALSE(trial.result->active);
}

static void every_pack_row_acts_in_time_and_ends_or_latches(void)
{
	for (unsigned r = 0; r < n_pack_rules; r++)
		if (pack_rules[r].measure != PACK_TOLD)
			try_row(0, r);
}

static void every_bank_row_acts_in_time_and_ends_or_latches(void)
{
	for (unsigned r = 0; r < n_bank_rules; r++)
		try_row(-1, r);
}

static void every_told_row_acts_in_the_same_step_and_latches(void)
{
	for (unsigned r = 0; r < n_pack_rules; r++) {
		const struct rule *rule = &pack_rules[r];
		if (rule->measure != PACK_TOLD)
			continue;
		hand_init(2);
		step(100);
		struct trial trial = trial_of(0, r);
		struct permit before = bank.protect.pack[0].permit;
		hand_advance(10);
		protect_trip(&bank, &out, 0, rule->reason, 3., 2.);
		protect_trip(&bank, &out, 0, rule->reason, 4., 2.);
		hand_read();
		CU_ASSERT_EQUAL(raised[rule->reason], 1);
		CU_ASSERT(trial.result->active && trial.result->latched);
		CU_ASSERT_EQUAL(trial.result->value, 3.);
		assert_pack_action(&trial, &before);
		step(5000);
		CU_ASSERT(trial.result->active);
		CU_ASSERT_FALSE(bank.protect.pack[1].permit.immediate);
		if (rule->flags & RULE_LOCAL)
			CU_ASSERT_EQUAL(protect_clear(&bank, 0, false), REASON_LOCAL_LOCK);
		CU_ASSERT_EQUAL(protect_clear(&bank, 0, true), REASON_OK);
		step(10);
		CU_ASSERT_FALSE(trial.result->active);
		CU_ASSERT(bank.protect.pack[0].permit.close && bank.protect.permit.hold);
	}
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

/* ---- the tables ------------------------------------------------------------------------------ */

static void every_action_has_a_word(void)
{
	for (int a = ACTION_WARN; a <= ACTION_FIRE; a++)
		CU_ASSERT(rule_action_word((enum action)a)[0] != '\0');
	CU_ASSERT_STRING_EQUAL(rule_action_word((enum action)99), "");
}

static void rules_that_open_say_by_when_and_those_that_do_not_say_nothing(void)
{
	for (unsigned r = 0; r < n_pack_rules + n_bank_rules; r++) {
		const struct rule *rule =
			r < n_pack_rules ? &pack_rules[r] : &bank_rules[r - n_pack_rules];
		bool opens = rule->action >= ACTION_LEAVE;
		bool proven = rule->reason == REASON_WELDED || rule->reason == REASON_OPEN_CURRENT;
		CU_ASSERT(opens || rule->deadline_ms == 0);
		CU_ASSERT(!opens || proven || rule->deadline_ms > 0);
		CU_ASSERT(rule->action < ACTION_OPEN || rule->deadline_ms <= 5000);
		CU_ASSERT(!(rule->flags & RULE_LOCAL) || (rule->flags & RULE_LATCH));
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(every_pack_row_acts_in_time_and_ends_or_latches),
		TEST(every_bank_row_acts_in_time_and_ends_or_latches),
		TEST(every_told_row_acts_in_the_same_step_and_latches),
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
		TEST(every_action_has_a_word),
		TEST(rules_that_open_say_by_when_and_those_that_do_not_say_nothing),
		CU_TEST_INFO_NULL,
	};

	return hand_run("protect", tests);
}
