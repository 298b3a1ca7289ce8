#include "core/bank.h"
#include "core/closing.h"
#include "core/frames.h"
#include "core/join.h"
#include "core/num.h"
#include "core/precharge.h"
#include "core/sequence.h"

enum {
	RETRY_MS = 3000, /* pause after a failed closing (foxBMS: 3 s), doubled in a row ... */
	RETRY_MAX_MS = 300000, /* ... up to here */
	MISSED_MS = 30000,     /* at least, after the bus moved away before the second pole */
	TRIES_MAX = 3,
	PEAK_MS = 300, /* the peak current of a join is looked for during */
};

static const double rise_v = 10.; /* bus may not rise more when only the first pole closes */

bool closing_allowed(const struct bank *bank, unsigned k)
{
	return bank->protect.pack[k].permit.close && bank->protect.permit.close &&
	       bank->guard.ready && !bank->plan.stopping && contactor_sequence_free(bank, k);
}

int64_t closing_pause_ms(unsigned failures)
{
	int64_t pause_ms = RETRY_MS;

	for (unsigned i = 1; i < failures && pause_ms < RETRY_MAX_MS; i++)
		pause_ms *= 2;
	return pause_ms < RETRY_MAX_MS ? pause_ms : RETRY_MAX_MS;
}

/* Whatever the cause: each failure wears the coils, so the next try comes later. */
static void pause_longer(struct bank *bank, unsigned k, enum reason reason)
{
	struct contactor *contactor = &bank->contactor[k];

	contactor->pause_ms = closing_pause_ms(++contactor->failures);
	if (reason == REASON_JOIN_WAIT && contactor->pause_ms < MISSED_MS)
		contactor->pause_ms = MISSED_MS;
	contactor->retry_ms = bank->now_ms + contactor->pause_ms;
}

/* A closing that failed: open, remember, and give up for good after a few tries of its own fault.
 */
void closing_abort(struct bank *bank, unsigned k, struct bank_outputs *out, enum reason reason,
		   double value, double threshold)
{
	struct contactor *contactor = &bank->contactor[k];

	contactor->planned = sequence_may_hold(bank, k); /* no trip asked for this opening */
	contactor->reason = reason;
	sequence_release(bank, k);
	sequence_enter(bank, k, CONTACTOR_OPEN_SECOND);
	bank->plan.event_ms = bank->now_ms;
	pause_longer(bank, k, reason);
	bool ours = reason == REASON_NO_CLOSE || reason == REASON_PRECHARGE_SLOW ||
		    reason == REASON_PRECHARGE_TIMEOUT || reason == REASON_LINK_MISMATCH;
	if (reason == REASON_PRECHARGE_SHORT || reason == REASON_PRECHARGE_WELDED) {
		protect_trip(bank, out, (int)k, reason, value, threshold);
		return;
	}
	bank_event(bank, out, EVENT_NOTE, reason, (int)k, value, threshold);
	if (ours && ++contactor->tries >= TRIES_MAX)
		protect_trip(bank, out, (int)k,
			     reason == REASON_NO_CLOSE || reason == REASON_LINK_MISMATCH
				     ? REASON_NO_CLOSE
				     : REASON_PRECHARGE_LOCKED,
			     (double)contactor->tries, (double)TRIES_MAX);
}

void closing_start(struct bank *bank, unsigned k)
{
	struct contactor *contactor = &bank->contactor[k];
	const struct pack_contactors *site = &bank->site.pack[k].contactors;

	contactor->by_precharge = contactor_connected(bank) == 0;
	contactor->start_v = bank->now.bus_v;
	contactor->pack_v = bank->now.pack[k].pack_v;
	contactor->inside_ms = 0;
	contactor->predicted_a = 0.;
	contactor->first = sequence_first_pole(site);
	sequence_enter(bank, k, CONTACTOR_CLOSE_FIRST);
	if (contactor->first != sequence_second_pole(site))
		sequence_drive(bank, k, contactor->first, true);
}

static void close_second(struct bank *bank, unsigned k, double predicted_a)
{
	bank->contactor[k].predicted_a = predicted_a;
	sequence_enter(bank, k, CONTACTOR_CLOSE_SECOND);
	sequence_drive(bank, k, sequence_second_pole(&bank->site.pack[k].contactors), true);
}

/* One command; what follows is the pack's own work. */
static void close_by_frames(struct bank *bank, unsigned k, double predicted_a)
{
	struct contactor *contactor = &bank->contactor[k];

	contactor->predicted_a = predicted_a;
	contactor->joining = !contactor->by_precharge;
	contactor->inside_ms = bank->now_ms;
	sequence_enter(bank, k, CONTACTOR_PRECHARGE);
	sequence_drive(bank, k, POLE_POSITIVE, true);
}

/* A pack that pre-charges by itself needs a bus that is dead in the tick of its command: it may have
 * crept up since the closing began. */
static void start_precharge(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	double dead_v = bank->site.bus.dead_v;
	bool by_frames = bank->site.pack[k].contactors.by_frames;

	if (by_frames && !num_inside(bank->now.bus_v, -dead_v, dead_v)) {
		closing_abort(bank, k, out, REASON_BUS_LIVE, bank->now.bus_v, dead_v);
		return;
	}
	bank->contactor[k].precharge_ms = bank->now_ms;
	if (by_frames) {
		close_by_frames(bank, k, 0.);
		return;
	}
	sequence_enter(bank, k, CONTACTOR_PRECHARGE);
	sequence_drive(bank, k, POLE_PRECHARGE, true);
}

void closing_first(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	struct join_check check;

	if (contactor->by_precharge && (contactor_connected(bank) & ~(1ull << k))) {
		/* Another pack turned out to be on the bus: this closing began for a dead one. */
		closing_abort(bank, k, out, REASON_BUS_LIVE, bank->now.bus_v,
			      bank->site.bus.dead_v);
		return;
	}
	if (contactor->by_precharge &&
	    !num_inside(bank->now.bus_v, -rise_v, contactor->start_v + rise_v)) {
		closing_abort(bank, k, out, REASON_PRECHARGE_WELDED, bank->now.bus_v,
			      contactor->start_v + rise_v);
		return;
	}
	if (contactor->coil[contactor->first] &&
	    !sequence_is_proven(bank, k, contactor->first, CONTACT_CLOSED, SEQUENCE_SETTLE_MS)) {
		if (sequence_elapsed_ms(bank, k) > site->close_ms + SEQUENCE_LATE_MS)
			closing_abort(bank, k, out, REASON_NO_CLOSE,
				      (double)sequence_elapsed_ms(bank, k), site->close_ms);
		return;
	}
	if (sequence_elapsed_ms(bank, k) < SEQUENCE_SETTLE_MS)
		return;
	if (contactor->by_precharge) {
		start_precharge(bank, k, out);
		return;
	}
	join_check(bank, k, &check); /* again, in the tick of the edge */
	if (check.ok && site->by_frames)
		close_by_frames(bank, k, check.predicted_a);
	else if (check.ok)
		close_second(bank, k, check.predicted_a);
	else if (sequence_elapsed_ms(bank, k) > site->close_ms + SEQUENCE_LATE_MS)
		closing_abort(bank, k, out, check.reason, check.value, check.threshold);
}

void closing_precharge(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	enum reason reason = REASON_OK;
	double value = NAN, threshold = NAN;

	if (bank->site.pack[k].contactors.by_frames) {
		frames_closing(bank, k, out);
		return;
	}
	switch (precharge_watch(bank, k, sequence_elapsed_ms(bank, k), &reason, &value,
				&threshold)) {
	case PRECHARGE_RISING:
		break;
	case PRECHARGE_DONE:
		close_second(bank, k,
			     fabs(bank->now.pack[k].pack_v - bank->now.bus_v) /
				     bank->estimate[k].r_fast_ohm);
		break;
	case PRECHARGE_FAILED:
	default:
		closing_abort(bank, k, out, reason, value, threshold);
		break;
	}
}

void closing_done(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];
	const struct pack_contactors *site = &bank->site.pack[k].contactors;

	sequence_drive(bank, k, POLE_PRECHARGE, false);
	sequence_enter(bank, k, CONTACTOR_CLOSED);
	contactor->tries = contactor->failures = 0;
	contactor->closed_ms = bank->now_ms;
	contactor->peak_a = 0.;
	contactor->peak_until_ms = bank->now_ms + PEAK_MS;
	bank->plan.event_ms = bank->now_ms;
	bank->life[k].joins++;
	bank_event(bank, out, EVENT_NOTE, REASON_JOINED, (int)k, contactor->predicted_a,
		   site->make_max_a);
}

void closing_second(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;

	if (site->by_frames)
		frames_closed(bank, k, out);
	else if (sequence_is_proven(bank, k, sequence_second_pole(site), CONTACT_CLOSED,
				    SEQUENCE_SETTLE_MS)) {
		if (sequence_elapsed_ms(bank, k) >= SEQUENCE_SETTLE_MS)
			closing_done(bank, k, out);
	} else if (sequence_elapsed_ms(bank, k) > site->close_ms + SEQUENCE_LATE_MS) {
		closing_abort(bank, k, out, REASON_NO_CLOSE, (double)sequence_elapsed_ms(bank, k),
			      site->close_ms);
	}
}
