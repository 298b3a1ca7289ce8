/*
 * The MQTT thread: keeps one connection to the broker, with growing pauses between attempts, and
 * moves what the control thread left in the queues. It may block in a host name lookup, and nobody
 * waits for it.
 */
#ifndef REBANK_NORTHBOUND_MQTT_H
#define REBANK_NORTHBOUND_MQTT_H

#include "config/config.h"
#include "core/report.h"
#include "drivers/worker/queue.h"
#include "northbound/outbox.h"

enum { COMMAND_SLOTS = 64 }; /* of the queue of commands */

struct mqtt;

/* `commands` takes struct command. NULL and a line on stderr on failure. */
struct mqtt *mqtt_new(const struct config *config, const char *boot, struct queue *commands);

bool mqtt_connected(const struct mqtt *mqtt);

/* From the control thread. `report_size`: the bytes of it that are in use. */
void mqtt_give_report(struct mqtt *mqtt, const struct bank_report *report, size_t report_size);
/* False when the queue is full: counted, and told in telemetry. */
bool mqtt_give(struct mqtt *mqtt, const struct outgoing *item);
/* Events that the step itself could not hold. */
void mqtt_count_lost(struct mqtt *mqtt, unsigned lost);

/* Publishes what is left and `status` offline, then ends the thread. A thread that hangs in a name
 * lookup is left behind after timeout_ms: false, and what it uses must stay. */
bool mqtt_stop(struct mqtt *mqtt, int timeout_ms);

#endif
