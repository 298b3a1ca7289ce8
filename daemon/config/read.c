/* Reads a group of settings by its table. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/key.h"
#include "config/suggest.h"
#include "drivers/gpio/wire.h"

/* What one value is read with. */
struct target {
	struct reader *reader;
	const struct key *key;
	const config_setting_t *setting;
	struct bases bases;
	const char *where, *over;
	char name[ID_SIZE + 32]; /* as messages call it */
};

static void list_read(const struct target *target, const char *path);

config_setting_t *setting_find(const config_setting_t *setting, const char *group, const char *name)
{
	if (setting && group)
		setting = config_setting_get_member(setting, group);
	if (!setting || !config_setting_is_group(setting))
		return NULL;
	return config_setting_get_member(setting, name);
}

void group_init(const struct group *group, struct bases bases)
{
	for (unsigned i = 0; i < group->n_keys; i++) {
		const struct key *key = &group->key[i];

		if (key->type == KEY_GROUP)
			group_init(key->group, bases);
		else if (key->type == KEY_TEXT || key->type == KEY_ID || key->type == KEY_LINE ||
			 key->type == KEY_FILE)
			snprintf(key_text(key, bases), key->size, "%s",
				 key->need == NEED_DEFAULT ? key->text : "");
		else
			key_store(key, bases, key->need == NEED_DEFAULT ? key->standard : NAN);
	}
}

static const char *type_words(const struct key *key)
{
	switch (key->type) {
	case KEY_REAL:
	case KEY_SECONDS:
		return "a number";
	case KEY_COUNT:
		return "a whole number";
	case KEY_BOOL:
		return "true or false";
	case KEY_GROUP:
	case KEY_WIRE:
		return "a group: { ... }";
	case KEY_LIST:
		return "a list of groups: ( { ... }, { ... } )";
	case KEY_TEXT:
	case KEY_ID:
	case KEY_LINE:
	case KEY_FILE:
	case KEY_WORD:
	case KEY_PACK:
	case KEY_NAME:
		break;
	}
	return "a text in quotes";
}

static bool type_fits(const struct key *key, const config_setting_t *setting)
{
	switch (key->type) {
	case KEY_REAL:
	case KEY_SECONDS:
		return config_setting_is_number(setting);
	case KEY_COUNT:
		return config_setting_is_number(setting) &&
		       config_setting_type(setting) != CONFIG_TYPE_FLOAT;
	case KEY_BOOL:
		return config_setting_type(setting) == CONFIG_TYPE_BOOL;
	case KEY_GROUP:
	case KEY_WIRE:
		return config_setting_is_group(setting);
	case KEY_LIST:
		return config_setting_is_list(setting);
	case KEY_TEXT:
	case KEY_ID:
	case KEY_LINE:
	case KEY_FILE:
	case KEY_WORD:
	case KEY_PACK:
	case KEY_NAME:
		break;
	}
	return config_setting_type(setting) == CONFIG_TYPE_STRING;
}

static double setting_number(const config_setting_t *setting)
{
	if (config_setting_type(setting) == CONFIG_TYPE_FLOAT)
		return config_setting_get_float(setting);
	return (double)config_setting_get_int64(setting);
}

static void number_read(const struct target *target)
{
	const struct key *key = target->key;
	double value = setting_number(target->setting);
	double before = key_load(key, target->bases);
	struct mistakes *mistakes = &target->reader->mistakes;
	char was[32], now[32], lo[32], hi[32];

	key_store(key, target->bases, NAN);
	number_text(value, now, sizeof(now));
	if (mistake_is_marked(mistakes, target->setting))
		return;
	if (!isfinite(value)) {
		mistake_at(mistakes, target->setting, target->where,
			   "%s is not a finite number: write one between %s and %s", target->name,
			   number_text(key->lo, lo, sizeof(lo)),
			   number_text(key->hi, hi, sizeof(hi)));
	} else if (!(value >= key->lo && value <= key->hi)) {
		mistake_at(mistakes, target->setting, target->where, "%s %s is outside %s..%s",
			   target->name, now, number_text(key->lo, lo, sizeof(lo)),
			   number_text(key->hi, hi, sizeof(hi)));
	} else if (target->over && !isnan(before) &&
		   ((key->inward == INWARD_UP && value < before) ||
		    (key->inward == INWARD_DOWN && value > before))) {
		mistake_at(mistakes, target->setting, target->where,
			   "%s %s is %s the %s of profile %s: a pack may only be held tighter",
			   target->name, now, value < before ? "below" : "above",
			   number_text(before, was, sizeof(was)), target->over);
	} else if (target->over && key->inward == INWARD_FIXED &&
		   (value < before || value > before)) {
		key_store(key, target->bases, before);
		mistake_at(mistakes, target->setting, target->where,
			   "%s %s differs from the %s of profile %s: use another profile",
			   target->name, now, number_text(before, was, sizeof(was)), target->over);
	} else {
		key_store(key, target->bases, value);
	}
}

static void word_read(const struct target *target)
{
	const struct words *words = target->key->words;
	const char *text = config_setting_get_string(target->setting);
	double before = key_load(target->key, target->bases);
	char all[768] = "";
	size_t n = 0;

	for (int i = words->first; i < words->count; i++) {
		if (strcmp(words->word(i), text) != 0) {
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", n ? ", " : "",
					      words->word(i));
		} else if (target->over && !isnan(before) && (int)before != i &&
			   target->key->inward == INWARD_FIXED) {
			mistake_at(&target->reader->mistakes, target->setting, target->where,
				   "%s \"%s\" differs from the \"%s\" of profile %s: use another "
				   "profile",
				   target->name, text, words->word((int)before), target->over);
			return;
		} else {
			key_store(target->key, target->bases, i);
			return;
		}
	}
	mistake_at(&target->reader->mistakes, target->setting, target->where,
		   "%s \"%s\" is unknown: one of %s", target->name, text, all);
}

static void pack_read(const struct target *target)
{
	const char *id = config_setting_get_string(target->setting);
	const struct site *site = &target->reader->config->site;

	for (unsigned k = 0; k < site->n_packs; k++) {
		if (strcmp(site->pack[k].id, id) == 0) {
			key_store(target->key, target->bases, k);
			return;
		}
	}
	mistake_at(&target->reader->mistakes, target->setting, target->where,
		   "%s \"%s\": there is no such pack in packs", target->name, id);
}

/* A name for a file that holds wherever the daemon is started. */
static void file_read(const struct target *target)
{
	const char *name = config_setting_get_string(target->setting);
	char *at = key_text(target->key, target->bases);
	char path[2 * PATH_SIZE];
	char *full;

	snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : target->reader->dir,
		 name[0] == '/' ? "" : "/", name);
	full = realpath(path, NULL);
	if (!full || access(full, R_OK) != 0)
		mistake_at(&target->reader->mistakes, target->setting, target->where,
			   "%s \"%s\" cannot be read: %s", target->name, name,
			   full ? "no permission" : "there is no such file");
	else if (strlen(full) >= target->key->size)
		mistake_at(&target->reader->mistakes, target->setting, target->where,
			   "%s \"%s\" has a path of more than %zu bytes", target->name, full,
			   target->key->size - 1);
	else
		memcpy(at, full, strlen(full) + 1);
	free(full);
}

static void text_read(const struct target *target)
{
	const struct key *key = target->key;
	const char *text = config_setting_get_string(target->setting);
	struct mistakes *mistakes = &target->reader->mistakes;
	struct gpio_wire wire;
	const char *wrong;

	if (key->type == KEY_ID && !id_is_valid(text)) {
		mistake_at(mistakes, target->setting, target->where,
			   "%s \"%s\" is not 1 to 32 of a-z, 0-9 and -", target->name, text);
		return;
	}
	wrong = key->type == KEY_LINE ? gpio_wire_parse(text, &wire) : NULL;
	if (wrong) {
		mistake_at(mistakes, target->setting, target->where, "%s \"%s\" %s", target->name,
			   text, wrong);
		return;
	}
	if (strlen(text) >= key->size) {
		mistake_at(mistakes, target->setting, target->where,
			   "%s is longer than %zu bytes: shorten it", target->name, key->size - 1);
		return;
	}
	for (const char *at = text; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f) {
			mistake_at(mistakes, target->setting, target->where,
				   "%s has a control character in it: remove it", target->name);
			return;
		}
	}
	memcpy(key_text(key, target->bases), text, strlen(text) + 1);
}

static void value_read(const struct target *target, const struct group *group)
{
	char path[3 * ID_SIZE];

	if (!type_fits(target->key, target->setting)) {
		mistake_at(&target->reader->mistakes, target->setting, target->where,
			   "%s must be %s", target->name, type_words(target->key));
		return;
	}
	switch (target->key->type) {
	case KEY_REAL:
	case KEY_SECONDS:
	case KEY_COUNT:
		number_read(target);
		break;
	case KEY_BOOL:
		key_store(target->key, target->bases, config_setting_get_bool(target->setting));
		break;
	case KEY_TEXT:
	case KEY_ID:
	case KEY_LINE:
		text_read(target);
		break;
	case KEY_FILE:
		file_read(target);
		break;
	case KEY_WORD:
		word_read(target);
		break;
	case KEY_PACK:
		pack_read(target);
		break;
	case KEY_GROUP:
		group_read(target->reader, target->key->group, target->setting, target->bases,
			   target->where ? target->where : target->name, target->over);
		break;
	case KEY_LIST:
		snprintf(path, sizeof(path), "%s%s%s", group->path, *group->path ? "." : "",
			 target->key->name);
		list_read(target, path);
		break;
	case KEY_NAME:
	case KEY_WIRE:
		break;
	}
}

static const struct key *group_key(const struct group *group, const char *name)
{
	for (unsigned i = 0; i < group->n_keys; i++)
		if (strcmp(group->key[i].name, name) == 0)
			return &group->key[i];
	return NULL;
}

static void unknown_key(struct reader *reader, const struct group *group,
			const config_setting_t *setting, const char *where)
{
	char hint[128];

	suggest(group, config_setting_name(setting), hint, sizeof(hint));
	mistake_at(&reader->mistakes, setting, where, "unknown key \"%s%s\"%s", group->label,
		   config_setting_name(setting), hint);
}

void group_read(struct reader *reader, const struct group *group, const config_setting_t *setting,
		struct bases bases, const char *where, const char *over)
{
	/* In the order of the table: what comes first (packs) is there for what refers to it. */
	for (unsigned i = 0; i < group->n_keys; i++) {
		const struct key *key = &group->key[i];
		struct target target = {reader, key, NULL, bases, where, over, ""};

		target.setting = config_setting_get_member(setting, key->name);
		if (!target.setting)
			continue;
		snprintf(target.name, sizeof(target.name), "%s%s", group->label, key->name);
		value_read(&target, group);
	}
	for (int i = 0; i < config_setting_length(setting); i++) {
		const config_setting_t *member = config_setting_get_elem(setting, (unsigned)i);

		if (!group_key(group, config_setting_name(member)))
			unknown_key(reader, group, member, where);
	}
}

void group_demand(struct reader *reader, const struct group *group, const config_setting_t *setting,
		  const config_setting_t *below, const char *where)
{
	for (unsigned i = 0; i < group->n_keys; i++) {
		const struct key *key = &group->key[i];
		const config_setting_t *in = setting_find(setting, NULL, key->name);
		const config_setting_t *under = setting_find(below, NULL, key->name);

		if (key->type == KEY_GROUP && (key->need != NEED_OPTIONAL || in))
			group_demand(reader, key->group, in ? in : setting, under,
				     where ? where : key->name);
		else if (key->need == NEED_REQUIRED && !in && !under)
			mistake_at(&reader->mistakes, setting, where, "%s%s is missing: %s",
				   group->label, key->name, key->help);
	}
}

/* The element's place in the struct; false: `id` names nothing. */
static bool element_place(const struct target *target, const config_setting_t *element,
			  const char *where, unsigned index, struct bases *bases)
{
	const struct list *list = target->key->list;
	const struct site *site = &target->reader->config->site;
	const char *id = NULL;

	if (!list->by_id) {
		list->place(target->reader->config, list->first + index, bases);
		return true;
	}
	if (!config_setting_lookup_string(element, "id", &id)) {
		mistake_at(&target->reader->mistakes, element, where, "id is missing: name a pack");
		return false;
	}
	for (unsigned k = 0; k < site->n_packs; k++) {
		if (strcmp(site->pack[k].id, id) == 0) {
			list->place(target->reader->config, k, bases);
			return true;
		}
	}
	mistake_at(&target->reader->mistakes, element, where,
		   "id \"%s\": there is no such pack in packs", id);
	return false;
}

static void element_read(const struct target *target, const char *path, unsigned index)
{
	const struct group *group = target->key->list->element;
	const config_setting_t *element = config_setting_get_elem(target->setting, index);
	const struct profile *profile = NULL;
	struct reader *reader = target->reader;
	struct bases bases;
	const char *id = NULL;
	bool demand = true;
	char where[4 * ID_SIZE];

	if (!config_setting_is_group(element)) {
		if (!target->key->list->by_id &&
		    element_place(target, element, NULL, index, &bases))
			group_init(group, bases);
		mistake_at(&reader->mistakes, element, NULL, "%s[%u] must be a group: { ... }",
			   path, index);
		return;
	}
	config_setting_lookup_string(element, "id", &id);
	snprintf(where, sizeof(where), "%s[%u]%s%.40s%s", path, index, id ? " \"" : "",
		 id ? id : "", id ? "\"" : "");
	if (!element_place(target, element, where, index, &bases))
		return;
	group_init(group, bases);
	if (group == &pack_group) {
		profile = profile_for_pack(reader, element, where);
		demand = !profile || profile->usable;
		if (!demand)
			profile = NULL;
		if (profile) {
			*(struct pack_site *)(void *)bases.at[BASE_SITE] = profile->site;
			*(struct pack_config *)(void *)bases.at[BASE_OWN] = profile->own;
		}
		reader->pack[index] = element;
		reader->pack_profile[index] = profile;
	}
	group_read(reader, group, element, bases, where, profile ? profile->name : NULL);
	if (demand)
		group_demand(reader, group, element,
			     profile ? config_root_setting(&profile->tree) : NULL, where);
}

static void list_read(const struct target *target, const char *path)
{
	const struct list *list = target->key->list;
	struct bases site = bases_of_site(target->reader->config);
	unsigned n = (unsigned)config_setting_length(target->setting);
	unsigned total;

	if (n > list->max) {
		mistake_at(&target->reader->mistakes, target->setting, NULL,
			   "%s has %u elements: at most %u are possible", path, n, list->max);
		n = list->max;
	}
	total = list->first + n;
	if (!list->by_id)
		memcpy(site.at[list->count_base] + list->count_offset, &total, sizeof(total));
	for (unsigned i = 0; i < n; i++)
		element_read(target, path, i);
}
