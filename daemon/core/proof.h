/*
 * Proof tests with due dates (hazards rule 32): what only works when it is needed must be seen
 * working from time to time. Overdue means that nothing new closes.
 *
 * Time counts by the wall clock while it is synchronised, and by running time otherwise: the age of
 * a proof is the greater of the two, so that a clock set back, or none, never makes one younger
 * than the controller has been running since. What has never been seen counts from the first start.
 */
#ifndef REBANK_CORE_PROOF_H
#define REBANK_CORE_PROOF_H

#include "core/site.h"

/* When one thing was last seen working. */
struct proof {
	int64_t utc_ms; /* 0: the clock has not been synchronised since */
	double run_s;   /* running time since */
};

struct proofs {
	struct proof bank[PROOF_BANK_TESTS], weld[PACK_MAX];
	/* results: days until due, negative: overdue; NaN: not required here */
	double bank_left_d[PROOF_BANK_TESTS], weld_left_d[PACK_MAX];
	bool pressed;           /* the emergency stop was seen pressed, not yet released */
	bool opening[PACK_MAX]; /* the pack was opening in the step before */
};

struct bank;
struct bank_inputs;
struct bank_outputs;

/* Counts, and takes what is seen by itself: contactors proven open, an emergency stop pressed and
 * released, a dead-man that its driver has read back. */
void proof_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

/* The operator has seen it. PROOF_WELD needs a pack. OK, OUT_OF_RANGE, or FAULT while what was to
 * be proven is known to be broken. */
enum reason proof_seen(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out,
		       enum proof_test test, int pack);

/* Lowercase words; "" for none. */
const char *proof_word(enum proof_test test);

#endif
