/*
 * One pack on a CAN bus: its frames decoded, its frames sent at their periods, its requests asked
 * one at a time. What the wire carries stands in its profile (drivers/pack/wire.h).
 */
#ifndef REBANK_CAN_PACK_H
#define REBANK_CAN_PACK_H

#include "drivers/can/bus.h"
#include "drivers/can/cycle.h"
#include "drivers/can/poll.h"
#include "drivers/pack/tell.h"

enum {
	CAN_FOREIGN_HOLD_MS = 5000, /* a foreign sender counts as there so long after its frame */
	CAN_PENDING_MS = 5000,      /* more time for a pack that says "response pending" */
};

struct can_pack_setup {
	unsigned pack;           /* its index in bank_inputs and bank_outputs */
	unsigned bus;            /* index of can_setup.bus */
	const struct wire *wire; /* these outlive the driver */
	const struct pack_limits *limit;
	bool reversed; /* current counts the other way than its profile says */
	bool asleep;   /* not started: this kernel cannot ask it (ISO-TP) */
};

struct can_pack {
	struct can_pack_setup setup;
	struct wire_state state;
	struct wire_sending sending;
	struct wire_command command;
	int64_t started_ms;
	int64_t utc_ahead_ms; /* of the monotonic clock; 0: not known */
	struct pack_sample sample;
	struct pack_contacts contacts;
	int64_t foreign_ms; /* a frame of ours from elsewhere; 0: never */
	struct can_cycle cycle[WIRE_SEND_MAX];
	bool commands[WIRE_SEND_MAX]; /* frames whose content follows the command */
	bool close_said;              /* frames that only go out to close did */
	struct can_poll poll;
	uint16_t step[WIRE_REQUEST_MAX], asked_step;
	int channel_fd[WIRE_CHANNEL_MAX];
	struct tell_wire tell;
};

/* Starts as unknown; enters the ids it hears and sends into the filters of its bus. */
void can_pack_init(struct can_pack *pack, const struct can_pack_setup *setup, struct can_bus *bus,
		   int64_t now_ms);
/* Opens, closes the ISO-TP sockets. 0 or an errno. */
int can_pack_open(struct can_pack *pack, const char *interface);
void can_pack_close(struct can_pack *pack);

/* What a frame of its bus is to this pack: nothing (false), or something. `*urgent` is set when a
 * reading lies beyond a limit. */
bool can_pack_hear(struct can_pack *pack, const struct can_frame *frame, int64_t at_ms,
		   bool from_here, bool *urgent);
/* Reads an answer; 0, EAGAIN or the errno of a bus that is lost. */
int can_pack_answer(struct can_pack *pack, unsigned channel, int64_t now_ms, bool *urgent);
/* Sends the next request when one is due. 0 or the errno of a bus that is lost. */
int can_pack_ask(struct can_pack *pack, int64_t now_ms);
/* Sends the frames that are due. */
void can_pack_send(struct can_pack *pack, struct can_bus *bus, int64_t now_ms, int32_t slack_ms);
/* Takes the commands of a step; frames that say "open" do not wait for their turn. */
void can_pack_command(struct can_pack *pack, struct can_bus *bus, int64_t now_ms,
		      const struct bank_outputs *out);
/* What people are to be told of it; false: nothing. */
bool can_pack_notice(struct can_pack *pack, int64_t now_ms, struct driver_notice *notice);
/* Puts the readings into the inputs. */
void can_pack_put(struct can_pack *pack, const struct can_bus *bus, struct bank_inputs *in);

#endif
