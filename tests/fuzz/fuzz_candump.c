/*
 * libFuzzer harness of what `rebankctl decode` and `profile import` read: lines of a log, ISO-TP
 * put together from them, a DBC file. The first byte chooses.
 *
 *   tests/fuzz/fuzz_candump.c daemon/ctl/candump.c daemon/ctl/isotp_log.c daemon/ctl/dbc.c -lm
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/candump.h"
#include "ctl/dbc.h"
#include "ctl/isotp_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void line_check(const char *line)
{
	struct candump_frame frame;

	if (candump_parse(line, &frame) != CANDUMP_FRAME)
		return;
	if (frame.length > 8 || frame.id > (frame.ext ? 0x1fffffffu : 0x7ffu) || frame.us < 0)
		abort();
	if (memchr(frame.bus, '\0', sizeof frame.bus) == NULL || !*frame.bus)
		abort();
}

static void frames_check(const uint8_t *data, size_t size)
{
	static struct isotp_log log;

	memset(&log, 0, sizeof log);
	while (size > 0) {
		unsigned n = data[0] % 9;
		uint8_t *frame;

		data++, size--;
		if (n > size)
			n = (unsigned)size;
		frame = malloc(n ? n : 1); /* exactly as large: reading past the end is seen */
		if (!frame)
			return;
		memcpy(frame, data, n);
		if (isotp_log_take(&log, frame, n) && (log.have == 0 || log.have > 4095))
			abort();
		free(frame);
		data += n, size -= n;
	}
}

static void dbc_check(uint8_t *data, size_t size)
{
	FILE *in = size ? fmemopen(data, size, "r") : NULL;
	FILE *nothing = fopen("/dev/null", "w");

	if (in && nothing)
		dbc_import("x.dbc", in, nothing, nothing);
	if (in)
		fclose(in);
	if (nothing)
		fclose(nothing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] % 3 == 0)
		line_check(text);
	else if (data[0] % 3 == 1)
		frames_check(data + 1, size - 1);
	else
		dbc_check((uint8_t *)text, size - 1);
	free(text);
	return 0;
}
