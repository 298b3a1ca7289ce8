/*
 * Looks at the raw text before libconfig does, for what its tree no longer shows: integers that do
 * not fit (libconfig 1.5 wraps them silently) and @include lines that lead nowhere (a directory
 * makes its scanner end the process).
 */
#ifndef REBANK_CONFIG_SCAN_H
#define REBANK_CONFIG_SCAN_H

#include <stdbool.h>

#include "config/mistakes.h"

/* False when the file, or one it includes, cannot be read: libconfig must not be called then. */
bool scan_file(struct mistakes *mistakes, const char *path, const char *include_dir);

#endif
