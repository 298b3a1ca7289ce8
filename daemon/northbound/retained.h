/*
 * The retained documents: status, info, limits, active and each pack's state. Only the latest of
 * each matters, so none queues: one at a time is in flight per topic, a change meanwhile makes the
 * next. Where a report is asked for, NULL means that there is none yet.
 */
#ifndef REBANK_NORTHBOUND_RETAINED_H
#define REBANK_NORTHBOUND_RETAINED_H

#include "config/config.h"
#include "core/report.h"
#include "northbound/post.h"

/* One topic. */
struct slot {
	bool dirty;
	int mid; /* -1: none in flight */
	int64_t published_ms;
};

enum { SLOT_STATUS = 0, SLOT_INFO, SLOT_LIMITS, SLOT_ACTIVE, SLOT_PACK };
enum { SLOT_COUNT = SLOT_PACK + PACK_MAX };

struct retained {
	const struct config *config;
	const char *boot, *root;
	struct slot slot[SLOT_COUNT];
	struct bank_report published; /* as of each document's last publication */
	bool clock_synced;            /* as last published in status */
	bool stopped;
	const char *status_reason;
	int64_t status_again_ms;
	uint32_t conn;
};

/* `boot` and `root` must stay. */
void retained_init(struct retained *retained, const struct config *config, const char *boot,
		   const char *root);

/* The will of the next connection; malloc'ed text. */
char *retained_will(const struct retained *retained, const struct bank_report *report);

/* A connection is up: everything anew, the birth first. `reason`: start or reconnect. */
void retained_up(struct retained *retained, const struct bank_report *report, const char *reason);
void retained_down(struct retained *retained);

/* A newer report: what differs from what was published is due. */
void retained_look(struct retained *retained, const struct bank_report *report, bool first);
/* Somebody, or our own old will, wrote this to our `status` topic. */
void retained_watch_status(struct retained *retained, const char *text, size_t length);
/* The last document of this start: offline, reason "stop". */
void retained_stop(struct retained *retained);
/* Whether it was one of these. */
bool retained_delivered(struct retained *retained, int mid);

/* Publishes what is due: the status alone, or all others. */
void retained_run_status(struct retained *retained, struct link *link,
			 const struct bank_report *report, int64_t now_ms);
void retained_run_others(struct retained *retained, struct link *link,
			 const struct bank_report *report, int64_t now_ms);

/* A status that waits may go out then; INT64_MAX: none waits. */
int64_t retained_due_ms(const struct retained *retained);
bool retained_is_idle(const struct retained *retained);

#endif
