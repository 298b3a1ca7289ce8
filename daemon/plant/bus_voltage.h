/* bus.voltage_source = "pack:<id>": the bus voltage is what that pack measures behind its
 * contactors. */
#ifndef REBANK_PLANT_BUS_VOLTAGE_H
#define REBANK_PLANT_BUS_VOLTAGE_H

#include "config/config.h"
#include "drivers/driver.h"

bool plant_bus_voltage_needed(const struct config *config);
/* A driver that copies within the inputs: it must gather after the pack's own. */
bool plant_bus_voltage_open(struct driver *driver, const struct config *config, int64_t now_ms);

#endif
