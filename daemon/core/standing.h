/*
 * What stands now: every rule that was told and whose action still holds, as the event that told
 * it. For who comes later and did not hear the event.
 */
#ifndef REBANK_CORE_STANDING_H
#define REBANK_CORE_STANDING_H

#include "core/types.h"

enum { STANDING_MAX = 32 };

struct bank;
struct rule;
struct rule_result;

/* Called for every active rule; pack and pcs are -1 where it is about none. */
typedef void standing_visit(void *context, const struct rule *rule,
			    const struct rule_result *result, int pack, int pcs);
void standing_each(const struct bank *bank, standing_visit *visit, void *context);

/*
 * Fills `list` with at most `max` of them: the bank's, the converters', the packs', each group in
 * the order of its table. Returns how many stand, which may be more. at_ms is when it began, or the
 * start of the controller for a latch from before; seq is 0.
 */
unsigned standing_list(const struct bank *bank, struct event *list, unsigned max);

#endif
