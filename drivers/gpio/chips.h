/* Finds GPIO chips by what does not move: their label, or a path that udev keeps. */
#ifndef REBANK_DRIVERS_GPIO_CHIPS_H
#define REBANK_DRIVERS_GPIO_CHIPS_H

#include <stddef.h>

#include "drivers/gpio/gpio.h"

enum { GPIO_CHIPS_MAX = 32, GPIO_TEXT_SIZE = 320 };

/* Why something did not work, in words for the operator. */
struct gpio_trouble {
	enum gpio_trouble_kind {
		GPIO_TROUBLE_NONE = 0,
		GPIO_TROUBLE_CONFIG, /* no such line, or one line under two names */
		GPIO_TROUBLE_BUSY,   /* held by somebody else */
		GPIO_TROUBLE_SYSTEM, /* no such chip (yet), no permission, out of memory */
	} kind;
	char text[GPIO_TEXT_SIZE];
};

void gpio_trouble_set(struct gpio_trouble *trouble, enum gpio_trouble_kind kind, const char *format,
		      ...) __attribute__((format(printf, 3, 4)));

struct gpio_chip_path {
	char path[GPIO_PATH_SIZE]; /* "/dev/gpiochip0" */
	struct gpio_chip_info info;
	int error; /* errno: it could not be opened, and info is empty */
};

/* The chips of this board in the order of their numbers, links left out; how many. */
unsigned gpio_chips_list(struct gpio_chip_path *chips, unsigned max);

/* Opens the one chip with that label, or the one a path leads to. */
struct gpio_chip *gpio_chips_open(const char *chip, struct gpio_trouble *trouble);

/* The offset of a line by its name, else by its number. -1 and trouble: none, or two of that name.
 */
int gpio_chips_line(struct gpio_chip *chip, const char *line, struct gpio_trouble *trouble);

#endif
