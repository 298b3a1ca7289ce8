#include <string.h>

#include "core/bank.h"
#include "core/measure.h"
#include "core/num.h"

enum {
	CLEAR_MS = 1000,            /* an active rule must be shown inside so long to end */
	BOOK_INSULATION_MS = 60000, /* an insulation trip so soon after a join is the joiner's */
	START_QUIET_MS = 5000,      /* after the start, before silence is reported */
	NEVER_MS = 0,
};

static const struct rule *rule_of(int pack)
{
	return pack < 0 ? bank_rules : pack_rules;
}

void protect_init(struct protect *protect, const struct site *site)
{
	memset(protect, 0, sizeof *protect);
	for (unsigned r = 0; r < n_bank_rules; r++)
		protect->bound[r] = bank_rules[r].bound(site, NULL);
	for (unsigned k = 0; k < site->n_packs; k++)
		for (unsigned r = 0; r < n_pack_rules; r++)
			protect->pack[k].bound[r] = pack_rules[r].bound(site, &site->pack[k]);
}

static enum verdict judge(const struct rule *rule, double bound, bool active, double value)
{
	if (isnan(value))
		return VERDICT_UNKNOWN; /* silence has rows of its own, by age */
	if (active)
		bound += rule->side == ABOVE ? -rule->hysteresis : rule->hysteresis;
	bool inside = rule->side == ABOVE ? value <= bound : value >= bound;
	return inside ? VERDICT_PASS : VERDICT_FAIL;
}

static void tell(struct bank *bank, struct bank_outputs *out, const struct rule *rule,
		 struct rule_result *result, int pack)
{
	/* What has never been heard yet is no news right after the start. */
	if (isinf(result->value) && bank->now_ms - bank->start_ms < START_QUIET_MS)
		return;
	result->told = true;
	bank_event(bank, out, EVENT_RAISED, rule->reason, pack, result->value, result->threshold);
}

static void activate(struct bank *bank, struct bank_outputs *out, const struct rule *rule,
		     struct rule_result *result, int pack, double value, double bound)
{
	result->active = true;
	result->latched = (rule->flags & RULE_LATCH) != 0;
	result->active_ms = bank->now_ms;
	result->value = value;
	result->threshold = bound;
	result->trips++;
	tell(bank, out, rule, result, pack);
}

static void deactivate(struct bank *bank, struct bank_outputs *out, const struct rule *rule,
		       struct rule_result *result, int pack, double value, double bound)
{
	result->active = false;
	if (result->told)
		bank_event(bank, out, EVENT_CLEARED, rule->reason, pack, value, bound);
	result->told = false;
}

/* One rule, one reading. Returns whether the rule is active. */
static bool run_rule(struct bank *bank, struct bank_outputs *out, const struct rule *rule,
		     struct rule_result *result, int pack, double value, double bound)
{
	enum verdict verdict = judge(rule, bound, result->active, value);
	bool bad = verdict == VERDICT_FAIL, was_bad = result->verdict == VERDICT_FAIL;

	if (bad != was_bad || result->changed_ms == NEVER_MS)
		result->changed_ms = bank->now_ms;
	result->verdict = verdict;
	int64_t stood_ms = bank->now_ms - result->changed_ms;
	if (bad && !result->active) {
		if (stood_ms >= rule->delay_ms)
			activate(bank, out, rule, result, pack, value, bound);
		else
			bank_step_by(out, result->changed_ms + rule->delay_ms);
	} else if (bad && !result->told) {
		tell(bank, out, rule, result, pack);
	} else if (!bad && result->active && !result->latched && stood_ms >= CLEAR_MS) {
		deactivate(bank, out, rule, result, pack, value, bound);
	}
	return result->active;
}

/* 0 outside low..high, 1 from `ramp_low` above low to `ramp_high` below high, linear between. */
static double window_factor(double v, double low, double ramp_low, double high, double ramp_high)
{
	return num_clamp(num_min((v - low) / ramp_low, (high - v) / ramp_high), 0., 1.);
}

/*
 * Rated currents at this temperature. Ramps: charging from 0 at the cold limit to 1 15 K above and
 * down to 0 over the last 10 K; discharging over 30 K and 10 K. Unknown temperature: 0.
 */
static void rate_currents(const struct pack_site *site, const struct pack_now *now,
			  struct protect_pack *protect)
{
	const struct pack_limits *limit = &site->limit;
	double charge = 1., discharge = 1.;

	if (site->temps_required || !isnan(now->temp_max_c)) {
		charge = num_min(
			window_factor(now->temp_min_c, limit->charge_min_c, 15., INFINITY, 1.),
			window_factor(now->temp_max_c, -INFINITY, 1., limit->charge_max_c, 10.));
		discharge = num_min(
			window_factor(now->temp_min_c, limit->discharge_min_c, 30., INFINITY, 1.),
			window_factor(now->temp_max_c, -INFINITY, 1., limit->discharge_max_c, 10.));
	}
	protect->rated_cha_a = limit->cha_max_a * num_or(charge, 0.);
	protect->rated_dis_a = limit->dis_max_a * num_or(discharge, 0.);
}

static void bound_current(double *limit_a, enum reason *reason, double to_a, enum reason by)
{
	if (!(*limit_a <= to_a)) {
		*limit_a = to_a;
		*reason = by;
	}
}

static void forbid(struct permit *permit, const struct rule *rule, const struct rule_result *result)
{
	permit->close = false;
	if (permit->reason == REASON_OK || (permit->hold && rule->action >= ACTION_LEAVE)) {
		permit->reason = rule->reason;
		permit->value = result->value;
		permit->threshold = result->threshold;
	}
}

static void must_open(struct permit *permit, const struct rule *rule,
		      const struct rule_result *result)
{
	int64_t deadline_ms = result->active_ms + rule->deadline_ms;

	forbid(permit, rule, result);
	permit->hold = false;
	if (deadline_ms < permit->hold_deadline_ms)
		permit->hold_deadline_ms = deadline_ms;
	bound_current(&permit->dis_a, &permit->dis_reason, 0., rule->reason);
	bound_current(&permit->cha_a, &permit->cha_reason, 0., rule->reason);
}

static void act_on_pack(struct permit *permit, const struct rule *rule,
			const struct rule_result *result)
{
	switch (rule->action) {
	case ACTION_WARN:
	case ACTION_ZERO:
	case ACTION_PCS_OFF:
		break;
	case ACTION_NO_CLOSE:
		forbid(permit, rule, result);
		break;
	case ACTION_HALVE:
		bound_current(&permit->dis_a, &permit->dis_reason, permit->dis_a / 2.,
			      rule->reason);
		bound_current(&permit->cha_a, &permit->cha_reason, permit->cha_a / 2.,
			      rule->reason);
		break;
	case ACTION_NO_CHARGE:
		bound_current(&permit->cha_a, &permit->cha_reason, 0., rule->reason);
		break;
	case ACTION_NO_DISCHARGE:
		bound_current(&permit->dis_a, &permit->dis_reason, 0., rule->reason);
		break;
	case ACTION_OPEN:
	case ACTION_BANK_OPEN:
	case ACTION_FIRE:
		permit->immediate = true;
		must_open(permit, rule, result);
		break;
	case ACTION_LEAVE:
	default: /* whatever else a row may say: open */
		must_open(permit, rule, result);
		break;
	}
}

static void permit_pack(struct bank *bank, unsigned k)
{
	const struct pack_now *now = &bank->now.pack[k];
	struct protect_pack *protect = &bank->protect.pack[k];
	struct permit *permit = &protect->permit;

	rate_currents(&bank->site.pack[k], now, protect);
	permit->close = permit->hold = true;
	permit->immediate = false;
	permit->hold_deadline_ms = INT64_MAX;
	permit->reason = permit->dis_reason = permit->cha_reason = REASON_OK;
	permit->value = permit->threshold = NAN;
	if (isnan(now->pack_v) || isnan(now->current_a)) {
		permit->close = false;
		permit->reason = REASON_UNPROVEN;
	}
	permit->dis_a = permit->cha_a = INFINITY;
	bool cool = protect->rated_dis_a < 0.999 * bank->site.pack[k].limit.dis_max_a;
	bound_current(&permit->dis_a, &permit->dis_reason, protect->rated_dis_a,
		      cool ? REASON_TEMPERATURE : REASON_OK);
	cool = protect->rated_cha_a < 0.999 * bank->site.pack[k].limit.cha_max_a;
	bound_current(&permit->cha_a, &permit->cha_reason, protect->rated_cha_a,
		      cool ? REASON_TEMPERATURE : REASON_OK);
	if (!isnan(now->dis_limit_a))
		bound_current(&permit->dis_a, &permit->dis_reason, num_max(now->dis_limit_a, 0.),
			      REASON_BMS_LIMIT);
	if (!isnan(now->cha_limit_a))
		bound_current(&permit->cha_a, &permit->cha_reason, num_max(now->cha_limit_a, 0.),
			      REASON_BMS_LIMIT);
	for (uint64_t left = protect->active; left; left &= left - 1) {
		unsigned r = (unsigned)__builtin_ctzll(left);
		act_on_pack(permit, &pack_rules[r], &protect->rule[r]);
	}
}

static void bank_must_open(struct bank_permit *permit, const struct rule *rule,
			   const struct rule_result *result)
{
	int64_t deadline_ms = result->active_ms + rule->deadline_ms;

	permit->hold = permit->pcs_enable = permit->power = permit->close = false;
	permit->tripped = true;
	if (deadline_ms < permit->hold_deadline_ms)
		permit->hold_deadline_ms = deadline_ms;
}

static void act_on_bank(struct bank_permit *permit, const struct rule *rule,
			const struct rule_result *result)
{
	switch (rule->action) {
	case ACTION_WARN:
	case ACTION_NO_CHARGE:
	case ACTION_NO_DISCHARGE:
		break;
	case ACTION_NO_CLOSE:
		permit->close = false;
		break;
	case ACTION_HALVE:
		permit->derate /= 2.;
		break;
	case ACTION_PCS_OFF:
		permit->pcs_enable = permit->power = permit->close = false;
		permit->tripped = permit->tripped || result->latched;
		break;
	case ACTION_ZERO:
		permit->power = permit->close = false;
		permit->tripped = permit->tripped || result->latched;
		break;
	case ACTION_FIRE:
		permit->fire = true;
		bank_must_open(permit, rule, result);
		break;
	case ACTION_LEAVE:
	case ACTION_OPEN:
	case ACTION_BANK_OPEN:
	default:
		bank_must_open(permit, rule, result);
		break;
	}
	permit->alarm = permit->alarm || (rule->flags & RULE_ALARM);
	if (rule->action >= ACTION_NO_CLOSE &&
	    (permit->reason == REASON_OK || (int)rule->action > permit->action)) {
		permit->reason = rule->reason;
		permit->action = (int)rule->action;
		permit->value = result->value;
		permit->threshold = result->threshold;
	}
}

/* Pack rules that reach further than their pack. */
static void escalate(struct bank *bank, unsigned k)
{
	const struct protect_pack *protect = &bank->protect.pack[k];
	struct bank_permit *permit = &bank->protect.permit;

	for (uint64_t left = protect->active; left; left &= left - 1) {
		unsigned r = (unsigned)__builtin_ctzll(left);
		const struct rule *rule = &pack_rules[r];
		permit->alarm = permit->alarm || (rule->flags & RULE_ALARM);
		if (rule->action >= ACTION_BANK_OPEN)
			act_on_bank(permit, rule, &protect->rule[r]);
	}
	/* A coil must not drop while a converter pushes through it. */
	if (protect->permit.immediate && bank->contactor[k].connected)
		permit->pcs_enable = permit->power = false;
}

/* An insulation trip right after a join is booked to the joiner. */
static void book_insulation(struct bank *bank, struct bank_outputs *out)
{
	int last = -1;

	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		int64_t closed_ms = bank->contactor[k].closed_ms;
		if (closed_ms && bank->now_ms - closed_ms <= BOOK_INSULATION_MS &&
		    (last < 0 || closed_ms > bank->contactor[last].closed_ms))
			last = (int)k;
	}
	if (last >= 0)
		protect_trip(bank, out, last, REASON_QUARANTINED, NAN, NAN);
}

static void protect_bank(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	struct protect *protect = &bank->protect;
	struct bank_permit *permit = &protect->permit;
	double m[BANK_MEASURE_COUNT];

	measure_bank(bank, in, m);
	memset(permit, 0, sizeof *permit);
	permit->close = permit->power = permit->pcs_enable = permit->hold = true;
	permit->hold_deadline_ms = INT64_MAX;
	permit->derate = 1.;
	permit->value = permit->threshold = NAN;
	for (unsigned r = 0; r < n_bank_rules; r++) {
		const struct rule *rule = &bank_rules[r];
		struct rule_result *result = &protect->rule[r];
		bool was = result->active;
		bool active =
			run_rule(bank, out, rule, result, -1, m[rule->measure], protect->bound[r]);
		if (active && !was && rule->reason == REASON_INSULATION)
			book_insulation(bank, out);
		if (active)
			act_on_bank(permit, rule, result);
	}
}

static void protect_pack(struct bank *bank, const struct bank_inputs *in, unsigned k,
			 struct bank_outputs *out)
{
	struct protect_pack *protect = &bank->protect.pack[k];
	double m[PACK_MEASURE_COUNT];

	measure_pack(bank, in, k, m);
	for (unsigned r = 0; r < n_pack_rules; r++) {
		const struct rule *rule = &pack_rules[r];
		bool active = run_rule(bank, out, rule, &protect->rule[r], (int)k, m[rule->measure],
				       protect->bound[r]);
		protect->active =
			active ? protect->active | 1ull << r : protect->active & ~(1ull << r);
	}
	permit_pack(bank, k);
}

void protect_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	protect_bank(bank, in, out);
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		protect_pack(bank, in, k, out);
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		escalate(bank, k);
}

void protect_trip(struct bank *bank, struct bank_outputs *out, int pack, enum reason reason,
		  double value, double threshold)
{
	struct protect_pack *protect = &bank->protect.pack[pack];

	for (unsigned r = 0; r < n_pack_rules; r++) {
		if (pack_rules[r].reason != reason || protect->rule[r].active)
			continue;
		activate(bank, out, &pack_rules[r], &protect->rule[r], pack, value, threshold);
		protect->active |= 1ull << r;
	}
	permit_pack(bank, (unsigned)pack);
	escalate(bank, (unsigned)pack);
}

uint64_t protect_latched(const struct rule_result *rule, unsigned n)
{
	uint64_t latched = 0;

	for (unsigned r = 0; r < n; r++)
		if (rule[r].latched)
			latched |= 1ull << r;
	return latched;
}

enum reason protect_clear(struct bank *bank, int pack, bool local)
{
	struct rule_result *result = pack < 0 ? bank->protect.rule : bank->protect.pack[pack].rule;
	const struct rule *rule = rule_of(pack);
	unsigned n = pack < 0 ? n_bank_rules : n_pack_rules;

	for (unsigned r = 0; r < n; r++) {
		if (!result[r].latched)
			continue;
		if (result[r].verdict == VERDICT_FAIL)
			return REASON_FAULT;
		if ((rule[r].flags & RULE_LOCAL) && !local)
			return REASON_LOCAL_LOCK;
	}
	if (pack >= 0 && contactor_still_welded(bank, (unsigned)pack))
		return REASON_FAULT;
	for (unsigned r = 0; r < n; r++) {
		if (!result[r].latched)
			continue;
		result[r].latched = result[r].active = result[r].told = false;
		if (pack >= 0)
			bank->protect.pack[pack].active &= ~(1ull << r);
	}
	if (pack >= 0)
		contactor_release(bank, (unsigned)pack);
	for (unsigned k = 0; pack < 0 && k < bank->site.n_packs; k++)
		if (!bank->contactor[k].connected)
			bank->contactor[k].closed_ms = 0;
	return REASON_OK;
}
