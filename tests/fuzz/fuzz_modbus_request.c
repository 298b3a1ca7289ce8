/*
 * libFuzzer harness of our Modbus server: any stream of bytes against the registers of a bank of
 * three packs, everything allowed. Links:
 *
 *   daemon/northbound/modbus_request.c daemon/northbound/sunspec_image.c
 *   daemon/northbound/sunspec_write.c -lm
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "northbound/sunspec_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config config = {
	.site = {.n_packs = 3, .grid = {.p_max_w = 10000.0}},
	.sunspec = {.enabled = true, .unit = 1, .allowed = ALLOW_ANY, .source = 1, .hold_s = 60.0},
};
static struct sunspec_image image;
static struct sunspec_writer writer;

static enum modbus_exception fuzz_read(void *context, uint16_t address, uint16_t count,
				       uint16_t *value)
{
	(void)context;
	if (count < 1 || count > MODBUS_READ_MOST)
		abort();
	if (address < SUNSPEC_BASE || address - SUNSPEC_BASE + count > (int)image.n)
		return EXCEPTION_ADDRESS;
	sunspec_writer_show(&writer, &image, 2000);
	memcpy(value, &image.value[address - SUNSPEC_BASE], count * sizeof *value);
	return EXCEPTION_NONE;
}

/* What the core relies on, whatever was written. */
static enum modbus_exception fuzz_write(void *context, uint16_t address, uint16_t count,
					const uint16_t *value)
{
	struct command command;
	enum modbus_exception exception;

	(void)context;
	if (address < SUNSPEC_BASE || address - SUNSPEC_BASE + count > (int)image.n)
		return EXCEPTION_ADDRESS;
	exception = sunspec_write(&writer, &image, address - SUNSPEC_BASE, count, value, 1000,
				  1700000000000, &command);
	if (exception != EXCEPTION_NONE)
		return exception;
	sunspec_commit(&writer, &command);
	if (command.kind == COMMAND_NONE)
		return exception;
	if (command.source != 1 || command.pack < -1 || command.pack >= 3)
		abort();
	if (command.kind == COMMAND_SETPOINT && !(isfinite(command.p_w) && command.valid_s > 0.0))
		abort();
	if (memchr(command.id, '\0', sizeof command.id) == NULL)
		abort();
	return EXCEPTION_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct modbus_access access = {NULL, fuzz_read, fuzz_write};
	uint8_t answer[MODBUS_ADU_MAX];

	if (image.n == 0)
		sunspec_image_init(&image, &config);
	sunspec_writer_init(&writer, &config, "boot");
	while (size > 0) {
		int length = modbus_request_length(data, size);
		uint8_t *request;
		size_t n;

		if (length <= 0)
			return 0;
		request = malloc((size_t)length); /* exactly as large */
		if (!request)
			return 0;
		memcpy(request, data, (size_t)length);
		n = modbus_request_answer(request, (size_t)length, 1, &access, answer);
		/* An answer is a whole frame too, and of our unit's transaction. */
		if (n < 9 || n > MODBUS_ADU_MAX || modbus_request_length(answer, n) != (int)n ||
		    memcmp(answer, request, 2) != 0)
			abort();
		free(request);
		data += length;
		size -= (size_t)length;
	}
	return 0;
}
