/* A plant of relays and one capacitor: what contactor.c would see of a real pack and bus. */
#ifndef REBANK_TESTS_RELAY_BANK_H
#define REBANK_TESTS_RELAY_BANK_H

#include "hand_bank.h"

enum { PULL_MS = 30, STEP_MS = 10 };

static struct {
	bool at[PACK_MAX][POLE_COUNT]; /* where the contact really is: true = closed */
	int64_t due_ms[PACK_MAX][POLE_COUNT];
	bool stuck[PACK_MAX][POLE_COUNT]; /* stays where it is */
	bool lies[PACK_MAX][POLE_COUNT];  /* feedback shows open */
	bool gone[PACK_MAX][POLE_COUNT];  /* feedback cannot be read */
	bool shorted, broken, slow, held; /* of the bus; broken: precharge resistor */
	bool blind;                       /* no bus-voltage reading */
	bool line_high;                   /* pack 0's positive line reads driven */
	double bus_v;
	double current_a[PACK_MAX]; /* while closed */
} plant;

static inline void begin(unsigned n)
{
	hand_init(n);
	memset(&plant, 0, sizeof plant);
	bank.now.bus_v = 0.;
}

static inline void run_pole(unsigned k, int pole)
{
	const struct pack_contactors *site = &bank.site.pack[k].contactors;
	bool driven = bank.contactor[k].coil[pole];

	if (!site->has[pole] || driven == plant.at[k][pole] || plant.stuck[k][pole])
		plant.due_ms[k][pole] = 0;
	else if (plant.due_ms[k][pole] == 0)
		plant.due_ms[k][pole] = bank.now_ms + PULL_MS;
	else if (bank.now_ms >= plant.due_ms[k][pole])
		plant.at[k][pole] = driven;
	if (plant.gone[k][pole])
		bank.now.pack[k].feedback_known_s[pole] += 0.001 * STEP_MS;
	else
		bank.now.pack[k].feedback_known_s[pole] = 0.;
	bank.now.pack[k].feedback[pole] = !site->feedback[pole] || plant.gone[k][pole]
						  ? CONTACT_UNKNOWN
					  : plant.at[k][pole] && !plant.lies[k][pole]
						  ? CONTACT_CLOSED
						  : CONTACT_OPEN;
	if (plant.line_high && k == 0 && pole == POLE_POSITIVE)
		driven = true;
	in.contacts[k].readback[pole] = driven ? CONTACT_CLOSED : CONTACT_OPEN;
}

static inline bool conducts(unsigned k, int pole)
{
	return plant.at[k][pole] || !bank.site.pack[k].contactors.has[pole];
}

/* Through the resistor, which bypasses the pole that closes last. */
static inline bool pre_charges(unsigned k)
{
	bool one_pole = !bank.site.pack[k].contactors.has[POLE_POSITIVE];

	return (one_pole || conducts(k, POLE_NEGATIVE)) && plant.at[k][POLE_PRECHARGE] &&
	       !plant.broken;
}

static inline void run_bus(unsigned k)
{
	struct pack_now *now = &bank.now.pack[k];
	const struct pack_contactors *site = &bank.site.pack[k].contactors;
	double tau_s = site->precharge_ohm * bank.site.bus.capacitance_f * (plant.slow ? 20. : 1.);

	now->current_a = 0.;
	if (conducts(k, POLE_NEGATIVE) && conducts(k, POLE_POSITIVE)) {
		plant.bus_v = 374.4;
		now->current_a = plant.current_a[k];
	} else if (pre_charges(k)) {
		double across_v = 374.4 - plant.bus_v;
		now->current_a = across_v / site->precharge_ohm;
		plant.bus_v += plant.shorted ? 0. : across_v * (1. - exp(-0.001 * STEP_MS / tau_s));
	} else if (!plant.held) {
		plant.bus_v *= exp(-0.001 * STEP_MS / 5.);
	}
}

static inline void tick(void)
{
	hand_advance(STEP_MS);
	if (bank.site.n_packs > 1 && bank.contactor[1].connected)
		plant.bus_v = 374.4;
	for (unsigned k = 0; k < bank.site.n_packs; k++) {
		for (int pole = 0; pole < POLE_COUNT; pole++)
			run_pole(k, pole);
		run_bus(k);
	}
	bank.now.bus_v = plant.blind ? (double)NAN : plant.bus_v;
	contactor_step(&bank, &in, &out);
	hand_read();
}

static inline void run(int64_t ms)
{
	for (; ms > 0; ms -= STEP_MS)
		tick();
}

static inline enum contactor_state state(unsigned k)
{
	return bank.contactor[k].state;
}

/* Runs until pack k is in the state; false: not within ms. */
static inline bool reach(unsigned k, enum contactor_state wanted, int64_t ms)
{
	for (; ms > 0 && state(k) != wanted; ms -= STEP_MS)
		tick();
	return state(k) == wanted;
}

static inline bool any_coil(unsigned k)
{
	const bool *coil = out.pack[k].coil;

	return coil[POLE_NEGATIVE] || coil[POLE_POSITIVE] || coil[POLE_PRECHARGE];
}

/* Asks for a join and goes on until the pack is closed. */
static inline void close_pack(unsigned k)
{
	bank.plan.join = (int)k;
	CU_ASSERT_TRUE(reach(k, CONTACTOR_CLOSED, 3000));
	bank.plan.join = -1;
	if (bank.limits.set.g_s == 0.)
		bank.limits.set.g_s = 10.;
	run(200);
}

static inline void no_hold(unsigned k, int64_t in_ms, bool immediate)
{
	struct permit *permit = &bank.protect.pack[k].permit;

	permit->close = permit->hold = false;
	permit->immediate = immediate;
	permit->reason = REASON_TEMP_HIGH;
	permit->hold_deadline_ms = bank.now_ms + in_ms;
}

#endif
