#include "drivers/gpio/chip_set.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int gpio_chip_set_find(struct gpio_chip_set *set, const char *named, struct gpio_trouble *trouble)
{
	struct gpio_set_chip *chip = &set->chip[set->n];

	for (unsigned i = 0; i < set->n; i++)
		if (strcmp(set->chip[i].named, named) == 0)
			return (int)i;
	if (set->n == GPIO_CHIP_SET_MAX) {
		gpio_trouble_set(trouble, GPIO_TROUBLE_CONFIG, "more than %d GPIO chips",
				 GPIO_CHIP_SET_MAX);
		return -1;
	}
	chip->chip = gpio_chips_open(named, trouble);
	if (!chip->chip)
		return -1;
	snprintf(chip->named, sizeof chip->named, "%s", named);
	if (!gpio_chip_describe(chip->chip, &chip->info)) {
		gpio_trouble_set(trouble, GPIO_TROUBLE_SYSTEM, "chip %s: %s", named,
				 strerror(errno));
		gpio_chip_close(chip->chip);
		return -1;
	}
	return (int)set->n++;
}

void gpio_chip_set_close(struct gpio_chip_set *set)
{
	while (set->n > 0)
		gpio_chip_close(set->chip[--set->n].chip);
}
