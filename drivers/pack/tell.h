/*
 * When a count of trouble is told to people: at once when it first grows, then with what came on
 * top, at first after a minute, then ever less often to once an hour while it goes on. No I/O.
 */
#ifndef REBANK_DRIVERS_PACK_TELL_H
#define REBANK_DRIVERS_PACK_TELL_H

#include "drivers/driver.h"
#include "drivers/pack/wire.h"

enum { TELL_AGAIN_MS = 60000, TELL_SELDOM_MS = 3600000 };

struct tell {
	uint32_t told;   /* the count then */
	int64_t told_ms; /* 0: never */
	int32_t wait_ms; /* from then to the next */
};

/* True: tell it now; fills notice->times and notice->again. */
bool tell_due(struct tell *tell, int64_t now_ms, uint32_t count, struct driver_notice *notice);

/* The same for each complaint of a wire: fills text and id too. */
struct tell_wire {
	struct tell complaint[WIRE_COMPLAINT_COUNT];
};
bool tell_wire_due(struct tell_wire *tell, int64_t now_ms, const struct wire_state *state,
		   struct driver_notice *notice);

#endif
