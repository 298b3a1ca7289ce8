/*
 * libFuzzer harness of the profile parser: any text as the `can` or `modbus` part of a profile
 * whose other parts are sound. What is accepted must be safe to run: it is fed with frames and
 * asked to send.
 *
 *   tests/fuzz/fuzz_profile.c daemon/config/ daemon/core/ drivers/pack/ drivers/pcs/
 *   drivers/gpio/wire.c drivers/can/ drivers/modbus/ drivers/worker/ drivers/sim/
 *   -lconfig -lmodbus -lm
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses the text of a string that is open when its scanner gives up. */
const char *__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\nleak:libconfig\n";
}

static struct config config;
static struct wire_state state;
static struct pack_sample sample;
static struct pack_contacts contacts;

static const char head[] =
	"model = { chemistry = \"nmc\"; cells_series = 4; nominal_ah = 50.0; r_fast_ohm = 0.1; "
	"r_10s_ohm = 0.1; tau_s = 10.0; v_offset_max_v = 1.0; i_offset_max_a = 1.0; };\n"
	"provenance = { source = \"s\"; verified = \"v\"; unverified = \"u\"; };\n";

static void run(const struct wire *wire)
{
	static const uint8_t bytes[256] = {0x12, 0x34, 0xff, 0x00, 0x80};
	struct wire_sending sending = {{0}, false};
	struct wire_command command = {
		.keep_alive = true, .close = true, .bus_known = true, .bus_v = 370.0};
	uint8_t out[8];

	wire_start(wire, &state, false, &sample, &contacts);
	for (unsigned i = 0; i < wire->n_frames; i++)
		for (unsigned n = 0; n <= 8; n++)
			wire_decode_frame(wire, &state, 1000 + n, wire->frame[i].id,
					  wire->frame[i].ext, bytes, n, &sample, &contacts);
	for (unsigned i = 0; i < wire->n_requests; i++)
		wire_decode_answer(wire, &state, 2000, i, 0, bytes, sizeof bytes, &sample,
				   &contacts);
	for (unsigned i = 0; i < wire->n_blocks; i++)
		wire_decode_block(wire, &state, 3000, i, bytes, sizeof bytes, &sample, &contacts);
	for (unsigned i = 0; i < wire->n_sends; i++)
		for (int n = 0; n < 20; n++)
			wire_build_frame(wire, i, &sending, &command, out);
	wire_forget(wire, &state, 100000, &sample);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "fuzz-profile-XXXXXX.conf";
	FILE *nothing = fopen("/dev/null", "w");
	int fd = mkstemps(path, 5);
	bool sound = nothing && fd >= 0;

	/* An @include would read whatever file is named. */
	if (memmem(data, size, "@include", 8))
		sound = false;
	sound = sound && write(fd, head, sizeof head - 1) == (ssize_t)sizeof head - 1 &&
		write(fd, data, size) == (ssize_t)size;
	if (sound && profile_load(path, NULL, &config, NULL, nothing) == 0 && config.pack[0].wire)
		run(config.pack[0].wire);
	config_free(&config);
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	if (nothing)
		fclose(nothing);
	return 0;
}
