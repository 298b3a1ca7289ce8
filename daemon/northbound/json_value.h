/* What a JSON value may be: a whole number, a name, one of some words. */
#ifndef REBANK_NORTHBOUND_JSON_VALUE_H
#define REBANK_NORTHBOUND_JSON_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A whole number from `low` to 2^53-1, 5.0 included. False: it is none, *out as before. */
bool json_value_integer(const json_t *value, int64_t low, int64_t *out);
/* Letters, digits and `extra`; 1..size-1 of them. False: not so, `out` as before. */
bool json_value_name(const json_t *value, const char *extra, char *out, size_t size);
/* Index of the string in `words` (NULL-terminated); -1: none of them. */
int json_value_word(const json_t *value, const char *const *words);

#endif
