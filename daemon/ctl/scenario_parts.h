/* The inside of a scenario: what its file says (scenario_load.c) and what a run of it knows. */
#ifndef REBANK_CTL_SCENARIO_PARTS_H
#define REBANK_CTL_SCENARIO_PARTS_H

#include <libconfig.h>

#include "config/mistakes.h"
#include "core/bank.h"
#include "core/report.h"
#include "ctl/scenario.h"

/* ---- what happens -------------------------------------------------------------------------- */

enum happening_kind {
	HAPPENING_COMMAND = 0, /* a setpoint, a release, or a word to the bank */
	HAPPENING_DISPATCH,    /* a profile that sends setpoints */
	HAPPENING_CLOCK,       /* wall clock becomes synchronised or not */
	HAPPENING_SHUTDOWN,    /* the process is asked to end */
	HAPPENING_RESTART,     /* the process dies and comes back after pause_ms */
	HAPPENING_STALL,       /* the control loop stands still for pause_ms */
	HAPPENING_FAULT_EDGE,  /* a fault of the twin begins or ends */
};

enum dispatch_profile { PROFILE_DAILY = 0, PROFILE_SQUARE, PROFILE_FCR, PROFILE_COUNT };

struct happening {
	enum happening_kind kind;
	int64_t at_ms, until_ms, every_ms; /* since start; until 0: to the end; every 0: once */
	struct command command;            /* everything but id, seq and times, unless given */
	double ts_offset_s, start_s;       /* NaN: not given */
	bool has_seq;
	enum dispatch_profile profile;
	double power_w, period_s;
	int64_t pause_ms;
	bool flag;
	/* while running */
	int64_t due_ms; /* INT64_MAX: never again */
	unsigned count;
	double deviation_hz; /* FCR: grid frequency minus 50 Hz */
};

/* Power of a profile at t_s since midnight; `random` is splitmix64 state. */
double happening_power_w(struct happening *happening, double t_s, uint64_t *random);
bool dispatch_profile_parse(const char *word, enum dispatch_profile *profile);

/* ---- what must hold ------------------------------------------------------------------------ */

enum expect_when {
	WHEN_END = 0, /* at the end */
	WHEN_AT,      /* at to_ms */
	WHEN_WITHIN,  /* at some instant of from_ms..to_ms */
	WHEN_ALWAYS,  /* at every instant of from_ms..to_ms */
};

enum expect_result { EXPECT_PENDING = 0, EXPECT_HELD, EXPECT_FAILED };

struct expect_kind;

struct expect {
	const struct expect_kind *kind;
	enum expect_when when;
	int64_t from_ms, to_ms;
	unsigned line;
	int pack; /* -1: the bank, or any */
	int pcs;  /* -1: any */
	double number, tolerance;
	bool flag;
	int word; /* enum of the kind's words */
	char text[COMMAND_ID_SIZE], id[COMMAND_ID_SIZE];
	enum reason reason; /* REASON_COUNT: any */
	enum expect_result result;
	char found[160]; /* what was there instead */
};

enum expect_type { EXPECT_NUMBER = 0, EXPECT_FLAG, EXPECT_WORD, EXPECT_REASON };

enum expect_flag {
	EXPECT_OF_PACK = 1, /* needs a pack */
	EXPECT_OF_ID = 2,   /* needs the id of a command */
	EXPECT_NEAR = 4,    /* takes a tolerance */
	EXPECT_OF_PCS = 16, /* needs a converter */
	EXPECT_TOTAL = 8,   /* judged at the end, from the journal and the totals */
};

struct run;

/* One row of the vocabulary (expect_table.h). `holds` says whether it holds now; it fills `found`.
 */
struct expect_kind {
	const char *key;
	enum expect_type type;
	unsigned flags; /* enum expect_flag */
	bool (*word_valid)(const char *word);
	bool (*holds)(struct run *run, struct expect *expect);
	const char *help;
};

extern const struct expect_kind expect_kinds[];
const struct expect_kind *expect_kind_find(const char *key);
/* "by 300.0 s: pack_state = closed (leaf-a)". */
void expect_text(const struct run *run, const struct expect *expect, char *text, size_t size);
bool reason_parse(const char *word, enum reason *reason);
bool ack_status_parse(const char *word, enum ack_status *status);

/* ---- the scenario -------------------------------------------------------------------------- */

struct scenario {
	struct config config;
	double hours;
	size_t n_happenings, room_happenings;
	struct happening *happening;
	size_t n_expects, room_expects;
	struct expect *expect;
};

struct happening *scenario_add_happening(struct scenario *scenario);
struct expect *scenario_add_expect(struct scenario *scenario);

/* What scenario files are read with. */
struct scenario_reader {
	struct scenario *scenario;
	struct mistakes mistakes;
};

void scenario_read_events(struct scenario_reader *reader, const config_setting_t *list);
void scenario_read_expects(struct scenario_reader *reader, const config_setting_t *list);

/* One member of a group in a file: `number` promotes integers; all report what is wrong. */
struct member {
	struct scenario_reader *reader;
	const config_setting_t *group;
	char where[64];
};
void member_refuse(const struct member *at, const config_setting_t *setting, const char *format,
		   ...) __attribute__((format(printf, 3, 4)));
bool member_given(const struct member *at, const char *key);
bool member_number(const struct member *at, const char *key, double lo, double hi, double *value);
bool member_flag(const struct member *at, const char *key, bool *value);
bool member_word(const struct member *at, const char *key, const char **value);
/* Index of the pack `key` names; -1 when it is not given. */
bool member_pack(const struct member *at, int *pack);
/* The index of the converter named by `pcs`; -1: none is. */
bool member_pcs(const struct member *at, int *pcs);
/* Seconds to milliseconds. */
bool member_seconds(const struct member *at, const char *key, double lo, int64_t *ms);
/* Refuses every member that is in neither list; each ends with NULL. */
void member_only(const struct member *at, const char *const *common, const char *const *own);

/* ---- a run --------------------------------------------------------------------------------- */

struct journal_event {
	int64_t at_ms;
	enum event_kind kind;
	enum reason reason;
	int pack, pcs;
	double value, threshold;
};

struct journal_ack {
	int64_t at_ms;
	enum ack_status status;
	enum reason reason;
	char id[COMMAND_ID_SIZE];
	double p_req_w, p_set_w;
	bool duplicate;
};

struct journal {
	size_t n_events, room_events;
	struct journal_event *event;
	size_t n_acks, room_acks;
	struct journal_ack *ack;
};

void journal_take(struct journal *journal, const struct bank_outputs *out, int64_t now_ms);
void journal_free(struct journal *journal);

enum { INVARIANT_TEXTS = 16 };

/* The independent checker of the bank's invariants: invariants.c. */
struct invariants {
	unsigned violations, n_texts;
	char text[INVARIANT_TEXTS][200]; /* first occurrence of each kind */
	uint64_t kinds;                  /* bit per invariant seen violated */
	/* what it remembers of the outputs */
	bool coil[PACK_MAX][POLE_COUNT];
	bool closing[PACK_MAX], opening[PACK_MAX], by_choice[PACK_MAX];
	int64_t edge_ms[PACK_MAX], fall_ms[PACK_MAX], doubt_ms[PACK_MAX];
	uint32_t loaded_breaks[PACK_MAX];
	bool closed[PACK_MAX];
	int64_t truth_until_ms; /* coils moved: look at the plant each step until then */
	int64_t expires_ms;     /* last instant any accepted setpoint may act */
	int64_t silent_ms;      /* since when nothing was live */
	unsigned operations;
};

void invariants_check(struct run *run, struct invariants *invariants);
/* After a restart of the controller: its outputs were all zero. */
void invariants_forget(struct invariants *invariants);

struct run {
	const struct scenario *scenario;
	const struct site *site;
	const struct scenario_options *options;
	FILE *log;
	struct twin *twin;
	struct recorder *recorder; /* NULL: not recorded */
	struct bank bank;
	struct bank_inputs in;
	struct bank_outputs out;
	struct bank_saved saved;
	struct bank_report report;
	struct twin_truth truth;
	bool report_fresh, truth_fresh; /* of this step */
	int64_t start_ms, now_ms, end_ms, tick_ms;
	int64_t utc_start_ms, utc_jump_ms;
	int64_t asleep_until_ms; /* the process is dead or stalled; 0: awake */
	bool dead;
	int64_t seq[SOURCE_MAX];
	uint64_t random;
	struct journal journal;
	struct invariants invariants;
	/* totals */
	uint64_t steps;
	unsigned trips;
	double asked_s, full_s;
	double dc_dis_wh, dc_cha_wh;
	double first_soc[PACK_MAX], first_soh[PACK_MAX];
	double join_peak_a, leave_peak_a;
	double pack_join_peak_a[PACK_MAX], pack_leave_peak_a[PACK_MAX];
};

double run_t_s(const struct run *run);
/* The right time, whatever the bank's clock says. */
int64_t run_true_utc_ms(const struct run *run);
/* The happenings of the file and of its faults; to be freed. */
struct happening *happenings_new(const struct scenario *scenario, size_t *n_out);
/* Lets everything happen that is due now; returns the instant of the next; INT64_MAX: none. */
int64_t happen_due(struct run *run, struct happening *list, size_t n);
const struct twin_truth *run_truth(struct run *run);
const struct bank_report *run_report(struct run *run);
double run_limit_violations_s(struct run *run);
double run_energy_share(struct run *run);
json_t *run_result(struct run *run, const struct expect *expect, size_t n_expects, double wall_s,
		   uint64_t seed);

#endif
