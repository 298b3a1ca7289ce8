/*
 * libFuzzer harness of the decoder: any frames, answers and blocks through all shipped profiles.
 * Whatever comes, a value is within what its signal may say, or unknown. A number that was taken is
 * what its bits say, read here a second time and bit by bit, and unknown when they are an invalid
 * code. Nothing is read past the length.
 *
 *   tests/fuzz/fuzz_wire.c daemon/config/ daemon/core/ drivers/pack/ drivers/pcs/
 *   drivers/gpio/wire.c drivers/can/ drivers/modbus/ drivers/worker/ drivers/sim/
 *   -lconfig -lmodbus -lm
 */
#include <dirent.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "drivers/pack/take.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PROFILES_MAX = 40, PROFILES_LEAST = 16 };

static unsigned n_profiles;
static struct config config[PROFILES_MAX];
static struct wire_state state;
static struct pack_sample sample;
static struct pack_contacts contacts;

static int is_profile(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct dirent **list = NULL;
	int n = scandir("../config/packs", &list, is_profile, alphasort);

	(void)argc;
	(void)argv;
	for (int i = 0; i < n && n_profiles < PROFILES_MAX; i++) {
		struct config *own = &config[n_profiles];

		list[i]->d_name[strlen(list[i]->d_name) - 5] = '\0';
		if (profile_load(list[i]->d_name, "../config/packs", own, NULL, stderr) != 0)
			abort();
		if (own->pack[0].wire)
			n_profiles++;
		else
			config_free(own);
		free(list[i]);
	}
	free(list);
	if (n_profiles < PROFILES_LEAST || n_profiles == PROFILES_MAX)
		abort();
	return 0;
}

static void within(double v, double low, double high)
{
	if (!isnan(v) && !(v >= low && v <= high))
		abort();
}

static void check(void)
{
	within(sample.pack_v, 0., 1500.);
	within(sample.current_a, -3000., 3000.);
	within(sample.link_v, 0., 1500.);
	within(sample.soc, 0., 1.1);
	within(sample.soh, 0., 1.3);
	within(sample.temp_min_c, -60., 150.);
	within(sample.temp_max_c, -60., 150.);
	within(sample.dis_limit_a, 0., INFINITY);
	within(sample.cha_limit_a, 0., INFINITY);
	within(sample.aux_v, 0., 100.);
	for (unsigned i = 0; i < CELL_MAX; i++)
		within(sample.cell_v[i], 0., 6.);
	for (unsigned i = 0; i < TEMP_MAX; i++)
		within(sample.temp_c[i], -60., 150.);
	if (sample.bms_flags >= 1u << WIRE_BMS_FLAGS)
		abort();
}

/* ---- a second reading --------------------------------------------------------------------- */

/* What was put in: the message, and where its bytes lie. */
struct put {
	const struct wire *wire;
	const struct wire_message *message;
	const uint8_t *data;
	unsigned length, step;
	int64_t ms;
};

static bool bits_read(const struct put *put, const struct wire_bits *bits, unsigned later,
		      int64_t *raw)
{
	uint64_t value = 0;

	if (bits->first + later + bits->bytes > put->length)
		return false;
	for (unsigned i = 0; i < bits->length; i++) {
		unsigned at = bits->shift + i;
		unsigned byte = bits->big_endian ? bits->bytes - 1u - at / 8 : at / 8;
		unsigned to = bits->word_swap ? (i + 16) % 32 : i;

		value |= (uint64_t)(put->data[bits->first + later + byte] >> at % 8 & 1) << to;
	}
	*raw = (int64_t)value;
	if (bits->is_signed && value >> (bits->length - 1))
		*raw -= INT64_C(1) << bits->length;
	return true;
}

static void must_say(const struct put *put, const struct wire_signal *signal, unsigned i,
		     double got)
{
	double value;
	int64_t raw;
	bool unknown;

	if (!bits_read(put, &signal->bits, i * signal->step_bits / 8, &raw))
		abort(); /* taken from where nothing is */
	value = (double)raw * signal->scale + signal->offset;
	unknown = !(value >= signal->low && value <= signal->high);
	for (unsigned c = 0; c < signal->n_invalid; c++)
		unknown = unknown || raw == signal->invalid[c];
	if (signal->target == WIRE_TO_CURRENT_A)
		value *= state.current_sign;
	if (unknown ? !isnan(got) : !(fabs(got - value) <= 1e-9 * (1. + fabs(value))))
		abort();
}

/* A number that nothing but its own bits decides. */
static bool is_plain(const struct put *put, const struct wire_signal *signal)
{
	const struct wire_signal *other = &put->wire->signal[put->message->first_signal];

	if (signal->n_gates || signal->doubt.n || signal->page.bytes || signal->text)
		return false;
	if (signal->target == WIRE_TO_PACK_V && put->wire->v_of_cells)
		return false;
	for (unsigned i = 0; i < put->message->n_signals; i++, other++)
		if (other != signal && other->target == signal->target &&
		    signal->target != WIRE_TO_CELL_V && signal->target != WIRE_TO_TEMP_C)
			return false;
	return true;
}

/* Its stamp says whether this message brought it: no two have the same. */
static void signal_check(const struct put *put, const struct wire_signal *signal)
{
	unsigned index = signal->index + put->step * signal->request_step;
	double *scalar = take_scalar(&sample, &state, signal->target);

	if (scalar && state.scalar_ms[signal->target] == put->ms)
		must_say(put, signal, 0, *scalar);
	for (unsigned i = 0; i < signal->count; i++) {
		if (signal->target == WIRE_TO_CELL_V && index + i < put->wire->n_cells &&
		    state.cell_ms[index + i] == put->ms)
			must_say(put, signal, i, sample.cell_v[index + i]);
		if (signal->target == WIRE_TO_TEMP_C && index + i < put->wire->n_temps &&
		    state.temp_ms[index + i] == put->ms)
			must_say(put, signal, i, sample.temp_c[index + i]);
	}
}

static void read_again(const struct put *put)
{
	for (unsigned i = 0; i < put->message->n_signals; i++) {
		const struct wire_signal *signal =
			&put->wire->signal[put->message->first_signal + i];

		if (is_plain(put, signal))
			signal_check(put, signal);
	}
}

/* ---- messages ----------------------------------------------------------------------------- */

static void block_put(struct put *put, unsigned which)
{
	unsigned b = which % put->wire->n_blocks;

	put->message = &put->wire->block[b].message;
	if (wire_decode_block(put->wire, &state, put->ms, b, put->data, put->length, &sample,
			      &contacts) == WIRE_TAKEN)
		read_again(put);
}

/* The answer to any step: its first bytes are those of the request. */
static void answer_put(struct put *put, unsigned which, uint8_t *bytes)
{
	const struct wire *wire = put->wire;
	unsigned r = which % wire->n_requests;
	const struct wire_request *request = &wire->request[r];
	uint8_t asked[8];

	put->step %= request->n_steps;
	put->message = &request->message;
	wire_request_build(wire, r, put->step, asked);
	for (unsigned i = 0; i < request->prefix_length && i < put->length; i++) {
		bool counts = request->step_bytes && i >= request->step_at &&
			      i < request->step_at + (unsigned)request->step_bytes;

		bytes[i] = counts ? asked[i] : request->prefix[i];
	}
	if (wire_decode_answer(wire, &state, put->ms, r, put->step, put->data, put->length, &sample,
			       &contacts) == WIRE_TAKEN)
		read_again(put);
}

static void frame_put(struct put *put, unsigned which, uint8_t *bytes, bool sound)
{
	const struct wire_frame *frame = &put->wire->frame[which % put->wire->n_frames];
	const struct wire_sum *sum = &frame->message.sum;

	put->message = &frame->message;
	/* Most would end at the checksum. */
	if (sound && sum->kind != WIRE_SUM_NONE && put->length > sum->last && put->length > sum->at)
		wire_sum_put(sum, frame->id, bytes);
	if (wire_decode_frame(put->wire, &state, put->ms, frame->id, frame->ext, put->data,
			      put->length, &sample, &contacts) == WIRE_TAKEN)
		read_again(put);
}

/* One message: a byte for the kind and the step, one for which, one for the length, then its bytes.
 */
static size_t message(const struct wire *wire, int64_t ms, const uint8_t *data, size_t size)
{
	unsigned kind = data[0] % 4, which = data[1];
	unsigned n = kind == 1 || wire->n_blocks > 0 ? data[2] : data[2] % 9u;
	uint8_t *bytes;

	n = n > size - 3 ? (unsigned)(size - 3) : n;
	bytes = malloc(n ? n : 1); /* exactly as large: reading past the end is seen */
	if (!bytes)
		abort();
	memcpy(bytes, data + 3, n);
	struct put put = {wire, NULL, bytes, n, data[0] / 4, ms};

	if (wire->n_blocks > 0)
		block_put(&put, which);
	else if (kind == 1 && wire->n_requests > 0)
		answer_put(&put, which, bytes);
	else if (kind == 2)
		wire_decode_frame(wire, &state, ms, which << 3, false, bytes, n, &sample,
				  &contacts);
	else if (n <= 8)
		frame_put(&put, which, bytes, kind == 3);
	free(bytes);
	return 3 + n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct wire *wire;
	int64_t ms = 1000;

	if (size < 1)
		return 0;
	wire = config[(data[0] & 0x7f) % n_profiles].pack[0].wire;
	wire_start(wire, &state, data[0] >> 7, &sample, &contacts);
	data++, size--;
	while (size > 3) {
		size_t used = message(wire, ms, data, size);

		ms += data[0] + 1;
		data += used;
		size -= used;
		wire_forget(wire, &state, ms, &sample);
		wire_urgent(&state, &sample, &config[0].site.pack[0].limit);
		check();
	}
	return 0;
}
