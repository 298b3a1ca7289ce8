/*
 * Wanted power, permits and wear -> which pack should join or leave next, and the power that brings
 * the bus there. Decides; contactor acts.
 */
#ifndef REBANK_CORE_PLAN_H
#define REBANK_CORE_PLAN_H

#include "core/site.h"

struct plan {
	int join;            /* pack to close now; -1 none */
	int candidate;       /* pack the bus is being steered to for a join; -1 none */
	int leave;           /* pack to take off the bus in order; -1 none */
	enum reason leave_reason;
	bool several;        /* a trip fell due during a planned leave: 0 W first */
	bool steering;       /* power_w serves a leave or a join, not dispatch */
	bool pressed;        /* power that stands still for a join should be less, or none */
	bool pcs_run;        /* converters may run */
	bool unbounded;      /* not all silent converters can be borne: told */
	bool stopping;       /* everything leaves in order */
	bool fan;            /* fans are commanded on */
	bool regrouping;     /* ... to start again from the other end of the voltages */
	int64_t regroup_ms, short_ms; /* last regrouping; power short since, 0: not */
	double power_w;      /* bank power now, at the site's point */
	int64_t steer_ms;    /* steering for the candidate since */
	int64_t ending_ms; /* nothing is asked and converters come to rest, since; 0: not */
	int64_t look_ms;     /* next look for a join */
	int64_t event_ms;    /* last contactor event of the bank */
	int64_t steady_ms;   /* bus current steady since; 0: not */
	double steady_a;
	uint64_t floored, ceiled; /* packs that left at their own floor / ceiling */
	double left_soc[PACK_MAX]; /* at that moment */
	int64_t try_ms[PACK_MAX];  /* no steering for this pack before */
	int64_t doubt_ms[PACK_MAX]; /* connected with an unknown source since; 0: known */
	int64_t floor_ms[PACK_MAX]; /* at its floor and not being charged since; 0: not */
	int64_t unsafe_ms;   /* connected set not idle-safe since; 0: it is */
	unsigned ops_hour;   /* closings begun, of all packs */
	int64_t ops_hour_ms; /* began then; before the first step: minus what is gone */
};

struct bank;
void plan_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

/* Power the winning source asks for, unclamped; 0 without one. */
double plan_wanted_w(const struct bank *bank);

/* Nobody wants a certain power, and converters that steer themselves do as they like within the
 * limits of the bank. */
bool plan_is_free(const struct bank *bank);

#endif
