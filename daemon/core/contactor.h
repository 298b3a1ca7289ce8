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
	CONTACTOR_PRECHARGE,    /* first pole and precharge driven, bus rises; by frames: the pack
				   works on its own towards closed */
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
	int64_t coil_ms[POLE_COUNT]; /* last time the coil was switched */
	bool connected;          /* in the books: current may flow from or to the bus */
	bool isolated;           /* proven open on both poles, none shared */
	bool welded[POLE_COUNT]; /* latched until an operator clears it */
	bool by_precharge;       /* this closing pre-charges the bus */
	bool joining;            /* by frames, onto the live bus: power stands still meanwhile */
	int64_t stray_ms;        /* by frames: closed unasked or not shown open, since; 0: no */
	bool trip_weld;          /* an opening that a trip asked for failed */
	bool planned;            /* this opening was planned, not an emergency */
	enum pole first;         /* pole that moves first in this sequence */
	bool alternate;          /* which pole opens first next time */
	enum reason reason;      /* of the present sequence */
	/* precharge */
	double pack_v;           /* when precharge began */
	int64_t inside_ms;       /* success criterion holds since; 0: not. By frames: last sign that
				    the precharge is no short */
	int64_t precharge_ms;    /* last one began; 0: never */
	unsigned tries;          /* failed closings in a row, of the pack's own fault */
	unsigned failures;       /* ... of any cause: the pause grows with them */
	int64_t retry_ms;        /* not before */
	int64_t pause_ms;        /* the pause that ends then */
	double resistor_j;       /* energy in the precharge resistor now */
	int64_t resistor_ms;
	bool restored;           /* by what the last run saved */
	/* dwell and budget */
	int64_t closed_ms, opened_ms; /* last time it became closed / open; 0: never */
	unsigned ops_today;      /* closings begun, whatever came of them */
	int64_t ops_day_ms;      /* began then; before the first step: minus what is gone */
	double predicted_a, peak_a;   /* of the last join */
	int64_t peak_until_ms;
	/* sensor-to-sensor offset, learnt while proven closed */
	double v_offset;         /* pack_v - bus_v */
	unsigned v_offset_n;
	enum contact readback[POLE_COUNT]; /* coil lines as read back */
	int64_t mismatch_ms[POLE_COUNT]; /* coil line read-back differs since; 0: not */
	bool unproven_told;
	double start_v;          /* bus voltage when this sequence began */
	enum reason wait;        /* why it is not joining now */
	double wait_value, wait_threshold;
};

struct bank;
void contactor_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

/* Hazards rule 28: a trip wants this pack open and it does not open, now or since it was found welded. */
bool contactor_defies_trip(const struct bank *bank, unsigned k);

/* True while a pole that should be open is shown closed, or not shown open: cannot be cleared. */
bool contactor_still_welded(const struct bank *bank, unsigned k);

/* An operator cleared this pack's latches: weld marks and retry counts go with them. */
void contactor_release(struct bank *bank, unsigned k);

/* Packs that are closing: from before their first coil until they are proven closed. */
uint64_t contactor_closing(const struct bank *bank);

/* No other pack than `except` is between open and closed. */
bool contactor_sequence_free(const struct bank *bank, unsigned except);

/* Closed, and neither protection nor the plan wants it open: a bus that a converter may run on. */
bool contactor_stays(const struct bank *bank, unsigned k);

/* Converters shown off, or their enable low for long enough. A silent one is off where the balance of
 * the bus has shown it. */
bool contactor_converters_off(const struct bank *bank);

/* A coil line of this pack reads back as driven. */
bool contactor_any_driven(const struct bank *bank, unsigned k);

/* Packs whose current may flow, welded ones included. */
uint64_t contactor_connected(const struct bank *bank);

#endif
