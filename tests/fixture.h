/* A complete, valid site for tests that do not read a configuration file. */
#ifndef REBANK_TESTS_FIXTURE_H
#define REBANK_TESTS_FIXTURE_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/bank.h"

/* A Leaf-class pack, 96 cells LMO, 66 Ah new, worn to 80 %. */
static inline void fixture_pack(struct pack_site *pack, const char *id)
{
	memset(pack, 0, sizeof *pack);
	snprintf(pack->id, sizeof pack->id, "%s", id);
	snprintf(pack->profile, sizeof pack->profile, "fixture");
	pack->limit = (struct pack_limits){
		.cell_min_v = 3.4, .cell_max_v = 4.1, .cell_trip_low_v = 3.0,
		.cell_trip_high_v = 4.2, .pack_min_v = 320., .pack_max_v = 396.,
		.dis_max_a = 60., .cha_max_a = 40., .fuse_a = 225.,
		.charge_min_c = 0., .charge_max_c = 45., .discharge_min_c = -20.,
		.discharge_max_c = 50., .temp_warn_c = 42., .temp_trip_c = 60.,
		.temp_spread_warn_k = 15., .temp_rise_trip_k_s = 1.,
		.cell_spread_warn_v = 0.1, .cell_spread_derate_v = 0.15,
		.cell_spread_trip_v = 0.3, .insulation_warn_ohm = 200e3,
		.insulation_trip_ohm = 40e3, .aux_min_v = 0.,
	};
	pack->model = (struct pack_model){
		.chemistry = CHEMISTRY_LMO, .cells_series = 96, .capacity_ah = 52.,
		.nominal_ah = 66., .r_fast_ohm = 0.09, .r_10s_ohm = 0.12, .tau_s = 17.,
		.r_growth = 1.6, .v_offset_max_v = 0.5, .i_offset_max_a = 0.5,
	};
	pack->contactors = (struct pack_contactors){
		.has = { true, true, true }, .feedback = { true, true, true },
		.close_ms = 200, .open_ms = 200, .precharge_ohm = 47., .precharge_j = 1500.,
		.precharge_cool_s = 120., .make_max_a = 20., .break_max_a = 10.,
		.wear_rated_a = 100., .wear_warn = 0.8, .wear_inhibit = 1.,
	};
	pack->electrical_stale_ms = 1000;
	pack->link_stale_ms = 500;
	pack->cells_stale_ms = 5000;
	pack->temps_stale_ms = 10000;
	pack->bms_stale_ms = 5000;
	pack->has_link_v = true;
	pack->cells_required = pack->temps_required = pack->bms_required = true;
}

static inline void fixture_site(struct site *site, unsigned n_packs)
{
	memset(site, 0, sizeof *site);
	snprintf(site->id, sizeof site->id, "fixture");
	site->has_pcs_enable = true;
	site->tick_ms = 100;
	site->plan = (struct plan_site){
		.soc_floor = 0.1, .soc_ceiling = 0.95, .rejoin_margin = 0.03, .join_max_v = 1.5,
		.min_on_ms = 600000, .min_off_ms = 600000, .pack_ops_day_max = 12,
		.bank_ops_hour_max = 60, .settle_ms = 2000, .t_ramp_ms = 500,
		.set_rise_per_s = 0.05,
	};
	site->bus = (struct bus_site){
		.max_v = 430., .min_v = 280., .capacitance_f = 2e-3, .resistance_ohm = 0.01,
		.stale_ms = 100, .dead_v = 60., .discharge_ms = 5000,
	};
	site->grid = (struct grid_site){
		.measured_at_ac = true, .p_max_w = 60e3, .export_max_w = INFINITY,
		.import_max_w = INFINITY, .meter_stale_ms = 3000, .ramp_w_s = 6000.,
		.ramp_min_w_s = 100., .expiry_ramp_max_ms = 10000, .tracking_w = 500.,
		.tracking_drop_ms = 60000,
	};
	site->input[INPUT_ESTOP] = (struct input_site){ true, 10 };
	site->input[INPUT_SMOKE] = (struct input_site){ true, 20 };
	site->n_pcs = 1;
	site->pcs[0] = (struct pcs_site){
		.id = "pcs1", .p_max_w = 60e3, .dis_max_w = 60e3, .cha_max_w = 60e3,
		.dc_min_v = 250., .dc_max_v = 450., .dc_max_a = 200., .efficiency = 0.96,
		.standby_w = 60., .stale_ms = 2000, .dead_man_ms = 5000,
	};
	site->proof.warn_d = 14.;
	site->n_sources = 2;
	site->source[0] = (struct source_site){
		.id = "local", .priority = 0, .may_setpoint = true, .may_command = true,
		.valid_max_s = 3600., .stale_s = 5., .future_s = 2.,
	};
	site->source[1] = (struct source_site){
		.id = "utility", .priority = 10, .may_setpoint = true, .may_command = false,
		.valid_max_s = 3600., .stale_s = 5., .future_s = 2.,
	};
	site->n_packs = n_packs;
	for (unsigned k = 0; k < n_packs; k++) {
		char id[ID_SIZE];
		snprintf(id, sizeof id, "p%u", k);
		fixture_pack(&site->pack[k], id);
	}
}

/* Inputs as they are before anything has been heard. */
static inline void fixture_inputs(struct bank_inputs *in, int64_t now_ms)
{
	memset(in, 0, sizeof *in);
	in->now_ms = now_ms;
	in->utc_ms = 1700000000000 + now_ms;
	in->clock_synced = true;
	in->commissioned = true;
	in->tick = true;
	in->broker_connected = true;
}

/* A setpoint of `source`, valid and fresh. */
static inline struct command fixture_setpoint(const struct bank_inputs *in, unsigned source,
					      double p_w, double valid_s)
{
	struct command command;

	memset(&command, 0, sizeof command);
	command.kind = COMMAND_SETPOINT;
	command.source = (uint8_t)source;
	command.pack = -1;
	snprintf(command.id, sizeof command.id, "c%lld", (long long)in->now_ms);
	command.seq = in->now_ms;
	command.ts_utc_ms = in->utc_ms;
	command.received_ms = in->now_ms;
	command.p_w = p_w;
	command.valid_s = valid_s;
	command.ramp_w_s = NAN;
	return command;
}

#endif
