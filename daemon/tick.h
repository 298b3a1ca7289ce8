/*
 * One step of the running bank: gather -> commands -> bank_step -> apply, and what is told of it
 * afterwards. Runs on the control thread: never waits, allocates or logs.
 */
#ifndef REBANK_TICK_H
#define REBANK_TICK_H

#include <stdatomic.h>

#include "clock.h"
#include "core/report.h"
#include "northbound/northbound.h"
#include "notify.h"
#include "plant/plant.h"
#include "store/recorder.h"
#include "store/store.h"
#include "watchdog.h"

enum {
	RECORD_AFTER_MS = 5000,  /* a trip is written with what followed it */
	RECORD_EVERY_MS = 60000, /* not more often on trips */
	SAVE_EVERY_MS = 60000,   /* counters, at the least */
	SAVE_CHANGE_MS = 2000,   /* after an event or command, at the most */
};

struct tick {
	struct plant *plant;
	struct northbound *northbound;
	struct store *store;
	struct recorder *recorder;
	struct notify *notify;
	struct watchdog *watchdog;
	struct clock clock;
	atomic_bool record_asked; /* from any thread */
	int64_t record_ms;        /* write a recording then; 0: none is due */
	int64_t recorded_ms;      /* the last trip's; 0: none yet */
	enum reason record_why;
	int64_t saved_ms;
	bool changed; /* something that must survive, since saved_ms */
	uint64_t closing; /* packs, at the last step */
	bool begins;      /* one of them began in it */
	bool untold;      /* a step whose report nobody has */
	uint64_t steps;
	struct bank bank;
	struct bank_inputs in;
	struct bank_outputs out;
	struct bank_report report;
	struct bank_saved saved;
};

/* One step. `regular`: the 100 ms tick, which began lateness_ms late; otherwise an immediate step.
 */
void tick_run(struct tick *tick, bool regular, int32_t lateness_ms);

/* Reports the last step to the other threads, if that is still to do. A step with events or acks has done
 * it itself; after others it may wait while something urgent comes in between. */
void tick_tell(struct tick *tick);

/* True when nothing is connected and every output is safe: the process may end. */
bool tick_is_safe(const struct tick *tick);

/* All outputs to the safe state, whatever the bank thinks; saves the state. */
void tick_end(struct tick *tick);

/* Asks for a recording; `context` is the tick. Any thread. */
void tick_request_recording(void *context);

#endif
