/* rebankctl safe: every output inactive, converters first. It must work when nothing else does: it
 * reads the site file and talks to the kernel, to nobody else. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "plant/gpio.h"

enum { GIVE_UP_S = 5 };

/* One chip that is missing, or one line too many, does not keep the others driven. */
static struct gpio_board *outputs_find(const struct gpio_setup *setup, unsigned *failed)
{
	struct gpio_board *board = gpio_board_new();
	struct gpio_trouble trouble;

	if (!board)
		abort();
	for (unsigned i = 0; i < setup->n_uses; i++) {
		if (!gpio_role_is_output(setup->use[i].role) ||
		    gpio_board_add(board, &setup->use[i], &trouble))
			continue;
		fprintf(stderr, "rebankctl safe: %s\n", trouble.text);
		++*failed;
	}
	return board;
}

static void holder_print(struct gpio_board *board, unsigned i)
{
	struct gpio_line_info line;
	struct gpio_chip_info chip;
	unsigned offset;

	if (gpio_board_describe(board, i, &line, &chip, &offset))
		fprintf(stderr, "rebankctl safe: %s (line %u of %s) is held by %s%s: left to it\n",
			gpio_board_use(board, i)->name, offset, chip.label,
			line.consumer[0] ? line.consumer : "the kernel or an unnamed program",
			strcmp(line.consumer, "rebankd") == 0 ? ", stop it for this" : "");
	else
		fprintf(stderr, "rebankctl safe: %s cannot be taken\n",
			gpio_board_use(board, i)->name);
}

/* What could not be taken, or does not read inactive. */
static unsigned outputs_check(struct gpio_board *board)
{
	unsigned failed = 0;

	gpio_board_read(board);
	for (unsigned i = 0; i < gpio_board_uses(board); i++) {
		if (!gpio_board_has(board, i))
			holder_print(board, i);
		else if (gpio_board_get(board, i) != 0)
			fprintf(stderr, "rebankctl safe: %s was driven inactive and reads %s\n",
				gpio_board_use(board, i)->name,
				gpio_board_get(board, i) < 0 ? "nothing" : "active");
		else
			continue;
		failed++;
	}
	return failed;
}

static unsigned found_count(const struct gpio_board *board)
{
	unsigned n = 0;

	for (unsigned i = 0; i < gpio_board_uses(board); i++)
		n += gpio_board_found(board, i);
	return n;
}

static int make_safe(const struct gpio_setup *setup)
{
	struct gpio_trouble trouble;
	unsigned failed = 0, taken = 0;
	struct gpio_board *board = outputs_find(setup, &failed);

	if (!gpio_board_take(board, "rebankctl safe", true, &trouble)) {
		fprintf(stderr, "rebankctl safe: %s\n", trouble.text);
		failed++;
	}
	gpio_board_settle(board, GPIO_SETTLE_MS);
	failed += outputs_check(board);
	for (unsigned i = 0; i < gpio_board_uses(board); i++)
		taken += gpio_board_has(board, i);
	printf("%u outputs inactive, %u of them were driven; %u not reached\n", taken,
	       found_count(board), failed);
	gpio_board_close(board);
	return failed ? CTL_FAILED : CTL_OK;
}

/* The lines of the file, mistakes or not; NULL: not even that. */
static struct gpio_setup *setup_load(const char *file, const char *profiles, int *mistakes)
{
	struct config *config = calloc(1, sizeof(*config));
	struct gpio_setup *setup = calloc(1, sizeof(*setup));

	if (!config || !setup)
		abort();
	*mistakes = config_load(file, profiles, config, stderr);
	if (plant_gpio_needed(config))
		plant_gpio_setup(config, setup);
	config_free(config);
	free(config);
	return setup;
}

int ctl_safe(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"profiles", required_argument, NULL, 'p'},
						{NULL, 0, NULL, 0}};
	const char *file = "/etc/rebank/site.conf", *profiles = NULL;
	struct gpio_setup *setup;
	int option, mistakes, result = CTL_OK;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			file = optarg;
		else if (option == 'p')
			profiles = optarg;
		else
			return ctl_usage(self, "unknown option");
	}
	if (optind < argc)
		return ctl_usage(self, "\"%s\" is too much", argv[optind]);
	alarm(GIVE_UP_S);
	setup = setup_load(file, profiles, &mistakes);
	if (setup->n_uses > 0)
		result = make_safe(setup);
	else if (mistakes == 0)
		puts("no line of this site is real: nothing to do");
	if (mistakes != 0) {
		fprintf(stderr, "rebankctl safe: %s has mistakes: %s\n", file,
			setup->n_uses ? "only the lines that could be read were driven"
				      : "nothing was driven");
		result = CTL_CONFIG;
	}
	free(setup);
	return result;
}
