#include "config/suggest.h"

#include <string.h>

enum { WORD_MAX = 48 };

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* Levenshtein distance: insertions, deletions and replacements from a to b. */
static unsigned edit_distance(const char *a, const char *b)
{
	size_t n = strlen(b);
	unsigned row[WORD_MAX + 1];

	if (strlen(a) > WORD_MAX || n > WORD_MAX)
		return WORD_MAX;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			unsigned replace = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = least(row[j] + 1, row[j - 1] + 1, replace);
		}
	}
	return row[n];
}

/* The group below `group` (or itself) that has a key of this name. */
static const struct group *group_with(const struct group *group, const char *name)
{
	const struct group *found;

	for (unsigned i = 0; i < group->n_keys; i++)
		if (strcmp(group->key[i].name, name) == 0)
			return group;
	for (unsigned i = 0; i < group->n_keys; i++) {
		const struct key *key = &group->key[i];
		const struct group *below = key->group;

		if (key->type == KEY_LIST)
			below = key->list->element;
		if (below && (found = group_with(below, name)) != NULL)
			return found;
	}
	return NULL;
}

void suggest(const struct group *group, const char *name, char *hint, size_t size)
{
	const struct group *home = group_with(group, name);
	const char *nearest = NULL;
	size_t room = strlen(name) / 3 + 1;
	unsigned best = room < 4 ? (unsigned)room : 4;

	hint[0] = '\0';
	if (!home)
		home = group_with(&root_group, name);
	for (unsigned i = 0; i < group->n_keys; i++) {
		unsigned distance = edit_distance(name, group->key[i].name);

		if (distance <= best && (!nearest || distance < best)) {
			best = distance;
			nearest = group->key[i].name;
		}
	}
	if (nearest && (best <= 1 || !home))
		snprintf(hint, size, ": did you mean \"%s%s\"?", group->label, nearest);
	else if (home && *home->path)
		snprintf(hint, size, ": it belongs in %s", home->path);
	else if (home)
		snprintf(hint, size, ": it belongs at the top level of the file");
}
