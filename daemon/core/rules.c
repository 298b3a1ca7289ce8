#include "core/num.h"
#include "core/rules.h"

/* ---- bounds ---- */
#define PACK_BOUND(name, expression)                                                               \
	static double name(const struct site *site, const struct pack_site *pack,                  \
			   const struct pcs_site *pcs)                                             \
	{                                                                                          \
		(void)site;                                                                        \
		(void)pack;                                                                        \
		(void)pcs;                                                                         \
		return expression;                                                                 \
	}

PACK_BOUND(half, 0.5) /* of a yes/no measure */
PACK_BOUND(electrical_stale, (double)pack->electrical_stale_ms / 1000.)
PACK_BOUND(cells_stale, (double)pack->cells_stale_ms / 1000.)
PACK_BOUND(temps_stale, (double)pack->temps_stale_ms / 1000.)
PACK_BOUND(bms_stale, (double)pack->bms_stale_ms / 1000.)
PACK_BOUND(bad_frames, 5.)
PACK_BOUND(frozen, 60.)
PACK_BOUND(cell_max, pack->limit.cell_max_v)
PACK_BOUND(cell_hard_high, (pack->limit.cell_max_v + pack->limit.cell_trip_high_v) / 2.)
PACK_BOUND(cell_trip_high, pack->limit.cell_trip_high_v)
PACK_BOUND(cell_min, pack->limit.cell_min_v)
PACK_BOUND(cell_hard_low, (pack->limit.cell_min_v + pack->limit.cell_trip_low_v) / 2.)
PACK_BOUND(cell_trip_low, pack->limit.cell_trip_low_v)
PACK_BOUND(pack_max, pack->limit.pack_max_v)
PACK_BOUND(pack_min, pack->limit.pack_min_v)
PACK_BOUND(two_percent, 0.02)
PACK_BOUND(five_percent, 0.05)
PACK_BOUND(spread_warn, pack->limit.cell_spread_warn_v)
PACK_BOUND(spread_derate, pack->limit.cell_spread_derate_v)
PACK_BOUND(spread_trip, pack->limit.cell_spread_trip_v)
PACK_BOUND(temp_warn, pack->limit.temp_warn_c)
PACK_BOUND(discharge_max_c, pack->limit.discharge_max_c)
PACK_BOUND(discharge_min_c, pack->limit.discharge_min_c)
PACK_BOUND(charge_max_c, pack->limit.charge_max_c)
PACK_BOUND(charge_min_c, pack->limit.charge_min_c)
PACK_BOUND(temp_trip, pack->limit.temp_trip_c)
PACK_BOUND(temp_spread, pack->limit.temp_spread_warn_k)
PACK_BOUND(temp_rise, pack->limit.temp_rise_trip_k_s)
PACK_BOUND(ratio_derate, 1.1)
PACK_BOUND(ratio_trip, 1.25)
PACK_BOUND(fuse, pack->limit.fuse_a)
PACK_BOUND(link_diff, num_max(8., 0.02 * pack->limit.pack_max_v))
PACK_BOUND(open_current, num_max(1., 2. * pack->model.i_offset_max_a))
PACK_BOUND(circulation, num_max(5., 0.05 * pack->model.capacity_ah))
PACK_BOUND(chatter, 4.)
PACK_BOUND(feedback_unknown, 0.5)
PACK_BOUND(insulation_warn, pack->limit.insulation_warn_ohm)
PACK_BOUND(insulation_trip, pack->limit.insulation_trip_ohm)
PACK_BOUND(aux_min, pack->limit.aux_min_v)
PACK_BOUND(ten_percent, 0.1)
PACK_BOUND(wear_warn, pack->contactors.wear_warn)
PACK_BOUND(wear_inhibit, pack->contactors.wear_inhibit)

/* The strictest insulation bounds of any pack hold for the bus they share. */
static double strictest_ohm(const struct site *site, bool trip)
{
	double ohm = 0.;
	for (unsigned k = 0; k < site->n_packs; k++)
		ohm = num_max(ohm, trip ? site->pack[k].limit.insulation_trip_ohm
					: site->pack[k].limit.insulation_warn_ohm);
	return ohm;
}

static double pcs_rating_w(const struct site *site)
{
	double w = 0.;
	for (unsigned i = 0; i < site->n_pcs; i++)
		w += site->pcs[i].p_max_w;
	return w;
}

static double sensors_offset_a(const struct site *site)
{
	double a = 0.;
	for (unsigned k = 0; k < site->n_packs; k++)
		a += site->pack[k].model.i_offset_max_a;
	return a;
}

PACK_BOUND(imd_warn, strictest_ohm(site, false))
PACK_BOUND(imd_trip, strictest_ohm(site, true))
PACK_BOUND(supply_close, site->supply_close_min_v)
PACK_BOUND(supply_open, site->supply_open_v)
PACK_BOUND(bus_max, site->bus.max_v)
PACK_BOUND(bus_min, site->bus.min_v)
PACK_BOUND(reversed, -10.)
PACK_BOUND(bus_stale, (double)site->bus.stale_ms / 1000.)
PACK_BOUND(bus_dead, site->bus.dead_v)
PACK_BOUND(pcs_stale, (double)pcs->stale_ms / 1000.)
/* Its part of the site's tolerance; its own steps are no deviation. */
PACK_BOUND(pcs_excess,
	   num_max(num_max(0.05 * pcs->p_max_w, 2. * pcs->resolution_w),
		   site->grid.tracking_w * pcs->p_max_w / pcs_rating_w(site)))
PACK_BOUND(zero, 0.)
PACK_BOUND(proof_warn, site->proof.warn_d)
PACK_BOUND(minute, 60.)
/* Cut off by the line, the packs' sensors tell; without one the converters themselves, more closely. */
PACK_BOUND(pcs_runaway, (site->has_pcs_enable ? 0.1 : 0.05) * pcs_rating_w(site))
PACK_BOUND(current_sum,
	   num_max(5., 0.05 * pcs_rating_w(site) / site->bus.max_v) + sensors_offset_a(site))
PACK_BOUND(meter_stale, (double)site->grid.meter_stale_ms / 1000.)
PACK_BOUND(late_warn, 50.)
PACK_BOUND(late_zero, 200.)

#define P(reason, measure, side, bound, hyst, delay, action, deadline, flags, row)                 \
	{                                                                                          \
		REASON_##reason, PACK_##measure, side, bound, hyst, delay, ACTION_##action,        \
			deadline, flags, row                                                       \
	}
#define C(reason, measure, side, bound, hyst, delay, action, deadline, flags, row)                 \
	{                                                                                          \
		REASON_##reason, PCS_##measure, side, bound, hyst, delay, ACTION_##action,         \
			deadline, flags, row                                                       \
	}
#define B(reason, measure, side, bound, hyst, delay, action, deadline, flags, row)                 \
	{                                                                                          \
		REASON_##reason, BANK_##measure, side, bound, hyst, delay, ACTION_##action,        \
			deadline, flags, row                                                       \
	}

/*
 * Delays and deadlines are those of the fault matrix (docs/safety.md), which takes them from the
 * limits of UN R100, foxBMS's published settings and contactor data sheets. Saved latches name
 * rules by their row: new rows go to the end of a table, so that an update loses no latch.
 */
/* clang-format off */
const struct rule pack_rules[] = {
	/* readings that stopped */
	P(PACK_SILENT, ELECTRICAL_AGE_S, ABOVE, electrical_stale, 0, 0, LEAVE, 2000, 0, "1"),
	P(COUNTER_FROZEN, COUNTER_AGE_S, ABOVE, electrical_stale, 0, 0, LEAVE, 2000, 0, "3"),
	P(CELLS_STALE, CELLS_AGE_S, ABOVE, cells_stale, 0, 0, LEAVE, 4000, 0, "2"),
	P(TEMPS_STALE, TEMPS_AGE_S, ABOVE, temps_stale, 0, 0, LEAVE, 4000, 0, "2, 16"),
	P(BMS_STALE, BMS_AGE_S, ABOVE, bms_stale, 0, 0, LEAVE, 4000, 0, "2"),
	P(VALUE_FROZEN, FROZEN_S, ABOVE, frozen, 0, 0, LEAVE, 5000, 0, "4"),
	P(BAD_FRAMES, BAD_FRAMES, ABOVE, bad_frames, 0, 0, WARN, 0, 0, "5, 6"),
	P(LINK_DOWN, LINK_DOWN, ABOVE, half, 0, 0, LEAVE, 2000, 0, "38, 39"),
	P(LINK_TX_FULL, TX_FULL, ABOVE, half, 0, 100, LEAVE, 2000, 0, "40"),
	P(LINK_FOREIGN, FOREIGN, ABOVE, half, 0, 0, NO_CLOSE, 0, RULE_LATCH | RULE_ALARM, "41"),
	/* what the pack's BMS says */
	P(BMS_FAULT, BMS_FAULT, ABOVE, half, 0, 0, LEAVE, 2000, 0, "-"),
	P(BMS_OPEN, BMS_OPEN, ABOVE, half, 0, 0, LEAVE, 1000, 0, "70"),
	P(BMS_NO_CHARGE, BMS_NO_CHARGE, ABOVE, half, 0, 0, NO_CHARGE, 0, 0, "-"),
	P(BMS_NO_DISCHARGE, BMS_NO_DISCHARGE, ABOVE, half, 0, 0, NO_DISCHARGE, 0, 0, "-"),
	P(PACK_SWAPPED, SWAPPED, ABOVE, half, 0, 0, NO_CLOSE, 0, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "61"),
	P(AUX_LOW, AUX_V, BELOW, aux_min, 0.3, 200, NO_CLOSE, 0, 0, "49"),
	/* voltage */
	P(CELL_HIGH, CELL_MAX_V, ABOVE, cell_max, 0.02, 300, NO_CHARGE, 0, 0, "9"),
	P(CELL_LOW, CELL_MIN_V, BELOW, cell_min, 0.05, 300, NO_DISCHARGE, 0, 0, "9"),
	P(CELL_HARD_HIGH, CELL_MAX_V, ABOVE, cell_hard_high, 0.02, 300, LEAVE, 700, 0, "9"),
	P(CELL_HARD_LOW, CELL_MIN_V, BELOW, cell_hard_low, 0.05, 300, LEAVE, 700, 0, "9"),
	P(CELL_OVERVOLTAGE, CELL_MAX_V, ABOVE, cell_trip_high, 0.02, 200, OPEN, 500, RULE_LATCH, "9"),
	P(CELL_UNDERVOLTAGE, CELL_MIN_V, BELOW, cell_trip_low, 0.05, 200, OPEN, 500, RULE_LATCH, "9"),
	P(PACK_HIGH, V, ABOVE, pack_max, 1.0, 300, NO_CHARGE, 0, 0, "9"),
	P(PACK_LOW, V, BELOW, pack_min, 2.0, 300, NO_DISCHARGE, 0, 0, "9"),
	P(CELL_SUM, CELL_SUM, ABOVE, two_percent, 0.003, 5000, HALVE, 0, 0, "10"),
	P(CELL_SUM_TRIP, CELL_SUM, ABOVE, five_percent, 0.01, 5000, LEAVE, 2000, 0, "10"),
	P(CELL_SPREAD, CELL_SPREAD_V, ABOVE, spread_warn, 0.01, 10000, WARN, 0, 0, "12"),
	P(CELL_SPREAD_DERATE, CELL_SPREAD_V, ABOVE, spread_derate, 0.01, 10000, HALVE, 0, 0, "12"),
	P(CELL_SPREAD_TRIP, CELL_SPREAD_V, ABOVE, spread_trip, 0.02, 10000, LEAVE, 5000, RULE_LATCH, "12"),
	/* temperature */
	P(TEMP_WARN, TEMP_MAX_C, ABOVE, temp_warn, 2., 2000, WARN, 0, 0, "13"),
	P(TEMP_CHARGE_HIGH, TEMP_MAX_C, ABOVE, charge_max_c, 2., 1000, NO_CHARGE, 0, 0, "13"),
	P(TEMP_HIGH, TEMP_MAX_C, ABOVE, discharge_max_c, 3., 1000, LEAVE, 2000, 0, "13"),
	P(OVER_TEMPERATURE, TEMP_MAX_C, ABOVE, temp_trip, 5., 1000, OPEN, 500, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "13"),
	P(TEMP_CHARGE_LOW, TEMP_MIN_C, BELOW, charge_min_c, 1., 1000, NO_CHARGE, 0, 0, "14"),
	P(TEMP_DISCHARGE_LOW, TEMP_MIN_C, BELOW, discharge_min_c, 1., 1000, NO_DISCHARGE, 0, 0, "14"),
	P(TEMP_SPREAD, TEMP_SPREAD_K, ABOVE, temp_spread, 2., 3000, HALVE, 0, 0, "15"),
	P(THERMAL_RUNAWAY, TEMP_RISE_K_S, ABOVE, temp_rise, 0.2, 0, FIRE, 500, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "15"),
	P(TEMPS_FEW, TEMPS_BAD, ABOVE, half, 0, 2000, HALVE, 0, 0, "16"),
	P(SOC_IMPLAUSIBLE, SOC_IMPLAUSIBLE, ABOVE, half, 0, 10000, NO_CHARGE, 0, 0, "64"),
	/* current */
	P(OVERCURRENT_DISCHARGE, DIS_RATIO, ABOVE, ratio_derate, 0.1, 1000, HALVE, 0, 0, "17"),
	P(OVERCURRENT_CHARGE, CHA_RATIO, ABOVE, ratio_derate, 0.1, 1000, HALVE, 0, 0, "17"),
	P(OVERCURRENT_TRIP, RATED_RATIO, ABOVE, ratio_trip, 0.2, 100, LEAVE, 1000, 0, "17"),
	P(FUSE_CURRENT, CURRENT_A, ABOVE, fuse, 5., 0, OPEN, 3000, RULE_LATCH | RULE_ALARM, "17"),
	P(CIRCULATION, CIRCULATION_A, ABOVE, circulation, 1., 10000, LEAVE, 5000, 0, "28, 30"),
	P(OPEN_CURRENT, OPEN_CURRENT_A, ABOVE, open_current, 0.2, 900, LEAVE, 0, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "29"),
	/* contactors */
	P(LINK_MISMATCH, LINK_DIFF_V, ABOVE, link_diff, 1., 1000, LEAVE, 1000, RULE_LATCH, "11"),
	P(CHATTER, CHATTER, ABOVE, chatter, 0, 0, LEAVE, 1000, RULE_LATCH, "22"),
	P(NO_CLOSE, TOLD, ABOVE, half, 0, 0, NO_CLOSE, 0, RULE_LATCH, "20"),
	P(WELDED, TOLD, ABOVE, half, 0, 0, LEAVE, 0, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "21"),
	P(PRECHARGE_WELDED, TOLD, ABOVE, half, 0, 0, NO_CLOSE, 0, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "21"),
	P(FEEDBACK_LOST, TOLD, ABOVE, half, 0, 0, OPEN, 500, RULE_LATCH, "22"),
	P(FEEDBACK_LIES, TOLD, ABOVE, half, 0, 0, LEAVE, 5000, RULE_LATCH | RULE_ALARM, "22"),
	P(PRECHARGE_LOCKED, TOLD, ABOVE, half, 0, 0, NO_CLOSE, 0, RULE_LATCH, "23"),
	P(PRECHARGE_SHORT, TOLD, ABOVE, half, 0, 0, NO_CLOSE, 0, RULE_LATCH | RULE_ALARM, "24"),
	P(READBACK, TOLD, ABOVE, half, 0, 0, BANK_OPEN, 500, RULE_LATCH | RULE_ALARM, "45"),
	P(QUARANTINED, TOLD, ABOVE, half, 0, 0, LEAVE, 2000, RULE_LATCH | RULE_LOCAL, "18"),
	P(INSULATION_WARN, INSULATION_OHM, BELOW, insulation_warn, 5000., 2000, NO_CLOSE, 0, 0, "18"),
	P(INSULATION, INSULATION_OHM, BELOW, insulation_trip, 5000., 2000, BANK_OPEN, 2000, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "18"),
	P(CLOSED_UNASKED, TOLD, ABOVE, half, 0, 0, LEAVE, 0, RULE_LATCH | RULE_ALARM, "21"),
	P(OPEN_UNPROVEN, TOLD, ABOVE, half, 0, 0, BANK_OPEN, 2000, RULE_LATCH | RULE_ALARM, "21"),
	P(WEAR_WARN, WEAR, ABOVE, wear_warn, 0, 0, WARN, 0, 0, "-"),
	P(WEAR_INHIBIT, WEAR, ABOVE, wear_inhibit, 0, 0, NO_CLOSE, 0, 0, "-"),
	P(SHARE, SHARE_A, ABOVE, circulation, 1., 10000, LEAVE, 5000, 0, "28"),
	P(SOC_DIFFERS, SOC_DIFFERS, ABOVE, ten_percent, 0.02, 60000, WARN, 0, 0, "63"),
	P(WELD_TEST_DUE, WELD_LEFT_D, BELOW, proof_warn, 0, 0, WARN, 0, 0, "-"),
	P(WELD_TEST_OVERDUE, WELD_LEFT_D, BELOW, zero, 0, 0, NO_CLOSE, 0, 0, "-"),
	P(FEEDBACK_UNKNOWN, FEEDBACK_UNKNOWN_S, ABOVE, feedback_unknown, 0, 0, LEAVE, 4000, RULE_ALARM, "22, 43"),
};

const struct rule bank_rules[] = {
	B(ESTOP, ESTOP, ABOVE, half, 0, 0, OPEN, 500, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "46"),
	B(INTERLOCK, INTERLOCK, ABOVE, half, 0, 0, OPEN, 500, RULE_LATCH | RULE_ALARM, "46"),
	B(SMOKE, SMOKE, ABOVE, half, 0, 0, FIRE, 500, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "47"),
	B(GAS, GAS, ABOVE, half, 0, 0, FIRE, 500, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "47"),
	B(DOOR, DOOR, ABOVE, half, 0, 0, OPEN, 500, 0, "46"),
	B(INSULATION, INSULATION, ABOVE, half, 0, 1000, OPEN, 2000, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "18"),
	B(FAN, FAN, ABOVE, half, 0, 30000, HALVE, 0, 0, "48"),
	B(MAINS, MAINS, ABOVE, half, 0, 500, ZERO, 0, 0, "50"),
	B(INSULATION_WARN, IMD_OHM, BELOW, imd_warn, 5000., 2000, NO_CLOSE, 0, 0, "18"),
	B(INSULATION, IMD_OHM, BELOW, imd_trip, 5000., 2000, OPEN, 2000, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "18"),
	B(IMD_FAULT, IMD_FAULT, ABOVE, half, 0, 0, NO_CLOSE, 0, 0, "19"),
	B(IMD_FAULT, IMD_FAULT, ABOVE, half, 0, 3600000, OPEN, 5000, 0, "19"),
	B(SUPPLY_LOW, SUPPLY_V, BELOW, supply_close, 0.3, 100, NO_CLOSE, 0, 0, "49"),
	B(SUPPLY_OPEN, SUPPLY_V, BELOW, supply_open, 0.3, 100, OPEN, 1000, 0, "49"),
	B(BUS_OVERVOLTAGE, BUS_V, ABOVE, bus_max, 5., 0, OPEN, 500, RULE_LATCH | RULE_ALARM, "26"),
	B(BUS_UNDERVOLTAGE, BUS_CONNECTED_V, BELOW, bus_min, 5., 500, PCS_OFF, 0, 0, "9"),
	B(BUS_REVERSED, BUS_V, BELOW, reversed, 5., 0, OPEN, 500, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "26"),
	B(NO_BUS_SOURCE, BUS_AGE_S, ABOVE, bus_stale, 0, 0, NO_CLOSE, 0, 0, "-"),
	B(BUS_LIVE, BUS_LIVE_V, ABOVE, bus_dead, 5., 200, NO_CLOSE, 0, RULE_ALARM, "25"),
	B(PCS_RUNAWAY, PCS_RUNAWAY_W, ABOVE, pcs_runaway, 0, 3000, OPEN, 500, RULE_LATCH | RULE_ALARM, "31, 32"),
	B(CURRENT_SUM, CURRENT_SUM_A, ABOVE, current_sum, 1., 3000, WARN, 0, 0, "27"),
	B(CURRENT_SUM_TRIP, CURRENT_SUM_A, ABOVE, current_sum, 1., 10000, PCS_OFF, 0, RULE_LATCH, "27"),
	B(METER_LOST, METER_AGE_S, ABOVE, meter_stale, 0, 0, WARN, 0, 0, "-"),
	B(LATE_TICK, LATE_MS, ABOVE, late_warn, 0, 0, WARN, 0, RULE_ALARM, "65"),
	B(LATE_TICK, LATE_MS, ABOVE, late_zero, 0, 0, ZERO, 0, 0, "55, 65"),
	B(GPIO_GONE, GPIO_GONE, ABOVE, half, 0, 0, OPEN, 300, RULE_LATCH | RULE_ALARM, "43"),
	B(OUTPUTS_PERSIST, OUTPUTS_PERSIST, ABOVE, half, 0, 0, WARN, 0, RULE_ALARM, "51"),
	B(UNCOMMISSIONED, UNCOMMISSIONED, ABOVE, half, 0, 0, NO_CLOSE, 0, 0, "61"),
	B(BROKER_LOST, BROKER_LOST, ABOVE, half, 0, 10000, WARN, 0, 0, "36"),
	B(WELDED, TRIP_WELD, ABOVE, half, 0, 0, FIRE, 1000, RULE_LATCH | RULE_LOCAL | RULE_ALARM, "21"),
	B(ESTOP_TEST_DUE, ESTOP_LEFT_D, BELOW, proof_warn, 0, 0, WARN, 0, 0, "-"),
	B(ESTOP_TEST_OVERDUE, ESTOP_LEFT_D, BELOW, zero, 0, 0, NO_CLOSE, 0, 0, "-"),
	B(HEARTBEAT_TEST_DUE, HEARTBEAT_LEFT_D, BELOW, proof_warn, 0, 0, WARN, 0, 0, "-"),
	B(HEARTBEAT_TEST_OVERDUE, HEARTBEAT_LEFT_D, BELOW, zero, 0, 0, NO_CLOSE, 0, 0, "-"),
	B(DEAD_MAN_TEST_DUE, DEAD_MAN_LEFT_D, BELOW, proof_warn, 0, 0, WARN, 0, 0, "-"),
	B(DEAD_MAN_TEST_OVERDUE, DEAD_MAN_LEFT_D, BELOW, zero, 0, 0, NO_CLOSE, 0, 0, "-"),
	B(INSULATION_TEST_DUE, INSULATION_LEFT_D, BELOW, proof_warn, 0, 0, WARN, 0, 0, "-"),
	B(INSULATION_TEST_OVERDUE, INSULATION_LEFT_D, BELOW, zero, 0, 0, NO_CLOSE, 0, 0, "-"),
};

const struct rule pcs_rules[] = {
	C(PCS_LOST, AGE_S, ABOVE, pcs_stale, 0, 0, STAND_BY, 0, 0, "31, 42"),
	C(PCS_LOST, OVERDUE, ABOVE, half, 0, 0, STAND_BY, 0, 0, "31"),
	C(PCS_FAULT, IN_FAULT, ABOVE, half, 0, 0, STAND_BY, 0, 0, "31"),
	C(PCS_WINDOW, OUTSIDE_V, ABOVE, zero, 3., 500, STAND_BY, 0, 0, "26"),
	C(PCS_NO_STOP, NO_STOP, ABOVE, half, 0, 0, STAND_BY, 0, 0, "31"),
	C(PCS_IDLE, IDLE_S, ABOVE, minute, 0, 0, WARN, 0, 0, "32"),
	C(PCS_EXCESS, EXCESS_W, ABOVE, pcs_excess, 0, 2000, PCS_OFF, 0, RULE_LATCH, "32"),
	C(PCS_SIGN, SIGN_W, ABOVE, pcs_excess, 0, 1500, PCS_OFF, 0, RULE_LATCH | RULE_ALARM, "33"),
};
/* clang-format on */

const unsigned n_pack_rules = sizeof pack_rules / sizeof pack_rules[0];
const unsigned n_bank_rules = sizeof bank_rules / sizeof bank_rules[0];
const unsigned n_pcs_rules = sizeof pcs_rules / sizeof pcs_rules[0];

_Static_assert(sizeof pack_rules / sizeof pack_rules[0] <= PACK_RULES_MAX, "results fit");
_Static_assert((unsigned)PACK_MEASURE_COUNT <= PACK_MEASURES_MAX, "a bit for each");
_Static_assert(sizeof bank_rules / sizeof bank_rules[0] <= BANK_RULES_MAX, "results fit");
_Static_assert(sizeof pcs_rules / sizeof pcs_rules[0] <= PCS_RULES_MAX, "results fit");

const char *rule_action_word(enum action action)
{
	switch (action) {
	case ACTION_WARN:
		return "warn";
	case ACTION_NO_CLOSE:
		return "no new close";
	case ACTION_HALVE:
		return "halve the current";
	case ACTION_NO_CHARGE:
		return "no charging";
	case ACTION_NO_DISCHARGE:
		return "no discharging";
	case ACTION_STAND_BY:
		return "converter off";
	case ACTION_ZERO:
		return "bank to 0 W";
	case ACTION_PCS_OFF:
		return "pcs_enable low";
	case ACTION_LEAVE:
		return "ordered leave";
	case ACTION_OPEN:
		return "pcs_enable low, open";
	case ACTION_BANK_OPEN:
		return "pcs_enable low, open all packs";
	case ACTION_FIRE:
		return "pcs_enable low, open all packs, fire relay";
	}
	return "";
}
