/* One value of a table's key, between struct and number. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config/key.h"

/* "Not given" for keys whose struct has no NaN. */
enum { WORD_UNSET = -1 };

struct bases bases_of_site(struct config *config)
{
	return (struct bases){{(char *)&config->site, (char *)config}};
}

char *key_text(const struct key *key, struct bases bases)
{
	return bases.at[key->base] + key->offset;
}

static double seconds_load(const void *at, size_t size)
{
	int64_t wide;
	int32_t narrow;

	if (size == sizeof(wide)) {
		memcpy(&wide, at, sizeof(wide));
		return wide == INT64_MIN ? NAN : (double)wide / 1000.0;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow == INT32_MIN ? NAN : narrow / 1000.0;
}

static void seconds_store(void *at, size_t size, double value)
{
	int64_t wide = isnan(value) ? INT64_MIN : llround(1000.0 * value);
	int32_t narrow = isnan(value) ? INT32_MIN : (int32_t)wide;

	if (size == sizeof(wide))
		memcpy(at, &wide, sizeof(wide));
	else
		memcpy(at, &narrow, sizeof(narrow));
}

static double count_load(const void *at, size_t size)
{
	uint64_t wide;
	uint32_t narrow;

	if (size == 1)
		return *(const uint8_t *)at == UINT8_MAX ? NAN : *(const uint8_t *)at;
	if (size == sizeof(narrow)) {
		memcpy(&narrow, at, sizeof(narrow));
		return narrow == UINT32_MAX ? (double)NAN : narrow;
	}
	memcpy(&wide, at, sizeof(wide));
	return wide == UINT64_MAX ? NAN : (double)wide;
}

static void count_store(void *at, size_t size, double value)
{
	uint64_t wide = isnan(value) ? UINT64_MAX : (uint64_t)value;
	uint32_t narrow = isnan(value) ? UINT32_MAX : (uint32_t)wide;

	if (size == 1)
		*(uint8_t *)at = isnan(value) ? UINT8_MAX : (uint8_t)wide;
	else if (size == sizeof(narrow))
		memcpy(at, &narrow, sizeof(narrow));
	else
		memcpy(at, &wide, sizeof(wide));
}

double key_load(const struct key *key, struct bases bases)
{
	const char *at = key_text(key, bases);
	double real;
	bool flag;
	int word;

	switch (key->type) {
	case KEY_REAL:
		memcpy(&real, at, sizeof(real));
		return real;
	case KEY_SECONDS:
		return seconds_load(at, key->size);
	case KEY_COUNT:
		return count_load(at, key->size);
	case KEY_BOOL:
		memcpy(&flag, at, sizeof(flag));
		return flag;
	case KEY_WORD:
	case KEY_PACK:
		memcpy(&word, at, sizeof(word));
		return word == WORD_UNSET ? (double)NAN : word;
	case KEY_TEXT:
	case KEY_ID:
	case KEY_LINE:
	case KEY_FILE:
	case KEY_NAME:
	case KEY_GROUP:
	case KEY_LIST:
	case KEY_WIRE:
		break;
	}
	return NAN;
}

void key_store(const struct key *key, struct bases bases, double value)
{
	char *at = key_text(key, bases);
	bool flag = value > 0.0;
	int word = isnan(value) ? WORD_UNSET : (int)value;

	switch (key->type) {
	case KEY_REAL:
		memcpy(at, &value, sizeof(value));
		break;
	case KEY_SECONDS:
		seconds_store(at, key->size, value);
		break;
	case KEY_COUNT:
		count_store(at, key->size, value);
		break;
	case KEY_BOOL:
		memcpy(at, &flag, sizeof(flag));
		break;
	case KEY_WORD:
	case KEY_PACK:
		memcpy(at, &word, sizeof(word));
		break;
	case KEY_TEXT:
	case KEY_ID:
	case KEY_LINE:
	case KEY_FILE:
	case KEY_NAME:
	case KEY_GROUP:
	case KEY_LIST:
	case KEY_WIRE:
		break;
	}
}

const char *number_text(double value, char *text, size_t size)
{
	for (int digits = 6; digits <= 17; digits++) {
		snprintf(text, size, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return text;
}

bool id_is_valid(const char *id)
{
	size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n < ID_SIZE && id[n] == '\0';
}
