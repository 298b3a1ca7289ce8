/* A bank whose plan is asked what to do, one step at a time. */
#ifndef REBANK_TESTS_PLAN_BANK_H
#define REBANK_TESTS_PLAN_BANK_H

#include "hand_bank.h"

static struct plan *plan;

/* n packs, none on the bus, a steady bus and nothing asked; limits 40 kW each way. */
static inline void begin(unsigned n)
{
	hand_init(n);
	plan = &bank.plan;
	plan->event_ms = bank.now_ms - 10000;
	plan->steady_ms = 1;
	bank.now.bus_v = 0.;
	bank.dispatch.winner = -1;
	bank.limits.dis_w[HORIZON_NOW] = bank.limits.cha_w[HORIZON_NOW] = 40e3;
	for (unsigned k = 0; k < n; k++)
		bank.contactor[k].opened_ms = bank.now_ms - 3600000;
}

static inline void connect(unsigned k)
{
	bank.contactor[k].state = CONTACTOR_CLOSED;
	bank.contactor[k].connected = true;
	bank.now.bus_v = bank.now.pack[k].pack_v;
	bank.guard.pcs_drop_ms = 0;
	bank.now.pcs[0].state = PCS_RUNNING;
	plan->pcs_run = true;
	limits_of_set(bank.limits.pack, contactor_connected(&bank), &bank.limits.bus,
		      &bank.limits.set);
}

static inline void set_voltage(unsigned k, double v)
{
	bank.now.pack[k].pack_v = v;
	bank.estimate[k].e_v = bank.estimate[k].e_relaxed_v = v;
	bank.limits.pack[k].e_v = v;
	limits_interval(&bank.limits.pack[k]);
}

static inline void want(double p_w)
{
	bank.dispatch.winner = 1;
	bank.dispatch.source[1].now.p_w = p_w;
	bank.dispatch.ramped_w = p_w;
}

static inline void step(int64_t ms)
{
	hand_advance(ms);
	plan_step(&bank, &in, &out);
	hand_read();
}

static inline void steps(int64_t ms)
{
	for (; ms > 0; ms -= 100)
		step(100);
}

/* The pack that is asked to join within ms; -1: none. The plan asks in single steps. */
static inline int joiner_within(int64_t ms)
{
	for (plan->join = -1; ms > 0 && plan->join < 0; ms -= 100)
		step(100);
	return plan->join;
}

#endif
