#include "core/bank.h"
#include "core/frames.h"
#include "core/leaving.h"
#include "core/num.h"
#include "core/sequence.h"

enum {
	PLANNED_MS = 30000,    /* a planned leave gives up after */
	OFFSET_SAMPLES = 1000, /* memory of the learnt sensor offset */
};

static const double gone_a = 2.;           /* "no current" for a lost feedback */
static const double feedback_gone_s = 0.5; /* unknown for so long: not for a moment */

/* A closed pole that reads open: without current the partner opens at once; with current the
 * feedback lies, and the pack leaves in order. */
static void check_feedback(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	const struct pack_now *now = &bank->now.pack[k];

	const bool by_frames = bank->site.pack[k].contactors.by_frames;

	for (int pole = POLE_NEGATIVE; pole <= POLE_POSITIVE; pole++) {
		if (!(bank->contactor[k].coil[pole] || by_frames) ||
		    now->feedback[pole] != CONTACT_OPEN)
			continue;
		double current_a = sequence_current_a(bank, k);
		protect_trip(bank, out, (int)k,
			     num_inside(current_a, 0., gone_a) ? REASON_FEEDBACK_LOST
							       : REASON_FEEDBACK_LIES,
			     current_a, gone_a);
	}
}

static void learn_offset(struct bank *bank, unsigned k)
{
	struct contactor *contactor = &bank->contactor[k];
	double difference_v = bank->now.pack[k].pack_v - bank->now.bus_v;
	double bound_v = bank->site.pack[k].model.v_offset_max_v;

	if (!bank->now.pack[k].electrical_new ||
	    !num_inside(difference_v, -3. * bound_v, 3. * bound_v))
		return;
	if (contactor->v_offset_n < OFFSET_SAMPLES)
		contactor->v_offset_n++;
	contactor->v_offset += (difference_v - contactor->v_offset) / contactor->v_offset_n;
	contactor->v_offset = num_clamp(contactor->v_offset, -bound_v, bound_v);
}

void leaving_begin(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];

	contactor->planned = sequence_may_hold(bank, k);
	contactor->joining = false;
	contactor->reason = contactor->planned ? bank->plan.leave_reason
			    : bank->protect.pack[k].permit.hold
				    ? bank->protect.permit.reason
				    : bank->protect.pack[k].permit.reason;
	if (contactor->planned)
		bank_event(bank, out, EVENT_NOTE, contactor->reason, (int)k,
			   sequence_current_a(bank, k), NAN);
	sequence_drive(bank, k, POLE_PRECHARGE, false);
	sequence_enter(bank, k, CONTACTOR_LEAVING);
}

void leaving_closed(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];

	if (bank->now_ms <= contactor->peak_until_ms && bank->now.pack[k].electrical_new) {
		double peak_a = num_or(sequence_current_a(bank, k), 0.);
		if (peak_a > contactor->peak_a)
			contactor->peak_a = peak_a;
		if (peak_a > bank->life[k].join_peak_a)
			bank->life[k].join_peak_a = peak_a;
	}
	learn_offset(bank, k);
	check_feedback(bank, k, out);
	if (!sequence_may_hold(bank, k) || bank->plan.leave == (int)k)
		leaving_begin(bank, k, out);
}

static int64_t open_deadline_ms(const struct bank *bank, unsigned k)
{
	int64_t pack_ms = bank->protect.pack[k].permit.hold_deadline_ms;
	int64_t bank_ms = bank->protect.permit.hold_deadline_ms;

	return pack_ms < bank_ms ? pack_ms : bank_ms;
}

/* Polarised contactors break well in one direction: charge current opens the positive pole first,
 * discharge current the negative. Otherwise the poles take turns, so that both get tested. */
static enum pole opens_first(struct bank *bank, unsigned k)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	struct contactor *contactor = &bank->contactor[k];

	if (!site->has[POLE_NEGATIVE] || !site->has[POLE_POSITIVE])
		return sequence_second_pole(site);
	if (site->polarised && sequence_current_a(bank, k) > gone_a)
		return bank->now.pack[k].current_a < 0. ? POLE_POSITIVE : POLE_NEGATIVE;
	contactor->alternate = !contactor->alternate;
	return contactor->alternate ? POLE_POSITIVE : POLE_NEGATIVE;
}

static void start_opening(struct bank *bank, unsigned k, struct bank_outputs *out, bool at_once)
{
	struct contactor *contactor = &bank->contactor[k];
	double current_a = sequence_current_a(bank, k);
	bool clean = num_inside(current_a, 0., bank->site.pack[k].contactors.break_max_a);

	contactor->first = opens_first(bank, k);
	contactor->start_v = bank->now.bus_v;
	if (!clean)
		bank->life[k].emergency_opens++;
	if (num_or(current_a, 0.) > bank->life[k].leave_peak_a)
		bank->life[k].leave_peak_a = current_a;
	bank_event(bank, out, EVENT_NOTE, REASON_LEFT, (int)k, current_a,
		   bank->site.pack[k].contactors.break_max_a);
	sequence_drive(bank, k, POLE_PRECHARGE, false);
	sequence_drive(bank, k, contactor->first, false);
	sequence_enter(bank, k, CONTACTOR_OPEN_FIRST);
	if (at_once) {
		sequence_release(bank, k);
		sequence_enter(bank, k, CONTACTOR_OPEN_SECOND);
	}
	bank->plan.event_ms = bank->now_ms;
}

/* No other pack stays on the bus: those that have to leave may be off in the next moment. */
static bool is_last(const struct bank *bank, unsigned k)
{
	for (unsigned j = 0; j < bank->site.n_packs; j++)
		if (j != k && contactor_stays(bank, j))
			return false;
	return true;
}

/* Hazards rule 2: nobody goes before a pack that burns, until his own deadline. */
static bool lets_go_first(const struct bank *bank, unsigned k)
{
	for (unsigned j = 0; j < bank->site.n_packs; j++)
		if (j != k && bank->protect.pack[j].permit.goes_first &&
		    bank->contactor[j].state >= CONTACTOR_CLOSED)
			return !bank->protect.pack[k].permit.goes_first;
	return false;
}

/* One pack opens at a time, unless all have to. */
static bool is_turn(const struct bank *bank, unsigned k, bool at_once)
{
	for (unsigned j = 0; j < bank->site.n_packs && !at_once; j++)
		if (j != k && (bank->contactor[j].state == CONTACTOR_OPEN_FIRST ||
			       bank->contactor[j].state == CONTACTOR_OPEN_SECOND))
			return false;
	return true;
}

void leaving_let_go(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	bank->contactor[k].planned = false;
	bank->contactor[k].reason = REASON_INTERNAL;
	start_opening(bank, k, out, true);
}

void leaving_steered(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	bool hold = sequence_may_hold(bank, k);
	bool at_once = bank->protect.pack[k].permit.immediate || !bank->protect.permit.hold;
	double margin_a = num_min(bank->site.pack[k].model.i_offset_max_a, site->break_max_a / 2.);
	bool gone = num_inside(sequence_current_a(bank, k), 0., site->break_max_a - margin_a);
	bool safe = gone && is_turn(bank, k, at_once) && !lets_go_first(bank, k) &&
		    (!is_last(bank, k) || contactor_converters_off(bank));

	check_feedback(bank, k, out);
	if (hold && (bank->plan.leave != (int)k || sequence_elapsed_ms(bank, k) > PLANNED_MS)) {
		sequence_enter(bank, k, CONTACTOR_CLOSED);
		return;
	}
	if (!hold)
		contactor->planned = false;
	int64_t deadline_ms = open_deadline_ms(bank, k);
	if (safe || bank->now_ms >= deadline_ms)
		start_opening(bank, k, out, at_once || bank->now_ms >= deadline_ms);
	else if (!hold)
		bank_step_by(out, deadline_ms);
}

/* True when the pole is open, known not to be, or not to be known; a pole that still reads closed
 * in time is welded, one that cannot be read is not: what the bus shows decides. */
static bool open_is_settled(struct bank *bank, unsigned k, enum pole pole, struct bank_outputs *out)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	int32_t open_ms = site->open_ms;

	if (sequence_is_proven(bank, k, pole, CONTACT_OPEN, open_ms))
		return true;
	if (sequence_elapsed_ms(bank, k) <= open_ms + SEQUENCE_LATE_MS)
		return false;
	if (site->by_frames && bank->now.pack[k].feedback[pole] == CONTACT_UNKNOWN)
		return frames_silence_settles(bank, k, out); /* silent is not welded */
	if (bank->now.pack[k].feedback[pole] == CONTACT_UNKNOWN)
		return bank->now.pack[k].feedback_known_s[pole] > feedback_gone_s;
	sequence_weld(bank, k, pole, out);
	return true;
}

void leaving_first(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	bool at_once = bank->protect.pack[k].permit.immediate || !bank->protect.permit.hold ||
		       bank->now_ms >= open_deadline_ms(bank, k);

	if (!at_once && !open_is_settled(bank, k, bank->contactor[k].first, out))
		return;
	sequence_release(bank, k);
	sequence_enter(bank, k, CONTACTOR_OPEN_SECOND);
}

/* No auxiliary contact says now where the pole is. */
static bool is_blind(const struct bank *bank, unsigned k, enum pole pole)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;

	if (!site->has[pole])
		return false;
	return !site->feedback[pole] ||
	       (!site->by_frames && bank->now.pack[k].feedback[pole] == CONTACT_UNKNOWN);
}

/* A pole whose contact cannot be read is not welded because of that, nor while the other one is
 * open and breaks the circuit. */
static bool bus_accuses(const struct bank *bank, unsigned k, enum pole pole)
{
	enum pole other = pole == POLE_NEGATIVE ? POLE_POSITIVE : POLE_NEGATIVE;

	if (!is_blind(bank, k, pole))
		return false;
	return !bank->site.pack[k].contactors.feedback[pole] ||
	       (!isnan(bank->now.bus_v) && bank->now.pack[k].feedback[other] != CONTACT_OPEN);
}

/* Without feedback an isolated bus must lose its voltage; a bus held by other packs proves nothing.
 */
static bool bus_shows_open(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];
	uint64_t others = contactor_connected(bank) & ~(1ull << k);

	if (!is_blind(bank, k, POLE_NEGATIVE) && !is_blind(bank, k, POLE_POSITIVE))
		return true;
	if (others || !(contactor->start_v > bank->site.bus.dead_v)) {
		sequence_tell_unproven(bank, k, out);
		return true;
	}
	if (bank->now.bus_v < 0.9 * contactor->start_v)
		return true;
	if (sequence_elapsed_ms(bank, k) < bank->site.bus.discharge_ms)
		return false;
	for (int pole = POLE_NEGATIVE; pole <= POLE_POSITIVE; pole++) {
		if (bus_accuses(bank, k, (enum pole)pole))
			sequence_weld(bank, k, (enum pole)pole, out);
		else if (is_blind(bank, k, (enum pole)pole))
			sequence_tell_unproven(bank, k, out);
	}
	return true;
}

void leaving_second(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	bool settled = open_is_settled(bank, k, POLE_NEGATIVE, out);

	settled = open_is_settled(bank, k, POLE_POSITIVE, out) && settled;
	settled = open_is_settled(bank, k, POLE_PRECHARGE, out) && settled;
	if (!settled || !bus_shows_open(bank, k, out))
		return;
	bank->contactor[k].opened_ms = bank->now_ms;
	bank->plan.event_ms = bank->now_ms;
	sequence_enter(bank, k, CONTACTOR_OPEN);
}
