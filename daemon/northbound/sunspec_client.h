/*
 * One client of the SunSpec server: its requests in, its answers out, in order. Never blocks.
 */
#ifndef REBANK_NORTHBOUND_SUNSPEC_CLIENT_H
#define REBANK_NORTHBOUND_SUNSPEC_CLIENT_H

#include "core/types.h"
#include "northbound/modbus_request.h"

struct sunspec_client {
	int fd; /* -1: free */
	bool broken;
	int64_t active_ms; /* last whole request */
	int64_t stuck_ms;  /* answers have waited since; 0: none waits */
	/* an answer that waits for the core's word on a command; "": none */
	char wait_id[COMMAND_ID_SIZE];
	int64_t wait_ms; /* not longer than until then */
	size_t in_n, out_n, held_n;
	uint8_t in[2 * MODBUS_ADU_MAX], out[4 * MODBUS_ADU_MAX], held[MODBUS_ADU_MAX];
};

void sunspec_client_open(struct sunspec_client *client, int fd, int64_t now_ms);
void sunspec_client_close(struct sunspec_client *client);

/* Reads and writes what is possible. */
void sunspec_client_read(struct sunspec_client *client);
void sunspec_client_flush(struct sunspec_client *client, int64_t now_ms);

/* The next whole request, to be answered now; its length, 0: none, or the answers before it have
 * not gone yet. */
size_t sunspec_client_request(struct sunspec_client *client, uint8_t request[MODBUS_ADU_MAX],
			      int64_t now_ms);
void sunspec_client_answer(struct sunspec_client *client, const uint8_t *answer, size_t n);
/* The answer is given when the core's has come, or is a refusal by `until_ms`. */
void sunspec_client_hold(struct sunspec_client *client, const uint8_t *answer, size_t n,
			 const char *id, int64_t until_ms);
void sunspec_client_settle(struct sunspec_client *client, bool accepted);

#endif
