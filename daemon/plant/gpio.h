/* From the configuration to the lines of the board. */
#ifndef REBANK_PLANT_GPIO_H
#define REBANK_PLANT_GPIO_H

#include "config/config.h"
#include "drivers/gpio/lines.h"

/* Some line is on a real chip. */
bool plant_gpio_needed(const struct config *config);

/* Every configured line with its name and wiring. */
void plant_gpio_setup(const struct config *config, struct gpio_setup *setup);

/* False: why is on stderr, and errno is EBUSY (a line is held), EINVAL (the board is not as
 * configured) or another. */
bool plant_gpio_open(struct driver *driver, const struct config *config, int64_t now_ms);

#endif
