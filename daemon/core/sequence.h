/*
 * The hands of the contactor machines: coils with their wear, proofs, and the present step of one
 * pack's sequence. Shared by closing.c, leaving.c and contactor.c, used by nobody else.
 */
#ifndef REBANK_CORE_SEQUENCE_H
#define REBANK_CORE_SEQUENCE_H

#include "core/bank.h"

enum {
	SEQUENCE_SETTLE_MS = 100, /* before anything is judged after a pole moved (foxBMS: 100-200) */
	SEQUENCE_LATE_MS = 150,   /* auxiliary contacts may report this much after the pole */
};

/* Switches a coil that is ours and counts the contactor's wear; otherwise does nothing. */
void sequence_drive(struct bank *bank, unsigned k, enum pole pole, bool on);
/* All coils of the pack off, precharge first. */
void sequence_release(struct bank *bank, unsigned k);

void sequence_enter(struct bank *bank, unsigned k, enum contactor_state state);
int64_t sequence_elapsed_ms(const struct bank *bank, unsigned k); /* in this state */

/* |current| of the pack, A; NaN: unknown. */
double sequence_current_a(const struct bank *bank, unsigned k);

/* The pack's and the bank's permit to stay closed. */
bool sequence_may_hold(const struct bank *bank, unsigned k);

/* Feedback shows the pole as wanted; without feedback, blind_ms since its coil was switched. */
bool sequence_is_proven(const struct bank *bank, unsigned k, enum pole pole, enum contact wanted,
			int32_t blind_ms);

/* Poles that move first and second in a closing; the same for a pack with one contactor. */
enum pole sequence_first_pole(const struct pack_contactors *site);
enum pole sequence_second_pole(const struct pack_contactors *site);

/* Says once that nothing can prove this pack open. */
void sequence_tell_unproven(struct bank *bank, unsigned k, struct bank_outputs *out);

/* This pole did not open: a fact until an operator clears it. */
void sequence_weld(struct bank *bank, unsigned k, enum pole pole, struct bank_outputs *out);

#endif
