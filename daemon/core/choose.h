/* Which pack should leave, which may join: the choices of plan, apart from the power that serves them. */
#ifndef REBANK_CORE_CHOOSE_H
#define REBANK_CORE_CHOOSE_H

#include "core/site.h"

struct bank;

/* The pack that must or should leave now, with the reason; -1 none. */
int choose_leave(struct bank *bank, enum reason *reason);

/* The pack to close onto a dead bus first: highest for discharge, lowest for charge, largest group
 * when nothing is asked; -1 none. Sets each pack's reason to wait. */
int choose_first(struct bank *bank);

/* The pack that may close onto the live bus at this instant, least peak current first; -1 none.
 * Otherwise *steer is the pack whose voltage the bus can be steered to within the wanted power, and
 * *steer_w that power (site's point); -1 none. */
int choose_join(struct bank *bank, int *steer, double *steer_w);

#endif
