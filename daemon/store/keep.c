#include "store/keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void keep_name(char *name, size_t size, int64_t utc_ms, const char *why)
{
	time_t seconds = (time_t)(utc_ms / 1000);
	struct tm tm;
	char stamp[32];

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &tm);
	snprintf(name, size, "%s.%03dZ-%s.rec", stamp, (int)(utc_ms % 1000), why);
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), e = strlen(end);

	return n >= e && strcmp(name + n - e, end) == 0;
}

static int is_recording(const struct dirent *entry)
{
	return ends_with(entry->d_name, ".rec");
}

static int is_half(const struct dirent *entry)
{
	return ends_with(entry->d_name, ".rec.tmp");
}

/* Removes the first of them in the order of names, all but `keep`. */
static int remove_first(const char *directory, int (*which)(const struct dirent *), unsigned keep)
{
	struct dirent **entry;
	int n = scandir(directory, &entry, which, alphasort), fd, error = 0;

	if (n < 0)
		return -errno;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < n; i++) {
		if (fd >= 0 && i < n - (int)keep && unlinkat(fd, entry[i]->d_name, 0) != 0)
			error = -errno;
		free(entry[i]);
	}
	free(entry);
	if (fd < 0)
		return -errno;
	close(fd);
	return error;
}

int keep_newest(const char *directory, unsigned keep)
{
	int error = remove_first(directory, is_half, 0);

	return error ? error : remove_first(directory, is_recording, keep);
}
