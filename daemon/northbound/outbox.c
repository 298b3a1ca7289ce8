#include "northbound/outbox.h"

#include <stdlib.h>

enum { DELIVERED = -1 }; /* instead of a message id, which is 1..65535 */

struct slot {
	struct outgoing item;
	int mid;
};

/* A ring: `first` is the oldest, the first `sent` of the `used` slots have gone out. */
struct outbox {
	size_t slots, window, first, used, sent, in_flight, lost;
	struct slot slot[];
};

struct outbox *outbox_new(size_t slots, size_t window)
{
	struct outbox *outbox = calloc(1, sizeof *outbox + slots * sizeof outbox->slot[0]);

	if (outbox) {
		outbox->slots = slots;
		outbox->window = window;
	}
	return outbox;
}

void outbox_free(struct outbox *outbox)
{
	free(outbox);
}

static struct slot *at(struct outbox *outbox, size_t index)
{
	return &outbox->slot[(outbox->first + index) % outbox->slots];
}

static void drop_first(struct outbox *outbox)
{
	if (outbox->sent > 0) {
		if (at(outbox, 0)->mid != DELIVERED)
			outbox->in_flight--;
		outbox->sent--;
	}
	outbox->first = (outbox->first + 1) % outbox->slots;
	outbox->used--;
}

void outbox_put(struct outbox *outbox, const struct outgoing *item)
{
	if (outbox->used == outbox->slots) {
		drop_first(outbox);
		outbox->lost++;
	}
	at(outbox, outbox->used)->item = *item;
	outbox->used++;
}

const struct outgoing *outbox_next(const struct outbox *outbox)
{
	if (outbox->sent == outbox->used || outbox->in_flight >= outbox->window)
		return NULL;
	return &outbox->slot[(outbox->first + outbox->sent) % outbox->slots].item;
}

void outbox_sent(struct outbox *outbox, int mid)
{
	at(outbox, outbox->sent)->mid = mid;
	outbox->sent++;
	outbox->in_flight++;
}

bool outbox_delivered(struct outbox *outbox, int mid)
{
	for (size_t i = 0; i < outbox->sent; i++) {
		if (at(outbox, i)->mid != mid)
			continue;
		at(outbox, i)->mid = DELIVERED;
		outbox->in_flight--;
		while (outbox->sent > 0 && at(outbox, 0)->mid == DELIVERED)
			drop_first(outbox);
		return true;
	}
	return false;
}

void outbox_rewind(struct outbox *outbox)
{
	outbox->sent = 0; /* also what was delivered out of order: QoS 1 may repeat */
	outbox->in_flight = 0;
}

size_t outbox_used(const struct outbox *outbox)
{
	return outbox->used;
}

size_t outbox_lost(const struct outbox *outbox)
{
	return outbox->lost;
}
