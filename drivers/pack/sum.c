/* Checksums of frames. */
#include "drivers/pack/wire.h"

static uint8_t crc8(const struct wire_sum *sum, const uint8_t *data)
{
	uint8_t crc = sum->init;

	for (unsigned i = sum->first; i <= sum->last; i++) {
		if (i == sum->at)
			continue;
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (uint8_t)(crc & 0x80 ? crc << 1 ^ sum->poly : crc << 1);
	}
	return crc ^ sum->xor_out;
}

static uint8_t nibbles(const struct wire_sum *sum, uint32_t id, const uint8_t *data)
{
	unsigned total = 0;

	for (; id; id >>= 4)
		total += id & 0xf;
	for (unsigned i = sum->first; i <= sum->last; i++)
		total += (data[i] >> 4) + (i == sum->at ? 0u : data[i] & 0xfu);
	return total & 0xf;
}

static uint8_t bytes(const struct wire_sum *sum, uint32_t id, const uint8_t *data)
{
	unsigned total = 0;

	for (; id; id >>= 8)
		total += id & 0xff;
	for (unsigned i = sum->first; i <= sum->last; i++)
		total += i == sum->at ? 0u : data[i];
	return (uint8_t)total;
}

uint8_t wire_sum_of(const struct wire_sum *sum, uint32_t id, const uint8_t *data)
{
	switch (sum->kind) {
	case WIRE_SUM_CRC8:
		return crc8(sum, data);
	case WIRE_SUM_NIBBLE:
		return nibbles(sum, id, data);
	case WIRE_SUM_BYTES:
		return bytes(sum, id, data);
	case WIRE_SUM_NONE:
		break;
	}
	return 0;
}

bool wire_sum_holds(const struct wire_sum *sum, uint32_t id, const uint8_t *data, unsigned length)
{
	if (sum->kind == WIRE_SUM_NONE)
		return true;
	if (sum->last >= length || sum->at >= length)
		return false;
	uint8_t want = wire_sum_of(sum, id, data);

	return want == (sum->kind == WIRE_SUM_NIBBLE ? data[sum->at] & 0xf : data[sum->at]);
}

void wire_sum_put(const struct wire_sum *sum, uint32_t id, uint8_t *data)
{
	if (sum->kind == WIRE_SUM_NONE)
		return;
	uint8_t value = wire_sum_of(sum, id, data);

	if (sum->kind == WIRE_SUM_NIBBLE)
		value |= data[sum->at] & 0xf0;
	data[sum->at] = value;
}
