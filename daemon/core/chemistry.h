/* Open-circuit-voltage curves and limits per chemistry, volts per cell at 25 C. */
#ifndef REBANK_CORE_CHEMISTRY_H
#define REBANK_CORE_CHEMISTRY_H

#include "core/site.h"

struct chemistry_text {
	const char *word;              /* in config and reports */
	double cell_abs_min_v, cell_abs_max_v; /* no limit may be set outside */
};

const struct chemistry_text *chemistry_text(enum chemistry chemistry);

/* OCV at soc (clamped to 0..1); NaN in, NaN out. */
double chemistry_ocv_v(enum chemistry chemistry, double soc);
/* dOCV/dSoC, V per unit of SoC, > 0. */
double chemistry_slope_v(enum chemistry chemistry, double soc);
/* SoC at which the OCV is v, 0..1. */
double chemistry_soc(enum chemistry chemistry, double v);
/* Half of the gap between charge and discharge branch; 0 except for LFP. */
double chemistry_hysteresis_v(enum chemistry chemistry, double soc);
/* Resistance at temp_c relative to 25 C (measured on Leaf cells: algorithms 2.2). */
double chemistry_r_factor(enum chemistry chemistry, double temp_c);

#endif
