/* rebankctl check: would the daemon start with this file, and with which values? */
#include <getopt.h>
#include <stdlib.h>

#include "config/config.h"
#include "ctl/ctl.h"

int ctl_check(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {{"profiles", required_argument, NULL, 'p'},
						{"quiet", no_argument, NULL, 'q'},
						{NULL, 0, NULL, 0}};
	const char *profiles = NULL;
	bool quiet = false;
	struct config *config;
	int option, mistakes;

	while ((option = getopt_long(argc, argv, "q", options, NULL)) != -1) {
		if (option == 'p')
			profiles = optarg;
		else if (option == 'q')
			quiet = true;
		else
			return ctl_usage(self, "unknown option");
	}
	if (optind + 1 != argc)
		return ctl_usage(self, "name one site file");
	config = calloc(1, sizeof(*config));
	if (!config)
		abort();
	mistakes = config_load(argv[optind], profiles, config, stderr);
	if (mistakes == 0 && !quiet) {
		config_print(config, stdout);
		config_print_layers(config, stdout);
		config_print_doubts(config, stdout);
		printf("# Digest of this configuration: %s\n", config->digest);
	}
	config_free(config);
	free(config);
	return mistakes == 0 ? CTL_OK : CTL_CONFIG;
}
