/*
 * The whole controller: what it remembers (`struct bank`) and its one step. Live operation,
 * simulation and replay are three callers of bank_step; nothing else drives a coil or the converter.
 */
#ifndef REBANK_CORE_BANK_H
#define REBANK_CORE_BANK_H

#include "core/contactor.h"
#include "core/converter.h"
#include "core/dispatch.h"
#include "core/estimate.h"
#include "core/fresh.h"
#include "core/guard.h"
#include "core/life.h"
#include "core/limits.h"
#include "core/plan.h"
#include "core/proof.h"
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
	unsigned ops_today;   /* closings begun in the day that plan.pack_ops_day_max counts */
	int64_t ops_day_ms;   /* of that day gone, >= 0; the time between two runs is left out */
	double resistor_j;    /* in the precharge resistor when this was saved */
	unsigned tries, failures; /* failed closings in a row: of its own fault, of any cause */
	struct proof weld;
	uint64_t latched; /* bit r = pack rule r */
	struct life life;
};

/* Latches of one converter across restarts. */
struct pcs_saved {
	char id[ID_SIZE];
	bool valid;
	uint64_t latched; /* bit r = pcs rule r */
};

/* What each source sent last, against replay after a restart. */
struct memory_saved {
	int64_t last_seq[SOURCE_MAX], last_ts_utc_ms[SOURCE_MAX];
	char session[SOURCE_MAX][SESSION_SIZE];
};

struct bank_saved {
	bool valid;
	int64_t utc_ms;       /* when it was saved; 0: clock was not synced */
	uint32_t event_seq;
	bool ended;           /* by an orderly end: no coil has moved since */
	bool stopped, locked, started;
	char stopped_by[ID_SIZE]; /* source; "": the operator at the site */
	unsigned ops_hour;    /* closings begun in the hour that plan.bank_ops_hour_max counts */
	int64_t ops_hour_ms;  /* of that hour gone, >= 0 */
	uint64_t latched;     /* bit r = bank rule r */
	struct memory_saved memory[SERIES_COUNT];
	struct proof proof[PROOF_BANK_TESTS];
	unsigned n_pcs, n_packs; /* matched by id, not by position */
	struct pcs_saved pcs[PCS_MAX];
	struct pack_saved pack[PACK_MAX];
};

struct bank {
	struct site site;
	int64_t start_ms, now_ms, last_ms; /* first step, this step, the step before */
	int64_t saved_utc_ms;              /* the state of the last run; 0: unknown when */
	bool saved_ended;                  /* ... which ended in order */
	double dt_s;                       /* since the step before; may be 0 */
	enum bank_state state;
	int64_t state_ms;                  /* last time the state was confirmed */
	enum reason state_reason;
	uint32_t event_seq;
	uint64_t steps;
	struct now now;
	struct fresh_pack fresh[PACK_MAX];
	int64_t input_tripped_ms[INPUT_COUNT]; /* read tripped at every step since; 0: not */
	struct estimate estimate[PACK_MAX];
	struct converter converter[PCS_MAX];
	struct protect protect;
	struct limits limits;
	struct dispatch dispatch;
	struct plan plan;
	struct contactor contactor[PACK_MAX];
	struct guard guard;
	struct proofs proofs;
	struct life life[PACK_MAX];
};

/* `saved` may be NULL: nothing remembered. The site is copied. */
void bank_init(struct bank *bank, const struct site *site, const struct bank_saved *saved);

/* One step at in->now_ms (not earlier than the last one). Fills `out`: of its lists as
 * much as their counts say. */
void bank_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

/* What must survive a power loss. */
void bank_save(const struct bank *bank, const struct bank_inputs *in, struct bank_saved *saved);

/* What an event is about: a pack's index, the bank, or a converter. */
enum { ABOUT_BANK = -1 };
static inline int about_pcs(unsigned i)
{
	return -2 - (int)i;
}

/* Appends an event; a full list counts it as dropped. */
void bank_event(struct bank *bank, struct bank_outputs *out, enum event_kind kind,
		enum reason reason, int about, double value, double threshold);

/* The next step must come no later than at_ms. */
void bank_step_by(struct bank_outputs *out, int64_t at_ms);

/* Lowercase word for the reports; never NULL. */
const char *bank_state_word(enum bank_state state);

#endif
