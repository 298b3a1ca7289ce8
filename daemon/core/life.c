#include "core/bank.h"
#include "core/num.h"

enum {
	SLICE_MS = 1000,      /* bands and cycles: slow quantities */
	SLICE_MAX_MS = 10000, /* a longer gap is not ours: asleep, or another start */
};

enum condition {
	DEEP_DISCHARGE = 1u << 0,
	OVER_VOLTAGE = 1u << 1,
	OVER_CURRENT = 1u << 2,
	OVER_TEMPERATURE = 1u << 3,
	INSULATION = 1u << 4,
};

static const double soc_ignore = 0.005; /* reversals of SoC below this are noise */
static const double soc_deep = 0.05, soc_deep_over = 0.07;
static const double cold_charge_c = 0.0, hot_charge_c = 45.0;
static const double temp_edge_c[LIFE_TEMP_BANDS - 1] = {0.0, 10.0, 20.0, 30.0, 40.0, 50.0};

/*
 * Contactor life. The exponent fits the break points of the TE EVC250 data sheet (50 000 operations
 * at 100 A, 5 000 at 200 A, 1 at 2 000 A); the make onto a capacitor is the Durakool DEVR40 sheet's
 * (50 000 operations at 90 % precharge, 50 at 80 %), taken as a line in the logarithm.
 */
static const double mechanical_ops = 2e5, rated_ops = 5e4, break_exponent = 3.3;
static const double default_rated_a = 100.0;

static double wear_by_current(double current_a, double rated_a)
{
	double ratio = fabs(current_a) / (rated_a > 0.0 ? rated_a : default_rated_a);

	return isnan(ratio) ? 0.0 : num_min(pow(ratio, break_exponent) / rated_ops, 1.0);
}

double life_wear_make(double peak_a, double precharge_fraction, double rated_a)
{
	double missing = fabs(1.0 - precharge_fraction);
	double capacitive = num_min(pow(10.0, (missing - 0.1) * 30.0) / rated_ops, 1.0);

	return 1.0 / mechanical_ops + wear_by_current(peak_a, rated_a) + num_or(capacitive, 0.0);
}

double life_wear_break(double current_a, double rated_a)
{
	return wear_by_current(current_a, rated_a);
}

double life_wear(const struct life *life)
{
	double most = 0.;

	for (int pole = 0; pole < POLE_COUNT; pole++)
		most = num_max(most, life->wear[pole].miner);
	return most;
}

void life_count_make(struct life *life, enum pole pole, double peak_a, double dv_v,
		     double precharge_fraction, double rated_a)
{
	struct contactor_wear *wear = &life->wear[pole];

	wear->operations++;
	wear->make_a = fabs(peak_a);
	wear->make_v = fabs(dv_v);
	wear->miner += life_wear_make(peak_a, precharge_fraction, rated_a);
}

void life_count_break(struct life *life, enum pole pole, double current_a, double voltage_v,
		      double rated_a, double clean_a)
{
	struct contactor_wear *wear = &life->wear[pole];

	wear->break_a = fabs(current_a);
	wear->break_v = fabs(voltage_v);
	if (wear->break_a > wear->break_a_max)
		wear->break_a_max = wear->break_a;
	if (wear->break_a > clean_a)
		wear->loaded_breaks++;
	wear->miner += life_wear_break(current_a, rated_a);
}

/* ---- every step --------------------------------------------------------------------------- */

static void count_charge(struct life *life, const struct pack_now *now, double dt_s)
{
	double ah = fabs(now->current_a) * dt_s / 3600.0, wh = ah * now->pack_v;

	if (now->current_a > 0.0) {
		life->ah_dis += ah;
		life->wh_dis += num_or(wh, 0.0);
	} else if (now->current_a < 0.0) {
		life->ah_cha += ah;
		life->wh_cha += num_or(wh, 0.0);
	}
}

/* Counts a condition once until it was clearly over; unknown readings neither begin nor end it. */
static void count_rising(struct life *life, enum condition bit, uint32_t *count, bool on, bool over)
{
	if (on && !(life->standing & bit)) {
		life->standing |= bit;
		++*count;
	} else if (over) {
		life->standing &= ~(uint32_t)bit;
	}
}

static void count_conditions(struct life *life, const struct pack_now *now, double soc,
			     const struct pack_limits *limit)
{
	double i = now->current_a;

	count_rising(life, DEEP_DISCHARGE, &life->deep_discharges,
		     soc < soc_deep || now->cell_min_v<limit->cell_min_v, soc> soc_deep_over &&
					       now->cell_min_v > 1.01 * limit->cell_min_v);
	count_rising(life, OVER_VOLTAGE, &life->over_voltages,
		     now->cell_max_v > limit->cell_max_v || now->pack_v > limit->pack_max_v,
		     now->cell_max_v < 0.995 * limit->cell_max_v &&
			     now->pack_v < 0.995 * limit->pack_max_v);
	count_rising(life, OVER_CURRENT, &life->over_currents,
		     i > 1.05 * limit->dis_max_a || i < -1.05 * limit->cha_max_a,
		     num_inside(i, -limit->cha_max_a, limit->dis_max_a));
	count_rising(life, OVER_TEMPERATURE, &life->over_temperatures,
		     now->temp_max_c > limit->temp_trip_c,
		     now->temp_max_c < limit->temp_trip_c - 2.0);
	count_rising(life, INSULATION, &life->insulation_faults,
		     now->insulation_ohm<limit->insulation_trip_ohm, now->insulation_ohm> 1.1 *
			     limit->insulation_trip_ohm);
}

/* ---- once a second ------------------------------------------------------------------------ */

static unsigned band(double fraction, unsigned bands)
{
	double at = fraction * bands;

	if (!(at > 0.0))
		return 0;
	return at < bands ? (unsigned)at : bands - 1;
}

static void count_cycles(struct life *life, double soc)
{
	struct rainflow_cycle cycle[RAINFLOW_STACK];
	unsigned n = rainflow_feed(&life->rainflow, soc, soc_ignore, cycle);

	for (unsigned i = 0; i < n; i++)
		life->cycles[band(cycle[i].range, LIFE_DOD_BINS)]
			    [band(cycle[i].mean, LIFE_SOC_BANDS)] += cycle[i].count;
}

static void count_hours(struct life *life, const struct pack_now *now, double soc, bool connected,
			double hours)
{
	unsigned warm = 0;

	life->hours_total += hours;
	if (connected)
		life->hours_connected += hours;
	if (!isnan(soc))
		life->hours_soc[band(soc, LIFE_SOC_BANDS)] += hours;
	while (warm < LIFE_TEMP_BANDS - 1 && now->temp_max_c > temp_edge_c[warm])
		warm++;
	if (!isnan(now->temp_max_c))
		life->hours_temp[warm] += hours;
	if (!connected || !(now->current_a < 0.0))
		return;
	if (now->temp_min_c < cold_charge_c)
		life->hours_charging_cold += hours;
	if (now->temp_max_c > hot_charge_c)
		life->hours_charging_hot += hours;
}

static void slice(struct bank *bank, unsigned k)
{
	struct life *life = &bank->life[k];
	double soc = bank->estimate[k].soc;
	double nominal_ah = bank->site.pack[k].model.nominal_ah;
	int64_t before_ms = life->rainflow_ms, gap_ms = bank->now_ms - before_ms;

	life->rainflow_ms = bank->now_ms;
	if (before_ms == 0 || gap_ms < 0 || gap_ms > SLICE_MAX_MS)
		return;
	count_cycles(life, soc);
	count_hours(life, &bank->now.pack[k], soc, bank->contactor[k].connected,
		    (double)gap_ms / 3.6e6);
	if (nominal_ah > 0.0)
		life->efc = (life->ah_dis + life->ah_cha) / (2.0 * nominal_ah);
}

void life_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	(void)in;
	(void)out;
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		struct life *life = &bank->life[k];
		int64_t since_ms = bank->now_ms - life->rainflow_ms;

		/* The current of an open pack is its sensor's offset. */
		if (bank->contactor[k].connected)
			count_charge(life, &bank->now.pack[k], bank->dt_s);
		count_conditions(life, &bank->now.pack[k], bank->estimate[k].soc,
				 &bank->site.pack[k].limit);
		if (since_ms >= SLICE_MS || since_ms < 0)
			slice(bank, k);
	}
}
