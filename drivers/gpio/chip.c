#include "drivers/gpio/chip.h"

#include <gpiod.h>
#include <stdlib.h>

struct gpio_chip *gpio_chip_open(const char *path)
{
	struct gpio_chip *chip = calloc(1, sizeof *chip);

	if (!chip)
		return NULL;
	chip->chip = gpiod_chip_open(path);
	if (chip->chip)
		return chip;
	free(chip);
	return NULL;
}

void gpio_chip_close(struct gpio_chip *chip)
{
	if (!chip)
		return;
	gpiod_chip_close(chip->chip);
	free(chip);
}
