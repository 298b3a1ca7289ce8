/* rebankctl profile: what a pack profile reads and sends; a profile from a DBC file. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "ctl/ctl.h"
#include "ctl/dbc.h"

static int show(const char *name, const char *dir)
{
	struct config *config = calloc(1, sizeof(*config));
	int mistakes;

	if (!config)
		abort();
	mistakes = profile_load(name, dir, config, stdout, stderr);
	config_free(config);
	free(config);
	return mistakes == 0 ? CTL_OK : CTL_CONFIG;
}

static int import(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned broken;

	if (!file) {
		fprintf(stderr, "%s: %m\n", path);
		return CTL_CONFIG;
	}
	broken = dbc_import(path, file, stdout, stderr);
	fclose(file);
	return broken == 0 ? CTL_OK : CTL_FAILED;
}

int ctl_profile(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {{"profiles", required_argument, NULL, 'd'},
						{NULL, 0, NULL, 0}};
	const char *dir = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'd')
			return ctl_usage(self, "unknown option");
		dir = optarg;
	}
	if (optind + 2 != argc)
		return ctl_usage(self, "say show NAME, or import FILE.dbc");
	if (strcmp(argv[optind], "show") == 0)
		return show(argv[optind + 1], dir);
	if (strcmp(argv[optind], "import") == 0)
		return import(argv[optind + 1]);
	return ctl_usage(self, "\"%s\": say show NAME, or import FILE.dbc", argv[optind]);
}
