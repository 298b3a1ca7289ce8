/*
 * What the readings mean: state of charge, source voltage E and resistance R per pack, with
 * sigmas; slow learning of resistance and capacity. Feeds limits and plan; protection never reads it.
 */
#ifndef REBANK_CORE_ESTIMATE_H
#define REBANK_CORE_ESTIMATE_H

#include "core/site.h"

struct pack_saved;

struct estimate {
	/* results; NaN = unknown */
	double soc, soc_sigma;     /* 0..1 */
	double capacity_ah, soh;   /* soh = capacity / nominal */
	double e_v, e_sigma_v;     /* source voltage now: V + R_fast I; V itself when open */
	double e_relaxed_v;        /* pack OCV at this SoC: where E goes at rest (mean LFP branch) */
	double e_hysteresis_v;     /* half gap between the branches; 0 except LFP */
	double ocv_slope_v;        /* dOCV/dSoC of the pack, V per unit */
	double r_fast_ohm, r_10s_ohm, r_rel; /* now, at this temperature; r_rel: relative sigma bound */
	double e_dis_wh, e_cha_wh; /* to soc_floor / to soc_ceiling, at low power */
	/* filter state, cell level: [soc, polarisation V, current offset A] */
	bool started;
	double x[3], p[3][3];
	double predict_ah;         /* charge counted since the last update */
	int64_t update_ms, rest_ms; /* last voltage update; since when at rest (0: not) */
	int64_t electrical_ms;     /* stamp of the last sample used */
	double growth;             /* learnt R growth over new */
	double step_v, step_i;     /* sample before a current step, for the resistance event */
	int64_t step_ms;
	uint32_t inflated;         /* samples that had to be de-weighted, leaky */
};

struct bank;
void estimate_init(struct estimate *estimate, const struct pack_site *site,
		   const struct pack_saved *saved);
void estimate_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

#endif
