#include <stddef.h>
#include <string.h>

#include "core/bank.h"
#include "core/face.h"
#include "core/num.h"
#include "core/restart.h"
#include "core/state.h"

void bank_init(struct bank *bank, const struct site *site, const struct bank_saved *saved)
{
	memset(bank, 0, sizeof *bank);
	bank->site = *site;
	bank->plan.join = bank->plan.leave = bank->plan.candidate = -1;
	protect_init(&bank->protect, site);
	dispatch_init(&bank->dispatch, site, saved);
	restart_restore(bank, saved);
}

/* Two long lists are as long as their counts: what lies behind is nobody's. */
static void clear_outputs(struct bank_outputs *out)
{
	memset(out, 0, offsetof(struct bank_outputs, event));
	out->n_acks = 0;
}

static void begin(struct bank *bank, const struct bank_inputs *in)
{
	bank->start_ms = bank->now_ms = in->now_ms;
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		bank->contactor[k].since_ms = in->now_ms;
	restart_begin(bank, in);
}

/* Time never runs backwards here. */
static void take_time(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	bool first = bank->steps++ == 0;

	if (first)
		begin(bank, in);
	bank->last_ms = bank->now_ms;
	bank->now_ms = in->now_ms > bank->last_ms ? in->now_ms : bank->last_ms;
	bank->dt_s = (double)(bank->now_ms - bank->last_ms) / 1000.;
	out->next_step_ms = bank->now_ms + bank->site.tick_ms;
	if (first)
		bank_event(bank, out, EVENT_NOTE, REASON_STARTED, -1, NAN, NAN);
}

void bank_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	clear_outputs(out);
	take_time(bank, in, out);
	fresh_step(bank, in, out);     /* age of every reading -> known or NaN */
	estimate_step(bank, in, out);  /* state of charge, source voltage, resistance */
	converter_step(bank);          /* what each converter was asked, and what it may be doing */
	proof_step(bank, in, out);     /* what was seen working, and when that is due again */
	protect_step(bank, in, out);   /* rules x readings -> permits, trips, latches */
	limits_step(bank, in, out);    /* connected set -> exact bank limits */
	dispatch_step(bank, in, out);  /* sources -> wanted power */
	plan_step(bank, in, out);      /* who should be connected, power that serves it */
	contactor_step(bank, in, out); /* proven sequences -> coils */
	guard_step(bank, in, out);     /* may only open, or set power to zero */
	face_step(bank, out);          /* the bank as one battery, for who steers by it */
	life_step(bank, in, out);      /* counters that never go back */
	converter_note(bank, out);     /* what the converters were asked, for the next step */
	state_step(bank, out);         /* all that in one word */
}

/* ---- events ---- */

void bank_event(struct bank *bank, struct bank_outputs *out, enum event_kind kind,
		enum reason reason, int about, double value, double threshold)
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
	event->pack = (int16_t)(about < 0 ? -1 : about);
	event->pcs = (int16_t)(about <= -2 ? -2 - about : -1);
	event->value = value;
	event->threshold = threshold;
}

void bank_step_by(struct bank_outputs *out, int64_t at_ms)
{
	if (at_ms < out->next_step_ms)
		out->next_step_ms = at_ms;
}
