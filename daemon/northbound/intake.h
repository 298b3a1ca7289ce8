/*
 * What arrives on the command topics: who sent it (from the topic, never from the payload), whether
 * it is a command at all, and whether its source may send so many. Commands go on to the control
 * thread, everything else becomes an ack or an event at once.
 */
#ifndef REBANK_NORTHBOUND_INTAKE_H
#define REBANK_NORTHBOUND_INTAKE_H

#include "config/config.h"
#include "northbound/link.h"
#include "northbound/outbox.h"

enum { RESPONSE_TOPIC_SIZE = 192, CORRELATION_SIZE = 128 };

struct intake_owner {
	void *context;
	bool (*command)(void *context, const struct command *command); /* false: no room */
	void (*answer)(void *context, const struct outgoing *item);
	/* Whether telemetry `n` was published within the last 10 s. */
	bool (*is_fresh)(void *context, int64_t n);
};

struct intake;

struct intake *intake_new(const struct config *config, const char *boot,
			  const struct intake_owner *owner);
void intake_free(struct intake *intake);

/* `topic` without the bank's root: "setpoint/<src>/set" or "cmd/<src>/set". */
void intake_take(struct intake *intake, const char *topic, const struct link_message *message,
		 int64_t now_ms);

/* Hands on what the rate limit held back; returns when to call again, INT64_MAX: not needed. */
int64_t intake_release(struct intake *intake, int64_t now_ms);

/* Where else the acks of this command go (MQTT 5 response topic). */
struct intake_response {
	char topic[RESPONSE_TOPIC_SIZE];
	size_t correlation_size; /* 0: none */
	unsigned char correlation[CORRELATION_SIZE];
};
const struct intake_response *intake_response(const struct intake *intake, unsigned source,
					      const char *id);

#endif
