/*
 * A SunSpec meter: models 201 to 204 (integers) and 211 to 214 (floats). Power of these is that of
 * the meter: how it is mounted says whether + is export, `inverted` turns it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/modbus/number.h"
#include "drivers/pcs/meter.h"
#include "drivers/pcs/sunspec_point.h"
#include "drivers/pcs/sunspec_walk.h"

enum {
	AGAIN_FIRST_MS = 500,
	AGAIN_LAST_MS = 5000,
	SILENT_MAX = 4,
	COMMON_N = 66,  /* up to the serial number */
	INTEGER_N = 23, /* up to W_SF */
	FLOAT_N = 30,   /* up to W */
};

enum meter_job { JOB_WALK = 0, JOB_NAMES, JOB_METER };

struct sunspec_meter {
	struct meter_setup setup;
	struct cell *cell;
	struct meter_status status;
	struct sunspec_walk walk;
	struct sunspec_block block;
	uint16_t length, common;
	bool is_float, named;
	int64_t due_ms;
	int32_t again_ms;
	unsigned silent;
	enum meter_job job;
};

static void start_over(struct sunspec_meter *meter, int64_t at_ms, const char *why)
{
	sunspec_walk_start(&meter->walk);
	memset(&meter->block, 0, sizeof meter->block);
	meter->named = false;
	meter->silent = 0;
	meter->due_ms = at_ms;
	snprintf(meter->status.trouble, sizeof meter->status.trouble, "%s", why);
	cell_put(meter->cell, &meter->status);
}

static void look_again(struct sunspec_meter *meter, int64_t now_ms, const char *why)
{
	start_over(meter, now_ms + meter->again_ms, why);
	meter->again_ms = 2 * meter->again_ms > AGAIN_LAST_MS ? AGAIN_LAST_MS : 2 * meter->again_ms;
}

static int64_t next(void *self, int64_t now_ms, struct modbus_request *request)
{
	struct sunspec_meter *meter = self;

	if (now_ms < meter->due_ms)
		return meter->due_ms;
	if (meter->walk.state == SUNSPEC_WALKING) {
		meter->job = JOB_WALK;
		sunspec_walk_next(&meter->walk, request);
		return meter->due_ms;
	}
	request->function = MODBUS_READ_HOLDING;
	meter->job = meter->named ? JOB_METER : JOB_NAMES;
	request->address = meter->named ? meter->block.address : meter->common;
	request->count = meter->named ? meter->block.n : COMMON_N;
	return meter->due_ms;
}

static void found(struct sunspec_meter *meter, int64_t now_ms)
{
	for (unsigned i = 0; i < meter->walk.n; i++) {
		const struct sunspec_model *model = &meter->walk.model[i];
		bool is_float = model->id >= 211 && model->id <= 214;

		if (!is_float && (model->id < 201 || model->id > 204))
			continue;
		meter->is_float = is_float;
		meter->block.id = model->id;
		meter->block.address = model->address;
		meter->block.n = is_float ? FLOAT_N : INTEGER_N;
		meter->length = model->length;
		meter->common = meter->walk.model[0].address;
		meter->due_ms = now_ms;
		return;
	}
	look_again(meter, now_ms,
		   "a SunSpec device, but no meter: none of the models 201..204, "
		   "211..214");
}

static void walk_done(struct sunspec_meter *meter, const struct modbus_answer *answer)
{
	sunspec_walk_done(&meter->walk, answer);
	switch (meter->walk.state) {
	case SUNSPEC_FOUND:
		found(meter, answer->arrived_ms);
		break;
	case SUNSPEC_NOT:
		look_again(meter, answer->arrived_ms, "answers, but is no SunSpec device");
		break;
	case SUNSPEC_NOBODY:
		look_again(meter, answer->arrived_ms, "does not answer");
		break;
	case SUNSPEC_WALKING:
		break;
	}
}

static void names_take(struct sunspec_meter *meter, const struct modbus_answer *answer)
{
	meter->named = true;
	if (answer->result != MODBUS_ANSWERED)
		return; /* names are not needed */
	modbus_text(&answer->value[2], 16, meter->status.maker, METER_NAME_SIZE);
	modbus_text(&answer->value[18], 16, meter->status.model, METER_NAME_SIZE);
	modbus_text(&answer->value[50], 16, meter->status.serial, METER_NAME_SIZE);
}

static void values_take(struct sunspec_meter *meter, int64_t now_ms)
{
	const struct sunspec_point integer_w = {18, 22, SUNSPEC_S16};
	const struct sunspec_point integer_hz = {16, 17, SUNSPEC_S16};
	const struct sunspec_point float_w = {26, 0, SUNSPEC_F32}, float_hz = {24, 0, SUNSPEC_F32};
	struct meter_status *status = &meter->status;

	status->p_w = sunspec_value(&meter->block, meter->is_float ? float_w : integer_w);
	status->freq_hz = sunspec_value(&meter->block, meter->is_float ? float_hz : integer_hz);
	status->v = (double)NAN; /* of the AC side: nothing for the bus */
	if (meter->setup.inverted)
		status->p_w = -status->p_w;
	status->stamp_ms = now_ms;
	status->trouble[0] = '\0';
	cell_put(meter->cell, status);
}

static void meter_take(struct sunspec_meter *meter, const struct modbus_answer *answer)
{
	int64_t now_ms = answer->arrived_ms;

	if (answer->value[0] != meter->block.id || answer->value[1] != meter->length) {
		start_over(meter, now_ms, "its models are not where they were: looked for again");
		return;
	}
	memcpy(meter->block.value, answer->value, sizeof meter->block.value);
	meter->block.stamp_ms = now_ms;
	meter->again_ms = AGAIN_FIRST_MS;
	values_take(meter, now_ms);
}

static void done(void *self, const struct modbus_request *request,
		 const struct modbus_answer *answer)
{
	struct sunspec_meter *meter = self;
	bool silent = answer->result != MODBUS_ANSWERED && answer->result != MODBUS_REFUSED;

	(void)request;
	if (meter->job == JOB_WALK) {
		walk_done(meter, answer);
		return;
	}
	meter->silent = silent ? meter->silent + 1 : 0;
	if (meter->silent >= SILENT_MAX) {
		look_again(meter, answer->arrived_ms, "does not answer any more");
		return;
	}
	if (meter->job == JOB_NAMES) {
		names_take(meter, answer);
		return;
	}
	if (answer->result == MODBUS_REFUSED) {
		look_again(meter, answer->arrived_ms, "refuses what it gave before");
		return;
	}
	meter->due_ms += meter->setup.poll_ms;
	if (meter->due_ms <= answer->arrived_ms)
		meter->due_ms = answer->arrived_ms + 1;
	if (answer->result == MODBUS_ANSWERED)
		meter_take(meter, answer);
}

static void connected(void *self, int64_t now_ms)
{
	start_over(self, now_ms, "connected");
}

static void *make(const struct meter_setup *setup, struct cell *status)
{
	struct sunspec_meter *meter = calloc(1, sizeof *meter);

	if (!meter)
		return NULL;
	meter->setup = *setup;
	meter->cell = status;
	meter->again_ms = AGAIN_FIRST_MS;
	start_over(meter, 0, "not connected");
	return meter;
}

const struct meter_kind meter_sunspec = {
	.name = "sunspec",
	.make = make,
	.device = {.next = next, .done = done, .connected = connected},
	.free = free,
};
