#include "drivers/modbus/pool.h"

#include <errno.h>
#include <stddef.h>

static struct modbus_bus *bus_of(struct modbus_pool *pool, const struct modbus_address *address)
{
	struct modbus_bus *bus;

	for (unsigned i = 0; i < pool->n; i++)
		if (modbus_address_shares_bus(&pool->address[i], address))
			return pool->bus[i];
	if (pool->n == MODBUS_BUSES_MAX) {
		errno = EUSERS;
		return NULL;
	}
	bus = modbus_bus_new(address);
	if (bus) {
		pool->address[pool->n] = *address;
		pool->bus[pool->n++] = bus;
	}
	return bus;
}

struct modbus_bus *modbus_pool_add(struct modbus_pool *pool, const struct modbus_address *address,
				   const struct modbus_device *device)
{
	struct modbus_bus *bus = bus_of(pool, address);

	if (bus && !modbus_bus_add(bus, device)) {
		errno = EUSERS;
		return NULL;
	}
	return bus;
}

bool modbus_pool_start(struct modbus_pool *pool)
{
	for (unsigned i = 0; i < pool->n; i++)
		if (!modbus_bus_start(pool->bus[i]))
			return false;
	return true;
}

bool modbus_pool_stop(struct modbus_pool *pool)
{
	bool all = true;

	while (pool->n > 0) {
		struct modbus_bus *bus = pool->bus[--pool->n];

		if (modbus_bus_stop(bus))
			modbus_bus_free(bus);
		else
			all = false;
	}
	return all;
}
