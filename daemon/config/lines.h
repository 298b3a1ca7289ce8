/* Every line of the board that a configuration names, with the key that names it. */
#ifndef REBANK_CONFIG_LINES_H
#define REBANK_CONFIG_LINES_H

#include "config/config.h"
#include "drivers/gpio/board.h"

struct config_line {
	enum gpio_role role;
	unsigned pack, index;
	bool of_pack;     /* packs[].contactors, else gpio */
	const char *key;  /* "feedback_positive", "estop" */
	const char *text; /* "chip:line,option", points into the configuration */
};

/* Those that are wired, those of the site first; how many, at most GPIO_USES_MAX. */
unsigned config_lines(const struct config *config, struct config_line *line);

/* "feedback_positive of leaf-a", "estop" */
void config_line_name(const struct config *config, const struct config_line *line, char *text,
		      size_t size);

#endif
