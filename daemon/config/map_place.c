#include "config/map_place.h"

#include <string.h>

static const char *const type_words[MAP_TYPES] = {
	[MAP_U16] = "u16", [MAP_S16] = "s16", [MAP_U32] = "u32",
	[MAP_S32] = "s32", [MAP_U64] = "u64", [MAP_F32] = "f32",
};

int map_word_index(const char *const *words, int n, const char *word, size_t length)
{
	for (int i = 0; i < n; i++)
		if (words[i] && strlen(words[i]) == length && memcmp(words[i], word, length) == 0)
			return i;
	return -1;
}

static bool whole_read(const char *word, size_t length, long most, long *value)
{
	*value = 0;
	for (size_t i = 0; i < length; i++) {
		if (word[i] < '0' || word[i] > '9')
			return false;
		*value = *value * 10 + (word[i] - '0');
		if (*value > most)
			return false;
	}
	return length > 0;
}

static const char *next_word(const char **text, size_t *length)
{
	const char *word = *text + strspn(*text, " ");

	*length = strcspn(word, " ");
	*text = word + *length;
	return word;
}

static const char *place_rest(struct map_place *place, const char *text, bool writes)
{
	size_t n;
	long value;

	for (const char *word = next_word(&text, &n); n > 0; word = next_word(&text, &n)) {
		if (n == 4 && memcmp(word, "unit", n) == 0) {
			word = next_word(&text, &n);
			if (!whole_read(word, n, 255, &value))
				return "has no unit of 0 to 255";
			place->unit = (int)value;
		} else if (n == 9 && memcmp(word, "low-first", n) == 0) {
			place->low_first = true;
		} else if (n == 6 && memcmp(word, "single", n) == 0 && writes) {
			place->function = MODBUS_WRITE_ONE;
		} else {
			return writes ? "goes on with something else than unit N, low-first, single"
				      : "goes on with something else than unit N, low-first";
		}
	}
	if (place->function == MODBUS_WRITE_ONE && map_size(place->type) > 1)
		return "cannot be written as a single register: it has more";
	return NULL;
}

const char *map_place_read(struct map_place *place, const char *text, bool writes)
{
	size_t n;
	const char *word = next_word(&text, &n);
	bool holding = n == 7 && memcmp(word, "holding", n) == 0;
	int type;
	long address;

	if (!holding && !(n == 5 && memcmp(word, "input", n) == 0 && !writes))
		return writes ? "must begin with holding" : "must begin with holding or input";
	place->function = writes    ? MODBUS_WRITE_MANY
			  : holding ? MODBUS_READ_HOLDING
				    : MODBUS_READ_INPUT;
	place->unit = MAP_UNIT_OWN;
	word = next_word(&text, &n);
	if (!whole_read(word, n, UINT16_MAX, &address))
		return "has no address of 0 to 65535, as on the wire";
	place->address = (uint16_t)address;
	word = next_word(&text, &n);
	type = map_word_index(type_words, MAP_TYPES, word, n);
	if (type < 0)
		return "has no type of u16, s16, u32, s32, u64, f32";
	place->type = (enum map_type)type;
	if (address + (long)map_size(place->type) > UINT16_MAX + 1)
		return "ends beyond address 65535";
	return place_rest(place, text, writes);
}
