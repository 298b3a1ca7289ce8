#include "core/bank.h"
#include "core/num.h"
#include "core/sequence.h"

enum {
	GRACE_MS = 100,          /* beyond a hold deadline: nobody else opened it */
	HEARTBEAT_LATE_MS = 400, /* a tick later than this gives no heartbeat */
	READY_W = 500,           /* converters count as still below this when first looked at */
	SILENT_MS = 5000,        /* one of several that is silent so long is left out */
};

/* Most a pack may differ from the bus when its circuit closes: precharge leaves 2 % or 5 V, the
 * join rule leaves less. */
static double close_window_v(const struct bank *bank, unsigned k)
{
	return num_max(5., 0.02 * bank->now.pack[k].pack_v);
}

static void intervene(struct bank *bank, struct bank_outputs *out, enum reason reason, int pack,
		      double value, double threshold)
{
	struct guard *guard = &bank->guard;

	guard->interventions++;
	guard->last = reason;
	guard->last_pack = pack;
	bank_event(bank, out, EVENT_NOTE, REASON_INTERNAL, pack, value, threshold);
}

/* Into the books as any other opening: when, and what it broke. */
static void open_coil(struct bank *bank, struct bank_outputs *out, unsigned k, int pole)
{
	sequence_drive(bank, k, (enum pole)pole, false);
	bank->guard.let_go |= 1ull << k;
	out->pack[k].coil[pole] = false;
	const bool *coil = out->pack[k].coil;
	if (!coil[POLE_NEGATIVE] && !coil[POLE_POSITIVE] && !coil[POLE_PRECHARGE])
		out->pack[k].boost = false;
}

/* Every main pole that is ours to move is driven. */
static bool closes_circuit(const struct bank *bank, const struct bank_outputs *out, unsigned k)
{
	const bool *has = bank->site.pack[k].contactors.has;
	const bool *coil = out->pack[k].coil;

	return (coil[POLE_NEGATIVE] || coil[POLE_POSITIVE]) &&
	       coil[POLE_NEGATIVE] == has[POLE_NEGATIVE] &&
	       coil[POLE_POSITIVE] == has[POLE_POSITIVE];
}

/* Invariant 1 and 3: a coil rises only with both permits of this tick, one pack at a time, and a
 * circuit closes only onto a bus shown to be near. */
static bool may_rise(const struct bank *bank, const struct bank_outputs *out, unsigned k, int pole)
{
	if (!bank->guard.ready || !bank->protect.permit.close ||
	    !bank->protect.pack[k].permit.close || !contactor_sequence_free(bank, k))
		return false;
	if (pole == POLE_PRECHARGE)
		return contactor_connected(bank) == 0 && !out->pcs_enable;
	if (!closes_circuit(bank, out, k))
		return true;
	if (bank->site.pack[k].contactors.by_frames &&
	    (contactor_connected(bank) & ~(1ull << k)) == 0)
		return !out->pcs_enable &&
		       num_inside(bank->now.bus_v, -bank->site.bus.dead_v, bank->site.bus.dead_v);
	return num_inside(bank->now.pack[k].pack_v - bank->now.bus_v, -close_window_v(bank, k),
			  close_window_v(bank, k));
}

static void guard_coils(struct bank *bank, struct bank_outputs *out, unsigned k)
{
	struct guard *guard = &bank->guard;

	for (int pole = 0; pole < POLE_COUNT; pole++) {
		bool rises = out->pack[k].coil[pole] && !guard->coil[k][pole];
		if (rises && !may_rise(bank, out, k, pole)) {
			open_coil(bank, out, k, pole);
			intervene(bank, out, REASON_NOT_READY, (int)k, bank->now.pack[k].pack_v,
				  bank->now.bus_v);
		}
	}
}

/* Invariant 1: none stays closed past its deadline, whoever forgot it. */
static void guard_hold(struct bank *bank, struct bank_outputs *out, unsigned k)
{
	const struct permit *permit = &bank->protect.pack[k].permit;
	int64_t deadline_ms = permit->hold ? INT64_MAX : permit->hold_deadline_ms;

	if (!bank->protect.permit.hold && bank->protect.permit.hold_deadline_ms < deadline_ms)
		deadline_ms = bank->protect.permit.hold_deadline_ms;
	if (deadline_ms == INT64_MAX || bank->now_ms < deadline_ms + GRACE_MS)
		return;
	for (int pole = 0; pole < POLE_COUNT; pole++) {
		if (!out->pack[k].coil[pole])
			continue;
		open_coil(bank, out, k, pole);
		intervene(bank, out, permit->reason, (int)k, (double)bank->now_ms,
			  (double)deadline_ms);
	}
}

/* Invariant 7: the converters' enable needs its permit, a closed pack, and no coil that must drop.
 */
static bool may_enable(const struct bank *bank, const struct bank_outputs *out)
{
	bool closed = false;

	if (!bank->protect.permit.pcs_enable || !bank->protect.permit.hold)
		return false;
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		bool circuit = closes_circuit(bank, out, k);
		bool works = circuit && bank->site.pack[k].contactors.by_frames &&
			     bank->contactor[k].state < CONTACTOR_CLOSED;
		closed = closed || (circuit && !works);
		if (works ? bank->contactor[k].by_precharge
			  : out->pack[k].coil[POLE_PRECHARGE] && !circuit)
			return false;
		if (bank->protect.pack[k].permit.immediate && bank->contactor[k].connected)
			return false;
	}
	return closed;
}

static void guard_power(struct bank *bank, struct bank_outputs *out)
{
	if (out->pcs_enable && !may_enable(bank, out)) {
		/* A circuit that opened in this very tick is the ordinary way here. */
		out->pcs_enable = false;
	}
	for (unsigned i = 0; i < PCS_MAX; i++) {
		double rated_w = i < bank->site.n_pcs ? bank->site.pcs[i].p_max_w : 0.;
		bool allowed = out->pcs_enable && bank->protect.permit.power;
		if (!out->pcs_enable)
			out->pcs[i].run = false;
		if (out->pcs[i].p_w == 0. ||
		    (allowed && num_inside(out->pcs[i].p_w, -1.001 * rated_w, 1.001 * rated_w)))
			continue;
		if (allowed)
			intervene(bank, out, REASON_OUT_OF_RANGE, -1, out->pcs[i].p_w, rated_w);
		out->pcs[i].p_w = 0.;
	}
}

int64_t guard_enable_low_ms(const struct bank *bank)
{
	if (!bank->site.has_pcs_enable || bank->guard.pcs_drop_ms == 0)
		return -1;
	return bank->now_ms - bank->guard.pcs_drop_ms;
}

/* Each converter gives nothing: it says so, or its enable line has been low while it was silent. */
static bool converters_rest(const struct bank *bank)
{
	bool low = bank->site.has_pcs_enable && bank->now_ms - bank->start_ms >= SILENT_MS;
	bool any = bank->site.n_pcs == 0;

	for (unsigned i = 0; i < bank->site.n_pcs; i++) {
		/* One that steers itself may be mute until there is a battery. */
		bool seen = bank->now.pcs[i].known || bank->site.pcs[i].self_steered;

		if (seen ? !num_inside(bank->now.pcs[i].dc_w, -READY_W, READY_W) : !low)
			return false;
		any = any || seen;
	}
	return any;
}

/* Hazards rule 7: nothing may move and the heartbeat is silent until every coil line reads back
 * inactive, feedback says open and the converters give nothing. */
static bool is_ready(const struct bank *bank)
{
	if (bank->guard.ready)
		return true;
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if (contactor_any_driven(bank, k) || bank->contactor[k].state == CONTACTOR_UNPROVEN)
			return false;
	return converters_rest(bank);
}

void guard_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	struct guard *guard = &bank->guard;

	guard->ready = is_ready(bank);
	guard->let_go = 0;
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		guard_coils(bank, out, k);
		guard_hold(bank, out, k);
	}
	guard_power(bank, out);
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		for (int pole = 0; pole < POLE_COUNT; pole++)
			guard->coil[k][pole] = out->pack[k].coil[pole];
	if (out->pcs_enable)
		guard->pcs_drop_ms = 0;
	else if (guard->pcs_drop_ms == 0)
		guard->pcs_drop_ms = bank->now_ms;
	out->heartbeat = in->tick && guard->ready && in->lateness_ms < HEARTBEAT_LATE_MS &&
			 in->gpio == GPIO_OK;
}
