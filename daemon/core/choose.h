/* Which pack should leave, which may join: the choices of plan, apart from the power that serves them. */
#ifndef REBANK_CORE_CHOOSE_H
#define REBANK_CORE_CHOOSE_H

#include "core/site.h"

struct bank;

/* The pack whose time to leave ends first, because it may not stay; -1 none. */
int choose_due(const struct bank *bank, enum reason *reason);

/* The pack that must or should leave now, with the reason; -1 none. */
int choose_leave(struct bank *bank, enum reason *reason);

/* True when the packs on the bus cannot give what is wanted, and more could be had by opening and
 * starting again from the other end: the bus only moves away from the packs that wait. */
bool choose_regroup(struct bank *bank);

/* The pack to close onto a dead bus first: highest for discharge, lowest for charge, largest group
 * when nothing is asked; -1 none. Sets each pack's reason to wait. */
int choose_first(struct bank *bank);

/* The pack to bring onto the live bus next, in voltage order; -1 none. *now: the join rule holds at
 * this instant; otherwise the bus can be steered to it within the wanted power. */
int choose_join(struct bank *bank, bool *now);

#endif
