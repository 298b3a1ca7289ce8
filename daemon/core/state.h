/*
 * The state of the bank in one word, from what its parts do: told as an event when it changes.
 */
#ifndef REBANK_CORE_STATE_H
#define REBANK_CORE_STATE_H

struct bank;
struct bank_outputs;
void state_step(struct bank *bank, struct bank_outputs *out);

#endif
