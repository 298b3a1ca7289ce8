/*
 * The DC bus: packs on one bar, a cable, the converters' capacitor behind it, load and discharger.
 * Two solutions: algebraic for the steady bus, with the capacitor while anything switches.
 */
#include <math.h>

#include "drivers/sim/plant.h"

/* An active discharger takes an isolated bus from 372 V to 36 V in 2.7 s (logged on a BMW i3); it
 * is locked out while a pack is connected. */
static const double DISCHARGE_TAU_S = 1.16;
static const double BLEED_TAU_S = 200.0;
static const double SHORT_OHM = 0.5;

enum { LOAD_START_MS = 2000 };

/* Sum of the packs on the bar, as one source. */
struct source {
	double g_s, eg_a; /* sum of conductances, of E times conductance */
};

static struct source source_sum(const struct twin *twin)
{
	struct source source = {0.0, 0.0};

	for (unsigned k = 0; k < twin->site.n_packs; k++) {
		const struct plant_pack *pack = &twin->pack[k];

		if (pack->g_s > 0.0) {
			source.g_s += pack->g_s;
			source.eg_a += pack->g_s * plant_pack_source_v(pack);
		}
	}
	return source;
}

/* The load's supply starts after 2 s of good voltage and stops below 80 % of it. */
static void load_run(struct twin *twin, int64_t t)
{
	double enough_v = twin->load_w > 0.0 ? 0.8 * twin->site.bus.min_v : twin->site.bus.min_v;

	twin->load_w = 0.0;
	if (!(twin->cap_v >= enough_v)) {
		twin->load_since_ms = 0;
		return;
	}
	if (!twin->load_since_ms)
		twin->load_since_ms = t;
	if (t - twin->load_since_ms >= LOAD_START_MS)
		twin->load_w = twin->config.load_w;
}

/* Converters and load over the step; returns their DC power. */
static double sinks_run(struct twin *twin, int64_t t, double dt_s)
{
	double p_w = 0.0;

	for (unsigned i = 0; i < twin->site.n_pcs; i++) {
		plant_converter_step(twin, i, t, dt_s);
		p_w += twin->pcs[i].dc_w;
	}
	load_run(twin, t);
	return p_w + twin->load_w;
}

static void energy_count(struct twin *twin, double dt_s)
{
	double p_w = 0.0;

	for (unsigned i = 0; i < twin->site.n_pcs; i++)
		p_w += twin->site.grid.measured_at_ac ? twin->pcs[i].ac_w : twin->pcs[i].dc_w;
	if (p_w > 0.0)
		twin->energy_dis_wh += p_w * dt_s / 3600.0;
	else
		twin->energy_cha_wh -= p_w * dt_s / 3600.0;
}

/* Currents of all packs at bar_v, held for dt_s. */
static void packs_run(struct twin *twin, int64_t t, double bar_v, double dt_s)
{
	for (unsigned k = 0; k < twin->site.n_packs; k++) {
		struct plant_pack *pack = &twin->pack[k];
		double source_v = plant_pack_source_v(pack), size;

		pack->a = (source_v - bar_v) * pack->g_s;
		pack->v = source_v - pack->r0 * pack->a;
		plant_pack_step(twin, k, dt_s);
		if (pack->path == PATH_PRECHARGE)
			pack->resistor_j += pack->a * pack->a * dt_s *
					    twin->site.pack[k].contactors.precharge_ohm;
		size = pack->a < 0.0 ? -pack->a : pack->a;
		if (t < pack->peak_until_ms && size > pack->peak_a)
			pack->peak_a = size;
	}
}

/* More than the source can give: the converters get what it can, at 60 % of its no-load voltage. */
static void sinks_starve(struct twin *twin, double p_w, double most_w)
{
	double share = most_w > twin->load_w ? (most_w - twin->load_w) / (p_w - twin->load_w) : 0.0;

	for (unsigned i = 0; i < twin->site.n_pcs; i++) {
		twin->pcs[i].p_w *= share;
		twin->pcs[i].dc_w *= share;
		twin->pcs[i].ac_w *= share;
	}
}

void plant_bus_step_steady(struct twin *twin, int64_t t, double dt_s)
{
	double p_w = sinks_run(twin, t, dt_s);
	struct source source = source_sum(twin);
	double open_v = source.eg_a / source.g_s;
	double r_ohm = 1.0 / source.g_s + twin->site.bus.resistance_ohm;
	double most_w = 0.24 * open_v * open_v / r_ohm;
	double a;

	if (p_w > most_w) {
		sinks_starve(twin, p_w, most_w);
		p_w = most_w;
	}
	twin->cap_v = 0.5 * (open_v + sqrt(open_v * open_v - 4.0 * p_w * r_ohm));
	a = p_w / twin->cap_v;
	twin->bar_v = open_v - a / source.g_s;
	packs_run(twin, t, twin->bar_v, dt_s);
	energy_count(twin, dt_s);
}

/* Conductance of everything on the capacitor that is neither source nor constant power. */
static double leak_s(const struct twin *twin)
{
	double c = twin->capacitance_f;
	double g = c / BLEED_TAU_S;

	if (!twin->connected && !twin->pre_charging)
		g += c / DISCHARGE_TAU_S;
	if (twin->effects.bus_short && twin->pre_charging && !twin->connected)
		g += 1.0 / SHORT_OHM;
	return g;
}

/* The capacitor alone. */
static void cap_run_down(struct twin *twin, double p_w, double dt_s)
{
	double c = twin->capacitance_f;
	double square = twin->cap_v * twin->cap_v - 2.0 * p_w * dt_s / c;

	twin->cap_v = square > 0.0 ? sqrt(square) * exp(-dt_s * leak_s(twin) / c) : 0.0;
	if (twin->cap_v < 0.5)
		twin->cap_v = 0.0;
	twin->bar_v = twin->cap_v;
}

/* The capacitor behind source and cable, exact for constant currents; returns the mean bar voltage.
 */
static double cap_run(struct twin *twin, const struct source *source, double p_w, double dt_s)
{
	double leak = leak_s(twin), open_v = source->eg_a / source->g_s;
	double g = 1.0 / (1.0 / source->g_s + twin->site.bus.resistance_ohm);
	double sink_a = p_w / (twin->cap_v > 20.0 ? twin->cap_v : 20.0);
	double end_v = (open_v * g - sink_a) / (g + leak);
	double tau_s = twin->capacitance_f / (g + leak);
	double fade = exp(-dt_s / tau_s);
	double mean_v = end_v + (twin->cap_v - end_v) * tau_s / dt_s * (1.0 - fade);

	twin->cap_v = end_v + (twin->cap_v - end_v) * fade;
	if (twin->cap_v < 0.0)
		twin->cap_v = 0.0;
	twin->bar_v = open_v - (open_v - twin->cap_v) * g / source->g_s;
	return open_v - (open_v - mean_v) * g / source->g_s;
}

void plant_bus_step_fast(struct twin *twin, int64_t t, double dt_s)
{
	double p_w = sinks_run(twin, t, dt_s);
	struct source source = source_sum(twin);
	double mean_v = 0.0;

	if (source.g_s > 0.0)
		mean_v = cap_run(twin, &source, p_w, dt_s);
	else
		cap_run_down(twin, p_w, dt_s);
	packs_run(twin, t, mean_v, dt_s);
	energy_count(twin, dt_s);
}
