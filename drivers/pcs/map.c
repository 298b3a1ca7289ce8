#include "drivers/pcs/map.h"

#include <math.h>
#include <string.h>

#include "drivers/modbus/number.h"

unsigned map_size(enum map_type type)
{
	switch (type) {
	case MAP_U32:
	case MAP_S32:
	case MAP_F32:
		return 2;
	case MAP_U64:
		return 4;
	case MAP_U16:
	case MAP_S16:
	case MAP_TYPES:
		break;
	}
	return 1;
}

double map_raw(const struct map_place *place, const uint16_t *at)
{
	unsigned n = map_size(place->type);
	uint16_t high_first[4];

	for (unsigned i = 0; i < n; i++)
		high_first[i] = at[place->low_first ? n - 1 - i : i];
	switch (place->type) {
	case MAP_U16:
		return high_first[0];
	case MAP_S16:
		return modbus_s16(high_first[0]);
	case MAP_U32:
		return modbus_u32(high_first);
	case MAP_S32:
		return modbus_s32(high_first);
	case MAP_U64:
		return (double)modbus_u64(high_first);
	case MAP_F32:
		return modbus_f32(high_first);
	case MAP_TYPES:
		break;
	}
	return (double)NAN;
}

static double held(double raw, double low, double high)
{
	if (!(raw > low))
		return low; /* NaN too: the least */
	return raw < high ? raw : high;
}

void map_put(const struct map_place *place, double raw, uint16_t *at)
{
	unsigned n = map_size(place->type);
	uint16_t high_first[4] = {0};
	uint32_t bits;
	float real;

	if (isnan(raw))
		raw = 0.0;
	switch (place->type) {
	case MAP_U16:
		high_first[0] = (uint16_t)held(raw, 0.0, UINT16_MAX);
		break;
	case MAP_S16:
		high_first[0] = (uint16_t)(int16_t)held(raw, INT16_MIN, INT16_MAX);
		break;
	case MAP_U32:
		modbus_put_u32(high_first, (uint32_t)held(raw, 0.0, UINT32_MAX));
		break;
	case MAP_S32:
		modbus_put_u32(high_first, (uint32_t)(int32_t)held(raw, INT32_MIN, INT32_MAX));
		break;
	case MAP_U64: /* no setpoint is that large */
		modbus_put_u32(high_first + 2, (uint32_t)held(raw, 0.0, UINT32_MAX));
		break;
	case MAP_F32:
		real = (float)raw;
		memcpy(&bits, &real, sizeof bits);
		modbus_put_u32(high_first, bits);
		break;
	case MAP_TYPES:
		break;
	}
	for (unsigned i = 0; i < n; i++)
		at[i] = high_first[place->low_first ? n - 1 - i : i];
}

double map_write_raw(const struct map_write *write, double p_w, int32_t dead_man_ms)
{
	switch (write->of) {
	case MAP_OF_POWER:
		return trunc(p_w / write->scale);
	case MAP_OF_MAGNITUDE:
		return trunc(fabs(p_w) / write->scale);
	case MAP_OF_WATCHDOG:
		return trunc(dead_man_ms / 1000.0 / write->scale);
	case MAP_OF_VALUE:
	case MAP_OFS:
		break;
	}
	return write->value;
}

void map_request(const struct map_place *place, struct modbus_request *request)
{
	request->function = place->function;
	request->address = place->address;
	request->count = (uint16_t)map_size(place->type);
	if (place->unit != MAP_UNIT_OWN)
		request->unit = (uint8_t)place->unit;
}

enum map_moment map_moment_of(const struct register_map *map, double p_w)
{
	enum map_moment moment = p_w > 0.0 ? MAP_DISCHARGE : p_w < 0.0 ? MAP_CHARGE : MAP_ZERO;

	return map->at[moment].n > 0 ? moment : MAP_ZERO;
}
