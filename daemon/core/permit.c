#include "core/permit.h"
#include "core/bank.h"
#include "core/num.h"

/* Hazards rule 2, a runaway pack first: its contactors break what flows so long before the others do. */
enum { AHEAD_MS = 100 };

unsigned permit_next_active(const struct protect_pack *protect, unsigned from)
{
	for (unsigned w = from / 64; w < sizeof protect->active / sizeof protect->active[0]; w++) {
		uint64_t left = protect->active[w] >> from % 64;
		if (left)
			return from + (unsigned)__builtin_ctzll(left);
		from = 64 * (w + 1);
	}
	return PACK_RULES_MAX;
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
	int64_t ahead_ms = permit->goes_first ? AHEAD_MS : 0;
	int64_t deadline_ms = result->active_ms + rule->deadline_ms - ahead_ms;

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
	case ACTION_STAND_BY:
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
	case ACTION_FIRE:
		permit->goes_first = true;
		permit->immediate = true;
		must_open(permit, rule, result);
		break;
	case ACTION_OPEN:
	case ACTION_BANK_OPEN:
		permit->immediate = true;
		must_open(permit, rule, result);
		break;
	case ACTION_LEAVE:
	default: /* whatever else a row may say: open */
		must_open(permit, rule, result);
		break;
	}
}

/*
 * More current than the fuse's rating is for the fuse to break, not for contactors, which would
 * weld or burst: as long as it flows, whatever else wants this pack open waits as long as the
 * fuse's own row does, and no longer. What opens the whole bank does not wait.
 */
static void wait_for_fuse(struct bank *bank, unsigned k)
{
	struct protect_pack *protect = &bank->protect.pack[k];
	double fuse_a = bank->site.pack[k].limit.fuse_a;
	/* Not as the rule has it, which clears late. */
	bool flows = fabs(bank->now.pack[k].current_a) > fuse_a;

	for (unsigned r = permit_next_active(protect, 0); r < n_pack_rules;
	     r = permit_next_active(protect, r + 1)) {
		int64_t until_ms = protect->rule[r].active_ms + pack_rules[r].deadline_ms;
		if (pack_rules[r].reason == REASON_FUSE_CURRENT &&
		    protect->rule[r].verdict == VERDICT_FAIL && flows &&
		    protect->permit.hold_deadline_ms < until_ms)
			protect->permit.hold_deadline_ms = until_ms;
	}
}

/* Reasons that take turns win no time: the earliest deadline stands until there is no reason left.
 */
static void keep_deadline(bool hold, int64_t *open_by_ms, int64_t *deadline_ms)
{
	if (!hold && *open_by_ms != 0)
		*deadline_ms = *open_by_ms < *deadline_ms ? *open_by_ms : *deadline_ms;
	*open_by_ms = hold ? 0 : *deadline_ms;
}

void permit_pack(struct bank *bank, unsigned k)
{
	const struct pack_now *now = &bank->now.pack[k];
	struct protect_pack *protect = &bank->protect.pack[k];
	struct permit *permit = &protect->permit;

	rate_currents(&bank->site.pack[k], now, protect);
	permit->close = permit->hold = true;
	permit->immediate = permit->goes_first = false;
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
	for (unsigned r = permit_next_active(protect, 0); r < n_pack_rules;
	     r = permit_next_active(protect, r + 1)) {
		act_on_pack(permit, &pack_rules[r], &protect->rule[r]);
	}
	keep_deadline(permit->hold, &protect->open_by_ms, &permit->hold_deadline_ms);
	wait_for_fuse(bank, k);
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

void permit_act_on_bank(struct bank_permit *permit, const struct rule *rule,
			const struct rule_result *result)
{
	switch (rule->action) {
	case ACTION_WARN:
	case ACTION_NO_CHARGE:
	case ACTION_NO_DISCHARGE:
	case ACTION_STAND_BY:
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
void permit_escalate(struct bank *bank, unsigned k)
{
	const struct protect_pack *protect = &bank->protect.pack[k];
	struct bank_permit *permit = &bank->protect.permit;

	for (unsigned r = permit_next_active(protect, 0); r < n_pack_rules;
	     r = permit_next_active(protect, r + 1)) {
		const struct rule *rule = &pack_rules[r];
		permit->alarm = permit->alarm || (rule->flags & RULE_ALARM);
		if (rule->action >= ACTION_BANK_OPEN)
			permit_act_on_bank(permit, rule, &protect->rule[r]);
	}
	/* A coil must not drop while a converter pushes through it. */
	if (protect->permit.immediate && bank->contactor[k].connected)
		permit->pcs_enable = permit->power = false;
}

void permit_bank(struct bank *bank)
{
	struct bank_permit *permit = &bank->protect.permit;

	keep_deadline(permit->hold, &bank->protect.open_by_ms, &permit->hold_deadline_ms);
}

/* Converters that steer themselves may be mute until there is a battery: it comes up, and its power
 * waits for them. */
static bool wait_for_battery(const struct bank *bank)
{
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		if (!bank->site.pcs[i].self_steered ||
		    bank->protect.pcs[i].permit.reason != REASON_PCS_LOST)
			return false;
	return true;
}

void permit_without_converters(struct bank *bank)
{
	struct bank_permit *permit = &bank->protect.permit;
	const struct pcs_permit *first = &bank->protect.pcs[0].permit;

	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		if (bank->protect.pcs[i].permit.run)
			return;
	if (bank->site.n_pcs == 0)
		return;
	permit->pcs_enable = permit->power = false;
	permit->close = permit->close && wait_for_battery(bank);
	if (permit->action >= (int)ACTION_PCS_OFF)
		return;
	permit->reason = first->reason;
	permit->action = ACTION_PCS_OFF;
	permit->value = first->value;
	permit->threshold = first->threshold;
}
