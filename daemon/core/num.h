/*
 * Arithmetic where NaN is "unknown" and stays unknown. C's fmin, fmax and hypot swallow NaN
 * (fmin(NAN, x) is x) and are banned in the core; so are comparisons whose falling through means
 * "fine". Conditions are written as shown-inside: `num_inside(v, lo, hi)` is false when anything is
 * unknown.
 */
#ifndef REBANK_CORE_NUM_H
#define REBANK_CORE_NUM_H

#include <math.h>
#include <stdbool.h>

/* NaN if either is NaN. */
static inline double num_min(double a, double b)
{
	return isnan(a) || isnan(b) ? (double)NAN : (a < b ? a : b);
}

/* NaN if either is NaN. */
static inline double num_max(double a, double b)
{
	return isnan(a) || isnan(b) ? (double)NAN : (a > b ? a : b);
}

/* NaN if any is NaN or the bounds are crossed. */
static inline double num_clamp(double v, double lo, double hi)
{
	return lo <= hi ? num_min(num_max(v, lo), hi) : (double)NAN;
}

/* Two independent uncertainties as one. NaN if either is NaN: hypot(INFINITY, NAN) is not. */
static inline double num_hypot(double a, double b)
{
	return sqrt(a * a + b * b);
}

/* True only when v is known and within known bounds. */
static inline bool num_inside(double v, double lo, double hi)
{
	return lo <= v && v <= hi;
}

/* v where known, `otherwise` where not: for sums of optional terms and for outputs only. */
static inline double num_or(double v, double otherwise)
{
	return isnan(v) ? otherwise : v;
}

#endif
