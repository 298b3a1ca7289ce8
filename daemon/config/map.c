/* Register maps, pcs/<name>.conf, of converters and meters without SunSpec: docs/converters.md. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/key.h"
#include "config/map_place.h"

#ifndef REBANK_DATADIR
#define REBANK_DATADIR "/usr/local/share/rebank"
#endif

struct map_file {
	struct reader *reader;
	struct register_map *map;
	char where[ID_SIZE + 8];
	bool low_first;
	size_t mistakes; /* before this file */
};

static const char *const what_words[MAP_WHATS] = {
	[MAP_AC_W] = "ac_w",
	[MAP_DC_W] = "dc_w",
	[MAP_DC_V] = "dc_v",
	[MAP_DC_A] = "dc_a",
	[MAP_FREQ_HZ] = "freq_hz",
	[MAP_DIS_MAX_W] = "dis_max_w",
	[MAP_CHA_MAX_W] = "cha_max_w",
	[MAP_STATE] = "state",
	[MAP_FAULTS] = "faults",
	[MAP_P_W] = "p_w",
	[MAP_V] = "v",
};

static const char *const of_words[MAP_OFS] = {
	[MAP_OF_VALUE] = "value",
	[MAP_OF_POWER] = "power",
	[MAP_OF_MAGNITUDE] = "magnitude",
	[MAP_OF_WATCHDOG] = "watchdog",
};

static const char *const moment_words[MAP_MOMENTS] = {
	[MAP_DISCHARGE] = "discharge", [MAP_CHARGE] = "charge", [MAP_ZERO] = "zero",
	[MAP_START] = "start",         [MAP_STOP] = "stop",     [MAP_WATCHDOG] = "watchdog",
};

static const char *const state_words[] = {
	[PCS_UNKNOWN] = NULL,      [PCS_OFF] = "off",     [PCS_STARTING] = "starting",
	[PCS_RUNNING] = "running", [PCS_FAULT] = "fault",
};

enum { STATES = sizeof(state_words) / sizeof(state_words[0]) };

#define MAP_MISTAKE(file, setting, ...)                                                            \
	mistake_at(&(file)->reader->mistakes, setting, (file)->where, __VA_ARGS__)

/* Every member must be one of the words in `known`, which ends with NULL. */
static void known_only(const struct map_file *file, const config_setting_t *group,
		       const char *const *known)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
		int at = 0;

		while (known[at] && strcmp(known[at], config_setting_name(member)) != 0)
			at++;
		if (!known[at])
			MAP_MISTAKE(file, member, "unknown key \"%s\"",
				    config_setting_name(member));
	}
}

/* False: not there, or no number (said). */
static bool number_find(const struct map_file *file, const config_setting_t *group,
			const char *name, double *value)
{
	const config_setting_t *at = config_setting_get_member(group, name);

	if (!at)
		return false;
	if (!config_setting_is_number(at)) {
		MAP_MISTAKE(file, at, "%s is no number", name);
		return false;
	}
	*value = config_setting_type(at) == CONFIG_TYPE_FLOAT
			 ? config_setting_get_float(at)
			 : (double)config_setting_get_int64(at);
	if (!isfinite(*value)) {
		MAP_MISTAKE(file, at, "%s is no number", name);
		return false;
	}
	return true;
}

static bool place_find(const struct map_file *file, const config_setting_t *group, bool writes,
		       struct map_place *place)
{
	const config_setting_t *at = config_setting_get_member(group, "at");
	const char *text = at ? config_setting_get_string(at) : NULL, *wrong;

	if (!text) {
		MAP_MISTAKE(file, at ? at : group,
			    "at is missing: \"holding 30775 s32\", address as on the wire");
		return false;
	}
	place->low_first = file->low_first;
	wrong = map_place_read(place, text, writes);
	if (wrong)
		MAP_MISTAKE(file, at, "at \"%s\" %s", text, wrong);
	return !wrong;
}

/* ---- lists --------------------------------------------------------------------------------- */

/* The list of that name, empty when there is none; false: it is no list, or too long. */
static bool list_find(const struct map_file *file, const config_setting_t *root, const char *name,
		      int most, const config_setting_t **list)
{
	*list = config_setting_get_member(root, name);
	if (!*list)
		return false;
	if (!config_setting_is_list(*list)) {
		MAP_MISTAKE(file, *list, "%s is no list of groups: ( { ... }, { ... } )", name);
		return false;
	}
	if (config_setting_length(*list) > most) {
		MAP_MISTAKE(file, *list, "%s has more than %d", name, most);
		return false;
	}
	for (int i = 0; i < config_setting_length(*list); i++)
		if (!config_setting_is_group(config_setting_get_elem(*list, (unsigned)i))) {
			MAP_MISTAKE(file, *list, "%s is no list of groups: ( { ... }, { ... } )",
				    name);
			return false;
		}
	return true;
}

static void read_read(struct map_file *file, const config_setting_t *group)
{
	static const char *const known[] = {"what", "at", "scale", "offset", "invalid", NULL};
	struct map_read *read = &file->map->read[file->map->n_reads];
	const char *word = NULL;
	int what;

	known_only(file, group, known);
	if (!config_setting_lookup_string(group, "what", &word)) {
		MAP_MISTAKE(file, group, "what is missing: what is read here");
		return;
	}
	what = map_word_index(what_words, MAP_WHATS, word, strlen(word));
	if (what < 0) {
		MAP_MISTAKE(file, group,
			    "what \"%s\" is none of ac_w, dc_w, dc_v, dc_a, freq_hz, dis_max_w, "
			    "cha_max_w, state, faults, p_w, v",
			    word);
		return;
	}
	*read = (struct map_read){.what = (enum map_what)what, .scale = 1.0};
	if (!place_find(file, group, false, &read->at))
		return;
	number_find(file, group, "scale", &read->scale);
	number_find(file, group, "offset", &read->offset);
	read->has_invalid = number_find(file, group, "invalid", &read->invalid);
	if (read->scale == 0.0)
		MAP_MISTAKE(file, group, "scale 0 makes every reading the same");
	file->map->n_reads++;
}

static void reads_read(struct map_file *file, const config_setting_t *root)
{
	const config_setting_t *list;

	if (!list_find(file, root, "read", MAP_READS_MAX, &list)) {
		if (!list)
			MAP_MISTAKE(file, root, "read is missing: nothing would be known");
		return;
	}
	for (int i = 0; i < config_setting_length(list); i++)
		read_read(file, config_setting_get_elem(list, (unsigned)i));
}

static void write_read(struct map_file *file, const config_setting_t *group, bool writes,
		       struct map_sequence *sequence)
{
	static const char *const known[] = {"at", "value", "power", "magnitude", "watchdog", NULL};
	struct map_write *write = &sequence->write[sequence->n];
	unsigned given = 0;

	known_only(file, group, known);
	*write = (struct map_write){.scale = 1.0};
	if (!place_find(file, group, writes, &write->at))
		return;
	for (int of = 0; of < MAP_OFS; of++) {
		double number;

		if (!number_find(file, group, of_words[of], &number))
			continue;
		given++;
		write->of = (enum map_of)of;
		*(of == MAP_OF_VALUE ? &write->value : &write->scale) = number;
		if (of != MAP_OF_VALUE && number == 0.0)
			MAP_MISTAKE(file, group,
				    "%s 0: per count of the register there must be "
				    "something",
				    of_words[of]);
	}
	if (given != 1)
		MAP_MISTAKE(file, group,
			    "%s: one of value, power (W per count), magnitude (W per "
			    "count), watchdog (s per count)",
			    given ? "more than one is given" : "nothing to write is given");
	sequence->n++;
}

static void sequence_read(struct map_file *file, const config_setting_t *root, const char *name,
			  bool writes, struct map_sequence *sequence)
{
	const config_setting_t *list;

	if (!list_find(file, root, name, MAP_WRITES_MAX, &list))
		return;
	for (int i = 0; i < config_setting_length(list); i++)
		write_read(file, config_setting_get_elem(list, (unsigned)i), writes, sequence);
}

static void states_read(struct map_file *file, const config_setting_t *root)
{
	static const char *const known[] = {"raw", "is", NULL};
	const config_setting_t *list;

	if (!list_find(file, root, "state", MAP_STATES_MAX, &list))
		return;
	for (int i = 0; i < config_setting_length(list); i++) {
		const config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
		const char *word = "";
		double raw = -1.0;
		int state;

		known_only(file, group, known);
		number_find(file, group, "raw", &raw);
		config_setting_lookup_string(group, "is", &word);
		state = map_word_index(state_words, STATES, word, strlen(word));
		if (state < 0 || !(raw >= 0.0 && raw <= UINT32_MAX)) {
			MAP_MISTAKE(file, group,
				    "a state is { raw = NUMBER; is = \"off\", \"starting\", "
				    "\"running\" or \"fault\"; }");
			continue;
		}
		file->map->state[file->map->n_states].raw = (uint32_t)raw;
		file->map->state[file->map->n_states++].state = (enum pcs_state)state;
	}
}

/* ---- the file -------------------------------------------------------------------------------- */

static void head_read(struct map_file *file, const config_setting_t *root)
{
	static const char *const known[] = {"description", "verified", "word_order", "refresh_s",
					    "read",        "state",    "discharge",  "charge",
					    "zero",        "start",    "stop",       "watchdog",
					    "proof",       NULL};
	const config_setting_t *at;
	const char *text = "";
	int verified = 0;
	double refresh_s = 0.0;

	known_only(file, root, known);
	config_setting_lookup_string(root, "description", &text);
	snprintf(file->map->description, sizeof(file->map->description), "%s", text);
	config_setting_lookup_bool(root, "verified", &verified);
	file->map->verified = verified;
	at = config_setting_get_member(root, "word_order");
	text = at ? config_setting_get_string(at) : "big";
	if (!text || (strcmp(text, "big") != 0 && strcmp(text, "little") != 0))
		MAP_MISTAKE(file, at, "word_order is neither \"big\" nor \"little\"");
	file->low_first = text && strcmp(text, "little") == 0;
	number_find(file, root, "refresh_s", &refresh_s);
	if (!(refresh_s == 0.0 || (refresh_s >= 0.2 && refresh_s <= 3600.0)))
		MAP_MISTAKE(file, config_setting_get_member(root, "refresh_s"),
			    "refresh_s %g is neither 0 nor 0.2 to 3600", refresh_s);
	else
		file->map->refresh_ms = (int32_t)(1000.0 * refresh_s);
}

static void proof_check(struct map_file *file, const config_setting_t *root)
{
	const struct map_sequence *proof = &file->map->proof;
	const config_setting_t *at = config_setting_get_member(root, "proof");
	bool timer = false, end = false;

	for (unsigned i = 0; i < proof->n; i++) {
		timer = timer || proof->write[i].of == MAP_OF_WATCHDOG;
		end = end || proof->write[i].of == MAP_OF_VALUE;
		if (proof->write[i].of == MAP_OF_POWER || proof->write[i].of == MAP_OF_MAGNITUDE)
			MAP_MISTAKE(file, at, "proof compares with value or watchdog, not power");
	}
	if (proof->n > 0 && (!timer || !end))
		MAP_MISTAKE(file, at,
			    "proof must read back both the time (watchdog) and that it ends at 0 W "
			    "(value): a timer alone proves no dead-man");
}

/* Beside the site file, beside the profiles that were named, else where it is installed. */
static bool file_find(const struct reader *reader, const char *name, char *path, size_t size)
{
	const struct {
		const char *dir, *below;
	} places[] = {
		{reader->dir, "/pcs"}, {reader->profile_dir, "/../pcs"}, {REBANK_DATADIR, "/pcs"}};

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!places[i].dir)
			continue;
		snprintf(path, size, "%s%s/%s.conf", places[i].dir, places[i].below, name);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static void tree_take(struct map_file *file, const config_setting_t *root)
{
	head_read(file, root);
	reads_read(file, root);
	states_read(file, root);
	for (int moment = 0; moment < MAP_MOMENTS; moment++)
		sequence_read(file, root, moment_words[moment], true, &file->map->at[moment]);
	sequence_read(file, root, "proof", false, &file->map->proof);
	proof_check(file, root);
}

bool map_read_named(struct reader *reader, const char *name, const config_setting_t *named,
		    const char *where, struct register_map *map)
{
	struct map_file file = {.reader = reader, .map = map, .mistakes = reader->mistakes.n};
	char path[2 * PATH_SIZE];
	config_t tree;

	memset(map, 0, sizeof(*map));
	snprintf(map->name, sizeof(map->name), "%s", name);
	snprintf(file.where, sizeof(file.where), "map %s", name);
	if (!file_find(reader, name, path, sizeof(path))) {
		mistake_at(&reader->mistakes, named, where,
			   "map \"%s\": there is no pcs/%s.conf beside the site file, nor is it "
			   "installed",
			   name, name);
		return false;
	}
	config_init(&tree);
	if (tree_read(&reader->mistakes, &tree, path))
		tree_take(&file, config_root_setting(&tree));
	config_destroy(&tree);
	return reader->mistakes.n == file.mistakes;
}
