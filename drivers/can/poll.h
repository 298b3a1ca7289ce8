/*
 * Which request of one pack is sent next: each at its own period, one outstanding at a time, a
 * pause between them; a pack that does not answer is asked less often. No I/O, no clock.
 */
#ifndef REBANK_CAN_POLL_H
#define REBANK_CAN_POLL_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CAN_POLLS_MAX = 32,
	CAN_POLL_SLOW_AFTER = 3, /* unanswered requests in a row */
	CAN_POLL_SLOW_MS = 2000, /* pause after them */
};

struct can_poll {
	unsigned n;
	struct {
		int32_t period_ms;
		int32_t gap_ms, timeout_ms; /* pause after its answer; time for its answer */
		bool only_awake;            /* not while keep-alive is withheld */
		int64_t due_ms;
	} request[CAN_POLLS_MAX];
	int outstanding;     /* index; -1: none */
	int64_t deadline_ms; /* of the outstanding one */
	int64_t free_ms;     /* send nothing before */
	unsigned silent;     /* unanswered in a row */
};

void can_poll_init(struct can_poll *poll);
/* False: there are CAN_POLLS_MAX already. */
bool can_poll_add(struct can_poll *poll, int32_t period_ms, int32_t gap_ms, int32_t timeout_ms,
		  bool only_awake);
/* The request that is due longest, -1: none now. */
int can_poll_due(const struct can_poll *poll, int64_t now_ms, bool awake);
void can_poll_sent(struct can_poll *poll, int64_t now_ms, int index);
/* The outstanding request was answered. */
void can_poll_answered(struct can_poll *poll, int64_t now_ms);
/* The outstanding request ends without an answer. */
void can_poll_failed(struct can_poll *poll, int64_t now_ms);
/* The pack asked for more time. */
void can_poll_pending(struct can_poll *poll, int64_t now_ms, int32_t more_ms);
/* The outstanding request has had its time: it was ended as failed. */
bool can_poll_expire(struct can_poll *poll, int64_t now_ms);

#endif
