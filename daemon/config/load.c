#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/key.h"
#include "config/scan.h"
#include "config/wire.h"

#ifndef REBANK_DATADIR
#define REBANK_DATADIR "/usr/local/share/rebank"
#endif

/* "." for a bare name: what stands before the name in every message of the parser. */
static void directory_of(const char *path, char *dir, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		snprintf(dir, size, ".");
	else if (slash == path)
		snprintf(dir, size, "/");
	else
		snprintf(dir, size, "%.*s", (int)(slash - path), path);
}

bool tree_read(struct mistakes *mistakes, config_t *tree, const char *path)
{
	char dir[PATH_SIZE];
	char name[FILE_NAME_SIZE];
	const char *text, *file;

	directory_of(path, dir, sizeof(dir));
	if (!scan_file(mistakes, path, dir))
		return false;
	config_set_include_dir(tree, dir);
	if (config_read_file(tree, path))
		return true;
	text = config_error_text(tree);
	file = tree_file(tree, config_error_file(tree), name);
	if (!text || strcmp(text, "syntax error") == 0)
		text = "not understood here: look for a missing ; or \" or bracket before it";
	mistake_add(mistakes, file ? file : path, (unsigned)config_error_line(tree), NULL,
		    "syntax error: %s", text);
	return false;
}

/* ---- profiles ---------------------------------------------------------------------------- */

static bool profile_path(const struct reader *reader, const char *name, char *path, size_t size,
			 char *tried, size_t tried_size)
{
	char beside[PATH_SIZE + 8];
	const char *dirs[2] = {reader->profile_dir, NULL};
	size_t n = 0;

	if (!dirs[0]) {
		snprintf(beside, sizeof(beside), "%s/packs", reader->dir);
		dirs[0] = beside;
		dirs[1] = REBANK_DATADIR "/packs";
	}
	tried[0] = '\0';
	for (int i = 0; i < 2 && dirs[i]; i++) {
		snprintf(path, size, "%s/%s.conf", dirs[i], name);
		if (access(path, F_OK) == 0)
			return true;
		if (n < tried_size)
			n += (size_t)snprintf(tried + n, tried_size - n, "%s%s", i ? " or " : "",
					      dirs[i]);
	}
	return false;
}

void profile_read_file(struct reader *reader, struct profile *profile, const char *path)
{
	struct bases bases = {{(char *)&profile->site, (char *)&profile->own}};
	const config_setting_t *root;
	char where[ID_SIZE + 16];

	if (!tree_read(&reader->mistakes, &profile->tree, path))
		return;
	root = config_root_setting(&profile->tree);
	snprintf(where, sizeof(where), "profile %s", profile->name);
	group_init(&pack_group, bases);
	group_read(reader, &profile_group, root, bases, where, NULL);
	wire_read(reader, profile, where);
	profile->usable = true;
}

static void profile_read(struct reader *reader, struct profile *profile,
			 const config_setting_t *named, const char *pack)
{
	char path[2 * PATH_SIZE], tried[4 * PATH_SIZE];

	if (!profile_path(reader, profile->name, path, sizeof(path), tried, sizeof(tried))) {
		mistake_at(&reader->mistakes, named, pack,
			   "profile \"%s\": there is no %s.conf in %s", profile->name,
			   profile->name, tried);
		return;
	}
	profile_read_file(reader, profile, path);
}

const struct profile *profile_for_pack(struct reader *reader, const config_setting_t *pack,
				       const char *where)
{
	const config_setting_t *named = config_setting_get_member(pack, "profile");
	const char *name = named ? config_setting_get_string(named) : NULL;
	struct profile *profile;

	if (!name || !id_is_valid(name))
		return NULL; /* its own message says so */
	for (unsigned i = 0; i < reader->n_profiles; i++) {
		profile = reader->profile[i];
		if (strcmp(profile->name, name) == 0)
			return profile;
	}
	profile = calloc(1, sizeof(*profile));
	if (!profile)
		abort();
	memcpy(profile->name, name, strlen(name) + 1);
	config_init(&profile->tree);
	reader->profile[reader->n_profiles++] = profile;
	profile_read(reader, profile, named, where);
	return profile;
}

/* ---- where values came from -------------------------------------------------------------- */

const config_setting_t *setting_of_pack(const struct reader *reader, unsigned k, const char *group,
					const char *name)
{
	const config_setting_t *found = setting_find(reader->pack[k], group, name);
	const struct profile *profile = reader->pack_profile[k];

	if (!found && profile)
		found = setting_find(config_root_setting(&profile->tree), group, name);
	return found ? found : reader->pack[k];
}

const config_setting_t *setting_of_site(const struct reader *reader, const char *group,
					const char *name)
{
	const config_setting_t *root = config_root_setting(&reader->tree);
	const config_setting_t *found = setting_find(root, group, name);

	if (!found && group)
		found = config_setting_get_member(root, group);
	return found ? found : root;
}

/* ---- load -------------------------------------------------------------------------------- */

/* Who stands at the board: first, and bound by no configuration. */
static void local_init(struct config *config)
{
	config->site.n_sources = config->mqtt.n_sources = 1;
	config->site.source[0] = (struct source_site){
		.id = "local",
		.priority = 0,
		.may_setpoint = true,
		.may_command = true,
		.valid_max_s = 3600.0,
		.stale_s = 5.0,
		.future_s = 2.0,
	};
}

static void site_read(struct reader *reader)
{
	const config_setting_t *root = config_root_setting(&reader->tree);
	struct bases bases = bases_of_site(reader->config);
	struct bases element;

	group_init(&root_group, bases);
	for (unsigned k = 0; k < PACK_MAX; k++) {
		simulation_packs_list.place(reader->config, k, &element);
		group_init(simulation_packs_list.element, element);
	}
	local_init(reader->config);
	group_read(reader, &root_group, root, bases, NULL, NULL);
	group_demand(reader, &root_group, root, NULL, NULL);
	derive_site(reader);
	check_packs(reader);
	check_site(reader);
	check_can_bms(reader);
	check_can(reader);
	check_modbus(reader);
	check_modbus_packs(reader);
	check_sunspec(reader);
	check_wiring(reader);
	check_simulation(reader);
}

static void reader_free(struct reader *reader)
{
	for (unsigned i = 0; i < reader->n_profiles; i++) {
		config_destroy(&reader->profile[i]->tree);
		free(reader->profile[i]);
	}
	config_destroy(&reader->tree);
	mistakes_free(&reader->mistakes);
	free(reader);
}

void config_free(struct config *config)
{
	for (unsigned i = 0; i < config->n_wires; i++)
		free(config->wire[i]);
	config->n_wires = 0;
}

int config_load(const char *path, const char *profile_dir, struct config *config, FILE *errors)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	bool readable = access(path, R_OK) == 0;
	int n;

	if (!reader)
		abort();
	memset(config, 0, sizeof(*config));
	reader->config = config;
	reader->profile_dir = profile_dir;
	mistakes_init(&reader->mistakes, path);
	directory_of(path, reader->dir, sizeof(reader->dir));
	config_init(&reader->tree);
	if (tree_read(&reader->mistakes, &reader->tree, path))
		site_read(reader);
	mistakes_print(&reader->mistakes, errors);
	n = (int)reader->mistakes.n;
	if (n == 0)
		digest_of_site(config);
	reader_free(reader);
	return n > 0 && !readable ? -1 : n;
}
