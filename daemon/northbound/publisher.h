/*
 * Which document goes out when: retained ones on change (retained.h), telemetry by the clock, events
 * and acks as they come. Knows topics and documents, not sockets.
 */
#ifndef REBANK_NORTHBOUND_PUBLISHER_H
#define REBANK_NORTHBOUND_PUBLISHER_H

#include "config/config.h"
#include "core/report.h"
#include "northbound/intake.h"
#include "northbound/link.h"
#include "northbound/outbox.h"
#include "northbound/post.h"

struct publisher;

struct publisher *publisher_new(const struct config *config, const char *boot);
void publisher_free(struct publisher *publisher);

/* "<prefix>/<bank>/<rest>" */
void publisher_topic(const struct publisher *publisher, const char *rest, char *topic, size_t size);

/* The will of the next connection; malloc'ed text. */
char *publisher_will(const struct publisher *publisher);

/* A connection is up: birth first, then everything else anew. `reason`: start or reconnect. */
void publisher_up(struct publisher *publisher, const char *reason);
void publisher_down(struct publisher *publisher);

/* There is something to publish: before the first report, connecting would only show emptiness. */
bool publisher_is_ready(const struct publisher *publisher);

/* A newer report. It is copied. */
void publisher_look(struct publisher *publisher, const struct bank_report *report, size_t length);
void publisher_put(struct publisher *publisher, const struct outgoing *item);
void publisher_delivered(struct publisher *publisher, int mid);
/* Somebody, or our own old will, wrote this to our `status` topic. */
void publisher_watch_status(struct publisher *publisher, const char *text, size_t length);
/* The last document of this start: offline, reason "stop". */
void publisher_stop(struct publisher *publisher);

/* Publishes what is due; returns when to call again at the latest. `lost_before`: events and acks
 * that never reached the publisher. */
int64_t publisher_run(struct publisher *publisher, struct link *link, const struct intake *intake,
		      size_t lost_before, int64_t now_ms);

/* Nothing waits and nothing is in flight. */
bool publisher_is_idle(const struct publisher *publisher);
/* Telemetry `n` was published within the last 10 s. */
bool publisher_is_fresh(const struct publisher *publisher, int64_t n, int64_t now_ms);

#endif
