#include "northbound/publisher.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "northbound/change.h"
#include "northbound/render.h"

enum {
	REPEAT_MS = 10000,      /* limits and active, at least */
	STATUS_AGAIN_MS = 1000, /* fastest answer to somebody overwriting our status */
	FRESH_MS = 10000,       /* an echoed telemetry counter may be this old */
	TELEMETRY_KEPT = 128,   /* counters of 10 s at the shortest interval, and some */
	EVENTS_KEPT = 1024,
	ACKS_KEPT = 1024,
	EVENTS_IN_FLIGHT = 8,
	ACKS_IN_FLIGHT = 16, /* their own window: no backlog of events delays an ack */
};

/* One retained topic: only its latest document matters, one at a time is in flight. */
struct slot {
	bool dirty;
	int mid; /* -1: none in flight */
	int64_t published_ms;
};

enum { SLOT_STATUS = 0, SLOT_INFO, SLOT_LIMITS, SLOT_ACTIVE, SLOT_PACK };
enum { SLOT_COUNT = SLOT_PACK + PACK_MAX };

struct publisher {
	const struct config *config;
	const char *boot;
	char root[ROOT_SIZE];
	struct outbox *events, *acks;
	struct slot slot[SLOT_COUNT];
	bool has_report, new_report, stopped;
	struct bank_report report;    /* the latest */
	struct bank_report published; /* as of each retained document's last publication */
	bool clock_synced;            /* as last published in status */
	const char *status_reason;
	int64_t status_again_ms;
	uint32_t conn;
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
	publisher->conn = 1;
	publisher->status_reason = "start";
	snprintf(publisher->root, sizeof publisher->root, "%s/%s", config->mqtt.prefix,
		 config->site.id);
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		publisher->slot[i].mid = -1;
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

static json_t *status_document(const struct publisher *publisher, bool online, const char *reason)
{
	return render_status(&(struct status_view){
		.online = online,
		.clock_synced = publisher->has_report && publisher->report.clock_synced,
		.boot = publisher->boot,
		.reason = reason,
		.conn = publisher->conn,
		.ts_utc_ms = clock_utc_ms(),
	});
}

static char *text_of(json_t *document)
{
	char *text = document ? render_text(document) : NULL;

	json_decref(document);
	return text;
}

char *publisher_will(const struct publisher *publisher)
{
	return text_of(status_document(publisher, false, "lost"));
}

void publisher_up(struct publisher *publisher, const char *reason)
{
	publisher->status_reason = reason;
	publisher->telemetry_ms = 0;
	publisher->packs_ms = 0;
	publisher->status_again_ms = 0; /* a birth waits for nothing: it must come first */
	publisher->slot[SLOT_STATUS].dirty = true;
	for (unsigned i = 1; i < SLOT_PACK + publisher->config->site.n_packs; i++)
		publisher->slot[i].dirty = publisher->has_report;
}

void publisher_down(struct publisher *publisher)
{
	publisher->conn++;
	outbox_rewind(publisher->events);
	outbox_rewind(publisher->acks);
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		publisher->slot[i] = (struct slot){.mid = -1};
}

bool publisher_is_ready(const struct publisher *publisher)
{
	return publisher->has_report;
}

void publisher_look(struct publisher *publisher, const struct bank_report *report, size_t length)
{
	const struct bank_report *old = &publisher->published;
	const struct site *site = &publisher->config->site;
	bool first = !publisher->has_report;

	memcpy(&publisher->report, report, length);
	publisher->has_report = true;
	publisher->new_report = true;
	if (first)
		publisher->slot[SLOT_INFO].dirty = true;
	if (first || change_in_limits(report, old, site))
		publisher->slot[SLOT_LIMITS].dirty = true;
	if (first || change_in_active(report, old, site))
		publisher->slot[SLOT_ACTIVE].dirty = true;
	for (unsigned i = 0; i < report->n_packs; i++)
		if (first || change_in_pack(&report->pack[i], &old->pack[i]))
			publisher->slot[SLOT_PACK + i].dirty = true;
	if (!publisher->stopped && publisher->clock_synced != report->clock_synced)
		publisher->slot[SLOT_STATUS].dirty = true;
}

void publisher_put(struct publisher *publisher, const struct outgoing *item)
{
	outbox_put(item->kind == OUTGOING_EVENT ? publisher->events : publisher->acks, item);
}

void publisher_delivered(struct publisher *publisher, int mid)
{
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		if (publisher->slot[i].mid == mid) {
			publisher->slot[i].mid = -1;
			return;
		}
	}
	if (!outbox_delivered(publisher->acks, mid))
		outbox_delivered(publisher->events, mid);
}

void publisher_watch_status(struct publisher *publisher, const char *text, size_t length)
{
	json_t *status = json_loadb(text, length, 0, NULL);
	const char *boot = json_string_value(json_object_get(status, "boot"));
	bool ours = boot && strcmp(boot, publisher->boot) == 0 &&
		    json_integer_value(json_object_get(status, "conn")) == publisher->conn &&
		    json_is_true(json_object_get(status, "online")) == !publisher->stopped;

	json_decref(status);
	if (!ours)
		publisher->slot[SLOT_STATUS].dirty = true;
}

void publisher_stop(struct publisher *publisher)
{
	publisher->stopped = true;
	publisher->status_reason = "stop";
	publisher->status_again_ms = 0;
	publisher->slot[SLOT_STATUS].dirty = true;
}

/* ---- publishing ---------------------------------------------------------------------------- */

/* Takes the document over. Message id, -1 when it did not go out. */
static int publish(struct publisher *publisher, struct link *link, const char *rest,
		   json_t *document, struct link_publication publication)
{
	char topic[TOPIC_SIZE];
	char *text = text_of(document);
	int mid = -1;

	publisher_topic(publisher, rest, topic, sizeof topic);
	publication.topic = topic;
	publication.text = text;
	if (text)
		mid = link_publish(link, &publication);
	free(text);
	return mid;
}

static json_t *slot_document(struct publisher *publisher, unsigned slot, char *rest, size_t size)
{
	const struct bank_report *report = &publisher->report;
	const struct site *site = &publisher->config->site;

	switch (slot) {
	case SLOT_STATUS:
		snprintf(rest, size, "status");
		return status_document(publisher, !publisher->stopped, publisher->status_reason);
	case SLOT_INFO:
		snprintf(rest, size, "info");
		return render_info(publisher->config, report);
	case SLOT_LIMITS:
		snprintf(rest, size, "limits");
		return render_limits(report, site);
	case SLOT_ACTIVE:
		snprintf(rest, size, "active");
		return render_active(report, site);
	default:
		snprintf(rest, size, "pack/%s/state", site->pack[slot - SLOT_PACK].id);
		return render_pack_state(report, slot - SLOT_PACK);
	}
}

/* Remembers what the outside now knows, for the next comparison. */
static void remember(struct publisher *publisher, unsigned slot)
{
	struct bank_report *to = &publisher->published;
	const struct bank_report *from = &publisher->report;

	if (slot == SLOT_STATUS)
		publisher->clock_synced = publisher->has_report && from->clock_synced;
	else if (slot == SLOT_LIMITS)
		change_copy_limits(to, from);
	else if (slot == SLOT_ACTIVE)
		change_copy_active(to, from);
	else if (slot >= SLOT_PACK)
		to->pack[slot - SLOT_PACK] = from->pack[slot - SLOT_PACK];
}

static void run_slot(struct publisher *publisher, struct link *link, unsigned index, int64_t now_ms)
{
	struct slot *slot = &publisher->slot[index];
	char rest[TOPIC_SIZE - ROOT_SIZE];
	json_t *document;

	if ((index == SLOT_LIMITS || index == SLOT_ACTIVE) && publisher->has_report &&
	    now_ms - slot->published_ms >= REPEAT_MS)
		slot->dirty = true;
	if (!slot->dirty || slot->mid >= 0 ||
	    (index == SLOT_STATUS && now_ms < publisher->status_again_ms))
		return;
	document = slot_document(publisher, index, rest, sizeof rest);
	slot->mid = publish(publisher, link, rest, document,
			    (struct link_publication){.qos = 1, .retain = true});
	if (slot->mid < 0)
		return;
	slot->dirty = false;
	slot->published_ms = now_ms;
	remember(publisher, index);
	if (index == SLOT_STATUS)
		publisher->status_again_ms = now_ms + STATUS_AGAIN_MS;
}

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
	if (publish(publisher, link, "telemetry", document,
		    (struct link_publication){.expiry_s = (unsigned)ceil(2.0 * period_s)}) < 0)
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
		publish(publisher, link, rest, render_pack_telemetry(&publisher->report, i),
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
		int mid = publish(publisher, link, "event", event_document(publisher, item),
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
	mid = publish(publisher, link, rest, json_incref(document),
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
	if (publisher->slot[SLOT_STATUS].dirty && publisher->slot[SLOT_STATUS].mid < 0)
		next_ms = earliest(next_ms, publisher->status_again_ms);
	return next_ms > now_ms ? next_ms : now_ms + 10; /* blocked by a full socket: not at once */
}

int64_t publisher_run(struct publisher *publisher, struct link *link, const struct intake *intake,
		      size_t lost_before, int64_t now_ms)
{
	const struct outgoing *item;

	publisher->lost_before = lost_before;
	run_slot(publisher, link, SLOT_STATUS, now_ms); /* the birth is the first document of all */
	while ((item = outbox_next(publisher->acks)) != NULL)
		if (!publish_ack(publisher, link, intake, item))
			break;
	for (unsigned i = 1; i < SLOT_PACK + publisher->config->site.n_packs; i++)
		run_slot(publisher, link, i, now_ms);
	run_events(publisher, link);
	if (!publisher->stopped) {
		run_telemetry(publisher, link, now_ms);
		run_pack_telemetry(publisher, link, now_ms);
	}
	return next_due_ms(publisher, now_ms);
}

bool publisher_is_idle(const struct publisher *publisher)
{
	bool idle = outbox_used(publisher->events) == 0 && outbox_used(publisher->acks) == 0;

	for (unsigned i = 0; i < SLOT_COUNT; i++)
		idle = idle && !publisher->slot[i].dirty && publisher->slot[i].mid < 0;
	return idle;
}

bool publisher_is_fresh(const struct publisher *publisher, int64_t n, int64_t now_ms)
{
	return n >= 0 && n < publisher->n && publisher->n - n <= TELEMETRY_KEPT &&
	       now_ms - publisher->n_ms[n % TELEMETRY_KEPT] <= FRESH_MS;
}
