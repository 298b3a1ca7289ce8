#include "northbound/sentence.h"

#include "core/bank.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *severity_word(enum severity severity)
{
	switch (severity) {
	case SEVERITY_INFO:
		return "info";
	case SEVERITY_WARNING:
		return "warning";
	case SEVERITY_DERATE:
		return "derate";
	case SEVERITY_TRIP:
		return "trip";
	case SEVERITY_ALARM:
		break;
	}
	return "alarm";
}

const char *event_kind_word(enum event_kind kind)
{
	switch (kind) {
	case EVENT_RAISED:
		return "raised";
	case EVENT_CLEARED:
		return "cleared";
	case EVENT_NOTE:
		break;
	}
	return "note";
}

const char *ack_status_word(enum ack_status status)
{
	switch (status) {
	case ACK_ACCEPTED:
		return "accepted";
	case ACK_LIMITED:
		return "limited";
	case ACK_STARTED:
		return "started";
	case ACK_COMPLETED:
		return "completed";
	case ACK_SUPERSEDED:
		return "superseded";
	case ACK_EXPIRED:
		return "expired";
	case ACK_CANCELLED:
		return "cancelled";
	case ACK_NONE:
	case ACK_REJECTED:
		break;
	}
	return "rejected";
}

/* ": 4.251 V": as many decimals as mean something. Empty when unknown. */
static void number_text(const char *before, double value, const char *unit, char *buf, size_t size)
{
	double magnitude = fabs(value);
	int decimals = magnitude < 10.0 ? 3 : magnitude < 100.0 ? 2 : magnitude < 1000.0 ? 1 : 0;

	buf[0] = '\0';
	if (isfinite(value))
		snprintf(buf, size, "%s%.*f%s%s", before, decimals, value, *unit ? " " : "", unit);
}

int event_sentence(const struct event *event, const struct site *site, char *buf, size_t size)
{
	const struct reason_text *text = reason_text(event->reason);
	bool has_pack = event->pack >= 0 && (unsigned)event->pack < site->n_packs;
	bool has_pcs = event->pcs >= 0 && (unsigned)event->pcs < site->n_pcs;
	const char *subject = has_pack ? "pack " : has_pcs ? "converter " : "bank";
	const char *id = has_pack  ? site->pack[event->pack].id
			 : has_pcs ? site->pcs[event->pcs].id
				   : "";
	char value[64], threshold[64];

	if (event->reason == REASON_STATE)
		return snprintf(buf, size, "bank: %s to %s", text->sentence,
				bank_state_word((enum bank_state)event->value));
	number_text(": ", event->value, text->unit, value, sizeof value);
	number_text(*value ? ", threshold " : ": threshold ", event->threshold, text->unit,
		    threshold, sizeof threshold);
	if (!*id && strncmp(text->sentence, "bank ", 5) == 0) /* it names itself */
		subject = "";
	return snprintf(buf, size, "%s%s%s%s%s%s%s", subject, id, *subject ? ": " : "",
			text->sentence, event->kind == EVENT_CLEARED ? " (cleared)" : "", value,
			threshold);
}

int notice_sentence(const struct driver_notice *notice, const struct site *site, char *buf,
		    size_t size)
{
	bool of_pack = notice->pack >= 0 && (unsigned)notice->pack < site->n_packs;
	char id[24] = "", times[64] = "";

	if (notice->has_id)
		snprintf(id, sizeof id, ", %s0x%X", notice->times > 1 ? "last " : "", notice->id);
	if (notice->again)
		snprintf(times, sizeof times, ", %u time%s since this was last said", notice->times,
			 notice->times == 1 ? "" : "s");
	else if (notice->times > 1)
		snprintf(times, sizeof times, ", %u times", notice->times);
	return snprintf(buf, size, "%s %s: %s%s%s", of_pack ? "pack" : "bus",
			of_pack ? site->pack[notice->pack].id : notice->place, notice->text, id,
			times);
}

int event_log_level(const struct event *event)
{
	static const int level[] = {[SEVERITY_INFO] = 6,
				    [SEVERITY_WARNING] = 4,
				    [SEVERITY_DERATE] = 5,
				    [SEVERITY_TRIP] = 3,
				    [SEVERITY_ALARM] = 2};

	return event->kind == EVENT_CLEARED ? 5 : level[reason_text(event->reason)->severity];
}
