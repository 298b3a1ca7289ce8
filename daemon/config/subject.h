/* One pack under examination by the cross-checks. */
#ifndef REBANK_CONFIG_SUBJECT_H
#define REBANK_CONFIG_SUBJECT_H

#include <stdio.h>

#include "config/key.h"

struct subject {
	struct reader *reader;
	const struct config *config;
	const struct pack_site *pack;
	unsigned k;
	char where[ID_SIZE + 24];
};

#define PACK_MISTAKE(subject, group, name, ...)                                                    \
	mistake_at(&(subject)->reader->mistakes,                                                   \
		   setting_of_pack((subject)->reader, (subject)->k, group, name),                  \
		   (subject)->where, __VA_ARGS__)

static inline struct subject subject_of(struct reader *reader, unsigned k)
{
	const struct config *config = reader->config;
	struct subject subject = {reader, config, &config->site.pack[k], k, ""};

	snprintf(subject.where, sizeof(subject.where), "packs[%u] \"%s\"", k,
		 config->site.pack[k].id);
	return subject;
}

#endif
