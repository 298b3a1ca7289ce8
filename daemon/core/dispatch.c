#include <string.h>

#include "core/bank.h"
#include "core/command.h"
#include "core/num.h"
#include "core/readback.h"
#include "core/text.h"

enum {
	CLOCK_JUMP_MS = 2000,  /* a larger step of the wall clock is an event */
	TS_AHEAD_MS = 2000,    /* remembered sender times further ahead are discarded at sync */
	TELL_PERIOD_MS = 1000, /* at most one ack about changed limits in this time */
};

static const double tell_fraction = 0.01;  /* of the rating: change of power worth an ack */
static const double start_fraction = 0.10; /* of the step: power has moved */

static bool has_power(const struct bank *bank)
{
	const struct bank_permit *permit = &bank->protect.permit;

	return permit->power && permit->pcs_enable && !permit->tripped;
}

bool dispatch_outranks(const struct site *site, unsigned a, unsigned b)
{
	unsigned pa = site->source[a].priority, pb = site->source[b].priority;

	return pa < pb || (pa == pb && a < b);
}

enum dispatch_series dispatch_series_of(const struct command *c)
{
	return c->kind == COMMAND_SETPOINT || c->kind == COMMAND_RELEASE ? SERIES_SETPOINT
									 : SERIES_COMMAND;
}

bool dispatch_remote_locked(const struct bank *bank)
{
	return bank->dispatch.locked || (bank->site.input[INPUT_REMOTE].present &&
					 bank->now.input[INPUT_REMOTE] != LEVEL_OK);
}

struct window {
	double low_w, high_w;
};

/* What the bank may do now. A set that needs power to be safe narrows it away from 0 W, except
 * while it is stopped: then the plan opens the packs. */
static struct window allowed(const struct bank *bank)
{
	const struct limits *limits = &bank->limits;
	double must_w = limits->must_w;
	struct window w = {-num_or(limits->cha_w[HORIZON_NOW], 0.0),
			   num_or(limits->dis_w[HORIZON_NOW], 0.0)};

	if (!has_power(bank) || !(w.low_w <= 0.0) || !(w.high_w >= 0.0))
		return (struct window){0.0, 0.0};
	if (bank->dispatch.stopped)
		return w;
	if (must_w > 0.0)
		w.low_w = must_w < w.high_w ? must_w : w.high_w;
	else if (must_w < 0.0)
		w.high_w = must_w > w.low_w ? must_w : w.low_w;
	return w;
}

/* Nothing is on the bus, or all of it is leaving. */
static bool is_apart(const struct bank *bank)
{
	return bank->state == BANK_STARTING || bank->state == BANK_STOPPING ||
	       bank->state == BANK_STOPPED;
}

enum reason dispatch_feasible(const struct bank *bank, double p_w, double *p_set_w)
{
	const struct dispatch *d = &bank->dispatch;
	struct window w = allowed(bank);
	bool held = d->stopped || d->locked || d->dropped;

	*p_set_w = num_or(num_clamp(held ? 0.0 : p_w, w.low_w, w.high_w), 0.0);
	if (*p_set_w == p_w)
		return REASON_OK;
	if (d->stopped || d->locked)
		return REASON_LOCAL_LOCK;
	if (is_apart(bank) && *p_set_w == 0.0)
		return REASON_NOT_READY;
	if (d->dropped || !has_power(bank))
		return REASON_FAULT;
	return *p_set_w < p_w ? REASON_CLAMPED_DISCHARGE : REASON_CLAMPED_CHARGE;
}

/* ---- memory across restarts --------------------------------------------------------------- */

static void memory_restore(struct dispatch_memory *memory, const struct memory_saved *saved,
			   unsigned source)
{
	memory->last_seq = saved->last_seq[source];
	memory->last_ts_utc_ms = saved->last_ts_utc_ms[source];
	text_copy(memory->session, saved->session[source], sizeof memory->session);
	memory->has_seq = memory->last_seq != 0 || memory->last_ts_utc_ms != 0;
}

static void memory_save(const struct dispatch_memory *memory, struct memory_saved *saved,
			unsigned source)
{
	saved->last_seq[source] = memory->last_seq;
	saved->last_ts_utc_ms[source] = memory->last_ts_utc_ms;
	text_copy(saved->session[source], memory->session, SESSION_SIZE);
}

/* A source that is no longer there leaves its stop to the operator. */
static uint8_t stopper_restore(const struct site *site, const char *id)
{
	for (unsigned i = 0; i < site->n_sources && id[0] != '\0'; i++)
		if (text_equal(site->source[i].id, id, ID_SIZE))
			return (uint8_t)i;
	return DISPATCH_LOCAL;
}

void dispatch_init(struct dispatch *d, const struct site *site, const struct bank_saved *saved)
{
	memset(d, 0, sizeof *d);
	d->winner = -1;
	d->reason = REASON_NO_SETPOINT;
	if (!saved || !saved->valid)
		return;
	d->stopped = saved->stopped;
	d->stopped_by = stopper_restore(site, saved->stopped_by);
	d->locked = saved->locked;
	d->started = saved->started;
	for (unsigned i = 0; i < site->n_sources; i++)
		for (unsigned j = 0; j < SERIES_COUNT; j++)
			memory_restore(&d->source[i].memory[j], &saved->memory[j], i);
	for (unsigned k = 0; k < site->n_packs; k++) {
		for (unsigned j = 0; j < saved->n_packs; j++) {
			if (saved->pack[j].disabled &&
			    text_equal(saved->pack[j].id, site->pack[k].id, ID_SIZE))
				d->disabled |= (uint64_t)1 << k;
		}
	}
}

void dispatch_save(const struct dispatch *d, const struct site *site, struct bank_saved *saved)
{
	saved->stopped = d->stopped;
	if (d->stopped_by != DISPATCH_LOCAL)
		text_copy(saved->stopped_by, site->source[d->stopped_by].id, ID_SIZE);
	saved->locked = d->locked;
	saved->started = d->started;
	for (unsigned i = 0; i < SOURCE_MAX; i++)
		for (unsigned j = 0; j < SERIES_COUNT; j++)
			memory_save(&d->source[i].memory[j], &saved->memory[j], i);
	for (unsigned k = 0; k < saved->n_packs; k++)
		saved->pack[k].disabled = (d->disabled >> k & 1) != 0;
}

/* ---- time --------------------------------------------------------------------------------- */

static void watch_clock(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	struct dispatch *d = &bank->dispatch;
	int64_t offset_ms = in->utc_ms - in->now_ms;
	int64_t jump_ms = offset_ms - d->utc_offset_ms;

	if (d->utc_offset_ms != 0 && (jump_ms > CLOCK_JUMP_MS || jump_ms < -CLOCK_JUMP_MS))
		bank_event(bank, out, EVENT_NOTE, REASON_CLOCK_JUMP, -1, (double)jump_ms / 1000.0,
			   CLOCK_JUMP_MS / 1000.0);
	d->utc_offset_ms = offset_ms;
	for (unsigned i = 0; i < bank->site.n_sources && in->clock_synced && !d->synced; i++) {
		for (unsigned j = 0; j < SERIES_COUNT; j++) {
			int64_t *ts_utc_ms = &d->source[i].memory[j].last_ts_utc_ms;

			if (*ts_utc_ms - TS_AHEAD_MS > in->utc_ms)
				*ts_utc_ms = 0;
		}
	}
	d->synced = in->clock_synced;
}

static void expire(struct bank *bank, struct bank_outputs *out, unsigned index,
		   struct dispatch_setpoint *sp)
{
	if (!sp->live || bank->now_ms < sp->expires_ms)
		return;
	if (sp->leads)
		bank_event(bank, out, EVENT_NOTE, REASON_EXPIRED, -1, sp->p_w, NAN);
	command_end(out, index, sp, ACK_EXPIRED, REASON_OK);
}

/* Ends what has ended and starts what starts. */
static void run_lifetimes(struct bank *bank, struct bank_outputs *out)
{
	for (unsigned i = 0; i < bank->site.n_sources; i++) {
		struct dispatch_source *source = &bank->dispatch.source[i];

		expire(bank, out, i, &source->now);
		expire(bank, out, i, &source->next);
		if (!source->next.live || bank->now_ms < source->next.start_ms)
			continue;
		command_end(out, i, &source->now, ACK_SUPERSEDED, REASON_OK);
		source->now = source->next;
		memset(&source->next, 0, sizeof source->next);
	}
}

/* Conditions that end setpoints: nothing resumes by itself when they are over. */
static void cancel(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	bool all = in->shutdown || bank->protect.permit.tripped;
	bool remote = dispatch_remote_locked(bank);
	enum reason reason = in->shutdown ? REASON_SHUTTING_DOWN
			     : all        ? REASON_FAULT
					  : REASON_LOCAL_LOCK;

	if (!all && !remote)
		return;
	for (unsigned i = 0; i < bank->site.n_sources; i++) {
		struct dispatch_source *source = &bank->dispatch.source[i];

		if (!all && i == DISPATCH_LOCAL)
			continue;
		command_end(out, i, &source->now, ACK_CANCELLED, reason);
		command_end(out, i, &source->next, ACK_CANCELLED, reason);
	}
}

/* ---- who is in command -------------------------------------------------------------------- */

static void arbitrate(struct bank *bank, struct bank_outputs *out)
{
	struct dispatch *d = &bank->dispatch;
	bool any = false;

	d->winner = -1;
	for (unsigned i = 0; i < bank->site.n_sources; i++) {
		any = any || d->source[i].now.live || d->source[i].next.live;
		if (d->source[i].now.live &&
		    (d->winner < 0 || dispatch_outranks(&bank->site, i, (unsigned)d->winner)))
			d->winner = (int)i;
	}
	if (any)
		d->idle_since_ms = 0;
	else if (d->idle_since_ms == 0)
		d->idle_since_ms = bank->now_ms;
	d->expires_ms = 0;
	if (d->winner < 0)
		return;
	for (unsigned i = 0; i < bank->site.n_sources; i++) {
		struct dispatch_setpoint *sp = &d->source[i].now;

		if ((int)i != d->winner && sp->leads)
			command_end(out, i, sp, ACK_SUPERSEDED, REASON_LOWER_PRIORITY);
	}
	d->source[d->winner].now.leads = true;
	d->expires_ms = d->source[d->winner].now.expires_ms;
}

static void choose_target(struct bank *bank, const struct bank_inputs *in)
{
	struct dispatch *d = &bank->dispatch;
	const struct bank_permit *permit = &bank->protect.permit;
	double wish_w = d->winner < 0 ? 0.0 : d->source[d->winner].now.p_w;

	d->reason = dispatch_feasible(bank, wish_w, &d->target_w);
	if (permit->tripped) {
		d->mode = MODE_TRIPPED;
		d->reason = permit->reason != REASON_OK ? permit->reason : REASON_FAULT;
	} else if (d->stopped || in->shutdown) {
		d->mode = MODE_STOPPED;
		d->reason = d->locked    ? REASON_LOCAL_LOCK
			    : d->stopped ? REASON_STOP_COMMAND
					 : REASON_SHUTTING_DOWN;
	} else if (d->winner < 0) {
		d->mode = MODE_DEFAULT;
		if (d->reason == REASON_OK)
			d->reason = REASON_NO_SETPOINT;
	} else {
		d->mode = d->winner == DISPATCH_LOCAL ? MODE_LOCAL : MODE_SETPOINT;
		if (d->dropped)
			d->reason = REASON_TRACKING;
	}
}

/* ---- ramp --------------------------------------------------------------------------------- */

/* How far the power may move in this step. The fallback is reached in time however slow the ramp.
 */
static double ramp_step_w(struct bank *bank)
{
	struct dispatch *d = &bank->dispatch;
	const struct grid_site *grid = &bank->site.grid;
	double dt_s = bank->dt_s, rate_w_s = grid->ramp_w_s, left_s;

	if ((d->mode == MODE_SETPOINT || d->mode == MODE_LOCAL) && !d->dropped) {
		double asked_w_s = d->source[d->winner].now.ramp_w_s;

		d->fallback_ms = 0;
		if (asked_w_s < rate_w_s)
			rate_w_s = asked_w_s > grid->ramp_min_w_s ? asked_w_s : grid->ramp_min_w_s;
		return rate_w_s * dt_s;
	}
	if (d->fallback_ms == 0)
		d->fallback_ms = bank->now_ms - (int64_t)(dt_s * 1000.0);
	left_s = (double)(d->fallback_ms + grid->expiry_ramp_max_ms - bank->now_ms) / 1000.0;
	if (left_s <= 0.0)
		return INFINITY;
	return num_max(rate_w_s * dt_s, fabs(d->target_w - d->ramped_w) * dt_s / (left_s + dt_s));
}

static void ramp(struct bank *bank)
{
	struct dispatch *d = &bank->dispatch;
	double step_w = ramp_step_w(bank);
	struct window w = allowed(bank);
	double ramped_w = num_clamp(d->target_w, d->ramped_w - step_w, d->ramped_w + step_w);

	/* Converters that are off give nothing: they will start from 0 W, not from what was wished.
	 * Falling limits and lost permits do not wait for the ramp. */
	if (!bank->plan.pcs_run)
		d->ramped_w = 0.0;
	else
		d->ramped_w = num_or(num_clamp(ramped_w, w.low_w, w.high_w), 0.0);
}

/* ---- notices to the winner ---------------------------------------------------------------- */

static void tell_limits(struct bank *bank, struct bank_outputs *out, struct dispatch_setpoint *sp,
			double p_set_w, enum reason reason)
{
	bool whole = p_set_w == sp->p_w;
	enum ack_status status = whole ? ACK_ACCEPTED : ACK_LIMITED;
	double change_w = fabs(p_set_w - sp->p_set_w);

	if (change_w <= tell_fraction * bank->site.grid.p_max_w &&
	    (p_set_w == sp->p_set_w || !whole))
		return;
	if (bank->now_ms - sp->told_ms < TELL_PERIOD_MS)
		return;
	if (!command_tell(out, (unsigned)bank->dispatch.winner, sp, status, reason, p_set_w))
		return;
	sp->p_set_w = p_set_w;
	sp->status = status;
	sp->reason = reason;
	sp->told_ms = bank->now_ms;
}

/* A setpoint whose start came while a higher source is in command learns that it waits. */
static void tell_waiting(struct bank *bank, struct bank_outputs *out)
{
	for (unsigned i = 0; i < bank->site.n_sources; i++) {
		struct dispatch_setpoint *sp = &bank->dispatch.source[i].now;

		if (!sp->live || sp->leads || sp->reason == REASON_LOWER_PRIORITY)
			continue;
		if (!command_tell(out, i, sp, ACK_ACCEPTED, REASON_LOWER_PRIORITY, 0.0))
			return;
		sp->p_set_w = 0.0;
		sp->status = ACK_ACCEPTED;
		sp->reason = REASON_LOWER_PRIORITY;
		sp->told_ms = bank->now_ms;
	}
}

static void tell_started(struct bank *bank, struct bank_outputs *out, struct dispatch_setpoint *sp,
			 double p_set_w)
{
	double measured_w = readback_measured_w(bank), step_w;

	/* Nothing has to move yet while a wish waits for power to be possible at all. */
	if (sp->started_sent || (p_set_w == 0.0 && sp->p_w != 0.0))
		return;
	if (isnan(sp->start_measured_w))
		sp->start_measured_w = measured_w;
	step_w = p_set_w - sp->start_measured_w;
	if (isnan(step_w))
		return;
	if (fabs(step_w) > bank->site.grid.tracking_w &&
	    !((measured_w - sp->start_measured_w) / step_w >= start_fraction))
		return;
	sp->started_sent = command_tell(out, (unsigned)bank->dispatch.winner, sp, ACK_STARTED,
					REASON_OK, p_set_w);
}

static void tell_winner(struct bank *bank, struct bank_outputs *out)
{
	struct dispatch *d = &bank->dispatch;
	struct dispatch_setpoint *sp;
	enum reason reason;
	double p_set_w;

	if (d->winner < 0)
		return;
	sp = &d->source[d->winner].now;
	reason = dispatch_feasible(bank, sp->p_w, &p_set_w);
	tell_limits(bank, out, sp, p_set_w, reason);
	tell_started(bank, out, sp, p_set_w);
}

static void wake_at(struct bank_outputs *out, int64_t at_ms)
{
	if (at_ms < out->next_step_ms)
		out->next_step_ms = at_ms;
}

static void ask_for_next_step(const struct bank *bank, struct bank_outputs *out)
{
	for (unsigned i = 0; i < bank->site.n_sources; i++) {
		const struct dispatch_source *source = &bank->dispatch.source[i];

		if (source->now.live)
			wake_at(out, source->now.expires_ms);
		if (source->next.live)
			wake_at(out, source->next.start_ms);
	}
}

void dispatch_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	watch_clock(bank, in, out);
	run_lifetimes(bank, out);
	cancel(bank, in, out);
	readback_step(bank, out);
	for (unsigned i = 0; i < in->n_commands && i < COMMAND_MAX; i++)
		command_take(bank, in, out, &in->command[i]);
	arbitrate(bank, out);
	choose_target(bank, in);
	ramp(bank);
	tell_winner(bank, out);
	tell_waiting(bank, out);
	ask_for_next_step(bank, out);
}

const char *dispatch_mode_word(enum dispatch_mode mode)
{
	static const char *const word[] = {
		[MODE_DEFAULT] = "default", [MODE_SETPOINT] = "setpoint", [MODE_LOCAL] = "local",
		[MODE_STOPPED] = "stopped", [MODE_TRIPPED] = "tripped",
	};

	return (unsigned)mode <= MODE_TRIPPED ? word[mode] : "default";
}
