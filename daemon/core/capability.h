/*
 * What one pack may do, from its permit, its estimate and its ratings: the members of the closed
 * form in limits.h. `strict` follows every taper down to zero and keeps a guard band to the cell
 * limits; it bounds the published power. `safe` is what must hold for the pack to stay on the bus.
 */
#ifndef REBANK_CORE_CAPABILITY_H
#define REBANK_CORE_CAPABILITY_H

#include "core/limits.h"

void capability_of_pack(const struct bank *bank, unsigned k, struct limit_pack *safe,
			struct limit_pack *strict);

/* The same pack after horizon_s at constant current: recovered, drained, within its SoC budget. */
void capability_after(const struct bank *bank, unsigned k, double horizon_s,
		      const struct limit_pack *strict, struct limit_pack *later);

/* Why the interval of pack k ends where it does. */
enum reason capability_reason(const struct bank *bank, unsigned k, bool discharge,
			      const struct limit_pack *strict);

/* SoC, SoH and energies of the connected packs (of all known ones when none is connected). */
void capability_totals(struct bank *bank, uint64_t connected);

#endif
