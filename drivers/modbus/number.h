/* Numbers and text in registers: most significant register first unless said otherwise. */
#ifndef REBANK_DRIVERS_MODBUS_NUMBER_H
#define REBANK_DRIVERS_MODBUS_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t modbus_u32(const uint16_t *at)
{
	return (uint32_t)at[0] << 16 | at[1];
}

static inline uint64_t modbus_u64(const uint16_t *at)
{
	return (uint64_t)modbus_u32(at) << 32 | modbus_u32(at + 2);
}

static inline int16_t modbus_s16(uint16_t value)
{
	return (int16_t)value;
}

static inline int32_t modbus_s32(const uint16_t *at)
{
	return (int32_t)modbus_u32(at);
}

static inline double modbus_f32(const uint16_t *at)
{
	uint32_t bits = modbus_u32(at);
	float value;

	memcpy(&value, &bits, sizeof value);
	return (double)value;
}

static inline void modbus_put_u32(uint16_t *at, uint32_t value)
{
	at[0] = (uint16_t)(value >> 16);
	at[1] = (uint16_t)value;
}

/* Two characters per register, high byte first; what is not printable ends it. */
static inline void modbus_text(const uint16_t *at, unsigned registers, char *text, size_t size)
{
	size_t n = 0;

	for (unsigned i = 0; i < 2 * registers && n + 1 < size; i++) {
		char c = (char)(i % 2 ? at[i / 2] & 0xff : at[i / 2] >> 8);

		if (c < ' ' || c > '~')
			break;
		text[n++] = c;
	}
	while (n > 0 && text[n - 1] == ' ')
		n--;
	text[n] = '\0';
}

#endif
