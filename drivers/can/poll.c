#include "drivers/can/poll.h"

#include <string.h>

void can_poll_init(struct can_poll *poll)
{
	memset(poll, 0, sizeof *poll);
	poll->outstanding = -1;
}

bool can_poll_add(struct can_poll *poll, int32_t period_ms, int32_t gap_ms, int32_t timeout_ms,
		  bool only_awake)
{
	if (poll->n >= CAN_POLLS_MAX)
		return false;
	poll->request[poll->n].period_ms = period_ms;
	poll->request[poll->n].gap_ms = gap_ms;
	poll->request[poll->n].timeout_ms = timeout_ms;
	poll->request[poll->n].only_awake = only_awake;
	poll->n++;
	return true;
}

int can_poll_due(const struct can_poll *poll, int64_t now_ms, bool awake)
{
	int best = -1;

	if (poll->outstanding >= 0 || now_ms < poll->free_ms)
		return -1;
	for (unsigned i = 0; i < poll->n; i++)
		if (poll->request[i].due_ms <= now_ms && (awake || !poll->request[i].only_awake) &&
		    (best < 0 || poll->request[i].due_ms < poll->request[best].due_ms))
			best = (int)i;
	return best;
}

void can_poll_sent(struct can_poll *poll, int64_t now_ms, int index)
{
	poll->outstanding = index;
	poll->deadline_ms = now_ms + poll->request[index].timeout_ms;
	poll->request[index].due_ms = now_ms + poll->request[index].period_ms;
}

void can_poll_answered(struct can_poll *poll, int64_t now_ms)
{
	poll->free_ms = now_ms + poll->request[poll->outstanding].gap_ms;
	poll->outstanding = -1;
	poll->silent = 0;
}

void can_poll_failed(struct can_poll *poll, int64_t now_ms)
{
	int32_t gap_ms = poll->request[poll->outstanding].gap_ms;

	poll->outstanding = -1;
	poll->silent++;
	poll->free_ms = now_ms + (poll->silent >= CAN_POLL_SLOW_AFTER && gap_ms < CAN_POLL_SLOW_MS
					  ? CAN_POLL_SLOW_MS
					  : gap_ms);
}

void can_poll_pending(struct can_poll *poll, int64_t now_ms, int32_t more_ms)
{
	poll->deadline_ms = now_ms + more_ms;
}

bool can_poll_expire(struct can_poll *poll, int64_t now_ms)
{
	if (poll->outstanding < 0 || now_ms < poll->deadline_ms)
		return false;
	can_poll_failed(poll, now_ms);
	return true;
}
