/*
 * Events and acks on their way to the broker: kept until the broker has acknowledged them, sent
 * again after a reconnect, a few at a time in flight. Bounded: when full, the oldest is dropped and
 * counted.
 */
#ifndef REBANK_NORTHBOUND_OUTBOX_H
#define REBANK_NORTHBOUND_OUTBOX_H

#include "core/types.h"
#include "northbound/parse.h"

struct outgoing {
	enum { OUTGOING_EVENT, OUTGOING_ACK } kind;
	int64_t utc_offset_ms; /* monotonic stamp + this = UTC */
	struct event event;
	struct ack ack;
	char source[ID_SIZE];     /* ack, or event about a message: who sent it; "" otherwise */
	char detail[DETAIL_SIZE]; /* "" : the reason's own sentence */
};

struct outbox;

struct outbox *outbox_new(size_t slots, size_t window);
void outbox_free(struct outbox *outbox);
void outbox_put(struct outbox *outbox, const struct outgoing *item);

/* The next item that may be sent now; NULL when none waits or the window is full. */
const struct outgoing *outbox_next(const struct outbox *outbox);
/* That item went out as message `mid` and waits for its acknowledgement. */
void outbox_sent(struct outbox *outbox, int mid);
/* False when `mid` is none of ours. */
bool outbox_delivered(struct outbox *outbox, int mid);
/* The connection is gone: what was in flight waits again. */
void outbox_rewind(struct outbox *outbox);

size_t outbox_used(const struct outbox *outbox);
size_t outbox_lost(const struct outbox *outbox);

#endif
