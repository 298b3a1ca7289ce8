/* From active rules to what is allowed: permits of the packs, of the bank, of the converters. */
#ifndef REBANK_CORE_PERMIT_H
#define REBANK_CORE_PERMIT_H

#include "core/rules.h"

struct bank;

/* Pack k by its active rules, its temperature and what its BMS allows. Unknown: nothing. */
void permit_pack(struct bank *bank, unsigned k);

/* The first active rule of a pack from `from` on; n_pack_rules or more: none. */
unsigned permit_next_active(const struct protect_pack *protect, unsigned from);

/* What an active rule does to the bank's permit; only ever takes away. */
void permit_act_on_bank(struct bank_permit *permit, const struct rule *rule,
			const struct rule_result *result);

/* When every rule has been heard: the deadline by which the bank is open. */
void permit_bank(struct bank *bank);

/* Active rules of pack k that reach further than the pack. */
void permit_escalate(struct bank *bank, unsigned k);

/* Without any converter left the enable falls, for the reason of the first. */
void permit_without_converters(struct bank *bank);

#endif
