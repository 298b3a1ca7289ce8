/*
 * One pack: three representative cells (lowest, mean, highest) behind a fast resistance and two RC
 * elements, hysteresis for LFP, heat of first order. The truth lies near the site's beliefs,
 * shifted by the seed: capacity +-15 %, resistance +-30 %, OCV +-10 mV; cells: capacity 2 %, SoC 1
 * %, resistance 5 % (one sigma).
 */
#include <math.h>

#include "core/chemistry.h"
#include "drivers/sim/plant.h"

static const double HYSTERESIS_SOC = 0.03; /* SoC to flip from one branch to the other */
static const double TAU_SLOW_S = 400.0;    /* diffusion, the second RC element */
static const double TAU_RUNAWAY_S = 600.0; /* a hot spot fades with */

/* Beyond empty and full the table ends; real cells bend away steeply. */
static double ocv_v(enum chemistry chemistry, double z)
{
	double v = chemistry_ocv_v(chemistry, z);

	if (z > 1.0)
		return v + 3.0 * (z - 1.0);
	return z < 0.0 ? v + 10.0 * z : v;
}

static double ocv_slope_v(enum chemistry chemistry, double z)
{
	if (z > 1.0)
		return 3.0;
	return z < 0.0 ? 10.0 : chemistry_slope_v(chemistry, z);
}

/* Where every cell lies between the three representatives. */
static void cells_draw(struct plant_pack *pack, struct noise *noise)
{
	unsigned n = pack->cells;
	unsigned strongest;

	pack->weakest = (unsigned)(noise_bits(noise) % n);
	strongest = n > 1 ? (pack->weakest + 1 + (unsigned)(noise_bits(noise) % (n - 1))) % n : 0;
	for (unsigned i = 0; i < n; i++) {
		double w = noise_normal(noise) / 2.5;

		if (i == pack->weakest)
			w = n > 1 ? -1.0 : 0.0;
		else if (i == strongest)
			w = 1.0;
		else if (!(w > -0.9 && w < 0.9))
			w = w > 0.0 ? 0.9 : -0.9;
		pack->weight[i] = (float)w;
		w = (double)pack->weight[i];
		pack->share[REP_LOW] += w < 0.0 ? -w : 0.0;
		pack->share[REP_HIGH] += w > 0.0 ? w : 0.0;
	}
	pack->share[REP_MEAN] = (double)n - pack->share[REP_LOW] - pack->share[REP_HIGH];
}

/* The extremes of some hundred draws lie near 2.3 sigma. */
static void reps_draw(struct plant_pack *pack, struct noise *noise, double spread, double soc)
{
	static const double side[REP_COUNT] = {-1.0, 0.0, 1.0};
	double sum = 0.0;

	for (int rep = 0; rep < REP_COUNT; rep++) {
		double reach = side[rep] * spread * noise_between(noise, 1.4, 2.4);

		pack->q_ah[rep] = pack->capacity_ah * (1.0 + 0.02 * reach);
		pack->z[rep] = soc + 0.01 * reach;
		pack->rf[rep] = 1.0 - 0.05 * reach;
		sum += pack->share[rep] * pack->rf[rep];
	}
	for (int rep = 0; rep < REP_COUNT; rep++)
		pack->rf[rep] *= pack->cells / sum;
}

static void heat_init(struct plant_pack *pack, const struct pack_model *model, struct noise *noise,
		      double spread)
{
	/* 130 Wh per kg of cell at 1000 J/kgK, housing 30 % of that mass at 500 J/kgK. */
	double cells_kg = model->nominal_ah * 3.7 * model->cells_series / 130.0;

	pack->heat_capacity_j_k = cells_kg * (1000.0 + 0.3 * 500.0);
	pack->cooling_w_k = 10.0 + 5.0 * spread * noise_between(noise, -1.0, 1.0);
}

void plant_pack_init(struct twin *twin, unsigned k)
{
	struct plant_pack *pack = &twin->pack[k];
	const struct pack_model *model = &twin->site.pack[k].model;
	const struct twin_pack_config *given = &twin->config.pack[k];
	double spread = twin->config.spread;
	struct noise noise = noise_of(twin->config.seed, 0xb0, k);
	double q = 1.0 + 0.15 * spread * noise_between(&noise, -1.0, 1.0);
	double r = 1.0 + 0.30 * spread * noise_between(&noise, -1.0, 1.0);
	double soc = 0.5 + 0.2 * spread * noise_between(&noise, -1.0, 1.0);
	double slow = model->r_10s_ohm - model->r_fast_ohm;

	pack->cells = model->cells_series;
	pack->chemistry = model->chemistry;
	pack->shift_v = 0.010 * spread * noise_between(&noise, -1.0, 1.0);
	pack->h = spread * noise_between(&noise, -1.0, 1.0);
	pack->capacity_ah =
		isnan(given->soh) ? model->capacity_ah * q : model->nominal_ah * given->soh;
	pack->growth = isnan(given->r_growth) ? model->r_growth * r : given->r_growth;
	pack->r0_new = model->r_fast_ohm * pack->growth;
	pack->r1_new = slow * pack->growth;
	pack->r2_new = 0.5 * slow * pack->growth * spread; /* beyond what the belief knows */
	pack->tau1_s = model->tau_s;
	pack->tau2_s = TAU_SLOW_S;
	pack->temp_c = isnan(given->temp_c) ? twin->config.ambient_c : given->temp_c;
	cells_draw(pack, &noise);
	reps_draw(pack, &noise, spread, isnan(given->soc) ? soc : given->soc);
	heat_init(pack, model, &noise, spread);
	pack->refresh_ms = twin->start_ms;
	plant_pack_refresh(twin, k, twin->start_ms);
	pack->v = plant_pack_source_v(pack);
}

void plant_pack_connect(struct twin *twin, unsigned k)
{
	struct plant_pack *pack = &twin->pack[k];
	double r_ohm = pack->r0;

	if (pack->path == PATH_PRECHARGE)
		r_ohm += twin->site.pack[k].contactors.precharge_ohm;
	pack->g_s = pack->path == PATH_NONE ? 0.0 : 1.0 / r_ohm;
}

static void heat_refresh(struct twin *twin, unsigned k, double dt_s)
{
	struct plant_pack *pack = &twin->pack[k];
	const struct pack_effects *effects = &twin->effects.pack[k];
	double loss_w = pack->cooling_w_k * (pack->temp_c - twin->effects.ambient_c);

	pack->temp_c +=
		(pack->heat_j + (effects->heat_w - loss_w) * dt_s) / pack->heat_capacity_j_k;
	pack->heat_j = 0.0;
	if (dt_s > 0.0 && pack->path != PATH_PRECHARGE)
		pack->resistor_j *= exp(-dt_s / twin->site.pack[k].contactors.precharge_cool_s);
	pack->runaway_k += effects->runaway_k_s * dt_s;
	if (effects->runaway_k_s == 0.0)
		pack->runaway_k *= 1.0 - dt_s / TAU_RUNAWAY_S;
}

void plant_pack_refresh(struct twin *twin, unsigned k, int64_t t)
{
	struct plant_pack *pack = &twin->pack[k];
	double dt_s = (double)(t - pack->refresh_ms) / 1000.0;
	double dz = pack->pending_as / (3600.0 * pack->capacity_ah);
	double flip = (dz < 0.0 ? -dz : dz) / HYSTERESIS_SOC;
	double factor, hysteresis_v;

	pack->h += (flip < 1.0 ? flip : 1.0) * ((dz < 0.0 ? 1.0 : -1.0) - pack->h);
	hysteresis_v = pack->h * chemistry_hysteresis_v(pack->chemistry, pack->z[REP_MEAN]);
	pack->source_v = pack->source_per_as = 0.0;
	for (int rep = 0; rep < REP_COUNT; rep++) {
		double as = 3600.0 * pack->q_ah[rep];

		pack->z[rep] -= pack->pending_as / as;
		pack->ocv[rep] =
			ocv_v(pack->chemistry, pack->z[rep]) + hysteresis_v + pack->shift_v;
		pack->ocv_per_as[rep] = ocv_slope_v(pack->chemistry, pack->z[rep]) / as;
		pack->source_v += pack->share[rep] * pack->ocv[rep];
		pack->source_per_as += pack->share[rep] * pack->ocv_per_as[rep];
	}
	pack->pending_as = 0.0;
	heat_refresh(twin, k, dt_s);
	factor = chemistry_r_factor(pack->chemistry, pack->temp_c);
	pack->r0 = pack->r0_new * factor;
	pack->r1 = pack->r1_new * factor;
	pack->r2 = pack->r2_new * factor;
	pack->refresh_ms = t;
	plant_pack_connect(twin, k);
}

/* Seconds beyond 1.02 x the pack's own limits; currents forbidden by temperature count from 1 A. */
static void excess_count(struct twin *twin, unsigned k, double dt_s)
{
	struct plant_pack *pack = &twin->pack[k];
	const struct pack_limits *limit = &twin->site.pack[k].limit;
	double dis_a = 1.02 * limit->dis_max_a, cha_a = 1.02 * limit->cha_max_a;
	double low_v, high_v;

	if (!(pack->temp_c >= limit->discharge_min_c && pack->temp_c <= limit->discharge_max_c))
		dis_a = 1.0;
	if (!(pack->temp_c >= limit->charge_min_c && pack->temp_c <= limit->charge_max_c))
		cha_a = 1.0;
	plant_pack_cell_range(pack, &low_v, &high_v);
	if (!(pack->a <= dis_a && pack->a >= -cha_a && low_v >= limit->cell_min_v / 1.02 &&
	      high_v <= limit->cell_max_v * 1.02))
		pack->excess_s += dt_s;
}

void plant_pack_step(struct twin *twin, unsigned k, double dt_s)
{
	struct plant_pack *pack = &twin->pack[k];
	double charge_as = pack->a * dt_s;
	double sag_v = pack->r0 * pack->a + pack->v1 + pack->v2;

	if (dt_s != pack->f_dt_s) {
		pack->f1 = exp(-dt_s / pack->tau1_s);
		pack->f2 = exp(-dt_s / pack->tau2_s);
		pack->f_dt_s = dt_s;
	}
	pack->heat_j += sag_v * charge_as;
	pack->pending_as += charge_as;
	pack->source_v -= pack->source_per_as * charge_as;
	pack->v1 = pack->f1 * pack->v1 + pack->r1 * (1.0 - pack->f1) * pack->a;
	pack->v2 = pack->f2 * pack->v2 + pack->r2 * (1.0 - pack->f2) * pack->a;
	if (pack->path != PATH_NONE)
		excess_count(twin, k, dt_s);
}

void plant_pack_cell_range(const struct plant_pack *pack, double *min_v, double *max_v)
{
	double low_v = plant_pack_rep_v(pack, REP_LOW);
	double v = low_v - pack->drift_v;

	*min_v = *max_v = v;
	for (int rep = REP_MEAN; rep < REP_COUNT; rep++) {
		v = plant_pack_rep_v(pack, (enum rep)rep);
		if (v < *min_v)
			*min_v = v;
		if (v > *max_v)
			*max_v = v;
	}
}

double plant_pack_hottest_c(const struct plant_pack *pack)
{
	double offset = pack->sensors.temp_offset[0] + pack->runaway_k;

	for (int i = 1; i < PLANT_TEMPS; i++)
		if (pack->sensors.temp_offset[i] > offset)
			offset = pack->sensors.temp_offset[i];
	return pack->temp_c + offset;
}

/* 0 at `zero`, 1 at `one`, linear between, either order. */
static double ramp(double v, double zero, double one)
{
	double share = (v - zero) / (one - zero);

	if (share <= 0.0)
		return 0.0;
	return share < 1.0 ? share : 1.0;
}

double plant_pack_dis_limit_a(const struct twin *twin, unsigned k)
{
	const struct plant_pack *pack = &twin->pack[k];
	const struct pack_limits *limit = &twin->site.pack[k].limit;

	return limit->dis_max_a * ramp(pack->z[REP_LOW], 0.02, 0.07) *
	       ramp(pack->temp_c, limit->discharge_min_c, limit->discharge_min_c + 5.0) *
	       ramp(pack->temp_c, limit->discharge_max_c, limit->discharge_max_c - 5.0);
}

double plant_pack_cha_limit_a(const struct twin *twin, unsigned k)
{
	const struct plant_pack *pack = &twin->pack[k];
	const struct pack_limits *limit = &twin->site.pack[k].limit;

	return limit->cha_max_a * ramp(pack->z[REP_HIGH], 0.99, 0.94) *
	       ramp(pack->temp_c, limit->charge_min_c, limit->charge_min_c + 10.0) *
	       ramp(pack->temp_c, limit->charge_max_c, limit->charge_max_c - 5.0);
}
