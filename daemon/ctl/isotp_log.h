/*
 * ISO-TP messages put together from the frames of a log, looking on only. On a bus the kernel does
 * this (drivers/can/isotp.h).
 */
#ifndef REBANK_CTL_ISOTP_LOG_H
#define REBANK_CTL_ISOTP_LOG_H

#include <stdbool.h>
#include <stdint.h>

struct isotp_log {
	unsigned length, have; /* of the message that is under way; length 0: none */
	uint8_t next;          /* sequence number */
	uint8_t data[4095];
};

/* Takes the bytes of one frame (an address byte, where there is one, taken off). True: log->data
 * holds a whole message of log->have bytes. */
bool isotp_log_take(struct isotp_log *log, const uint8_t *data, unsigned length);

#endif
