/* The twin as a whole: time, lines in, truth out. The parts are declared in drivers/sim/plant.h. */
#include <math.h>
#include <stdlib.h>

#include "drivers/sim/plant.h"

enum { REFRESH_MS = 1000, HURRY_MS = 20 };

void twin_config_init(struct twin_config *config)
{
	*config = (struct twin_config){
		.seed = 1, .ambient_c = 20.0, .spread = 1.0, .noise = 1.0, .n_packs = 0};
	for (unsigned k = 0; k < PACK_MAX; k++)
		config->pack[k] = (struct twin_pack_config){(double)NAN, (double)NAN, (double)NAN,
							    (double)NAN};
}

/* Coil supplies come as 12, 24 and 48 V; the site's lower bound says which. */
static double supply_nominal(const struct site *site)
{
	if (!site->has_supply || site->supply_close_min_v > 28.0)
		return site->has_supply ? 48.0 : 24.0;
	return site->supply_close_min_v > 14.0 ? 24.0 : 12.0;
}

/* True when a pack's own BMS has switched a relay. */
static bool own_bms_run(struct twin *twin, int64_t t)
{
	bool switched = false;

	twin->own_ms = INT64_MAX;
	for (unsigned k = 0; k < twin->site.n_packs; k++) {
		struct plant_own_bms *own = &twin->pack[k].own;

		if (!twin->site.pack[k].contactors.by_frames)
			continue;
		switched |= plant_own_bms_run(twin, k, t);
		twin->own_ms = own->next_ms < twin->own_ms ? own->next_ms : twin->own_ms;
	}
	return switched;
}

/* Lines, chain and faults at t, and when to look again. */
static void twin_edge(struct twin *twin, int64_t t)
{
	int64_t fault_ms = plant_fault_next_ms(twin, t), chain_ms;

	/* Heat from outside counts from here on, not from the last refresh. */
	if (t >= twin->next_fault_ms)
		for (unsigned k = 0; k < twin->site.n_packs; k++)
			plant_pack_refresh(twin, k, t);
	twin->next_fault_ms = fault_ms;
	plant_fault_gather(twin, t);
	own_bms_run(twin, t);
	plant_contacts_drive(twin, t);
	plant_contacts_run(twin, t);
	chain_ms = plant_chain_next_ms(twin, t);
	twin->next_edge_ms = fault_ms < chain_ms ? fault_ms : chain_ms;
}

struct twin *twin_new(const struct site *site, const struct twin_config *config, int64_t start_ms)
{
	struct twin *twin = calloc(1, sizeof(*twin));

	if (!twin)
		return NULL;
	twin->site = *site;
	twin->config = *config;
	for (unsigned k = config->n_packs; k < PACK_MAX; k++)
		twin->config.pack[k] = (struct twin_pack_config){(double)NAN, (double)NAN,
								 (double)NAN, (double)NAN};
	twin->noise = noise_seed(config->seed);
	twin->start_ms = twin->now_ms = start_ms;
	twin->capacitance_f = site->bus.capacitance_f > 1e-4 ? site->bus.capacitance_f : 1e-4;
	twin->supply_nominal_v = supply_nominal(site);
	twin->freq_hz = 50.0;
	twin->meter_ms = start_ms + 110;
	twin->imd_ms = start_ms + 120;
	twin->supply_ms = start_ms + 130;
	for (int i = 0; i < INPUT_COUNT; i++)
		twin->level_ms[i] = start_ms;
	plant_fault_gather(twin, start_ms);
	for (unsigned k = 0; k < site->n_packs; k++) {
		plant_own_bms_init(twin, k);
		plant_sense_init(twin, k);
		plant_pack_init(twin, k);
		plant_contacts_init(twin, k);
		twin->pack[k].next_refresh_ms = start_ms + 100 + 100 * (k % 10);
	}
	for (unsigned i = 0; i < site->n_pcs; i++)
		plant_converter_init(twin, i);
	twin_edge(twin, start_ms);
	return twin;
}

void twin_free(struct twin *twin)
{
	free(twin);
}

bool twin_inject(struct twin *twin, const struct twin_fault *fault)
{
	unsigned known = twin_fault_of_pcs(fault->kind) ? twin->site.n_pcs : twin->site.n_packs;

	if (twin->config.n_faults >= TWIN_FAULT_MAX || fault->pack >= (int)known ||
	    fault->pole >= POLE_COUNT || fault->input >= INPUT_COUNT)
		return false;
	twin->config.fault[twin->config.n_faults++] = *fault;
	twin->next_fault_ms = twin->now_ms;
	twin_edge(twin, twin->now_ms);
	return true;
}

void twin_clear(struct twin *twin)
{
	twin->config.n_faults = 0;
	twin->next_fault_ms = twin->now_ms;
	twin_edge(twin, twin->now_ms);
}

/* Copies the lines; true when one of them changed. */
static bool lines_set(struct twin *twin, const struct bank_outputs *out)
{
	bool changed = twin->line_enable != out->pcs_enable;

	twin->line_enable = out->pcs_enable;
	twin->line_fan = out->fan;
	for (unsigned k = 0; k < twin->site.n_packs; k++) {
		if (twin->site.pack[k].contactors.by_frames)
			continue;
		for (int pole = 0; pole < POLE_COUNT; pole++) {
			changed |= twin->line_coil[k][pole] != out->pack[k].coil[pole];
			twin->line_coil[k][pole] = out->pack[k].coil[pole];
		}
	}
	return changed;
}

/* What the packs hear; true when a command changed. */
static bool frames_set(struct twin *twin, int64_t now_ms, const struct bank_outputs *out)
{
	bool changed = false;

	for (unsigned k = 0; k < twin->site.n_packs; k++) {
		struct plant_own_bms *own = &twin->pack[k].own;

		if (!twin->site.pack[k].contactors.by_frames || !out->pack[k].keep_alive)
			continue;
		own->heard_ms = now_ms;
		changed |= own->command != out->pack[k].coil[POLE_POSITIVE];
		own->command = out->pack[k].coil[POLE_POSITIVE];
	}
	return changed;
}

static void twin_run(struct twin *twin, int64_t to_ms);

void twin_apply(struct twin *twin, int64_t now_ms, const struct bank_outputs *out)
{
	bool changed;

	twin_run(twin, now_ms);
	changed = frames_set(twin, now_ms, out);
	for (unsigned i = 0; i < twin->site.n_pcs; i++)
		plant_converter_command(twin, i, now_ms, &out->pcs[i]);
	if (!twin->effects.gpio_gone) {
		changed |= lines_set(twin, out);
		if (out->heartbeat) {
			twin->chain.heartbeat_ms = now_ms;
			changed |= !twin->chain.coils || !twin->chain.pcs;
		}
	}
	if (changed)
		twin_edge(twin, now_ms);
}

/* Longest step from t that all parts can bear; *steady: the algebraic bus will do. */
static int64_t step_length(const struct twin *twin, int64_t t, bool *steady)
{
	bool quiet = !twin->moving && !twin->pre_charging && t >= twin->settle_ms;

	*steady = quiet && twin->connected;
	if (!quiet || (!twin->connected && !plant_converter_idle(twin)))
		return 1;
	return plant_converter_hurries(twin) ? HURRY_MS : PLANT_STEP_MS;
}

static void twin_run(struct twin *twin, int64_t to_ms)
{
	while (twin->now_ms < to_ms) {
		int64_t t = twin->now_ms, end = to_ms, longest;
		double dt_s;
		bool steady;

		if (t >= twin->next_edge_ms || (t >= twin->own_ms && own_bms_run(twin, t)))
			twin_edge(twin, t);
		else if (twin->moving || t < twin->settle_ms)
			plant_contacts_run(twin, t);
		longest = step_length(twin, t, &steady);
		end = end > t + longest ? t + longest : end;
		end = end > twin->next_edge_ms ? twin->next_edge_ms : end;
		end = end > twin->own_ms ? twin->own_ms : end;
		dt_s = (double)(end - t) / 1000.0;
		if (steady)
			plant_bus_step_steady(twin, t, dt_s);
		else
			plant_bus_step_fast(twin, t, dt_s);
		twin->now_ms = end;
		for (unsigned k = 0; k < twin->site.n_packs; k++) {
			if (end >= twin->pack[k].next_refresh_ms) {
				plant_pack_refresh(twin, k, end);
				twin->pack[k].next_refresh_ms += REFRESH_MS;
			}
		}
	}
}

void twin_gather(struct twin *twin, struct bank_inputs *in)
{
	twin_run(twin, in->now_ms);
	if (twin->config.hardware_in_the_loop)
		plant_contacts_observe(twin, in, in->now_ms);
	plant_sense_all(twin, in);
}

static void truth_pack(const struct twin *twin, unsigned k, struct twin_pack_truth *truth)
{
	const struct plant_pack *pack = &twin->pack[k];

	*truth = (struct twin_pack_truth){
		.v = pack->v,
		.a = pack->a,
		.soc = pack->z[REP_MEAN] - pack->pending_as / (3600.0 * pack->q_ah[REP_MEAN]),
		.soh = pack->capacity_ah / twin->site.pack[k].model.nominal_ah,
		.e_v = plant_pack_source_v(pack),
		.r_ohm = pack->r0,
		.temp_max_c = plant_pack_hottest_c(pack),
		.temp_c = pack->temp_c,
		.capacity_ah = pack->capacity_ah,
		.r_growth = pack->growth,
		.peak_a = pack->peak_a,
		.break_a = pack->break_a,
		.loaded_breaks = pack->loaded_breaks,
		.excess_s = pack->excess_s,
		.resistor_j = pack->resistor_j,
	};
	plant_pack_cell_range(pack, &truth->cell_min_v, &truth->cell_max_v);
	for (int pole = 0; pole < POLE_COUNT; pole++)
		truth->closed[pole] = pack->contact[pole].closed;
}

void twin_truth(const struct twin *twin, struct twin_truth *truth)
{
	*truth = (struct twin_truth){
		.bus_v = twin->bar_v,
		.cap_v = twin->cap_v,
		.energy_dis_wh = twin->energy_dis_wh,
		.energy_cha_wh = twin->energy_cha_wh,
	};
	for (unsigned i = 0; i < twin->site.n_pcs; i++) {
		truth->dc_w += twin->pcs[i].dc_w;
		truth->ac_w += twin->pcs[i].ac_w;
		truth->pcs_w[i] = twin->site.grid.measured_at_ac ? twin->pcs[i].ac_w
								 : twin->pcs[i].dc_w;
	}
	if (twin->cap_v > 1.0) {
		truth->dc_a = truth->dc_w / twin->cap_v;
		truth->load_a = twin->load_w / twin->cap_v;
	}
	for (unsigned k = 0; k < twin->site.n_packs; k++)
		truth_pack(twin, k, &truth->pack[k]);
}
