/*
 * Everything of a site that hangs on Modbus, as one driver: converters, meters, packs. They share
 * their buses: a pack and a converter on one serial line are served by one worker.
 */
#ifndef REBANK_PLANT_MODBUS_H
#define REBANK_PLANT_MODBUS_H

#include "config/config.h"
#include "drivers/driver.h"
#include "drivers/modbus/pool.h"
#include "drivers/pcs/bank.h"
#include "drivers/pcs/meter.h"

bool plant_modbus_needed(const struct config *config);
bool plant_modbus_open(struct driver *driver, const struct config *config, int64_t now_ms);

/* One group of devices: adds itself to the pool. Returns how many there are; < 0, with errno: it
 * could not. With 0 `child` is left alone. */
typedef int plant_modbus_part(struct driver *child, struct modbus_pool *pool,
			      const struct config *config);

plant_modbus_part plant_pcs_add, plant_meters_add, plant_packs_add;

/* The converters and meters of a site that hang on Modbus; how many. */
unsigned plant_pcs_places(const struct config *config, struct pcs_place place[PCS_MAX]);
unsigned plant_meter_places(const struct config *config, struct meter_place place[METERS_MAX]);

#endif
