/*
 * The commissioning record (hazards rule 14): that this site, as configured, passed preflight. It
 * is bound to the digest of the configuration, and to serial and chemistry of every pack. A record
 * that does not hold any more is put aside at start, so that it cannot come back to life by an
 * edit.
 */
#ifndef REBANK_STORE_COMMISSION_H
#define REBANK_STORE_COMMISSION_H

#include "config/config.h"

enum { COMMISSION_TEXT_SIZE = 224 };

struct commission {
	bool needed; /* some coil is real */
	bool holds;
	char text[COMMISSION_TEXT_SIZE]; /* since when, or why not */
};

/* <state_dir>/<bank>.commissioned */
void commission_path(const struct config *config, char *path, size_t size);

/* Reads the record and compares; `clear` puts aside one that does not hold (.commissioned.old). */
void commission_load(const struct config *config, bool clear, struct commission *commission);

/* Writes the record; 0 or -errno. */
int commission_write(const struct config *config, int64_t utc_ms);

#endif
