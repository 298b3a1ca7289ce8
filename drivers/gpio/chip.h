/* What both generations of libgpiod have in common: a chip that is open, names that may be none. */
#ifndef REBANK_DRIVERS_GPIO_CHIP_H
#define REBANK_DRIVERS_GPIO_CHIP_H

#include "drivers/gpio/gpio.h"

struct gpiod_chip;

struct gpio_chip {
	struct gpiod_chip *chip;
};

static inline const char *gpio_or_empty(const char *text)
{
	return text ? text : "";
}

#endif
