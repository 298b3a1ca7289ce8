/*
 * Open-circuit-voltage curves and limits per chemistry, volts per cell at 25 C. NaN in, NaN out;
 * CHEMISTRY_UNKNOWN (or a code out of range) has no curve: NaN.
 */
#ifndef REBANK_CORE_CHEMISTRY_H
#define REBANK_CORE_CHEMISTRY_H

#include "core/site.h"

struct chemistry_text {
	const char *word;                      /* in config and reports */
	double cell_abs_min_v, cell_abs_max_v; /* no limit may be set outside */
};

/* Never NULL; the row of CHEMISTRY_UNKNOWN allows no limit at all. */
const struct chemistry_text *chemistry_text(enum chemistry chemistry);

/* OCV at soc (clamped to 0..1): mean of the charge and the discharge branch. */
double chemistry_ocv_v(enum chemistry chemistry, double soc);
/* dOCV/dSoC, V per unit of SoC, > 0. */
double chemistry_slope_v(enum chemistry chemistry, double soc);
/* SoC at which the OCV is v, 0..1. */
double chemistry_soc(enum chemistry chemistry, double v);
/* Integral of the OCV from SoC 0 to soc, V: times Ah it is the energy in Wh. */
double chemistry_area_v(enum chemistry chemistry, double soc);
/* Half of the gap between charge and discharge branch; 0 except for LFP. */
double chemistry_hysteresis_v(enum chemistry chemistry, double soc);
/* Error of the curve itself for an aged pack of this family, V (one sigma). */
double chemistry_sigma_v(enum chemistry chemistry);
/* Resistance at temp_c relative to 25 C; held constant outside -30..60 C. */
double chemistry_r_factor(enum chemistry chemistry, double temp_c);

#endif
