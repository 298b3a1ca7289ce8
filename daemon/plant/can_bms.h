/* struct config -> inverters that follow their battery (drivers/pcs/can_bms.h). */
#ifndef REBANK_PLANT_CAN_BMS_H
#define REBANK_PLANT_CAN_BMS_H

#include "config/config.h"
#include "drivers/driver.h"

bool plant_can_bms_needed(const struct config *config);
bool plant_can_bms_open(struct driver *driver, const struct config *config, int64_t now_ms);

#endif
