#include "store/soe.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "northbound/sentence.h"

void soe_init(struct soe *soe, const char *path, int64_t size_max)
{
	*soe = (struct soe){.fd = -1, .size_max = size_max};
	snprintf(soe->path, sizeof soe->path, "%s", path);
}

void soe_close(struct soe *soe)
{
	if (soe->fd >= 0)
		close(soe->fd);
	soe->fd = -1;
}

static void rotate(struct soe *soe)
{
	char from[SOE_PATH_SIZE + 8], to[SOE_PATH_SIZE + 8];

	soe_sync(soe);
	soe_close(soe);
	for (int i = SOE_KEPT - 1; i >= 0; i--) {
		snprintf(from, sizeof from, i ? "%s.%d" : "%s", soe->path, i);
		snprintf(to, sizeof to, "%s.%d", soe->path, i + 1);
		rename(from, to);
	}
}

static int open_for(struct soe *soe, size_t line)
{
	struct stat status;

	if (soe->fd >= 0 && soe->size > 0 && soe->size + (int64_t)line > soe->size_max)
		rotate(soe);
	if (soe->fd >= 0)
		return 0;
	soe->fd = open(soe->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (soe->fd < 0)
		return -errno;
	soe->size = fstat(soe->fd, &status) == 0 ? status.st_size : 0;
	return 0;
}

/* A line cut short by a full disk is taken back: the next one must not continue it. */
static int append(struct soe *soe, const char *line, size_t size)
{
	int error = open_for(soe, size);
	ssize_t n;

	if (error)
		return error;
	do
		n = write(soe->fd, line, size);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)size) {
		soe->size += n;
		return 0;
	}
	error = n < 0 ? -errno : -ENOSPC;
	if (n > 0 && ftruncate(soe->fd, soe->size) != 0)
		error = -errno;
	soe_close(soe);
	return error;
}

static int append_json(struct soe *soe, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	size_t size = text ? strlen(text) : 0;
	int error = -ENOMEM;

	if (text) {
		text[size] = '\n'; /* in place of the NUL */
		error = append(soe, text, size + 1);
	}
	free(text);
	json_decref(object);
	return error;
}

static json_t *number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

int soe_add(struct soe *soe, const struct soe_entry *entry)
{
	const struct event *e = entry->event;
	const struct reason_text *text = reason_text(e->reason);

	return append_json(
		soe, json_pack("{s:I,s:I,s:s,s:s,s:I,s:s,s:s,s:s,s:s*,s:o,s:o,s:s,s:s}", "ts_ms",
			       (json_int_t)entry->utc_ms, "mono_ms", (json_int_t)e->at_ms, "clock",
			       entry->clock_synced ? "synced" : "free", "boot", entry->boot, "seq",
			       (json_int_t)e->seq, "kind", event_kind_word(e->kind), "code",
			       text->word, "severity", severity_word(text->severity), "pack",
			       entry->pack[0] ? entry->pack : NULL, "value", number(e->value),
			       "threshold", number(e->threshold), "unit", text->unit, "text",
			       entry->text));
}

int soe_add_gap(struct soe *soe, int64_t utc_ms, uint64_t lost)
{
	return append_json(
		soe, json_pack("{s:I,s:I}", "ts_ms", (json_int_t)utc_ms, "lost", (json_int_t)lost));
}

int soe_sync(struct soe *soe)
{
	return soe->fd < 0 || fdatasync(soe->fd) == 0 ? 0 : -errno;
}
