/* Members of groups in scenario files, each checked and refused with file, line and remedy. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/scenario_parts.h"

void member_refuse(const struct member *at, const config_setting_t *setting, const char *format,
		   ...)
{
	char what[400];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	mistake_at(&at->reader->mistakes, setting ? setting : at->group, at->where, "%s", what);
}

static const config_setting_t *member_find(const struct member *at, const char *key)
{
	return config_setting_get_member(at->group, key);
}

bool member_given(const struct member *at, const char *key)
{
	return member_find(at, key) != NULL;
}

static double setting_number(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
		return config_setting_get_int(setting);
	case CONFIG_TYPE_INT64:
		return (double)config_setting_get_int64(setting);
	case CONFIG_TYPE_FLOAT:
		return config_setting_get_float(setting);
	default:
		return NAN;
	}
}

bool member_number(const struct member *at, const char *key, double lo, double hi, double *value)
{
	const config_setting_t *setting = member_find(at, key);
	double number;

	if (!setting)
		return false;
	number = setting_number(setting);
	if (!(lo <= number && number <= hi)) {
		member_refuse(at, setting, "%s must be a number from %g to %g", key, lo, hi);
		return false;
	}
	*value = number;
	return true;
}

bool member_seconds(const struct member *at, const char *key, double lo, int64_t *ms)
{
	double seconds;

	if (!member_number(at, key, lo, 1e9, &seconds))
		return false;
	*ms = llround(1000.0 * seconds);
	return true;
}

bool member_flag(const struct member *at, const char *key, bool *value)
{
	const config_setting_t *setting = member_find(at, key);

	if (!setting)
		return false;
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL) {
		member_refuse(at, setting, "%s must be true or false", key);
		return false;
	}
	*value = config_setting_get_bool(setting);
	return true;
}

bool member_word(const struct member *at, const char *key, const char **value)
{
	const config_setting_t *setting = member_find(at, key);

	if (!setting)
		return false;
	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		member_refuse(at, setting, "%s must be a word in quotes", key);
		return false;
	}
	*value = config_setting_get_string(setting);
	return true;
}

bool member_pack(const struct member *at, int *pack)
{
	const struct site *site = &at->reader->scenario->config.site;
	const char *id;

	*pack = -1;
	if (!member_word(at, "pack", &id))
		return false;
	for (unsigned k = 0; k < site->n_packs; k++)
		if (strcmp(site->pack[k].id, id) == 0)
			*pack = (int)k;
	if (*pack < 0)
		member_refuse(at, member_find(at, "pack"),
			      "the site has no pack \"%s\": name one of its packs", id);
	return *pack >= 0;
}

bool member_pcs(const struct member *at, int *pcs)
{
	const struct site *site = &at->reader->scenario->config.site;
	const char *id;

	*pcs = -1;
	if (!member_word(at, "pcs", &id))
		return false;
	for (unsigned i = 0; i < site->n_pcs; i++)
		if (strcmp(site->pcs[i].id, id) == 0)
			*pcs = (int)i;
	if (*pcs < 0)
		member_refuse(at, member_find(at, "pcs"),
			      "the site has no converter \"%s\": name one of its pcs", id);
	return *pcs >= 0;
}

static bool listed(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

void member_only(const struct member *at, const char *const *common, const char *const *own)
{
	for (int i = 0; i < config_setting_length(at->group); i++) {
		const config_setting_t *setting = config_setting_get_elem(at->group, (unsigned)i);
		const char *name = config_setting_name(setting);

		if (name && !listed(common, name) && !listed(own, name))
			member_refuse(at, setting, "unknown key \"%s\" here, see docs/simulate.md",
				      name);
	}
}
