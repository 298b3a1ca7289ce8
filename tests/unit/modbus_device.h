/* A Modbus device as an array of registers, and a bus without a wire or a clock: requests of a
 * driver are answered at once, a millisecond apart. */
#ifndef REBANK_TESTS_MODBUS_DEVICE_H
#define REBANK_TESTS_MODBUS_DEVICE_H

#include <string.h>

#include "drivers/modbus/device.h"

struct fake_device {
	uint16_t value[65536];
	uint8_t readable[65536]; /* 0: asked for, it is an exception */
	uint8_t refuses[65536];  /* 1: not to be written */
	bool silent, forgets;
	unsigned reads, writes;
};

static inline void fake_put(struct fake_device *fake, unsigned address, uint16_t value)
{
	fake->value[address] = value;
	fake->readable[address] = 1;
}

static inline bool fake_reaches(const struct fake_device *fake,
				const struct modbus_request *request, bool writes)
{
	for (unsigned i = 0; i < request->count; i++)
		if (request->address + i > 65535 || !fake->readable[request->address + i] ||
		    (writes && fake->refuses[request->address + i]))
			return false;
	return request->count > 0;
}

static inline void fake_answer(struct fake_device *fake, const struct modbus_request *request,
			       int64_t now_ms, struct modbus_answer *answer)
{
	bool writes =
		request->function == MODBUS_WRITE_ONE || request->function == MODBUS_WRITE_MANY;

	memset(answer, 0, sizeof *answer);
	answer->arrived_ms = now_ms;
	fake->reads += !writes;
	fake->writes += writes;
	if (fake->silent) {
		answer->result = MODBUS_TIMED_OUT;
	} else if (!fake_reaches(fake, request, writes)) {
		answer->result = MODBUS_REFUSED;
		answer->exception = 2;
	} else if (!writes) {
		memcpy(answer->value, &fake->value[request->address],
		       request->count * sizeof(uint16_t));
	} else if (!fake->forgets) {
		memcpy(&fake->value[request->address], request->value,
		       request->count * sizeof(uint16_t));
	}
}

/* Serves the driver from now_ms on for so long; the time after. `tick` is called every 100 ms. */
static inline int64_t fake_serve(struct fake_device *fake, struct modbus_device *device,
				 int64_t now_ms, int64_t for_ms, void (*tick)(int64_t now_ms))
{
	int64_t end_ms = now_ms + for_ms;

	for (; now_ms < end_ms; now_ms++) {
		struct modbus_request request = {.unit = device->unit};
		struct modbus_answer answer;

		if (tick && now_ms % 100 == 0)
			tick(now_ms);
		if (device->next(device->self, now_ms, &request) > now_ms)
			continue;
		fake_answer(fake, &request, now_ms, &answer);
		device->done(device->self, &request, &answer);
	}
	return now_ms;
}

#endif
