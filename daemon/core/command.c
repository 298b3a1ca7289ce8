#include <string.h>

#include "core/admit.h"
#include "core/bank.h"
#include "core/command.h"
#include "core/num.h"
#include "core/text.h"

static struct ack *new_ack(struct bank_outputs *out)
{
	return out->n_acks < ACK_MAX ? &out->ack[out->n_acks++] : NULL;
}

bool command_tell(struct bank_outputs *out, unsigned source, const struct dispatch_setpoint *sp,
		  enum ack_status status, enum reason reason, double p_set_w)
{
	struct ack *ack = new_ack(out);

	if (!ack)
		return false;
	*ack = (struct ack){
		.status = status,
		.reason = reason,
		.source = (uint8_t)source,
		.seq = sp->seq,
		.received_ms = sp->received_ms,
		.p_req_w = sp->p_w,
		.p_set_w = p_set_w,
		.expires_ms = sp->expires_ms,
	};
	memcpy(ack->id, sp->id, sizeof ack->id);
	return true;
}

/*
 * ACK_MAX has room for every end of a step: two live setpoints per source, and two acks for each of
 * the COMMAND_MAX commands. Only notices that may wait are asked for with command_tell alone.
 */
_Static_assert(ACK_MAX >= 2 * SOURCE_MAX + 2 * COMMAND_MAX, "no ack of a step is ever dropped");

void command_end(struct bank_outputs *out, unsigned source, struct dispatch_setpoint *sp,
		 enum ack_status status, enum reason reason)
{
	if (!sp->live)
		return;
	command_tell(out, source, sp, status, reason, 0.0);
	sp->live = false;
	sp->leads = false;
}

/* ---- first answers ----------------------------------------------------------------------- */

static void remember_answer(struct dispatch_source *source, const struct ack *ack)
{
	struct dispatch_answer *answer = &source->answer[source->next_answer];

	if (ack->id[0] == '\0')
		return;
	source->next_answer = (source->next_answer + 1) % DISPATCH_IDS;
	memcpy(answer->id, ack->id, sizeof answer->id);
	answer->status = ack->status;
	answer->reason = ack->reason;
	answer->seq = ack->seq;
	answer->p_req_w = ack->p_req_w;
	answer->p_set_w = ack->p_set_w;
	answer->received_ms = ack->received_ms;
	answer->expires_ms = ack->expires_ms;
}

static void answer_first(struct bank *bank, struct bank_outputs *out, const struct command *c,
			 enum ack_status status, enum reason reason, double p_set_w,
			 int64_t expires_ms)
{
	struct ack *ack = new_ack(out);

	if (!ack)
		return;
	*ack = (struct ack){
		.status = status,
		.reason = reason,
		.source = c->source,
		.seq = c->seq,
		.received_ms = c->received_ms,
		.p_req_w = c->kind == COMMAND_SETPOINT ? c->p_w : (double)NAN,
		.p_set_w = p_set_w,
		.expires_ms = expires_ms,
	};
	text_copy(ack->id, c->id, sizeof ack->id);
	if (c->source < bank->site.n_sources)
		remember_answer(&bank->dispatch.source[c->source], ack);
}

static void reject(struct bank *bank, struct bank_outputs *out, const struct command *c,
		   enum reason reason)
{
	answer_first(bank, out, c, ACK_REJECTED, reason, 0.0, 0);
}

/* Answers a known id as it was answered first. */
static bool answer_again(struct bank *bank, struct bank_outputs *out, const struct command *c)
{
	const struct dispatch_source *source = &bank->dispatch.source[c->source];

	for (unsigned i = 0; i < DISPATCH_IDS && c->id[0] != '\0'; i++) {
		const struct dispatch_answer *answer = &source->answer[i];
		struct ack *ack;

		if (!text_equal(answer->id, c->id, sizeof answer->id))
			continue;
		ack = new_ack(out);
		if (!ack)
			return true;
		*ack = (struct ack){
			.status = answer->status,
			.reason = answer->reason,
			.source = c->source,
			.seq = answer->seq,
			.received_ms = answer->received_ms,
			.p_req_w = answer->p_req_w,
			.p_set_w = answer->p_set_w,
			.expires_ms = answer->expires_ms,
			.duplicate = true,
		};
		memcpy(ack->id, answer->id, sizeof ack->id);
		return true;
	}
	return false;
}

/* ---- setpoints ---------------------------------------------------------------------------- */

/* Lifetime on the monotonic clock; from then on the wall clock has no say. */
static void set_lifetime(const struct bank *bank, const struct bank_inputs *in,
			 const struct command *c, struct dispatch_setpoint *sp)
{
	const struct source_site *source = &bank->site.source[c->source];
	int64_t offset_ms = in->utc_ms - bank->now_ms;
	int64_t from_ms = bank->now_ms;
	/* Outside these bounds it was admitted for other reasons than its time. */
	bool agree = in->clock_synced && admit_age_s(in, c) <= source->stale_s &&
		     -admit_age_s(in, c) <= source->future_s;

	if (c->received_ms > 0 && c->received_ms < from_ms)
		from_ms = c->received_ms;
	if (!admit_is_local(c) && agree && c->ts_utc_ms - offset_ms < from_ms)
		from_ms = c->ts_utc_ms - offset_ms;
	if (c->start_utc_ms != 0)
		from_ms = c->start_utc_ms - offset_ms;
	sp->start_ms = from_ms > bank->now_ms ? from_ms : bank->now_ms;
	sp->expires_ms = from_ms + (int64_t)(c->valid_s * 1000.0);
}

static bool is_outranked(const struct bank *bank, unsigned source, int64_t start_ms)
{
	for (unsigned i = 0; i < bank->site.n_sources; i++) {
		const struct dispatch_setpoint *other = &bank->dispatch.source[i].now;

		if (i != source && other->live && other->expires_ms > start_ms &&
		    dispatch_outranks(&bank->site, i, source))
			return true;
	}
	return false;
}

static void install(struct bank *bank, struct bank_outputs *out, unsigned index,
		    struct dispatch_setpoint *sp, bool waits)
{
	struct dispatch_source *source = &bank->dispatch.source[index];
	struct dispatch_setpoint *now = &source->now, *next = &source->next;

	if (sp->start_ms > bank->now_ms) {
		command_end(out, index, next, ACK_SUPERSEDED, REASON_OK);
		*next = *sp;
		return;
	}
	if (now->live && now->p_w == sp->p_w) {
		/* A refresh: the power does not have to move again, the old id has not lost. */
		sp->started_sent = now->started_sent;
		sp->start_measured_w = now->start_measured_w;
	} else {
		command_end(out, index, now, ACK_SUPERSEDED, REASON_OK);
	}
	/* The newest wish counts wherever two lifetimes of one source overlap. */
	if (next->live && sp->expires_ms > next->start_ms)
		command_end(out, index, next, ACK_SUPERSEDED, REASON_OK);
	*now = *sp;
	now->leads = !waits; /* whom it outranks is told at the end of the step */
}

/* The configured ramp is the fastest and ramp_min the slowest that a command may have. */
static bool ramp_is_clamped(const struct grid_site *grid, double ramp_w_s)
{
	return !isnan(ramp_w_s) && !num_inside(ramp_w_s, grid->ramp_min_w_s, grid->ramp_w_s);
}

static void take_setpoint(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out,
			  const struct command *c)
{
	struct dispatch_setpoint sp = {
		.live = true,
		.seq = c->seq,
		.received_ms = c->received_ms,
		.p_w = c->p_w,
		.ramp_w_s = c->ramp_w_s,
		.told_ms = bank->now_ms,
		.start_measured_w = NAN,
	};
	bool waits;

	text_copy(sp.id, c->id, sizeof sp.id);
	set_lifetime(bank, in, c, &sp);
	if (sp.expires_ms <= bank->now_ms) {
		reject(bank, out, c, REASON_STALE);
		return;
	}
	waits = is_outranked(bank, c->source, sp.start_ms);
	sp.reason = dispatch_feasible(bank, c->p_w, &sp.p_set_w);
	sp.status = sp.p_set_w == c->p_w ? ACK_ACCEPTED : ACK_LIMITED;
	if (waits) {
		sp.status = ACK_ACCEPTED;
		sp.reason = REASON_LOWER_PRIORITY;
		sp.p_set_w = 0.0;
	} else if (sp.status == ACK_ACCEPTED && ramp_is_clamped(&bank->site.grid, c->ramp_w_s)) {
		sp.reason = REASON_CLAMPED_RAMP;
	}
	if (c->reject_if_limited && sp.p_set_w != c->p_w) {
		reject(bank, out, c, sp.reason);
		return;
	}
	answer_first(bank, out, c, sp.status, sp.reason, sp.p_set_w, sp.expires_ms);
	if (c->dry_run)
		command_end(out, c->source, &sp, ACK_COMPLETED, REASON_OK);
	else
		install(bank, out, c->source, &sp, waits);
}

static void take_release(struct bank *bank, struct bank_outputs *out, const struct command *c)
{
	struct dispatch_source *source = &bank->dispatch.source[c->source];
	struct dispatch_setpoint self = {
		.live = true, .seq = c->seq, .received_ms = c->received_ms, .p_w = NAN};

	text_copy(self.id, c->id, sizeof self.id);
	answer_first(bank, out, c, ACK_ACCEPTED, REASON_OK, 0.0, 0);
	command_end(out, c->source, &source->now, ACK_COMPLETED, REASON_OK);
	command_end(out, c->source, &source->next, ACK_COMPLETED, REASON_OK);
	command_end(out, c->source, &self, ACK_COMPLETED, REASON_OK);
}

/* ---- operator's commands ------------------------------------------------------------------ */

/* The stop that counts is the operator's, else that of the highest source that asked. */
static bool stop_counts(const struct bank *bank, unsigned source)
{
	const struct dispatch *d = &bank->dispatch;

	return !d->stopped || source == DISPATCH_LOCAL ||
	       (d->stopped_by != DISPATCH_LOCAL &&
		dispatch_outranks(&bank->site, source, d->stopped_by));
}

static void stop(struct bank *bank, struct bank_outputs *out, unsigned source)
{
	struct dispatch *d = &bank->dispatch;

	if (stop_counts(bank, source))
		d->stopped_by = (uint8_t)source;
	if (!d->stopped)
		bank_event(bank, out, EVENT_RAISED, REASON_STOP_COMMAND, -1, NAN, NAN);
	d->stopped = true;
	d->started = false;
	for (unsigned i = 0; i < bank->site.n_sources; i++) {
		command_end(out, i, &d->source[i].now, ACK_CANCELLED, REASON_LOCAL_LOCK);
		command_end(out, i, &d->source[i].next, ACK_CANCELLED, REASON_LOCAL_LOCK);
	}
}

static enum reason start(struct bank *bank, struct bank_outputs *out)
{
	struct dispatch *d = &bank->dispatch;

	if (d->locked)
		return REASON_LOCAL_LOCK;
	if (d->stopped)
		bank_event(bank, out, EVENT_CLEARED, REASON_STOP_COMMAND, -1, NAN, NAN);
	d->stopped = false;
	d->started = true;
	return REASON_OK;
}

static void set_lock(struct bank *bank, struct bank_outputs *out, bool locked)
{
	struct dispatch *d = &bank->dispatch;

	if (d->locked != locked)
		bank_event(bank, out, locked ? EVENT_RAISED : EVENT_CLEARED, REASON_LOCAL_LOCK, -1,
			   NAN, NAN);
	d->locked = locked;
}

static enum reason set_pack(struct bank *bank, struct bank_outputs *out, int pack, bool disabled)
{
	struct dispatch *d = &bank->dispatch;
	uint64_t bit;

	if (pack < 0 || (unsigned)pack >= bank->site.n_packs)
		return REASON_OUT_OF_RANGE;
	bit = (uint64_t)1 << pack;
	if (((d->disabled & bit) != 0) != disabled)
		bank_event(bank, out, disabled ? EVENT_RAISED : EVENT_CLEARED, REASON_DISABLED,
			   pack, NAN, NAN);
	d->disabled = disabled ? d->disabled | bit : d->disabled & ~bit;
	return REASON_OK;
}

/* Does what an operator's command says; returns OK or why not. */
static enum reason operate(struct bank *bank, const struct bank_inputs *in,
			   struct bank_outputs *out, const struct command *c)
{
	switch (c->kind) {
	case COMMAND_START:
		return start(bank, out);
	case COMMAND_STOP:
		stop(bank, out, c->source);
		return REASON_OK;
	case COMMAND_LOCK:
		stop(bank, out, c->source);
		set_lock(bank, out, true);
		return REASON_OK;
	case COMMAND_UNLOCK:
		set_lock(bank, out, false);
		return REASON_OK;
	case COMMAND_PACK_ENABLE:
		return set_pack(bank, out, c->pack, false);
	case COMMAND_PACK_DISABLE:
		return set_pack(bank, out, c->pack, true);
	case COMMAND_CLEAR:
		if (c->pack >= 0 && (unsigned)c->pack >= bank->site.n_packs)
			return REASON_OUT_OF_RANGE;
		return protect_clear(bank, c->pack, admit_is_local(c));
	case COMMAND_PROOF: /* who says so must have stood before it */
		return admit_is_local(c) ? proof_seen(bank, in, out, c->proof, c->pack)
					 : REASON_LOCAL_LOCK;
	case COMMAND_NONE:
	case COMMAND_SETPOINT:
	case COMMAND_RELEASE:
		break;
	}
	return REASON_SCHEMA;
}

static void take_operation(struct bank *bank, const struct bank_inputs *in,
			   struct bank_outputs *out, const struct command *c)
{
	enum reason reason = admit_operation(bank, in, c);

	if (reason == REASON_OK)
		reason = operate(bank, in, out, c);
	answer_first(bank, out, c, reason == REASON_OK ? ACK_ACCEPTED : ACK_REJECTED, reason, 0.0,
		     0);
}

/* It is a true message of this source, whatever becomes of its wish. */
static void remember_message(struct bank *bank, const struct bank_inputs *in,
			     const struct command *c)
{
	struct dispatch_source *source = &bank->dispatch.source[c->source];
	struct dispatch_memory *memory = &source->memory[dispatch_series_of(c)];
	/* A time ahead of a clock that is right would lock out later sessions until it comes. */
	bool ahead =
		in->clock_synced && -admit_age_s(in, c) > bank->site.source[c->source].future_s;

	memory->has_seq = true;
	memory->last_seq = c->seq;
	if (c->ts_utc_ms > memory->last_ts_utc_ms && !ahead)
		memory->last_ts_utc_ms = c->ts_utc_ms;
	text_copy(memory->session, c->session, sizeof memory->session);
}

void command_take(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out,
		  const struct command *c)
{
	enum reason reason;

	if (c->source >= bank->site.n_sources) {
		reject(bank, out, c, REASON_UNKNOWN_SOURCE);
		return;
	}
	if (answer_again(bank, out, c))
		return;
	reason = admit_right(bank, c);
	if (reason == REASON_OK)
		reason = admit_message(bank, in, c);
	if (reason != REASON_OK) {
		reject(bank, out, c, reason);
		return;
	}
	remember_message(bank, in, c);

	if (c->kind == COMMAND_RELEASE) {
		take_release(bank, out, c);
	} else if (c->kind != COMMAND_SETPOINT) {
		take_operation(bank, in, out, c);
	} else {
		reason = admit_setpoint(bank, in, c);
		if (reason == REASON_OK)
			take_setpoint(bank, in, out, c);
		else
			reject(bank, out, c, reason);
	}
}
