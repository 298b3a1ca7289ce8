#include "config/mistakes.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static unsigned file_index(struct mistakes *mistakes, const char *file)
{
	unsigned last = sizeof(mistakes->file) / sizeof(mistakes->file[0]) - 1;

	for (unsigned i = 0; i < mistakes->n_files; i++)
		if (strcmp(mistakes->file[i], file) == 0)
			return i;
	if (mistakes->n_files > last)
		return last;
	mistakes->file[mistakes->n_files] = strdup(file);
	if (!mistakes->file[mistakes->n_files])
		abort();
	return mistakes->n_files++;
}

void mistakes_init(struct mistakes *mistakes, const char *path)
{
	memset(mistakes, 0, sizeof(*mistakes));
	mistakes->path = path;
	file_index(mistakes, path);
}

void mistakes_free(struct mistakes *mistakes)
{
	for (size_t i = 0; i < mistakes->n; i++)
		free(mistakes->list[i].text);
	for (unsigned i = 0; i < mistakes->n_files; i++)
		free(mistakes->file[i]);
	free(mistakes->list);
	memset(mistakes, 0, sizeof(*mistakes));
}

static struct mistake *mistakes_grow(struct mistakes *mistakes)
{
	if (mistakes->n == mistakes->room) {
		size_t room = mistakes->room ? 2 * mistakes->room : 32;
		struct mistake *list = realloc(mistakes->list, room * sizeof(*list));

		if (!list)
			abort();
		mistakes->list = list;
		mistakes->room = room;
	}
	return &mistakes->list[mistakes->n];
}

void mistake_add(struct mistakes *mistakes, const char *file, unsigned line, const char *where,
		 const char *format, ...)
{
	struct mistake *mistake = mistakes_grow(mistakes);
	char what[768];
	char *text = NULL;
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (asprintf(&text, "%s%s%s", where ? where : "", where ? ": " : "", what) < 0)
		abort();
	mistake->file = file_index(mistakes, file ? file : mistakes->path);
	for (size_t i = 0; i < mistakes->n; i++) {
		const struct mistake *known = &mistakes->list[i];

		if (known->file == mistake->file && known->line == line &&
		    strcmp(known->text, text) == 0) {
			free(text);
			return;
		}
	}
	mistake->line = line;
	mistake->number = false;
	mistake->text = text;
	mistakes->n++;
}

void mistake_mark_number(struct mistakes *mistakes)
{
	if (mistakes->n > 0)
		mistakes->list[mistakes->n - 1].number = true;
}

bool mistake_is_marked(const struct mistakes *mistakes, const config_setting_t *setting)
{
	char name[FILE_NAME_SIZE] = "";
	const char *file = setting_file(setting, name);

	for (size_t i = 0; i < mistakes->n; i++) {
		const struct mistake *mistake = &mistakes->list[i];

		if (mistake->number && mistake->line == config_setting_source_line(setting) &&
		    strcmp(mistakes->file[mistake->file], file ? file : mistakes->path) == 0)
			return true;
	}
	return false;
}

const char *tree_file(const config_t *tree, const char *file, char *name)
{
	const char *dir = config_get_include_dir(tree);
	size_t n = dir ? strlen(dir) : 0;

	if (!file || !dir || file[0] == '/' || (strncmp(file, dir, n) == 0 && file[n] == '/'))
		return file;
	snprintf(name, FILE_NAME_SIZE, "%s/%s", dir, file);
	return name;
}

const char *setting_file(const config_setting_t *setting, char *name)
{
	return tree_file(setting->config, config_setting_source_file(setting), name);
}

/* By file, then line; equal lines keep the order in which they were found. */
static void mistakes_sort(struct mistakes *mistakes)
{
	struct mistake *list = mistakes->list;

	for (size_t i = 1; i < mistakes->n; i++) {
		struct mistake moved = list[i];
		size_t k = i;

		for (; k > 0 && (list[k - 1].file > moved.file ||
				 (list[k - 1].file == moved.file && list[k - 1].line > moved.line));
		     k--)
			list[k] = list[k - 1];
		list[k] = moved;
	}
}

void mistakes_print(struct mistakes *mistakes, FILE *out)
{
	mistakes_sort(mistakes);
	for (size_t i = 0; i < mistakes->n; i++) {
		const struct mistake *mistake = &mistakes->list[i];

		fputs(mistakes->file[mistake->file], out);
		if (mistake->line > 0)
			fprintf(out, ":%u", mistake->line);
		fprintf(out, ": %s\n", mistake->text);
	}
}
