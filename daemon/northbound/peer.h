/*
 * One client of the local socket: who it is, its lines in and its lines out. Never blocks: what the
 * client does not read waits, up to a bound.
 */
#ifndef REBANK_NORTHBOUND_PEER_H
#define REBANK_NORTHBOUND_PEER_H

#include <jansson.h>

#include "northbound/parse.h"

enum { PEER_WAITS = 16 };

struct peer_wait { /* a command whose acks this client wants */
	char id[COMMAND_ID_SIZE];
	bool lives; /* setpoint or release: more acks follow the first */
};

struct peer {
	int fd; /* -1: free */
	bool watching, broken;
	size_t in_length, out_length;
	char *out;
	unsigned next_wait;
	struct peer_wait wait[PEER_WAITS];
	char in[PARSE_BYTES_MAX + 1];
};

/* root, the daemon's user, and members of the group that owns the socket. */
bool peer_may(int fd, unsigned socket_group);

void peer_open(struct peer *peer, int fd);
void peer_close(struct peer *peer);

/* Reads what is there; false when the client is gone or sends lines that are too long. */
bool peer_read(struct peer *peer);
/* Takes the next complete line out of the buffer; false when there is none. `line` has room for
 * PARSE_BYTES_MAX + 1. */
bool peer_line(struct peer *peer, char *line, size_t *length);

/* Sends a line, now or when the client reads. Takes the document over. */
void peer_send(struct peer *peer, json_t *document);
void peer_flush(struct peer *peer);

void peer_wait_for(struct peer *peer, const char *id, bool lives);
/* The entry for `id`; NULL when the client does not wait for it. */
struct peer_wait *peer_find_wait(struct peer *peer, const char *id);

#endif
