/*
 * Open -> closed: first pole, precharge or the join rule once more, second pole. Every step is
 * proven, and any doubt opens everything again.
 */
#ifndef REBANK_CORE_CLOSING_H
#define REBANK_CORE_CLOSING_H

#include "core/bank.h"

/* Both permits of this tick, a ready guard, and no other pack in sequence. */
bool closing_allowed(const struct bank *bank, unsigned k);

/* After so many failures in a row: doubled with each. */
int64_t closing_pause_ms(unsigned failures);

void closing_start(struct bank *bank, unsigned k);
void closing_first(struct bank *bank, unsigned k, struct bank_outputs *out);
void closing_precharge(struct bank *bank, unsigned k, struct bank_outputs *out);
void closing_second(struct bank *bank, unsigned k, struct bank_outputs *out);

/* Proven closed: on the bus from now on. */
void closing_done(struct bank *bank, unsigned k, struct bank_outputs *out);

/* Opens what was closed so far; after a few failures of its own the pack is latched. */
void closing_abort(struct bank *bank, unsigned k, struct bank_outputs *out, enum reason reason,
		   double value, double threshold);

#endif
