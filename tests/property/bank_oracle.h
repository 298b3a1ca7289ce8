/*
 * What must hold after every step of the bank, written from the invariants (docs/design.md) and
 * shared with nothing in the core. Of the core's state it reads the permits of this step, what is
 * latched as welded, and what the guard counted.
 */
#ifndef REBANK_TESTS_BANK_ORACLE_H
#define REBANK_TESTS_BANK_ORACLE_H

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bank.h"

enum {
	ORACLE_OPEN_MS = 600, /* stop category 1: coils low so long after at the latest */
	ORACLE_INPUT_STALE_MS = 500,
	ORACLE_UNKNOWN_MS = 2300,  /* after going stale: deadline of an ordered leave, and 0.3 s */
	ORACLE_CELL_MS = 200,      /* over- and under-voltage: delay ... */
	ORACLE_CELL_OPEN_MS = 500, /* ... and deadline */
	ORACLE_SILENCE_MS = 12000, /* after the last setpoint ended */
	ORACLE_LATE_MS = 400,
	ORACLE_CLOSE_LATE_MS = 300,
};

struct oracle {
	bool bad;
	uint64_t seed;
	bool clock_honest;
	unsigned long step, closings;
	bool coil[PACK_MAX][POLE_COUNT];
	bool pcs_enable, welded[PACK_MAX];
	uint32_t interventions;
	int64_t now_ms, closed_ms[PACK_MAX]; /* both poles driven since */
	int64_t input_ms[INPUT_COUNT];       /* tripped as read, since; 0: not */
	int64_t acts_ms[INPUT_COUNT];        /* ... and debounced */
	int64_t gpio_ms;
	int64_t known_ms[PACK_MAX], unknown_due_ms[PACK_MAX]; /* voltage and current last known */
	uint32_t count[PACK_MAX];
	int64_t counted_ms[PACK_MAX];
	bool good[PACK_MAX];   /* voltage and current in the sample that arrived last */
	bool beyond[PACK_MAX]; /* in the group of cells that arrived last */
	double current_a[PACK_MAX];
	int64_t electrical_ms[PACK_MAX], cells_ms[PACK_MAX];
	int64_t cell_ms[PACK_MAX], cell_due_ms[PACK_MAX]; /* beyond a trip since; acted on by */
	int64_t silent_ms;                                /* every setpoint heard has ended by */
};

static inline void oracle_fail(struct oracle *o, const struct bank_inputs *in, int k,
			       const char *what)
{
	if (!o->bad)
		printf("\n  seed %" PRIu64 " step %lu t %.3f s pack %d: %s\n", o->seed, o->step,
		       (double)in->now_ms / 1000., k, what);
	o->bad = true;
}

static inline void oracle_begin(struct oracle *o, uint64_t seed, bool clock_honest)
{
	bool bad = o->bad;
	unsigned long step = o->step;

	memset(o, 0, sizeof *o);
	o->bad = bad;
	o->seed = seed;
	o->step = step;
	o->clock_honest = clock_honest;
}

/* ---- what was read --------------------------------------------------------------------------- */

static inline bool oracle_fresh(const struct bank_inputs *in, int64_t stamp_ms, int64_t stale_ms)
{
	return stamp_ms != 0 && in->now_ms - stamp_ms <= stale_ms;
}

static inline bool oracle_pack_known(const struct oracle *o, const struct bank *bank,
				     const struct bank_inputs *in, unsigned k)
{
	const struct pack_sample *sample = &in->pack[k];
	int64_t stale_ms = bank->site.pack[k].electrical_stale_ms;

	return oracle_fresh(in, sample->electrical_ms, stale_ms) && o->good[k] &&
	       (!sample->counts || oracle_fresh(in, o->counted_ms[k], stale_ms));
}

static inline bool oracle_bus_known(const struct bank *bank, const struct bank_inputs *in)
{
	return oracle_fresh(in, in->bus.stamp_ms, bank->site.bus.stale_ms) && isfinite(in->bus.v);
}

static inline bool oracle_cells_beyond(const struct bank *bank, const struct bank_inputs *in,
				       unsigned k)
{
	const struct pack_sample *sample = &in->pack[k];
	const struct pack_limits *limit = &bank->site.pack[k].limit;
	double low = sample->cell_min_v, high = sample->cell_max_v;

	if (sample->n_cells > 0 && sample->n_cells <= CELL_MAX) {
		low = high = sample->cell_v[0];
		for (unsigned i = 0; i < sample->n_cells; i++) {
			if (!isfinite(sample->cell_v[i]))
				return false; /* unknown: another rule's business */
			low = sample->cell_v[i] < low ? sample->cell_v[i] : low;
			high = sample->cell_v[i] > high ? sample->cell_v[i] : high;
		}
	}
	return low < limit->cell_trip_low_v || high > limit->cell_trip_high_v;
}

static inline void oracle_before_pack(struct oracle *o, const struct bank *bank,
				      const struct bank_inputs *in, unsigned k)
{
	const struct pack_sample *sample = &in->pack[k];

	if (sample->electrical_ms != o->electrical_ms[k]) {
		o->current_a[k] = sample->current_a;
		o->good[k] = isfinite(sample->pack_v) && isfinite(sample->current_a);
		if (sample->electrical_count != o->count[k] || !o->counted_ms[k])
			o->counted_ms[k] = sample->electrical_ms;
		o->count[k] = sample->electrical_count;
	}
	o->electrical_ms[k] = sample->electrical_ms;
	/* A reading that is fresh and good now was good when it was made. */
	if (oracle_pack_known(o, bank, in, k))
		o->known_ms[k] = sample->electrical_ms;
	if (in->now_ms - o->known_ms[k] <= bank->site.pack[k].electrical_stale_ms)
		o->unknown_due_ms[k] = 0;
	else if (!o->unknown_due_ms[k])
		o->unknown_due_ms[k] = in->now_ms + ORACLE_UNKNOWN_MS;
	if (sample->cells_ms != o->cells_ms[k])
		o->beyond[k] = oracle_cells_beyond(bank, in, k);
	o->cells_ms[k] = sample->cells_ms;
	if (!o->beyond[k] || !oracle_fresh(in, sample->cells_ms, bank->site.pack[k].cells_stale_ms))
		o->cell_ms[k] = o->cell_due_ms[k] = 0;
	else if (!o->cell_ms[k])
		o->cell_ms[k] = in->now_ms;
	if (o->cell_ms[k] && !o->cell_due_ms[k] && in->now_ms - o->cell_ms[k] >= ORACLE_CELL_MS)
		o->cell_due_ms[k] = in->now_ms + ORACLE_CELL_OPEN_MS;
	o->welded[k] = false;
	for (int pole = 0; pole < POLE_COUNT; pole++)
		o->welded[k] = o->welded[k] || bank->contactor[k].welded[pole];
}

static inline void oracle_before(struct oracle *o, const struct bank *bank,
				 const struct bank_inputs *in)
{
	o->step++;
	o->interventions = bank->guard.interventions;
	if (!o->known_ms[0] && !o->silent_ms)
		o->silent_ms = in->now_ms;
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		oracle_before_pack(o, bank, in, k);
	for (int id = 0; id < INPUT_COUNT; id++) {
		const struct digital_input *input = &in->input[id];
		bool ok = oracle_fresh(in, input->stamp_ms, ORACLE_INPUT_STALE_MS) &&
			  input->level == LEVEL_OK;
		int32_t debounce_ms = id == INPUT_ESTOP ? 0 : bank->site.input[id].debounce_ms;
		if (ok || !bank->site.input[id].present)
			o->input_ms[id] = o->acts_ms[id] = 0;
		else if (!o->input_ms[id])
			o->input_ms[id] = in->now_ms;
		if (o->input_ms[id] && !o->acts_ms[id] &&
		    in->now_ms - o->input_ms[id] >= debounce_ms)
			o->acts_ms[id] = in->now_ms;
	}
	o->gpio_ms = in->gpio != GPIO_GONE ? 0 : o->gpio_ms ? o->gpio_ms : in->now_ms;
	for (unsigned i = 0; i < in->n_commands; i++) {
		const struct command *command = &in->command[i];
		int64_t start_ms = command->start_utc_ms ? command->start_utc_ms - in->utc_ms : 0;
		int64_t ends_ms =
			in->now_ms + start_ms + 1 +
			(int64_t)(1000. * (command->valid_s > 0. ? command->valid_s : 0.));
		if (command->kind == COMMAND_CLEAR || command->kind == COMMAND_UNLOCK)
			memset(o->welded, 0, sizeof o->welded);
		if (command->kind == COMMAND_SETPOINT && ends_ms > o->silent_ms)
			o->silent_ms = ends_ms;
	}
}

/* ---- what was driven ------------------------------------------------------------------------- */

/* Every main pole this pack has is driven. */
static inline bool oracle_closed(const struct bank *bank, const bool *coil, unsigned k)
{
	const bool *has = bank->site.pack[k].contactors.has;

	return (has[POLE_NEGATIVE] || has[POLE_POSITIVE]) &&
	       (coil[POLE_NEGATIVE] || !has[POLE_NEGATIVE]) &&
	       (coil[POLE_POSITIVE] || !has[POLE_POSITIVE]);
}

static inline bool oracle_driven(const bool *coil)
{
	return coil[POLE_NEGATIVE] || coil[POLE_POSITIVE] || coil[POLE_PRECHARGE];
}

/* Between open and closed. */
static inline bool oracle_between(const struct bank *bank, const bool *coil, unsigned k)
{
	return oracle_driven(coil) && (!oracle_closed(bank, coil, k) || coil[POLE_PRECHARGE]);
}

static inline bool oracle_may_hold(const struct bank *bank, unsigned k)
{
	return bank->protect.permit.hold && bank->protect.pack[k].permit.hold;
}

static inline void oracle_rise(struct oracle *o, const struct bank *bank,
			       const struct bank_inputs *in, const struct bank_outputs *out,
			       unsigned k)
{
	if (!bank->protect.permit.close || !bank->protect.pack[k].permit.close)
		oracle_fail(o, in, (int)k, "a coil rose without both permits of this step");
	if (o->welded[k])
		oracle_fail(o, in, (int)k, "a coil of a welded pack rose before it was cleared");
	if (!oracle_pack_known(o, bank, in, k))
		oracle_fail(o, in, (int)k, "a coil rose while the pack's voltage is unknown");
	if (!oracle_bus_known(bank, in))
		oracle_fail(o, in, (int)k, "a coil rose while the bus voltage is unknown");
	for (unsigned j = 0; j < bank->site.n_packs; j++)
		if (j != k && oracle_between(bank, out->pack[j].coil, j))
			oracle_fail(o, in, (int)k, "a coil rose while another pack moves");
}

/* By choice, and not because something forbids the pack to stay. */
static inline void oracle_fall(struct oracle *o, const struct bank *bank,
			       const struct bank_inputs *in, unsigned k)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	unsigned closed = 0;

	if (!oracle_closed(bank, o->coil[k], k) || o->coil[k][POLE_PRECHARGE] ||
	    !oracle_may_hold(bank, k))
		return;
	/* A closing that is not proven in time is taken back. */
	if (o->now_ms - o->closed_ms[k] <= site->close_ms + ORACLE_CLOSE_LATE_MS)
		return;
	if (!oracle_fresh(in, o->electrical_ms[k], bank->site.pack[k].electrical_stale_ms) ||
	    !(fabs(o->current_a[k]) <= site->break_max_a))
		oracle_fail(o, in, (int)k, "a planned leave broke current");
	for (unsigned j = 0; j < bank->site.n_packs; j++)
		closed += oracle_closed(bank, o->coil[j], j);
	if (closed != 1 || !o->pcs_enable)
		return;
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		if (!oracle_fresh(in, in->pcs[i].stamp_ms, bank->site.pcs[i].stale_ms) ||
		    in->pcs[i].state != PCS_OFF)
			oracle_fail(o, in, (int)k, "the last pack left an enabled converter");
}

static inline void oracle_pack(struct oracle *o, const struct bank *bank,
			       const struct bank_inputs *in, const struct bank_outputs *out,
			       unsigned k)
{
	const bool *coil = out->pack[k].coil;
	bool rose = false, fell = false;

	for (int pole = 0; pole < POLE_COUNT; pole++) {
		rose = rose || (coil[pole] && !o->coil[k][pole]);
		fell = fell || (pole != POLE_PRECHARGE && !coil[pole] && o->coil[k][pole]);
		if (coil[pole] && !bank->site.pack[k].contactors.has[pole])
			oracle_fail(o, in, (int)k, "a coil that is not there is driven");
	}
	if (rose)
		oracle_rise(o, bank, in, out, k);
	if (fell)
		oracle_fall(o, bank, in, k);
	if (rose && oracle_closed(bank, coil, k)) {
		o->closings++;
		o->closed_ms[k] = in->now_ms;
	}
	if (!oracle_driven(coil))
		return;
	if (o->unknown_due_ms[k] && in->now_ms >= o->unknown_due_ms[k])
		oracle_fail(o, in, (int)k, "held closed on readings long unknown");
	if (o->cell_due_ms[k] && in->now_ms >= o->cell_due_ms[k])
		oracle_fail(o, in, (int)k, "held closed with a cell beyond its trip limit");
	if (coil[POLE_PRECHARGE] && out->pcs_enable)
		oracle_fail(o, in, (int)k, "precharging with the converters enabled");
}

/* Converters stop at once, coils within the time of stop category 1. */
static inline void oracle_stops(struct oracle *o, const struct bank *bank,
				const struct bank_inputs *in, const struct bank_outputs *out,
				int64_t acts_ms, const char *what)
{
	if (!acts_ms)
		return;
	if (out->pcs_enable)
		oracle_fail(o, in, -1, what);
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if (in->now_ms - acts_ms >= ORACLE_OPEN_MS && oracle_driven(out->pack[k].coil))
			oracle_fail(o, in, (int)k, what);
}

static inline void oracle_power(struct oracle *o, const struct bank *bank,
				const struct bank_inputs *in, const struct bank_outputs *out)
{
	bool closed = false;

	for (unsigned k = 0; k < bank->site.n_packs; k++)
		closed = closed || oracle_closed(bank, out->pack[k].coil, k);
	if (out->pcs_enable && !closed)
		oracle_fail(o, in, -1, "converters enabled and no pack closed");
	if (out->pcs_enable && !bank->protect.permit.pcs_enable)
		oracle_fail(o, in, -1, "converters enabled without a permit");
	for (unsigned i = 0; i < PCS_MAX; i++) {
		double rated_w = i < bank->site.n_pcs ? bank->site.pcs[i].p_max_w : 0.;
		double w = out->pcs[i].p_w;
		if (!(fabs(w) <= rated_w * 1.0001))
			oracle_fail(o, in, -1, "power beyond the converter's rating");
		if ((!out->pcs_enable || !bank->protect.permit.power) && w != 0.)
			oracle_fail(o, in, -1, "power without enable or permit");
		if (!out->pcs_enable && out->pcs[i].run)
			oracle_fail(o, in, -1, "a converter runs without enable");
		if (!isnan(bank->limits.must_w))
			o->silent_ms = o->silent_ms > in->now_ms ? o->silent_ms : in->now_ms;
		if (in->now_ms - o->silent_ms > ORACLE_SILENCE_MS && w != 0.)
			oracle_fail(o, in, -1, "power long after the last setpoint ended");
	}
	if (!isfinite(out->bus_dis_max_a) || !isfinite(out->bus_cha_max_a) ||
	    !isfinite(out->bus_min_v) || !isfinite(out->bus_max_v))
		oracle_fail(o, in, -1, "a bus limit is not finite");
	if (out->bus_dis_max_a < 0. || out->bus_cha_max_a < 0.)
		oracle_fail(o, in, -1, "a bus limit is negative");
}

static inline void oracle_events(struct oracle *o, const struct bank *bank,
				 const struct bank_inputs *in, const struct bank_outputs *out)
{
	for (unsigned i = 0; i < out->n_events; i++) {
		const struct event *event = &out->event[i];
		if (event->reason <= REASON_OK || event->reason >= REASON_COUNT)
			oracle_fail(o, in, event->pack, "an event has no reason");
		if (event->pack < -1 || event->pack >= (int)bank->site.n_packs)
			oracle_fail(o, in, event->pack, "an event has no such pack");
	}
}

static inline void oracle_interventions(struct oracle *o, const struct bank *bank,
					const struct bank_inputs *in)
{
	if (bank->guard.interventions == o->interventions || !o->clock_honest)
		return;
	printf("\n  guard: %s", reason_text(bank->guard.last)->word);
	oracle_fail(o, in, bank->guard.last_pack, "the guard had to step in");
}

static inline void oracle_after(struct oracle *o, const struct bank *bank,
				const struct bank_inputs *in, const struct bank_outputs *out)
{
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		oracle_pack(o, bank, in, out, k);
	oracle_stops(o, bank, in, out, o->acts_ms[INPUT_ESTOP], "driven after the E-stop");
	oracle_stops(o, bank, in, out, o->acts_ms[INPUT_SMOKE], "driven after smoke");
	oracle_stops(o, bank, in, out, o->acts_ms[INPUT_GAS], "driven after gas");
	oracle_stops(o, bank, in, out, o->gpio_ms, "driven on a chip that is gone");
	oracle_power(o, bank, in, out);
	oracle_events(o, bank, in, out);
	oracle_interventions(o, bank, in);
	if (out->heartbeat && (!in->tick || in->lateness_ms >= ORACLE_LATE_MS))
		oracle_fail(o, in, -1, "a heartbeat without a healthy tick");
	if (out->next_step_ms > in->now_ms + bank->site.tick_ms)
		oracle_fail(o, in, -1, "the next step is later than a tick");
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		memcpy(o->coil[k], out->pack[k].coil, sizeof o->coil[k]);
	o->pcs_enable = out->pcs_enable;
	o->now_ms = in->now_ms;
}

#endif
