#include "drivers/gpio/persist.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_MAX_SIZE = 512 };

static bool is_on(const char *parameter)
{
	FILE *file = fopen(parameter, "re");
	int first = file ? fgetc(file) : EOF;

	if (file)
		fclose(file);
	return first == 'Y' || first == 'y' || first == '1';
}

/* The last part of where a link leads; false: nowhere. */
static bool link_name(const char *path, char *name, size_t size)
{
	char *real = realpath(path, NULL);

	if (real)
		snprintf(name, size, "%s", strrchr(real, '/') + 1);
	free(real);
	return real != NULL;
}

/*
 * The module behind a chip: its driver says so, or is called like it ("pinctrl-bcm2835" of
 * pinctrl_bcm2835). The driver is that of the device above gpiochipN, wherever the link leads.
 * False: it cannot be told.
 */
static bool chip_module(const char *sysfs, const char *chip, char *module, size_t size)
{
	char path[PATH_MAX_SIZE];

	snprintf(path, sizeof path, "%s/bus/gpio/devices/%s/../driver/module", sysfs, chip);
	if (link_name(path, module, size))
		return true;
	snprintf(path, sizeof path, "%s/bus/gpio/devices/%s/../driver", sysfs, chip);
	if (!link_name(path, module, size))
		return false;
	for (char *at = module; *at; at++)
		if (*at == '-')
			*at = '_';
	snprintf(path, sizeof path, "%s/module/%s", sysfs, module);
	return access(path, F_OK) == 0;
}

/* The module of /<sysfs>/module/<name>/parameters/persist_gpio_outputs */
static void module_name(const char *parameter, const char *sysfs, char *name, size_t size)
{
	const char *at = parameter + strlen(sysfs) + strlen("/module/");

	snprintf(name, size, "%.*s", (int)strcspn(at, "/"), at);
}

static bool carries_outputs(struct gpio_board *board, const char *sysfs, const char *module)
{
	struct gpio_line_info line;
	struct gpio_chip_info chip;
	char driver[GPIO_NAME_SIZE * 2];
	unsigned offset;

	for (unsigned i = 0; i < gpio_board_uses(board); i++) {
		if (!gpio_role_is_output(gpio_board_use(board, i)->role) ||
		    !gpio_board_describe(board, i, &line, &chip, &offset))
			continue;
		if (!chip_module(sysfs, chip.name, driver, sizeof driver) ||
		    strcmp(driver, module) == 0)
			return true;
	}
	return false;
}

bool gpio_outputs_persist(struct gpio_board *board, const char *sysfs, char *module, size_t size)
{
	char pattern[PATH_MAX_SIZE];
	bool persists = false;
	glob_t found;

	snprintf(pattern, sizeof pattern, "%s/module/*/parameters/persist_gpio_outputs", sysfs);
	if (glob(pattern, 0, NULL, &found) != 0)
		return false;
	for (size_t i = 0; i < found.gl_pathc && !persists; i++) {
		module_name(found.gl_pathv[i], sysfs, module, size);
		persists = is_on(found.gl_pathv[i]) && carries_outputs(board, sysfs, module);
	}
	globfree(&found);
	return persists;
}
