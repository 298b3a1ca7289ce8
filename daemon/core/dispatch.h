/*
 * Sources, lifetimes, arbitration and ramps -> wanted power. Every command is answered with one ack
 * and a reason; silence ends at 0 W (docs/mqtt.md; protocol rules 3-11 and amendments).
 */
#ifndef REBANK_CORE_DISPATCH_H
#define REBANK_CORE_DISPATCH_H

#include "core/site.h"

enum { DISPATCH_IDS = 32 }; /* ids remembered per source */

struct dispatch_answer { /* what a duplicate id gets again */
	char id[COMMAND_ID_SIZE];
	enum ack_status status;
	enum reason reason;
	int64_t seq;
	double p_req_w, p_set_w;
	int64_t received_ms, expires_ms;
};

/* One source's setpoint and memory. */
struct dispatch_source {
	bool live;                /* has a setpoint that has not ended */
	struct command command;   /* the live one */
	int64_t start_ms, expires_ms; /* monotonic; start in the future = waiting */
	double p_set_w;           /* last acked p_set_w */
	enum ack_status acked;
	enum reason acked_reason;
	bool started_sent;
	double start_measured_w;  /* power when it took over */
	bool has_seq;
	char session[SESSION_SIZE];
	int64_t last_seq, last_ts_utc_ms;
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
	double target_w;  /* what the winner wants, clamped to the limits; at the site's point */
	double ramped_w;  /* the same after the ramp: what the bank should do now */
	int winner;       /* source index; -1: none */
	enum dispatch_mode mode;
	enum reason reason; /* why target differs from what was asked, or there is none */
	int64_t expires_ms; /* 0: none */
	bool stopped, locked, started; /* STOP / LOCK / START commands, remembered */
	uint64_t disabled;  /* packs disabled by command */
	int64_t idle_since_ms; /* no live setpoint since; 0: there is one */
	/* read-back (rule 13) */
	bool degraded;      /* measured power does not follow */
	bool dropped;       /* ... for so long that the target was dropped to 0 */
	int64_t track_ms;
	/* state */
	struct dispatch_source source[SOURCE_MAX];
	int64_t utc_offset_ms, boot_utc_ms; /* wall minus monotonic; wall time of this start */
	int64_t start_now_ms;
};

struct bank;
void dispatch_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

#endif
