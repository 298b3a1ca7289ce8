#include "core/admit.h"
#include "core/bank.h"
#include "core/num.h"
#include "core/text.h"

enum {
	VALID_HARD_MAX_S = 3600,
	VALID_UNSYNCED_MAX_S = 60, /* without a clock, age is unknown: keep lifetimes short */
	START_AHEAD_MAX_MS = 60000,
};

/* Beyond this multiple of the rating a setpoint is a slip of units, not a wish. */
static const double range_factor = 1.2;

bool admit_is_local(const struct command *c)
{
	return c->source == DISPATCH_LOCAL;
}

enum reason admit_right(const struct bank *bank, const struct command *c)
{
	const struct source_site *site = &bank->site.source[c->source];
	bool setpoint = dispatch_series_of(c) == SERIES_SETPOINT;

	if (admit_is_local(c) || (setpoint ? site->may_setpoint : site->may_command))
		return REASON_OK;
	return REASON_UNKNOWN_SOURCE;
}

/*
 * The local channel is a socket with peer credentials: nothing on it can be an old message, and an
 * operator's stop must not hang on counters or clocks.
 */
static enum reason check_replay(const struct dispatch_memory *memory, const struct command *c)
{
	if (admit_is_local(c) || !memory->has_seq)
		return REASON_OK;
	if (text_equal(memory->session, c->session, sizeof memory->session))
		return c->seq > memory->last_seq ? REASON_OK : REASON_REPLAY;
	return c->ts_utc_ms > memory->last_ts_utc_ms ? REASON_OK : REASON_REPLAY;
}

/*
 * Less power is always safe: a source may end what it has in command, or ask for 0 W instead, with
 * whatever time its message carries. After a step of either clock nothing else could stop it early.
 */
static bool asks_for_less(const struct bank *bank, const struct command *c)
{
	const struct dispatch_source *source = &bank->dispatch.source[c->source];

	if (c->kind == COMMAND_RELEASE)
		return source->now.live || source->next.live;
	return c->kind == COMMAND_SETPOINT && c->p_w == 0.0 && c->start_utc_ms == 0 &&
	       source->now.live && source->now.leads;
}

double admit_age_s(const struct bank_inputs *in, const struct command *c)
{
	/* Difference in double: what was sent may be any integer. */
	return ((double)in->utc_ms - (double)c->ts_utc_ms) / 1000.0;
}

static enum reason check_clock(const struct bank *bank, const struct bank_inputs *in,
			       const struct command *c)
{
	const struct source_site *site = &bank->site.source[c->source];
	double age_s = admit_age_s(in, c);
	double up_s = (double)(bank->now_ms - bank->start_ms) / 1000.0;

	if (admit_is_local(c))
		return REASON_OK;
	if (c->boot_given && !c->boot_matches)
		return REASON_STALE_BOOT;
	if (asks_for_less(bank, c))
		return REASON_OK;
	if (!in->clock_synced) {
		if (!c->boot_given)
			return REASON_STALE_BOOT;
		return c->n_fresh ? REASON_OK : REASON_CLOCK_UNSYNCED;
	}
	if (age_s > site->stale_s || age_s > up_s)
		return REASON_STALE;
	return -age_s > site->future_s ? REASON_FUTURE : REASON_OK;
}

static enum reason check_values(const struct bank *bank, const struct bank_inputs *in,
				const struct command *c)
{
	bool short_lived = !in->clock_synced && !admit_is_local(c) && !asks_for_less(bank, c);
	double valid_max_s = short_lived ? VALID_UNSYNCED_MAX_S : VALID_HARD_MAX_S;
	double ahead_ms = (double)c->start_utc_ms - (double)in->utc_ms;

	if (!isfinite(c->valid_s))
		return REASON_NOT_FINITE;
	if (c->valid_s <= 0.0)
		return REASON_OUT_OF_RANGE;
	if (!(c->valid_s <= bank->site.source[c->source].valid_max_s) || c->valid_s > valid_max_s)
		return REASON_VALID_TOO_LONG;
	if (!isfinite(c->p_w) || isinf(c->ramp_w_s))
		return REASON_NOT_FINITE;
	if (!(fabs(c->p_w) <= range_factor * bank->site.grid.p_max_w) || c->ramp_w_s <= 0.0)
		return REASON_OUT_OF_RANGE;
	if (c->start_utc_ms == 0)
		return REASON_OK;
	if (!in->clock_synced)
		return REASON_CLOCK_UNSYNCED;
	if (ahead_ms > START_AHEAD_MAX_MS)
		return REASON_FUTURE;
	return -ahead_ms > VALID_HARD_MAX_S * 1000.0 ? REASON_STALE : REASON_OK;
}

/* A remote source may always ask for less: release and, unless locked out altogether, stop. It may
 * start again what it stopped itself; a stop on site is the operator's to end. */
static enum reason check_locks(const struct bank *bank, const struct command *c)
{
	const struct dispatch *d = &bank->dispatch;
	bool less = c->kind == COMMAND_STOP || c->kind == COMMAND_LOCK;
	bool own = c->kind == COMMAND_START && d->stopped_by == c->source;

	if (admit_is_local(c))
		return REASON_OK;
	if (dispatch_remote_locked(bank) || (d->stopped && !less && !own))
		return REASON_LOCAL_LOCK;
	return REASON_OK;
}

enum reason admit_message(const struct bank *bank, const struct bank_inputs *in,
			  const struct command *c)
{
	const struct dispatch_source *source = &bank->dispatch.source[c->source];
	enum reason reason = check_replay(&source->memory[dispatch_series_of(c)], c);

	return reason != REASON_OK ? reason : check_clock(bank, in, c);
}

enum reason admit_setpoint(const struct bank *bank, const struct bank_inputs *in,
			   const struct command *c)
{
	enum reason reason = check_values(bank, in, c);

	if (reason == REASON_OK)
		reason = check_locks(bank, c);
	if (reason != REASON_OK)
		return reason;
	if (in->shutdown)
		return REASON_SHUTTING_DOWN;
	return bank->protect.permit.tripped ? REASON_FAULT : REASON_OK;
}

enum reason admit_operation(const struct bank *bank, const struct bank_inputs *in,
			    const struct command *c)
{
	enum reason reason = check_locks(bank, c);

	if (reason == REASON_OK && in->shutdown && c->kind == COMMAND_START)
		return REASON_SHUTTING_DOWN;
	return reason;
}
