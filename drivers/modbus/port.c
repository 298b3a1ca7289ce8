#include "drivers/modbus/port.h"

#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct modbus_port {
	modbus_t *context;
	bool tcp;
	int32_t gap_us;   /* rtu: silence before a request, 3.5 characters and at least 2 ms */
	int64_t quiet_us; /* rtu: the line has been quiet since */
};

static int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t modbus_clock_ms(void)
{
	return clock_us() / 1000;
}

struct modbus_port *modbus_port_new(const struct modbus_address *address)
{
	struct modbus_port *port = calloc(1, sizeof *port);
	char service[8];

	if (!port)
		return NULL;
	port->tcp = address->tcp;
	if (address->tcp) {
		snprintf(service, sizeof service, "%u", (unsigned)address->port);
		port->context = modbus_new_tcp_pi(address->host, service);
	} else {
		/* A character is 11 bits. */
		port->gap_us = address->baud < 19200 ? 38500000 / address->baud : 2000;
		port->context = modbus_new_rtu(address->host, address->baud, address->parity, 8,
					       address->stop_bits);
	}
	if (!port->context) {
		free(port);
		return NULL;
	}
	/* The response timeout is that of the whole answer. */
	modbus_set_byte_timeout(port->context, 0, 0);
	modbus_set_error_recovery(port->context, MODBUS_ERROR_RECOVERY_NONE);
	return port;
}

void modbus_port_free(struct modbus_port *port)
{
	if (!port)
		return;
	modbus_close(port->context);
	modbus_free(port->context);
	free(port);
}

static void timeout_set(struct modbus_port *port, int32_t timeout_ms)
{
	modbus_set_response_timeout(port->context, (uint32_t)timeout_ms / 1000,
				    (uint32_t)timeout_ms % 1000 * 1000);
}

bool modbus_port_open(struct modbus_port *port, int32_t timeout_ms)
{
	timeout_set(port, timeout_ms);
	modbus_set_slave(port->context, 1); /* libmodbus opens no rtu line without a unit */
	return modbus_connect(port->context) == 0;
}

void modbus_port_close(struct modbus_port *port)
{
	modbus_close(port->context);
}

static void quiet_wait(struct modbus_port *port)
{
	int64_t left_us = port->quiet_us + port->gap_us - clock_us();
	struct timespec pause = {.tv_nsec = (long)left_us * 1000};

	if (!port->tcp && left_us > 0)
		nanosleep(&pause, NULL);
}

/* Bits of one request, 16 to a value; beyond the limit libmodbus refuses. */
static int bits_read(modbus_t *context, const struct modbus_request *request,
		     struct modbus_answer *answer)
{
	uint8_t bit[MODBUS_BITS_LIMIT];
	int n;

	if (request->count > MODBUS_BITS_LIMIT) {
		errno = EMBMDATA;
		return -1;
	}
	n = request->function == MODBUS_READ_COILS
		    ? modbus_read_bits(context, request->address, request->count, bit)
		    : modbus_read_input_bits(context, request->address, request->count, bit);
	for (int i = 0; i < n; i++)
		if (bit[i])
			answer->value[i / 16] |= (uint16_t)(1u << i % 16);
	return n;
}

static int exchange(modbus_t *context, const struct modbus_request *request,
		    struct modbus_answer *answer)
{
	if (request->count == 0)
		return 0;
	switch (request->function) {
	case MODBUS_READ_COILS:
	case MODBUS_READ_DISCRETE:
		return bits_read(context, request, answer);
	case MODBUS_READ_HOLDING:
		return modbus_read_registers(context, request->address, request->count,
					     answer->value);
	case MODBUS_READ_INPUT:
		return modbus_read_input_registers(context, request->address, request->count,
						   answer->value);
	case MODBUS_WRITE_ONE:
		return modbus_write_register(context, request->address, request->value[0]);
	case MODBUS_WRITE_MANY:
		return modbus_write_registers(context, request->address, request->count,
					      request->value);
	case MODBUS_NOTHING:
		break;
	}
	return 0;
}

static enum modbus_result result_of(int error)
{
	if (error > MODBUS_ENOBASE && error < EMBBADCRC)
		return MODBUS_REFUSED;
	if (error >= EMBBADCRC && error <= EMBBADSLAVE)
		return MODBUS_GARBLED;
	return error == ETIMEDOUT ? MODBUS_TIMED_OUT : MODBUS_BROKEN;
}

void modbus_port_ask(struct modbus_port *port, int32_t timeout_ms,
		     const struct modbus_request *request, struct modbus_answer *answer)
{
	int error = 0;

	memset(answer, 0, sizeof *answer);
	timeout_set(port, timeout_ms);
	quiet_wait(port);
	modbus_flush(port->context);
	answer->asked_ms = modbus_clock_ms();
	if (modbus_set_slave(port->context, request->unit) != 0 ||
	    exchange(port->context, request, answer) < 0)
		error = errno;
	port->quiet_us = clock_us();
	answer->arrived_ms = port->quiet_us / 1000;
	if (error == 0)
		return;
	answer->result = result_of(error);
	if (answer->result == MODBUS_REFUSED)
		answer->exception = (uint8_t)(error - MODBUS_ENOBASE);
	memset(answer->value, 0, sizeof answer->value);
}
