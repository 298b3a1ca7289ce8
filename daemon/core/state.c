#include "core/state.h"
#include "core/bank.h"
#include "core/num.h"

static bool is_derated(const struct bank *bank)
{
	enum reason reason = bank->dispatch.reason;

	return bank->dispatch.degraded || bank->protect.permit.derate < 1. ||
	       (reason != REASON_OK && reason != REASON_NO_SETPOINT &&
		reason != REASON_CLAMPED_RAMP);
}

static enum bank_state state_now(const struct bank *bank)
{
	bool connected = contactor_connected(bank) != 0;

	if (bank->protect.permit.tripped)
		return BANK_TRIPPED;
	if (bank->plan.stopping && !bank->plan.regrouping)
		return connected ? BANK_STOPPING : BANK_STOPPED;
	if (!connected || !bank->plan.pcs_run || bank->plan.regrouping)
		return BANK_STARTING;
	if (bank->dispatch.winner < 0 && bank->plan.power_w == 0.)
		return BANK_READY;
	return is_derated(bank) ? BANK_DERATED : BANK_RUNNING;
}

/* Short of a trip or a stop, the state follows after it has been the same for a while. */
static int32_t patience_ms(enum bank_state from, enum bank_state to)
{
	bool calm = from >= BANK_READY && from <= BANK_DERATED && to >= BANK_READY &&
		    to <= BANK_DERATED;

	return !calm ? 0 : from == BANK_DERATED ? 10000 : 1000;
}

static bool waits_for_start(const struct bank *bank)
{
	const struct dispatch *dispatch = &bank->dispatch;

	return bank->state == BANK_STOPPED && bank->site.start == START_COMMAND &&
	       !dispatch->started && !dispatch->stopped && !dispatch->locked;
}

void state_step(struct bank *bank, struct bank_outputs *out)
{
	enum bank_state state = state_now(bank);

	bank->state_reason = waits_for_start(bank)   ? REASON_START_WAIT
			     : state == BANK_TRIPPED ? bank->protect.permit.reason
			     : state == BANK_STARTING && !bank->protect.permit.close
				     ? bank->protect.permit.reason
				     : bank->dispatch.reason;
	if (state == bank->state)
		bank->state_ms = bank->now_ms;
	if ((state == bank->state && bank->steps > 1) ||
	    bank->now_ms - bank->state_ms < patience_ms(bank->state, state))
		return;
	bank->state = state;
	bank->state_ms = bank->now_ms;
	bank_event(bank, out, EVENT_NOTE, REASON_STATE, -1, (double)state, NAN);
}

const char *bank_state_word(enum bank_state state)
{
	static const char *const word[] = {
		[BANK_STARTING] = "starting", [BANK_READY] = "ready",
		[BANK_RUNNING] = "running",   [BANK_DERATED] = "derated",
		[BANK_STOPPING] = "stopping", [BANK_STOPPED] = "stopped",
		[BANK_TRIPPED] = "tripped",
	};

	return (unsigned)state <= BANK_TRIPPED ? word[state] : "tripped";
}
