/*
 * One raw socket on one CAN interface: kernel filters, receive stamps, error frames; never blocks.
 * Functions return 0 or an errno. A socket pair may stand in for the bus (can_raw_adopt): one
 * struct can_frame per datagram.
 */
#ifndef REBANK_CAN_RAW_H
#define REBANK_CAN_RAW_H

#include <linux/can.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include "core/types.h"

enum {
	CAN_NAME_SIZE = 16,    /* of an interface, with the NUL */
	CAN_BATCH = 64,        /* frames taken by one call */
	CAN_FILTERS_MAX = 512, /* the kernel's limit for one socket */
	CAN_AGE_MAX_MS = 100,  /* ages are clamped to 0..this: the wall clock may be set */
};

/* Frames of one can_raw_receive, with what the kernel needs to fill them. */
struct can_batch {
	struct can_frame frame[CAN_BATCH];
	int64_t at_ms[CAN_BATCH];   /* monotonic, when it arrived at the interface */
	int64_t real_us[CAN_BATCH]; /* wall clock of the same; 0: not stamped */
	bool from_here[CAN_BATCH];  /* another process of this machine sent it */
	struct mmsghdr message[CAN_BATCH];
	struct iovec part[CAN_BATCH];
	union {
		struct cmsghdr align;
		char bytes[64];
	} control[CAN_BATCH];
};

void can_batch_init(struct can_batch *batch);

/* Opens and binds; only ids of `filter` and error frames are delivered. ENODEV: no such interface;
 * ENETDOWN: it is down. */
int can_raw_open(int *fd, const char *name, const struct can_filter *filter, unsigned n_filters);

/* Attaches a socket filter and makes the queue of the socket short: it wakes, others read. */
int can_raw_ring_for(int fd, struct sock_filter *code, unsigned n);

/* Takes up to CAN_BATCH frames; datagrams of another size than a classic CAN frame are left out and
 * counted in `*odd`. `*n` frames came; 0 with EAGAIN: nothing is there. */
int can_raw_receive(int fd, struct can_batch *batch, int64_t now_ms, unsigned *n, uint32_t *odd);

/* ENOBUFS: no room in the queue, also where the kernel says EAGAIN. */
int can_raw_send(int fd, const struct can_frame *frame);

#endif
