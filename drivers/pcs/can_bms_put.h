/* Bytes of a CAN-BMS frame: words in either order, and scaled numbers that do not wrap. */
#ifndef REBANK_PCS_CAN_BMS_PUT_H
#define REBANK_PCS_CAN_BMS_PUT_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <linux/can.h>

#include "core/num.h"

struct can_bms_put {
	struct can_frame *frame;
	bool big_endian;
	bool known; /* false: something of this frame is unknown */
};

static inline struct can_bms_put can_bms_put_new(struct can_frame *frame, uint32_t id,
						 uint8_t length, bool big_endian)
{
	memset(frame, 0, sizeof *frame);
	frame->can_id = id;
	frame->can_dlc = length;
	return (struct can_bms_put){frame, big_endian, true};
}

static inline void can_bms_put_word(struct can_bms_put *put, unsigned at, uint16_t word)
{
	put->frame->data[at + (put->big_endian ? 1 : 0)] = (uint8_t)(word & 0xff);
	put->frame->data[at + (put->big_endian ? 0 : 1)] = (uint8_t)(word >> 8);
}

/* `down`: towards zero, for limits: what is told never exceeds what is allowed. */
static inline long can_bms_scaled(struct can_bms_put *put, double value, double scale, bool down,
				  long lo, long hi)
{
	double raw = down ? floor(value / scale + 1e-6) : floor(value / scale + 0.5);

	if (isnan(raw)) {
		put->known = false;
		return 0;
	}
	return raw < (double)lo ? lo : raw > (double)hi ? hi : (long)raw;
}

static inline void can_bms_put_unsigned(struct can_bms_put *put, unsigned at, double value,
					double scale)
{
	can_bms_put_word(put, at,
			 (uint16_t)can_bms_scaled(put, value, scale, false, 0, UINT16_MAX));
}

static inline void can_bms_put_signed(struct can_bms_put *put, unsigned at, double value,
				      double scale)
{
	long raw = can_bms_scaled(put, value, scale, false, INT16_MIN, INT16_MAX);

	can_bms_put_word(put, at, (uint16_t)raw);
}

/* 32 bits in the same order. */
static inline void can_bms_put_long(struct can_bms_put *put, unsigned at, double value,
				    double scale)
{
	uint32_t raw = (uint32_t)can_bms_scaled(put, value, scale, false, 0, (long)INT32_MAX);

	can_bms_put_word(put, at + (put->big_endian ? 2 : 0), (uint16_t)(raw & 0xffff));
	can_bms_put_word(put, at + (put->big_endian ? 0 : 2), (uint16_t)(raw >> 16));
}

/* Text, padded with zeros: `n` bytes from `from` on. */
static inline void can_bms_put_text(struct can_bms_put *put, const char *text, size_t from,
				    char padding)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < 8; i++)
		put->frame->data[i] = (uint8_t)(from + i < length ? text[from + i] : padding);
}

#endif
