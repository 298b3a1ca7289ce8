/* Runs of bits in a message, compiled or not. */
#include "drivers/pack/wire.h"

static uint64_t gather_bytes(const struct wire_bits *bits, const uint8_t *data)
{
	uint64_t all = 0;

	data += bits->first;
	if (bits->big_endian)
		for (unsigned i = 0; i < bits->bytes; i++)
			all = all << 8 | data[i];
	else
		for (unsigned i = bits->bytes; i-- > 0;)
			all = all << 8 | data[i];
	return all;
}

bool wire_extract(const struct wire_bits *bits, const uint8_t *data, unsigned length, int64_t *raw)
{
	if (bits->bytes == 0 || bits->first + (unsigned)bits->bytes > length)
		return false;
	uint64_t mask = (UINT64_C(1) << bits->length) - 1;
	uint64_t value = gather_bytes(bits, data) >> bits->shift & mask;

	if (bits->word_swap)
		value = (value >> 16 & 0xffff) | (value & 0xffff) << 16;
	if (bits->is_signed && value >> (bits->length - 1) != 0)
		*raw = (int64_t)(value | ~mask);
	else
		*raw = (int64_t)value;
	return true;
}

void wire_insert(const struct wire_bits *bits, uint8_t *data, uint64_t raw)
{
	uint64_t mask = ((UINT64_C(1) << bits->length) - 1) << bits->shift;
	uint64_t all = (gather_bytes(bits, data) & ~mask) | (raw << bits->shift & mask);

	data += bits->first;
	for (unsigned i = 0; i < bits->bytes; i++) {
		unsigned at = bits->big_endian ? bits->bytes - 1u - i : i;

		data[at] = (uint8_t)(all >> (8 * i));
	}
}

bool wire_bits_compile(struct wire_bits *bits, unsigned start, unsigned length, bool big_endian,
		       bool is_signed)
{
	unsigned low, high; /* bit positions in the order of the wire */

	if (length < 1 || length > WIRE_BITS_MAX || start >= 8 * WIRE_ANSWER_MAX)
		return false;
	if (big_endian) {
		low = start / 8 * 8 + 7 - start % 8;
		high = low + length - 1;
		bits->shift = (uint8_t)(7 - high % 8);
	} else {
		low = start;
		high = low + length - 1;
		bits->shift = (uint8_t)(low % 8);
	}
	if (high >= 8 * WIRE_ANSWER_MAX)
		return false;
	bits->first = (uint16_t)(low / 8);
	bits->bytes = (uint8_t)(high / 8 - low / 8 + 1);
	bits->length = (uint8_t)length;
	bits->big_endian = big_endian;
	bits->is_signed = is_signed;
	bits->word_swap = false;
	return true;
}
