#include "core/capacity.h"
#include "core/num.h"

static const double q_min = 0.3, q_max = 1.3;
static const int64_t pair_max_ms = (int64_t)72 * 3600 * 1000; /* then the offset spoils the count */

static double square(double v)
{
	return v * v;
}

void capacity_pair(double c[6], double forget, double x, double x_var, double y, double y_var)
{
	const double add[6] = {x * x / y_var, x * y / y_var, y * y / y_var,
			       x * x / x_var, x * y / x_var, y * y / x_var};
	int i;

	for (i = 0; i < 6; i++)
		c[i] = forget * c[i] + add[i];
}

static double cost(const double c[6], double q)
{
	const double q2 = q * q;

	return (c[3] * q2 * q2 - 2.0 * c[4] * q2 * q + (c[0] + c[5]) * q2 - 2.0 * c[1] * q + c[2]) /
	       square(q2 + 1.0);
}

/* The cost has up to four stationary points: a coarse look first, then thirds. Runs rarely. */
double capacity_solve(const double c[6])
{
	const double step = (q_max - q_min) / 50.0;
	double best = q_min, lo, hi;
	int i;

	for (i = 1; i <= 50; i++) {
		if (cost(c, q_min + i * step) < cost(c, best))
			best = q_min + i * step;
	}
	lo = num_max(best - step, q_min);
	hi = num_min(best + step, q_max);
	for (i = 0; i < 40; i++) {
		const double third = (hi - lo) / 3.0;

		if (cost(c, lo + third) < cost(c, hi - third))
			hi -= third;
		else
			lo += third;
	}
	return 0.5 * (lo + hi);
}

void capacity_init(struct estimate *e, const struct pack_site *site)
{
	int i;

	for (i = 0; i < 6; i++)
		e->cap_c[i] = 0.0;
	capacity_pair(e->cap_c, 0.0, 1.0, square(0.02), e->capacity_ah / site->model.nominal_ah,
		      square(0.1));
	e->point_ms = 0;
}

static void keep(struct estimate *e, double soc, double sigma, int64_t now_ms)
{
	e->point_soc = soc;
	e->point_sigma = sigma;
	e->point_ah = e->net_ah;
	e->point_gap_ah = e->gap_ah;
	e->point_temp_c = e->temp_c;
	e->point_ms = now_ms;
}

static bool pair_is_good(const struct estimate *e, double taken, double sigma)
{
	return fabs(taken) >= 0.15 && num_hypot(sigma, e->point_sigma) < 0.02 &&
	       num_inside(e->temp_c, 10.0, 40.0) && num_inside(e->point_temp_c, 10.0, 40.0) &&
	       fabs(e->temp_c - e->point_temp_c) < 10.0;
}

void capacity_point(struct estimate *e, const struct pack_site *site, double soc, double sigma,
		    int64_t now_ms)
{
	const double nominal_ah = site->model.nominal_ah;
	double taken, counted_ah, hours, y_var, q;

	if (!isfinite(soc) || !isfinite(sigma))
		return;
	if (e->point_ms == 0 || now_ms - e->point_ms > pair_max_ms ||
	    !num_inside(e->point_temp_c, 10.0, 40.0)) {
		keep(e, soc, sigma, now_ms);
		return;
	}
	taken = e->point_soc - soc;
	if (!pair_is_good(e, taken, sigma))
		return;
	counted_ah = e->net_ah - e->point_ah;
	hours = (double)(now_ms - e->point_ms) / 3.6e6;
	y_var = square(0.25 * site->model.i_offset_max_a * hours) + square(0.01 * counted_ah) +
		square(0.02) + square(e->gap_ah - e->point_gap_ah);
	capacity_pair(e->cap_c, 0.98, taken, square(sigma) + square(e->point_sigma),
		      counted_ah / nominal_ah, y_var / square(nominal_ah));
	q = capacity_solve(e->cap_c) * nominal_ah;
	/* One pair may be wrong in ways its variance does not know. */
	e->capacity_ah = num_clamp(q, 0.95 * e->capacity_ah, 1.05 * e->capacity_ah);
	keep(e, soc, sigma, now_ms);
}
