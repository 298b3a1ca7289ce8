/*
 * JSON text -> struct command, strictly: unknown keys, duplicate keys, wrong types and numbers that
 * are not finite are refused with a reason and a sentence for the ack. What needs the bank's state
 * (age, replay, limits, priority) is judged by the core.
 */
#ifndef REBANK_NORTHBOUND_PARSE_H
#define REBANK_NORTHBOUND_PARSE_H

#include "core/site.h"

enum {
	PARSE_BYTES_MAX = 4096,
	PARSE_DEPTH_MAX = 4,
	DETAIL_SIZE = 121,
};

struct parsed {
	enum reason reason;       /* REASON_OK: `command` is complete but for source and receipt */
	char detail[DETAIL_SIZE]; /* what is wrong, printable ASCII; "" when ok */
	char id[COMMAND_ID_SIZE]; /* "" when it could not be read: no ack is possible */
	int64_t seq;              /* -1: absent or not readable */
	int64_t ts_utc_ms;        /* -1: absent */
	int64_t n;                /* echoed telemetry counter; -1: absent */
	struct command command;
};

/* `boot` is this start's nonce, against which the key `boot` is compared. */
void parse_setpoint(const char *text, size_t length, const struct site *site, const char *boot,
		    struct parsed *parsed);
void parse_cmd(const char *text, size_t length, const struct site *site, const char *boot,
	       struct parsed *parsed);

/* Requests of the local socket: LOCAL_COMMAND has its command in `parsed`. */
enum local_request { LOCAL_REFUSED = 0, LOCAL_COMMAND, LOCAL_STATUS, LOCAL_WATCH, LOCAL_RECORD };
enum local_request parse_local(const char *text, size_t length, const struct site *site,
			       const char *boot, struct parsed *parsed);

#endif
