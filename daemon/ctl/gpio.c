/* rebankctl gpio: which chips and lines this board has, who holds them, what a site file makes of
 * them. */
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "plant/gpio.h"

/* Where one configured line is on this board. */
struct mapping {
	const struct gpio_use *use;
	bool found;
	char chip[GPIO_NAME_SIZE]; /* "gpiochip0" */
	unsigned offset;
	struct gpio_trouble trouble;
};

struct listing {
	unsigned n_chips, n_uses;
	struct gpio_chip_path chip[GPIO_CHIPS_MAX];
	struct gpio_setup setup;
	struct mapping map[GPIO_USES_MAX];
	struct gpio_trouble twice; /* two uses of one line */
};

/* Each line by itself, so that one that is missing does not hide the others. */
static void map_uses(struct listing *listing)
{
	struct gpio_board *all;

	listing->n_uses = listing->setup.n_uses;
	for (unsigned i = 0; i < listing->n_uses; i++) {
		struct mapping *map = &listing->map[i];
		struct gpio_board *board;
		struct gpio_line_info line;
		struct gpio_chip_info chip;

		map->use = &listing->setup.use[i];
		board = gpio_board_find(map->use, 1, &map->trouble);
		map->found = board && gpio_board_describe(board, 0, &line, &chip, &map->offset);
		if (map->found)
			snprintf(map->chip, sizeof(map->chip), "%s", chip.name);
		gpio_board_close(board);
	}
	all = gpio_board_find(listing->setup.use, listing->n_uses, &listing->twice);
	gpio_board_close(all);
}

static const struct mapping *mapping_of(const struct listing *listing, const char *chip,
					unsigned offset)
{
	for (unsigned i = 0; i < listing->n_uses; i++)
		if (listing->map[i].found && listing->map[i].offset == offset &&
		    strcmp(listing->map[i].chip, chip) == 0)
			return &listing->map[i];
	return NULL;
}

static const char *wiring_text(const struct gpio_wire *wire, bool output, char *text, size_t size)
{
	static const char *const bias[] = {"no pull", "pull-up", "pull-down"};
	static const char *const drive[] = {"push-pull", "open-drain", "open-source"};

	snprintf(text, size, "%s, %s", wire->active_low ? "active-low" : "active-high",
		 output ? drive[wire->drive] : bias[wire->bias]);
	return text;
}

static const char *holder_text(const struct gpio_line_info *line)
{
	return !line->used ? "" : line->consumer[0] ? line->consumer : "(kernel)";
}

static void print_line(const struct listing *listing, const char *chip, unsigned offset,
		       const struct gpio_line_info *line)
{
	const struct mapping *map = mapping_of(listing, chip, offset);
	char wiring[48];

	printf("  %4u  %-16s  %-6s  %-16s", offset, line->name, line->output ? "output" : "input",
	       holder_text(line));
	if (map)
		printf("  %s (%s)", map->use->name,
		       wiring_text(&map->use->wire, gpio_role_is_output(map->use->role), wiring,
				   sizeof(wiring)));
	putchar('\n');
}

static void print_chip(const struct listing *listing, const struct gpio_chip_path *at)
{
	struct gpio_chip *chip;
	struct gpio_line_info line;

	if (at->error) {
		printf("%s: %s\n", at->path, strerror(at->error));
		return;
	}
	printf("%s  \"%s\", %u lines\n", at->path, at->info.label, at->info.n_lines);
	chip = gpio_chip_open(at->path);
	printf("  %4s  %-16s  %-6s  %-16s  %s\n", "line", "name", "now", "held by",
	       listing->n_uses ? "configured as" : "");
	for (unsigned i = 0; chip && i < at->info.n_lines; i++)
		if (gpio_line_describe(chip, i, &line))
			print_line(listing, at->info.name, i, &line);
	gpio_chip_close(chip);
}

static json_t *json_of_line(const struct listing *listing, const char *chip, unsigned offset,
			    const struct gpio_line_info *line)
{
	const struct mapping *map = mapping_of(listing, chip, offset);
	json_t *json = json_pack("{s:i, s:s, s:s, s:b, s:s}", "offset", (int)offset, "name",
				 line->name, "direction", line->output ? "output" : "input", "used",
				 line->used, "holder", line->consumer);

	if (map)
		json_object_set_new(json, "configured_as", json_string(map->use->name));
	return json;
}

static json_t *json_of_chip(const struct listing *listing, const struct gpio_chip_path *at)
{
	json_t *lines = json_array();
	json_t *json = json_pack("{s:s, s:s, s:i, s:o}", "path", at->path, "label", at->info.label,
				 "n_lines", (int)at->info.n_lines, "lines", lines);
	struct gpio_chip *chip = at->error ? NULL : gpio_chip_open(at->path);
	struct gpio_line_info line;

	if (at->error)
		json_object_set_new(json, "error", json_string(strerror(at->error)));
	for (unsigned i = 0; chip && i < at->info.n_lines; i++)
		if (gpio_line_describe(chip, i, &line))
			json_array_append_new(lines,
					      json_of_line(listing, at->info.name, i, &line));
	gpio_chip_close(chip);
	return json;
}

static void print_json(const struct listing *listing)
{
	json_t *chips = json_array(), *missing = json_array();
	json_t *json = json_pack("{s:o, s:o}", "chips", chips, "mistakes", missing);

	for (unsigned i = 0; i < listing->n_chips; i++)
		json_array_append_new(chips, json_of_chip(listing, &listing->chip[i]));
	for (unsigned i = 0; i < listing->n_uses; i++)
		if (!listing->map[i].found)
			json_array_append_new(missing, json_string(listing->map[i].trouble.text));
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}

/* What does not fit goes to stderr; how much. */
static unsigned print_mistakes(const struct listing *listing, const char *file)
{
	unsigned n = 0;

	for (unsigned i = 0; i < listing->n_uses; i++)
		if (!listing->map[i].found) {
			fprintf(stderr, "%s: gpio: %s\n", file, listing->map[i].trouble.text);
			n++;
		}
	if (n == 0 && listing->twice.kind != GPIO_TROUBLE_NONE) {
		fprintf(stderr, "%s: gpio: %s\n", file, listing->twice.text);
		n++;
	}
	return n;
}

static int list(struct listing *listing, const char *file, bool json)
{
	listing->n_chips = gpio_chips_list(listing->chip, GPIO_CHIPS_MAX);
	map_uses(listing);
	if (json)
		print_json(listing);
	for (unsigned i = 0; i < listing->n_chips && !json; i++)
		print_chip(listing, &listing->chip[i]);
	if (listing->n_chips == 0 && !json)
		puts("this machine has no GPIO chip");
	return print_mistakes(listing, file) ? CTL_FAILED : CTL_OK;
}

/* False: the file has mistakes, which are on stderr. */
static bool setup_load(const char *file, const char *profiles, struct gpio_setup *setup)
{
	struct config *config = calloc(1, sizeof(*config));
	bool good;

	if (!config)
		abort();
	good = config_load(file, profiles, config, stderr) == 0;
	if (good && plant_gpio_needed(config))
		plant_gpio_setup(config, setup);
	config_free(config);
	free(config);
	return good;
}

int ctl_gpio(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"profiles", required_argument, NULL, 'p'},
						{NULL, 0, NULL, 0}};
	const char *profiles = NULL, *file = NULL;
	bool json = false;
	struct listing *listing;
	int option, result;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'j')
			json = true;
		else if (option == 'p')
			profiles = optarg;
		else
			return ctl_usage(self, "unknown option");
	}
	if (optind < argc)
		file = argv[optind++];
	if (optind < argc)
		return ctl_usage(self, "\"%s\" is too much", argv[optind]);
	listing = calloc(1, sizeof(*listing));
	if (!listing)
		abort();
	if (file && !setup_load(file, profiles, &listing->setup))
		result = CTL_CONFIG;
	else
		result = list(listing, file, json);
	free(listing);
	return result;
}
