#include <string.h>

#include "core/bank.h"
#include "core/closing.h"
#include "core/leaving.h"
#include "core/num.h"
#include "core/sequence.h"

enum {
	SEQUENCE_STEP_MS = 20, /* a bus sample this often while a pack is in sequence */
	START_PROOF_MS = 1000, /* feedback must show open after start within */
	OFF_MS = 100,          /* after pcs_enable fell, converters are off */
	READBACK_MS = 200,
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
	bool opening = contactor->state == CONTACTOR_OPEN_FIRST ||
		       contactor->state == CONTACTOR_OPEN_SECOND;
	return opening && bank->now.pack[k].feedback[pole] != CONTACT_OPEN;
}

static void update_books(struct bank *bank, unsigned k)
{
	struct contactor *contactor = &bank->contactor[k];
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	const enum contact *feedback = bank->now.pack[k].feedback;

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

bool contactor_sequence_free(const struct bank *bank, unsigned except)
{
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if (k != except && in_sequence(&bank->contactor[k]))
			return false;
	return true;
}

bool contactor_converters_off(const struct bank *bank)
{
	if (bank->guard.pcs_drop_ms && bank->now_ms - bank->guard.pcs_drop_ms >= OFF_MS)
		return true;
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		if (bank->now.pcs[i].state != PCS_OFF ||
		    !num_inside(bank->now.pcs[i].dc_a, -1., 1.))
			return false;
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
	for (int pole = 0; pole < POLE_COUNT; pole++) {
		if (!site->has[pole] || !site->feedback[pole] ||
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

static void run_open(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;

	for (int pole = 0; pole < POLE_COUNT; pole++)
		if (site->has[pole] && bank->now.pack[k].feedback[pole] == CONTACT_CLOSED &&
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
		if (stood_ms >= READBACK_MS)
			protect_trip(bank, out, (int)k, REASON_READBACK, (double)stood_ms,
				     READBACK_MS);
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
	else /* everything leaves, or another pack has to */
		closing_abort(bank, k, out,
			      bank->plan.stopping ? REASON_SHUTTING_DOWN : REASON_NOT_READY, NAN,
			      NAN);
}

static void run(struct bank *bank, unsigned k, struct bank_outputs *out)
{
	struct contactor *contactor = &bank->contactor[k];
	/* Once the second pole is driven current may flow, and only what forbids to stay closed
	 * breaks it. */
	bool closing = contactor->state == CONTACTOR_CLOSE_FIRST ||
		       contactor->state == CONTACTOR_PRECHARGE;
	bool lost =
		closing ? !closing_allowed(bank, k)
			: contactor->state == CONTACTOR_CLOSE_SECOND && !sequence_may_hold(bank, k);

	if (lost) {
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
		leaving_closed(bank, k, out);
		break;
	case CONTACTOR_LEAVING:
		leaving_steered(bank, k, out);
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

/* Keep-alive frames end only after the pack is proven open, or 5 s after it should have been. */
static bool needs_keep_alive(const struct bank *bank, unsigned k)
{
	const struct contactor *contactor = &bank->contactor[k];

	if (contactor->state != CONTACTOR_OPEN || !bank->plan.stopping)
		return true;
	return contactor->connected && bank->now_ms - contactor->opened_ms < KEEP_ALIVE_MS;
}

void contactor_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	/* Before anything moves: a line that does not follow stops the whole bank. */
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		check_readback(bank, k, in, out);
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		struct contactor *contactor = &bank->contactor[k];

		run(bank, k, out);
		update_books(bank, k);
		if (in_sequence(contactor))
			bank_step_by(out, bank->now_ms + SEQUENCE_STEP_MS);
		memcpy(out->pack[k].coil, contactor->coil, sizeof contactor->coil);
		out->pack[k].keep_alive = needs_keep_alive(bank, k);
	}
}

bool contactor_still_welded(const struct bank *bank, unsigned k)
{
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
	bank->contactor[k].tries = 0;
	bank->contactor[k].closed_ms = 0; /* no dwell after an operator has looked at it */
	bank->fresh[k].chatter = 0;
}
