/* Single values of a wire description. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/hex.h"
#include "config/wire.h"

void wire_where(char *to, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(to, WIRE_WHERE_SIZE, format, args);
	va_end(args);
}

static const struct wire_key *key_find(const struct wire_key *keys, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static void unknown_key(struct wire_reader *reader, const config_setting_t *member,
			const char *where, const struct wire_key *keys, unsigned n)
{
	char all[512] = "";
	size_t used = 0;

	for (unsigned i = 0; i < n && used < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "",
					 keys[i].name);
	mistake_at(reader->mistakes, member, where, "unknown key \"%s\": one of %s",
		   config_setting_name(member), all);
}

bool wire_keys(struct wire_reader *reader, const config_setting_t *setting, const char *where,
	       const struct wire_key *keys, unsigned n)
{
	if (!config_setting_is_group(setting)) {
		mistake_at(reader->mistakes, setting, where, "must be a group: { ... }");
		return false;
	}
	for (int i = 0; i < config_setting_length(setting); i++) {
		const config_setting_t *member = config_setting_get_elem(setting, (unsigned)i);

		if (!key_find(keys, n, config_setting_name(member)))
			unknown_key(reader, member, where, keys, n);
	}
	for (unsigned i = 0; i < n; i++)
		if (keys[i].required && !config_setting_get_member(setting, keys[i].name))
			mistake_at(reader->mistakes, setting, where, "%s is missing: %s",
				   keys[i].name, keys[i].help);
	return true;
}

static bool is_whole(const config_setting_t *setting)
{
	return config_setting_type(setting) == CONFIG_TYPE_INT ||
	       config_setting_type(setting) == CONFIG_TYPE_INT64;
}

static bool number_in(struct wire_reader *reader, const config_setting_t *member, const char *where,
		      const char *key, double low, double high, double *value)
{
	char now[32], lo[32], hi[32];

	if (!config_setting_is_number(member)) {
		mistake_at(reader->mistakes, member, where, "%s must be a number", key);
		return false;
	}
	*value = is_whole(member) ? (double)config_setting_get_int64(member)
				  : config_setting_get_float(member);
	if (mistake_is_marked(reader->mistakes, member))
		return false;
	if (*value >= low && *value <= high)
		return true;
	mistake_at(reader->mistakes, member, where, "%s %s is outside %s..%s", key,
		   number_text(*value, now, sizeof(now)), number_text(low, lo, sizeof(lo)),
		   number_text(high, hi, sizeof(hi)));
	return false;
}

bool wire_number(struct wire_reader *reader, const config_setting_t *in, const char *where,
		 const char *key, double low, double high, double *value)
{
	const config_setting_t *member = config_setting_get_member(in, key);
	double given;

	if (!member || !number_in(reader, member, where, key, low, high, &given))
		return false;
	*value = given;
	return true;
}

bool wire_count(struct wire_reader *reader, const config_setting_t *in, const char *where,
		const char *key, unsigned low, unsigned high, unsigned *value)
{
	const config_setting_t *member = config_setting_get_member(in, key);
	double given;

	if (!member)
		return false;
	if (!is_whole(member)) {
		mistake_at(reader->mistakes, member, where, "%s must be a whole number", key);
		return false;
	}
	if (!number_in(reader, member, where, key, low, high, &given))
		return false;
	*value = (unsigned)given;
	return true;
}

bool wire_seconds(struct wire_reader *reader, const config_setting_t *in, const char *where,
		  const char *key, double low, double high, int32_t *value_ms)
{
	double given;

	if (!wire_number(reader, in, where, key, low, high, &given))
		return false;
	*value_ms = (int32_t)lround(1000.0 * given);
	return true;
}

bool wire_flag(struct wire_reader *reader, const config_setting_t *in, const char *where,
	       const char *key, bool *value)
{
	const config_setting_t *member = config_setting_get_member(in, key);

	if (!member)
		return false;
	if (config_setting_type(member) != CONFIG_TYPE_BOOL) {
		mistake_at(reader->mistakes, member, where, "%s must be true or false", key);
		return false;
	}
	*value = config_setting_get_bool(member);
	return true;
}

static const char *text_in(struct wire_reader *reader, const config_setting_t *member,
			   const char *where, const char *key)
{
	const char *text = config_setting_get_string(member);

	if (!text)
		mistake_at(reader->mistakes, member, where, "%s must be a text in quotes", key);
	return text;
}

bool wire_text(struct wire_reader *reader, const config_setting_t *in, const char *where,
	       const char *key, char *value, size_t size)
{
	const config_setting_t *member = config_setting_get_member(in, key);
	const char *text = member ? text_in(reader, member, where, key) : NULL;

	if (!text)
		return false;
	if (strlen(text) >= size) {
		mistake_at(reader->mistakes, member, where,
			   "%s is longer than %zu bytes: shorten it", key, size - 1);
		return false;
	}
	for (const char *at = text; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f) {
			mistake_at(reader->mistakes, member, where,
				   "%s has a control character in it: remove it", key);
			return false;
		}
	}
	memcpy(value, text, strlen(text) + 1);
	return true;
}

bool wire_word(struct wire_reader *reader, const config_setting_t *in, const char *where,
	       const char *key, const char *const *words, unsigned n, unsigned *value)
{
	const config_setting_t *member = config_setting_get_member(in, key);
	const char *text = member ? text_in(reader, member, where, key) : NULL;
	char all[512] = "";
	size_t used = 0;

	if (!text)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(words[i], text) == 0) {
			*value = i;
			return true;
		}
		if (used < sizeof(all))
			used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
						 i ? ", " : "", words[i]);
	}
	mistake_at(reader->mistakes, member, where, "%s \"%s\" is unknown: one of %s", key, text,
		   all);
	return false;
}

bool wire_codes(struct wire_reader *reader, const config_setting_t *in, const char *where,
		const char *key, unsigned most, int64_t *codes, uint8_t *n)
{
	const config_setting_t *member = config_setting_get_member(in, key);
	bool single = member && is_whole(member);
	unsigned length;

	if (!member)
		return false;
	length = single ? 1u : (unsigned)config_setting_length(member);
	if ((!single && !config_setting_is_array(member) && !config_setting_is_list(member)) ||
	    length == 0) {
		mistake_at(reader->mistakes, member, where,
			   "%s must be a whole number or a list of them: [0, 3]", key);
		return false;
	}
	if (length > most) {
		mistake_at(reader->mistakes, member, where,
			   "%s has %u elements: at most %u are possible", key, length, most);
		return false;
	}
	for (unsigned i = 0; i < length; i++) {
		const config_setting_t *one = single ? member : config_setting_get_elem(member, i);

		if (!is_whole(one)) {
			mistake_at(reader->mistakes, one, where, "%s must hold whole numbers", key);
			return false;
		}
		codes[i] = config_setting_get_int64(one);
	}
	*n = (uint8_t)length;
	return true;
}

bool wire_bytes(struct wire_reader *reader, const config_setting_t *in, const char *where,
		const char *key, unsigned most, uint8_t *bytes, unsigned *n)
{
	const config_setting_t *member = config_setting_get_member(in, key);
	const char *text = member ? text_in(reader, member, where, key) : NULL;
	unsigned count = 0;

	if (!text)
		return false;
	for (const char *at = text; *at;) {
		if (*at == ' ') {
			at++;
			continue;
		}
		int high = hex_digit(at[0]), low = high < 0 ? -1 : hex_digit(at[1]);

		if (low < 0) {
			mistake_at(reader->mistakes, member, where,
				   "%s \"%s\" is not bytes in hexadecimal: write \"10 64 0B\"", key,
				   text);
			return false;
		}
		if (count < most)
			bytes[count] = (uint8_t)(high << 4 | low);
		count++;
		at += 2;
	}
	if (count == 0 || count > most) {
		mistake_at(reader->mistakes, member, where, "%s has %u bytes: 1 to %u are possible",
			   key, count, most);
		return false;
	}
	*n = count;
	return true;
}

/* "start|length@order" and an optional sign. */
static bool bits_parse(const char *text, unsigned *start, unsigned *length, char *order, char *sign)
{
	int used = 0;

	*sign = '+';
	if (!isdigit((unsigned char)*text) ||
	    sscanf(text, "%5u|%3u@%c%n", start, length, order, &used) != 3 || used == 0)
		return false;
	if (text[used] == '+' || text[used] == '-')
		*sign = text[used++];
	return text[used] == '\0' && (*order == '0' || *order == '1');
}

bool wire_bits_read(struct wire_reader *reader, const config_setting_t *in, const char *where,
		    const char *key, unsigned length, struct wire_bits *bits)
{
	const config_setting_t *member = config_setting_get_member(in, key);
	const char *text = member ? text_in(reader, member, where, key) : NULL;
	unsigned start, n;
	char order, sign;

	if (!text)
		return false;
	if (!bits_parse(text, &start, &n, &order, &sign)) {
		mistake_at(reader->mistakes, member, where,
			   "%s \"%s\" is not start|length@order: write \"23|10@0+\", order 0 is "
			   "Motorola, 1 Intel",
			   key, text);
		return false;
	}
	if (!wire_bits_compile(bits, start, n, order == '0', sign == '-')) {
		mistake_at(reader->mistakes, member, where,
			   "%s \"%s\" has %u bits: 1 to %d are possible", key, text, n,
			   WIRE_BITS_MAX);
		return false;
	}
	if (bits->first + (unsigned)bits->bytes > length) {
		mistake_at(reader->mistakes, member, where,
			   "%s \"%s\" reaches beyond the message of %u bytes", key, text, length);
		memset(bits, 0, sizeof(*bits));
		return false;
	}
	return true;
}

void wire_list(struct wire_reader *reader, const config_setting_t *in, const char *where,
	       const char *key, unsigned most,
	       void (*each)(struct wire_reader *, const config_setting_t *, const char *where))
{
	const config_setting_t *list = config_setting_get_member(in, key);
	unsigned n;

	if (!list)
		return;
	if (!config_setting_is_list(list)) {
		mistake_at(reader->mistakes, list, where,
			   "%s must be a list of groups: ( { ... }, { ... } )", key);
		return;
	}
	n = (unsigned)config_setting_length(list);
	if (n > most) {
		mistake_at(reader->mistakes, list, where,
			   "%s has %u elements: at most %u are possible", key, n, most);
		n = most;
	}
	for (unsigned i = 0; i < n; i++) {
		char element[WIRE_WHERE_SIZE];

		wire_where(element, "%s.%s[%u]", where, key, i);
		each(reader, config_setting_get_elem(list, i), element);
	}
}
