#include "config/scan.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 8, FILE_MAX = 4 << 20, NAME_MAX_SIZE = 512 };

struct scan {
	struct mistakes *mistakes;
	const char *path, *include_dir;
	const char *at;
	unsigned line;
	unsigned depth;
	const struct scan *includer;
	bool readable;
};

static bool scan_text(const struct scan *includer, struct mistakes *mistakes, const char *path,
		      const char *include_dir);

/* The open file's text, of at most `most` bytes, NUL-terminated; NULL and errno otherwise. */
static char *text_read(FILE *file, size_t most)
{
	char *text = malloc(most + 1);
	size_t n;

	if (!text)
		return NULL;
	n = fread(text, 1, most, file);
	text[n] = '\0';
	if (memchr(text, '\0', n))
		errno = EILSEQ;
	else if (fgetc(file) != EOF)
		errno = EFBIG;
	else if (ferror(file))
		errno = EIO;
	else
		return text;
	free(text);
	return NULL;
}

static char *file_read(const char *path)
{
	FILE *file = fopen(path, "re");
	struct stat status;
	char *text = NULL;
	int error;

	if (!file)
		return NULL;
	if (fstat(fileno(file), &status) != 0 || S_ISDIR(status.st_mode))
		errno = EISDIR;
	else
		text = text_read(file, S_ISREG(status.st_mode) && status.st_size < FILE_MAX
					       ? (size_t)status.st_size
					       : FILE_MAX);
	error = errno;
	fclose(file);
	errno = error;
	return text;
}

static void skip_comment(struct scan *scan)
{
	bool block = scan->at[1] == '*' && scan->at[0] == '/';

	while (*scan->at && (block || *scan->at != '\n')) {
		if (block && strncmp(scan->at, "*/", 2) == 0) {
			scan->at += 2;
			return;
		}
		scan->line += *scan->at == '\n';
		scan->at++;
	}
}

static void skip_string(struct scan *scan)
{
	for (scan->at++; *scan->at && *scan->at != '"'; scan->at++) {
		scan->line += *scan->at == '\n';
		if (*scan->at == '\\' && scan->at[1])
			scan->at++;
	}
	scan->at += *scan->at == '"';
}

/* A word of letters, digits and the signs that numbers have. */
static void scan_word(struct scan *scan)
{
	const char *start = scan->at;
	char word[80];
	size_t n;
	char *end;
	long long value;

	while (isalnum((unsigned char)*scan->at) || (*scan->at && strchr("+-._*", *scan->at)))
		scan->at++;
	n = (size_t)(scan->at - start);
	if (n == 0) {
		scan->at++;
		return;
	}
	if (!isdigit((unsigned char)*start) &&
	    !(n > 1 && isdigit((unsigned char)start[1]) && (*start == '-' || *start == '+')))
		return;
	snprintf(word, sizeof(word), "%.*s", n < 70 ? (int)n : 70, start);
	if (strpbrk(word, ".eE") && strncmp(word, "0x", 2) != 0)
		return; /* a float: its overflow shows as infinity */
	errno = 0;
	value = strtoll(word, &end, strncmp(word, "0x", 2) == 0 ? 16 : 10);
	if (errno == ERANGE || (*end == '\0' && (value > INT_MAX || value < INT_MIN))) {
		mistake_add(scan->mistakes, scan->path, scan->line, NULL,
			    "integer %s does not fit into 32 bits: write %s", word,
			    errno == ERANGE ? "a smaller number" : "it with a decimal point or L");
		mistake_mark_number(scan->mistakes);
		if (errno == ERANGE) /* later libconfigs call it a syntax error */
			scan->readable = false;
	}
}

static bool is_open(const struct scan *scan, const char *path)
{
	for (; scan; scan = scan->includer)
		if (strcmp(scan->path, path) == 0)
			return true;
	return false;
}

/* why NULL: reported where it happened. */
static void include_refuse(struct scan *scan, const char *name, const char *why)
{
	scan->readable = false;
	if (why)
		mistake_add(scan->mistakes, scan->path, scan->line, NULL, "@include \"%s\": %s",
			    name, why);
}

/* `@include "name"` at the start of a line; scan->at is at the '@'. */
static void scan_include(struct scan *scan)
{
	char name[NAME_MAX_SIZE], path[2 * NAME_MAX_SIZE];
	const char *quote = scan->at + strlen("@include");
	size_t n;

	quote += strspn(quote, " \t");
	if (*quote != '"')
		return; /* libconfig's syntax error */
	n = strcspn(quote + 1, "\"\n");
	snprintf(name, sizeof(name), "%.*s", n < sizeof(name) ? (int)n : (int)sizeof(name) - 1,
		 quote + 1);
	scan->at = quote + 1 + n;
	scan->at += *scan->at == '"';
	snprintf(path, sizeof(path), "%s/%s", scan->include_dir, name);
	if (name[0] == '/')
		include_refuse(scan, name, "the path must be relative to the site file");
	else if (is_open(scan, path))
		include_refuse(scan, name, "the file includes itself");
	else if (scan->depth == DEPTH_MAX)
		include_refuse(scan, name, "more than 8 files deep");
	else if (!scan_text(scan, scan->mistakes, path, scan->include_dir))
		include_refuse(scan, name, errno ? strerror(errno) : NULL);
}

/* False with errno when unreadable, false with errno 0 when an included one is. */
static bool scan_text(const struct scan *includer, struct mistakes *mistakes, const char *path,
		      const char *include_dir)
{
	char *text = file_read(path);
	struct scan scan = {mistakes, path,        include_dir,
			    text,     1,           includer ? includer->depth + 1 : 0,
			    includer, text != NULL};
	bool fresh_line = true;

	if (!text)
		return false;
	while (*scan.at) {
		if (*scan.at == '\n') {
			scan.line++;
			fresh_line = true;
			scan.at++;
		} else if (*scan.at == ' ' || *scan.at == '\t') {
			scan.at++;
		} else if (fresh_line && strncmp(scan.at, "@include", 8) == 0) {
			fresh_line = false;
			scan_include(&scan);
		} else {
			fresh_line = false;
			if (*scan.at == '#' || strncmp(scan.at, "//", 2) == 0 ||
			    strncmp(scan.at, "/*", 2) == 0)
				skip_comment(&scan);
			else if (*scan.at == '"')
				skip_string(&scan);
			else
				scan_word(&scan);
		}
	}
	free(text);
	errno = 0;
	return scan.readable;
}

bool scan_file(struct mistakes *mistakes, const char *path, const char *include_dir)
{
	if (scan_text(NULL, mistakes, path, include_dir))
		return true;
	if (errno)
		mistake_add(mistakes, path, 0, NULL, "%s", strerror(errno));
	return false;
}
