/*
 * How a line of the board is named and wired, as the site file writes it:
 *
 *     [chip:]line[,option]...      "GPIO17"  "pinctrl-rp1:GPIO5,pull-up"
 * "/dev/bank-gpio:3,active-low"
 *
 * chip: its label, or a path that udev keeps. Never its number: that moves when the kernel or
 * another chip changes. line: its name on that chip, or its offset. Options: active-low; of inputs
 * pull-up, pull-down, no-pull; of outputs open-drain, open-source. An input without an option of
 * the three gets the pull against its active level: a wire that is lost reads inactive.
 */
#ifndef REBANK_DRIVERS_GPIO_WIRE_H
#define REBANK_DRIVERS_GPIO_WIRE_H

#include "drivers/gpio/gpio.h"

enum { GPIO_CHIP_SIZE = 64 };

struct gpio_wire {
	char chip[GPIO_CHIP_SIZE]; /* label or path; "": not said */
	char line[GPIO_NAME_SIZE]; /* name or offset */
	bool active_low;
	bool bias_given; /* one of the three pull options */
	enum gpio_bias bias;
	enum gpio_drive drive;
};

/* NULL, or what is wrong with the text, to be read after it. */
const char *gpio_wire_parse(const char *text, struct gpio_wire *wire);

/* NULL, or why a line of that wiring cannot be an output, or an input. */
const char *gpio_wire_refuse(const struct gpio_wire *wire, bool output);

/* The same chip and line, by name or by offset? "GPIO17" and "17" count as the same: on the boards
 * that name their lines so they are. */
bool gpio_wire_same(const struct gpio_wire *a, const struct gpio_wire *b);

#endif
