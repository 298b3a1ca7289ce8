/*
 * What the sensors and senders say of the plant: offsets, noise, quantisation, periods, and the
 * faults that sit in the senders. Nissan packs quantise pack readings to 0.5 V and 0.5 A.
 */
#include <math.h>
#include <string.h>

#include "drivers/sim/plant.h"

enum {
	FIRST_MS = 300, /* a BMS that wakes up needs this long to its first frame */
	ELECTRICAL_MS = 100,
	SLOW_MS = 1000, /* cells, temperatures, BMS, meter, IMD, supply */
	PCS_MS = 200,
};

static const double PACK_INSULATION_OHM = 20e6, BUS_INSULATION_OHM = 5e6;
static const double FREQ_SIGMA_HZ = 0.020, FREQ_TAU_S = 300.0; /* continental grid */

static double bound(double v, double most)
{
	return most > 0.0 && most < v ? most : v;
}

void plant_sense_init(struct twin *twin, unsigned k)
{
	struct plant_pack *pack = &twin->pack[k];
	const struct pack_site *site = &twin->site.pack[k];
	struct plant_sensors *sensors = &pack->sensors;
	struct noise noise = noise_of(twin->config.seed, 0xe0, k);
	bool coarse = strstr(site->profile, "leaf") != NULL;
	double spread = twin->config.spread, step = twin->config.noise * (coarse ? 0.5 : 0.1);
	int64_t first = twin->start_ms + FIRST_MS + k * 7 % ELECTRICAL_MS;

	sensors->v_offset =
		spread * bound(0.5, site->model.v_offset_max_v) * noise_between(&noise, -1.0, 1.0);
	sensors->a_offset =
		spread * bound(0.5, site->model.i_offset_max_a) * noise_between(&noise, -1.0, 1.0);
	sensors->a_gain = 1.0 + 0.01 * spread * noise_between(&noise, -1.0, 1.0);
	sensors->link_offset = 0.3 * spread * noise_between(&noise, -1.0, 1.0);
	sensors->soc_bias = 0.03 * spread * noise_between(&noise, -1.0, 1.0);
	for (int i = 0; i < PLANT_TEMPS; i++)
		sensors->temp_offset[i] = spread * noise_between(&noise, -1.0, 1.5);
	sensors->v_step = sensors->a_step = step;
	pack->electrical_ms = pack->cells_ms = pack->temps_ms = pack->bms_ms = first;
}

/* Nearest multiple of step; step 0: v itself. */
static inline double quantise(double v, double step)
{
	if (step <= 0.0)
		return v;
	v /= step;
	return step * (double)(int64_t)(v < 0.0 ? v - 0.5 : v + 0.5);
}

/* True when a group of this period is due; *stamp is then the last instant it was sent. The first
 * one moves the group to its own place within the period, so that packs do not send all at once. */
static bool group_due(int64_t *next_ms, int64_t period, int64_t place, int64_t first, int64_t now,
		      int64_t *stamp)
{
	if (now < *next_ms)
		return false;
	if (*next_ms == first && place) {
		*stamp = first;
		*next_ms = first + place;
		if (now < *next_ms)
			return true;
	}
	*stamp = *next_ms + (now - *next_ms) / period * period;
	*next_ms = *stamp + period;
	return true;
}

static void sense_electrical(struct twin *twin, unsigned k, struct pack_sample *out, int64_t stamp)
{
	const struct plant_pack *pack = &twin->pack[k];
	const struct plant_sensors *sensors = &pack->sensors;
	const struct pack_effects *effects = &twin->effects.pack[k];
	double noise = twin->config.noise;
	double v = pack->v + sensors->v_offset + effects->lie_v;
	double a = pack->a * sensors->a_gain + sensors->a_offset + effects->lie_a;
	bool frozen = effects->frozen && out->electrical_ms; /* frozen at something */

	out->electrical_ms = stamp;
	out->counts = true;
	if (twin->site.pack[k].has_link_v)
		out->link_ms = stamp;
	if (frozen)
		return;
	out->electrical_count = pack->count;
	if (noise > 0.0) {
		v += 0.05 * noise * noise_normal(&twin->noise);
		a += 0.05 * noise * noise_normal(&twin->noise);
	}
	out->pack_v = effects->invalid ? (double)NAN : quantise(v, sensors->v_step);
	out->current_a = effects->invalid ? (double)NAN : quantise(a, sensors->a_step);
	if (twin->site.pack[k].has_link_v)
		out->link_v = effects->invalid ? (double)NAN
					       : quantise(twin->bar_v + sensors->link_offset,
							  sensors->v_step);
}

static void sense_cells(struct twin *twin, unsigned k, struct pack_sample *out, int64_t stamp)
{
	const struct plant_pack *pack = &twin->pack[k];
	const struct pack_effects *effects = &twin->effects.pack[k];
	double mean_v = plant_pack_rep_v(pack, REP_MEAN);
	double down_v = mean_v - plant_pack_rep_v(pack, REP_LOW);
	double up_v = plant_pack_rep_v(pack, REP_HIGH) - mean_v;
	bool noisy = twin->config.noise > 0.0;
	double amplitude = twin->config.noise * 0.001 / 65536.0;
	uint64_t bits = 0;
	bool frozen = effects->frozen && out->cells_ms;

	out->cells_ms = stamp;
	if (frozen)
		return;
	out->n_cells = (uint16_t)pack->cells;
	for (unsigned i = 0; i < pack->cells; i++) {
		double w = (double)pack->weight[i];
		double v = mean_v + w * (w < 0.0 ? down_v : up_v);

		if (i == pack->weakest)
			v -= pack->drift_v;
		if (noisy) {
			bits = i % 4 ? bits >> 16 : noise_bits(&twin->noise);
			v += amplitude * (double)((int32_t)(bits & 0xffff) - 32768);
			v = 0.001 * (double)(int32_t)(v * 1000.0 + 0.5);
		}
		out->cell_v[i] = effects->invalid ? (double)NAN : v;
	}
}

static void sense_temps(struct twin *twin, unsigned k, struct pack_sample *out, int64_t stamp)
{
	const struct plant_pack *pack = &twin->pack[k];
	const struct pack_effects *effects = &twin->effects.pack[k];
	bool frozen = effects->frozen && out->temps_ms;

	out->temps_ms = stamp;
	if (frozen)
		return;
	out->n_temps = PLANT_TEMPS;
	for (int i = 0; i < PLANT_TEMPS; i++) {
		double c = pack->temp_c + pack->sensors.temp_offset[i];

		if (i == 0)
			c += pack->runaway_k;
		c = quantise(c, 0.5 * twin->config.noise);
		out->temp_c[i] = effects->invalid ? (double)NAN : c;
	}
}

static uint32_t bms_flags(const struct twin *twin, unsigned k)
{
	const struct plant_pack *pack = &twin->pack[k];
	const struct pack_limits *limit = &twin->site.pack[k].limit;
	double low_v, high_v, hottest_c = plant_pack_hottest_c(pack);
	uint32_t flags = 0;

	plant_pack_cell_range(pack, &low_v, &high_v);
	if (high_v > 0.5 * (limit->cell_max_v + limit->cell_trip_high_v))
		flags |= BMS_NO_CHARGE;
	if (low_v < 0.5 * (limit->cell_min_v + limit->cell_trip_low_v))
		flags |= BMS_NO_DISCHARGE;
	if (high_v > limit->cell_trip_high_v || low_v < limit->cell_trip_low_v ||
	    hottest_c > limit->temp_trip_c)
		flags |= BMS_FAULT | BMS_WANTS_OPEN;
	return flags;
}

static void sense_bms(struct twin *twin, unsigned k, struct pack_sample *out, int64_t stamp)
{
	const struct plant_pack *pack = &twin->pack[k];
	const struct pack_site *site = &twin->site.pack[k];
	const struct pack_effects *effects = &twin->effects.pack[k];
	double noise = twin->config.noise, nan = (double)NAN;
	double soc = pack->z[REP_MEAN] + pack->sensors.soc_bias;
	double ohm = PACK_INSULATION_OHM;
	bool frozen = effects->frozen && out->bms_ms;

	out->bms_ms = stamp;
	if (frozen)
		return;
	if (effects->insulation_ohm < ohm)
		ohm = effects->insulation_ohm;
	soc = soc < 0.0 ? 0.0 : soc;
	soc = soc > 1.0 ? 1.0 : soc;
	out->soc = effects->invalid ? nan : quantise(soc, 0.005 * noise);
	out->soh = effects->invalid
			   ? nan
			   : quantise(pack->capacity_ah / site->model.nominal_ah, 0.01 * noise);
	out->dis_limit_a = effects->invalid ? nan : plant_pack_dis_limit_a(twin, k);
	out->cha_limit_a = effects->invalid ? nan : plant_pack_cha_limit_a(twin, k);
	/* Only one insulation monitor may be active on a bus; with one there, the packs' are off.
	 */
	out->insulation_ohm = effects->invalid || twin->site.has_imd ? nan : ohm;
	out->aux_v = effects->invalid ? nan : 13.2;
	out->bms_flags = bms_flags(twin, k);
	out->serial = site->serial ? site->serial : 0x5e71a1u + k;
}

/* A pack that is believed for two seconds sends its volts and amps once a second. */
static int64_t electrical_period_ms(const struct pack_site *site)
{
	return site->electrical_stale_ms < 2 * SLOW_MS ? ELECTRICAL_MS : SLOW_MS;
}

static void sense_pack(struct twin *twin, unsigned k, struct pack_sample *out, int64_t now)
{
	struct plant_pack *pack = &twin->pack[k];
	int64_t first = twin->start_ms + FIRST_MS + k * 7 % ELECTRICAL_MS, stamp;
	int64_t period = electrical_period_ms(&twin->site.pack[k]);
	bool stale = twin->effects.pack[k].stale;

	out->link = LINK_OK;
	if (now < first)
		return;
	if (group_due(&pack->electrical_ms, period, 0, first, now, &stamp) && !stale) {
		pack->count++;
		sense_electrical(twin, k, out, stamp);
	}
	if (group_due(&pack->cells_ms, SLOW_MS, 100 + 100 * (k % 10), first, now, &stamp) && !stale)
		sense_cells(twin, k, out, stamp);
	if (group_due(&pack->temps_ms, SLOW_MS, 100 + 100 * ((k + 3) % 10), first, now, &stamp) &&
	    !stale)
		sense_temps(twin, k, out, stamp);
	if (group_due(&pack->bms_ms, SLOW_MS, 100 + 100 * ((k + 6) % 10), first, now, &stamp) &&
	    !stale)
		sense_bms(twin, k, out, stamp);
}

static void sense_contacts(struct twin *twin, unsigned k, struct pack_contacts *out, int64_t now)
{
	const struct plant_contact *contact = twin->pack[k].contact;
	bool by_frames = twin->site.pack[k].contactors.by_frames;

	if (!plant_contacts_dark(twin, k))
		out->stamp_ms = now;
	for (int pole = 0; pole < POLE_COUNT; pole++) {
		bool driven = by_frames ? twin->pack[k].own.command : twin->line_coil[k][pole];
		enum contact level = driven ? CONTACT_CLOSED : CONTACT_OPEN;

		if (contact[pole].bridged || contact[pole].absent ||
		    (by_frames ? pole != POLE_POSITIVE : twin->effects.gpio_gone))
			level = CONTACT_UNKNOWN;
		out->readback[pole] = level;
		out->feedback[pole] = plant_contact_feedback(twin, k, (enum pole)pole, now);
	}
}

static void sense_inputs(struct twin *twin, struct bank_inputs *in, int64_t now)
{
	for (int i = 0; i < INPUT_COUNT; i++) {
		bool tripped = twin->effects.input[i] || (i == INPUT_FAN && !twin->line_fan);

		if (tripped != twin->level_tripped[i]) {
			twin->level_tripped[i] = tripped;
			twin->level_ms[i] = now;
		}
		if (!twin->site.input[i].present || twin->effects.gpio_gone)
			continue;
		in->input[i].stamp_ms = now;
		in->input[i].edge_ms = twin->level_ms[i];
		in->input[i].level = tripped ? LEVEL_TRIPPED : LEVEL_OK;
	}
	in->gpio = twin->effects.gpio_gone ? GPIO_GONE : GPIO_OK;
	in->gpio_ms = now;
}

static void sense_bus(struct twin *twin, struct bank_inputs *in, int64_t now)
{
	double v = twin->bar_v;

	if (twin->effects.bus_sensor)
		return;
	if (twin->config.noise > 0.0)
		v = quantise(v + 0.03 * twin->config.noise * noise_normal(&twin->noise),
			     0.1 * twin->config.noise);
	in->bus.stamp_ms = now;
	in->bus.v = v;
}

static void sense_pcs(struct twin *twin, unsigned i, struct bank_inputs *in, int64_t now)
{
	struct plant_pcs *pcs = &twin->pcs[i];
	struct pcs_sample *out = &in->pcs[i];
	int64_t stamp;

	if (!group_due(&pcs->sample_ms, PCS_MS, 0, 0, now, &stamp) || twin->effects.pcs_silent[i])
		return;
	out->stamp_ms = stamp;
	out->state = pcs->state;
	out->ac_w = quantise(pcs->ac_w, 10.0 * twin->config.noise);
	out->dc_w = quantise(pcs->dc_w, 10.0 * twin->config.noise);
	out->dc_v = quantise(twin->cap_v, 0.1 * twin->config.noise);
	out->dc_a = twin->cap_v > 20.0 ? quantise(pcs->dc_w / twin->cap_v, 0.1 * twin->config.noise)
				       : 0.0;
	if (twin->effects.pcs_invalid[i])
		out->ac_w = out->dc_w = out->dc_v = out->dc_a = (double)NAN;
	out->dis_max_w = twin->site.pcs[i].dis_max_w;
	out->cha_max_w = twin->site.pcs[i].cha_max_w;
	out->dead_man_proven =
		twin->site.pcs[i].dead_man_ms > 0 && !twin->effects.pcs_no_dead_man[i];
}

static void sense_meter(struct twin *twin, struct bank_inputs *in, int64_t now)
{
	int64_t stamp;
	double p_w = 0.0, x = twin->freq_hz - 50.0;

	if (!group_due(&twin->meter_ms, SLOW_MS, 0, 0, now, &stamp))
		return;
	x += -x / FREQ_TAU_S + FREQ_SIGMA_HZ * sqrt(2.0 / FREQ_TAU_S) * noise_normal(&twin->noise);
	twin->freq_hz = 50.0 + x;
	if (!twin->site.grid.has_meter || twin->effects.meter_silent)
		return;
	for (unsigned i = 0; i < twin->site.n_pcs; i++)
		p_w += twin->pcs[i].ac_w;
	in->meter.stamp_ms = stamp;
	in->meter.p_w = quantise(p_w, twin->config.noise);
	in->meter.freq_hz = twin->freq_hz;
}

/* The bus and every pack with a closed pole leak in parallel. */
static void sense_imd(struct twin *twin, struct bank_inputs *in, int64_t now)
{
	double g = 1.0 / BUS_INSULATION_OHM + 1.0 / twin->effects.insulation_ohm;
	int64_t stamp;

	if (!twin->site.has_imd || twin->config.imd_by_line ||
	    !group_due(&twin->imd_ms, SLOW_MS, 0, 0, now, &stamp))
		return;
	for (unsigned k = 0; k < twin->site.n_packs; k++)
		if (twin->pack[k].contact[POLE_NEGATIVE].closed ||
		    twin->pack[k].contact[POLE_POSITIVE].closed)
			g += 1.0 / PACK_INSULATION_OHM + 1.0 / twin->effects.pack[k].insulation_ohm;
	in->imd.stamp_ms = stamp;
	in->imd.insulation_ohm = 1.0 / g;
	in->imd.fault = false;
}

static void sense_supply(struct twin *twin, struct bank_inputs *in, int64_t now)
{
	int64_t stamp;

	if (!twin->site.has_supply || twin->config.supply_by_line ||
	    !group_due(&twin->supply_ms, SLOW_MS, 0, 0, now, &stamp))
		return;
	in->supply_ms = stamp;
	in->supply_v = quantise(twin->effects.supply_v, 0.1 * twin->config.noise);
}

void plant_sense_all(struct twin *twin, struct bank_inputs *in)
{
	int64_t now = twin->now_ms;

	for (unsigned k = 0; k < twin->site.n_packs; k++) {
		sense_pack(twin, k, &in->pack[k], now);
		if (!twin->config.hardware_in_the_loop)
			sense_contacts(twin, k, &in->contacts[k], now);
	}
	for (unsigned i = 0; i < twin->site.n_pcs; i++)
		sense_pcs(twin, i, in, now);
	if (!twin->config.hardware_in_the_loop)
		sense_inputs(twin, in, now);
	sense_bus(twin, in, now);
	sense_meter(twin, in, now);
	sense_imd(twin, in, now);
	sense_supply(twin, in, now);
}
