#include "northbound/retained.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "northbound/change.h"
#include "northbound/render.h"

enum {
	REPEAT_MS = 10000,      /* limits and active, at least */
	STATUS_AGAIN_MS = 1000, /* fastest answer to somebody overwriting our status */
};

void retained_init(struct retained *retained, const struct config *config, const char *boot,
		   const char *root)
{
	retained->config = config;
	retained->boot = boot;
	retained->root = root;
	retained->conn = 1;
	retained->status_reason = "start";
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		retained->slot[i].mid = -1;
}

static json_t *status_document(const struct retained *retained, const struct bank_report *report,
			       bool online, const char *reason)
{
	return render_status(&(struct status_view){
		.online = online,
		.clock_synced = report && report->clock_synced,
		.boot = retained->boot,
		.reason = reason,
		.conn = retained->conn,
		.ts_utc_ms = clock_utc_ms(),
	});
}

char *retained_will(const struct retained *retained, const struct bank_report *report)
{
	return post_text(status_document(retained, report, false, "lost"));
}

/* ---- what makes a document due ---- */

void retained_up(struct retained *retained, const struct bank_report *report, const char *reason)
{
	retained->status_reason = reason;
	retained->status_again_ms = 0; /* a birth waits for nothing: it must come first */
	retained->slot[SLOT_STATUS].dirty = true;
	for (unsigned i = 1; i < SLOT_PACK + retained->config->site.n_packs; i++)
		retained->slot[i].dirty = report != NULL;
}

void retained_down(struct retained *retained)
{
	retained->conn++;
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		retained->slot[i] = (struct slot){.mid = -1};
}

void retained_look(struct retained *retained, const struct bank_report *report, bool first)
{
	const struct bank_report *old = &retained->published;
	const struct site *site = &retained->config->site;

	if (first)
		retained->slot[SLOT_INFO].dirty = true;
	if (first || change_in_limits(report, old, site))
		retained->slot[SLOT_LIMITS].dirty = true;
	if (first || change_in_active(report, old, site))
		retained->slot[SLOT_ACTIVE].dirty = true;
	for (unsigned i = 0; i < report->n_packs; i++)
		if (first || change_in_pack(&report->pack[i], &old->pack[i]))
			retained->slot[SLOT_PACK + i].dirty = true;
	if (!retained->stopped && retained->clock_synced != report->clock_synced)
		retained->slot[SLOT_STATUS].dirty = true;
}

void retained_watch_status(struct retained *retained, const char *text, size_t length)
{
	json_t *status = json_loadb(text, length, 0, NULL);
	const char *boot = json_string_value(json_object_get(status, "boot"));
	bool ours = boot && strcmp(boot, retained->boot) == 0 &&
		    json_integer_value(json_object_get(status, "conn")) == retained->conn &&
		    json_is_true(json_object_get(status, "online")) == !retained->stopped;

	json_decref(status);
	if (!ours)
		retained->slot[SLOT_STATUS].dirty = true;
}

void retained_stop(struct retained *retained)
{
	retained->stopped = true;
	retained->status_reason = "stop";
	retained->status_again_ms = 0;
	retained->slot[SLOT_STATUS].dirty = true;
}

bool retained_delivered(struct retained *retained, int mid)
{
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		if (retained->slot[i].mid == mid) {
			retained->slot[i].mid = -1;
			return true;
		}
	}
	return false;
}

/* ---- publishing ---- */

static json_t *slot_document(struct retained *retained, const struct bank_report *report,
			     unsigned slot, char *rest, size_t size)
{
	const struct site *site = &retained->config->site;

	switch (slot) {
	case SLOT_STATUS:
		snprintf(rest, size, "status");
		return status_document(retained, report, !retained->stopped,
				       retained->status_reason);
	case SLOT_INFO:
		snprintf(rest, size, "info");
		return render_info(retained->config, report);
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
static void remember(struct retained *retained, const struct bank_report *report, unsigned slot)
{
	struct bank_report *known = &retained->published;

	if (slot == SLOT_STATUS)
		retained->clock_synced = report && report->clock_synced;
	else if (slot == SLOT_LIMITS)
		change_copy_limits(known, report);
	else if (slot == SLOT_ACTIVE)
		change_copy_active(known, report);
	else if (slot >= SLOT_PACK)
		known->pack[slot - SLOT_PACK] = report->pack[slot - SLOT_PACK];
}

static void publish(struct retained *retained, struct link *link, const struct bank_report *report,
		    unsigned index, int64_t now_ms)
{
	struct slot *slot = &retained->slot[index];
	char rest[TOPIC_SIZE - ROOT_SIZE];
	json_t *document = slot_document(retained, report, index, rest, sizeof rest);

	slot->mid = post_document(link, retained->root, rest, document,
				  (struct link_publication){.qos = 1, .retain = true});
	if (slot->mid < 0)
		return;
	slot->dirty = false;
	slot->published_ms = now_ms;
	remember(retained, report, index);
}

void retained_run_status(struct retained *retained, struct link *link,
			 const struct bank_report *report, int64_t now_ms)
{
	if (now_ms < retained_due_ms(retained))
		return;
	publish(retained, link, report, SLOT_STATUS, now_ms);
	if (!retained->slot[SLOT_STATUS].dirty)
		retained->status_again_ms = now_ms + STATUS_AGAIN_MS;
}

void retained_run_others(struct retained *retained, struct link *link,
			 const struct bank_report *report, int64_t now_ms)
{
	if (!report)
		return;
	for (unsigned i = SLOT_INFO; i < SLOT_PACK + retained->config->site.n_packs; i++) {
		const struct slot *slot = &retained->slot[i];
		bool repeated = (i == SLOT_LIMITS || i == SLOT_ACTIVE) &&
				now_ms - slot->published_ms >= REPEAT_MS;

		if ((slot->dirty || repeated) && slot->mid < 0)
			publish(retained, link, report, i, now_ms);
	}
}

int64_t retained_due_ms(const struct retained *retained)
{
	const struct slot *status = &retained->slot[SLOT_STATUS];

	return status->dirty && status->mid < 0 ? retained->status_again_ms : INT64_MAX;
}

bool retained_is_idle(const struct retained *retained)
{
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		if (retained->slot[i].dirty || retained->slot[i].mid >= 0)
			return false;
	return true;
}
