#include "drivers/pack/tell.h"

bool tell_due(struct tell *tell, int64_t now_ms, uint32_t count, struct driver_notice *notice)
{
	int64_t since_ms = now_ms - tell->told_ms;

	if (count == tell->told) {
		if (since_ms >= 2 * (int64_t)tell->wait_ms)
			tell->wait_ms = 0; /* it was over for long */
		return false;
	}
	if (tell->told_ms && since_ms < (tell->wait_ms ? tell->wait_ms : TELL_AGAIN_MS))
		return false;
	notice->times = count - tell->told;
	notice->again = tell->told_ms != 0;
	tell->told = count;
	tell->told_ms = now_ms;
	tell->wait_ms = tell->wait_ms == 0                   ? TELL_AGAIN_MS
			: tell->wait_ms > TELL_SELDOM_MS / 2 ? TELL_SELDOM_MS
							     : 2 * tell->wait_ms;
	return true;
}

bool tell_wire_due(struct tell_wire *tell, int64_t now_ms, const struct wire_state *state,
		   struct driver_notice *notice)
{
	for (unsigned i = 0; i < WIRE_COMPLAINT_COUNT; i++) {
		if (!tell_due(&tell->complaint[i], now_ms, state->complaint[i], notice))
			continue;
		notice->text = wire_complaint_text((enum wire_complaint)i);
		notice->has_id = true;
		notice->id = state->complaint_id[i];
		return true;
	}
	return false;
}
