/*
 * Reports, events and acks -> the JSON documents of docs/mqtt.md. Unknown is null, numbers are
 * rounded to what they mean, times are UTC milliseconds. Every function returns a new reference,
 * NULL only when out of memory. Not for the control thread: these allocate.
 */
#ifndef REBANK_NORTHBOUND_RENDER_H
#define REBANK_NORTHBOUND_RENDER_H

#include <jansson.h>

#include "config/config.h"
#include "core/report.h"

struct status_view {
	bool online, clock_synced;
	const char *boot, *reason; /* start, reconnect, clock, stop; lost in the will */
	uint32_t conn;             /* connections since start */
	int64_t ts_utc_ms;
};
json_t *render_status(const struct status_view *view);

/* What does not change while the daemon runs. */
json_t *render_info(const struct config *config, const struct bank_report *report);

struct telemetry_view {
	int64_t n;      /* counts the telemetry documents of this start */
	size_t backlog; /* events and acks waiting for the broker */
	size_t dropped; /* events and acks lost since start */
};
json_t *render_telemetry(const struct bank_report *report, const struct telemetry_view *view);

json_t *render_limits(const struct bank_report *report, const struct site *site);
json_t *render_active(const struct bank_report *report, const struct site *site);
json_t *render_pack_telemetry(const struct bank_report *report, unsigned pack);
json_t *render_pack_state(const struct bank_report *report, unsigned pack);
/* What stands, each as the event that told it; "seq" is null. */
json_t *render_standing(const struct bank_report *report, const struct site *site);
/* Proof tests that are required here, and when they are due. */
json_t *render_proofs(const struct bank_report *report);

/* `utc_offset_ms` turns the monotonic stamps of events and acks into UTC. */
json_t *render_event(const struct event *event, const struct site *site, int64_t utc_offset_ms);

struct ack_view {
	const char *source, *boot;
	const char *detail; /* NULL or "": the reason's own sentence, none for ok */
	int64_t utc_offset_ms, ts_utc_ms;
};
/* ack->seq < 0 and received_ms or expires_ms 0 become null. */
json_t *render_ack(const struct ack *ack, const struct ack_view *view);

/* Compact text with numbers as rounded above; malloc'ed, NULL when out of memory. */
char *render_text(const json_t *document);

/* `value` rounded to `decimals`; null when not finite. */
json_t *render_number(double value, int decimals);

#endif
