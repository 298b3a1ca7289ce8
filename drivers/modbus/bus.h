/*
 * One Modbus bus: a thread of its own around one line or connection, and the devices on it.
 *
 * The request that is due first goes first, MODBUS_URGENT before all; among equals the devices take
 * turns. A dead device costs its neighbours its own timeout per request and the control thread
 * nothing. A connection that broke, or on which three requests in a row found no answer, is closed
 * and opened again after 0.2 s, then 0.4 s ... 5 s; the devices are told.
 */
#ifndef REBANK_DRIVERS_MODBUS_BUS_H
#define REBANK_DRIVERS_MODBUS_BUS_H

#include <stdbool.h>

#include "drivers/modbus/address.h"
#include "drivers/modbus/device.h"

enum { MODBUS_DEVICES_MAX = 32 };

struct modbus_bus;

struct modbus_counts {
	uint32_t asked, refused, timed_out, garbled, connected;
};

/* NULL, with errno, when out of memory or when the address cannot be used. Opens nothing yet. */
struct modbus_bus *modbus_bus_new(const struct modbus_address *address);
/* Before the start. False: too many devices. */
bool modbus_bus_add(struct modbus_bus *bus, const struct modbus_device *device);
bool modbus_bus_start(struct modbus_bus *bus);
/* Any thread: a device may have something to ask now. */
void modbus_bus_wake(struct modbus_bus *bus);
/* Sends what is urgent, for at most a second, and ends the thread. False: it hangs in a name
 * lookup; then neither the bus nor its devices may be freed. */
bool modbus_bus_stop(struct modbus_bus *bus);
void modbus_bus_free(struct modbus_bus *bus);
void modbus_bus_counts(struct modbus_bus *bus, struct modbus_counts *counts);

#endif
