#include "drivers/gpio/chips.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void gpio_trouble_set(struct gpio_trouble *trouble, enum gpio_trouble_kind kind, const char *format,
		      ...)
{
	va_list args;

	trouble->kind = kind;
	va_start(args, format);
	vsnprintf(trouble->text, sizeof trouble->text, format, args);
	va_end(args);
}

static int is_chip(const struct dirent *entry)
{
	return strncmp(entry->d_name, "gpiochip", 8) == 0 && entry->d_type != DT_LNK;
}

static void chip_look(struct gpio_chip_path *at)
{
	struct gpio_chip *chip = gpio_chip_open(at->path);

	if (!chip || !gpio_chip_describe(chip, &at->info))
		at->error = errno;
	gpio_chip_close(chip);
}

unsigned gpio_chips_list(struct gpio_chip_path *chips, unsigned max)
{
	struct dirent **entry = NULL;
	int found = scandir("/dev", &entry, is_chip, versionsort);
	unsigned n = 0;

	for (int i = 0; i < found; i++) {
		if (n < max) {
			chips[n] = (struct gpio_chip_path){.error = 0};
			snprintf(chips[n].path, sizeof chips[n].path, "/dev/%.80s",
				 entry[i]->d_name);
			chip_look(&chips[n++]);
		}
		free(entry[i]);
	}
	free(entry);
	return n;
}

/* Every label there is, for a message. */
static void labels_join(const struct gpio_chip_path *chips, unsigned n, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%s%s%s", i ? ", " : "",
				       chips[i].error ? chips[i].path : chips[i].info.label,
				       chips[i].error ? ": " : "",
				       chips[i].error ? strerror(chips[i].error) : "");
}

static struct gpio_chip *path_open(const char *path, struct gpio_trouble *trouble)
{
	struct gpio_chip *chip = gpio_chip_open(path);

	if (!chip)
		gpio_trouble_set(trouble, GPIO_TROUBLE_SYSTEM, "chip %s: %s", path,
				 strerror(errno));
	return chip;
}

struct gpio_chip *gpio_chips_open(const char *chip, struct gpio_trouble *trouble)
{
	struct gpio_chip_path chips[GPIO_CHIPS_MAX];
	const struct gpio_chip_path *found = NULL;
	char labels[192];
	unsigned n;

	if (chip[0] == '/')
		return path_open(chip, trouble);
	n = gpio_chips_list(chips, GPIO_CHIPS_MAX);
	for (unsigned i = 0; i < n; i++) {
		if (chips[i].error || strcmp(chips[i].info.label, chip) != 0)
			continue;
		if (found) {
			gpio_trouble_set(trouble, GPIO_TROUBLE_CONFIG,
					 "two chips are labelled \"%s\" (%s and %s): give each a "
					 "link by a udev rule and name that",
					 chip, found->path, chips[i].path);
			return NULL;
		}
		found = &chips[i];
	}
	if (found)
		return path_open(found->path, trouble);
	labels_join(chips, n, labels, sizeof labels);
	gpio_trouble_set(trouble, GPIO_TROUBLE_SYSTEM,
			 "no GPIO chip is labelled \"%s\"; there %s%s", chip,
			 n ? "are: " : "is none at all", labels);
	return NULL;
}

/* -1: no such name; -2: two of them. */
static int named(struct gpio_chip *chip, unsigned n_lines, const char *line)
{
	struct gpio_line_info info;
	int found = -1;

	for (unsigned i = 0; i < n_lines; i++) {
		if (!gpio_line_describe(chip, i, &info) || strcmp(info.name, line) != 0)
			continue;
		if (found >= 0)
			return -2;
		found = (int)i;
	}
	return found;
}

int gpio_chips_line(struct gpio_chip *chip, const char *line, struct gpio_trouble *trouble)
{
	struct gpio_chip_info info;
	unsigned long number;
	int found;
	char *end;

	if (!gpio_chip_describe(chip, &info)) {
		gpio_trouble_set(trouble, GPIO_TROUBLE_SYSTEM, "%s", strerror(errno));
		return -1;
	}
	found = named(chip, info.n_lines, line);
	if (found >= 0)
		return found;
	number = strtoul(line, &end, 10);
	if (found == -1 && line[0] >= '0' && line[0] <= '9' && *end == '\0' &&
	    number < info.n_lines)
		return (int)number;
	gpio_trouble_set(trouble, GPIO_TROUBLE_CONFIG,
			 found == -2
				 ? "chip %s has two lines named \"%s\" (%u lines): name the offset"
				 : "chip %s has no line \"%s\" (it has %u lines; `rebankctl gpio` "
				   "shows their names)",
			 info.label, line, info.n_lines);
	return -1;
}
