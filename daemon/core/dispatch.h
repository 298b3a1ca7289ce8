/*
 * Sources, lifetimes, arbitration and ramps -> wanted power. Every command is answered with one ack
 * and a reason; silence ends at 0 W (docs/mqtt.md; protocol rules 3-11 and amendments).
 */
#ifndef REBANK_CORE_DISPATCH_H
#define REBANK_CORE_DISPATCH_H

#include "core/site.h"

enum { DISPATCH_IDS = 32 };  /* ids remembered per source */
enum { DISPATCH_LOCAL = 0 }; /* source index of the operator at the site */

struct dispatch_answer { /* what a duplicate id gets again */
	char id[COMMAND_ID_SIZE];
	enum ack_status status;
	enum reason reason;
	int64_t seq;
	double p_req_w, p_set_w;
	int64_t received_ms, expires_ms;
};

struct dispatch_setpoint {
	bool live;  /* has not ended */
	bool leads; /* its source was told that it is in command: it loses by `superseded` */
	char id[COMMAND_ID_SIZE];
	int64_t seq, received_ms;
	double p_w, ramp_w_s;         /* ramp NaN: the configured one */
	int64_t start_ms, expires_ms; /* monotonic */
	/* last told to its source */
	double p_set_w;
	enum ack_status status;
	enum reason reason;
	int64_t told_ms;
	bool started_sent;
	double start_measured_w; /* power when it took over; NaN: not yet known */
};

/* A source counts its setpoints and its other commands apart. */
enum dispatch_series { SERIES_SETPOINT = 0, SERIES_COMMAND, SERIES_COUNT };

struct dispatch_memory { /* against replay */
	bool has_seq;
	char session[SESSION_SIZE];
	int64_t last_seq, last_ts_utc_ms;
};

/* One source's setpoints and memory. */
struct dispatch_source {
	struct dispatch_setpoint now;  /* its start has come */
	struct dispatch_setpoint next; /* starts later */
	struct dispatch_memory memory[SERIES_COUNT];
	unsigned next_answer;
	struct dispatch_answer answer[DISPATCH_IDS];
};

enum dispatch_mode {
	MODE_DEFAULT = 0, /* no live source: 0 W */
	MODE_SETPOINT,
	MODE_LOCAL,
	MODE_STOPPED,
	MODE_TRIPPED,
};

struct dispatch {
	/* results */
	double target_w; /* what the winner wants, clamped to the limits; at the site's point */
	double ramped_w; /* the same after the ramp: what the bank should do now */
	int winner;      /* source index; -1: none */
	enum dispatch_mode mode;
	enum reason reason; /* why target differs from what was asked, or there is none */
	int64_t expires_ms; /* 0: none */
	bool stopped, locked, started; /* STOP / LOCK / START commands, remembered */
	uint8_t stopped_by;            /* whose STOP it is: that source may START again */
	uint64_t disabled;             /* packs disabled by command */
	int64_t idle_since_ms;         /* no live setpoint since; 0: there is one */
	/* read-back (rule 13) */
	bool degraded;    /* measured power does not follow */
	bool dropped;     /* ... for so long that the target was dropped to 0 */
	int64_t track_ms; /* the present verdict (follows or not) stands since; 0: none */
	bool track_bad;   /* that verdict */
	/* state */
	struct dispatch_source source[SOURCE_MAX];
	int64_t utc_offset_ms; /* wall minus monotonic clock; 0: unknown */
	bool synced;           /* clock state of the last step */
	int64_t fallback_ms;   /* the ramp to the fallback began; 0: none */
};

struct bank;
struct bank_saved;

/* `saved` may be NULL. No setpoint survives a restart; locks and replay memory do. */
void dispatch_init(struct dispatch *dispatch, const struct site *site,
		   const struct bank_saved *saved);
void dispatch_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

/* Writes this module's part of what survives a power loss; packs are matched by id. */
void dispatch_save(const struct dispatch *dispatch, const struct site *site,
		   struct bank_saved *saved);

/* Which of its source's counters a command has. */
enum dispatch_series dispatch_series_of(const struct command *command);

/* True while commands from anybody but the local operator are locked out altogether. */
bool dispatch_remote_locked(const struct bank *bank);

/* The power that p_w asks for as far as it is allowed now, and why it is not all of it. */
enum reason dispatch_feasible(const struct bank *bank, double p_w, double *p_set_w);

/* True if a setpoint of source `a` goes before one of source `b`. */
bool dispatch_outranks(const struct site *site, unsigned a, unsigned b);

/* Lowercase word for the reports; never NULL. */
const char *dispatch_mode_word(enum dispatch_mode mode);

#endif
