/* Supervision of one precharge: voltage, current and slope against the RC the site describes. */
#ifndef REBANK_CORE_PRECHARGE_H
#define REBANK_CORE_PRECHARGE_H

#include "core/contactor.h"

enum precharge_verdict {
	PRECHARGE_RISING = 0, /* go on watching */
	PRECHARGE_DONE,       /* voltage and current inside for long enough */
	PRECHARGE_FAILED,     /* *reason says how */
};

/* Energy in the resistor now, after its cooling. */
double precharge_held_j(const struct bank *bank, unsigned k);

/* What one precharge of the empty bus to pack_v puts into it at the most. */
double precharge_one_j(const struct bank *bank, double pack_v);

/* May the resistor take one more precharge to pack_v? Books its cooling. */
bool precharge_is_cool(const struct bank *bank, struct contactor *contactor, unsigned k,
		       double pack_v, double *energy_j);

/* One look; `elapsed_ms` since the resistor was switched in. Books the resistor's heat. */
enum precharge_verdict precharge_watch(struct bank *bank, unsigned k, int64_t elapsed_ms,
				       enum reason *reason, double *value, double *threshold);

#endif
