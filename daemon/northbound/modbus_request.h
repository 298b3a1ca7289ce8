/*
 * Modbus TCP as a server sees it: requests out of a stream of bytes, and their answers (Modbus
 * application protocol 1.1b3, messaging on TCP/IP 1.0b). Pure: no sockets, no clock, nothing kept.
 *
 * Not libmodbus: its server waits for the rest of a slow client's frame and pauses after a request
 * it does not like, which would let one client disturb the others.
 */
#ifndef REBANK_NORTHBOUND_MODBUS_REQUEST_H
#define REBANK_NORTHBOUND_MODBUS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MODBUS_ADU_MAX = 260, /* one frame with its header */
	MODBUS_READ_MOST = 125,
	MODBUS_WRITE_MOST = 123,
};

enum modbus_exception {
	EXCEPTION_NONE = 0,
	EXCEPTION_FUNCTION = 1, /* not served, or not to anybody */
	EXCEPTION_ADDRESS = 2,
	EXCEPTION_VALUE = 3,
	EXCEPTION_FAILURE = 4, /* the bank does not answer, or refused */
	EXCEPTION_BUSY = 6,
	EXCEPTION_UNIT = 11, /* another unit than ours */
};

struct modbus_access {
	void *context;
	/* Registers `address`.. of `count`; an exception instead: nothing was read or written. */
	enum modbus_exception (*read)(void *context, uint16_t address, uint16_t count,
				      uint16_t *value);
	/* NULL: nothing can be written. */
	enum modbus_exception (*write)(void *context, uint16_t address, uint16_t count,
				       const uint16_t *value);
};

/* Length of the request at the start of `data`; 0: more bytes are needed; -1: no Modbus, and the
 * stream cannot be followed any further. */
int modbus_request_length(const uint8_t *data, size_t n);

/* Answers one whole request of `n` bytes; returns the length of the answer. */
size_t modbus_request_answer(const uint8_t *request, size_t n, uint8_t unit,
			     const struct modbus_access *access, uint8_t answer[MODBUS_ADU_MAX]);

/* The answer that refuses a request. */
size_t modbus_request_refuse(const uint8_t *request, enum modbus_exception exception,
			     uint8_t answer[MODBUS_ADU_MAX]);

#endif
