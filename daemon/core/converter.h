/*
 * Each converter for itself: what it was asked, how far what it gives goes beyond that, and, when
 * it is silent, what it may be doing unseen (hazards rules 21 and 27).
 */
#ifndef REBANK_CORE_CONVERTER_H
#define REBANK_CORE_CONVERTER_H

#include "core/site.h"

struct converter {
	/* asked by the last step, at the site's measuring point */
	bool asked_run;
	double asked_w, asked_max_w; /* equal, but of one that steers itself: least and most */
	int64_t idle_ms;    /* heard, asked to run and not running since; 0: not so */
	int64_t running_ms; /* seen running since; 0: it is not */
	/* least and most that was asked lately: a converter needs a moment to follow */
	int64_t window_ms;
	double low_w, high_w, old_low_w, old_high_w;
	/* of its last reading that showed its power (fresh.h); NaN: unknown */
	int64_t stamp_ms, period_ms; /* period: longest of the last readings, 0: not yet known */
	double excess_w;             /* magnitude beyond what was asked */
	double against_w;            /* magnitude against the sign that was asked */
	/* when it is silent */
	int64_t lost_ms;     /* not heard since; 0: it is */
	bool overdue;        /* two of its periods have passed without a reading */
	int64_t balanced_ms; /* DC balance shows nothing unseen since; 0: it does not */
	bool gives_nothing;  /* ... for long enough to believe it */
};

struct bank;
struct bank_outputs;

/* Judges the new readings against what was asked before, and the balance of currents. */
void converter_step(struct bank *bank);

/* Remembers what `out` asks. */
void converter_note(struct bank *bank, const struct bank_outputs *out);

/* May take part: heard, permitted, not in fault. */
bool converter_works(const struct bank *bank, unsigned i);

/* Works, and shares the bank's power now: running, or nobody runs yet. */
bool converter_serves(const struct bank *bank, unsigned i);

/* Most it can do in one direction now, by its rating and by what it says itself; 0 unless it works.
 */
double converter_most_w(const struct bank *bank, unsigned i, bool discharge);

/*
 * Worst that silent converters may be doing in one direction. `enabled`: as if the enable line were
 * high, when only a balance seen at that time counts; otherwise a low line proves 0.
 */
double converter_unseen_w(const struct bank *bank, bool discharge, bool enabled);

/*
 * Shares the bank's power p_w (site's point) by rating among those that serve, each within its own
 * limits, minimum and steps, never more in sum; writes run and p_w of every converter. Who begins
 * to run takes its share over in a few seconds: converters do not move alike.
 */
void converter_share(const struct bank *bank, bool run, double p_w, struct bank_outputs *out);

#endif
