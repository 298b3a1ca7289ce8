/* The mistakes of one load: collected as they are found, printed in the order of the file. */
#ifndef REBANK_CONFIG_MISTAKES_H
#define REBANK_CONFIG_MISTAKES_H

#include <libconfig.h>
#include <stdio.h>

struct mistake {
	unsigned file; /* index into files: the site file first */
	unsigned line; /* 0: the file as a whole */
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
	mistake_add(mistakes, config_setting_source_file(setting),                                 \
		    config_setting_source_line(setting), where, __VA_ARGS__)

/* Prints one line each, by file and line. */
void mistakes_print(struct mistakes *mistakes, FILE *out);

#endif
