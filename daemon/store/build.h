/* Which build this is: two programs with the same id decide and round alike. */
#ifndef REBANK_STORE_BUILD_H
#define REBANK_STORE_BUILD_H

#include <stddef.h>

enum { BUILD_ID_SIZE = 64 };

/*
 * Fills `id` (BUILD_ID_SIZE, the unused rest zero): version, a digest of the core's sources with
 * the compiler and its flags, and a fingerprint of what libm answers on this CPU (libm picks its
 * functions by CPU, and their last bits differ). Two programs of one build have the same id.
 */
void build_id(char id[BUILD_ID_SIZE]);

#endif
