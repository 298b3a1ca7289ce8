#include "drivers/pcs/sunspec_orders.h"

#include <string.h>

enum {
	WRITE_AGAIN_MS = 200, /* after a write that failed */
	RUN_AGAIN_MS = 3000,  /* start or stop is repeated when the state disagrees */
	BEAT_MS = 1000,
};

void sunspec_orders_doubt(struct sunspec_orders *orders)
{
	orders->sent_valid = orders->running_valid = orders->held = false;
	orders->setpoint_failed = false;
	orders->step = 0;
}

void sunspec_orders_begin(struct sunspec_orders *orders,
			  const struct sunspec_block block[SLOT_COUNT], int32_t dead_man_ms,
			  struct pcs_traits *traits)
{
	sunspec_control_choose(block, dead_man_ms, &orders->control, traits);
	orders->sent_valid = orders->running_valid = false;
	orders->held = true;
}

bool sunspec_orders_steer(const struct sunspec_orders *orders)
{
	return orders->control.steering != STEER_NONE;
}

/* A new value, one that the device forgot, or one whose timer is a third gone. */
static bool setpoint_due(const struct sunspec_orders *orders, const struct pcs_traits *traits,
			 int64_t now_ms, int32_t count)
{
	if (!sunspec_orders_steer(orders) || now_ms < orders->again_ms)
		return false;
	return !orders->sent_valid || count != orders->sent || !orders->held ||
	       (traits->refresh_ms > 0 && now_ms - orders->sent_ms >= traits->refresh_ms);
}

static bool state_disagrees(enum pcs_state state, bool run)
{
	return run ? state == PCS_OFF : state == PCS_RUNNING || state == PCS_STARTING;
}

static bool run_due(const struct sunspec_orders *orders, const struct pcs_status *status,
		    int64_t now_ms, bool run)
{
	if (!status->traits.can_stop || now_ms < orders->again_ms)
		return false;
	if (!orders->running_valid || run != orders->running)
		return true;
	return now_ms - orders->run_ms >= RUN_AGAIN_MS &&
	       state_disagrees(status->sample.state, run);
}

/* 0 W did not get through: off is tried before it is, and each as often as the other. */
static bool stop_comes_first(const struct sunspec_orders *orders, const struct pcs_status *status,
			     int64_t now_ms, bool run)
{
	return orders->setpoint_failed && !run && run_due(orders, status, now_ms, run);
}

/* The setpoint first: 0 W is in force before the device is stopped, ours before it is started. */
static bool script_choose(struct sunspec_orders *orders, const struct pcs_command *command,
			  const struct pcs_status *status,
			  const struct sunspec_block block[SLOT_COUNT], int64_t now_ms)
{
	int32_t count = sunspec_control_count(&orders->control, command->p_w);

	if (!stop_comes_first(orders, status, now_ms, command->run) &&
	    setpoint_due(orders, &status->traits, now_ms, count)) {
		orders->purpose = FOR_SETPOINT;
		orders->sending = count;
		sunspec_control_set(&orders->control, block, count, &orders->script);
	} else if (run_due(orders, status, now_ms, command->run)) {
		orders->purpose = FOR_RUN;
		orders->sending = command->run;
		sunspec_control_run(block, command->run, &orders->script);
	} else if (now_ms - orders->beat_ms >= BEAT_MS) {
		orders->purpose = FOR_BEAT;
		sunspec_control_beat(block, orders->beat + 1, &orders->script);
	} else {
		return false;
	}
	return orders->script.n > 0;
}

bool sunspec_orders_next(struct sunspec_orders *orders, const struct pcs_command *command,
			 const struct pcs_status *status,
			 const struct sunspec_block block[SLOT_COUNT], int64_t now_ms,
			 struct modbus_request *request)
{
	const struct sunspec_step *step = &orders->script.step[orders->step];

	if (orders->step == 0 && !script_choose(orders, command, status, block, now_ms))
		return false;
	request->function = MODBUS_WRITE_MANY;
	request->address = step->address;
	request->count = step->count;
	memcpy(request->value, step->value, step->count * sizeof step->value[0]);
	return true;
}

static enum sunspec_orders_news script_finished(struct sunspec_orders *orders, int64_t now_ms)
{
	switch (orders->purpose) {
	case FOR_SETPOINT:
		orders->sent = orders->sending;
		orders->sent_valid = orders->held = true;
		orders->setpoint_failed = false;
		orders->sent_ms = now_ms;
		return ORDERS_SETPOINT_TAKEN;
	case FOR_RUN:
		orders->running = orders->sending;
		orders->running_valid = true;
		orders->run_ms = now_ms;
		break;
	case FOR_BEAT:
		orders->beat++;
		orders->beat_ms = now_ms;
		break;
	}
	return ORDERS_NOTHING;
}

static enum sunspec_orders_news script_failed(struct sunspec_orders *orders,
					      const struct modbus_answer *answer)
{
	orders->again_ms = answer->arrived_ms + WRITE_AGAIN_MS;
	if (orders->purpose == FOR_BEAT) {
		orders->beat_ms = answer->arrived_ms;
		return ORDERS_NOTHING;
	}
	orders->held = false;
	orders->setpoint_failed = orders->purpose == FOR_SETPOINT;
	if (answer->result != MODBUS_REFUSED)
		return ORDERS_NOTHING;
	if (orders->purpose == FOR_RUN)
		return ORDERS_RUN_REFUSED;
	orders->control.in_pieces = !orders->control.in_pieces;
	return ORDERS_SETPOINT_REFUSED;
}

enum sunspec_orders_news sunspec_orders_done(struct sunspec_orders *orders,
					     const struct modbus_answer *answer)
{
	if (answer->result == MODBUS_ANSWERED && ++orders->step < orders->script.n)
		return ORDERS_NOTHING;
	orders->step = 0;
	return answer->result == MODBUS_ANSWERED ? script_finished(orders, answer->arrived_ms)
						 : script_failed(orders, answer);
}

bool sunspec_orders_read_back(struct sunspec_orders *orders,
			      const struct sunspec_block block[SLOT_COUNT])
{
	orders->held =
		!orders->sent_valid || sunspec_control_holds(&orders->control, block, orders->sent);
	return orders->sent_valid && sunspec_control_proves(&orders->control, block);
}
