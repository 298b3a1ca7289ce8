/*
 * A look at JSON text before it is parsed: nesting depth, and numbers that are not finite or do not
 * fit (NaN, Infinity, 1e999, integers beyond 64 bits), which the parser could only call a syntax
 * error.
 */
#ifndef REBANK_NORTHBOUND_JSON_SCAN_H
#define REBANK_NORTHBOUND_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct json_scan {
	unsigned depth;  /* deepest nesting of objects and arrays */
	bool not_finite; /* there was such a number; it was overwritten with 0 */
};

/* Overwriting keeps the rest readable, so that the sender can be answered by id. text[length] must
 * be NUL. */
struct json_scan json_scan(char *text, size_t length);

#endif
