/*
 * What a bus worker asks of each device it serves: one request at a time, so that no device can
 * keep the bus from its neighbours for longer than its own timeout. Everything here runs in the
 * worker's thread; what meets the control thread goes through a cell (drivers/worker/cell.h).
 *
 * For a device that is read by a fixed schedule, drivers/modbus/poll.h has all of this ready.
 */
#ifndef REBANK_DRIVERS_MODBUS_DEVICE_H
#define REBANK_DRIVERS_MODBUS_DEVICE_H

#include <stdint.h>

/* Registers of one request (Modbus application protocol 1.1b3, 6.3 and 6.12). */
enum { MODBUS_READ_LIMIT = 125, MODBUS_WRITE_LIMIT = 123, MODBUS_BITS_LIMIT = 2000 };

/* As on the wire. */
enum modbus_function {
	MODBUS_NOTHING = 0,
	MODBUS_READ_COILS = 1, /* these two read bits: 16 to a value, the first one lowest */
	MODBUS_READ_DISCRETE = 2,
	MODBUS_READ_HOLDING = 3,
	MODBUS_READ_INPUT = 4,
	MODBUS_WRITE_ONE = 6, /* some devices know only this one */
	MODBUS_WRITE_MANY = 16,
};

struct modbus_request {
	uint8_t unit; /* filled with the device's own before `next` is called */
	enum modbus_function function;
	uint16_t address; /* on the wire, from 0; documents often count from 1 or 40001 */
	uint16_t count;
	uint16_t value[MODBUS_WRITE_LIMIT]; /* what is written */
};

enum modbus_result {
	MODBUS_ANSWERED = 0,
	MODBUS_REFUSED,   /* an exception: `exception` says which */
	MODBUS_TIMED_OUT, /* no answer, or not all of it */
	MODBUS_GARBLED,   /* checksum, length, another unit, function or transaction */
	MODBUS_BROKEN,    /* the connection or the line is gone; it is being opened again */
};

struct modbus_answer {
	enum modbus_result result;
	uint8_t exception;
	int64_t asked_ms, arrived_ms;      /* monotonic */
	uint16_t value[MODBUS_READ_LIMIT]; /* what was read; zero unless answered */
};

/* `next` returns this for what may not wait: it goes before everything that is merely due. */
#define MODBUS_URGENT ((int64_t)0)
#define MODBUS_NEVER  INT64_MAX

struct modbus_device {
	void *self;
	uint8_t unit;
	int32_t timeout_ms; /* of one request, 10..2000 */
	/* When this device wants the bus next; called often. When that is not later than now_ms,
	 * `request` is filled. */
	int64_t (*next)(void *self, int64_t now_ms, struct modbus_request *request);
	/* What became of the request. A retry is the device's: it asks again. After an answer that
	 * did not come, the bus asks this unit nothing for one more timeout: what arrives late is
	 * then thrown away instead of being taken for the answer to something else. */
	void (*done)(void *self, const struct modbus_request *request,
		     const struct modbus_answer *answer);
	/* The connection is new: what was known of the device may be wrong. NULL: does not matter.
	 */
	void (*connected)(void *self, int64_t now_ms);
};

/* One device of a kind, which says only what is done with it (next, done, connected). */
static inline struct modbus_device modbus_device_of(const struct modbus_device *kind, void *self,
						    uint8_t unit, int32_t timeout_ms)
{
	struct modbus_device device = *kind;

	device.self = self;
	device.unit = unit;
	device.timeout_ms = timeout_ms;
	return device;
}

#endif
