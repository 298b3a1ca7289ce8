/*
 * The local socket (docs/local-socket.md): the documents of MQTT for the people on site, with the
 * broker down too. Its commands are those of the source `local`. One thread, a few clients.
 */
#ifndef REBANK_NORTHBOUND_LOCAL_H
#define REBANK_NORTHBOUND_LOCAL_H

#include "config/config.h"
#include "core/report.h"
#include "drivers/worker/queue.h"
#include "northbound/mqtt.h"
#include "northbound/outbox.h"
#include "store/commission.h"

struct local;

struct local_owner {
	struct queue *commands;
	const struct mqtt *mqtt; /* NULL: no broker configured */
	void (*request_recording)(void *context);
	void *context;
};

/* Listens on <run_dir>/<bank>.sock. NULL and a line on stderr on failure. */
struct local *local_new(const struct config *config, const char *boot,
			const struct local_owner *owner);

void local_tell_commission(struct local *local, const struct commission *commission);

/* From the control thread. */
void local_give_report(struct local *local, const struct bank_report *report, size_t report_size);
/* Nobody may be listening: then it is not kept. */
void local_give(struct local *local, const struct outgoing *item);

/* False when the thread is still busy after timeout_ms: what it uses must stay. */
bool local_stop(struct local *local, int timeout_ms);

#endif
