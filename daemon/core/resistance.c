#include "core/num.h"
#include "core/resistance.h"

enum {
	STABLE_BEFORE_MS = 60000, /* the polarisation of what went before has settled */
	RAMP_MS = 1000,           /* a step must be over within */
	AFTER_MS = 10000,         /* when the voltage counts */
	DAY_MS = 86400000,
};

static const double step_min_c = 0.1; /* of capacity per hour: smaller steps drown in noise */
static const double steady_c = 0.02;
static const double outlier = 0.3;
static const double day_share = 0.02;
static const double rel_unmeasured = 0.15, rel_min = 0.05, rel_max = 0.5;

void resistance_forget(struct estimate *e)
{
	e->stable_ms = 0;
	e->step_ms = 0;
}

static void watch_from(struct estimate *e, double v, double a, int64_t now_ms)
{
	e->step_v = v;
	e->step_a = e->anchor_a = a;
	e->stable_ms = now_ms;
	e->step_ms = 0;
}

double resistance_bound(const struct estimate *e)
{
	double bound;

	if (e->r_events == 0)
		return rel_unmeasured;
	bound = fabs(e->r_seen / e->growth - 1.0) + 2.0 * sqrt(e->r_seen_var) / e->growth;
	return num_clamp(bound, e->r_events < 5 ? rel_unmeasured : rel_min, rel_max);
}

static void accept(struct estimate *e, double growth, int64_t now_ms)
{
	double gain, error;

	if (!num_inside(growth, 0.3 * e->growth, 3.0 * e->growth))
		return;
	if (e->r_events > 0 && fabs(growth / e->r_seen - 1.0) > outlier) {
		if (++e->r_misfits < 3)
			return;
		e->r_events = 0; /* three in a row: the pack has changed, start again */
	}
	e->r_misfits = 0;
	if (e->r_events++ == 0) {
		e->r_seen = growth;
		e->r_seen_var = 0.0;
	}
	gain = num_max(0.1, 1.0 / (double)e->r_events);
	error = growth - e->r_seen;
	e->r_seen += gain * error;
	e->r_seen_var = (1.0 - gain) * (e->r_seen_var + gain * error * error);
	if (e->growth_day_ms == 0 || now_ms - e->growth_day_ms >= DAY_MS) {
		e->growth_day = e->growth;
		e->growth_day_ms = now_ms;
	}
	e->growth = num_clamp(e->growth + 0.1 * (growth - e->growth),
			      e->growth_day * (1.0 - day_share), e->growth_day * (1.0 + day_share));
}

static void finish(struct estimate *e, const struct pack_site *site, int64_t now_ms)
{
	const double step_a = e->after_a - e->step_a;
	const double taken_v =
		e->ocv_slope_v * e->after_a * (double)AFTER_MS / 1000.0 / (3600.0 * e->capacity_ah);
	const double r_ohm = (e->step_v - e->after_v - taken_v) / step_a;

	if (!isnan(e->temp_c) && num_inside(e->soc, 0.12, 0.97))
		accept(e, r_ohm / (site->model.r_10s_ohm * e->r_factor), now_ms);
}

static void follow(double *level, double v)
{
	*level += 0.2 * (v - *level);
}

static void observe_before(struct estimate *e, double v, double a, int64_t now_ms)
{
	const double change_a = fabs(a - e->anchor_a), q = e->capacity_ah;

	if (e->stable_ms != 0 && change_a <= steady_c * q) {
		follow(&e->step_v, v);
		follow(&e->step_a, a);
	} else if (e->stable_ms != 0 && now_ms - e->stable_ms >= STABLE_BEFORE_MS) {
		e->step_ms = now_ms;
		e->after_v = v;
		e->after_a = a;
	} else {
		watch_from(e, v, a, now_ms);
	}
}

static void observe_after(struct estimate *e, const struct pack_site *site, double v, double a,
			  int64_t now_ms)
{
	const int64_t since_ms = now_ms - e->step_ms;
	const double q = e->capacity_ah;

	if (since_ms <= RAMP_MS) {
		e->after_v = v;
		e->after_a = e->anchor_a = a;
		return;
	}
	if (fabs(a - e->anchor_a) > steady_c * q || fabs(e->after_a - e->step_a) < step_min_c * q) {
		watch_from(e, v, a, now_ms);
		return;
	}
	if (since_ms < AFTER_MS - RAMP_MS / 2) {
		e->after_v = v;
		follow(&e->after_a, a);
		return;
	}
	follow(&e->after_v, v);
	if (since_ms < AFTER_MS)
		return;
	if (since_ms < AFTER_MS + RAMP_MS)
		finish(e, site, now_ms);
	watch_from(e, v, a, now_ms);
}

void resistance_observe(struct estimate *e, const struct pack_site *site, double v, double a,
			int64_t now_ms)
{
	if (!isfinite(v) || !isfinite(a) || !(e->capacity_ah > 0.0))
		return;
	if (e->step_ms != 0)
		observe_after(e, site, v, a, now_ms);
	else
		observe_before(e, v, a, now_ms);
}
