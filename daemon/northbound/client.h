/*
 * The other end of the local socket (docs/local-socket.md): one JSON object per line each way.
 * Every line from the daemon has a key "type": "status", "event", "ack", "ok" or "error".
 */
#ifndef REBANK_NORTHBOUND_CLIENT_H
#define REBANK_NORTHBOUND_CLIENT_H

#include <jansson.h>

/* Connects to the socket at `path` (<run_dir>/<bank>.sock). -1 and errno when nobody listens or the
 * user may not. Close with close(). */
int client_open(const char *path);

/* Sends one request without waiting; the reference stays with the caller. 0, or -1 and errno. */
int client_send(int fd, const json_t *request);

/* The next line from the daemon (new reference). NULL and errno: ETIMEDOUT after timeout_ms (-1
 * waits for ever), ECONNRESET when the daemon hung up, EPROTO when the line is not a JSON object.
 */
json_t *client_read(int fd, int timeout_ms);

/* Sends one request and returns the first line of the answer, waiting at most 5 s. The reference to
 * `request` is taken over, also on failure, so that json_pack() may stand in the call. */
json_t *client_request(int fd, json_t *request);

#endif
