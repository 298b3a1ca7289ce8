#include "northbound/json_scan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '-' || c == '.';
}

/* Length of the string literal that starts at text[0] == '"'; up to the end when it never closes.
 */
static size_t string_length(const char *text, size_t length)
{
	size_t i = 1;

	while (i < length && text[i] != '"')
		i += text[i] == '\\' ? 2 : 1;
	return i < length ? i + 1 : length;
}

static size_t token_length(const char *text, size_t length)
{
	size_t n = 0;

	while (n < length && is_token_char(text[n]))
		n++;
	return n;
}

/* A token that reads as a number, but as none that is finite and fits. */
static bool is_wild_number(const char *token, size_t length)
{
	size_t digits = strspn(token + (*token == '-'), "0123456789") + (*token == '-');
	char *end;

	if (!isfinite(strtod(token, &end)) && end == token + length)
		return true;
	errno = 0;
	return digits == length && strtoll(token, NULL, 10) != 0 && errno == ERANGE;
}

struct json_scan json_scan(char *text, size_t length)
{
	struct json_scan scan = {0};
	unsigned depth = 0;
	size_t step;

	for (size_t i = 0; i < length; i += step) {
		step = 1;
		if (text[i] == '{' || text[i] == '[') {
			if (++depth > scan.depth)
				scan.depth = depth;
		} else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
			depth--;
		} else if (text[i] == '"') {
			step = string_length(text + i, length - i);
		} else if (is_token_char(text[i])) {
			step = token_length(text + i, length - i);
			if (is_wild_number(text + i, step)) {
				memset(text + i, ' ', step);
				text[i] = '0';
				scan.not_finite = true;
			}
		}
	}
	return scan;
}
