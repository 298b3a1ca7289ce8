/*
 * What must hold after every step of the bank, written from the invariants (docs/safety.md) and
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
	ORACLE_GAP_MS = 1500, /* longest between two steps of a lying clock */
	ORACLE_CLOSE_LATE_MS = 300,
	ORACLE_AGREE_MS = 1300,  /* by frames: said closed, and the bus must show it */
	ORACLE_FUSE_MS = 3100,   /* more than the fuse's rating is left to the fuse so long */
	ORACLE_FRAMES_MS = 4900, /* frames go on so long after the command ended */
};

struct oracle {
	bool bad;
	uint64_t seed;
	bool clock_honest;
	unsigned long step, closings;
	bool coil[PACK_MAX][POLE_COUNT];
	/* Packs that close by frames: */
	bool answered[PACK_MAX]; /* has said that it is closed, since the command */
	int64_t rose_ms[PACK_MAX], fell_ms[PACK_MAX]; /* the command last rose, fell */
	int64_t unasked_ms[PACK_MAX]; /* says closed without a command since; 0: no */
	int64_t fuse_ms[PACK_MAX];    /* current above the fuse since */
	bool pcs_enable, welded[PACK_MAX];
	uint32_t interventions;
	int64_t now_ms, closed_ms[PACK_MAX]; /* both poles driven since */
	int64_t input_ms[INPUT_COUNT];       /* tripped as read, since; 0: not */
	int64_t acts_ms[INPUT_COUNT];        /* ... and debounced */
	int64_t gpio_ms;
	int64_t known_ms[PACK_MAX], unknown_due_ms[PACK_MAX]; /* voltage and current last known */
	uint32_t count[PACK_MAX];
	int64_t counted_ms[PACK_MAX];
	bool good[PACK_MAX];  /* voltage and current in the sample that arrived last */
	int beyond[PACK_MAX]; /* -1 low, 1 high, by the group of cells that arrived last */
	double current_a[PACK_MAX];
	int64_t electrical_ms[PACK_MAX], cells_ms[PACK_MAX];
	int64_t cell_ms[PACK_MAX], cell_due_ms[PACK_MAX]; /* beyond a trip since; acted on by */
	int64_t pcs_ms[PCS_MAX];                          /* its power last seen */
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

/* Low and high are two rules, each with its own delay; of a group that is both, high is followed.
 */
static inline int oracle_cells_beyond(const struct bank *bank, const struct bank_inputs *in,
				      unsigned k)
{
	const struct pack_sample *sample = &in->pack[k];
	const struct pack_limits *limit = &bank->site.pack[k].limit;
	double low = sample->cell_min_v, high = sample->cell_max_v;

	if (sample->n_cells > 0 && sample->n_cells <= CELL_MAX) {
		low = high = sample->cell_v[0];
		for (unsigned i = 0; i < sample->n_cells; i++) {
			if (!isfinite(sample->cell_v[i]))
				return 0; /* unknown: another rule's business */
			low = sample->cell_v[i] < low ? sample->cell_v[i] : low;
			high = sample->cell_v[i] > high ? sample->cell_v[i] : high;
		}
	}
	return high > limit->cell_trip_high_v ? 1 : low < limit->cell_trip_low_v ? -1 : 0;
}

static inline bool oracle_reports(const struct bank *bank, const struct bank_inputs *in, unsigned k,
				  enum contact what)
{
	const struct pack_site *site = &bank->site.pack[k];
	const struct pack_contacts *contacts = &in->contacts[k];

	if (!oracle_fresh(in, contacts->stamp_ms, site->bms_stale_ms))
		return false;
	for (int pole = POLE_NEGATIVE; pole <= POLE_POSITIVE; pole++)
		if (site->contactors.feedback[pole] && contacts->feedback[pole] == what)
			return true;
	return false;
}

static inline void oracle_before_frames(struct oracle *o, const struct bank *bank,
					const struct bank_inputs *in, unsigned k)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	bool command = o->coil[k][POLE_POSITIVE];
	bool closed = oracle_reports(bank, in, k, CONTACT_CLOSED);
	bool blind = !site->feedback[POLE_POSITIVE] && in->now_ms - o->rose_ms[k] >= site->close_ms;

	o->answered[k] = command && (o->answered[k] || closed || blind);
	if (command || !closed || oracle_reports(bank, in, k, CONTACT_OPEN))
		o->unasked_ms[k] = 0;
	else if (!o->unasked_ms[k])
		o->unasked_ms[k] = in->now_ms;
}

/* A cell beyond its trip limit, on the same side since: when it must have been acted on. */
static inline void oracle_before_cells(struct oracle *o, const struct bank *bank,
				       const struct bank_inputs *in, unsigned k)
{
	const struct pack_sample *sample = &in->pack[k];
	const int before = o->beyond[k];

	if (sample->cells_ms != o->cells_ms[k])
		o->beyond[k] = oracle_cells_beyond(bank, in, k);
	o->cells_ms[k] = sample->cells_ms;
	if (!o->beyond[k] || !oracle_fresh(in, sample->cells_ms, bank->site.pack[k].cells_stale_ms))
		o->cell_ms[k] = o->cell_due_ms[k] = 0;
	else if (!o->cell_ms[k] || o->beyond[k] != before) {
		o->cell_ms[k] = in->now_ms;
		o->cell_due_ms[k] = 0;
	}
	if (o->cell_ms[k] && !o->cell_due_ms[k] && in->now_ms - o->cell_ms[k] >= ORACLE_CELL_MS)
		o->cell_due_ms[k] = in->now_ms + ORACLE_CELL_OPEN_MS;
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
	oracle_before_cells(o, bank, in, k);
	if (!oracle_fresh(in, sample->electrical_ms, bank->site.pack[k].electrical_stale_ms) ||
	    !(fabs(o->current_a[k]) > bank->site.pack[k].limit.fuse_a))
		o->fuse_ms[k] = 0;
	else if (!o->fuse_ms[k])
		o->fuse_ms[k] = in->now_ms;
	if (bank->site.pack[k].contactors.by_frames)
		oracle_before_frames(o, bank, in, k);
	o->welded[k] = false;
	for (int pole = 0; pole < POLE_COUNT; pole++)
		o->welded[k] = o->welded[k] || bank->contactor[k].welded[pole];
}

/* What a converter gives is known from DC power and, where it is asked for power at AC, from AC
 * power, which one that does not run yet need not show. */
static inline void oracle_before_pcs(struct oracle *o, const struct bank *bank,
				     const struct bank_inputs *in, unsigned i)
{
	const struct pcs_sample *sample = &in->pcs[i];
	bool ac = !bank->site.grid.measured_at_ac || sample->state == PCS_OFF ||
		  sample->state == PCS_STARTING;

	if (isfinite(sample->dc_w) && (ac || isfinite(sample->ac_w)))
		o->pcs_ms[i] = sample->stamp_ms;
}

static inline bool oracle_pcs_seen(const struct oracle *o, const struct bank *bank,
				   const struct bank_inputs *in, unsigned i)
{
	const struct pcs_site *site = &bank->site.pcs[i];

	return site->self_steered || oracle_fresh(in, o->pcs_ms[i], site->stale_ms);
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
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		oracle_before_pcs(o, bank, in, i);
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

/* Every main pole this pack has is driven; by frames: it has answered. */
static inline bool oracle_closed(const struct oracle *o, const struct bank *bank, const bool *coil,
				 unsigned k)
{
	const bool *has = bank->site.pack[k].contactors.has;

	if (bank->site.pack[k].contactors.by_frames)
		return coil[POLE_POSITIVE] && o->answered[k];
	return (has[POLE_NEGATIVE] || has[POLE_POSITIVE]) &&
	       (coil[POLE_NEGATIVE] || !has[POLE_NEGATIVE]) &&
	       (coil[POLE_POSITIVE] || !has[POLE_POSITIVE]);
}

static inline bool oracle_driven(const bool *coil)
{
	return coil[POLE_NEGATIVE] || coil[POLE_POSITIVE] || coil[POLE_PRECHARGE];
}

/* Between open and closed. */
static inline bool oracle_between(const struct oracle *o, const struct bank *bank, const bool *coil,
				  unsigned k)
{
	return oracle_driven(coil) && (!oracle_closed(o, bank, coil, k) || coil[POLE_PRECHARGE]);
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
		if (j != k && oracle_between(o, bank, out->pack[j].coil, j))
			oracle_fail(o, in, (int)k, "a coil rose while another pack moves");
}

/* Hazards rule 2: with a runaway all open, and nobody ahead of that pack but for his own deadline.
 */
static inline void oracle_burning(struct oracle *o, const struct bank *bank,
				  const struct bank_inputs *in, unsigned k)
{
	const struct permit *permit = &bank->protect.pack[k].permit;

	if (permit->goes_first || in->now_ms >= permit->hold_deadline_ms ||
	    in->now_ms >= bank->protect.permit.hold_deadline_ms)
		return;
	for (unsigned j = 0; j < bank->site.n_packs; j++)
		if (j != k && bank->protect.pack[j].permit.goes_first &&
		    oracle_closed(o, bank, o->coil[j], j))
			oracle_fail(o, in, (int)k, "opened ahead of a pack that burns");
}

/* What opens: never ahead of a pack that burns; by choice only without current, the last one only
 * from converters that are off. */
static inline void oracle_fall(struct oracle *o, const struct bank *bank,
			       const struct bank_inputs *in, unsigned k)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	unsigned closed = 0;

	if (!oracle_closed(o, bank, o->coil[k], k) || o->coil[k][POLE_PRECHARGE])
		return;
	/* A closing that is not proven in time is taken back. */
	if (o->now_ms - o->closed_ms[k] <=
	    site->close_ms + (site->by_frames ? ORACLE_AGREE_MS : ORACLE_CLOSE_LATE_MS) +
		    (o->clock_honest ? 0 : ORACLE_GAP_MS))
		return;
	oracle_burning(o, bank, in, k);
	if (!oracle_may_hold(bank, k))
		return;
	if (!oracle_fresh(in, o->electrical_ms[k], bank->site.pack[k].electrical_stale_ms) ||
	    !(fabs(o->current_a[k]) <= site->break_max_a))
		oracle_fail(o, in, (int)k, "a planned leave broke current");
	for (unsigned j = 0; j < bank->site.n_packs; j++)
		closed += oracle_closed(o, bank, o->coil[j], j);
	if (closed != 1 || !o->pcs_enable)
		return;
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		if (!oracle_fresh(in, in->pcs[i].stamp_ms, bank->site.pcs[i].stale_ms) ||
		    in->pcs[i].state != PCS_OFF)
			oracle_fail(o, in, (int)k, "the last pack left an enabled converter");
}

/* A pack whose own BMS works: nothing else moves, frames go on, and what it does unasked is a fact.
 */
static inline void oracle_frames(struct oracle *o, const struct bank *bank,
				 const struct bank_inputs *in, const struct bank_outputs *out,
				 unsigned k, bool rose, bool fell)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	bool command = out->pack[k].coil[POLE_POSITIVE], others = false;

	o->rose_ms[k] = rose ? in->now_ms : o->rose_ms[k];
	o->fell_ms[k] = fell ? in->now_ms : o->fell_ms[k];
	for (unsigned j = 0; j < bank->site.n_packs; j++)
		others = others || (j != k && oracle_closed(o, bank, out->pack[j].coil, j));
	if (command && !o->answered[k] && !others && out->pcs_enable)
		oracle_fail(o, in, (int)k, "the first pack closes with the converters enabled");
	if (command && !out->pack[k].keep_alive)
		oracle_fail(o, in, (int)k, "a command without frames to carry it");
	/* An edge younger than the debounce is not known to the core yet. */
	bool known_open = bank->now.pack[k].feedback[POLE_POSITIVE] == CONTACT_OPEN ||
			  bank->now.pack[k].feedback[POLE_NEGATIVE] == CONTACT_OPEN;
	if (!out->pack[k].keep_alive && !known_open &&
	    in->now_ms - o->fell_ms[k] < ORACLE_FRAMES_MS &&
	    oracle_reports(bank, in, k, CONTACT_CLOSED) &&
	    !oracle_reports(bank, in, k, CONTACT_OPEN))
		oracle_fail(o, in, (int)k, "frames ended before the pack had opened");
	if (o->unasked_ms[k] && o->clock_honest &&
	    in->now_ms - o->unasked_ms[k] > site->open_ms + 500 && !bank->contactor[k].connected)
		oracle_fail(o, in, (int)k, "closed unasked, and not in the books");
}

/* Hazards rule 15. */
static inline void oracle_isolated(struct oracle *o, const struct bank *bank,
				   const struct bank_inputs *in, unsigned k)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;

	if (!bank->contactor[k].isolated)
		return;
	for (int pole = POLE_NEGATIVE; pole <= POLE_POSITIVE; pole++)
		if (site->shared_pole || !site->feedback[pole] ||
		    !(site->has[pole] || site->by_frames))
			oracle_fail(o, in, (int)k, "called isolated without a proof");
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
	if (rose && (bank->site.pack[k].contactors.by_frames || oracle_closed(o, bank, coil, k))) {
		o->closings++;
		o->closed_ms[k] = in->now_ms;
	}
	if (bank->site.pack[k].contactors.by_frames)
		oracle_frames(o, bank, in, out, k, rose, fell);
	oracle_isolated(o, bank, in, k);
	if (out->pack[k].boost && !oracle_driven(coil))
		oracle_fail(o, in, (int)k, "full coil voltage and no coil");
	if (rose && bank->site.pack[k].contactors.boost_ms > 0 && !out->pack[k].boost)
		oracle_fail(o, in, (int)k, "a coil pulls in without full voltage");
	if (!oracle_driven(coil) || (o->fuse_ms[k] && in->now_ms - o->fuse_ms[k] < ORACLE_FUSE_MS))
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

/* Hazards rules 21 and 26: nobody runs who is not heard, or whom nothing would stop. */
static inline void oracle_running(struct oracle *o, const struct bank *bank,
				  const struct bank_inputs *in, unsigned i)
{
	const struct pcs_site *site = &bank->site.pcs[i];
	const struct pcs_sample *sample = &in->pcs[i];

	if (!oracle_fresh(in, sample->stamp_ms, site->stale_ms))
		oracle_fail(o, in, -1, "a silent converter is told to run");
	if (!oracle_pcs_seen(o, bank, in, i))
		oracle_fail(o, in, -1, "a converter runs whose power is unknown for long");
	if (sample->state == PCS_FAULT)
		oracle_fail(o, in, -1, "a converter in fault is told to run");
	if (!bank->site.has_pcs_enable && !(site->dead_man_ms > 0 && sample->dead_man_proven))
		oracle_fail(o, in, -1, "a converter runs that nothing would stop");
}

static inline void oracle_power(struct oracle *o, const struct bank *bank,
				const struct bank_inputs *in, const struct bank_outputs *out)
{
	bool closed = false, seen = false;

	for (unsigned k = 0; k < bank->site.n_packs; k++)
		closed = closed || oracle_closed(o, bank, out->pack[k].coil, k);
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		seen = seen || oracle_pcs_seen(o, bank, in, i);
	if (out->pcs_enable && !seen)
		oracle_fail(o, in, -1, "converters enabled, and nobody's power is known");
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
		if (i < bank->site.n_pcs && w != 0. && !oracle_pcs_seen(o, bank, in, i))
			oracle_fail(o, in, -1, "power asked of a converter whose own is unknown");
		if (!out->pcs_enable && out->pcs[i].run)
			oracle_fail(o, in, -1, "a converter runs without enable");
		if (out->pcs[i].run)
			oracle_running(o, bank, in, i);
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
