/* Streaming rainflow counting after ASTM E1049 with bounded memory (algorithms 2.4). */
#ifndef REBANK_CORE_RAINFLOW_H
#define REBANK_CORE_RAINFLOW_H

#include <stdint.h>

enum { RAINFLOW_STACK = 64 };

struct rainflow {
	double stack[RAINFLOW_STACK];
	unsigned depth;
	double candidate;
	int direction; /* -1, 0 (nothing yet), +1 */
};

struct rainflow_cycle {
	double range, mean;
	double count; /* 0.5 or 1 */
};

/* Feeds one sample; reversals smaller than `ignore` do not count. Writes at most RAINFLOW_STACK
 * closed cycles to `out` and returns how many. A NaN sample is skipped. */
unsigned rainflow_feed(struct rainflow *rainflow, double value, double ignore,
		       struct rainflow_cycle out[RAINFLOW_STACK]);

#endif
