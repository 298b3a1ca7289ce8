#include "core/bank.h"
#include "core/measure.h"
#include "core/num.h"

enum {
	RISE_WINDOW_MS = 3000, /* shortest window for the slope of a temperature */
	ALIVE_MS = 600000,     /* a reading without counter is doubted when still so long */
};

static double yes(bool condition)
{
	return condition ? 1. : 0.;
}

static bool is_closed(const struct contactor *contactor)
{
	return contactor->state == CONTACTOR_CLOSED || contactor->state == CONTACTOR_LEAVING;
}

/* The lines of auxiliary contacts may be on a chip of their own, which goes in silence. */
static double feedback_unknown_s(const struct bank *bank, unsigned k)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	double unknown_s = 0.;

	for (int pole = 0; pole < POLE_COUNT && !site->by_frames; pole++)
		if (site->has[pole] && site->feedback[pole])
			unknown_s = num_max(unknown_s, bank->now.pack[k].feedback_known_s[pole]);
	return unknown_s;
}

static bool converters_push(const struct bank *bank)
{
	return fabs(bank->now.pcs_dc_w) > 0.05 * bank->site.grid.p_max_w;
}

/* Standing still is a lie only while the converters move current through the pack. */
static double frozen_s(struct bank *bank, const struct bank_inputs *in, unsigned k)
{
	struct protect_pack *protect = &bank->protect.pack[k];
	const struct pack_sample *sample = &in->pack[k];

	if (sample->counts) {
		protect->proven_alive = bank->now.pack[k].counter_age_s * 1000. <=
					bank->site.pack[k].electrical_stale_ms;
		return NAN;
	}
	bool same = sample->pack_v == protect->frozen_v && sample->current_a == protect->frozen_i;
	if (!same) {
		protect->frozen_v = sample->pack_v;
		protect->frozen_i = sample->current_a;
		protect->frozen_s = 0.;
		protect->moved_ms = bank->now_ms;
	} else if (is_closed(&bank->contactor[k]) && converters_push(bank)) {
		protect->frozen_s += bank->dt_s;
	}
	protect->proven_alive = protect->moved_ms && bank->now_ms - protect->moved_ms < ALIVE_MS;
	return protect->frozen_s;
}

static double temp_rise_k_s(struct protect_pack *protect, const struct pack_now *now, int64_t t)
{
	if (isnan(now->temp_max_c)) {
		protect->temp_then_ms = 0;
		protect->temp_rise_k_s = NAN;
	} else if (protect->temp_then_ms == 0) {
		protect->temp_then_c = now->temp_max_c;
		protect->temp_then_ms = t;
	} else if (now->temps_new && t - protect->temp_then_ms >= RISE_WINDOW_MS) {
		protect->temp_rise_k_s = (now->temp_max_c - protect->temp_then_c) * 1000. /
					 (double)(t - protect->temp_then_ms);
		protect->temp_then_c = now->temp_max_c;
		protect->temp_then_ms = t;
	}
	return protect->temp_rise_k_s;
}

/* Current beyond what the permits allow while the bank gives no power. */
static double circulation_a(const struct bank *bank, const struct permit *permit, double current_a)
{
	if (!num_inside(bank->now.pcs_dc_w, -0.02 * bank->site.grid.p_max_w,
			0.02 * bank->site.grid.p_max_w))
		return NAN;
	return num_max(current_a - permit->dis_a, -current_a - permit->cha_a);
}

/* How far the believed source voltage of a pack may be off. */
static double source_sigma_v(const struct estimate *estimate)
{
	return num_hypot(estimate->e_sigma_v, estimate->ocv_slope_v * estimate->soc_sigma) +
	       estimate->e_hysteresis_v;
}

/*
 * What the current of a pack should be, given the sum of all: with believed sources and resistances
 * the packs meet at one voltage. A pack that carries more has a neighbour that carries less: a
 * bad contact, or a wrong belief, whose uncertainty is taken off. This reads estimates, and may
 * only take a pack off the bus.
 */
static void predict_shares(struct bank *bank)
{
	struct protect *protect = &bank->protect;
	double g_s = 0., short_a = 0., sigma_a = 0.;
	uint64_t connected = contactor_connected(bank);

	protect->share_v = protect->share_sigma_v = NAN;
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		const struct estimate *estimate = &bank->estimate[k];
		double g = 1. / estimate->r_10s_ohm;
		if (!(connected >> k & 1))
			continue;
		if (!is_closed(&bank->contactor[k]))
			return; /* one on its way, or welded: no prediction */
		g_s += g;
		short_a += g * estimate->e_relaxed_v - bank->now.pack[k].current_a;
		sigma_a += g * source_sigma_v(estimate);
	}
	protect->share_v = short_a / g_s;
	protect->share_sigma_v = sigma_a / g_s;
}

static double share_excess_a(const struct bank *bank, unsigned k)
{
	const struct estimate *estimate = &bank->estimate[k];
	double r_ohm = estimate->r_10s_ohm, i = bank->now.pack[k].current_a;
	double share_a = (estimate->e_relaxed_v - bank->protect.share_v) / r_ohm;
	double doubt_a = 2. * (source_sigma_v(estimate) + bank->protect.share_sigma_v) / r_ohm +
			 estimate->r_rel * fabs(share_a);
	bool more = fabs(i) > fabs(share_a) || i * share_a < 0.;

	if (!is_closed(&bank->contactor[k]))
		return NAN;
	return more ? fabs(i - share_a) - doubt_a : 0. * (i - share_a);
}

static void measure_current(const struct bank *bank, unsigned k, double m[PACK_MEASURE_COUNT])
{
	const struct pack_now *now = &bank->now.pack[k];
	const struct protect_pack *protect = &bank->protect.pack[k];
	const struct pack_site *site = &bank->site.pack[k];
	const struct contactor *contactor = &bank->contactor[k];
	bool closed = is_closed(contactor);
	double i = now->current_a;
	double dis_a = num_max(protect->permit.dis_a, 0.1 * site->limit.dis_max_a);
	double cha_a = num_max(protect->permit.cha_a, 0.1 * site->limit.cha_max_a);
	double rated_a = i > 0. ? protect->rated_dis_a : protect->rated_cha_a;
	double least_a = 0.1 * (i > 0. ? site->limit.dis_max_a : site->limit.cha_max_a);

	m[PACK_CURRENT_A] = fabs(i);
	m[PACK_DIS_RATIO] = closed ? i / dis_a : (double)NAN;
	m[PACK_CHA_RATIO] = closed ? -i / cha_a : (double)NAN;
	m[PACK_RATED_RATIO] =
		closed ? fabs(i) / num_max(num_or(rated_a, 0.), least_a) : (double)NAN;
	m[PACK_LINK_DIFF_V] = contactor->state == CONTACTOR_CLOSED
				      ? fabs(now->pack_v - bank->now.bus_v)
				      : (double)NAN;
	m[PACK_OPEN_CURRENT_A] = contactor->state == CONTACTOR_OPEN ? fabs(i) : (double)NAN;
	m[PACK_CIRCULATION_A] = closed ? circulation_a(bank, &protect->permit, i) : (double)NAN;
}

static void measure_cells(const struct bank *bank, unsigned k, double m[PACK_MEASURE_COUNT])
{
	const struct pack_now *now = &bank->now.pack[k];
	const struct pack_limits *limit = &bank->site.pack[k].limit;

	m[PACK_CELL_MAX_V] = now->cell_max_v;
	m[PACK_CELL_MIN_V] = now->cell_min_v;
	m[PACK_V] = now->pack_v;
	m[PACK_CELL_SUM] = fabs(now->pack_v - now->cell_sum_v) / now->pack_v;
	m[PACK_CELL_SPREAD_V] = now->cell_max_v - now->cell_min_v;
	m[PACK_SOC_IMPLAUSIBLE] =
		yes(now->cell_max_v > limit->cell_max_v - 0.02 && now->soc < 0.65);
}

void measure_pack(struct bank *bank, const struct bank_inputs *in, unsigned k,
		  double m[PACK_MEASURE_COUNT])
{
	const struct pack_site *site = &bank->site.pack[k];
	const struct pack_sample *sample = &in->pack[k];
	const struct pack_now *now = &bank->now.pack[k];

	m[PACK_TOLD] = NAN;
	/* A sender of invalid codes is as silent as one that sends nothing. */
	m[PACK_ELECTRICAL_AGE_S] = now->electrical_known_s;
	m[PACK_COUNTER_AGE_S] = sample->counts ? now->counter_age_s : (double)NAN;
	m[PACK_CELLS_AGE_S] = site->cells_required ? now->cells_known_s : (double)NAN;
	m[PACK_TEMPS_AGE_S] = !site->temps_required    ? (double)NAN
			      : isnan(now->temp_max_c) ? INFINITY /* no sensor left */
						       : now->temps_age_s;
	m[PACK_BMS_AGE_S] = site->bms_required ? now->bms_age_s : (double)NAN;
	m[PACK_LINK_DOWN] = yes(sample->link == LINK_OFF || sample->link == LINK_GONE);
	m[PACK_TX_FULL] = yes(sample->link_tx_full);
	m[PACK_FOREIGN] = yes(sample->link_foreign_tx);
	m[PACK_BAD_FRAMES] = bank->fresh[k].bad_frames_rate;
	m[PACK_FROZEN_S] = frozen_s(bank, in, k);
	m[PACK_BMS_FAULT] = yes(now->bms_flags & BMS_FAULT);
	m[PACK_BMS_OPEN] = yes(now->bms_flags & (BMS_WANTS_OPEN | BMS_WELDED));
	m[PACK_BMS_NO_CHARGE] = yes(now->bms_flags & BMS_NO_CHARGE);
	m[PACK_BMS_NO_DISCHARGE] = yes(now->bms_flags & BMS_NO_DISCHARGE);
	m[PACK_SWAPPED] = yes(site->serial && sample->serial && site->serial != sample->serial);
	measure_cells(bank, k, m);
	m[PACK_TEMP_MAX_C] = now->temp_max_c;
	m[PACK_TEMP_MIN_C] = now->temp_min_c;
	m[PACK_TEMP_SPREAD_K] = now->temp_max_c - now->temp_min_c;
	m[PACK_TEMP_RISE_K_S] = temp_rise_k_s(&bank->protect.pack[k], now, bank->now_ms);
	m[PACK_TEMPS_BAD] = (double)now->temps_bad;
	measure_current(bank, k, m);
	m[PACK_CHATTER] = (double)bank->fresh[k].chatter;
	m[PACK_FEEDBACK_UNKNOWN_S] = feedback_unknown_s(bank, k);
	m[PACK_INSULATION_OHM] = bank->site.has_imd ? (double)NAN : now->insulation_ohm;
	m[PACK_WELD_LEFT_D] = bank->proofs.weld_left_d[k];
	m[PACK_AUX_V] = site->limit.aux_min_v > 0. ? now->aux_v : (double)NAN;
	m[PACK_SHARE_A] = share_excess_a(bank, k);
	m[PACK_SOC_DIFFERS] = fabs(now->soc - bank->estimate[k].soc);
	m[PACK_WEAR] = life_wear(&bank->life[k]);
}

/* Voltage that nobody should be putting on the bus. */
static double bus_live_v(struct bank *bank)
{
	struct protect *protect = &bank->protect;
	bool free = contactor_connected(bank) == 0;

	for (unsigned k = 0; k < bank->site.n_packs; k++)
		free = free && bank->contactor[k].state <= CONTACTOR_OPEN;
	if (!free)
		protect->bus_free_ms = 0;
	else if (protect->bus_free_ms == 0)
		protect->bus_free_ms = bank->now_ms;
	return free && bank->now_ms - protect->bus_free_ms > bank->site.bus.discharge_ms
		       ? bank->now.bus_v
		       : (double)NAN;
}

static bool any_inhibited(const struct bank *bank)
{
	uint64_t connected = contactor_connected(bank);

	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		const struct permit *permit = &bank->protect.pack[k].permit;
		if (connected >> k & 1 && !(permit->dis_a > 0. && permit->cha_a > 0.))
			return true;
	}
	return false;
}

void measure_pcs(const struct bank *bank, unsigned i, double m[PCS_MEASURE_COUNT])
{
	const struct pcs_site *site = &bank->site.pcs[i];
	const struct pcs_now *now = &bank->now.pcs[i];
	const struct converter *c = &bank->converter[i];
	double bus_v = contactor_connected(bank) ? bank->now.bus_v : (double)NAN;

	m[PCS_AGE_S] = now->age_s;
	m[PCS_OVERDUE] = yes(c->overdue && any_inhibited(bank));
	m[PCS_IN_FAULT] = now->known ? yes(now->state == PCS_FAULT) : (double)NAN;
	m[PCS_EXCESS_W] = c->excess_w;
	m[PCS_SIGN_W] = c->against_w;
	m[PCS_OUTSIDE_V] = num_max(site->dc_min_v - bus_v, bus_v - site->dc_max_v);
	m[PCS_NO_STOP] = now->known ? yes(!bank->site.has_pcs_enable &&
					  !(site->dead_man_ms > 0 && now->dead_man_proven))
				    : (double)NAN;
	m[PCS_IDLE_S] = c->idle_ms ? (double)(bank->now_ms - c->idle_ms) / 1000. : 0.;
}

/* Power of converters that have been told to be off. */
static double runaway_w(const struct bank *bank, double packs_w)
{
	if (bank->guard.pcs_drop_ms == 0)
		return NAN;
	return bank->site.has_pcs_enable ? packs_w : num_or(fabs(bank->now.pcs_dc_w), packs_w);
}

static void measure_currents(const struct bank *bank, double m[BANK_MEASURE_COUNT])
{
	uint64_t connected = contactor_connected(bank);
	double current_a = 0.;

	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if (connected >> k & 1)
			current_a += bank->now.pack[k].current_a;
	m[BANK_PCS_RUNAWAY_W] = runaway_w(bank, fabs(current_a * bank->now.bus_v));
	m[BANK_CURRENT_SUM_A] = connected ? fabs(current_a - bank->now.pcs_dc_a) : (double)NAN;
}

void measure_bank(struct bank *bank, const struct bank_inputs *in, double m[BANK_MEASURE_COUNT])
{
	const struct site *site = &bank->site;
	const struct now *now = &bank->now;

	for (int id = 0; id < INPUT_COUNT; id++)
		m[id] = site->input[id].present ? yes(now->input[id] != LEVEL_OK) : (double)NAN;
	if (!bank->plan.fan)
		m[BANK_FAN] = NAN; /* nobody asked it to turn */
	m[BANK_IMD_OHM] = now->imd_ohm;
	m[BANK_IMD_FAULT] =
		bank->site.has_imd && in->imd.stamp_ms == 0 ? INFINITY : yes(now->imd_fault);
	m[BANK_SUPPLY_V] = now->supply_v;
	m[BANK_BUS_V] = now->bus_v;
	m[BANK_BUS_CONNECTED_V] = contactor_connected(bank) ? now->bus_v : (double)NAN;
	m[BANK_BUS_AGE_S] = isnan(now->bus_v) ? (double)INFINITY : now->bus_age_s;
	m[BANK_BUS_LIVE_V] = bus_live_v(bank);
	measure_currents(bank, m);
	m[BANK_METER_AGE_S] = site->grid.has_meter ? now->meter_age_s : (double)NAN;
	m[BANK_LATE_MS] = (double)in->lateness_ms;
	predict_shares(bank);
	m[BANK_GPIO_GONE] = yes(in->gpio == GPIO_GONE);
	m[BANK_OUTPUTS_PERSIST] = yes(in->outputs_persist);
	m[BANK_UNCOMMISSIONED] = yes(site->real_contactors && !in->commissioned);
	for (int test = 0; test < PROOF_BANK_TESTS; test++)
		m[BANK_ESTOP_LEFT_D + test] = bank->proofs.bank_left_d[test];
	m[BANK_TRIP_WELD] = 0.;
	for (unsigned k = 0; k < site->n_packs; k++)
		m[BANK_TRIP_WELD] += yes(contactor_defies_trip(bank, k));
	m[BANK_BROKER_LOST] = site->n_sources > 1 ? yes(!in->broker_connected) : (double)NAN;
}
