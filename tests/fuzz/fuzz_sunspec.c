/*
 * libFuzzer harness of the SunSpec client and of a meter: a device that answers every request with
 * bytes of the input, late, with an exception or not at all. Nothing that is asked may be longer
 * than Modbus allows, and nothing that is known may be infinite.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -Idaemon -I. -D_GNU_SOURCE \
 *     tests/fuzz/fuzz_sunspec.c drivers/pcs/sunspec_walk.c drivers/pcs/sunspec_point.c \
 *     drivers/pcs/sunspec_sample.c drivers/pcs/sunspec_control.c drivers/pcs/sunspec_blocks.c \
 *     drivers/pcs/sunspec_orders.c drivers/pcs/sunspec_pcs.c \
 *     drivers/pcs/sunspec_meter.c drivers/pcs/link.c drivers/worker/ -lm -o fuzz_sunspec
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/pcs/meter.h"
#include "drivers/pcs/pcs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS = 400, STEP_MS = 7 };

struct input {
	const uint8_t *data;
	size_t left;
};

static uint8_t byte(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->data++;
}

static uint16_t word(struct input *input)
{
	uint16_t high = byte(input);

	return (uint16_t)(high << 8 | byte(input));
}

static void request_check(const struct modbus_request *request)
{
	bool writes = request->function == MODBUS_WRITE_MANY ||
		      request->function == MODBUS_WRITE_ONE;

	if (!writes && request->function != MODBUS_READ_HOLDING)
		abort();
	if (request->count == 0 ||
	    request->count > (writes ? MODBUS_WRITE_LIMIT : MODBUS_READ_LIMIT))
		abort();
	if ((unsigned)request->address + request->count > 65536)
		abort();
}

/* The honest start of a device, so that the fuzzer gets past the marker. */
static bool honest(const struct modbus_request *request, struct modbus_answer *answer)
{
	static const uint16_t head[] = {0x5375, 0x6e53, 1, 66};

	if (request->count != 2 || (request->address != 40000 && request->address != 40002))
		return false;
	memcpy(answer->value, &head[request->address - 40000], 4);
	return true;
}

static void answer_make(struct input *input, const struct modbus_request *request, int64_t now_ms,
			struct modbus_answer *answer)
{
	uint8_t how = byte(input);

	memset(answer, 0, sizeof *answer);
	answer->arrived_ms = now_ms;
	if (how >= 240) {
		answer->result = (enum modbus_result)(how % 5);
		answer->exception = how;
		return;
	}
	if (honest(request, answer))
		return;
	if (how >= 200) { /* a header that is believed: model and length */
		answer->value[0] = word(input);
		answer->value[1] = byte(input);
	}
	for (unsigned i = how >= 200 ? 2 : 0; i < request->count; i++)
		answer->value[i] = word(input);
}

static void serve(struct input *input, struct modbus_device *device, struct pcs_link *link)
{
	int64_t now_ms = 1000;

	device->connected(device->self, now_ms);
	for (int i = 0; i < REQUESTS && input->left > 0; i++) {
		struct modbus_request request = {.unit = 1};
		struct modbus_answer answer;
		int64_t due_ms = device->next(device->self, now_ms, &request);

		if (due_ms > now_ms) {
			now_ms = due_ms < now_ms + 10000 ? due_ms : now_ms + 10000;
			continue;
		}
		request_check(&request);
		if (link && i % 8 == 0)
			cell_put(link->command, &(struct pcs_command){.at_ms = now_ms,
								      .run = i % 3 != 0,
								      .p_w = (i - 200) * 77.7});
		now_ms += STEP_MS;
		answer_make(input, &request, now_ms, &answer);
		device->done(device->self, &request, &answer);
	}
}

static void finite_or_unknown(double value)
{
	if (isinf(value))
		abort();
}

static void pcs_fuzz(struct input *input)
{
	const struct pcs_setup setup = {
		.unit = 1, .timeout_ms = 200, .poll_ms = 100, .dead_man_ms = 3000};
	struct pcs_link link;
	struct pcs_status status;
	struct modbus_device device;
	void *pcs;

	if (!pcs_link_open(&link) || !(pcs = pcs_sunspec.make(&setup, &link)))
		abort();
	device = modbus_device_of(&pcs_sunspec.device, pcs, setup.unit, setup.timeout_ms);
	serve(input, &device, &link);
	cell_get(link.status, &status);
	finite_or_unknown(status.sample.ac_w);
	finite_or_unknown(status.sample.dc_w);
	finite_or_unknown(status.sample.dc_a);
	finite_or_unknown(status.sample.dc_v);
	if (memchr(status.maker, '\0', sizeof status.maker) == NULL)
		abort();
	pcs_sunspec.free(pcs);
	pcs_link_close(&link);
}

static void meter_fuzz(struct input *input)
{
	const struct meter_setup setup = {.unit = 1, .timeout_ms = 200, .poll_ms = 100};
	struct cell *cell = cell_new(sizeof(struct meter_status));
	struct meter_status status;
	struct modbus_device device;
	void *meter;

	if (!cell || !(meter = meter_sunspec.make(&setup, cell)))
		abort();
	device = modbus_device_of(&meter_sunspec.device, meter, setup.unit, setup.timeout_ms);
	serve(input, &device, NULL);
	cell_get(cell, &status);
	finite_or_unknown(status.p_w);
	meter_sunspec.free(meter);
	cell_free(cell);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};

	if (byte(&input) % 4 == 0)
		meter_fuzz(&input);
	else
		pcs_fuzz(&input);
	return 0;
}
