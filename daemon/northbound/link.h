/*
 * One connection to the broker, from CONNECT to its end; a lost link is closed and a new one
 * opened, never revived: libmosquitto would resend retained documents that are out of date by then.
 * Single- threaded: the owner polls link_fd and calls link_serve.
 */
#ifndef REBANK_NORTHBOUND_LINK_H
#define REBANK_NORTHBOUND_LINK_H

#include "config/config.h"

enum link_phase { LINK_CONNECTING = 0, LINK_UP, LINK_DOWN };

struct link_message {
	const char *topic;
	const char *payload; /* not NUL-terminated */
	size_t length;
	bool retained;
	const char *response_topic; /* NULL: none (or MQTT 3.1.1) */
	const void *correlation;
	size_t correlation_size;
};

struct link_owner {
	void *context;
	/* Called inside link_serve: copy and return. */
	void (*message)(void *context, const struct link_message *message);
	void (*delivered)(void *context, int mid);
};

struct link;

/* Starts connecting. Blocks only while the host name is resolved. NULL with a sentence in `problem`
 * when the settings cannot work or the broker is refused at once. */
struct link *link_open(const struct mqtt_config *config, bool v5, const char *will_topic,
		       const char *will, const struct link_owner *owner, char *problem,
		       size_t size);
/* `orderly`: tells the broker, so that it does not publish the will. */
void link_close(struct link *link, bool orderly);

int link_fd(const struct link *link); /* -1: none */
bool link_wants_write(const struct link *link);
/* Reads and writes what is possible; about once a second also with nothing to read. */
enum link_phase link_serve(struct link *link, bool readable);
const char *link_problem(const struct link *link); /* why it is down */
bool link_wrong_version(const struct link *link);  /* the broker refused the protocol version */

struct link_publication {
	const char *topic, *text;
	int qos;
	bool retain;
	unsigned expiry_s;       /* 0: none; MQTT 5 only, as are the next two */
	const void *correlation; /* NULL: none */
	size_t correlation_size;
};
/* Message id, or -1 when the link is not up or refuses. */
int link_publish(struct link *link, const struct link_publication *publication);
/* `commands`: never retained messages, and live ones keep their retain flag (MQTT 5). */
bool link_subscribe(struct link *link, const char *filter, bool commands);

#endif
