/* The chips of one configuration, each opened once under the name it has there. */
#ifndef REBANK_DRIVERS_GPIO_CHIP_SET_H
#define REBANK_DRIVERS_GPIO_CHIP_SET_H

#include "drivers/gpio/chips.h"
#include "drivers/gpio/wire.h"

enum { GPIO_CHIP_SET_MAX = 8 };

struct gpio_chip_set {
	unsigned n;
	struct gpio_set_chip {
		char named[GPIO_CHIP_SIZE];
		struct gpio_chip *chip;
		struct gpio_chip_info info;
	} chip[GPIO_CHIP_SET_MAX];
};

/* The number of the chip of that name, opened when it is new; -1 and trouble: not to be had. */
int gpio_chip_set_find(struct gpio_chip_set *set, const char *named, struct gpio_trouble *trouble);
void gpio_chip_set_close(struct gpio_chip_set *set);

#endif
