#include "drivers/pcs/sunspec_point.h"

#include <math.h>
#include <string.h>

#include "drivers/modbus/number.h"

static const uint8_t sizes[] = {
	[SUNSPEC_U16] = 1,   [SUNSPEC_S16] = 1,   [SUNSPEC_U32] = 2,
	[SUNSPEC_S32] = 2,   [SUNSPEC_ACC32] = 2, [SUNSPEC_U64] = 4,
	[SUNSPEC_ACC64] = 4, [SUNSPEC_F32] = 2,   [SUNSPEC_F64] = 4,
};

static double f64(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof value);
	return isfinite(value) ? value : (double)NAN;
}

static double f32(const uint16_t *at)
{
	double value = modbus_f32(at);

	return isfinite(value) ? value : (double)NAN;
}

static double known(bool implemented, double value)
{
	return implemented ? value : (double)NAN;
}

static double raw(const uint16_t *at, enum sunspec_type type)
{
	switch (type) {
	case SUNSPEC_U16:
		return known(at[0] != 0xffff, at[0]);
	case SUNSPEC_S16:
		return known(at[0] != 0x8000, modbus_s16(at[0]));
	case SUNSPEC_U32:
		return known(modbus_u32(at) != UINT32_MAX, modbus_u32(at));
	case SUNSPEC_S32:
		return known(modbus_u32(at) != 0x80000000u, modbus_s32(at));
	case SUNSPEC_ACC32:
		return known(modbus_u32(at) != 0, modbus_u32(at));
	case SUNSPEC_U64:
		return known(modbus_u64(at) != UINT64_MAX, (double)modbus_u64(at));
	case SUNSPEC_ACC64:
		return known(modbus_u64(at) != 0, (double)modbus_u64(at));
	case SUNSPEC_F32:
		return f32(at);
	case SUNSPEC_F64:
		return f64(modbus_u64(at));
	}
	return (double)NAN;
}

static bool reaches(const struct sunspec_block *block, unsigned at, unsigned size)
{
	return block->stamp_ms != 0 && at >= 2 && at + size <= block->n;
}

double sunspec_scale(const struct sunspec_block *block, unsigned at)
{
	static const double power[] = {1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4,
				       1e-3,  1e-2, 1e-1, 1e0,  1e1,  1e2,  1e3,
				       1e4,   1e5,  1e6,  1e7,  1e8,  1e9,  1e10};
	int exponent;

	if (!reaches(block, at, 1))
		return (double)NAN;
	exponent = modbus_s16(block->value[at]);
	return exponent < -10 || exponent > 10 ? (double)NAN : power[exponent + 10];
}

double sunspec_value(const struct sunspec_block *block, struct sunspec_point point)
{
	double value;

	if (!reaches(block, point.at, sizes[point.type]))
		return (double)NAN;
	value = raw(&block->value[point.at], point.type);
	return point.sf == SUNSPEC_NO_SF ? value : value * sunspec_scale(block, point.sf);
}

uint32_t sunspec_code(const struct sunspec_block *block, struct sunspec_point point,
		      uint32_t without)
{
	double value = sunspec_value(block, point);

	return isnan(value) ? without : (uint32_t)value;
}
