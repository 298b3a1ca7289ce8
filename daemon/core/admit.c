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
	bool setpoint = c->kind == COMMAND_SETPOINT || c->kind == COMMAND_RELEASE;

	if (admit_is_local(c) || (setpoint ? site->may_setpoint : site->may_command))
		return REASON_OK;
	return REASON_UNKNOWN_SOURCE;
}

/*
 * The local channel is a socket with peer credentials: nothing on it can be an old message, and an
 * operator's stop must not hang on counters or clocks.
 */
static enum reason check_replay(const struct dispatch_source *source, const struct command *c)
{
	if (admit_is_local(c) || !source->has_seq)
		return REASON_OK;
	if (text_equal(source->session, c->session, sizeof source->session))
		return c->seq > source->last_seq ? REASON_OK : REASON_REPLAY;
	return c->ts_utc_ms > source->last_ts_utc_ms ? REASON_OK : REASON_REPLAY;
}

static enum reason check_clock(const struct bank *bank, const struct bank_inputs *in,
			       const struct command *c)
{
	const struct source_site *site = &bank->site.source[c->source];
	/* Differences in double: what was sent may be any integer. */
	double age_s = ((double)in->utc_ms - (double)c->ts_utc_ms) / 1000.0;
	double up_s = (double)(bank->now_ms - bank->start_ms) / 1000.0;

	if (admit_is_local(c))
		return REASON_OK;
	if (c->boot_given && !c->boot_matches)
		return REASON_STALE_BOOT;
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
	double valid_max_s =
		!in->clock_synced && !admit_is_local(c) ? VALID_UNSYNCED_MAX_S : VALID_HARD_MAX_S;
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

/* A remote source may always ask for less: release and, unless locked out altogether, stop. */
static enum reason check_locks(const struct bank *bank, const struct command *c)
{
	bool less = c->kind == COMMAND_STOP || c->kind == COMMAND_LOCK;

	if (admit_is_local(c))
		return REASON_OK;
	if (dispatch_remote_locked(bank) || (bank->dispatch.stopped && !less))
		return REASON_LOCAL_LOCK;
	return REASON_OK;
}

enum reason admit_message(const struct bank *bank, const struct bank_inputs *in,
			  const struct command *c)
{
	enum reason reason = check_replay(&bank->dispatch.source[c->source], c);

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
