#include <string.h>

#include "core/bank.h"
#include "core/join.h"
#include "core/capacity.h"
#include "core/chemistry.h"
#include "core/num.h"
#include "core/resistance.h"
#include "core/soc_filter.h"

enum {
	SLOW_MS = 1000,           /* voltage update, resistance at this temperature, energies */
	GAP_MS = 2000,            /* longer between samples: the current was not seen */
	REST_MS = 30 * 60 * 1000, /* then the voltage is the OCV */
	TAPER_MS = 60 * 1000,     /* then a steep LFP voltage is */
	CELLS_PAIR_MS = 5000,     /* cell readings closer than this tell their resistance */
};

static const double model_error_v = 0.003; /* per series cell */
static const double relax_error_v = 0.02;  /* of a cell that may not have rested */
static const double bms_sigma = 0.2;       /* a BMS SoC jumps, sticks and has its own window */
static const double rel_blind = 0.4;       /* resistance at unknown temperature */

void estimate_init(struct estimate *e, const struct pack_site *site, const struct pack_saved *saved)
{
	const struct pack_model *model = &site->model;
	const bool has = saved && saved->valid;

	memset(e, 0, sizeof(*e));
	e->soc = e->soc_sigma = e->e_v = (double)NAN;
	e->e_relaxed_v = e->e_hysteresis_v = e->ocv_slope_v = (double)NAN;
	e->e_recovery_v = e->e_dis_wh = e->e_cha_wh = (double)NAN;
	e->cell_low_v = e->cell_high_v = e->cells_v = e->cells_a = (double)NAN;
	e->temp_c = e->last_a = (double)NAN;
	e->e_sigma_v = model->v_offset_max_v + model_error_v * model->cells_series;
	e->r_rel = resistance_bound(e);
	e->r_factor = 1.0;
	e->growth = model->r_growth;
	e->capacity_ah = model->capacity_ah;
	if (has && num_inside(saved->growth, 0.3, 10.0))
		e->growth = saved->growth;
	if (has && num_inside(saved->capacity_ah, 0.1 * model->nominal_ah, 1.3 * model->nominal_ah))
		e->capacity_ah = saved->capacity_ah;
	e->soh = e->capacity_ah / model->nominal_ah;
	capacity_init(e, site);
	if (has && num_inside(saved->soc, 0.0, 1.0) && saved->soc_sigma >= 0.0) {
		soc_filter_set(e, site, saved->soc, num_hypot(saved->soc_sigma, 0.02));
		e->restored = true;
		if (num_inside(saved->i_offset_a, -model->i_offset_max_a, model->i_offset_max_a))
			e->x[2] = saved->i_offset_a;
	}
}

/* Resistances at this temperature; split into what is instant and what builds up with tau. */
static void update_resistance(struct estimate *e, const struct pack_site *site,
			      const struct pack_now *now)
{
	const struct pack_model *model = &site->model;
	double scale;

	e->temp_c = 0.5 * (now->temp_min_c + now->temp_max_c);
	e->r_factor = num_or(chemistry_r_factor(model->chemistry, e->temp_c), 1.0);
	e->r_rel = num_max(resistance_bound(e), isnan(e->temp_c) ? rel_blind : 0.0);
	scale = e->growth * e->r_factor;
	e->r_fast_ohm = model->r_fast_ohm * scale;
	e->r_10s_ohm = model->r_10s_ohm * scale;
	e->r0_ohm = e->r_fast_ohm / model->cells_series;
	e->r1_ohm = (e->r_10s_ohm - e->r_fast_ohm) / model->cells_series /
		    (1.0 - exp(-10.0 / model->tau_s));
}

/* Sigma of an OCV reading as SoC, curve error and hysteresis included. */
static double ocv_sigma(const struct pack_site *site, double soc, double error_v)
{
	const enum chemistry chemistry = site->model.chemistry;

	return (num_hypot(error_v, chemistry_sigma_v(chemistry)) +
		chemistry_hysteresis_v(chemistry, soc)) /
	       chemistry_slope_v(chemistry, soc);
}

/* First simultaneous sample: from the OCV when open, else the BMS's word, else a guess. */
static void start(struct estimate *e, const struct pack_site *site, const struct pack_now *now,
		  bool connected)
{
	const double e_v = now->pack_v + (connected ? e->r_10s_ohm * now->current_a : 0.0);
	const double soc = chemistry_soc(site->model.chemistry, e_v / site->model.cells_series);
	const double sigma = connected ? 0.3 : ocv_sigma(site, soc, relax_error_v);
	const bool bms = num_inside(now->soc, 0.0, 1.0);

	if (bms && !(sigma <= bms_sigma))
		soc_filter_set(e, site, now->soc, bms_sigma);
	else if (!isnan(soc))
		soc_filter_set(e, site, soc, num_max(sigma, 0.03));
}

/* A rested or steep voltage is taken as the OCV. */
static void use_rest(struct estimate *e, const struct pack_site *site, double cell_v,
		     int64_t now_ms)
{
	const enum chemistry chemistry = site->model.chemistry;
	const double soc = chemistry_soc(chemistry, cell_v);
	const double sigma = ocv_sigma(site, soc, 0.0);

	if (e->rest_ms != 0 && now_ms - e->rest_ms >= REST_MS &&
	    (e->rest_update_ms == 0 || now_ms - e->rest_update_ms >= REST_MS)) {
		e->rest_update_ms = now_ms;
		e->x[1] = 0.0;
		soc_filter_update(e, site, cell_v, e->x[2], chemistry_sigma_v(chemistry));
		capacity_point(e, site, soc, sigma, now_ms);
		e->soh = e->capacity_ah / site->model.nominal_ah;
	}
	if (chemistry == CHEMISTRY_LFP && e->taper_ms != 0 && now_ms - e->taper_ms >= TAPER_MS &&
	    chemistry_slope_v(chemistry, soc) >= 1.0 && sigma * sigma < e->p[0][0])
		soc_filter_set(e, site, soc, num_max(sigma, 0.01));
}

static void note_quiet(int64_t *since_ms, bool quiet, int64_t now_ms)
{
	if (!quiet)
		*since_ms = 0;
	else if (*since_ms == 0)
		*since_ms = now_ms;
}

/*
 * A restored state that the voltage of the open pack contradicts is of another pack, or of another
 * time.
 */
static void doubt_restored(struct estimate *e, const struct pack_site *site,
			   const struct pack_now *now)
{
	const double cell_v = now->pack_v / site->model.cells_series;
	const double soc = chemistry_soc(site->model.chemistry, cell_v);
	const double sigma = num_hypot(ocv_sigma(site, soc, relax_error_v), sqrt(e->p[0][0]));

	if (!num_inside(fabs(soc - e->x[0]), 0.0, 3.0 * sigma))
		start(e, site, now, false);
}

/* Once a second: let the voltage correct what was counted. */
static void correct(struct estimate *e, const struct pack_site *site, const struct pack_now *now,
		    bool connected, int64_t now_ms)
{
	const double cell_v = now->pack_v / site->model.cells_series;
	const double since_s = (double)(now_ms - e->update_ms) / 1000.0;
	const double flowing_a = connected ? now->current_a : e->x[2];

	soc_filter_spread(e, site);
	if (e->restored && !connected)
		doubt_restored(e, site, now);
	if (!connected)
		soc_filter_offset(e, site, now->current_a);
	soc_filter_update(e, site, cell_v, flowing_a,
			  e->restored ? relax_error_v : soc_filter_noise_v(site, since_s));
	e->restored = false;
	use_rest(e, site, cell_v + e->r0_ohm * (flowing_a - e->x[2]), now_ms);
	e->update_ms = now_ms;
}

/* Charge since the last sample; what was not seen widens the covariance instead. */
static void count(struct estimate *e, const struct pack_site *site, double current_a,
		  int64_t sample_ms, bool connected)
{
	const int64_t gap_ms = sample_ms - e->electrical_ms;
	const double dt_s = (double)gap_ms / 1000.0;

	if (gap_ms <= 0 || isnan(e->last_a))
		return;
	soc_filter_predict(e, site, connected ? 0.5 * (current_a + e->last_a) : e->x[2], dt_s);
	if (connected && gap_ms > GAP_MS) {
		const double missed_ah = 0.1 * e->capacity_ah * dt_s / 3600.0;
		const double missed = missed_ah / e->capacity_ah;

		e->p[0][0] += missed * missed;
		e->gap_ah += missed_ah;
	}
}

/* True once per SLOW_MS of the clock, at this pack's phase. */
static bool due(const struct estimate *e, int64_t last_ms, int64_t now_ms)
{
	return last_ms == 0 ||
	       (now_ms + e->phase_ms) / SLOW_MS != (last_ms + e->phase_ms) / SLOW_MS;
}

static void take_sample(struct estimate *e, const struct pack_site *site,
			const struct pack_now *now, bool connected, int64_t now_ms)
{
	const int64_t age_ms =
		(int64_t)(num_clamp(now->electrical_age_s, 0.0, 60.0) * 1000.0 + 0.5);
	const int64_t sample_ms = now_ms - age_ms;
	double flowing_a;

	if (!e->started)
		start(e, site, now, connected);
	if (!e->started)
		return;
	count(e, site, now->current_a, sample_ms, connected);
	e->last_a = connected ? now->current_a : e->x[2];
	e->electrical_ms = sample_ms;
	flowing_a = connected ? fabs(now->current_a - e->x[2]) : 0.0;
	note_quiet(&e->rest_ms, flowing_a < e->capacity_ah / 50.0, now_ms);
	note_quiet(&e->taper_ms, flowing_a < e->capacity_ah / 20.0, now_ms);
	if (connected)
		resistance_observe(e, site, now->pack_v, now->current_a, sample_ms);
	else
		resistance_forget(e);
	if (due(e, e->update_ms, now_ms))
		correct(e, site, now, connected, now_ms);
}

/* Sag per ampere of one extreme cell between two readings; NaN when they tell nothing. */
static double sag_of(double v_then, double v_now, double step_a)
{
	return (v_then - v_now) / step_a;
}

static void take_cells(struct estimate *e, const struct pack_site *site, const struct pack_now *now,
		       int64_t now_ms)
{
	const double step_a = now->current_a - e->cells_a;
	const double mean_ohm = e->r_fast_ohm / site->model.cells_series;

	if (now_ms - e->cells_ms <= CELLS_PAIR_MS && fabs(step_a) >= 0.1 * e->capacity_ah) {
		const double low = sag_of(e->cell_low_v, now->cell_min_v, step_a);
		const double high = sag_of(e->cell_high_v, now->cell_max_v, step_a);

		e->sag_ohm *= 0.99;
		if (num_inside(low, e->sag_ohm, INFINITY))
			e->sag_ohm = num_min(low, 3.0 * mean_ohm);
		if (num_inside(high, e->sag_ohm, INFINITY))
			e->sag_ohm = num_min(high, 3.0 * mean_ohm);
	}
	e->cell_low_v = now->cell_min_v;
	e->cell_high_v = now->cell_max_v;
	e->cells_v = now->pack_v;
	e->cells_a = now->current_a;
	e->cells_ms = now_ms;
}

static void take_energies(struct estimate *e, const struct pack_site *site,
			  const struct plan_site *plan)
{
	const enum chemistry chemistry = site->model.chemistry;
	const double here = chemistry_area_v(chemistry, e->soc);
	const double floor = chemistry_area_v(chemistry, plan->soc_floor);
	const double ceiling = chemistry_area_v(chemistry, plan->soc_ceiling);
	const double scale = e->capacity_ah * site->model.cells_series;

	e->e_dis_wh = num_max(0.0, here - floor) * scale;
	e->e_cha_wh = num_max(0.0, ceiling - here) * scale;
}

/* While no sample comes the charge is anyone's guess: up to C/10 connected, self-discharge open. */
static double widened(const struct estimate *e, const struct pack_site *site, bool connected,
		      int64_t now_ms)
{
	const double unseen_s = (double)(now_ms - e->electrical_ms) / 1000.0;
	const double rate = connected ? 0.1 / 3600.0 : 0.001 / 86400.0;
	const double sigma = soc_filter_sigma(e, site);

	return unseen_s * 1000.0 > GAP_MS ? num_min(num_hypot(sigma, rate * unseen_s), 0.5) : sigma;
}

/* Everything that changes slowly. */
static void slow_slice(struct estimate *e, const struct pack_site *site,
		       const struct plan_site *plan, const struct pack_now *now, bool connected,
		       int64_t now_ms)
{
	const enum chemistry chemistry = site->model.chemistry;
	const double cells = site->model.cells_series;

	update_resistance(e, site, now);
	if (e->started) {
		e->soc_sigma = widened(e, site, connected, now_ms);
		e->e_recovery_v = cells * e->x[1];
	} else {
		e->soc = num_inside(now->soc, 0.0, 1.0) ? now->soc : (double)NAN;
		e->soc_sigma = isnan(e->soc) ? (double)NAN : bms_sigma;
	}
	e->e_relaxed_v = cells * chemistry_ocv_v(chemistry, e->soc);
	e->e_hysteresis_v = cells * chemistry_hysteresis_v(chemistry, e->soc);
	e->ocv_slope_v = cells * chemistry_slope_v(chemistry, e->soc);
	take_energies(e, site, plan);
}

/* A sample the filter may take; an open pack carries no current, whatever its sensor says. */
static bool is_plausible(const struct pack_site *site, const struct pack_now *now, bool connected)
{
	const double cell_v = now->pack_v / site->model.cells_series;
	const double most_a = 20.0 * site->model.nominal_ah;

	return num_inside(cell_v, 1.5, 4.5) &&
	       (!connected || num_inside(now->current_a, -most_a, most_a));
}

static void step_pack(struct estimate *e, const struct pack_site *site,
		      const struct plan_site *plan, const struct pack_now *now, bool connected,
		      int64_t now_ms)
{
	const bool sample = is_plausible(site, now, connected);

	if (e->slow_ms == 0)
		update_resistance(e, site, now);
	if (now->electrical_new && sample)
		take_sample(e, site, now, connected, now_ms);
	else if (!sample)
		resistance_forget(e);
	if (e->started)
		e->soc = num_clamp(e->x[0], 0.0, 1.0);
	if (due(e, e->slow_ms, now_ms)) {
		slow_slice(e, site, plan, now, connected, now_ms);
		e->slow_ms = now_ms;
	}
	e->e_v = now->pack_v + (connected ? e->r_fast_ohm * now->current_a : 0.0);
	if (now->cells_new)
		take_cells(e, site, now, now_ms);
	e->r_cell_ohm = num_max(1.2 * e->r0_ohm, e->sag_ohm);
}

/* Sources are compared with one another, so what this pack's sensor was seen to differ from the
 * bus's while closed comes off, and only the rest counts as uncertain. */
static void correct_offset(struct bank *bank, unsigned k)
{
	struct estimate *e = &bank->estimate[k];

	e->e_v += join_pack_v(bank, k) - bank->now.pack[k].pack_v;
	e->e_sigma_v =
		join_sigma_v(bank, k) + model_error_v * bank->site.pack[k].model.cells_series;
}

void estimate_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	unsigned k;

	(void)in;
	(void)out;
	for (k = 0; k < bank->site.n_packs; k++) {
		bank->estimate[k].phase_ms = (int32_t)(k * 100 % SLOW_MS);
		step_pack(&bank->estimate[k], &bank->site.pack[k], &bank->site.plan,
			  &bank->now.pack[k], bank->contactor[k].connected, bank->now_ms);
		correct_offset(bank, k);
	}
}
