/*
 * Last look at the outputs. Knows the invariants and nothing of the plans behind them; may only open
 * a coil, drop pcs_enable or set power to zero. An intervention is our own mistake: event `internal`.
 */
#ifndef REBANK_CORE_GUARD_H
#define REBANK_CORE_GUARD_H

#include "core/site.h"

struct guard {
	bool coil[PACK_MAX][POLE_COUNT]; /* last driven */
	int64_t pcs_drop_ms;         /* pcs_enable low since; 0: high */
	uint64_t let_go;             /* packs it opened a coil of in the last step */
	bool ready;                  /* hazards rule 7: every line seen open once */
	uint32_t interventions;
	enum reason last;
	int last_pack;
};

struct bank;
/* The line that enables the converters has been low for so long, ms; -1: it is high, or the site has
 * none that could be low. */
int64_t guard_enable_low_ms(const struct bank *bank);

void guard_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

#endif
