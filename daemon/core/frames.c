#include "core/closing.h"
#include "core/frames.h"
#include "core/join.h"
#include "core/num.h"
#include "core/sequence.h"

enum {
	AGREE_MS = 1000,    /* reported closed: the bus must show it within */
	SHORT_MS = 2000,    /* a precharge that lifts the bus by nothing for so long is a short */
	WAKE_MS = 10000,    /* a pack that is asleep at start answers within */
	OPENING_MS = 5000,  /* frames go on so long after an opening (hazards rule 4) */
	SILENCE_MS = 10000, /* and then stop for at least so long */
};

static const double short_fraction = 0.10;

/* ---- what the pack reports ---- */

static enum contact reported(const struct bank *bank, unsigned k, enum pole pole)
{
	return bank->site.pack[k].contactors.feedback[pole] ? bank->now.pack[k].feedback[pole]
							    : CONTACT_UNKNOWN;
}

/* One open pole breaks the circuit. */
static bool says_open(const struct bank *bank, unsigned k)
{
	return reported(bank, k, POLE_NEGATIVE) == CONTACT_OPEN ||
	       reported(bank, k, POLE_POSITIVE) == CONTACT_OPEN;
}

static bool says_closed(const struct bank *bank, unsigned k)
{
	return !says_open(bank, k) && (reported(bank, k, POLE_NEGATIVE) == CONTACT_CLOSED ||
				       reported(bank, k, POLE_POSITIVE) == CONTACT_CLOSED);
}

static bool bus_is_dead(const struct bank *bank)
{
	return num_inside(bank->now.bus_v, -bank->site.bus.dead_v, bank->site.bus.dead_v);
}

/* ---- in the books ---- */

bool frames_connected(const struct bank *bank, unsigned k)
{
	const struct contactor *contactor = &bank->contactor[k];

	switch (contactor->state) {
	case CONTACTOR_CLOSE_SECOND:
	case CONTACTOR_CLOSED:
	case CONTACTOR_LEAVING:
		return true;
	case CONTACTOR_PRECHARGE:
	case CONTACTOR_OPEN_FIRST:
	case CONTACTOR_OPEN_SECOND:
		return !says_open(bank, k);
	case CONTACTOR_UNPROVEN:
	case CONTACTOR_OPEN:
	case CONTACTOR_CLOSE_FIRST:
	default:
		return contactor->stray_ms != 0 || says_closed(bank, k);
	}
}

bool frames_isolated(const struct bank *bank, unsigned k)
{
	return reported(bank, k, POLE_NEGATIVE) == CONTACT_OPEN &&
	       reported(bank, k, POLE_POSITIVE) == CONTACT_OPEN &&
	       reported(bank, k, POLE_PRECHARGE) != CONTACT_CLOSED;
}

bool frames_joining(const struct bank *bank)
{
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		bool opens = bank->contactor[k].state == CONTACTOR_OPEN_SECOND;
		int32_t open_ms = bank->site.pack[k].contactors.open_ms + SEQUENCE_LATE_MS;
		if (bank->contactor[k].joining &&
		    (!opens || sequence_elapsed_ms(bank, k) <= open_ms))
			return true;
	}
	return false;
}

/* ---- closing ---- */

/* What the bank sees of a precharge it does not make; false: go on. */
static bool precharge_fails(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];
	double v = bank->now.bus_v, low_v = short_fraction * contactor->pack_v;

	if (isnan(v)) {
		closing_abort(bank, k, out, REASON_NO_BUS_SOURCE, bank->now.bus_age_s,
			      (double)bank->site.bus.stale_ms / 1000.);
		return true;
	}
	if (reported(bank, k, POLE_PRECHARGE) != CONTACT_CLOSED || v >= low_v)
		contactor->inside_ms = bank->now_ms;
	if (bank->now_ms - contactor->inside_ms < SHORT_MS)
		return false;
	closing_abort(bank, k, out, REASON_PRECHARGE_SHORT, v, low_v);
	return true;
}

/* The join rule of the first tick holds in every tick until the pack is in. */
static bool join_fails(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct join_check check;

	join_check(bank, k, &check);
	if (check.ok && bank->plan.steady_ms != 0 && !bank->plan.pressed)
		return false;
	if (check.ok) {
		check.reason = REASON_JOIN_WAIT;
		check.value = check.dv_v;
		check.threshold = join_window_v(bank, k);
	}
	closing_abort(bank, k, out, check.reason, check.value, check.threshold);
	return true;
}

void frames_closing(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];
	int32_t close_ms = bank->site.pack[k].contactors.close_ms;
	int64_t elapsed_ms = sequence_elapsed_ms(bank, k);
	bool closed = sequence_is_proven(bank, k, POLE_POSITIVE, CONTACT_CLOSED, close_ms) &&
		      sequence_is_proven(bank, k, POLE_NEGATIVE, CONTACT_CLOSED, close_ms);

	if (closed) {
		sequence_enter(bank, k, CONTACTOR_CLOSE_SECOND);
		return;
	}
	if (contactor->by_precharge ? precharge_fails(bank, k, out) : join_fails(bank, k, out))
		return;
	if (elapsed_ms <= close_ms + SEQUENCE_LATE_MS)
		return;
	if (contactor->by_precharge && bank->now.bus_v >= short_fraction * contactor->pack_v)
		closing_abort(bank, k, out, REASON_PRECHARGE_TIMEOUT, bank->now.bus_v,
			      contactor->pack_v);
	else
		closing_abort(bank, k, out, REASON_NO_CLOSE, (double)elapsed_ms, close_ms);
}

void frames_closed(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	double difference_v = bank->now.pack[k].pack_v - bank->now.bus_v;
	double window_v = num_max(5., 0.02 * bank->now.pack[k].pack_v);
	bool agrees = num_inside(difference_v, -window_v, window_v) && !says_open(bank, k);

	if (agrees && sequence_elapsed_ms(bank, k) >= SEQUENCE_SETTLE_MS)
		closing_done(bank, k, out);
	else if (sequence_elapsed_ms(bank, k) > AGREE_MS)
		closing_abort(bank, k, out,
			      says_open(bank, k) ? REASON_NO_CLOSE : REASON_LINK_MISMATCH,
			      fabs(difference_v), window_v);
}

/* ---- without a command ---- */

static void stray(struct bank *bank, unsigned k, struct bank_outputs *out, enum reason reason)
{
	struct contactor *contactor = &bank->contactor[k];

	if (contactor->stray_ms == 0)
		contactor->stray_ms = bank->now_ms;
	protect_trip(bank, out, (int)k, reason, NAN, NAN);
}

void frames_watch_open(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];
	int64_t since_ms = bank->now_ms - contactor->coil_ms[POLE_POSITIVE];
	bool closed = says_closed(bank, k);

	if (closed && contactor->stray_ms == 0 &&
	    since_ms > bank->site.pack[k].contactors.open_ms + SEQUENCE_LATE_MS)
		stray(bank, k, out, REASON_CLOSED_UNASKED);
	if (says_open(bank, k) || (!closed && bus_is_dead(bank)))
		contactor->stray_ms = 0;
}

bool frames_start_settles(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];
	int64_t elapsed_ms = sequence_elapsed_ms(bank, k);

	if (says_open(bank, k))
		return true;
	if (says_closed(bank, k)) {
		if (elapsed_ms <= bank->site.pack[k].contactors.open_ms + SEQUENCE_LATE_MS)
			return false; /* it may still be opening from before the start */
		stray(bank, k, out, REASON_CLOSED_UNASKED);
		return true;
	}
	if (elapsed_ms < WAKE_MS || !bus_is_dead(bank))
		return false;
	sequence_tell_unproven(bank, k, out);
	contactor->opened_ms = bank->now_ms;
	return true;
}

bool frames_silence_settles(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	int64_t since_ms = bank->now_ms - bank->contactor[k].coil_ms[POLE_POSITIVE];

	if (!bus_is_dead(bank)) {
		if (since_ms < OPENING_MS + site->silence_ms)
			return false;
		if (!site->silence_verified)
			stray(bank, k, out, REASON_OPEN_UNPROVEN);
	}
	sequence_tell_unproven(bank, k, out);
	return true;
}

bool frames_keep_silent(const struct bank *bank, unsigned k)
{
	const struct contactor *contactor = &bank->contactor[k];
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	int64_t from_ms = contactor->coil_ms[POLE_POSITIVE];

	if (!site->by_frames || contactor->coil[POLE_POSITIVE] || !contactor->connected)
		return false;
	if (from_ms == 0)
		from_ms = contactor->since_ms; /* never commanded by this process */
	from_ms = contactor->stray_ms > from_ms ? contactor->stray_ms : from_ms;
	int64_t silent_ms = bank->now_ms - from_ms - OPENING_MS;
	int64_t for_ms = 2 * (int64_t)site->silence_ms;
	return silent_ms >= 0 && silent_ms < (for_ms > SILENCE_MS ? for_ms : SILENCE_MS);
}
