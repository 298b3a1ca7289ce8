/*
 * A socket filter (classic BPF) that lets a frame through only when a reading in it may lie beyond
 * a bound that opens the pack: the kernel looks at every frame, the control thread wakes for those.
 * It may ring without need (a code that is invalid, a page that is another's); it never stays
 * silent when wire_urgent would be true. No I/O.
 */
#ifndef REBANK_CAN_BELL_H
#define REBANK_CAN_BELL_H

#include <linux/filter.h>

#include "drivers/pack/wire.h"

enum { CAN_BELL_MAX = 4096 }; /* instructions, the kernel's limit (BPF_MAXINSNS) */

struct can_bell {
	unsigned n;
	bool full; /* it did not fit: the program rings for everything */
	struct sock_filter code[CAN_BELL_MAX];
};

void can_bell_begin(struct can_bell *bell);
/* Adds the frame. False: nothing in it can be urgent, it need not be delivered to the bell. */
bool can_bell_frame(struct can_bell *bell, const struct wire *wire, unsigned frame,
		    const struct pack_limits *limit, bool reversed);
void can_bell_end(struct can_bell *bell);

#endif
