/*
 * Closed -> open: watched while closed, steered to near-zero current when it may be, opened by its
 * deadline in any case, one pole after the other and each proven.
 */
#ifndef REBANK_CORE_LEAVING_H
#define REBANK_CORE_LEAVING_H

#include "core/bank.h"

void leaving_closed(struct bank *bank, unsigned k, struct bank_outputs *out);
void leaving_steered(struct bank *bank, unsigned k, struct bank_outputs *out);
/* From a made circuit to leaving it: why is with the permits, or the plan. */
void leaving_begin(struct bank *bank, unsigned k, struct bank_outputs *out);

/* The guard opened a coil of a closed pack: the others follow. */
void leaving_let_go(struct bank *bank, unsigned k, struct bank_outputs *out);

void leaving_first(struct bank *bank, unsigned k, struct bank_outputs *out);
void leaving_second(struct bank *bank, unsigned k, struct bank_outputs *out);

#endif
