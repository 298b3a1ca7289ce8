/*
 * What a SunSpec converter is told: which write is due, one script after the other, and which of
 * them the device has confirmed and still holds.
 */
#ifndef REBANK_DRIVERS_PCS_SUNSPEC_ORDERS_H
#define REBANK_DRIVERS_PCS_SUNSPEC_ORDERS_H

#include "drivers/pcs/sunspec_pcs.h"

enum sunspec_purpose { FOR_SETPOINT = 0, FOR_RUN, FOR_BEAT };

struct sunspec_orders {
	struct sunspec_control control;
	bool sent_valid; /* a setpoint was confirmed */
	/* its own */
	struct sunspec_script script;
	unsigned step; /* of the script; > 0: it is under way */
	enum sunspec_purpose purpose;
	int32_t sent;    /* setpoint that was confirmed */
	int32_t sending; /* of the script that is under way */
	bool running, running_valid;
	bool setpoint_failed; /* the last attempt; none of start or stop failed since */
	int64_t sent_ms, run_ms, again_ms;
	uint32_t beat;
	int64_t beat_ms;
	bool held; /* the last read-back showed our setpoint */
};

enum sunspec_orders_news {
	ORDERS_NOTHING = 0,
	ORDERS_SETPOINT_TAKEN,
	ORDERS_SETPOINT_REFUSED,
	ORDERS_RUN_REFUSED, /* start or stop */
};

/* Nothing is known to be in force, and nothing is under way. */
void sunspec_orders_doubt(struct sunspec_orders *orders);
/* The device was found: how it is steered; fills the traits. */
void sunspec_orders_begin(struct sunspec_orders *orders,
			  const struct sunspec_block block[SLOT_COUNT], int32_t dead_man_ms,
			  struct pcs_traits *traits);
/* Can its power be set at all? */
bool sunspec_orders_steer(const struct sunspec_orders *orders);
/* Is something to be written now? Then `request` is filled. */
bool sunspec_orders_next(struct sunspec_orders *orders, const struct pcs_command *command,
			 const struct pcs_status *status,
			 const struct sunspec_block block[SLOT_COUNT], int64_t now_ms,
			 struct modbus_request *request);
enum sunspec_orders_news sunspec_orders_done(struct sunspec_orders *orders,
					     const struct modbus_answer *answer);
/* Looks at what steers it, read just now. True: the dead-man is proven. */
bool sunspec_orders_read_back(struct sunspec_orders *orders,
			      const struct sunspec_block block[SLOT_COUNT]);

#endif
