/*
 * Sequence-of-events log: one JSON line per event, in order, with both clocks and the quality of
 * the wall clock, for whoever must find out what came first. Rotated by size, the last four are
 * kept.
 */
#ifndef REBANK_STORE_SOE_H
#define REBANK_STORE_SOE_H

#include "core/site.h"

enum { SOE_BYTES_MAX = 16 << 20, SOE_KEPT = 4, SOE_PATH_SIZE = 512 };

struct soe {
	int fd;       /* -1: not open; the next line tries again */
	int64_t size; /* of the file */
	int64_t size_max;
	char path[SOE_PATH_SIZE];
};

struct soe_entry {
	int64_t utc_ms;
	bool clock_synced;
	const char *boot, *pack, *text; /* pack: its id; "": the bank */
	const struct event *event;
};

/* Opens nothing yet. */
void soe_init(struct soe *soe, const char *path, int64_t size_max);
/* Appends one whole line or nothing. 0 or -errno. */
int soe_add(struct soe *soe, const struct soe_entry *entry);
/* Events that were lost before they got here leave a line too. */
int soe_add_gap(struct soe *soe, int64_t utc_ms, uint64_t lost);
/* What was added is on the disk. 0 or -errno. */
int soe_sync(struct soe *soe);
void soe_close(struct soe *soe);

#endif
