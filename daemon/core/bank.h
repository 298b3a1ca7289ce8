/*
 * The whole controller: what it remembers (`struct bank`) and its one step. Live operation,
 * simulation and replay are three callers of bank_step; nothing else drives a coil or the converter.
 */
#ifndef REBANK_CORE_BANK_H
#define REBANK_CORE_BANK_H

#include "core/contactor.h"
#include "core/dispatch.h"
#include "core/estimate.h"
#include "core/fresh.h"
#include "core/guard.h"
#include "core/life.h"
#include "core/limits.h"
#include "core/plan.h"
#include "core/protect.h"
#include "core/site.h"

enum bank_state {
	BANK_STARTING = 0, /* no pack on the bus yet */
	BANK_READY,        /* connected, waiting at 0 W */
	BANK_RUNNING,
	BANK_DERATED,      /* running or ready, below what was asked or rated */
	BANK_STOPPING,
	BANK_STOPPED,
	BANK_TRIPPED,
};

/* Counters and latches of one pack across restarts. */
struct pack_saved {
	char id[ID_SIZE];
	bool valid;
	double soc, soc_sigma, capacity_ah, growth, i_offset_a;
	bool welded[POLE_COUNT];
	bool alternate, disabled;
	uint64_t latched; /* bit r = pack rule r */
	struct life life;
};

struct bank_saved {
	bool valid;
	int64_t utc_ms;       /* when it was saved; 0: clock was not synced */
	uint32_t event_seq;
	bool stopped, locked, started;
	uint64_t latched;     /* bit r = bank rule r */
	int64_t last_seq[SOURCE_MAX], last_ts_utc_ms[SOURCE_MAX];
	char session[SOURCE_MAX][SESSION_SIZE];
	unsigned n_packs;
	struct pack_saved pack[PACK_MAX]; /* matched by id, not by position */
};

struct bank {
	struct site site;
	int64_t start_ms, now_ms, last_ms; /* first step, this step, the step before */
	double dt_s;                       /* since the step before; may be 0 */
	enum bank_state state;
	int64_t state_ms;                  /* last time the state was confirmed */
	enum reason state_reason;
	uint32_t event_seq;
	uint64_t steps;
	struct now now;
	struct fresh_pack fresh[PACK_MAX];
	struct estimate estimate[PACK_MAX];
	struct protect protect;
	struct limits limits;
	struct dispatch dispatch;
	struct plan plan;
	struct contactor contactor[PACK_MAX];
	struct guard guard;
	struct life life[PACK_MAX];
};

/* `saved` may be NULL: nothing remembered. The site is copied. */
void bank_init(struct bank *bank, const struct site *site, const struct bank_saved *saved);

/* One step at in->now_ms (not earlier than the last one). Fills `out` completely. */
void bank_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

/* What must survive a power loss. */
void bank_save(const struct bank *bank, const struct bank_inputs *in, struct bank_saved *saved);

/* Appends an event; a full list counts it as dropped. pack -1: the bank. */
void bank_event(struct bank *bank, struct bank_outputs *out, enum event_kind kind,
		enum reason reason, int pack, double value, double threshold);

/* The next step must come no later than at_ms. */
void bank_step_by(struct bank_outputs *out, int64_t at_ms);

/* Lowercase words for the reports; never NULL. */
const char *bank_state_word(enum bank_state state);
const char *dispatch_mode_word(enum dispatch_mode mode);

#endif
