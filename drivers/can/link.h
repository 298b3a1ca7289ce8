/*
 * What is known of one CAN bus, from its error frames and from the errors of its socket: whether it
 * talks, when a lost interface is tried again, and when nothing may be sent. No I/O, no clock.
 */
#ifndef REBANK_CAN_LINK_H
#define REBANK_CAN_LINK_H

#include <linux/can.h>

#include "core/types.h"

enum {
	CAN_RETRY_MIN_MS = 100, /* a lost interface is tried again after this, then twice as long */
	CAN_RETRY_MAX_MS = 3200,
	CAN_QUIET_MIN_MS = 100, /* nothing is sent so long after a bus-off, then twice as long */
	CAN_QUIET_MAX_MS = 12800,
	CAN_QUIET_FORGET_MS = 60000, /* a bus that held so long starts again with the shortest */
	CAN_FULL_HOLD_MS = 200,      /* "cannot send" holds so long after the last failure */
};

struct can_link {
	enum link_state state;
	bool open;        /* the socket is */
	int64_t retry_ms; /* open it not before */
	int32_t retry_after_ms;
	bool bus_off;     /* the controller has not restarted yet */
	int64_t quiet_ms; /* send nothing before */
	int32_t quiet_after_ms;
	int64_t bus_off_ms; /* last one; 0: never */
	int64_t full_ms;    /* last failure to send; 0: never, or sends work again */
	uint32_t lost, bus_offs, passives, full; /* how often since start */
	int error;                               /* errno of the last loss; 0: none */
};

/* Nothing is known; the first attempt is due at once. */
void can_link_init(struct can_link *link);
bool can_link_open_due(const struct can_link *link, int64_t now_ms);
void can_link_opened(struct can_link *link);
/* Opening, reading or writing failed so that the socket is of no use: close it. */
void can_link_lost(struct can_link *link, int64_t now_ms, int error);
/* An error frame (CAN_ERR_FLAG) arrived. */
void can_link_error_frame(struct can_link *link, int64_t now_ms, const struct can_frame *frame);
/* An ordinary frame arrived. */
void can_link_heard(struct can_link *link);
/* The queue had no room for a frame; a frame was taken. */
void can_link_send_failed(struct can_link *link, int64_t now_ms);
void can_link_sent(struct can_link *link, int64_t now_ms);
bool can_link_may_send(const struct can_link *link, int64_t now_ms);
bool can_link_tx_full(const struct can_link *link);
/* As packs are told: off until the controller restarted and the quiet time is over. */
enum link_state can_link_state(const struct can_link *link, int64_t now_ms);

#endif
