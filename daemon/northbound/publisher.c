#include "northbound/publisher.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "northbound/post.h"
#include "northbound/render.h"
#include "northbound/retained.h"

enum {
	FRESH_MS = 10000,     /* an echoed telemetry counter may be this old */
	TELEMETRY_KEPT = 128, /* counters of 10 s at the shortest interval, and some */
	EVENTS_KEPT = 1024,
	ACKS_KEPT = 1024,
	EVENTS_IN_FLIGHT = 8,
	ACKS_IN_FLIGHT = 16, /* their own window: no backlog of events delays an ack */
};

struct publisher {
	const struct config *config;
	const char *boot;
	char root[ROOT_SIZE];
	struct outbox *events, *acks;
	struct retained retained;
	bool has_report, new_report;
	struct bank_report report; /* the latest */
	size_t lost_before;
	int64_t n, n_ms[TELEMETRY_KEPT]; /* counter, and when each of the last was published */
	int64_t telemetry_ms, packs_ms;  /* next due */
};

struct publisher *publisher_new(const struct config *config, const char *boot)
{
	struct publisher *publisher = calloc(1, sizeof *publisher);

	if (!publisher)
		return NULL;
	publisher->config = config;
	publisher->boot = boot;
	snprintf(publisher->root, sizeof publisher->root, "%s/%s", config->mqtt.prefix,
		 config->site.id);
	retained_init(&publisher->retained, config, boot, publisher->root);
	publisher->events = outbox_new(EVENTS_KEPT, EVENTS_IN_FLIGHT);
	publisher->acks = outbox_new(ACKS_KEPT, ACKS_IN_FLIGHT);
	if (publisher->events && publisher->acks)
		return publisher;
	publisher_free(publisher);
	return NULL;
}

void publisher_free(struct publisher *publisher)
{
	if (!publisher)
		return;
	outbox_free(publisher->events);
	outbox_free(publisher->acks);
	free(publisher);
}

void publisher_topic(const struct publisher *publisher, const char *rest, char *topic, size_t size)
{
	snprintf(topic, size, "%s/%s", publisher->root, rest);
}

static const struct bank_report *report_of(const struct publisher *publisher)
{
	return publisher->has_report ? &publisher->report : NULL;
}

char *publisher_will(const struct publisher *publisher)
{
	return retained_will(&publisher->retained, report_of(publisher));
}

void publisher_up(struct publisher *publisher, const char *reason)
{
	publisher->telemetry_ms = 0;
	publisher->packs_ms = 0;
	retained_up(&publisher->retained, report_of(publisher), reason);
}

void publisher_down(struct publisher *publisher)
{
	outbox_rewind(publisher->events);
	outbox_rewind(publisher->acks);
	retained_down(&publisher->retained);
}

bool publisher_is_ready(const struct publisher *publisher)
{
	return publisher->has_report;
}

void publisher_look(struct publisher *publisher, const struct bank_report *report, size_t length)
{
	bool first = !publisher->has_report;

	memcpy(&publisher->report, report, length);
	publisher->has_report = true;
	publisher->new_report = true;
	retained_look(&publisher->retained, &publisher->report, first);
}

void publisher_put(struct publisher *publisher, const struct outgoing *item)
{
	outbox_put(item->kind == OUTGOING_EVENT ? publisher->events : publisher->acks, item);
}

void publisher_delivered(struct publisher *publisher, int mid)
{
	if (!retained_delivered(&publisher->retained, mid) &&
	    !outbox_delivered(publisher->acks, mid))
		outbox_delivered(publisher->events, mid);
}

void publisher_watch_status(struct publisher *publisher, const char *text, size_t length)
{
	retained_watch_status(&publisher->retained, text, length);
}

void publisher_stop(struct publisher *publisher)
{
	retained_stop(&publisher->retained);
}

/* ---- publishing ---------------------------------------------------------------------------- */

static void run_telemetry(struct publisher *publisher, struct link *link, int64_t now_ms)
{
	double period_s = publisher->config->mqtt.telemetry_s;
	int64_t period_ms = (int64_t)(1000.0 * period_s);
	struct telemetry_view view = {
		.n = publisher->n,
		.backlog = outbox_used(publisher->events) + outbox_used(publisher->acks),
		.dropped = publisher->lost_before + outbox_lost(publisher->events) +
			   outbox_lost(publisher->acks),
	};
	json_t *document;

	/* Nothing new to say: an old report is not published twice. A broker that does not read
	 * gets no more of it either. */
	if (now_ms < publisher->telemetry_ms || !publisher->new_report || link_wants_write(link))
		return;
	document = render_telemetry(&publisher->report, &view);
	if (post_document(link, publisher->root, "telemetry", document,
			  (struct link_publication){.expiry_s = (unsigned)ceil(2.0 * period_s)}) <
	    0)
		return;
	publisher->new_report = false;
	publisher->n_ms[publisher->n % TELEMETRY_KEPT] = now_ms;
	publisher->n++;
	publisher->telemetry_ms += period_ms;
	if (publisher->telemetry_ms <= now_ms)
		publisher->telemetry_ms = now_ms + period_ms;
}

static void run_pack_telemetry(struct publisher *publisher, struct link *link, int64_t now_ms)
{
	const struct mqtt_config *mqtt = &publisher->config->mqtt;
	const struct site *site = &publisher->config->site;

	if (now_ms < publisher->packs_ms || !publisher->has_report || link_wants_write(link))
		return;
	publisher->packs_ms = now_ms + (int64_t)(1000.0 * mqtt->pack_telemetry_s);
	for (unsigned i = 0; i < site->n_packs && i < publisher->report.n_packs; i++) {
		char rest[TOPIC_SIZE - ROOT_SIZE];

		snprintf(rest, sizeof rest, "pack/%s/telemetry", site->pack[i].id);
		post_document(link, publisher->root, rest,
			      render_pack_telemetry(&publisher->report, i),
			      (struct link_publication){
				      .expiry_s = (unsigned)ceil(2.0 * mqtt->pack_telemetry_s)});
	}
}

static json_t *event_document(const struct publisher *publisher, const struct outgoing *item)
{
	json_t *document =
		render_event(&item->event, &publisher->config->site, item->utc_offset_ms);
	char text[ID_SIZE + DETAIL_SIZE + 128];

	if (item->source[0]) {
		snprintf(text, sizeof text, "source %s: %s%s%s", item->source,
			 reason_text(item->event.reason)->sentence, item->detail[0] ? ": " : "",
			 item->detail);
		json_object_set_new(document, "text", json_string(text));
	}
	return document;
}

static void run_events(struct publisher *publisher, struct link *link)
{
	const struct outgoing *item;

	while ((item = outbox_next(publisher->events)) != NULL) {
		int mid = post_document(link, publisher->root, "event",
					event_document(publisher, item),
					(struct link_publication){.qos = 1});

		if (mid < 0)
			return;
		outbox_sent(publisher->events, mid);
	}
}

/* The copy on the response topic is QoS 0: the one on the normal topic is the one that counts. */
static void publish_response(struct link *link, const struct intake_response *response,
			     const json_t *document)
{
	char *text = response ? render_text(document) : NULL;

	if (text)
		link_publish(link, &(struct link_publication){
					   .topic = response->topic,
					   .text = text,
					   .correlation = response->correlation_size > 0
								  ? response->correlation
								  : NULL,
					   .correlation_size = response->correlation_size,
				   });
	free(text);
}

static bool publish_ack(struct publisher *publisher, struct link *link, const struct intake *intake,
			const struct outgoing *item)
{
	const struct site *site = &publisher->config->site;
	bool known = item->ack.source < site->n_sources;
	struct ack_view view = {
		.source = known ? site->source[item->ack.source].id : item->source,
		.boot = publisher->boot,
		.detail = item->detail,
		.utc_offset_ms = item->utc_offset_ms,
		.ts_utc_ms = clock_utc_ms(),
	};
	json_t *document = render_ack(&item->ack, &view);
	char rest[TOPIC_SIZE - ROOT_SIZE];
	int mid;

	snprintf(rest, sizeof rest, "setpoint/%s/ack", view.source);
	mid = post_document(link, publisher->root, rest, json_incref(document),
			    (struct link_publication){.qos = 1});
	if (mid >= 0) {
		outbox_sent(publisher->acks, mid);
		if (known)
			publish_response(link,
					 intake_response(intake, item->ack.source, item->ack.id),
					 document);
	}
	json_decref(document);
	return mid >= 0;
}

static int64_t earliest(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

static int64_t next_due_ms(const struct publisher *publisher, int64_t now_ms)
{
	int64_t next_ms = now_ms + 1000;

	if (publisher->new_report)
		next_ms = earliest(next_ms, publisher->telemetry_ms);
	next_ms = earliest(next_ms, retained_due_ms(&publisher->retained));
	return next_ms > now_ms ? next_ms : now_ms + 10; /* blocked by a full socket: not at once */
}

int64_t publisher_run(struct publisher *publisher, struct link *link, const struct intake *intake,
		      size_t lost_before, int64_t now_ms)
{
	const struct outgoing *item;

	publisher->lost_before = lost_before;
	/* The birth is the first document of all. */
	retained_run_status(&publisher->retained, link, report_of(publisher), now_ms);
	while ((item = outbox_next(publisher->acks)) != NULL)
		if (!publish_ack(publisher, link, intake, item))
			break;
	retained_run_others(&publisher->retained, link, report_of(publisher), now_ms);
	run_events(publisher, link);
	if (!publisher->retained.stopped) {
		run_telemetry(publisher, link, now_ms);
		run_pack_telemetry(publisher, link, now_ms);
	}
	return next_due_ms(publisher, now_ms);
}

bool publisher_is_idle(const struct publisher *publisher)
{
	return outbox_used(publisher->events) == 0 && outbox_used(publisher->acks) == 0 &&
	       retained_is_idle(&publisher->retained);
}

bool publisher_is_fresh(const struct publisher *publisher, int64_t n, int64_t now_ms)
{
	return n >= 0 && n < publisher->n && publisher->n - n <= TELEMETRY_KEPT &&
	       now_ms - publisher->n_ms[n % TELEMETRY_KEPT] <= FRESH_MS;
}
