/*
 * The driver of the board's lines: coils, economisers, converters' enable, heartbeat, relays and
 * fan out; auxiliary contacts, safety inputs, coil supply and insulation monitor in. It fills
 * in->contacts of packs with a line of their own, in->input, in->gpio, in->outputs_persist,
 * in->found_driven, and in->imd or in->supply_v when their lines are wired.
 */
#ifndef REBANK_DRIVERS_GPIO_LINES_H
#define REBANK_DRIVERS_GPIO_LINES_H

#include "drivers/driver.h"
#include "drivers/gpio/board.h"

struct gpio_setup {
	unsigned n_packs, n_uses;
	struct gpio_use use[GPIO_USES_MAX];
	bool persistence_allowed; /* run, with an alarm, where outputs outlive the process */
	double supply_ok_v;       /* what a healthy supply line stands for: at least so much */
	double imd_response_ohm;  /* below it the monitor's own OK output drops */
};

/*
 * Finds, takes and settles every line (board.h, gpio_board_settle: at most GPIO_SETTLE_MS when
 * coils are found driven; nothing found is adopted). False: trouble says why, nothing stays taken.
 */
bool gpio_lines_open(struct driver *driver, const struct gpio_setup *setup,
		     struct gpio_trouble *trouble);

enum { GPIO_SETTLE_MS = 500 }; /* for current to go, before coils drop: hazards rules 1 and 7 */

#endif
