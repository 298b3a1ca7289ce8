#include "plant/gpio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/lines.h"

bool plant_gpio_needed(const struct config *config)
{
	return *config->gpio.chip && strcmp(config->gpio.chip, "sim") != 0;
}

void plant_gpio_setup(const struct config *config, struct gpio_setup *setup)
{
	struct config_line *line = calloc(GPIO_USES_MAX, sizeof(*line));
	unsigned n;

	if (!line)
		abort();
	memset(setup, 0, sizeof(*setup));
	n = config_lines(config, line);
	for (unsigned i = 0; i < n; i++) {
		struct gpio_use *use = &setup->use[setup->n_uses++];

		use->role = line[i].role;
		use->pack = line[i].pack;
		use->index = line[i].index;
		gpio_wire_parse(line[i].text, &use->wire);
		config_line_name(config, &line[i], use->name, sizeof(use->name));
	}
	setup->n_packs = config->site.n_packs;
	setup->persistence_allowed = config->gpio.persistent_outputs == PERSISTENCE_ALARM;
	setup->supply_ok_v = config->site.supply_close_min_v;
	setup->imd_response_ohm = config->gpio.imd_response_ohm;
	free(line);
}

bool plant_gpio_open(struct driver *driver, const struct config *config, int64_t now_ms)
{
	struct gpio_setup *setup = calloc(1, sizeof(*setup));
	struct gpio_trouble trouble;
	bool open;

	(void)now_ms;
	if (!setup)
		return false;
	plant_gpio_setup(config, setup);
	open = gpio_lines_open(driver, setup, &trouble);
	free(setup);
	if (open)
		return true;
	fprintf(stderr, "rebankd: gpio: %s\n", trouble.text);
	errno = trouble.kind == GPIO_TROUBLE_BUSY     ? EBUSY
		: trouble.kind == GPIO_TROUBLE_CONFIG ? EINVAL
						      : ENXIO;
	return false;
}
