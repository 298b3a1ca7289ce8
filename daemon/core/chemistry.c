/*
 * Curves at 21 equidistant SoC points, linear between them. Sources:
 *  LMO      2013 Leaf cell, one-hour rests of an HPPC test: Wiggins, Allu, Wang, "Battery cell data
 *           from a 2013 Nissan Leaf", ORNL, doi 10.5281/zenodo.2580327
 *  NMC_SDI  Samsung SDI 94 Ah: Collath 2024, analytic fit, as published with SimSES
 *  NMC      Sanyo UR18650E: Schmalstieg et al. 2014, doi 10.1016/j.jpowsour.2014.02.012
 *  NCA      Panasonic NCR18650: Keil and Jossen 2016, analytic fit, as published with SimSES
 *  LFP      Sony US26650FTC1: Naumann, thesis, TU Munich 2018, as published with SimSES
 */
#include "core/chemistry.h"
#include "core/num.h"

enum { POINTS = 21 };

struct curve {
	double ocv_v[POINTS];
	double sigma_v;
	double cold_k, warm_k; /* activation temperature Ea/R of the resistance below, above 25 C */
	double warm_max_c;     /* no further fall of the resistance above */
};

static const struct curve curves[CHEMISTRY_COUNT] = {
	[CHEMISTRY_LMO] =
		{
			.ocv_v = {3.081, 3.478, 3.665, 3.699, 3.738, 3.783, 3.821,
				  3.849, 3.877, 3.892, 3.916, 3.931, 3.955, 3.968,
				  3.988, 4.010, 4.051, 4.066, 4.089, 4.124, 4.182},
			.sigma_v = 0.005,
			.cold_k = 2526.0,
			.warm_k = 313.0,
			.warm_max_c = 60.0,
		},
	[CHEMISTRY_NMC_SDI] =
		{
			.ocv_v = {3.238, 3.441, 3.490, 3.523, 3.553, 3.579, 3.604,
				  3.627, 3.649, 3.671, 3.694, 3.719, 3.747, 3.780,
				  3.818, 3.861, 3.911, 3.964, 4.020, 4.076, 4.127},
			.sigma_v = 0.005,
			.cold_k = 2526.0,
			.warm_k = 313.0,
			.warm_max_c = 60.0,
		},
	[CHEMISTRY_NMC] =
		{
			.ocv_v = {3.331, 3.420, 3.491, 3.544, 3.581, 3.608, 3.627,
				  3.641, 3.655, 3.673, 3.697, 3.732, 3.775, 3.821,
				  3.869, 3.915, 3.965, 4.019, 4.073, 4.118, 4.162},
			.sigma_v = 0.010,
			.cold_k = 2526.0,
			.warm_k = 313.0,
			.warm_max_c = 60.0,
		},
	[CHEMISTRY_NCA] =
		{
			.ocv_v = {3.245, 3.323, 3.395, 3.456, 3.504, 3.541, 3.569,
				  3.594, 3.622, 3.655, 3.693, 3.736, 3.780, 3.825,
				  3.871, 3.916, 3.961, 4.009, 4.063, 4.126, 4.197},
			.sigma_v = 0.005,
			.cold_k = 2526.0,
			.warm_k = 313.0,
			.warm_max_c = 60.0,
		},
	[CHEMISTRY_LFP] =
		{
			.ocv_v = {2.286, 3.065, 3.197, 3.212, 3.234, 3.255, 3.270,
				  3.283, 3.292, 3.297, 3.299, 3.301, 3.303, 3.306,
				  3.311, 3.319, 3.334, 3.340, 3.342, 3.345, 3.530},
			.sigma_v = 0.010,
			.cold_k = 2200.0,
			.warm_k = 1460.0,
			.warm_max_c = 40.0,
		},
};

static const double lfp_hysteresis_v[POINTS] = {
	0.030, 0.029, 0.025, 0.024, 0.025, 0.028, 0.029, 0.028, 0.023, 0.019, 0.019,
	0.019, 0.019, 0.020, 0.021, 0.023, 0.019, 0.017, 0.017, 0.019, 0.030,
};

static const struct chemistry_text texts[CHEMISTRY_COUNT] = {
	[CHEMISTRY_UNKNOWN] = {"unknown", 0.0, 0.0},  [CHEMISTRY_LMO] = {"lmo", 2.5, 4.25},
	[CHEMISTRY_NMC_SDI] = {"nmc-sdi", 2.5, 4.25}, [CHEMISTRY_NMC] = {"nmc", 2.5, 4.25},
	[CHEMISTRY_NCA] = {"nca", 2.5, 4.25},         [CHEMISTRY_LFP] = {"lfp", 2.0, 3.75},
};

static bool known(enum chemistry chemistry)
{
	return chemistry > CHEMISTRY_UNKNOWN && chemistry < CHEMISTRY_COUNT;
}

const struct chemistry_text *chemistry_text(enum chemistry chemistry)
{
	return &texts[known(chemistry) ? chemistry : CHEMISTRY_UNKNOWN];
}

/* Segment of a known soc; the rest within it, in units of a segment, goes to *within. */
static unsigned segment_of(double soc, double *within)
{
	const double at = num_clamp(soc, 0.0, 1.0) * (POINTS - 1);
	unsigned i = (unsigned)at;

	if (i > POINTS - 2)
		i = POINTS - 2;
	*within = at - (double)i;
	return i;
}

static double interpolate(const double *table, double soc)
{
	double within;
	const unsigned i = segment_of(soc, &within);

	return table[i] + within * (table[i + 1] - table[i]);
}

double chemistry_ocv_v(enum chemistry chemistry, double soc)
{
	if (!known(chemistry) || isnan(soc))
		return (double)NAN;
	return interpolate(curves[chemistry].ocv_v, soc);
}

double chemistry_slope_v(enum chemistry chemistry, double soc)
{
	double within;
	unsigned i;

	if (!known(chemistry) || isnan(soc))
		return (double)NAN;
	i = segment_of(soc, &within);
	return (curves[chemistry].ocv_v[i + 1] - curves[chemistry].ocv_v[i]) * (POINTS - 1);
}

double chemistry_soc(enum chemistry chemistry, double v)
{
	const double *table;
	unsigned i = 0;
	double within;

	if (!known(chemistry) || isnan(v))
		return (double)NAN;
	table = curves[chemistry].ocv_v;
	while (i < POINTS - 2 && v >= table[i + 1])
		i++;
	within = num_clamp((v - table[i]) / (table[i + 1] - table[i]), 0.0, 1.0);
	return ((double)i + within) / (POINTS - 1);
}

double chemistry_area_v(enum chemistry chemistry, double soc)
{
	const double *table;
	double within, sum = 0.0;
	unsigned i, last;

	if (!known(chemistry) || isnan(soc))
		return (double)NAN;
	table = curves[chemistry].ocv_v;
	last = segment_of(soc, &within);
	for (i = 0; i < last; i++)
		sum += 0.5 * (table[i] + table[i + 1]);
	sum += within * (table[last] + 0.5 * within * (table[last + 1] - table[last]));
	return sum / (POINTS - 1);
}

double chemistry_hysteresis_v(enum chemistry chemistry, double soc)
{
	if (!known(chemistry) || isnan(soc))
		return (double)NAN;
	return chemistry == CHEMISTRY_LFP ? interpolate(lfp_hysteresis_v, soc) : 0.0;
}

double chemistry_sigma_v(enum chemistry chemistry)
{
	return known(chemistry) ? curves[chemistry].sigma_v : (double)NAN;
}

/*
 * Arrhenius between the measured points: 10/25/40 C on Leaf cells (1.58, 1, 0.95) and the LFP
 * table; the other families have no public measurement of their own and use the Leaf's.
 */
double chemistry_r_factor(enum chemistry chemistry, double temp_c)
{
	const struct curve *curve;
	double at_c;

	if (!known(chemistry) || isnan(temp_c))
		return (double)NAN;
	curve = &curves[chemistry];
	at_c = num_clamp(temp_c, -30.0, curve->warm_max_c);
	return exp((at_c < 25.0 ? curve->cold_k : curve->warm_k) *
		   (1.0 / (at_c + 273.15) - 1.0 / 298.15));
}
