/* rebankctl simulate: a scenario or a site against its twin. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/scenario.h"

struct simulate {
	struct scenario_options options;
	bool json, words;
};

static bool parse_seed(const char *text, uint64_t *seed)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || text[0] < '0' || text[0] > '9' || *end || value == 0)
		return false;
	*seed = value;
	return true;
}

static bool parse_hours(const char *text, double *hours)
{
	char *end;
	double value = strtod(text, &end);

	if (*end || !(value > 0.0 && value <= 10000.0))
		return false;
	*hours = value;
	return true;
}

/* CTL_OK, or the exit status. */
static int parse_options(const struct subcommand *self, int argc, char **argv,
			 struct simulate *simulate)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"hours", required_argument, NULL, 'H'},
		{"json", no_argument, NULL, 'j'},
		{"record", required_argument, NULL, 'r'},
		{"verbose", no_argument, NULL, 'v'},
		{"words", no_argument, NULL, 'w'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		switch (option) {
		case 's':
			if (!parse_seed(optarg, &simulate->options.seed))
				return ctl_usage(self, "--seed %s: a whole number from 1", optarg);
			break;
		case 'H':
			if (!parse_hours(optarg, &simulate->options.hours))
				return ctl_usage(self, "--hours %s: above 0, at most 10000",
						 optarg);
			break;
		case 'j':
			simulate->json = true;
			break;
		case 'r':
			simulate->options.record = optarg;
			break;
		case 'v':
			simulate->options.verbose = true;
			break;
		case 'w':
			simulate->words = true;
			return CTL_OK;
		default:
			return ctl_usage(self, "unknown option");
		}
	}
	return optind + 1 == argc ? CTL_OK : ctl_usage(self, "name one scenario or site file");
}

/* What did not hold, in words. */
static void print_failures(const json_t *result, FILE *out)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(result, "invariants"), i, item)
		fprintf(out, "invariant broken at %s\n", json_string_value(item));
	json_array_foreach(json_object_get(result, "expectations"), i,
			   item) if (!json_is_true(json_object_get(item, "held")))
		fprintf(out, "line %lld: did not hold: %s (found: %s)\n",
			(long long)json_integer_value(json_object_get(item, "line")),
			json_string_value(json_object_get(item, "text")),
			json_string_value(json_object_get(item, "found")));
}

int ctl_simulate(const struct subcommand *self, int argc, char **argv)
{
	struct simulate simulate = {.options = {.hours = NAN}};
	struct scenario *scenario;
	json_t *result = NULL;
	FILE *log;
	int failures, status = parse_options(self, argc, argv, &simulate);

	if (status != CTL_OK)
		return status;
	if (simulate.words) {
		scenario_print_words(stdout);
		return CTL_OK;
	}
	log = simulate.json ? stderr : stdout;
	scenario = scenario_load(argv[optind], stderr);
	if (!scenario)
		return CTL_CONFIG;
	failures = scenario_run(scenario, &simulate.options, log, &result);
	scenario_free(scenario);
	print_failures(result, log);
	json_dumpf(result, stdout,
		   JSON_REAL_PRECISION(9) | (simulate.json ? JSON_COMPACT : JSON_INDENT(2)));
	putchar('\n');
	json_decref(result);
	return failures == 0 ? CTL_OK : CTL_FAILED;
}
