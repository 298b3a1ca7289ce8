/* Everything the bank said in a run: events and acks, for the verdict at its end. */
#include <stdlib.h>
#include <string.h>

#include "ctl/scenario_parts.h"

enum { JOURNAL_GROW = 256 };

static void *journal_room(void *array, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return array;
	*room = *room ? 2 * *room : JOURNAL_GROW;
	array = realloc(array, *room * size);
	if (!array)
		abort();
	return array;
}

static void take_event(struct journal *journal, const struct event *event)
{
	journal->event = journal_room(journal->event, journal->n_events, &journal->room_events,
				      sizeof(*journal->event));
	journal->event[journal->n_events++] = (struct journal_event){
		.at_ms = event->at_ms,
		.kind = event->kind,
		.reason = event->reason,
		.pack = event->pack,
		.pcs = event->pcs,
		.value = event->value,
		.threshold = event->threshold,
	};
}

static void take_ack(struct journal *journal, const struct ack *ack, int64_t now_ms)
{
	struct journal_ack *taken;

	journal->ack = journal_room(journal->ack, journal->n_acks, &journal->room_acks,
				    sizeof(*journal->ack));
	taken = &journal->ack[journal->n_acks++];
	*taken = (struct journal_ack){
		.at_ms = now_ms,
		.status = ack->status,
		.reason = ack->reason,
		.p_req_w = ack->p_req_w,
		.p_set_w = ack->p_set_w,
		.duplicate = ack->duplicate,
	};
	memcpy(taken->id, ack->id, sizeof(taken->id));
}

void journal_take(struct journal *journal, const struct bank_outputs *out, int64_t now_ms)
{
	for (unsigned i = 0; i < out->n_events; i++)
		take_event(journal, &out->event[i]);
	for (unsigned i = 0; i < out->n_acks; i++)
		take_ack(journal, &out->ack[i], now_ms);
}

void journal_free(struct journal *journal)
{
	free(journal->event);
	free(journal->ack);
}
