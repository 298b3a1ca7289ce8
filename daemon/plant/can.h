/* struct config -> packs on CAN buses (drivers/can/can.h). */
#ifndef REBANK_PLANT_CAN_H
#define REBANK_PLANT_CAN_H

#include "config/config.h"
#include "drivers/driver.h"

bool plant_can_needed(const struct config *config);
/* Says on stderr which interface is not there yet, and which pack is not started because this
 * kernel has no ISO-TP; neither is a failure. */
bool plant_can_open(struct driver *driver, const struct config *config, int64_t now_ms);

#endif
