#include "core/bank.h"
#include "core/capability.h"
#include "core/num.h"

static const double dis_ceiling_c = 1.0, cha_ceiling_c = 0.5; /* stationary use, of capacity */
static const double idle_c = 0.2;                             /* circulation near the SoC ends */
static const double guard_low_v = 0.02, guard_high_v = 0.01;  /* per cell, strict only */
static const double unused_share = 0.03; /* of the energy, when packs leave at their own floors */

/* Aged cells heat more: less of the rating of a new pack. */
static double health_factor(const struct estimate *e)
{
	return num_clamp(e->soh / 0.8, 0.0, 1.0) * num_clamp(1.5 / e->growth, 0.0, 1.0);
}

static double taper_dis(const struct plan_site *plan, double soc)
{
	return num_clamp((soc - plan->soc_floor) / 0.10, 0.0, 1.0);
}

/* 1 up to 85 %, then linear to 0.1 one percent below the ceiling, then to 0 at it. */
static double taper_cha(const struct plan_site *plan, double soc)
{
	const double end = plan->soc_ceiling, last = end - 0.01;
	const double begin = num_min(0.85, end - 0.10);

	if (soc > last)
		return num_clamp(0.1 * (end - soc) / 0.01, 0.0, 0.1);
	return num_clamp(1.0 - 0.9 * (soc - begin) / (last - begin), 0.0, 1.0);
}

/* Currents in one direction: by permit, by rating, by SoC taper. */
struct currents {
	double permit_a, rated_a, taper;
};

static struct currents currents_of(const struct bank *bank, unsigned k, bool discharge)
{
	const struct estimate *e = &bank->estimate[k];
	const struct pack_limits *limit = &bank->site.pack[k].limit;
	const struct permit *permit = &bank->protect.pack[k].permit;
	const double share = bank->protect.permit.derate * bank->limits.trim[k];
	const double health = health_factor(e);
	struct currents c;

	if (discharge) {
		c.permit_a = permit->dis_a * share;
		c.rated_a = num_min(limit->dis_max_a, dis_ceiling_c * e->capacity_ah);
		c.taper = taper_dis(&bank->site.plan, e->soc);
	} else {
		c.permit_a = permit->cha_a * share;
		c.rated_a = num_min(limit->cha_max_a, cha_ceiling_c * e->capacity_ah);
		c.taper = taper_cha(&bank->site.plan, e->soc);
	}
	c.rated_a *= health * share;
	return c;
}

static double strict_a(const struct currents *c)
{
	return num_min(c->permit_a, c->rated_a * c->taper);
}

static double safe_a(const struct currents *c, double capacity_ah)
{
	return num_min(c->permit_a, num_max(c->rated_a * c->taper, idle_c * capacity_ah));
}

/*
 * Terminal voltages at which the extreme cell meets its bound: from the voltages measured at the
 * same instant, along the cell's own resistance. A cell already beyond counts as an average one.
 */
static double window_low_v(const struct estimate *e, const struct pack_site *site, double guard_v)
{
	const double room_v = e->cell_low_v - (site->limit.cell_min_v + guard_v);
	const double r_ohm = room_v < 0.0 ? e->r0_ohm : e->r_cell_ohm;

	return num_max(site->limit.pack_min_v, e->cells_v - room_v * e->r_fast_ohm / r_ohm);
}

static double window_high_v(const struct estimate *e, const struct pack_site *site, double guard_v)
{
	const double room_v = site->limit.cell_max_v - guard_v - e->cell_high_v;
	const double r_ohm = room_v < 0.0 ? e->r0_ohm : e->r_cell_ohm;

	return num_min(site->limit.pack_max_v, e->cells_v + room_v * e->r_fast_ohm / r_ohm);
}

/* A pack that never shows its cells is held by its pack voltage; one that should and does not is
 * unknown. */
static void fill_window(const struct bank *bank, unsigned k, bool guarded, struct limit_pack *pack)
{
	const struct pack_site *site = &bank->site.pack[k];
	const struct pack_now *now = &bank->now.pack[k];
	const struct estimate *e = &bank->estimate[k];
	const bool seen = !isnan(now->cell_min_v) && !isnan(now->cell_max_v);

	if (!seen && !site->cells_required) {
		pack->v_min = site->limit.pack_min_v;
		pack->v_max = site->limit.pack_max_v;
		return;
	}
	if (!seen) {
		pack->v_min = pack->v_max = (double)NAN;
		return;
	}
	pack->v_min = window_low_v(e, site, guarded ? guard_low_v : 0.0);
	pack->v_max = window_high_v(e, site, guarded ? guard_high_v : 0.0);
}

void capability_of_pack(const struct bank *bank, unsigned k, struct limit_pack *safe,
			struct limit_pack *strict)
{
	const struct estimate *e = &bank->estimate[k];
	const struct currents dis = currents_of(bank, k, true), cha = currents_of(bank, k, false);

	safe->e_v = e->e_v;
	safe->e_sigma_v = e->e_sigma_v;
	safe->r_ohm = e->r_fast_ohm;
	safe->r_rel = e->r_rel;
	*strict = *safe;
	safe->dis_a = safe_a(&dis, e->capacity_ah);
	safe->cha_a = safe_a(&cha, e->capacity_ah);
	strict->dis_a = strict_a(&dis);
	strict->cha_a = strict_a(&cha);
	fill_window(bank, k, false, safe);
	fill_window(bank, k, true, strict);
	limits_interval(safe);
	limits_interval(strict);
}

void capability_after(const struct bank *bank, unsigned k, double horizon_s,
		      const struct limit_pack *strict, struct limit_pack *later)
{
	const struct estimate *e = &bank->estimate[k];
	const struct plan_site *plan = &bank->site.plan;
	const double tau_s = bank->site.pack[k].model.tau_s;
	const double gone = 1.0 - exp(-horizon_s / tau_s);
	const double slow_ohm = (e->r_10s_ohm - e->r_fast_ohm) / (1.0 - exp(-10.0 / tau_s));
	const double charge_as = 3600.0 * e->capacity_ah;
	const double dis_left = num_max(0.0, e->soc - 3.0 * e->soc_sigma - plan->soc_floor);
	const double cha_left = num_max(0.0, plan->soc_ceiling - e->soc - 3.0 * e->soc_sigma);

	*later = *strict;
	later->e_v += e->e_recovery_v * gone;
	later->r_ohm += slow_ohm * gone + e->ocv_slope_v * horizon_s / charge_as;
	later->dis_a = num_min(strict->dis_a, charge_as * dis_left / horizon_s);
	later->cha_a = num_min(strict->cha_a, charge_as * cha_left / horizon_s);
	limits_interval(later);
}

enum reason capability_reason(const struct bank *bank, unsigned k, bool discharge,
			      const struct limit_pack *strict)
{
	const struct pack_limits *limit = &bank->site.pack[k].limit;
	const struct permit *permit = &bank->protect.pack[k].permit;
	const struct currents c = currents_of(bank, k, discharge);
	const enum reason permit_reason = discharge ? permit->dis_reason : permit->cha_reason;

	if (discharge && strict->a_v <= strict->v_min)
		return strict->v_min > limit->pack_min_v ? REASON_CELL_LOW : REASON_PACK_LOW;
	if (!discharge && strict->b_v >= strict->v_max)
		return strict->v_max < limit->pack_max_v ? REASON_CELL_HIGH : REASON_PACK_HIGH;
	if (c.permit_a <= c.rated_a * c.taper)
		return permit_reason == REASON_OK ? REASON_PACK_LIMIT : permit_reason;
	if (c.taper < 1.0)
		return discharge ? REASON_SOC_LOW : REASON_SOC_HIGH;
	return REASON_PACK_LIMIT;
}

void capability_totals(struct bank *bank, uint64_t connected)
{
	struct limits *l = &bank->limits;
	double charge = 0.0, full = 0.0, nominal = 0.0, variance = 0.0, dis_wh = 0.0, cha_wh = 0.0;
	const double efficiency = limits_efficiency(&bank->site);
	unsigned k, n = 0;

	l->soc_min = (double)INFINITY;
	l->soc_max = -(double)INFINITY;
	for (k = 0; k < bank->site.n_packs; k++) {
		const struct estimate *e = &bank->estimate[k];

		if (connected ? !(connected >> k & 1) : isnan(e->soc))
			continue;
		n++;
		full += e->capacity_ah;
		nominal += bank->site.pack[k].model.nominal_ah;
		charge += e->capacity_ah * e->soc;
		variance += e->capacity_ah * e->soc_sigma * e->capacity_ah * e->soc_sigma;
		dis_wh += e->e_dis_wh;
		cha_wh += e->e_cha_wh;
		l->soc_min = num_min(l->soc_min, e->soc);
		l->soc_max = num_max(l->soc_max, e->soc);
	}
	if (n == 0)
		l->soc_min = l->soc_max = (double)NAN;
	l->soc = charge / full;
	l->soc_sigma = sqrt(variance) / full;
	l->soh = full / nominal;
	l->e_dis_wh = n ? dis_wh * (1.0 - unused_share) * efficiency : (double)NAN;
	l->e_cha_wh = n ? cha_wh * (1.0 - unused_share) : (double)NAN;
}
