/*
 * Our SunSpec server (docs/sunspec.md): the bank as registers for any SCADA or EMS, over Modbus TCP
 * in a thread of its own. Read only unless the site file allows writes; what is written is a
 * command of a configured source, and the request is answered when the core has answered the
 * command.
 *
 * Several clients; none waits for another: sockets never block, a client that does not read or
 * sends nonsense is closed. Without a fresh report from the control thread every read is refused.
 */
#ifndef REBANK_NORTHBOUND_SUNSPEC_H
#define REBANK_NORTHBOUND_SUNSPEC_H

#include "config/config.h"
#include "core/report.h"
#include "drivers/worker/queue.h"

enum {
	SUNSPEC_CLIENTS = 8,
	SUNSPEC_STALE_MS = 2000,  /* a report older than this is not read from */
	SUNSPEC_ACK_MS = 1000,    /* the core answers a command within, or the write has failed */
	SUNSPEC_STUCK_MS = 10000, /* a client that does not read for so long is closed */
	SUNSPEC_IDLE_MS = 30000,  /* a client idle for so long makes room for a new one */
};

struct sunspec;

/* Listens where the site file says. NULL and a line on stderr on failure. */
struct sunspec *sunspec_new(const struct config *config, const char *boot, struct queue *commands);

/* From the control thread. */
void sunspec_give_report(struct sunspec *sunspec, const struct bank_report *report,
			 size_t report_size, const struct bank_outputs *out);
void sunspec_give_ack(struct sunspec *sunspec, const struct ack *ack);

/* False when the thread is still busy after timeout_ms: what it uses must stay. */
bool sunspec_stop(struct sunspec *sunspec, int timeout_ms);

#endif
