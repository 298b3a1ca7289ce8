#include "northbound/json_value.h"

#include <math.h>
#include <string.h>

#define INTEGER_MAX 9007199254740991 /* the largest integer that every JSON reader keeps exact */

bool json_value_integer(const json_t *value, int64_t low, int64_t *out)
{
	double real = json_number_value(value);

	if (!json_is_number(value) || !(real >= (double)low && real <= (double)INTEGER_MAX) ||
	    real != floor(real))
		return false;
	*out = json_is_integer(value) ? json_integer_value(value) : (int64_t)real;
	return true;
}

bool json_value_name(const json_t *value, const char *extra, char *out, size_t size)
{
	const char *text = json_string_value(value);
	size_t length = json_string_length(value);

	if (!text || length < 1 || length >= size)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      (c != '\0' && strchr(extra, c))))
			return false;
	}
	memcpy(out, text, length + 1);
	return true;
}

int json_value_word(const json_t *value, const char *const *words)
{
	for (int i = 0; json_is_string(value) && words[i]; i++)
		if (strcmp(json_string_value(value), words[i]) == 0)
			return i;
	return -1;
}
