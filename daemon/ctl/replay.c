/* rebankctl replay: does the controller decide again what it decided then? */
#include <getopt.h>

#include "ctl/ctl.h"
#include "store/recorder.h"

int ctl_replay(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {{"verbose", no_argument, NULL, 'v'},
						{NULL, 0, NULL, 0}};
	bool verbose = false;
	int option;

	while ((option = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		if (option != 'v')
			return ctl_usage(self, "unknown option");
		verbose = true;
	}
	if (optind + 1 != argc)
		return ctl_usage(self, "name one recording");
	switch (recording_replay(argv[optind], verbose, stdout)) {
	case 0:
		return CTL_OK;
	case 1:
		return CTL_FAILED;
	default:
		return CTL_CONFIG;
	}
}
