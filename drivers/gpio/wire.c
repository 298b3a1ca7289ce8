#include "drivers/gpio/wire.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static const struct option {
	const char *word;
	bool active_low, is_bias;
	enum gpio_bias bias;
	enum gpio_drive drive;
} options[] = {
	{"active-low", .active_low = true},
	{"pull-up", .is_bias = true, .bias = GPIO_BIAS_PULL_UP},
	{"pull-down", .is_bias = true, .bias = GPIO_BIAS_PULL_DOWN},
	{"no-pull", .is_bias = true, .bias = GPIO_BIAS_NONE},
	{"open-drain", .drive = GPIO_OPEN_DRAIN},
	{"open-source", .drive = GPIO_OPEN_SOURCE},
};

/* "gpiochip0", "/dev/gpiochip0" */
static bool is_chip_number(const char *chip)
{
	if (strncmp(chip, "/dev/", 5) == 0)
		chip += 5;
	if (strncmp(chip, "gpiochip", 8) != 0)
		return false;
	return chip[8] != '\0' && strspn(chip + 8, "0123456789") == strlen(chip + 8);
}

static bool part_copy(char *to, size_t size, const char *from, size_t length)
{
	if (length >= size)
		return false;
	memcpy(to, from, length);
	to[length] = '\0';
	return true;
}

static const char *option_take(const char *word, size_t length, struct gpio_wire *wire)
{
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		const struct option *option = &options[i];

		if (strlen(option->word) != length || strncmp(option->word, word, length) != 0)
			continue;
		if ((option->active_low && wire->active_low) ||
		    (option->is_bias && wire->bias_given) || (option->drive && wire->drive))
			return "has two options that exclude each other";
		wire->active_low = wire->active_low || option->active_low;
		if (option->is_bias)
			wire->bias = option->bias;
		wire->bias_given = wire->bias_given || option->is_bias;
		if (option->drive)
			wire->drive = option->drive;
		return NULL;
	}
	return "has an unknown option: there are active-low, pull-up, pull-down, no-pull, "
	       "open-drain and open-source";
}

static const char *options_take(const char *at, struct gpio_wire *wire)
{
	while (*at == ',') {
		size_t length = strcspn(++at, ",");
		const char *wrong = option_take(at, length, wire);

		if (wrong)
			return wrong;
		at += length;
	}
	return NULL;
}

const char *gpio_wire_parse(const char *text, struct gpio_wire *wire)
{
	size_t length = strcspn(text, ",");
	const char *colon = memrchr(text, ':', length);
	const char *line = colon ? colon + 1 : text, *wrong;

	memset(wire, 0, sizeof *wire);
	for (const char *at = text; *at; at++)
		if (*at <= ' ' || *at == '"' || *at == '\\' || *at == 0x7f)
			return "is not a line: it has a space or sign that no name has";
	if (colon == text || line == text + length)
		return "is not a line: write \"line\" or \"chip:line\"";
	if (colon && !part_copy(wire->chip, sizeof wire->chip, text, (size_t)(colon - text)))
		return "is not a line: a chip has at most 63 characters";
	if (!part_copy(wire->line, sizeof wire->line, line, length - (size_t)(line - text)))
		return "is not a line: its name has at most 31 characters";
	if (is_chip_number(wire->chip))
		return "names the chip by its number, which moves with the kernel and with what is "
		       "plugged in: use its label, `rebankctl gpio` lists them";
	wrong = options_take(text + length, wire);
	if (!wrong && !wire->bias_given)
		wire->bias = wire->active_low ? GPIO_BIAS_PULL_UP : GPIO_BIAS_PULL_DOWN;
	return wrong;
}

const char *gpio_wire_refuse(const struct gpio_wire *wire, bool output)
{
	if (output && wire->bias_given)
		return "has a pull, which is of inputs";
	if (!output && wire->drive != GPIO_PUSH_PULL)
		return "has a drive, which is of outputs";
	return NULL;
}

/* "GPIO17" -> "17"; any other name itself. */
static const char *line_number(const char *line)
{
	if (strncmp(line, "GPIO", 4) == 0 && isdigit((unsigned char)line[4]) &&
	    strspn(line + 4, "0123456789") == strlen(line + 4))
		line += 4;
	if (strspn(line, "0123456789") == strlen(line))
		while (line[0] == '0' && line[1])
			line++;
	return line;
}

bool gpio_wire_same(const struct gpio_wire *a, const struct gpio_wire *b)
{
	return strcmp(a->chip, b->chip) == 0 &&
	       strcmp(line_number(a->line), line_number(b->line)) == 0;
}
