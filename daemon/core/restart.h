/*
 * What survives a restart: counters, latches, what was learnt. Packs and converters are found again
 * by their id; bank_save is the other half.
 */
#ifndef REBANK_CORE_RESTART_H
#define REBANK_CORE_RESTART_H

struct bank;
struct bank_inputs;
struct bank_saved;

/* Into a bank that was just initialised; `saved` may be NULL. */
void restart_restore(struct bank *bank, const struct bank_saved *saved);

/* At the first step, when it is known how long ago that was: budgets and pauses go on from now. */
void restart_begin(struct bank *bank, const struct bank_inputs *in);

#endif
