/* Lines of the board: nothing wired twice, nothing that is closed before the daemon runs, no input
 * that a lost wire makes look healthy. */
#include <stdlib.h>
#include <string.h>

#include "config/key.h"
#include "config/lines.h"

/* Pins that a Raspberry Pi pulls up at reset; it pulls 9 to 27 down (BCM2711 and RP1 data sheets).
 */
enum { PI_PULLED_UP_LAST = 8, PI_HEADER_LAST = 27 };

struct use {
	struct config_line line;
	struct gpio_wire wire;
	char where[ID_SIZE + 24];
	const config_setting_t *setting;
};

/* Where a pack of the same id comes before: its simulated lines have the same names. */
static bool id_is_taken(const struct config *config, unsigned k)
{
	for (unsigned j = 0; j < k; j++)
		if (strcmp(config->site.pack[j].id, config->site.pack[k].id) == 0)
			return true;
	return false;
}

/* False: nothing to be said of this one. */
static bool use_fill(const struct reader *reader, const struct config_line *line, struct use *use)
{
	const struct config *config = reader->config;

	if (line->of_pack && (!reader->pack[line->pack] || id_is_taken(config, line->pack)))
		return false;
	use->line = *line;
	if (gpio_wire_parse(line->text, &use->wire))
		return false; /* its own message says so */
	if (line->of_pack)
		snprintf(use->where, sizeof(use->where), "packs[%u] \"%s\"", line->pack,
			 config->site.pack[line->pack].id);
	else
		snprintf(use->where, sizeof(use->where), "gpio");
	use->setting = line->of_pack ? setting_of_pack(reader, line->pack, "contactors", line->key)
				     : setting_of_site(reader, "gpio", line->key);
	return true;
}

#define LINE_MISTAKE(reader, use, ...)                                                             \
	mistake_at(&(reader)->mistakes, (use)->setting, (use)->where, __VA_ARGS__)

static bool check_twice(struct reader *reader, const struct use *use, const struct use *before,
			unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!gpio_wire_same(&before[i].wire, &use->wire))
			continue;
		LINE_MISTAKE(reader, use, "%s \"%s\" is already %s of %s%s: a line has one use",
			     use->line.key, use->line.text, before[i].line.key, before[i].where,
			     strcmp(before[i].wire.line, use->wire.line) == 0
				     ? ""
				     : " under its other name");
		return true;
	}
	return false;
}

/* An input of the site says "healthy" by its active level: a lost wire must not. Auxiliary contacts
 * may be wired either way (docs/hardware.md). */
static void check_lost_wire(struct reader *reader, const struct use *use)
{
	const struct gpio_wire *wire = &use->wire;

	if ((use->line.role != GPIO_INPUT && use->line.role != GPIO_SUPPLY) ||
	    wire->bias == GPIO_BIAS_NONE || (wire->bias == GPIO_BIAS_PULL_UP) == wire->active_low)
		return;
	LINE_MISTAKE(reader, use,
		     "%s \"%s\" is pulled to its healthy level: a lost wire would go unseen; use "
		     "%s",
		     use->line.key, use->line.text, wire->active_low ? "pull-up" : "pull-down");
}

static bool is_pi(const char *chip)
{
	return strncmp(chip, "pinctrl-bcm2", 12) == 0 || strcmp(chip, "pinctrl-rp1") == 0;
}

/* From power-on until the daemon runs, and after its death, only the pulls of the board hold a pin.
 * The heartbeat is exempt: a level that stands is as good as none. */
static void check_at_reset(struct reader *reader, const struct use *use)
{
	const char *digits = use->wire.line + (strncmp(use->wire.line, "GPIO", 4) == 0 ? 4 : 0);
	long pin = strtol(digits, NULL, 10);
	bool pulled_up = pin <= PI_PULLED_UP_LAST;

	if (!gpio_role_is_output(use->line.role) || use->line.role == GPIO_HEARTBEAT ||
	    !is_pi(use->wire.chip) || strspn(digits, "0123456789") != strlen(digits) ||
	    pin > PI_HEADER_LAST || pulled_up == use->wire.active_low)
		return;
	LINE_MISTAKE(
		reader, use,
		"%s \"%s\" is active from power-on until the daemon runs: a Raspberry Pi pulls "
		"GPIO%ld %s at reset; use %s",
		use->line.key, use->line.text, pin, pulled_up ? "up" : "down",
		use->wire.active_low ? "one of GPIO2 to GPIO8, or an active-high driver"
				     : "one of GPIO9 to GPIO27");
}

static void check_use(struct reader *reader, const struct use *use)
{
	const char *wrong = gpio_wire_refuse(&use->wire, gpio_role_is_output(use->line.role));

	if (wrong) {
		LINE_MISTAKE(reader, use, "%s \"%s\" %s", use->line.key, use->line.text, wrong);
		return;
	}
	check_lost_wire(reader, use);
	check_at_reset(reader, use);
}

/* "sim" lines are of the twin, which has no more chips than the default one. */
static void check_chip(struct reader *reader, const struct use *use)
{
	bool simulated = strcmp(reader->config->gpio.chip, "sim") == 0;

	if ((strcmp(use->wire.chip, "sim") == 0) != simulated)
		LINE_MISTAKE(reader, use,
			     simulated ? "%s \"%s\" is on a real chip and gpio.chip is \"sim\": a "
					 "site is all simulated or all real"
				       : "%s \"%s\" is simulated and gpio.chip is real: a site is "
					 "all simulated or all real",
			     use->line.key, use->line.text);
}

static void check_boost(struct reader *reader, unsigned k)
{
	const struct pack_config *own = &reader->config->pack[k];
	const struct pack_contactors *contactors = &reader->config->site.pack[k].contactors;
	bool wired = *own->boost && strcmp(own->boost, "none") != 0;
	char where[ID_SIZE + 24];

	snprintf(where, sizeof(where), "packs[%u] \"%s\"", k, reader->config->site.pack[k].id);
	if (wired && contactors->by_frames)
		mistake_at(&reader->mistakes, setting_of_pack(reader, k, "contactors", "boost"),
			   where,
			   "boost \"%s\" without a coil of ours: the pack's own BMS drives "
			   "its contactors",
			   own->boost);
	else if (wired != (contactors->boost_ms > 0))
		mistake_at(
			&reader->mistakes,
			setting_of_pack(reader, k, "contactors", wired ? "boost" : "boost_s"),
			where,
			wired ? "boost \"%s\" without contactors.boost_s: say how long the coils "
				"need full voltage"
			      : "contactors.boost_s without contactors.boost%s: name the line of "
				"the economiser",
			wired ? own->boost : "");
}

static void check_gpio_chip(struct reader *reader)
{
	struct gpio_wire wire;
	char text[LINE_SIZE + 2];
	const char *wrong;

	snprintf(text, sizeof(text), "%s:0", reader->config->gpio.chip);
	wrong = *reader->config->gpio.chip ? gpio_wire_parse(text, &wire) : NULL;
	if (wrong)
		mistake_at(&reader->mistakes, setting_of_site(reader, "gpio", "chip"), "gpio",
			   "chip \"%s\" %s", reader->config->gpio.chip, wrong);
}

void check_lines(struct reader *reader)
{
	static const size_t max = GPIO_USES_MAX;
	struct config_line *line = calloc(max, sizeof(*line));
	struct use *use = calloc(max, sizeof(*use));
	unsigned n, kept = 0;

	if (!line || !use)
		abort();
	check_gpio_chip(reader);
	n = config_lines(reader->config, line);
	for (unsigned i = 0; i < n; i++) {
		if (!use_fill(reader, &line[i], &use[kept]) ||
		    check_twice(reader, &use[kept], use, kept))
			continue;
		check_use(reader, &use[kept]);
		check_chip(reader, &use[kept]);
		kept++;
	}
	for (unsigned k = 0; k < reader->config->site.n_packs; k++)
		if (reader->pack[k])
			check_boost(reader, k);
	free(use);
	free(line);
}
