#include <string.h>

#include "core/bank.h"
#include "core/measure.h"
#include "core/num.h"
#include "core/permit.h"

enum {
	CLEAR_MS = 1000,            /* an active rule must be shown inside so long to end */
	BOOK_INSULATION_MS = 60000, /* an insulation trip so soon after a join is the joiner's */
	START_QUIET_MS = 5000,      /* after the start, before silence is reported */
	NEVER_MS = 0,
};

/* What a measure may be without any of its rules failing. */
static void init_window(struct protect_pack *protect)
{
	for (unsigned m = 0; m < PACK_MEASURE_COUNT; m++) {
		protect->low[m] = -INFINITY;
		protect->high[m] = INFINITY;
	}
	for (unsigned r = 0; r < n_pack_rules; r++) {
		double *low = &protect->low[pack_rules[r].measure];
		double *high = &protect->high[pack_rules[r].measure];
		double bound = protect->bound[r];
		if (pack_rules[r].side == ABOVE)
			*high = num_min(*high, bound);
		else
			*low = num_max(*low, bound);
	}
}

void protect_init(struct protect *protect, const struct site *site)
{
	memset(protect, 0, sizeof *protect);
	for (unsigned r = 0; r < n_bank_rules; r++)
		protect->bound[r] = bank_rules[r].bound(site, NULL, NULL);
	for (unsigned i = 0; i < site->n_pcs; i++)
		for (unsigned r = 0; r < n_pcs_rules; r++)
			protect->pcs[i].bound[r] = pcs_rules[r].bound(site, NULL, &site->pcs[i]);
	for (unsigned k = 0; k < site->n_packs; k++) {
		for (unsigned r = 0; r < n_pack_rules; r++)
			protect->pack[k].bound[r] = pack_rules[r].bound(site, &site->pack[k], NULL);
		init_window(&protect->pack[k]);
	}
}

static void set_active(struct protect_pack *protect, unsigned r, bool active)
{
	uint64_t bit = 1ull << r % 64;

	protect->active[r / 64] =
		active ? protect->active[r / 64] | bit : protect->active[r / 64] & ~bit;
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
		 struct rule_result *result, int about)
{
	/* What has never been heard yet is no news right after the start. */
	if (isinf(result->value) && bank->now_ms - bank->start_ms < START_QUIET_MS)
		return;
	result->told = true;
	bank_event(bank, out, EVENT_RAISED, rule->reason, about, result->value, result->threshold);
}

static void activate(struct bank *bank, struct bank_outputs *out, const struct rule *rule,
		     struct rule_result *result, int about, double value, double bound)
{
	result->active = true;
	result->latched = (rule->flags & RULE_LATCH) != 0;
	result->active_ms = bank->now_ms;
	result->value = value;
	result->threshold = bound;
	result->trips++;
	tell(bank, out, rule, result, about);
}

static void deactivate(struct bank *bank, struct bank_outputs *out, const struct rule *rule,
		       struct rule_result *result, int about, double value, double bound)
{
	result->active = false;
	if (result->told)
		bank_event(bank, out, EVENT_CLEARED, rule->reason, about, value, bound);
	result->told = false;
}

/*
 * Most rules find of most packs what they found the step before, and rest: one look at each measure
 * shows it. Returns the measures whose rules must look themselves, bit m = measure m.
 */
static uint64_t find_restless(const struct protect_pack *protect,
			      const double value[PACK_MEASURE_COUNT])
{
	uint64_t inside = 0, unknown = 0, all = UINT64_MAX >> (64 - PACK_MEASURE_COUNT);

	for (unsigned m = 0; m < PACK_MEASURE_COUNT; m++) {
		inside |= (uint64_t)num_inside(value[m], protect->low[m], protect->high[m]) << m;
		unknown |= (uint64_t)isnan(value[m]) << m;
	}
	return all & ~((inside & protect->calm) | (unknown & protect->mute));
}

/* After the rules of these measures have looked: which of the measures rest. */
static void note_rest(struct protect_pack *protect, uint64_t measures)
{
	protect->calm |= measures;
	protect->mute |= measures;
	for (unsigned r = 0; r < n_pack_rules; r++) {
		const struct rule_result *result = &protect->rule[r];
		uint64_t bit = 1ull << pack_rules[r].measure;
		if (result->active || result->verdict != VERDICT_PASS)
			protect->calm &= ~bit;
		if (result->active || result->verdict != VERDICT_UNKNOWN)
			protect->mute &= ~bit;
	}
}

/* One rule, one reading. Returns whether the rule is active. */
static bool run_rule(struct bank *bank, struct bank_outputs *out, const struct rule *rule,
		     struct rule_result *result, int about, double value, double bound)
{
	enum verdict verdict = judge(rule, bound, result->active, value);
	bool bad = verdict == VERDICT_FAIL, was_bad = result->verdict == VERDICT_FAIL;

	if (bad != was_bad || result->changed_ms == NEVER_MS)
		result->changed_ms = bank->now_ms;
	result->verdict = verdict;
	int64_t stood_ms = bank->now_ms - result->changed_ms;
	if (bad && !result->active) {
		if (stood_ms >= rule->delay_ms)
			activate(bank, out, rule, result, about, value, bound);
		else
			bank_step_by(out, result->changed_ms + rule->delay_ms);
	} else if (bad && !result->told) {
		tell(bank, out, rule, result, about);
	} else if (!bad && result->active && !result->latched && stood_ms >= CLEAR_MS) {
		deactivate(bank, out, rule, result, about, value, bound);
	}
	return result->active;
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
			permit_act_on_bank(permit, rule, result);
	}
}

static void protect_pack(struct bank *bank, const struct bank_inputs *in, unsigned k,
			 struct bank_outputs *out)
{
	struct protect_pack *protect = &bank->protect.pack[k];
	double m[PACK_MEASURE_COUNT];

	measure_pack(bank, in, k, m);
	uint64_t restless = find_restless(protect, m);
	for (unsigned r = 0; restless && r < n_pack_rules; r++) {
		const struct rule *rule = &pack_rules[r];

		if (restless >> rule->measure & 1)
			set_active(protect, r,
				   run_rule(bank, out, rule, &protect->rule[r], (int)k,
					    m[rule->measure], protect->bound[r]));
	}
	if (restless)
		note_rest(protect, restless);
	permit_pack(bank, k);
}

/* A rule of one converter keeps that one off; what reaches further is the bank's. */
static void protect_pcs(struct bank *bank, unsigned i, struct bank_outputs *out)
{
	struct protect_pcs *protect = &bank->protect.pcs[i];
	struct pcs_permit *permit = &protect->permit;
	double m[PCS_MEASURE_COUNT];

	measure_pcs(bank, i, m);
	*permit = (struct pcs_permit){.run = true, .value = NAN, .threshold = NAN};
	for (unsigned r = 0; r < n_pcs_rules; r++) {
		const struct rule *rule = &pcs_rules[r];
		struct rule_result *result = &protect->rule[r];

		if (!run_rule(bank, out, rule, result, about_pcs(i), m[rule->measure],
			      protect->bound[r]))
			continue;
		permit->lost = permit->lost || rule->reason == REASON_PCS_LOST;
		permit_act_on_bank(&bank->protect.permit, rule, result);
		if (rule->action < ACTION_STAND_BY)
			continue;
		permit->run = false;
		if (permit->reason == REASON_OK)
			*permit = (struct pcs_permit){false, permit->lost, rule->reason,
						      result->value, result->threshold};
	}
}

void protect_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	protect_bank(bank, in, out);
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		protect_pack(bank, in, k, out);
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		protect_pcs(bank, i, out);
	permit_without_converters(bank);
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		permit_escalate(bank, k);
	permit_bank(bank);
}

void protect_trip(struct bank *bank, struct bank_outputs *out, int pack, enum reason reason,
		  double value, double threshold)
{
	struct protect_pack *protect = &bank->protect.pack[pack];

	for (unsigned r = 0; r < n_pack_rules; r++) {
		if (pack_rules[r].reason != reason || protect->rule[r].active)
			continue;
		activate(bank, out, &pack_rules[r], &protect->rule[r], pack, value, threshold);
		set_active(protect, r, true);
		protect->calm = protect->mute = 0;
	}
	permit_pack(bank, (unsigned)pack);
	permit_escalate(bank, (unsigned)pack);
	permit_bank(bank);
}

bool protect_is_active(const struct bank *bank, unsigned k, enum reason reason)
{
	const struct protect_pack *protect = &bank->protect.pack[k];

	for (unsigned r = permit_next_active(protect, 0); r < n_pack_rules;
	     r = permit_next_active(protect, r + 1))
		if (pack_rules[r].reason == reason)
			return true;
	return false;
}

uint64_t protect_latched(const struct rule_result *rule, unsigned n)
{
	uint64_t latched = 0;

	for (unsigned r = 0; r < n && r < 64; r++)
		if (rule[r].latched)
			latched |= 1ull << r;
	return latched;
}

void protect_restored(struct protect_pack *protect)
{
	for (unsigned r = 0; r < n_pack_rules; r++)
		set_active(protect, r, protect->rule[r].active);
	protect->calm = protect->mute = 0;
}

/* OK when nothing of these rules stands in the way of a clearing. */
static enum reason may_clear(const struct rule *rule, const struct rule_result *result, unsigned n,
			     bool local)
{
	for (unsigned r = 0; r < n; r++) {
		if (!result[r].latched)
			continue;
		if (result[r].verdict == VERDICT_FAIL)
			return REASON_FAULT;
		if ((rule[r].flags & RULE_LOCAL) && !local)
			return REASON_LOCAL_LOCK;
	}
	return REASON_OK;
}

static void clear(struct rule_result *result, unsigned n)
{
	for (unsigned r = 0; r < n; r++)
		if (result[r].latched)
			result[r].latched = result[r].active = result[r].told = false;
}

static enum reason clear_pack(struct bank *bank, unsigned k, bool local)
{
	struct protect_pack *protect = &bank->protect.pack[k];
	enum reason reason = may_clear(pack_rules, protect->rule, n_pack_rules, local);

	if (reason == REASON_OK && contactor_still_welded(bank, k))
		reason = REASON_FAULT;
	if (reason != REASON_OK)
		return reason;
	clear(protect->rule, n_pack_rules);
	protect_restored(protect);
	contactor_release(bank, k);
	return REASON_OK;
}

enum reason protect_clear(struct bank *bank, int pack, bool local)
{
	struct protect *protect = &bank->protect;
	enum reason reason = REASON_OK;

	if (pack >= 0)
		return clear_pack(bank, (unsigned)pack, local);
	reason = may_clear(bank_rules, protect->rule, n_bank_rules, local);
	for (unsigned i = 0; reason == REASON_OK && i < bank->site.n_pcs; i++)
		reason = may_clear(pcs_rules, protect->pcs[i].rule, n_pcs_rules, local);
	if (reason != REASON_OK)
		return reason;
	clear(protect->rule, n_bank_rules);
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		clear(protect->pcs[i].rule, n_pcs_rules);
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if (!bank->contactor[k].connected)
			bank->contactor[k].closed_ms = 0;
	return REASON_OK;
}
