/*
 * One Modbus line or connection, blocking, around libmodbus: a request out, its answer back, and
 * nothing else taken for the answer. TCP answers are matched by transaction, RTU answers by unit
 * and checksum; function and length by both.
 */
#ifndef REBANK_DRIVERS_MODBUS_PORT_H
#define REBANK_DRIVERS_MODBUS_PORT_H

#include <stdbool.h>

#include "drivers/modbus/address.h"
#include "drivers/modbus/device.h"

struct modbus_port;

/* NULL when out of memory or when libmodbus refuses the parameters; errno says why. */
struct modbus_port *modbus_port_new(const struct modbus_address *address);
void modbus_port_free(struct modbus_port *port);
/* False, with errno, when it does not open within the timeout. A name is looked up each time, for
 * as long as the resolver takes. */
bool modbus_port_open(struct modbus_port *port, int32_t timeout_ms);
void modbus_port_close(struct modbus_port *port);
/* Takes at most the timeout. Whatever arrived before is thrown away first. */
void modbus_port_ask(struct modbus_port *port, int32_t timeout_ms,
		     const struct modbus_request *request, struct modbus_answer *answer);

int64_t modbus_clock_ms(void);

#endif
