#include <string.h>

#include "core/chemistry.h"
#include "core/num.h"
#include "core/soc_filter.h"

static const double soc_sigma_max = 0.3;

static double square(double v)
{
	return v * v;
}

static double offset_bound(const struct pack_site *site)
{
	return num_min(site->model.i_offset_max_a, 0.05 * site->model.nominal_ah);
}

void soc_filter_set(struct estimate *e, const struct pack_site *site, double soc, double sigma)
{
	memset(e->p, 0, sizeof(e->p));
	e->x[0] = num_clamp(soc, 0.0, 1.0);
	e->x[1] = 0.0;
	e->p[0][0] = square(num_min(sigma, soc_sigma_max));
	e->p[1][1] = square(0.01);
	e->p[2][2] = square(0.5 * offset_bound(site));
	e->pending_s = 0.0;
	e->started = true;
}

/* exp(-dt/tau) to 1e-7 at the sampling interval; falls to 0 for long gaps. */
static double decay(double dt_s, double tau_s)
{
	const double u = dt_s / tau_s;

	return 1.0 / (1.0 + u * (1.0 + 0.5 * u));
}

void soc_filter_predict(struct estimate *e, const struct pack_site *site, double current_a,
			double dt_s)
{
	const double a = current_a - e->x[2];
	const double f = decay(dt_s, site->model.tau_s);
	const double soc = e->x[0] - dt_s * a / (3600.0 * e->capacity_ah);
	const double v1 = f * e->x[1] + e->r1_ohm * (1.0 - f) * a;

	if (!isfinite(soc) || !isfinite(v1) || !(dt_s >= 0.0))
		return;
	e->x[0] = num_clamp(soc, -0.05, 1.05);
	e->x[1] = num_clamp(v1, -0.5, 0.5);
	e->net_ah += a * dt_s / 3600.0;
	e->pending_s += dt_s;
}

/* Keeps the covariance symmetric, positive on its diagonal and within what the states can mean. */
static void tidy(struct estimate *e, const struct pack_site *site)
{
	const double most[3] = {square(soc_sigma_max), square(0.05), square(offset_bound(site))};
	int i, j;

	for (i = 0; i < 3; i++) {
		for (j = 0; j < i; j++)
			e->p[i][j] = e->p[j][i] = 0.5 * (e->p[i][j] + e->p[j][i]);
	}
	for (i = 0; i < 3; i++) {
		double shrink;

		e->p[i][i] = num_max(e->p[i][i], 1e-14);
		if (e->p[i][i] <= most[i])
			continue;
		shrink = sqrt(most[i] / e->p[i][i]); /* scales row and column: stays valid */
		for (j = 0; j < 3; j++) {
			e->p[i][j] *= shrink;
			e->p[j][i] *= shrink;
		}
	}
}

void soc_filter_spread(struct estimate *e, const struct pack_site *site)
{
	const double q = e->capacity_ah, d = e->pending_s;
	const double f = decay(d, site->model.tau_s);
	const double alpha = d / (3600.0 * q), beta = e->r1_ohm * (1.0 - f);
	const double noise = square(0.01 * q) / (d > 1.0 ? d : 1.0);
	/* A wrong capacity errs one way while the current lasts: as 4 % of it over ten minutes. */
	const double wrong = square(0.04 * num_or(e->last_a, 0.0) / (3600.0 * q)) * 600.0;
	double(*p)[3] = e->p;
	double m[3][3]; /* A P */
	int j;

	if (!(d > 0.0))
		return;
	for (j = 0; j < 3; j++) {
		m[0][j] = p[0][j] + alpha * p[2][j];
		m[1][j] = f * p[1][j] - beta * p[2][j];
		m[2][j] = p[2][j];
	}
	for (j = 0; j < 3; j++) { /* (A P) A' */
		p[j][0] = m[j][0] + alpha * m[j][2];
		p[j][1] = f * m[j][1] - beta * m[j][2];
		p[j][2] = m[j][2];
	}
	p[0][0] += alpha * alpha * noise + (square(1e-5) + wrong) * d;
	p[0][1] -= alpha * beta * noise;
	p[1][0] -= alpha * beta * noise;
	p[1][1] += beta * beta * noise + square(2e-4) * d;
	p[2][2] += square(2e-6 * q) * d;
	e->pending_s = 0.0;
	tidy(e, site);
}

/* x += k y and the Joseph form of P, which stays positive for any gain k. */
static void correct(struct estimate *e, const struct pack_site *site, const double h[3],
		    const double k[3], double y, double r)
{
	double x[3], a[3][3], m[3][3], p[3][3], sum = 0.0;
	int i, j;

	for (i = 0; i < 3; i++) {
		x[i] = e->x[i] + k[i] * y;
		for (j = 0; j < 3; j++)
			a[i][j] = (i == j ? 1.0 : 0.0) - k[i] * h[j];
	}
	for (i = 0; i < 3; i++) {
		for (j = 0; j < 3; j++)
			m[i][j] =
				a[i][0] * e->p[0][j] + a[i][1] * e->p[1][j] + a[i][2] * e->p[2][j];
	}
	for (i = 0; i < 3; i++) {
		for (j = 0; j < 3; j++) {
			p[i][j] = m[i][0] * a[j][0] + m[i][1] * a[j][1] + m[i][2] * a[j][2] +
				  k[i] * r * k[j];
			sum += p[i][j];
		}
		sum += x[i];
	}
	if (!isfinite(sum))
		return;
	e->x[0] = num_clamp(x[0], -0.05, 1.05);
	e->x[1] = num_clamp(x[1], -0.5, 0.5);
	e->x[2] = num_clamp(x[2], -offset_bound(site), offset_bound(site));
	memcpy(e->p, p, sizeof(e->p));
	tidy(e, site);
}

/* The curve goes on straight beyond its ends, so that the filter finds back. */
static double ocv_beyond_v(const struct pack_site *site, double soc, double slope_v)
{
	return chemistry_ocv_v(site->model.chemistry, soc) +
	       slope_v * (soc - num_clamp(soc, 0.0, 1.0));
}

/*
 * Within its hysteresis an LFP voltage says nothing about the charge: such a residual is not noise
 * that averages out. Only what exceeds it corrects.
 */
static double outside_hysteresis(const struct estimate *e, const struct pack_site *site, double y,
				 double current_a)
{
	double dead;

	if (site->model.chemistry != CHEMISTRY_LFP)
		return y;
	dead = chemistry_hysteresis_v(site->model.chemistry, e->x[0]) + 0.005 +
	       0.25 * e->r0_ohm * fabs(current_a);
	return fabs(y) <= dead ? 0.0 : y - copysign(dead, y);
}

void soc_filter_update(struct estimate *e, const struct pack_site *site, double cell_v,
		       double current_a, double noise_v)
{
	const double slope = chemistry_slope_v(site->model.chemistry, e->x[0]);
	const double h[3] = {slope, -1.0, e->r0_ohm};
	const double a = current_a - e->x[2];
	double ph[3], k[3], y, s, r;
	int i;

	if (!num_inside(cell_v, 1.5, 4.5) || !isfinite(a))
		return;
	y = cell_v - (ocv_beyond_v(site, e->x[0], slope) - e->r0_ohm * a - e->x[1]);
	y = outside_hysteresis(e, site, y, a);
	if (site->model.chemistry == CHEMISTRY_LFP && fabs(y) <= 0.0)
		return;
	r = square(noise_v) + square(0.25 * e->r0_ohm * a);
	for (i = 0; i < 3; i++)
		ph[i] = e->p[i][0] * h[0] + e->p[i][1] * h[1] + e->p[i][2] * h[2];
	s = h[0] * ph[0] + h[1] * ph[1] + h[2] * ph[2] + r;
	if (y * y > 25.0 * s) { /* never skipped silently: weighs as three sigma */
		r += y * y / 9.0 - s;
		s = y * y / 9.0;
		e->inflated += 2;
	} else if (e->inflated > 0) {
		e->inflated--;
	}
	for (i = 0; i < 3; i++)
		k[i] = ph[i] / s;
	if (fabs(a) > 0.5 * e->capacity_ah || slope < 0.3)
		k[2] = 0.0; /* the residual says nothing about the offset here */
	correct(e, site, h, k, y, r);
}

void soc_filter_offset(struct estimate *e, const struct pack_site *site, double current_a)
{
	const double h[3] = {0.0, 0.0, 1.0};
	const double r = square(0.1 + 0.1 * offset_bound(site));
	double k[3];
	int i;

	if (!num_inside(current_a, -2.0 * offset_bound(site), 2.0 * offset_bound(site)))
		return;
	for (i = 0; i < 3; i++)
		k[i] = e->p[i][2] / (e->p[2][2] + r);
	correct(e, site, h, k, current_a - e->x[2], r);
}

double soc_filter_noise_v(const struct pack_site *site, double seconds)
{
	const bool own_curve =
		site->model.chemistry != CHEMISTRY_NMC && site->model.chemistry != CHEMISTRY_LFP;

	return (own_curve ? 0.2 : 0.5) / sqrt(num_clamp(seconds, 0.1, 60.0));
}

double soc_filter_sigma(const struct estimate *e, const struct pack_site *site)
{
	const enum chemistry chemistry = site->model.chemistry;
	double curve = 0.0;

	if (chemistry != CHEMISTRY_LFP)
		curve = chemistry_sigma_v(chemistry) / chemistry_slope_v(chemistry, e->x[0]);
	return num_min(sqrt(e->p[0][0] + curve * curve), soc_sigma_max);
}
