/*
 * Watches a run from outside: what the bank drove and what the plant really did, against the
 * invariants of docs/safety.md. Shares no code with the core and asks it only for the permits of
 * this step.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/scenario_parts.h"

/* How far the plant may be past a rule before it counts: sensors, one tick, contactor time. */
enum { TICK_SLACK_MS = 110, LOOK_AFTER_EDGE_MS = 1000, IMMEDIATE_OPEN_MS = 500 };
static const double make_slack = 1.5, make_slack_a = 3.0;
static const double quiet_share = 0.01, quiet_w = 150.0; /* converter counts as off below */

enum invariant {
	RISE_WITHOUT_PERMIT = 0,
	TWO_IN_SEQUENCE,
	PRECHARGE_WITH_PCS,
	JOIN_PEAK,
	BREAK_BY_CHOICE,
	LAST_PACK_UNDER_POWER,
	POWER_WITHOUT_ENABLE,
	NOT_A_NUMBER,
	SILENCE_WITH_POWER,
	ISOLATED_BUT_CLOSED,
	KEEP_ALIVE_STOPPED,
	HELD_TOO_LONG,
	HEARTBEAT_OFF_TICK,
	BEYOND_RATING,
	EVENTS_DROPPED,
	STEP_IN_THE_PAST,
};

static void violated(struct run *run, enum invariant which, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Counts it; the first of each kind is kept in words. */
static void violated(struct run *run, enum invariant which, const char *format, ...)
{
	struct invariants *seen = &run->invariants;
	char what[160];
	va_list args;

	seen->violations++;
	if ((seen->kinds >> which & 1) || seen->n_texts == INVARIANT_TEXTS)
		return;
	seen->kinds |= UINT64_C(1) << which;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(seen->text[seen->n_texts++], sizeof(seen->text[0]), "%.1f s: %s", run_t_s(run),
		 what);
}

static const char *pack_id(const struct run *run, unsigned k)
{
	return run->site->pack[k].id;
}

static bool driven(const struct run *run, unsigned k)
{
	const bool *coil = run->out.pack[k].coil;

	return coil[POLE_NEGATIVE] || coil[POLE_POSITIVE] || coil[POLE_PRECHARGE];
}

static bool path_closed(const struct twin_pack_truth *pack)
{
	return pack->closed[POLE_NEGATIVE] && pack->closed[POLE_POSITIVE];
}

/* Every main pole that this pack has is driven, and the precharge is not; a pack that closes by
 * frames has done it. */
static bool fully_driven(struct run *run, unsigned k)
{
	const bool *coil = run->out.pack[k].coil, *has = run->site->pack[k].contactors.has;

	if (run->site->pack[k].contactors.by_frames)
		return coil[POLE_POSITIVE] && path_closed(&run_truth(run)->pack[k]);
	return (coil[POLE_NEGATIVE] || !has[POLE_NEGATIVE]) &&
	       (coil[POLE_POSITIVE] || !has[POLE_POSITIVE]) && !coil[POLE_PRECHARGE];
}

/* Protection wants this pack or the bank off the bus: what follows is not a choice. */
static bool emergency(const struct run *run, unsigned k)
{
	const struct permit *pack = &run->bank.protect.pack[k].permit;
	const struct bank_permit *bank = &run->bank.protect.permit;

	return !pack->hold || pack->immediate || !bank->hold || !bank->pcs_enable ||
	       !run->out.pcs_enable;
}

/* ---- edges of coils -------------------------------------------------------------------------- */

static void check_rise(struct run *run, unsigned k)
{
	struct invariants *seen = &run->invariants;

	if (!run->bank.protect.pack[k].permit.close || !run->bank.protect.permit.close)
		violated(run, RISE_WITHOUT_PERMIT, "%s: a coil rose without a permit to close",
			 pack_id(run, k));
	for (unsigned j = 0; j < run->site->n_packs; j++)
		if (j != k && (seen->closing[j] || (seen->opening[j] && driven(run, j))))
			violated(run, TWO_IN_SEQUENCE, "%s: a coil rose while %s is in sequence",
				 pack_id(run, k), pack_id(run, j));
	if (!seen->closing[k])
		seen->operations++;
	seen->closing[k] = true;
	seen->opening[k] = false;
}

static bool nobody_else_on_bus(struct run *run, unsigned k)
{
	const struct twin_truth *truth = run_truth(run);

	for (unsigned j = 0; j < run->site->n_packs; j++)
		if (j != k && path_closed(&truth->pack[j]))
			return false;
	return path_closed(&truth->pack[k]);
}

static void check_fall(struct run *run, unsigned k)
{
	struct invariants *seen = &run->invariants;
	const struct twin_truth *truth;
	double limit_w = quiet_w + quiet_share * run->site->grid.p_max_w;

	seen->by_choice[k] = !emergency(run, k);
	seen->fall_ms[k] = run->now_ms;
	seen->opening[k] = driven(run, k);
	seen->closing[k] = false;
	/* A line that fell has cut them off; without one they may run on. */
	if ((run->out.pcs_enable || !run->site->has_pcs_enable) && nobody_else_on_bus(run, k)) {
		truth = run_truth(run);
		if (fabs(truth->ac_w) > limit_w)
			violated(run, LAST_PACK_UNDER_POWER,
				 "%s: the last pack opened with the converter at %.0f W",
				 pack_id(run, k), truth->ac_w);
	}
}

static void check_edges(struct run *run, unsigned k)
{
	struct invariants *seen = &run->invariants;
	const bool *coil = run->out.pack[k].coil;
	bool rose = false, main_fell = false, moved = false;

	for (unsigned p = 0; p < POLE_COUNT; p++) {
		rose |= coil[p] && !seen->coil[k][p];
		main_fell |= p != POLE_PRECHARGE && !coil[p] && seen->coil[k][p];
		moved |= coil[p] != seen->coil[k][p];
	}
	if (!moved) {
		seen->closing[k] = seen->closing[k] && !fully_driven(run, k);
		return;
	}
	if (rose)
		check_rise(run, k);
	if (main_fell)
		check_fall(run, k);
	if (seen->closing[k] && fully_driven(run, k))
		seen->closing[k] = false;
	if (!driven(run, k))
		seen->closing[k] = seen->opening[k] = false;
	memcpy(seen->coil[k], coil, sizeof(seen->coil[k]));
	seen->edge_ms[k] = run->now_ms;
	seen->truth_until_ms = run->now_ms + LOOK_AFTER_EDGE_MS;
}

/* ---- levels ---------------------------------------------------------------------------------- */

static void check_precharge(struct run *run, unsigned k)
{
	if (!run->out.pcs_enable)
		return;
	for (unsigned j = 0; j < run->site->n_packs; j++)
		if (j != k && path_closed(&run_truth(run)->pack[j]))
			return;
	violated(run, PRECHARGE_WITH_PCS, "%s: pcs_enable high while the first pack pre-charges",
		 pack_id(run, k));
}

static void check_hold(struct run *run, unsigned k)
{
	const struct permit *pack = &run->bank.protect.pack[k].permit;
	const struct bank_permit *bank = &run->bank.protect.permit;
	int64_t *doubt_ms = &run->invariants.doubt_ms[k];
	int64_t deadline_ms = INT64_MAX;

	if (!pack->immediate)
		*doubt_ms = 0;
	else if (*doubt_ms == 0)
		*doubt_ms = run->now_ms;
	if (!driven(run, k))
		return;
	if (*doubt_ms)
		deadline_ms = *doubt_ms + IMMEDIATE_OPEN_MS;
	if (!pack->hold && pack->hold_deadline_ms < deadline_ms)
		deadline_ms = pack->hold_deadline_ms;
	if (!bank->hold && bank->hold_deadline_ms < deadline_ms)
		deadline_ms = bank->hold_deadline_ms;
	if (deadline_ms == INT64_MAX || run->now_ms <= deadline_ms + TICK_SLACK_MS)
		return;
	/* More than the fuse's rating is left to the fuse. */
	if (fabs(run_truth(run)->pack[k].a) <= run->site->pack[k].limit.fuse_a)
		violated(run, HELD_TOO_LONG,
			 "%s: coils driven %.1f s past the end of its hold permit", pack_id(run, k),
			 (double)(run->now_ms - deadline_ms) / 1e3);
}

static double commanded_w(const struct run *run)
{
	double sum = 0.0;

	for (unsigned i = 0; i < run->site->n_pcs; i++)
		sum += fabs(run->out.pcs[i].p_w);
	return sum;
}

static void check_power(struct run *run)
{
	const struct bank_outputs *out = &run->out;
	double sum_w = commanded_w(run);

	if (isnan(sum_w) || isnan(out->bus_dis_max_a) || isnan(out->bus_cha_max_a) ||
	    isnan(out->bus_min_v) || isnan(out->bus_max_v))
		violated(run, NOT_A_NUMBER, "an output is not a number");
	if (sum_w > 0.0 && !out->pcs_enable)
		violated(run, POWER_WITHOUT_ENABLE, "power %.0f W asked with pcs_enable low",
			 sum_w);
	for (unsigned i = 0; i < run->site->n_pcs; i++)
		if (fabs(out->pcs[i].p_w) > 1.001 * run->site->pcs[i].p_max_w)
			violated(run, BEYOND_RATING, "converter %s asked for %.0f W, rated %.0f W",
				 run->site->pcs[i].id, out->pcs[i].p_w, run->site->pcs[i].p_max_w);
}

/* Silence ends at 0 W. Acks tell how long an accepted setpoint may act; bringing a pack on or off
 * the bus and a set that needs power to be safe are no dispatch. */
static void check_silence(struct run *run)
{
	struct invariants *seen = &run->invariants;
	int64_t patience_ms = run->site->grid.expiry_ramp_max_ms + 1000;

	for (unsigned i = 0; i < run->out.n_acks; i++) {
		const struct ack *ack = &run->out.ack[i];

		if ((ack->status == ACK_ACCEPTED || ack->status == ACK_LIMITED) &&
		    ack->expires_ms > seen->expires_ms)
			seen->expires_ms = ack->expires_ms;
	}
	if (run->now_ms <= seen->expires_ms || run->bank.plan.steering ||
	    !isnan(run->bank.limits.must_w)) {
		seen->silent_ms = run->now_ms;
		return;
	}
	if (run->now_ms > seen->silent_ms + patience_ms && commanded_w(run) > 1.0)
		violated(run, SILENCE_WITH_POWER,
			 "%.0f W asked %.1f s after the last setpoint ended", commanded_w(run),
			 (double)(run->now_ms - seen->silent_ms) / 1e3);
}

/* ---- the plant ------------------------------------------------------------------------------- */

static void check_join_peak(struct run *run, unsigned k, const struct twin_pack_truth *pack)
{
	struct invariants *seen = &run->invariants;
	double allowed_a = make_slack * run->site->pack[k].contactors.make_max_a + make_slack_a;

	if (path_closed(pack) && pack->peak_a > allowed_a && seen->closed[k] &&
	    run->now_ms - seen->edge_ms[k] >= 2 * TICK_SLACK_MS &&
	    pack->peak_a > run->pack_join_peak_a[k])
		violated(run, JOIN_PEAK, "%s: joined with a peak of %.1f A, allowed %.1f A",
			 pack_id(run, k), pack->peak_a, run->site->pack[k].contactors.make_max_a);
	seen->closed[k] = path_closed(pack);
}

static void check_truth(struct run *run, unsigned k)
{
	struct invariants *seen = &run->invariants;
	const struct twin_pack_truth *pack = &run_truth(run)->pack[k];

	check_join_peak(run, k, pack);
	if (pack->loaded_breaks != seen->loaded_breaks[k]) {
		if (seen->by_choice[k] && !emergency(run, k))
			violated(run, BREAK_BY_CHOICE,
				 "%s: opened by choice at %.1f A, allowed %.1f A", pack_id(run, k),
				 pack->break_a, run->site->pack[k].contactors.break_max_a);
		seen->loaded_breaks[k] = pack->loaded_breaks;
	}
	if (run->bank.contactor[k].isolated &&
	    (pack->closed[POLE_NEGATIVE] || pack->closed[POLE_POSITIVE]))
		violated(run, ISOLATED_BUT_CLOSED, "%s: called isolated with a pole closed",
			 pack_id(run, k));
	if (path_closed(pack) && !run->out.pack[k].keep_alive &&
	    run->now_ms - seen->fall_ms[k] < 5000)
		violated(run, KEEP_ALIVE_STOPPED, "%s: keep-alive stopped while still closed",
			 pack_id(run, k));
}

void invariants_check(struct run *run, struct invariants *seen)
{
	bool look;

	for (unsigned k = 0; k < run->site->n_packs; k++) {
		check_edges(run, k);
		if (run->out.pack[k].coil[POLE_PRECHARGE] ||
		    (run->site->pack[k].contactors.by_frames && seen->closing[k]))
			check_precharge(run, k);
		check_hold(run, k);
	}
	check_power(run);
	check_silence(run);
	if (run->out.heartbeat && !run->in.tick)
		violated(run, HEARTBEAT_OFF_TICK, "heartbeat permitted outside a tick");
	if (run->out.events_dropped)
		violated(run, EVENTS_DROPPED, "%u events dropped in one step",
			 run->out.events_dropped);
	if (run->out.next_step_ms && run->out.next_step_ms <= run->now_ms)
		violated(run, STEP_IN_THE_PAST, "next step asked for %.1f s ago",
			 (double)(run->now_ms - run->out.next_step_ms) / 1e3);
	look = run->now_ms <= seen->truth_until_ms || (run->now_ms - run->start_ms) % 1000 == 0;
	for (unsigned k = 0; look && k < run->site->n_packs; k++)
		check_truth(run, k);
}

void invariants_forget(struct invariants *seen)
{
	memset(seen->coil, 0, sizeof(seen->coil));
	memset(seen->closing, 0, sizeof(seen->closing));
	memset(seen->opening, 0, sizeof(seen->opening));
	memset(seen->by_choice, 0, sizeof(seen->by_choice));
	memset(seen->doubt_ms, 0, sizeof(seen->doubt_ms));
	seen->expires_ms = 0;
}
