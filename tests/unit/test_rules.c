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
	case PACK_FEEDBACK_UNKNOWN_S:
		now->feedback_known_s[POLE_POSITIVE] = v;
		break;
	case PACK_CHATTER:
		bank.fresh[0].chatter = (uint16_t)ceil(v);
		break;
	case PACK_INSULATION_OHM:
		now->insulation_ohm = v;
		break;
	case PACK_WELD_LEFT_D:
		bank.proofs.weld_left_d[0] = v;
		break;
	case PACK_AUX_V:
		now->aux_v = v;
		break;
	case PACK_SHARE_A: /* all of a current that two equal packs should share */
		for (unsigned k = 0; k < 2; k++) {
			closed(k);
			bank.estimate[k].e_sigma_v = bank.estimate[k].soc_sigma = 0.;
			bank.estimate[k].r_rel = 0.;
		}
		now->current_a = 2. * v;
		break;
	case PACK_SOC_DIFFERS:
		now->soc = bank.estimate[0].soc - v;
		break;
	case PACK_WEAR:
		bank.life[0].wear[POLE_POSITIVE].miner = v;
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
		bank.plan.fan = true; /* a fan that is off is not judged */
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
	case BANK_OUTPUTS_PERSIST:
		in.outputs_persist = v > 0.5;
		break;
	case BANK_UNCOMMISSIONED:
		bank.site.real_contactors = true;
		in.commissioned = !(v > 0.5);
		break;
	case BANK_ESTOP_LEFT_D:
	case BANK_HEARTBEAT_LEFT_D:
	case BANK_DEAD_MAN_LEFT_D:
	case BANK_INSULATION_LEFT_D:
		bank.proofs.bank_left_d[measure - BANK_ESTOP_LEFT_D] = v;
		break;
	case BANK_BROKER_LOST:
		in.broker_connected = !(v > 0.5);
		break;
	default:
		CU_FAIL("no such reading");
		break;
	}
}

/* The same of converter 0, beside a second one that is well. */
static void set_pcs_reading(enum pcs_measure measure, double v)
{
	struct pcs_now *now = &bank.now.pcs[0];

	switch (measure) {
	case PCS_AGE_S:
		now->age_s = v;
		break;
	case PCS_OVERDUE:
		bank.contactor[0].connected = true;
		bank.now.bus_v = 374.;
		bank.now.pack[0].bms_flags = BMS_NO_DISCHARGE;
		bank.converter[0].overdue = v > 0.5;
		break;
	case PCS_IN_FAULT:
		now->state = v > 0.5 ? PCS_FAULT : PCS_OFF;
		break;
	case PCS_EXCESS_W:
		bank.converter[0].excess_w = v;
		break;
	case PCS_SIGN_W:
		bank.converter[0].against_w = v;
		break;
	case PCS_OUTSIDE_V:
		bank.contactor[0].connected = true;
		bank.site.pcs[0].dc_max_v = 400.;
		bank.now.bus_v = 400. + v;
		break;
	case PCS_NO_STOP:
		bank.site.has_pcs_enable = false;
		now->dead_man_proven = !(v > 0.5);
		bank.now.pcs[1].dead_man_proven = true;
		break;
	case PCS_IDLE_S:
		bank.converter[0].idle_ms = bank.now_ms + 1 - (int64_t)ceil(1000. * v);
		break;
	case PCS_MEASURE_COUNT:
	default:
		CU_FAIL("no such reading");
		break;
	}
}

enum { CONVERTER = -2 };

/* What a row is tried with. */
struct trial {
	const struct rule *rule;
	struct rule_result *result;
	int pack; /* -1: the bank; CONVERTER: the first one */
	double bound, beyond, inside;
};

static void set_reading(const struct trial *trial, double v)
{
	if (trial->pack == CONVERTER)
		set_pcs_reading((enum pcs_measure)trial->rule->measure, v);
	else if (trial->pack < 0)
		set_bank_reading(trial->rule->measure, v);
	else
		set_pack_reading((enum pack_measure)trial->rule->measure, v);
}

/* Just beyond the bound, and safely inside its hysteresis. */
static struct trial trial_of(int pack, unsigned r)
{
	struct trial trial = {.pack = pack};

	if (pack == CONVERTER) {
		trial.rule = &pcs_rules[r];
		trial.result = &bank.protect.pcs[0].rule[r];
		trial.bound = bank.protect.pcs[0].bound[r];
	} else if (pack < 0) {
		trial.rule = &bank_rules[r];
		trial.result = &bank.protect.rule[r];
		trial.bound = bank.protect.bound[r];
	} else {
		trial.rule = &pack_rules[r];
		trial.result = &bank.protect.pack[0].rule[r];
		trial.bound = bank.protect.pack[0].bound[r];
	}
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
	case ACTION_STAND_BY:
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

/* One converter stands by for itself; only graver rows reach the bank. */
static void assert_pcs_action(const struct trial *trial)
{
	const struct bank_permit *all = &bank.protect.permit;
	const struct pcs_permit *permit = &bank.protect.pcs[0].permit;
	enum action action = trial->rule->action;

	CU_ASSERT_EQUAL(permit->run, action < ACTION_STAND_BY);
	CU_ASSERT_TRUE(bank.protect.pcs[1].permit.run);
	CU_ASSERT_EQUAL(all->pcs_enable, action <= ACTION_STAND_BY);
	CU_ASSERT_EQUAL(all->power, action <= ACTION_STAND_BY);
	CU_ASSERT_TRUE(all->hold);
	CU_ASSERT_EQUAL(permit->lost, trial->rule->reason == REASON_PCS_LOST);
	CU_ASSERT(permit->run || permit->reason == trial->rule->reason);
	CU_ASSERT(!(trial->rule->flags & RULE_ALARM) || all->alarm);
}

/* Not before its delay, then the action and the event; ends by itself only when it does not latch.
 */
static void try_row(int pack, unsigned r)
{
	hand_init(2);
	if (pack == CONVERTER) {
		bank.site.n_pcs = 2;
		bank.site.pcs[1] = bank.site.pcs[0];
		bank.now.pcs[1] = bank.now.pcs[0];
		bank.protect.pcs[1] = bank.protect.pcs[0];
	}
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
	if (pack == CONVERTER)
		assert_pcs_action(&trial);
	else if (pack < 0)
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

static void every_converter_row_acts_on_that_converter_in_time_and_ends_or_latches(void)
{
	for (unsigned r = 0; r < n_pcs_rules; r++)
		try_row(CONVERTER, r);
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
		bool proven = rule->reason == REASON_WELDED ||
			      rule->reason == REASON_OPEN_CURRENT ||
			      rule->reason == REASON_CLOSED_UNASKED;
		CU_ASSERT(opens || rule->deadline_ms == 0);
		CU_ASSERT(!opens || proven || rule->deadline_ms > 0);
		CU_ASSERT(rule->action < ACTION_OPEN || rule->deadline_ms <= 5000);
		CU_ASSERT(!(rule->flags & RULE_LOCAL) || (rule->flags & RULE_LATCH));
	}
	/* latches are saved in 64 bits */
	for (unsigned r = 64; r < n_pack_rules; r++)
		CU_ASSERT_FALSE(pack_rules[r].flags & RULE_LATCH);
	for (unsigned r = 64; r < n_bank_rules; r++)
		CU_ASSERT_FALSE(bank_rules[r].flags & RULE_LATCH);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(every_pack_row_acts_in_time_and_ends_or_latches),
		TEST(every_bank_row_acts_in_time_and_ends_or_latches),
		TEST(every_converter_row_acts_on_that_converter_in_time_and_ends_or_latches),
		TEST(every_told_row_acts_in_the_same_step_and_latches),
		TEST(every_action_has_a_word),
		TEST(rules_that_open_say_by_when_and_those_that_do_not_say_nothing),
		CU_TEST_INFO_NULL,
	};

	return hand_run("rules", tests);
}
