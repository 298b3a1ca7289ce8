/*
 * Age of every reading -> known or NaN. After this step nothing in the core looks at bank_inputs'
 * readings again: `struct now` is what is known at this instant.
 */
#ifndef REBANK_CORE_FRESH_H
#define REBANK_CORE_FRESH_H

#include "core/site.h"

struct pack_now {
	double pack_v, current_a; /* same instant */
	double link_v;
	double cell_min_v, cell_max_v, cell_sum_v; /* sum NaN when only extremes are sent */
	double temp_min_c, temp_max_c;
	unsigned temps_bad; /* sensors that sent no valid value */
	double soc, soh, dis_limit_a, cha_limit_a, insulation_ohm, aux_v;
	uint32_t bms_flags;
	bool bms_known;
	bool electrical_new, cells_new, temps_new, bms_new; /* arrived since the last step */
	enum contact feedback[POLE_COUNT]; /* debounced; UNKNOWN when stale or not fitted */
	double feedback_known_s[POLE_COUNT]; /* since it was known; INFINITY: never */
	double electrical_age_s, cells_age_s, temps_age_s, bms_age_s; /* INFINITY: never heard */
	double electrical_known_s, cells_known_s; /* since they arrived with all values known */
	double counter_age_s; /* since the message counter last moved; 0 without one */
};

/*
 * A converter is known while a reading is fresh that showed the power it is supervised by: DC power,
 * and, where the site measures at AC, AC power too. Readings without it are as silent as none:
 * nothing is judged by them, and they leave age_s and known as they were. Exempt: one that steers
 * itself (it may measure nothing) and the AC power of one that is off or starting (taken from DC).
 */
struct pcs_now {
	bool known;
	int64_t known_ms; /* stamp of that reading; 0: none yet */
	enum pcs_state state;
	double ac_w, dc_w, dc_v, dc_a, dis_max_w, cha_max_w, age_s;
	bool dead_man_proven;
};

struct now {
	struct pack_now pack[PACK_MAX];
	struct pcs_now pcs[PCS_MAX];
	double bus_v; /* from the bus-voltage source */
	double bus_age_s;
	/* Sums over converters. NaN if any is unknown; a silent one that the DC balance shows to give
	 * nothing counts as 0. */
	double pcs_ac_w, pcs_dc_w, pcs_dc_a;
	double meter_w, freq_hz, meter_age_s;
	double imd_ohm; /* NaN: stale or not fitted */
	bool imd_fault;
	double supply_v;
	enum level input[INPUT_COUNT]; /* debounced; a configured input that is silent is TRIPPED */
};

/* What fresh remembers of one pack between steps. */
struct fresh_pack {
	int64_t electrical_ms, cells_ms, temps_ms, bms_ms; /* stamps seen last */
	int64_t electrical_known_ms, cells_known_ms;       /* ... with known values */
	uint32_t electrical_count;
	int64_t counter_ms;    /* when electrical_count last moved */
	double last_v, last_i; /* of the last accepted sample, for the jump test */
	int64_t last_ms;
	enum contact feedback[POLE_COUNT];
	int64_t feedback_edge_ms[POLE_COUNT], feedback_known_ms[POLE_COUNT];
	uint16_t chatter; /* feedback edges nobody commanded, leaky count */
	int64_t chatter_ms;
	uint32_t bad_frames;
	int64_t bad_frames_ms;
	unsigned bad_frames_rate; /* per 10 s */
};

struct bank;
void fresh_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

#endif
