/* The Modbus buses of a site: devices with the same line or host and port share one worker. */
#ifndef REBANK_DRIVERS_MODBUS_POOL_H
#define REBANK_DRIVERS_MODBUS_POOL_H

#include "drivers/modbus/bus.h"

enum { MODBUS_BUSES_MAX = 80 }; /* every pack, converter and meter on one of its own, and a rest */

struct modbus_pool {
	unsigned n;
	struct modbus_address address[MODBUS_BUSES_MAX];
	struct modbus_bus *bus[MODBUS_BUSES_MAX];
};

/* Adds the device to the bus of that address, a new one when there is none yet. NULL, with errno,
 * when that cannot be. Serial parameters are those of the first. */
struct modbus_bus *modbus_pool_add(struct modbus_pool *pool, const struct modbus_address *address,
				   const struct modbus_device *device);
/* Starts every worker. */
bool modbus_pool_start(struct modbus_pool *pool);
/* Ends every worker, see modbus_bus_stop, and frees the buses. False: one hangs, and what the
 * devices refer to must be kept. */
bool modbus_pool_stop(struct modbus_pool *pool);

#endif
