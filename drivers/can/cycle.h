/*
 * Frames that go out at a period: when each is due, spread so that they do not fill a short send
 * queue at once. No I/O, no clock.
 */
#ifndef REBANK_CAN_CYCLE_H
#define REBANK_CAN_CYCLE_H

#include <stdbool.h>
#include <stdint.h>

struct can_cycle {
	int32_t period_ms;
	int64_t due_ms; /* 0: not running */
};

/* The `index`th frame of a pack starts a little later than the one before it. */
void can_cycle_start(struct can_cycle *cycle, int64_t now_ms, unsigned index);
/* True once per period while running; periods that were missed are not caught up on. */
bool can_cycle_due(struct can_cycle *cycle, int64_t now_ms);
/* Sent out of turn (its content changed): the next one follows a period later. */
void can_cycle_restart(struct can_cycle *cycle, int64_t now_ms);
void can_cycle_stop(struct can_cycle *cycle);
/* The coarsest timer that serves every period: their greatest common divisor, 5 to 100 ms. */
int32_t can_cycle_timer_ms(int32_t so_far_ms, int32_t period_ms);

#endif
