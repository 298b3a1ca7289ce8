/*
 * struct bank_saved <-> JSON with every value by its name, so that counters and latches survive a
 * new version with other structs, and an operator can read them. Rules are stored by their reason.
 */
#ifndef REBANK_STORE_SAVED_H
#define REBANK_STORE_SAVED_H

#include "core/bank.h"

enum { SAVED_VERSION = 1 };

/* The text, for free(); NULL when out of memory. */
char *saved_encode(const struct bank_saved *saved);

/* False and `error` when the text is not ours. A latch that this version does not know sets
 * `locked` and is named in `error` ("" otherwise): people must look before the bank runs again. */
bool saved_decode(const char *text, struct bank_saved *saved, char *error, size_t size);

#endif
