/* Does the measured power follow what was commanded? Else: event, and after a time no target. */
#ifndef REBANK_CORE_READBACK_H
#define REBANK_CORE_READBACK_H

#include "core/dispatch.h"

struct bank;

/* Measured power at the site's point; NaN: unknown. */
double readback_measured_w(const struct bank *bank);

/* Compares with the command of the step before; sets dispatch.degraded and .dropped. */
void readback_step(struct bank *bank, struct bank_outputs *out);

#endif
