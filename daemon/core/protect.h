/*
 * Rule table x measurements -> permits, trips, latches. Reads what was measured, never an estimate.
 * The tables are in rules.c; docs/safety.md prints them.
 */
#ifndef REBANK_CORE_PROTECT_H
#define REBANK_CORE_PROTECT_H

#include "core/site.h"

enum verdict {
	VERDICT_UNKNOWN = 0, /* no such reading, or none now: rows of its age judge that */
	VERDICT_PASS,
	VERDICT_FAIL,
};

/* What has been seen of one rule: readable after the fact. */
struct rule_result {
	enum verdict verdict;
	bool active;          /* verdict stood longer than the rule's delay: the action holds */
	bool latched;         /* stays active until cleared by an operator */
	bool told;            /* its event was sent */
	uint32_t trips;       /* times it became active */
	int64_t changed_ms;   /* verdict since */
	int64_t active_ms;    /* active since; deadlines count from here */
	double value, threshold; /* at activation */
};

/* What protection allows one pack. All zero: nothing. */
struct permit {
	bool close;           /* may close this tick */
	bool hold;            /* may stay closed */
	bool immediate;       /* open now: pcs_enable first, coils within 0.5 s */
	bool goes_first;      /* it burns: ahead of all others that have to open */
	int64_t hold_deadline_ms; /* !hold: contactors are open by then */
	double dis_a, cha_a;  /* current limits, magnitudes >= 0 */
	enum reason reason;   /* of the first thing that forbids close or hold */
	enum reason dis_reason, cha_reason; /* what bounds the currents */
	double value, threshold;
};

struct bank_permit {
	bool close;           /* any pack may close */
	bool power;           /* power other than 0 W */
	bool pcs_enable;      /* the converters' enable may be high */
	bool hold;            /* the bank may stay connected */
	int64_t hold_deadline_ms;
	double derate;        /* 0..1, factor on every current limit */
	bool alarm, fire;     /* relays drop */
	bool tripped;         /* a bank-level rule holds the bank down */
	enum reason reason;
	int action;           /* enum action of that rule */
	double value, threshold;
};

enum { PACK_RULES_MAX = 96, BANK_RULES_MAX = 64, PCS_RULES_MAX = 16, PACK_MEASURES_MAX = 64 };

/* What protection allows one converter. All zero: nothing. */
struct pcs_permit {
	bool run;
	bool lost;          /* what it does is not known */
	enum reason reason; /* of the first thing that keeps it off */
	double value, threshold;
};

struct protect_pcs {
	double bound[PCS_RULES_MAX];
	struct rule_result rule[PCS_RULES_MAX];
	struct pcs_permit permit;
};

struct protect_pack {
	uint64_t active[(PACK_RULES_MAX + 63) / 64]; /* bit r % 64 of word r / 64 = rule r is active */
	double bound[PACK_RULES_MAX];
	double low[PACK_MEASURES_MAX], high[PACK_MEASURES_MAX]; /* inside all bounds of a measure */
	uint64_t calm, mute; /* bit m = all rules of measure m rest: it is inside, it is unknown */
	double rated_dis_a, rated_cha_a; /* at this temperature, before inhibits */
	struct rule_result rule[PACK_RULES_MAX];
	struct permit permit;
	int64_t open_by_ms;     /* has had to be open by then since it may not hold; 0: may */
	double temp_then_c;     /* for the slope of the hottest sensor */
	int64_t temp_then_ms;
	double temp_rise_k_s;
	double frozen_v, frozen_i; /* value that does not move */
	double frozen_s;           /* time it stood still while current should have moved it */
	int64_t moved_ms;          /* it last moved */
	bool proven_alive;      /* shown to be live readings: needed for a join, and for nothing else */
};

struct protect {
	double bound[BANK_RULES_MAX];
	int64_t bus_free_ms;    /* nothing is connected since; 0: something is */
	double share_v, share_sigma_v; /* where the closed packs should meet; NaN: no prediction */
	struct rule_result rule[BANK_RULES_MAX];
	struct bank_permit permit;
	int64_t open_by_ms;     /* as a pack's, for the bank */
	struct protect_pack pack[PACK_MAX];
	struct protect_pcs pcs[PCS_MAX];
};

struct bank;
void protect_init(struct protect *protect, const struct site *site);
void protect_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

/* A fault that contactor.c has seen: activates the rows of `reason`, which are told, not measured. */
void protect_trip(struct bank *bank, struct bank_outputs *out, int pack, enum reason reason,
		  double value, double threshold);

/* A row of `reason` is active for pack k. */
bool protect_is_active(const struct bank *bank, unsigned k, enum reason reason);

/* The active rules of a restored pack are found again from their results. */
void protect_restored(struct protect_pack *protect);

/* Bit r = rule r is latched; for saving. Rules that latch are among the first 64 of their table. */
uint64_t protect_latched(const struct rule_result *rule, unsigned n);

/*
 * Clears the latches of a pack (or, with pack < 0, of the bank and its converters) whose cause is gone.
 * Returns OK; FAULT while a cause persists (nothing is cleared); LOCAL_LOCK when one of them clears
 * only for the local operator and `local` is false.
 */
enum reason protect_clear(struct bank *bank, int pack, bool local);

#endif
