#include "store/delta.h"

#include <math.h>
#include <string.h>

/* How one changed word is written after its token (gap << 3 | form). */
enum form {
	FORM_RAW = 0, /* eight bytes, least significant first */
	FORM_XOR,     /* (zero bytes below << 4 | bytes), bytes of now ^ last */
	FORM_INTEGER, /* zigzag of now - last */
	FORM_SCALED,  /* the first of scale[]: zigzag of the difference in sensor steps */
};

/* Readings are raw counts times the resolution of a sensor; which rounding the driver used shows.
 */
static const struct scale {
	double step, per_unit;
	bool divide;
} scale[] = {
	{0.001, 1000.0, false}, {0.001, 1000.0, true}, {0.01, 100.0, false},
	{0.1, 10.0, false},     {0.025, 40.0, false},
};

enum { SCALES = sizeof scale / sizeof scale[0] };
_Static_assert(FORM_SCALED + SCALES == 8, "forms fill three bits");

static double scale_value(const struct scale *s, int64_t steps)
{
	return s->divide ? (double)steps / s->per_unit : (double)steps * s->step;
}

/* True when `word` is exactly a whole number of steps. */
static bool scale_steps(const struct scale *s, uint64_t word, int64_t *steps)
{
	double v, back;

	memcpy(&v, &word, sizeof v);
	if (!(fabs(v) < 1e9))
		return false;
	*steps = llrint(v * s->per_unit);
	back = scale_value(s, *steps);
	return memcmp(&back, &v, sizeof v) == 0;
}

static uint64_t zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

static size_t varint_put(uint8_t *to, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		to[n++] = (uint8_t)(v | 0x80);
	to[n++] = (uint8_t)v;
	return n;
}

static bool varint_get(const uint8_t **at, const uint8_t *end, uint64_t *v)
{
	*v = 0;
	for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
		uint8_t byte = *(*at)++;

		*v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* The XOR form; also says how many bytes it takes. */
static size_t xor_put(uint8_t *to, uint64_t x)
{
	unsigned low = (unsigned)__builtin_ctzll(x) / 8;
	unsigned count = 8 - low - (unsigned)__builtin_clzll(x) / 8;

	to[0] = (uint8_t)(low << 4 | count);
	for (unsigned i = 0; i < count; i++)
		to[1 + i] = (uint8_t)(x >> 8 * (low + i));
	return 1 + count;
}

/* Shortest form of now against last (they differ); returns its length and sets `form`. */
static size_t word_put(uint8_t *to, uint64_t now, uint64_t last, unsigned *form)
{
	uint8_t other[10];
	size_t n = xor_put(to, now ^ last), m;

	*form = FORM_XOR;
	m = varint_put(other, zigzag((int64_t)(now - last)));
	if (m < n) {
		n = m;
		*form = FORM_INTEGER;
		memcpy(to, other, n);
	}
	for (unsigned i = 0; i < SCALES && n > 2; i++) {
		int64_t a, b;

		if (!scale_steps(&scale[i], now, &a) || !scale_steps(&scale[i], last, &b))
			continue;
		m = varint_put(other, zigzag(a - b));
		if (m < n) {
			n = m;
			*form = FORM_SCALED + i;
			memcpy(to, other, n);
		}
	}
	if (n == 9) {
		n = 8;
		*form = FORM_RAW;
		for (unsigned i = 0; i < 8; i++)
			to[i] = (uint8_t)(now >> 8 * i);
	}
	return n;
}

void delta_start(struct delta_out *out, uint8_t *at, size_t room)
{
	*out = (struct delta_out){.at = at, .end = at + room};
}

void delta_put(struct delta_out *out, const void *now, void *last, size_t begin, size_t end)
{
	const uint8_t *n = now;
	uint8_t *l = last;

	for (size_t i = begin / 8; i < (end + 7) / 8 && !out->full; i++) {
		uint8_t word[16];
		uint64_t a, b = 0;
		unsigned form;
		size_t size;

		memcpy(&a, n + 8 * i, 8);
		if (l)
			memcpy(&b, l + 8 * i, 8);
		if (a == b)
			continue;
		size = word_put(word, a, b, &form);
		if ((size_t)(out->end - out->at) < DELTA_WORD_MAX) {
			out->full = true;
			return;
		}
		out->at += varint_put(out->at, (uint64_t)(i - out->next) << 3 | form);
		memcpy(out->at, word, size);
		out->at += size;
		out->next = i + 1;
		if (l)
			memcpy(l + 8 * i, &a, 8);
	}
}

static bool raw_get(const uint8_t **at, const uint8_t *end, unsigned low, unsigned count,
		    uint64_t *word)
{
	if (low + count > 8 || (size_t)(end - *at) < count)
		return false;
	*word = 0;
	for (unsigned i = 0; i < count; i++)
		*word |= (uint64_t) * (*at)++ << 8 * (low + i);
	return true;
}

static bool scaled_get(const struct scale *s, uint64_t difference, uint64_t *word)
{
	int64_t steps;
	double v;

	if (!scale_steps(s, *word, &steps))
		return false;
	v = scale_value(s, (int64_t)((uint64_t)steps + (uint64_t)unzigzag(difference)));
	memcpy(word, &v, sizeof v);
	return true;
}

/* Reads one word in `form`; `word` holds the last value and gets the new one. */
static bool word_get(const uint8_t **at, const uint8_t *end, unsigned form, uint64_t *word)
{
	uint64_t v;

	if (form == FORM_RAW)
		return raw_get(at, end, 0, 8, word);
	if (form == FORM_XOR) {
		uint8_t head;

		if (*at >= end)
			return false;
		head = *(*at)++;
		if (!raw_get(at, end, head >> 4, head & 15, &v))
			return false;
		*word ^= v;
		return true;
	}
	if (!varint_get(at, end, &v))
		return false;
	if (form >= FORM_SCALED)
		return scaled_get(&scale[form - FORM_SCALED], v, word);
	*word += (uint64_t)unzigzag(v);
	return true;
}

bool delta_apply(const uint8_t *stream, size_t size, void *last, size_t bytes)
{
	const uint8_t *at = stream, *end = stream + size;
	uint8_t *l = last;
	uint64_t token, word;
	size_t i = 0;

	while (at < end) {
		if (!varint_get(&at, end, &token) || token >> 3 >= bytes / 8)
			return false;
		i += (size_t)(token >> 3);
		if (i >= bytes / 8)
			return false;
		memcpy(&word, l + 8 * i, 8);
		if (!word_get(&at, end, token & 7, &word))
			return false;
		memcpy(l + 8 * i, &word, 8);
		i++;
	}
	return true;
}
