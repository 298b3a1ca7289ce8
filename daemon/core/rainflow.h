/* Streaming rainflow counting after ASTM E1049-85, section 5.4.4, with bounded memory. */
#ifndef REBANK_CORE_RAINFLOW_H
#define REBANK_CORE_RAINFLOW_H

#include <stdint.h>

enum { RAINFLOW_STACK = 64 };

/* All zero: nothing fed yet. */
struct rainflow {
	double stack[RAINFLOW_STACK]; /* reversals that no closed cycle has used up */
	unsigned depth;
	double candidate; /* furthest value in the present direction */
	int direction;    /* -1, 0 (nothing yet), +1 */
};

struct rainflow_cycle {
	double range, mean;
	double count; /* 0.5 or 1 */
};

/* Feeds one sample; reversals smaller than `ignore` do not count. Writes at most RAINFLOW_STACK
 * closed cycles to `out` and returns how many. A NaN sample is skipped. A full stack gives up its
 * oldest reversal as a half cycle. */
unsigned rainflow_feed(struct rainflow *rainflow, double value, double ignore,
		       struct rainflow_cycle out[RAINFLOW_STACK]);

/* What the history would add if it ended now, open reversals as half cycles: for reports, not for
 * accumulation. Changes nothing. */
unsigned rainflow_residue(const struct rainflow *rainflow,
			  struct rainflow_cycle out[RAINFLOW_STACK]);

#endif
