/*
 * A bank that is all dispatch: what the steps before it would have found is set by hand, and the
 * converter follows at once unless `deaf`.
 */
#ifndef TESTS_DISPATCH_BANK_H
#define TESTS_DISPATCH_BANK_H

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/bank.h"
#include "core/num.h"

enum { LOCAL = 0, UTILITY = 1, HOME = 2 };

#define UTC_MS INT64_C(1790000000000) /* wall clock at monotonic 0 */

static struct bank bank;
static struct bank_inputs in;
static struct bank_outputs out;
static bool deaf;
static int64_t next_seq;

static void bank_by_hand(void)
{
	static const uint8_t priority[] = {1, 10, 20};
	struct site *site = &bank.site;

	memset(&bank, 0, sizeof bank);
	memset(&in, 0, sizeof in);
	memset(&out, 0, sizeof out);
	deaf = false;
	next_seq = 1;
	site->n_packs = 4;
	site->tick_ms = 100;
	site->n_sources = 3;
	for (unsigned i = 0; i < site->n_sources; i++)
		site->source[i] = (struct source_site){.priority = priority[i],
						       .may_setpoint = true,
						       .may_command = i == UTILITY,
						       .valid_max_s = 300.0,
						       .stale_s = 5.0,
						       .future_s = 2.0};
	site->grid = (struct grid_site){.measured_at_ac = true,
					.p_max_w = 30e3,
					.ramp_w_s = 10e3,
					.ramp_min_w_s = 100.0,
					.expiry_ramp_max_ms = 10000,
					.tracking_w = 500.0,
					.tracking_drop_ms = 60000};
	bank.start_ms = 1000;
	bank.now_ms = bank.last_ms = 100000;
	bank.state = BANK_READY;
	bank.protect.permit = (struct bank_permit){
		.close = true, .power = true, .pcs_enable = true, .hold = true, .derate = 1.0};
	for (unsigned h = 0; h < HORIZON_COUNT; h++) {
		bank.limits.dis_w[h] = 30e3;
		bank.limits.cha_w[h] = 25e3;
	}
	bank.limits.must_w = NAN;
	bank.plan.pcs_run = true;
	in.clock_synced = true;
	dispatch_init(&bank.dispatch, site, NULL);
}

/* A step `dt_ms` after the last one, with the commands queued in `in`. */
static inline void step(int64_t dt_ms)
{
	bank.last_ms = bank.now_ms;
	bank.now_ms += dt_ms;
	bank.dt_s = (double)dt_ms / 1000.0;
	in.now_ms = bank.now_ms;
	in.utc_ms = UTC_MS + bank.now_ms;
	if (!deaf)
		bank.now.pcs_ac_w = bank.dispatch.ramped_w;
	memset(&out, 0, sizeof out);
	out.next_step_ms = bank.now_ms + 100;
	dispatch_step(&bank, &in, &out);
	in.n_commands = 0;
}

static inline void steps(int64_t ms)
{
	for (; ms > 0; ms -= 100)
		step(100);
}

/* Queues a command for the next step, fresh and in order; the caller may bend it. */
static inline struct command *queue(enum command_kind kind, unsigned source, double p_w,
				    double valid_s)
{
	struct command *c = &in.command[in.n_commands++];

	*c = (struct command){.kind = kind,
			      .source = (uint8_t)source,
			      .pack = -1,
			      .session = "s",
			      .seq = next_seq,
			      .ts_utc_ms = UTC_MS + bank.now_ms,
			      .received_ms = bank.now_ms,
			      .p_w = p_w,
			      .valid_s = valid_s,
			      .ramp_w_s = NAN};
	snprintf(c->id, sizeof c->id, "id-%" PRId64, next_seq++);
	return c;
}

/* The n-th ack (from 0) of this id in the last step; NULL if there is none. */
static inline const struct ack *ack_of(const char *id, unsigned n)
{
	for (unsigned i = 0; i < out.n_acks; i++) {
		if (strcmp(out.ack[i].id, id) == 0 && n-- == 0)
			return &out.ack[i];
	}
	return NULL;
}

static inline unsigned acks_with(enum ack_status status)
{
	unsigned n = 0;

	for (unsigned i = 0; i < out.n_acks; i++)
		n += out.ack[i].status == status;
	return n;
}

static inline unsigned events_with(enum event_kind kind, enum reason reason)
{
	unsigned n = 0;

	for (unsigned i = 0; i < out.n_events; i++)
		n += out.event[i].kind == kind && out.event[i].reason == reason;
	return n;
}

#endif
