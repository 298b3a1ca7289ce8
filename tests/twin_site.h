/* A small bank for tests of the simulated plant, and one hand on its lines. */
#ifndef REBANK_TESTS_TWIN_SITE_H
#define REBANK_TESTS_TWIN_SITE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/sim/twin.h"

struct rig {
	struct site site;
	struct twin_config config;
	struct twin *twin;
	struct bank_inputs in;
	struct bank_outputs out;
	struct twin_truth truth;
};

static inline void rig_pack(struct pack_site *pack, unsigned k, enum chemistry chemistry)
{
	snprintf(pack->id, sizeof(pack->id), "pack-%u", k);
	snprintf(pack->profile, sizeof(pack->profile), "%s", k % 2 ? "bmw-i3" : "nissan-leaf-aze0");
	pack->model = (struct pack_model){.chemistry = chemistry,
					  .cells_series = 96,
					  .capacity_ah = 48.0,
					  .nominal_ah = 65.0,
					  .r_fast_ohm = 0.075,
					  .r_10s_ohm = 0.097,
					  .tau_s = 12.0,
					  .r_growth = 2.0,
					  .v_offset_max_v = 0.5,
					  .i_offset_max_a = 0.5};
	pack->limit = (struct pack_limits){.cell_min_v = 3.0,
					   .cell_max_v = 4.15,
					   .cell_trip_low_v = 2.8,
					   .cell_trip_high_v = 4.25,
					   .dis_max_a = 60.0,
					   .cha_max_a = 40.0,
					   .charge_min_c = 0.0,
					   .charge_max_c = 45.0,
					   .discharge_min_c = -20.0,
					   .discharge_max_c = 55.0,
					   .temp_trip_c = 60.0};
	pack->contactors = (struct pack_contactors){.has = {true, true, true},
						    .feedback = {true, true, true},
						    .precharge_ohm = 47.0,
						    .precharge_j = 800.0,
						    .precharge_cool_s = 60.0,
						    .break_max_a = 10.0};
	pack->has_link_v = true;
}

/* Ideal sensors and a plant that is what the site believes; every pack half full. */
static inline void rig_init(struct rig *rig, unsigned n_packs, enum chemistry chemistry)
{
	memset(rig, 0, sizeof(*rig));
	rig->site.n_packs = n_packs;
	rig->site.n_pcs = 1;
	rig->site.has_pcs_enable = rig->site.has_imd = rig->site.has_supply = true;
	rig->site.supply_close_min_v = 20.0;
	rig->site.grid.has_meter = rig->site.grid.measured_at_ac = true;
	rig->site.bus = (struct bus_site){.max_v = 420.0,
					  .min_v = 250.0,
					  .capacitance_f = 0.005,
					  .resistance_ohm = 0.005,
					  .dead_v = 60.0};
	rig->site.pcs[0] = (struct pcs_site){.id = "pcs1",
					     .p_max_w = 30e3,
					     .dis_max_w = 30e3,
					     .cha_max_w = 30e3,
					     .dc_min_v = 250.0,
					     .dc_max_v = 430.0,
					     .dc_max_a = 120.0,
					     .efficiency = 0.96,
					     .standby_w = 60.0};
	for (unsigned k = 0; k < n_packs; k++)
		rig_pack(&rig->site.pack[k], k, chemistry);
	for (int i = 0; i < INPUT_COUNT; i++)
		rig->site.input[i].present = true;
	twin_config_init(&rig->config);
	rig->config.n_packs = n_packs;
	rig->config.spread = rig->config.noise = 0.0;
	for (unsigned k = 0; k < n_packs; k++)
		rig->config.pack[k].soc = 0.5;
}

static inline bool rig_start(struct rig *rig)
{
	rig->in.now_ms = 1000;
	rig->twin = twin_new(&rig->site, &rig->config, rig->in.now_ms);
	return rig->twin != NULL;
}

static inline void rig_stop(struct rig *rig)
{
	twin_free(rig->twin);
	rig->twin = NULL;
}

/* Runs ms in steps of step_ms with the lines as they are, heartbeat as it is. */
static inline void rig_run(struct rig *rig, int64_t ms, int64_t step_ms)
{
	int64_t end = rig->in.now_ms + ms;

	twin_apply(rig->twin, rig->in.now_ms, &rig->out);
	while (rig->in.now_ms < end) {
		rig->in.now_ms += step_ms;
		twin_gather(rig->twin, &rig->in);
		twin_apply(rig->twin, rig->in.now_ms, &rig->out);
	}
	twin_truth(rig->twin, &rig->truth);
}

static inline void rig_coils(struct rig *rig, unsigned k, bool negative, bool positive,
			     bool precharge)
{
	rig->out.pack[k].coil[POLE_NEGATIVE] = negative;
	rig->out.pack[k].coil[POLE_POSITIVE] = positive;
	rig->out.pack[k].coil[POLE_PRECHARGE] = precharge;
}

/* Pre-charges with pack 0 and brings all packs onto the bus. */
static inline void rig_connect_all(struct rig *rig)
{
	rig->out.heartbeat = rig->out.pcs_enable = true;
	rig_coils(rig, 0, true, false, true);
	rig_run(rig, 2000, 100);
	for (unsigned k = 0; k < rig->site.n_packs; k++) {
		rig_coils(rig, k, true, true, false);
		rig_run(rig, 200, 100);
	}
}

/* Brings the converter to p_w and lets it settle. */
static inline void rig_power(struct rig *rig, double p_w)
{
	rig->out.pcs[0].run = true;
	rig->out.pcs[0].p_w = p_w;
	rig_run(rig, 3000, 100);
}

static inline struct rig *rig_new(unsigned n_packs, enum chemistry chemistry)
{
	struct rig *rig = malloc(sizeof(*rig));

	if (!rig)
		abort();
	rig_init(rig, n_packs, chemistry);
	return rig;
}

static inline void rig_begin(struct rig *rig)
{
	if (!rig_start(rig))
		abort();
}

static inline void rig_delete(struct rig *rig)
{
	rig_stop(rig);
	free(rig);
}

/* A fault from now on, for good. False: refused. */
static inline bool rig_fault(struct rig *rig, enum twin_fault_kind kind, int pack, enum pole pole,
			     double value)
{
	struct twin_fault fault = {.kind = kind,
				   .at_ms = rig->in.now_ms - 1000,
				   .pack = pack,
				   .pole = pole,
				   .value = value};

	return twin_inject(rig->twin, &fault);
}

#endif
