/*
 * The outside world as the control thread sees it: commands come in, reports, events and acks go
 * out, and nothing here ever blocks or allocates on the control thread. Behind it are the MQTT
 * thread (mqtt.c) and the local-socket thread (local.c), which speak the documents of docs/mqtt.md,
 * and the SunSpec server (sunspec.c).
 */
#ifndef REBANK_NORTHBOUND_NORTHBOUND_H
#define REBANK_NORTHBOUND_NORTHBOUND_H

#include "config/config.h"
#include "core/report.h"
#include "store/commission.h"

struct northbound;

/* Starts the threads. `boot` is this start's nonce. `request_recording` (may be NULL) is called
 * from the local thread when someone asks for a recording. NULL and a line on stderr on failure. A
 * broker that cannot be reached is no failure: the thread keeps trying. */
struct northbound *northbound_new(const struct config *config, const char *boot,
				  void (*request_recording)(void *context), void *context);

/* What `status` on the local socket says of commissioning; `commission` stays as long as this. */
void northbound_tell_commission(struct northbound *northbound, const struct commission *commission);

/* Readable when a command waits: the control thread then steps at once. */
int northbound_fd(const struct northbound *northbound);

/* Moves up to `max` waiting commands; returns how many. */
unsigned northbound_take(struct northbound *northbound, struct command *command, unsigned max);

/* False while a configured broker is not reached. */
bool northbound_connected(const struct northbound *northbound);

/* After every step. Copies; events and acks are never dropped silently. */
void northbound_give(struct northbound *northbound, const struct bank_report *report,
		     const struct bank_outputs *out);

/* Publishes what is left and `status` offline with reason "stop", waits at most `timeout_ms`. */
void northbound_stop(struct northbound *northbound, int timeout_ms);

#endif
