/*
 * One CAN bus with its one raw socket: opened, reopened when the interface was lost, read in
 * batches, written frame by frame. Ids mean something on this bus only. Nothing blocks.
 */
#ifndef REBANK_CAN_BUS_H
#define REBANK_CAN_BUS_H

#include "drivers/can/bell.h"
#include "drivers/can/link.h"
#include "drivers/can/raw.h"
#include "drivers/pack/tell.h"

/* Frames sent at one turn of the timer: the send queue of an interface may hold as few as 10. */
enum { CAN_BURST = 8 };

struct can_bus {
	char name[CAN_NAME_SIZE];
	int fd; /* -1: not open */
	struct can_link link;
	unsigned n_filters;
	struct can_filter filter[CAN_FILTERS_MAX];
	int bell_fd; /* -1: none, the socket itself wakes */
	unsigned n_bell_filters;
	struct can_filter bell_filter[CAN_FILTERS_MAX];
	struct can_bell bell;
	bool resting;   /* the loop does not listen to it until the pause is over */
	unsigned burst; /* frames that may still be sent at this turn */
	uint32_t odd;   /* datagrams that were no classic CAN frame */
	struct {
		struct tell passive, off, full, odd;
	} tell;
};

void can_bus_init(struct can_bus *bus, const char *name);
/* Frames of this id are to be delivered. Beyond the kernel's limit all are. */
void can_bus_want(struct can_bus *bus, uint32_t id, bool ext);
/* Readings of this pack ring; finish with can_bell_end when all packs of the bus are in. */
void can_bus_ring(struct can_bus *bus, const struct wire *wire, const struct pack_limits *limit,
		  bool reversed);
/* The descriptor to wait for. */
int can_bus_ear(const struct can_bus *bus);
/* Takes what made the bell ring. */
void can_bus_hush(struct can_bus *bus, struct can_batch *batch);
/* Opens the interface. False: not now, see bus->link. */
bool can_bus_open(struct can_bus *bus, int64_t now_ms);
/* Descriptors stand in for the interface and its bell (-1: none); they are the bus's from now on.
 */
void can_bus_adopt(struct can_bus *bus, int fd, int bell_fd);
/* Closes the socket; it is opened again after a pause. */
void can_bus_lost(struct can_bus *bus, int64_t now_ms, int error);
/* Takes one batch; error frames are judged and left out. Number of frames; CAN_BATCH: there may be
 * more. */
unsigned can_bus_receive(struct can_bus *bus, struct can_batch *batch, int64_t now_ms);
/* False: it did not go out, for whatever reason. */
bool can_bus_send(struct can_bus *bus, int64_t now_ms, const struct can_frame *frame);
/* What people are to be told of it; false: nothing. */
bool can_bus_notice(struct can_bus *bus, int64_t now_ms, struct driver_notice *notice);
void can_bus_close(struct can_bus *bus);

#endif
