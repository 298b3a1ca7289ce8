/* What protection's rules look at, computed from fresh readings once per step. */
#ifndef REBANK_CORE_MEASURE_H
#define REBANK_CORE_MEASURE_H

#include "core/rules.h"

struct bank;
void measure_pack(struct bank *bank, const struct bank_inputs *in, unsigned k,
		  double m[PACK_MEASURE_COUNT]);
void measure_pcs(const struct bank *bank, unsigned i, double m[PCS_MEASURE_COUNT]);
void measure_bank(struct bank *bank, const struct bank_inputs *in, double m[BANK_MEASURE_COUNT]);

#endif
