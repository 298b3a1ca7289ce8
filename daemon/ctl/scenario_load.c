/* Scenario file -> struct scenario. A plain site file is a scenario too: one day of its dispatch.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/key.h"
#include "ctl/scenario_parts.h"

enum { HAPPENINGS_GROW = 16 };

/* Doubles a full array; there is nothing to continue with when memory is out. */
static void *grow(void *array, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return array;
	*room = *room ? 2 * *room : HAPPENINGS_GROW;
	array = realloc(array, *room * size);
	if (!array)
		abort();
	return array;
}

struct happening *scenario_add_happening(struct scenario *scenario)
{
	struct happening *happening;

	scenario->happening = grow(scenario->happening, scenario->n_happenings,
				   &scenario->room_happenings, sizeof(*scenario->happening));
	happening = &scenario->happening[scenario->n_happenings++];
	memset(happening, 0, sizeof(*happening));
	return happening;
}

struct expect *scenario_add_expect(struct scenario *scenario)
{
	struct expect *expect;

	scenario->expect = grow(scenario->expect, scenario->n_expects, &scenario->room_expects,
				sizeof(*scenario->expect));
	expect = &scenario->expect[scenario->n_expects++];
	memset(expect, 0, sizeof(*expect));
	return expect;
}

void scenario_free(struct scenario *scenario)
{
	if (!scenario)
		return;
	config_free(&scenario->config);
	free(scenario->happening);
	free(scenario->expect);
	free(scenario);
}

/* `name` relative to the directory of `path`. */
static void path_beside(char *out, size_t size, const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	if (name[0] == '/' || !slash)
		snprintf(out, size, "%s", name);
	else
		snprintf(out, size, "%.*s/%s", (int)(slash - path), path, name);
}

static void read_duration(const struct member *at)
{
	struct scenario *scenario = at->reader->scenario;
	double minutes;

	scenario->hours = NAN;
	member_number(at, "hours", 1e-3, 10000.0, &scenario->hours);
	if (member_number(at, "minutes", 0.01, 600000.0, &minutes))
		scenario->hours = minutes / 60.0;
	if (isnan(scenario->hours)) {
		scenario->hours = 1.0;
		if (!member_given(at, "hours") && !member_given(at, "minutes"))
			member_refuse(at, NULL, "a scenario needs its length: minutes or hours");
	}
}

/* The site first: everything else names its packs and sources. */
static bool read_site(const struct member *at, const char *path, FILE *errors)
{
	struct scenario *scenario = at->reader->scenario;
	char site[2 * PATH_SIZE], profiles[2 * PATH_SIZE];
	const char *name, *dir;
	bool own_profiles = member_word(at, "profiles", &dir);

	if (!member_word(at, "site", &name)) {
		member_refuse(at, NULL,
			      "a scenario needs site, the path of a site file relative to "
			      "this one");
		return false;
	}
	path_beside(site, sizeof(site), path, name);
	if (own_profiles)
		path_beside(profiles, sizeof(profiles), path, dir);
	return config_load(site, own_profiles ? profiles : NULL, &scenario->config, errors) == 0;
}

/* `simulation` of a scenario stands in the place of the site's. */
static void read_simulation(const struct member *at, const config_setting_t *setting)
{
	struct config *config = &at->reader->scenario->config;
	struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		abort();
	reader->config = config;
	mistakes_init(&reader->mistakes, at->reader->mistakes.path);
	twin_config_init(&config->sim);
	config->sim.n_packs = config->site.n_packs;
	group_read(reader, &simulation_group, setting, bases_of_site(config), "simulation", NULL);
	for (size_t i = 0; i < reader->mistakes.n; i++)
		mistake_add(&at->reader->mistakes, NULL, reader->mistakes.list[i].line, NULL, "%s",
			    reader->mistakes.list[i].text);
	mistakes_free(&reader->mistakes);
	free(reader);
}

static void read_seed(const struct member *at)
{
	double seed;

	if (member_number(at, "seed", 0.0, 9007199254740992.0, &seed))
		at->reader->scenario->config.sim.seed = (uint64_t)seed;
}

static void read_list(const struct member *at, const char *key,
		      void (*read)(struct scenario_reader *, const config_setting_t *))
{
	const config_setting_t *list = config_setting_get_member(at->group, key);

	if (list && config_setting_is_list(list))
		read(at->reader, list);
	else if (list)
		member_refuse(at, list, "%s must be a list: %s = ( { ... }, { ... } );", key, key);
}

static void read_file(struct scenario_reader *reader, const config_t *tree, const char *path,
		      FILE *errors)
{
	static const char *const keys[] = {"site",       "profiles", "seed",   "hours", "minutes",
					   "simulation", "events",   "expect", NULL};
	static const char *const none[] = {NULL};
	struct member at = {
		.reader = reader, .group = config_root_setting(tree), .where = "scenario"};
	const config_setting_t *simulation = config_setting_get_member(at.group, "simulation");

	member_only(&at, keys, none);
	read_duration(&at);
	if (!read_site(&at, path, errors)) {
		member_refuse(&at, NULL, "the site does not load: mend it first");
		return;
	}
	if (simulation)
		read_simulation(&at, simulation);
	read_seed(&at);
	read_list(&at, "events", scenario_read_events);
	read_list(&at, "expect", scenario_read_expects);
}

/* A site file has packs of its own; a scenario names a site. */
static bool is_site(const config_t *tree)
{
	return config_lookup(tree, "packs") && !config_lookup(tree, "site");
}

static bool load_site(struct scenario *scenario, const char *path, FILE *errors)
{
	struct happening *day;

	if (config_load(path, NULL, &scenario->config, errors) != 0)
		return false;
	scenario->hours = 24.0;
	for (unsigned s = 1; s < scenario->config.site.n_sources; s++) {
		if (!scenario->config.site.source[s].may_setpoint)
			continue;
		day = scenario_add_happening(scenario);
		day->kind = HAPPENING_DISPATCH;
		day->profile = PROFILE_DAILY;
		day->every_ms = 60000;
		day->period_s = 86400.0;
		day->power_w = 0.5 * scenario->config.site.grid.p_max_w;
		day->start_s = NAN;
		day->command = (struct command){.kind = COMMAND_SETPOINT,
						.source = (uint8_t)s,
						.pack = -1,
						.session = "scenario",
						.valid_s = 180.0,
						.ramp_w_s = NAN,
						.boot_given = true,
						.boot_matches = true,
						.n_fresh = true,
						.service = SERVICE_SETPOINT};
		break;
	}
	return true;
}

static bool load_scenario(struct scenario *scenario, const config_t *tree, const char *path,
			  FILE *errors)
{
	struct scenario_reader reader = {.scenario = scenario};
	bool good;

	mistakes_init(&reader.mistakes, path);
	read_file(&reader, tree, path, errors);
	good = reader.mistakes.n == 0;
	mistakes_print(&reader.mistakes, errors);
	mistakes_free(&reader.mistakes);
	return good;
}

struct scenario *scenario_load(const char *path, FILE *errors)
{
	struct scenario *scenario = calloc(1, sizeof(*scenario));
	struct mistakes mistakes;
	config_t tree;
	bool good;

	if (!scenario)
		abort();
	mistakes_init(&mistakes, path);
	config_init(&tree);
	good = tree_read(&mistakes, &tree, path) && mistakes.n == 0;
	mistakes_print(&mistakes, errors);
	if (good && is_site(&tree))
		good = load_site(scenario, path, errors);
	else if (good)
		good = load_scenario(scenario, &tree, path, errors);
	config_destroy(&tree);
	mistakes_free(&mistakes);
	if (good)
		return scenario;
	scenario_free(scenario);
	return NULL;
}
