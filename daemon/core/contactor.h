/*
 * One machine per pack: open -> precharge or join -> closed -> leaving -> open, each step proven by
 * measurement or feedback, and only one pack in sequence on the whole bank.
 */
#ifndef REBANK_CORE_CONTACTOR_H
#define REBANK_CORE_CONTACTOR_H

#include "core/site.h"

enum contactor_state {
	CONTACTOR_UNPROVEN = 0, /* coils off, open not yet proven (start-up, after an opening) */
	CONTACTOR_OPEN,         /* coils off, open as far as it can be proven */
	CONTACTOR_CLOSE_FIRST,  /* first pole driven, waiting for proof; nothing may rise */
	CONTACTOR_PRECHARGE,    /* first pole and precharge driven, bus rises */
	CONTACTOR_CLOSE_SECOND, /* both poles driven, waiting for proof */
	CONTACTOR_CLOSED,
	CONTACTOR_LEAVING,      /* closed, power is steered until its current is near zero */
	CONTACTOR_OPEN_FIRST,   /* one pole released, waiting for proof */
	CONTACTOR_OPEN_SECOND,  /* both released, waiting for proof */
};

struct contactor {
	enum contactor_state state;
	int64_t since_ms;        /* in this state since */
	bool coil[POLE_COUNT];
	bool connected;          /* in the books: current may flow from or to the bus */
	bool isolated;           /* proven open on both poles, none shared */
	bool welded[POLE_COUNT]; /* latched until an operator clears it */
	bool by_precharge;       /* this closing pre-charges the bus */
	bool planned;            /* this opening was planned, not an emergency */
	enum pole first;         /* pole that moves first in this sequence */
	bool alternate;          /* which pole opens first next time */
	enum reason reason;      /* of the present sequence */
	/* precharge */
	double start_v, pack_v;  /* bus and pack voltage when precharge began */
	int64_t inside_ms;       /* success criterion holds since; 0: not */
	unsigned tries;          /* failed precharges in a row */
	int64_t retry_ms;        /* not before */
	double resistor_j;       /* energy in the precharge resistor now */
	int64_t resistor_ms;
	/* dwell and budget */
	int64_t closed_ms, opened_ms; /* last time it became closed / open; 0: never */
	unsigned ops_today;
	int64_t ops_day_ms;
	double predicted_a, peak_a;   /* of the last join */
	double v_bus_open;       /* bus voltage when the first pole opened: weld check */
	enum reason wait;        /* why it is not joining now */
	double wait_value, wait_threshold;
};

struct bank;
void contactor_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

/* Packs whose current may flow, welded ones included. */
uint64_t contactor_connected(const struct bank *bank);

#endif
