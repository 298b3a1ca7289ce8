/*
 * What the readings mean: state of charge, source voltage E and resistance R per pack, with
 * sigmas; slow learning of resistance and capacity. Feeds limits and plan; protection never reads
 * it. Filter and learning work on the average series cell with the pack's current, so their tuning
 * belongs to the chemistry and not to the pack. A NaN reading is skipped and leaves every state
 * finite; results that need it are NaN meanwhile.
 */
#ifndef REBANK_CORE_ESTIMATE_H
#define REBANK_CORE_ESTIMATE_H

#include "core/site.h"

struct pack_saved;

struct estimate {
	/* results; NaN = unknown */
	double soc, soc_sigma;   /* 0..1 */
	double capacity_ah, soh; /* soh = capacity / nominal */
	double e_v, e_sigma_v;   /* source voltage now: V + R_fast I; V itself when open */
	double e_relaxed_v;      /* pack OCV at this SoC: where E goes at rest (mean LFP branch) */
	double e_hysteresis_v;   /* half gap between the branches; 0 except LFP */
	double e_recovery_v;     /* polarisation: E rises by so much when the current stops */
	double ocv_slope_v;      /* dOCV/dSoC of the pack, V per unit */
	double r_fast_ohm, r_10s_ohm,
		r_rel;             /* now, at this temperature; r_rel: relative sigma bound */
	double e_dis_wh, e_cha_wh; /* to soc_floor / to soc_ceiling, at low power */
	/* weakest and strongest cell, with the terminal voltage and current of the same instant */
	double cell_low_v, cell_high_v, cells_v, cells_a;
	int64_t cells_ms;
	double sag_ohm;    /* largest measured sag of an extreme cell per ampere, leaky */
	double r_cell_ohm; /* of the worst cell: max(1.2 R / Ns, sag_ohm) */
	/* filter state, cell level: [soc, polarisation V, current offset A] */
	bool started;
	bool restored; /* state is from before the start, no reading has met it yet */
	double x[3], p[3][3];
	double pending_s;           /* predicted in x but not yet in p */
	double last_a;              /* current of the last sample used */
	int64_t electrical_ms;      /* instant of the last sample used */
	int64_t update_ms, slow_ms; /* last voltage update; last slow slice */
	int32_t phase_ms; /* so that the slow slices of the packs fall on different ticks */
	int64_t rest_ms, taper_ms; /* since when |I| < Q/50 and < Q/20 (0: not) */
	int64_t rest_update_ms;    /* last rested voltage taken as OCV */
	uint32_t inflated;         /* samples that had to be de-weighted, leaky */
	double r0_ohm, r1_ohm;     /* cell, now: instant, and polarisation with tau_s */
	double temp_c, r_factor;   /* mean temperature and its factor; NaN and 1: unknown */
	/* resistance learning */
	double growth;                /* learnt R growth over new */
	double step_v, step_a;        /* level before a current step */
	double after_v, after_a;      /* level after it */
	double anchor_a;              /* the level is stable while the current stays near this */
	int64_t stable_ms, step_ms;   /* level stable since; step seen (0: watching) */
	double r_seen, r_seen_var;    /* growth as measured, not rate limited */
	uint32_t r_events, r_misfits; /* accepted; refused in a row */
	double growth_day;            /* growth when the present day began */
	int64_t growth_day_ms;
	/* capacity learning */
	double cap_c[6]; /* recursive sums, per unit of nominal capacity */
	double net_ah;   /* charge taken out since start, offset removed */
	double gap_ah;   /* possible error of net_ah from missed samples */
	double point_soc, point_sigma, point_ah, point_gap_ah, point_temp_c;
	int64_t point_ms; /* last rested point; 0: none */
};

struct bank;
void estimate_init(struct estimate *estimate, const struct pack_site *site,
		   const struct pack_saved *saved);
void estimate_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

#endif
