/*
 * Counters that never go back: throughput, cycles, hours in bands, events, contactor wear. They are
 * the pack's record for the passport and the price of switching.
 */
#ifndef REBANK_CORE_LIFE_H
#define REBANK_CORE_LIFE_H

#include "core/rainflow.h"
#include "core/site.h"

enum { LIFE_SOC_BANDS = 5, LIFE_TEMP_BANDS = 7, LIFE_DOD_BINS = 10 };
/* Upper edges of the temperature bands but the last, C: 0, 10, 20, 30, 40, 50. */

struct contactor_wear {
	uint32_t operations;    /* closings */
	uint32_t loaded_breaks; /* openings above break_max_a */
	double miner;           /* fraction of life used, 1 = end (Palmgren-Miner sum) */
	double make_a, make_v, break_a, break_v; /* of the last ones */
	double break_a_max;
};

struct life {
	double ah_dis, ah_cha, wh_dis, wh_cha;
	double efc; /* equivalent full cycles: (ah_dis + ah_cha) / 2 nominal */
	struct rainflow rainflow;
	double cycles[LIFE_DOD_BINS][LIFE_SOC_BANDS]; /* by depth and mean SoC */
	double hours_soc[LIFE_SOC_BANDS], hours_temp[LIFE_TEMP_BANDS];
	double hours_connected, hours_total;
	double hours_charging_cold, hours_charging_hot; /* < 0 C, > 45 C */
	uint32_t deep_discharges, over_voltages, over_currents, over_temperatures;
	uint32_t insulation_faults, joins, emergency_opens;
	double join_peak_a, leave_peak_a;
	struct contactor_wear wear[POLE_COUNT];
	/* state */
	int64_t rainflow_ms; /* last slow slice */
	uint32_t standing;   /* bit per counted condition that holds now */
	bool closed;         /* the pack was closed in the step before */
};

/* Life used by one closing with peak_a onto a bus pre-charged to `precharge_fraction` of the pack
 * voltage (1: full), and by one opening at current_a. rated_a: current of 5e4 operations; 0: 100 A.
 * Unknown (NaN) currents and fractions add nothing beyond mechanical wear. */
double life_wear_make(double peak_a, double precharge_fraction, double rated_a);
double life_wear_break(double current_a, double rated_a);

/* Life used of the most worn contactor. */
double life_wear(const struct life *life);

struct bank;
/* Called by contactor on each coil edge of a pole. clean_a: an opening above it is counted as one
 * under load. Joins and emergency opens are counted by contactor, too. */
void life_count_make(struct life *life, enum pole pole, double peak_a, double dv_v,
		     double precharge_fraction, double rated_a);
void life_count_break(struct life *life, enum pole pole, double current_a, double voltage_v,
		      double rated_a, double clean_a);
void life_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

#endif
