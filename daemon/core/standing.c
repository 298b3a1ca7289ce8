#include "core/standing.h"

#include "core/bank.h"
#include "core/permit.h"
#include "core/rules.h"

static void each_of(const struct rule *rule, const struct rule_result *result, unsigned n, int pcs,
		    standing_visit *visit, void *context)
{
	for (unsigned r = 0; r < n; r++)
		if (result[r].active)
			visit(context, &rule[r], &result[r], -1, pcs);
}

void standing_each(const struct bank *bank, standing_visit *visit, void *context)
{
	each_of(bank_rules, bank->protect.rule, n_bank_rules, -1, visit, context);
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		each_of(pcs_rules, bank->protect.pcs[i].rule, n_pcs_rules, (int)i, visit, context);
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		const struct protect_pack *protect = &bank->protect.pack[k];
		for (unsigned r = permit_next_active(protect, 0); r < n_pack_rules;
		     r = permit_next_active(protect, r + 1))
			visit(context, &pack_rules[r], &protect->rule[r], (int)k, -1);
	}
}

struct listing {
	const struct bank *bank;
	struct event *list;
	unsigned max, n;
};

static void add(void *context, const struct rule *rule, const struct rule_result *result, int pack,
		int pcs)
{
	struct listing *listing = context;

	if (!result->told)
		return;
	if (listing->n < listing->max)
		listing->list[listing->n] = (struct event){
			.at_ms = result->active_ms ? result->active_ms : listing->bank->start_ms,
			.kind = EVENT_RAISED,
			.reason = rule->reason,
			.pack = (int16_t)pack,
			.pcs = (int16_t)pcs,
			.value = result->value,
			.threshold = result->threshold,
		};
	listing->n++;
}

unsigned standing_list(const struct bank *bank, struct event *list, unsigned max)
{
	struct listing listing = {bank, list, max, 0};

	standing_each(bank, add, &listing);
	return listing.n;
}
