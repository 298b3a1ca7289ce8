#include <string.h>

#include "core/bank.h"
#include "core/closing.h"
#include "core/frames.h"
#include "core/leaving.h"
#include "core/num.h"
#include "core/sequence.h"

enum {
	SEQUENCE_STEP_MS = 20, /* a bus sample this often while a pack is in sequence */
	START_PROOF_MS = 1000, /* feedback must show open after start within */
	OFF_MS = 100,          /* after pcs_enable fell, converters are off */
	READBACK_MS = 200,
	READBACK_FRAMES_MS = 2000, /* the next frames carry a new command */
	KEEP_ALIVE_MS = 5000,
};

/* ---- what is connected ---- */

static bool pole_may_conduct(const struct bank *bank, unsigned k, enum pole pole)
{
	const struct contactor *contactor = &bank->contactor[k];
	const struct pack_contactors *site = &bank->site.pack[k].contactors;

	if (!site->has[pole])
		return true; /* not ours to open */
	if (contactor->coil[pole] || contactor->welded[pole])
		return true;
	/* No coil, and closed by the books: the guard has let go. */
	bool opening = contactor->state >= CONTACTOR_CLOSED;
	return opening && bank->now.pack[k].feedback[pole] != CONTACT_OPEN;
}

static void update_books(struct bank *bank, unsigned k)
{
	struct contactor *contactor = &bank->contactor[k];
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	const enum contact *feedback = bank->now.pack[k].feedback;

	if (site->by_frames) {
		contactor->connected = frames_connected(bank, k);
		contactor->isolated = contactor->state == CONTACTOR_OPEN && !site->shared_pole &&
				      !contactor->connected && frames_isolated(bank, k);
		return;
	}
	contactor->connected = pole_may_conduct(bank, k, POLE_NEGATIVE) &&
			       pole_may_conduct(bank, k, POLE_POSITIVE);
	contactor->isolated = contactor->state == CONTACTOR_OPEN && !site->shared_pole &&
			      site->has[POLE_NEGATIVE] && site->has[POLE_POSITIVE] &&
			      feedback[POLE_NEGATIVE] == CONTACT_OPEN &&
			      feedback[POLE_POSITIVE] == CONTACT_OPEN &&
			      (!site->has[POLE_PRECHARGE] || !site->feedback[POLE_PRECHARGE] ||
			       feedback[POLE_PRECHARGE] == CONTACT_OPEN);
}

uint64_t contactor_connected(const struct bank *bank)
{
	uint64_t set = 0;

	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if (bank->contactor[k].connected)
			set |= 1ull << k;
	return set;
}

static bool in_sequence(const struct contactor *contactor)
{
	return contactor->state != CONTACTOR_UNPROVEN && contactor->state != CONTACTOR_OPEN &&
	       contactor->state != CONTACTOR_CLOSED;
}

uint64_t contactor_closing(const struct bank *bank)
{
	uint64_t set = 0;

	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if (bank->contactor[k].state >= CONTACTOR_CLOSE_FIRST &&
		    bank->contactor[k].state <= CONTACTOR_CLOSE_SECOND)
			set |= 1ull << k;
	return set;
}

bool contactor_sequence_free(const struct bank *bank, unsigned except)
{
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if (k != except && in_sequence(&bank->contactor[k]))
			return false;
	return true;
}

bool contactor_stays(const struct bank *bank, unsigned k)
{
	return bank->contactor[k].state == CONTACTOR_CLOSED && bank->plan.leave != (int)k &&
	       sequence_may_hold(bank, k);
}

bool contactor_converters_off(const struct bank *bank)
{
	if (guard_enable_low_ms(bank) >= OFF_MS)
		return true;
	for (unsigned i = 0; i < bank->site.n_pcs; i++) {
		const struct pcs_now *now = &bank->now.pcs[i];
		bool off = now->known ? now->state == PCS_OFF && num_inside(now->dc_a, -1., 1.)
				      : bank->converter[i].gives_nothing;
		if (!off)
			return false;
	}
	return true;
}

/* ---- open ---- */

/* After start nothing is adopted: coils are off, and what still reads closed is welded. */
static void run_unproven(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	bool settled = true;

	if (contactor_any_driven(bank, k))
		return;
	if (site->by_frames)
		settled = frames_start_settles(bank, k, out);
	for (int pole = 0; pole < POLE_COUNT; pole++) {
		if (site->by_frames || !site->has[pole] || !site->feedback[pole] ||
		    bank->now.pack[k].feedback[pole] == CONTACT_OPEN)
			continue;
		settled = false;
		if (bank->now.pack[k].feedback[pole] == CONTACT_CLOSED &&
		    sequence_elapsed_ms(bank, k) > START_PROOF_MS) {
			sequence_weld(bank, k, (enum pole)pole, out);
			settled = true;
		}
	}
	if (settled && sequence_elapsed_ms(bank, k) >= SEQUENCE_SETTLE_MS)
		sequence_enter(bank, k, CONTACTOR_OPEN);
}

/* Current where nothing is shown open: nothing is. With a pole shown open it is the sensor that
 * errs. */
static void book_open_current(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	const bool *has = bank->site.pack[k].contactors.has;
	const enum contact *feedback = bank->now.pack[k].feedback;

	for (int pole = POLE_NEGATIVE; pole <= POLE_POSITIVE; pole++)
		if (has[pole] && feedback[pole] == CONTACT_OPEN)
			return;
	for (int pole = POLE_NEGATIVE; pole <= POLE_POSITIVE; pole++)
		if (has[pole])
			sequence_weld(bank, k, (enum pole)pole, out);
}

static void run_open(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;

	if (site->by_frames)
		frames_watch_open(bank, k, out);
	else if (protect_is_active(bank, k, REASON_OPEN_CURRENT))
		book_open_current(bank, k, out);
	for (int pole = 0; pole < POLE_COUNT; pole++)
		if (site->has[pole] && !site->by_frames &&
		    bank->now.pack[k].feedback[pole] == CONTACT_CLOSED &&
		    bank->now_ms - bank->contactor[k].coil_ms[pole] >
			    site->open_ms + SEQUENCE_LATE_MS)
			sequence_weld(bank, k, (enum pole)pole, out);
	if (bank->plan.join == (int)k && closing_allowed(bank, k))
		closing_start(bank, k);
}

bool contactor_any_driven(const struct bank *bank, unsigned k)
{
	for (int pole = 0; pole < POLE_COUNT; pole++)
		if (bank->contactor[k].readback[pole] == CONTACT_CLOSED)
			return true;
	return false;
}

/* A coil line that does not follow its output: the driver stage or the pin is broken. */
static void check_readback(struct bank *bank, unsigned k, const struct bank_inputs *in,
			   struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];
	const int64_t allowed_ms =
		bank->site.pack[k].contactors.by_frames ? READBACK_FRAMES_MS : READBACK_MS;

	for (int pole = 0; pole < POLE_COUNT; pole++) {
		enum contact read = in->contacts[k].readback[pole];
		enum contact wanted = contactor->coil[pole] ? CONTACT_CLOSED : CONTACT_OPEN;
		contactor->readback[pole] = read;
		if (read == CONTACT_UNKNOWN || read == wanted ||
		    contactor->state == CONTACTOR_UNPROVEN) {
			contactor->mismatch_ms[pole] = 0;
			continue;
		}
		if (contactor->mismatch_ms[pole] == 0)
			contactor->mismatch_ms[pole] = bank->now_ms;
		int64_t stood_ms = bank->now_ms - contactor->mismatch_ms[pole];
		if (stood_ms >= allowed_ms)
			protect_trip(bank, out, (int)k, REASON_READBACK, (double)stood_ms,
				     (double)allowed_ms);
	}
}

/* A closing that lost what allowed it. */
static void give_up(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	const struct permit *permit = &bank->protect.pack[k].permit;
	const struct bank_permit *all = &bank->protect.permit;

	if (!permit->close)
		closing_abort(bank, k, out, permit->reason, permit->value, permit->threshold);
	else if (!all->close)
		closing_abort(bank, k, out, all->reason, all->value, all->threshold);
	else /* everything leaves, another pack has to, or the guard let go */
		closing_abort(bank, k, out,
			      bank->plan.stopping ? REASON_SHUTTING_DOWN : REASON_NOT_READY, NAN,
			      NAN);
}

static bool breaks_gently(const struct bank *bank, unsigned k)
{
	return num_inside(sequence_current_a(bank, k), 0.,
			  bank->site.pack[k].contactors.break_max_a);
}

/* A closing under way has lost what allowed it. Once the second pole is driven current may flow,
 * and only what forbids to stay closed breaks it. */
static bool is_lost(const struct bank *bank, unsigned k, bool let_go)
{
	switch ((int)bank->contactor[k].state) {
	case CONTACTOR_CLOSE_FIRST:
	case CONTACTOR_PRECHARGE:
		return let_go || !closing_allowed(bank, k);
	case CONTACTOR_CLOSE_SECOND:
		return let_go || !sequence_may_hold(bank, k);
	default:
		return false;
	}
}

static void run(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];
	bool let_go = bank->guard.let_go >> k & 1;

	if (is_lost(bank, k, let_go)) {
		/* A made circuit is left as a closed one is: its current may be the fuse's
		 * business. */
		if (contactor->state == CONTACTOR_CLOSE_SECOND && !let_go &&
		    !breaks_gently(bank, k))
			leaving_begin(bank, k, out);
		else
			give_up(bank, k, out);
		return;
	}
	switch (contactor->state) {
	case CONTACTOR_UNPROVEN:
		run_unproven(bank, k, out);
		break;
	case CONTACTOR_OPEN:
		run_open(bank, k, out);
		break;
	case CONTACTOR_CLOSE_FIRST:
		closing_first(bank, k, out);
		break;
	case CONTACTOR_PRECHARGE:
		closing_precharge(bank, k, out);
		break;
	case CONTACTOR_CLOSE_SECOND:
		closing_second(bank, k, out);
		break;
	case CONTACTOR_CLOSED:
		let_go ? leaving_let_go(bank, k, out) : leaving_closed(bank, k, out);
		break;
	case CONTACTOR_LEAVING:
		let_go ? leaving_let_go(bank, k, out) : leaving_steered(bank, k, out);
		break;
	case CONTACTOR_OPEN_FIRST:
	default: /* whatever it is: open */
		leaving_first(bank, k, out);
		break;
	case CONTACTOR_OPEN_SECOND:
		leaving_second(bank, k, out);
		break;
	}
}

/*
 * A pack that must be kept awake to report is kept awake while the bank may want it: a stopped bank
 * still watches its packs. Under the maintenance lock and at shutdown the frames end, but only
 * after the pack is proven open, or 5 s after it should have been.
 */
static bool needs_keep_alive(const struct bank *bank, unsigned k, bool shutdown)
{
	const struct contactor *contactor = &bank->contactor[k];

	if (frames_keep_silent(bank, k))
		return false;
	if (contactor->state != CONTACTOR_OPEN || !(bank->dispatch.locked || shutdown))
		return true;
	return contactor->connected && bank->now_ms - contactor->opened_ms < KEEP_ALIVE_MS;
}

/* Full voltage while a coil pulls in, where an economiser holds it with less. */
static bool needs_boost(const struct bank *bank, unsigned k, struct bank_outputs *out)
{
	const struct contactor *contactor = &bank->contactor[k];
	int32_t boost_ms = bank->site.pack[k].contactors.boost_ms;
	bool boost = false;

	for (int pole = 0; pole < POLE_COUNT; pole++) {
		int64_t until_ms = contactor->coil_ms[pole] + boost_ms;
		if (!contactor->coil[pole] || bank->now_ms >= until_ms)
			continue;
		boost = true;
		bank_step_by(out, until_ms);
	}
	return boost;
}

static void step_pack(struct bank *bank, unsigned k, const struct bank_inputs *in,
		      struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];

	run(bank, k, out);
	update_books(bank, k);
	if (in_sequence(contactor))
		bank_step_by(out, bank->now_ms + SEQUENCE_STEP_MS);
	memcpy(out->pack[k].coil, contactor->coil, sizeof contactor->coil);
	out->pack[k].keep_alive = needs_keep_alive(bank, k, in->shutdown);
	out->pack[k].boost = needs_boost(bank, k, out);
}

void contactor_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	const int joins = bank->plan.join;

	/* Before anything moves: a line that does not follow stops the whole bank. */
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		if (in->found_driven >> k & 1)
			bank_event(bank, out, EVENT_NOTE, REASON_FOUND_DRIVEN, (int)k, NAN, NAN);
		check_readback(bank, k, in, out);
	}
	/* Who closes goes last: a pack that begins to leave in this step forbids it. */
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if ((int)k != joins)
			step_pack(bank, k, in, out);
	if (joins >= 0)
		step_pack(bank, (unsigned)joins, in, out);
}

bool contactor_defies_trip(const struct bank *bank, unsigned k)
{
	const struct contactor *contactor = &bank->contactor[k];
	bool trip = bank->protect.pack[k].permit.immediate || !bank->protect.permit.hold;
	bool stuck = contactor->stray_ms != 0;

	for (int pole = POLE_NEGATIVE; pole <= POLE_POSITIVE; pole++)
		stuck = stuck || contactor->welded[pole];
	return contactor->trip_weld ||
	       (trip && stuck && contactor->connected && contactor->state == CONTACTOR_OPEN);
}

bool contactor_still_welded(const struct bank *bank, unsigned k)
{
	if (bank->contactor[k].stray_ms)
		return true;
	for (int pole = 0; pole < POLE_COUNT; pole++)
		if (bank->contactor[k].welded[pole] &&
		    bank->now.pack[k].feedback[pole] == CONTACT_CLOSED)
			return true;
	return false;
}

void contactor_release(struct bank *bank, unsigned k)
{
	memset(bank->contactor[k].welded, 0, sizeof bank->contactor[k].welded);
	bank->contactor[k].trip_weld = false;
	bank->contactor[k].tries = bank->contactor[k].failures = 0;
	/* No dwell and no pause after an operator has looked at it. */
	bank->contactor[k].closed_ms = bank->contactor[k].retry_ms = 0;
	bank->fresh[k].chatter = 0;
}
