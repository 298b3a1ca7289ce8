/* A meter by its register map. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "drivers/pcs/map_reader.h"
#include "drivers/pcs/meter.h"

enum { SLOW_AFTER = 3, SLOW_MAX_MS = 5000 };

struct registers_meter {
	struct meter_setup setup;
	struct cell *cell;
	struct meter_status status;
	struct map_reader reader;
	int64_t due_ms;
	unsigned failures;
	int32_t pace_ms;
};

static int64_t next(void *self, int64_t now_ms, struct modbus_request *request)
{
	struct registers_meter *meter = self;

	if (now_ms >= meter->due_ms)
		map_reader_request(&meter->reader, request);
	return meter->due_ms;
}

static void values_take(struct registers_meter *meter)
{
	const double *value = meter->reader.value;
	double sign = meter->setup.inverted ? -1.0 : 1.0;

	meter->status.p_w = sign * value[MAP_P_W];
	meter->status.freq_hz = value[MAP_FREQ_HZ];
	meter->status.v = value[MAP_V];
	meter->status.stamp_ms = meter->reader.stamp_ms;
	meter->status.trouble[0] = '\0';
}

static void failure_take(struct registers_meter *meter, const struct modbus_answer *answer)
{
	meter->failures++;
	if (meter->failures >= SLOW_AFTER && meter->pace_ms < SLOW_MAX_MS)
		meter->pace_ms *= 2;
	snprintf(meter->status.trouble, sizeof meter->status.trouble, "%s",
		 answer->result == MODBUS_REFUSED ? "refuses a register of its map"
						  : "does not answer");
}

static void done(void *self, const struct modbus_request *request,
		 const struct modbus_answer *answer)
{
	struct registers_meter *meter = self;
	bool complete = map_reader_take(&meter->reader, answer);

	(void)request;
	if (answer->result == MODBUS_ANSWERED && !complete)
		return; /* the rest of the round at once */
	if (complete) {
		values_take(meter);
		meter->failures = 0;
		meter->pace_ms = meter->setup.poll_ms;
	} else {
		failure_take(meter, answer);
	}
	cell_put(meter->cell, &meter->status);
	meter->due_ms += meter->pace_ms;
	if (meter->due_ms <= answer->arrived_ms)
		meter->due_ms = answer->arrived_ms + (complete ? 1 : meter->pace_ms);
}

static void connected(void *self, int64_t now_ms)
{
	struct registers_meter *meter = self;

	meter->reader.at = 0;
	meter->failures = 0;
	meter->pace_ms = meter->setup.poll_ms;
	meter->due_ms = now_ms;
}

static void *make(const struct meter_setup *setup, struct cell *status)
{
	struct registers_meter *meter = calloc(1, sizeof *meter);

	if (!meter)
		return NULL;
	meter->setup = *setup;
	meter->cell = status;
	map_reader_init(&meter->reader, setup->map);
	connected(meter, 0);
	snprintf(meter->status.model, sizeof meter->status.model, "%s", setup->map->name);
	snprintf(meter->status.trouble, sizeof meter->status.trouble, "not connected");
	return meter;
}

const struct meter_kind meter_registers = {
	.name = "registers",
	.make = make,
	.device = {.next = next, .done = done, .connected = connected},
	.free = free,
};
