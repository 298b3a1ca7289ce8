#include <string.h>

#include "core/bank.h"
#include "core/num.h"
#include "core/rules.h"
#include "core/text.h"

/* ---- events ---- */

void bank_event(struct bank *bank, struct bank_outputs *out, enum event_kind kind,
		enum reason reason, int pack, double value, double threshold)
{
	if (out->n_events >= EVENT_MAX) {
		out->events_dropped++;
		return;
	}
	struct event *event = &out->event[out->n_events++];
	event->at_ms = bank->now_ms;
	event->seq = ++bank->event_seq;
	event->kind = kind;
	event->reason = reason;
	event->pack = (int16_t)pack;
	event->value = value;
	event->threshold = threshold;
}

void bank_step_by(struct bank_outputs *out, int64_t at_ms)
{
	if (at_ms < out->next_step_ms)
		out->next_step_ms = at_ms;
}

/* ---- state ---- */

static bool any_connected(const struct bank *bank)
{
	return contactor_connected(bank) != 0;
}

static bool is_derated(const struct bank *bank)
{
	enum reason reason = bank->dispatch.reason;

	return bank->dispatch.degraded || bank->protect.permit.derate < 1. ||
	       (reason != REASON_OK && reason != REASON_NO_SETPOINT &&
		reason != REASON_CLAMPED_RAMP);
}

static enum bank_state state_now(const struct bank *bank)
{
	if (bank->protect.permit.tripped)
		return BANK_TRIPPED;
	if (bank->plan.stopping && !bank->plan.regrouping)
		return any_connected(bank) ? BANK_STOPPING : BANK_STOPPED;
	if (!contactor_connected(bank) || !bank->plan.pcs_run || bank->plan.regrouping)
		return BANK_STARTING;
	if (bank->dispatch.winner < 0 && bank->plan.power_w == 0.)
		return BANK_READY;
	return is_derated(bank) ? BANK_DERATED : BANK_RUNNING;
}

/* Short of a trip or a stop, the state follows after it has been the same for a while. */
static int32_t patience_ms(enum bank_state from, enum bank_state to)
{
	bool calm = from >= BANK_READY && from <= BANK_DERATED && to >= BANK_READY &&
		    to <= BANK_DERATED;

	return !calm ? 0 : from == BANK_DERATED ? 10000 : 1000;
}

static bool waits_for_start(const struct bank *bank)
{
	const struct dispatch *dispatch = &bank->dispatch;

	return bank->state == BANK_STOPPED && bank->site.start == START_COMMAND &&
	       !dispatch->started && !dispatch->stopped && !dispatch->locked;
}

static void update_state(struct bank *bank, struct bank_outputs *out)
{
	enum bank_state state = state_now(bank);

	bank->state_reason = waits_for_start(bank)   ? REASON_START_WAIT
			     : state == BANK_TRIPPED ? bank->protect.permit.reason
			     : state == BANK_STARTING && !bank->protect.permit.close
				     ? bank->protect.permit.reason
				     : bank->dispatch.reason;
	if (state == bank->state)
		bank->state_ms = bank->now_ms;
	if ((state == bank->state && bank->steps > 1) ||
	    bank->now_ms - bank->state_ms < patience_ms(bank->state, state))
		return;
	bank->state = state;
	bank->state_ms = bank->now_ms;
	bank_event(bank, out, EVENT_NOTE, REASON_STATE, -1, (double)state, NAN);
}

/* ---- one step ---- */

static void take_time(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	if (bank->steps++ == 0) {
		bank->start_ms = bank->last_ms = in->now_ms;
		for (unsigned k = 0; k < bank->site.n_packs; k++)
			bank->contactor[k].since_ms = in->now_ms;
	}
	bank->last_ms = bank->steps > 1 ? bank->now_ms : in->now_ms;
	bank->now_ms = in->now_ms > bank->last_ms ? in->now_ms : bank->last_ms;
	bank->dt_s = (double)(bank->now_ms - bank->last_ms) / 1000.;
	out->next_step_ms = bank->now_ms + bank->site.tick_ms;
	if (bank->steps == 1)
		bank_event(bank, out, EVENT_NOTE, REASON_STARTED, -1, NAN, NAN);
}

void bank_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	memset(out, 0, sizeof *out);
	take_time(bank, in, out);
	fresh_step(bank, in, out);     /* age of every reading -> known or NaN */
	estimate_step(bank, in, out);  /* state of charge, source voltage, resistance */
	protect_step(bank, in, out);   /* rules x readings -> permits, trips, latches */
	limits_step(bank, in, out);    /* connected set -> exact bank limits */
	dispatch_step(bank, in, out);  /* sources -> wanted power */
	plan_step(bank, in, out);      /* who should be connected, power that serves it */
	contactor_step(bank, in, out); /* proven sequences -> coils */
	guard_step(bank, in, out);     /* may only open, or set power to zero */
	life_step(bank, in, out);      /* counters that never go back */
	update_state(bank, out);
}

/* ---- across restarts ---- */

static const struct pack_saved *find_saved(const struct bank_saved *saved, const char *id)
{
	if (!saved || !saved->valid)
		return NULL;
	for (unsigned k = 0; k < saved->n_packs && k < PACK_MAX; k++)
		if (saved->pack[k].valid && text_equal(saved->pack[k].id, id, ID_SIZE))
			return &saved->pack[k];
	return NULL;
}

static void restore_latches(struct rule_result *result, const struct rule *rule, unsigned n,
			    uint64_t latched, uint64_t *active)
{
	for (unsigned r = 0; r < n; r++) {
		if (!(latched >> r & 1) || !(rule[r].flags & RULE_LATCH))
			continue;
		result[r].active = result[r].latched = result[r].told = true;
		if (active)
			*active |= 1ull << r;
	}
}

static void restore_pack(struct bank *bank, unsigned k, const struct pack_saved *saved)
{
	struct protect_pack *protect = &bank->protect.pack[k];

	restore_latches(protect->rule, pack_rules, n_pack_rules, saved->latched, &protect->active);
	memcpy(bank->contactor[k].welded, saved->welded, sizeof saved->welded);
	bank->contactor[k].alternate = saved->alternate;
	bank->life[k] = saved->life;
}

void bank_init(struct bank *bank, const struct site *site, const struct bank_saved *saved)
{
	memset(bank, 0, sizeof *bank);
	bank->site = *site;
	bank->plan.join = bank->plan.leave = bank->plan.candidate = -1;
	protect_init(&bank->protect, site);
	dispatch_init(&bank->dispatch, site, saved);
	for (unsigned k = 0; k < site->n_packs; k++) {
		const struct pack_saved *pack = find_saved(saved, site->pack[k].id);
		estimate_init(&bank->estimate[k], &site->pack[k], pack);
		if (pack)
			restore_pack(bank, k, pack);
	}
	if (saved && saved->valid) {
		bank->event_seq = saved->event_seq;
		restore_latches(bank->protect.rule, bank_rules, n_bank_rules, saved->latched, NULL);
	}
}

static void save_pack(const struct bank *bank, unsigned k, struct pack_saved *saved)
{
	const struct estimate *estimate = &bank->estimate[k];

	memcpy(saved->id, bank->site.pack[k].id, sizeof saved->id);
	saved->valid = true;
	saved->soc = estimate->soc;
	saved->soc_sigma = estimate->soc_sigma;
	saved->capacity_ah = estimate->capacity_ah;
	saved->growth = estimate->growth;
	saved->i_offset_a = estimate->x[2];
	memcpy(saved->welded, bank->contactor[k].welded, sizeof saved->welded);
	saved->alternate = bank->contactor[k].alternate;
	saved->disabled = bank->dispatch.disabled >> k & 1;
	saved->latched = protect_latched(bank->protect.pack[k].rule, n_pack_rules);
	saved->life = bank->life[k];
}

void bank_save(const struct bank *bank, const struct bank_inputs *in, struct bank_saved *saved)
{
	memset(saved, 0, sizeof *saved);
	saved->valid = true;
	saved->utc_ms = in->clock_synced ? in->utc_ms : 0;
	saved->event_seq = bank->event_seq;
	saved->latched = protect_latched(bank->protect.rule, n_bank_rules);
	saved->n_packs = bank->site.n_packs;
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		save_pack(bank, k, &saved->pack[k]);
	dispatch_save(&bank->dispatch, saved);
}

/* ---- words ---- */

const char *bank_state_word(enum bank_state state)
{
	static const char *const word[] = {
		[BANK_STARTING] = "starting", [BANK_READY] = "ready",
		[BANK_RUNNING] = "running",   [BANK_DERATED] = "derated",
		[BANK_STOPPING] = "stopping", [BANK_STOPPED] = "stopped",
		[BANK_TRIPPED] = "tripped",
	};

	return (unsigned)state <= BANK_TRIPPED ? word[state] : "tripped";
}

const char *dispatch_mode_word(enum dispatch_mode mode)
{
	static const char *const word[] = {
		[MODE_DEFAULT] = "default", [MODE_SETPOINT] = "setpoint", [MODE_LOCAL] = "local",
		[MODE_STOPPED] = "stopped", [MODE_TRIPPED] = "tripped",
	};

	return (unsigned)mode <= MODE_TRIPPED ? word[mode] : "default";
}
