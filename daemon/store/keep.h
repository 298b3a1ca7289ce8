/* Names of recordings, and keeping only the newest of them. */
#ifndef REBANK_STORE_KEEP_H
#define REBANK_STORE_KEEP_H

#include <stddef.h>
#include <stdint.h>

/* "20260902T101502.345Z-why.rec"; sorts by time. */
void keep_name(char *name, size_t size, int64_t utc_ms, const char *why);

/* Removes all but the `keep` newest *.rec of a directory, and what a crash left half written.
 * 0 or -errno. */
int keep_newest(const char *directory, unsigned keep);

#endif
