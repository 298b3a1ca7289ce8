#include "core/proof.h"
#include "core/bank.h"
#include "core/num.h"

enum { INPUT_STALE_MS = 500 };

static const double day_s = 86400., told_again_s = 3600.;

static const enum reason done_reason[PROOF_TESTS] = {
	[PROOF_ESTOP] = REASON_ESTOP_TEST_DONE,
	[PROOF_HEARTBEAT] = REASON_HEARTBEAT_TEST_DONE,
	[PROOF_DEAD_MAN] = REASON_DEAD_MAN_TEST_DONE,
	[PROOF_INSULATION] = REASON_INSULATION_TEST_DONE,
	[PROOF_WELD] = REASON_WELD_TEST_DONE,
};

/* ---- age ------------------------------------------------------------------------------------- */

static double age_s(const struct proof *proof, const struct bank_inputs *in)
{
	double wall_s = in->clock_synced && proof->utc_ms
				? (double)(in->utc_ms - proof->utc_ms) / 1000.
				: 0.;

	return num_max(proof->run_s, wall_s);
}

static void count(struct proof *proof, const struct bank_inputs *in, double dt_s)
{
	proof->run_s += dt_s;
	if (in->clock_synced && proof->utc_ms == 0)
		proof->utc_ms = in->utc_ms - (int64_t)(1000. * proof->run_s);
}

/* Seen now. Told when it was due, or not seen just before. */
static void take(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out,
		 enum proof_test test, int pack, struct proof *proof)
{
	const struct proof_site *site = &bank->site.proof;
	double before_s = age_s(proof, in);
	bool due =
		site->period_d[test] > 0. && site->period_d[test] - before_s / day_s < site->warn_d;

	if (due || before_s > told_again_s)
		bank_event(bank, out, EVENT_NOTE, done_reason[test], pack, before_s / day_s,
			   site->period_d[test]);
	*proof = (struct proof){.utc_ms = in->clock_synced ? in->utc_ms : 0};
}

/* ---- what is seen by itself ------------------------------------------------------------------ */

/* Every pole that is ours shows open: by its contact, or by a bus that nobody else holds and that
 * lost its voltage after this opening. */
static bool shows_open(const struct bank *bank, unsigned k)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	const struct contactor *contactor = &bank->contactor[k];
	bool by_contacts = true, welded = false;

	for (int pole = 0; pole < POLE_COUNT; pole++) {
		welded = welded || contactor->welded[pole];
		if (site->has[pole] && (pole != POLE_PRECHARGE || site->feedback[pole]))
			by_contacts =
				by_contacts && bank->now.pack[k].feedback[pole] == CONTACT_OPEN;
	}
	if (welded || contactor->state != CONTACTOR_OPEN)
		return false;
	return by_contacts || (bank->proofs.opening[k] && contactor_connected(bank) == 0 &&
			       contactor->start_v > bank->site.bus.dead_v &&
			       bank->now.bus_v < 0.9 * contactor->start_v);
}

static void see_contactors(struct bank *bank, const struct bank_inputs *in,
			   struct bank_outputs *out, unsigned k)
{
	if (shows_open(bank, k))
		take(bank, in, out, PROOF_WELD, (int)k, &bank->proofs.weld[k]);
	bank->proofs.opening[k] = bank->contactor[k].state == CONTACTOR_OPEN_SECOND;
}

/* Pressed and released: a line that only ever reads one of them proves nothing. */
static void see_estop(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	const struct digital_input *input = &in->input[INPUT_ESTOP];

	if (input->stamp_ms == 0 || bank->now_ms - input->stamp_ms > INPUT_STALE_MS)
		return;
	if (input->level == LEVEL_TRIPPED)
		bank->proofs.pressed = true;
	if (input->level != LEVEL_OK || !bank->proofs.pressed)
		return;
	bank->proofs.pressed = false;
	take(bank, in, out, PROOF_ESTOP, ABOUT_BANK, &bank->proofs.bank[PROOF_ESTOP]);
}

static unsigned dead_men(const struct bank *bank, bool proven_only)
{
	unsigned n = 0;

	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		n += bank->site.pcs[i].dead_man_ms > 0 &&
		     (!proven_only || bank->now.pcs[i].dead_man_proven);
	return n;
}

/* ---- what is left ---------------------------------------------------------------------------- */

static bool is_fitted(const struct bank *bank, enum proof_test test)
{
	switch (test) {
	case PROOF_ESTOP:
		return bank->site.input[INPUT_ESTOP].present;
	case PROOF_DEAD_MAN:
		return dead_men(bank, false) > 0;
	case PROOF_INSULATION:
		return bank->site.has_imd || bank->site.input[INPUT_INSULATION].present;
	case PROOF_HEARTBEAT:
	case PROOF_WELD:
	case PROOF_TESTS:
		break;
	}
	return true;
}

static double left_d(const struct bank *bank, const struct bank_inputs *in, enum proof_test test,
		     const struct proof *proof)
{
	double period_d = bank->site.proof.period_d[test];

	return period_d > 0. && is_fitted(bank, test) ? period_d - age_s(proof, in) / day_s
						      : (double)NAN;
}

void proof_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	struct proofs *proofs = &bank->proofs;

	for (int test = 0; test < PROOF_BANK_TESTS; test++)
		count(&proofs->bank[test], in, bank->dt_s);
	see_estop(bank, in, out);
	if (dead_men(bank, false) > 0 && dead_men(bank, true) == dead_men(bank, false))
		take(bank, in, out, PROOF_DEAD_MAN, ABOUT_BANK, &proofs->bank[PROOF_DEAD_MAN]);
	for (int test = 0; test < PROOF_BANK_TESTS; test++)
		proofs->bank_left_d[test] =
			left_d(bank, in, (enum proof_test)test, &proofs->bank[test]);
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		count(&proofs->weld[k], in, bank->dt_s);
		see_contactors(bank, in, out, k);
		proofs->weld_left_d[k] = left_d(bank, in, PROOF_WELD, &proofs->weld[k]);
	}
}

enum reason proof_seen(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out,
		       enum proof_test test, int pack)
{
	struct proof *proof;

	if ((unsigned)test >= PROOF_TESTS || (test == PROOF_WELD) != (pack >= 0) ||
	    pack >= (int)bank->site.n_packs)
		return REASON_OUT_OF_RANGE;
	if (test == PROOF_WELD && contactor_still_welded(bank, (unsigned)pack))
		return REASON_FAULT;
	proof = test == PROOF_WELD ? &bank->proofs.weld[pack] : &bank->proofs.bank[test];
	proof->run_s = num_max(proof->run_s, told_again_s + 1.); /* always told */
	take(bank, in, out, test, pack, proof);
	return REASON_OK;
}

const char *proof_word(enum proof_test test)
{
	static const char *const word[PROOF_TESTS] = {
		[PROOF_ESTOP] = "estop",       [PROOF_HEARTBEAT] = "heartbeat",
		[PROOF_DEAD_MAN] = "dead-man", [PROOF_INSULATION] = "insulation",
		[PROOF_WELD] = "weld",
	};

	return (unsigned)test < PROOF_TESTS ? word[test] : "";
}
