#include "northbound/northbound.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "northbound/local.h"
#include "northbound/mqtt.h"
#include "northbound/sunspec.h"
#include "northbound/thread.h"

enum { REPORT_EVERY_MS = 100 };

struct northbound {
	struct queue *commands;
	struct mqtt *mqtt; /* NULL: not enabled */
	struct local *local;
	struct sunspec *sunspec; /* NULL: not enabled */
	unsigned sunspec_source; /* 0: it cannot be written */
	int64_t reported_ms;
};

struct northbound *northbound_new(const struct config *config, const char *boot,
				  void (*request_recording)(void *context), void *context)
{
	struct northbound *northbound = calloc(1, sizeof *northbound);
	struct local_owner owner = {.request_recording = request_recording, .context = context};

	if (!northbound)
		return NULL;
	northbound->commands = queue_new(COMMAND_SLOTS, sizeof(struct command));
	if (northbound->commands && config->mqtt.enabled)
		northbound->mqtt = mqtt_new(config, boot, northbound->commands);
	owner.commands = northbound->commands;
	owner.mqtt = northbound->mqtt;
	if (northbound->commands && (northbound->mqtt || !config->mqtt.enabled))
		northbound->local = local_new(config, boot, &owner);
	if (northbound->local && config->sunspec.enabled) {
		northbound->sunspec = sunspec_new(config, boot, northbound->commands);
		northbound->sunspec_source = config->sunspec.source;
	}
	if (northbound->local && (northbound->sunspec || !config->sunspec.enabled))
		return northbound;
	northbound_stop(northbound, 0);
	return NULL;
}

void northbound_tell_commission(struct northbound *northbound, const struct commission *commission)
{
	local_tell_commission(northbound->local, commission);
}

int northbound_fd(const struct northbound *northbound)
{
	return queue_fd(northbound->commands);
}

unsigned northbound_take(struct northbound *northbound, struct command *command, unsigned max)
{
	unsigned taken = 0;

	while (taken < max && queue_pop(northbound->commands, &command[taken]))
		taken++;
	return taken;
}

bool northbound_connected(const struct northbound *northbound)
{
	return !northbound->mqtt || mqtt_connected(northbound->mqtt);
}

static void give_report(struct northbound *northbound, const struct bank_report *report,
			const struct bank_outputs *out)
{
	size_t size = offsetof(struct bank_report, pack) + report->n_packs * sizeof report->pack[0];

	if (northbound->mqtt)
		mqtt_give_report(northbound->mqtt, report, size);
	local_give_report(northbound->local, report, size);
	if (northbound->sunspec)
		sunspec_give_report(northbound->sunspec, report, size, out);
	northbound->reported_ms = report->now_ms;
}

static void give_ack(struct northbound *northbound, struct outgoing *item, const struct ack *ack)
{
	item->kind = OUTGOING_ACK;
	item->ack = *ack;
	if (ack->source == 0)
		local_give(northbound->local, item);
	else if (northbound->mqtt)
		mqtt_give(northbound->mqtt, item);
	if (ack->source != 0 && ack->source == northbound->sunspec_source)
		sunspec_give_ack(northbound->sunspec, ack);
}

static void give_event(struct northbound *northbound, struct outgoing *item,
		       const struct event *event)
{
	item->kind = OUTGOING_EVENT;
	item->event = *event;
	local_give(northbound->local, item);
	if (northbound->mqtt)
		mqtt_give(northbound->mqtt, item);
}

void northbound_give(struct northbound *northbound, const struct bank_report *report,
		     const struct bank_outputs *out)
{
	struct outgoing item = {.utc_offset_ms = report->utc_ms - report->now_ms};
	bool news = out->n_acks > 0 || out->n_events > 0;

	/* Acks first: somebody waits for them. */
	for (unsigned i = 0; i < out->n_acks; i++)
		give_ack(northbound, &item, &out->ack[i]);
	if (news || report->now_ms - northbound->reported_ms >= REPORT_EVERY_MS ||
	    northbound->reported_ms == 0)
		give_report(northbound, report, out);
	for (unsigned i = 0; i < out->n_events; i++)
		give_event(northbound, &item, &out->event[i]);
	if (out->events_dropped > 0 && northbound->mqtt)
		mqtt_count_lost(northbound->mqtt, out->events_dropped);
}

void northbound_stop(struct northbound *northbound, int timeout_ms)
{
	bool ended = true;

	if (!northbound)
		return;
	if (northbound->sunspec)
		ended = sunspec_stop(northbound->sunspec, timeout_ms + 200) && ended;
	if (northbound->local)
		ended = local_stop(northbound->local, timeout_ms + 200) && ended;
	if (northbound->mqtt)
		ended = mqtt_stop(northbound->mqtt, timeout_ms) && ended;
	if (ended) /* otherwise a thread left behind may still push */
		queue_free(northbound->commands);
	free(northbound);
}
