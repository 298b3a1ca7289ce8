#include "drivers/can/cycle.h"

enum { SPREAD_MS = 10, TIMER_MIN_MS = 5, TIMER_MAX_MS = 100 };

void can_cycle_start(struct can_cycle *cycle, int64_t now_ms, unsigned index)
{
	cycle->due_ms = now_ms + (int64_t)index * SPREAD_MS % cycle->period_ms;
}

bool can_cycle_due(struct can_cycle *cycle, int64_t now_ms)
{
	if (cycle->due_ms == 0 || now_ms < cycle->due_ms)
		return false;
	cycle->due_ms += cycle->period_ms;
	if (cycle->due_ms <= now_ms)
		cycle->due_ms = now_ms + cycle->period_ms;
	return true;
}

void can_cycle_restart(struct can_cycle *cycle, int64_t now_ms)
{
	cycle->due_ms = now_ms + cycle->period_ms;
}

void can_cycle_stop(struct can_cycle *cycle)
{
	cycle->due_ms = 0;
}

int32_t can_cycle_timer_ms(int32_t so_far_ms, int32_t period_ms)
{
	int32_t a = so_far_ms, b = period_ms;

	while (b > 0) {
		int32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a < TIMER_MIN_MS ? TIMER_MIN_MS : a > TIMER_MAX_MS ? TIMER_MAX_MS : a;
}
