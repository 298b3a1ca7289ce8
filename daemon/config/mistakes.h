/* The mistakes of one load: collected as they are found, printed in the order of the file. */
#ifndef REBANK_CONFIG_MISTAKES_H
#define REBANK_CONFIG_MISTAKES_H

#include <libconfig.h>
#include <stdbool.h>
#include <stdio.h>

enum { FILE_NAME_SIZE = 512 };

struct mistake {
	unsigned file; /* index into files: the site file first */
	unsigned line; /* 0: the file as a whole */
	bool number;   /* of the raw text: the tree's value on this line is not what was written */
	char *text;
};

struct mistakes {
	const char *path; /* of the site file: libconfig knows no name for what stands in it */
	char *file[80];
	unsigned n_files;
	struct mistake *list;
	size_t n, room;
};

void mistakes_init(struct mistakes *mistakes, const char *path);
void mistakes_free(struct mistakes *mistakes);

/* "file:line: where: text"; file NULL: the site file; where NULL: left out. */
void mistake_add(struct mistakes *mistakes, const char *file, unsigned line, const char *where,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same at a setting. */
#define mistake_at(mistakes, setting, where, ...)                                                  \
	mistake_add(mistakes, setting_file(setting, (char[FILE_NAME_SIZE]){""}),                   \
		    config_setting_source_line(setting), where, __VA_ARGS__)

/* Marks the last mistake as one of a number's raw text, and asks for such a mark. */
void mistake_mark_number(struct mistakes *mistakes);
bool mistake_is_marked(const struct mistakes *mistakes, const config_setting_t *setting);

/* The file of a setting, or of a syntax error, in one spelling for every libconfig: 1.5 names an
 * included file as its @include does, later ones from where the program runs. */
const char *setting_file(const config_setting_t *setting, char *name);
const char *tree_file(const config_t *tree, const char *file, char *name);

/* Prints one line each, by file and line. */
void mistakes_print(struct mistakes *mistakes, FILE *out);

#endif
