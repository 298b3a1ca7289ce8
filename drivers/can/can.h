/*
 * The packs on CAN buses, as one driver: one raw socket per bus, an ISO-TP socket per conversation,
 * one timer for what is sent, all in one epoll set that the control thread watches.
 *
 * What cannot trip is read at the turns of the timer and before each step, so that a full bus wakes
 * the control thread no oftener than an idle one; what may trip rings a bell (drivers/can/bus.h),
 * at most once per CAN_PAUSE_US. Frames are sent only while steps are run: a hung control thread
 * falls silent.
 */
#ifndef REBANK_CAN_CAN_H
#define REBANK_CAN_CAN_H

#include "drivers/can/pack.h"
#include "drivers/driver.h"

enum {
	CAN_PAUSE_US = 1000,  /* after the bell rang it is not listened to for so long */
	CAN_READ_MS = 10,     /* slowest turn of the timer: what waits is read */
	CAN_ASK_MS = 20,      /* requests are due on such a grid */
	CAN_STEPS_MISSED = 3, /* without a step for so many ticks nothing is sent any more */
};

struct can_setup {
	int32_t tick_ms;
	unsigned n_buses;
	struct {
		char name[CAN_NAME_SIZE];
		/* < 0: the interface of that name; else these stand in for it and its bell. */
		int fd, bell_fd;
	} bus[PACK_MAX];
	unsigned n_packs;
	struct can_pack_setup pack[PACK_MAX];
};

/* An interface that is missing or down is no failure: it is opened when it comes, its packs are
 * unknown until then. False with errno: no memory, no descriptors. */
bool can_open(struct driver *driver, const struct can_setup *setup, int64_t now_ms);

/* What is known of a bus of an open driver, for a line to the operator at start. */
const struct can_link *can_bus_link(const struct driver *driver, unsigned bus);

#endif
