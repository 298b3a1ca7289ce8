/* Messages a pack sends: frames, answers to requests, Modbus blocks. */
#include <stdlib.h>
#include <string.h>

#include "config/wire_message.h"

static const struct wire_key sum_keys[] = {
	{"kind", true, "nissan-crc, nissan-nibble, bmw-crc, renault-crc, tesla-sum or crc8"},
	{"init", false, "start value of a CRC; BMW: one per id"},
	{"xor", false, "the result of a CRC is changed with it"},
	{"poly", false, "of crc8"},
	{"first", false, "byte it starts with"},
	{"last", false, "byte it ends with"},
	{"at", false, "byte that carries it"},
};

bool wire_sum_read(struct wire_reader *reader, const config_setting_t *in, const char *where,
		   unsigned length, struct wire_sum *sum)
{
	static const char *const kinds[] = {"nissan-crc",  "nissan-nibble", "bmw-crc",
					    "renault-crc", "tesla-sum",     "crc8"};
	const config_setting_t *group = config_setting_get_member(in, "checksum");
	uint8_t end = (uint8_t)(length - 1);
	unsigned kind = 0, poly = 0, init = 0, xor_out = 0, first, last, at;

	if (!group || !WIRE_KEYS(reader, group, where, sum_keys) ||
	    !wire_word(reader, group, where, "kind", kinds, 6, &kind))
		return false;
	const struct wire_sum standard[] = {
		{WIRE_SUM_CRC8, 0x85, 0, 0, 0, (uint8_t)(end - 1), end},
		{WIRE_SUM_NIBBLE, 0, 0, 0, 0, end, end},
		{WIRE_SUM_CRC8, 0x1D, 0, 0, 1, end, 0},
		{WIRE_SUM_CRC8, 0x1D, 0, 0, 0, (uint8_t)(end - 1), end},
		{WIRE_SUM_BYTES, 0, 0, 0, 0, end, end},
		{WIRE_SUM_CRC8, 0, 0, 0, 0, (uint8_t)(end - 1), end},
	};

	*sum = standard[kind];
	if (length < 2) {
		mistake_at(reader->mistakes, group, where,
			   "checksum in a message of one byte: nothing to check");
		sum->kind = WIRE_SUM_NONE;
		return false;
	}
	first = sum->first, last = sum->last, at = sum->at, poly = sum->poly;
	wire_count(reader, group, where, "init", 0, 255, &init);
	wire_count(reader, group, where, "xor", 0, 255, &xor_out);
	wire_count(reader, group, where, "poly", 1, 255, &poly);
	wire_count(reader, group, where, "first", 0, end, &first);
	wire_count(reader, group, where, "last", first, end, &last);
	wire_count(reader, group, where, "at", 0, end, &at);
	if (kind == 5 && poly == 0)
		mistake_at(reader->mistakes, group, where, "poly is missing: crc8 needs it");
	if (kind == 2 && !config_setting_get_member(group, "init"))
		mistake_at(reader->mistakes, group, where,
			   "init is missing: every BMW id has its own");
	sum->poly = (uint8_t)poly;
	sum->init = (uint8_t)init;
	sum->xor_out = (uint8_t)xor_out;
	sum->first = (uint8_t)first;
	sum->last = (uint8_t)last;
	sum->at = (uint8_t)at;
	return true;
}

/* Codes that come in turn, in place of numbers that count. */
static void counter_codes_read(struct wire_reader *reader, const config_setting_t *in,
			       const char *where, struct wire_counter *counter)
{
	const config_setting_t *list = config_setting_get_member(in, "counter_codes");
	int64_t code[WIRE_COUNTER_CODES];
	bool good;

	counter->modulo = 1;
	if (config_setting_get_member(in, "counter_modulo"))
		mistake_at(reader->mistakes, list, where,
			   "counter_codes and counter_modulo: it has codes or numbers");
	if (!wire_codes(reader, in, where, "counter_codes", WIRE_COUNTER_CODES, code,
			&counter->n_codes))
		return;
	good = counter->n_codes >= 2;
	for (unsigned i = 0; i < counter->n_codes; i++) {
		good = good && code[i] >= 0 && code[i] < 1 << counter->bits.length;
		for (unsigned j = 0; j < i; j++)
			good = good && code[i] != code[j];
		counter->code[i] = (uint8_t)code[i];
	}
	if (!good)
		mistake_at(reader->mistakes, list, where,
			   "counter_codes must be two or more different codes of %u bits",
			   counter->bits.length);
	counter->modulo = counter->n_codes;
}

static void counter_read(struct wire_reader *reader, const config_setting_t *in, const char *where,
			 unsigned length, struct wire_counter *counter)
{
	bool coded = config_setting_get_member(in, "counter_codes") != NULL;
	unsigned modulo, hold = 1, most = coded ? 8 : 7;

	if (!wire_bits_read(reader, in, where, "counter", length, &counter->bits))
		return;
	if (counter->bits.length > most) {
		mistake_at(reader->mistakes, in, where, "counter has %u bits: at most %u",
			   counter->bits.length, most);
		memset(counter, 0, sizeof(*counter));
		return;
	}
	modulo = 1u << counter->bits.length;
	wire_count(reader, in, where, "counter_hold", 1, 100, &hold);
	counter->hold = (uint8_t)hold;
	if (coded) {
		counter_codes_read(reader, in, where, counter);
		return;
	}
	wire_count(reader, in, where, "counter_modulo", 2, modulo, &modulo);
	counter->modulo = (uint8_t)modulo;
}

static void message_read(struct wire_reader *reader, const struct wire_place *place,
			 const char *where, struct wire_message *message)
{
	message->length_min = (uint16_t)place->length;
	message->period_ms = place->period_ms;
	wire_text(reader, place->setting, where, "name", message->name, sizeof(message->name));
	wire_signals(reader, place, where, message);
}

bool wire_id_read(struct wire_reader *reader, const config_setting_t *in, const char *where,
		  const char *key, bool ext, uint32_t *id)
{
	const config_setting_t *member = config_setting_get_member(in, key);
	unsigned given, most = ext ? 0x1fffffffu : 0x7ffu;

	if (!member)
		return false;
	if (config_setting_type(member) != CONFIG_TYPE_INT &&
	    config_setting_type(member) != CONFIG_TYPE_INT64) {
		mistake_at(reader->mistakes, member, where, "%s must be a CAN id: 0x1DB", key);
		return false;
	}
	long long value = config_setting_get_int64(member);

	if (value < 0 || value > (long long)most) {
		mistake_at(reader->mistakes, member, where, "%s 0x%llX is no %s id%s", key, value,
			   ext ? "29-bit" : "11-bit", ext ? "" : ": say ext = true for 29 bits");
		return false;
	}
	given = (unsigned)value;
	*id = given;
	return true;
}

/* ---- frames ------------------------------------------------------------------------------ */

static const struct wire_key frame_keys[] = {
	{"id", true, "of the frame"},
	{"ext", false, "29 bits"},
	{"name", false, "for people"},
	{"length", false, "bytes it has at least; 8"},
	{"period_s", false, "as sent"},
	{"fastest_s", false, "never more often from one sender; period_s"},
	{"mux", false, "bits that say which page of signals it carries"},
	{"counter", false, "bits that count its messages"},
	{"counter_modulo", false, "the counter starts again at"},
	{"counter_codes", false, "it carries these in turn, instead of numbers"},
	{"counter_hold", false, "so many messages may carry the same one; 1"},
	{"checksum", false, "that it carries"},
	{"settle", false, "so many first messages are not believed"},
	{"proof", false, "recorded, synthetic or unverified"},
	{"signals", false, "what it carries"},
};

static void frame_read(struct wire_reader *reader, const config_setting_t *setting,
		       const char *where)
{
	struct wire *wire = reader->wire;
	struct wire_frame *frame = &wire->frame[wire->n_frames];
	struct wire_place place = {.setting = setting, .length = 8};
	struct wire_bits mux;
	unsigned settle = 0;
	char full[WIRE_WHERE_SIZE];

	reader->frame_at[wire->n_frames++] = setting;
	if (!WIRE_KEYS(reader, setting, where, frame_keys))
		return;
	wire_flag(reader, setting, where, "ext", &frame->ext);
	if (!wire_id_read(reader, setting, where, "id", frame->ext, &frame->id))
		frame->id = UINT32_MAX;
	wire_where(full, "%s 0x%X", where, frame->id);
	wire_count(reader, setting, full, "length", 1, 8, &place.length);
	wire_seconds(reader, setting, full, "period_s", 0.001, 60.0, &place.period_ms);
	frame->message.fastest_ms = place.period_ms;
	wire_seconds(reader, setting, full, "fastest_s", 0.001, 60.0, &frame->message.fastest_ms);
	wire_count(reader, setting, full, "settle", 0, 1000, &settle);
	frame->message.settle = (uint16_t)settle;
	wire_bits_read(reader, setting, full, "mux", place.length, &mux);
	counter_read(reader, setting, full, place.length, &frame->message.counter);
	wire_sum_read(reader, setting, full, place.length, &frame->message.sum);
	message_read(reader, &place, full, &frame->message);
	for (unsigned i = 0; i < frame->message.n_signals; i++) {
		enum wire_target to = wire->signal[frame->message.first_signal + i].target;

		frame->electrical |= to == WIRE_TO_PACK_V || to == WIRE_TO_CURRENT_A;
	}
}

/* ---- polled ------------------------------------------------------------------------------ */

static const struct wire_key channel_keys[] = {
	{"name", true, "requests name it"},
	{"tx", true, "id of our requests"},
	{"rx", true, "id of the pack's answers"},
	{"ext", false, "29-bit ids"},
	{"tx_address", false, "first byte of our frames (extended addressing)"},
	{"rx_address", false, "first byte of the pack's frames"},
	{"block_size", false, "of our flow control; 0: all at once"},
	{"st_min_s", false, "of our flow control"},
	{"pad", false, "byte that fills a frame; 0x00"},
	{"gap_s", false, "from an answer to the next request; 0.2"},
	{"timeout_s", false, "of one answer; 1"},
	{"only_keep_alive", false, "ask only while keep-alive frames go out"},
};

static void channel_read(struct wire_reader *reader, const config_setting_t *setting,
			 const char *where)
{
	struct wire *wire = reader->wire;
	struct wire_channel *channel = &wire->channel[wire->n_channels];
	char *name = reader->channel[wire->n_channels];
	unsigned tx_address = 0, rx_address = 0, block_size = 0, pad = 0;
	int32_t st_min_ms = 0;

	wire->n_channels++;
	channel->gap_ms = 200;
	channel->timeout_ms = 1000;
	if (!WIRE_KEYS(reader, setting, where, channel_keys))
		return;
	wire_text(reader, setting, where, "name", name, WIRE_NAME_SIZE);
	wire_flag(reader, setting, where, "ext", &channel->ext);
	wire_id_read(reader, setting, where, "tx", channel->ext, &channel->tx_id);
	wire_id_read(reader, setting, where, "rx", channel->ext, &channel->rx_id);
	channel->has_address =
		wire_count(reader, setting, where, "tx_address", 0, 255, &tx_address) +
		wire_count(reader, setting, where, "rx_address", 0, 255, &rx_address);
	wire_count(reader, setting, where, "block_size", 0, 255, &block_size);
	wire_count(reader, setting, where, "pad", 0, 255, &pad);
	wire_seconds(reader, setting, where, "st_min_s", 0.0, 0.127, &st_min_ms);
	wire_seconds(reader, setting, where, "gap_s", 0.0, 60.0, &channel->gap_ms);
	wire_seconds(reader, setting, where, "timeout_s", 0.01, 10.0, &channel->timeout_ms);
	wire_flag(reader, setting, where, "only_keep_alive", &channel->only_keep_alive);
	channel->tx_address = (uint8_t)tx_address;
	channel->rx_address = (uint8_t)rx_address;
	channel->block_size = (uint8_t)block_size;
	channel->st_min_ms = (uint8_t)st_min_ms;
	channel->pad = (uint8_t)pad;
	if (channel->tx_id == channel->rx_id && channel->tx_id)
		mistake_at(reader->mistakes, setting, where,
			   "tx and rx are both 0x%X: the pack answers on another id",
			   channel->tx_id);
}

static const struct wire_key request_keys[] = {
	{"channel", true, "name of a channel"},
	{"ask", true, "bytes of the request"},
	{"answer", false, "bytes a positive answer starts with; 0x40 more than ask"},
	{"name", false, "for people"},
	{"length", true, "bytes its answer has at least, the first ones included"},
	{"period_s", true, "asked for so often"},
	{"mux", false, "bits that say which page of signals it carries"},
	{"steps", false, "a number in the request that counts up"},
	{"proof", false, "recorded, synthetic or unverified"},
	{"signals", false, "what the answer carries"},
};

static const struct wire_key steps_keys[] = {
	{"at", true, "first byte of the number"}, {"bytes", true, "1 or 2"},
	{"first", true, "its first value"},       {"count", true, "so many requests"},
	{"skip", false, "values left out"},
};

static void steps_read(struct wire_reader *reader, const config_setting_t *in, const char *where,
		       struct wire_request *request)
{
	const config_setting_t *group = config_setting_get_member(in, "steps");
	unsigned at = 0, bytes = 0, first = 0, count = 1;
	int64_t skip[4];

	if (!group || !WIRE_KEYS(reader, group, where, steps_keys))
		return;
	wire_count(reader, group, where, "at", 0, 7, &at);
	wire_count(reader, group, where, "bytes", 1, 2, &bytes);
	wire_count(reader, group, where, "first", 0, bytes == 2 ? 65535 : 255, &first);
	wire_count(reader, group, where, "count", 1, CELL_MAX, &count);
	wire_codes(reader, group, where, "skip", 4, skip, &request->n_skip);
	for (unsigned i = 0; i < request->n_skip; i++) {
		request->skip[i] = (uint32_t)skip[i];
		if (skip[i] < 0 || skip[i] > 65535 || (i > 0 && skip[i] <= skip[i - 1]))
			mistake_at(reader->mistakes, group, where,
				   "skip must rise: sort the values left out");
	}
	if (at + bytes > request->length) {
		mistake_at(reader->mistakes, group, where,
			   "steps: the number reaches beyond the %u bytes of ask", request->length);
		return;
	}
	request->step_at = (uint8_t)at;
	request->step_bytes = (uint8_t)bytes;
	request->step_first = first;
	request->n_steps = (uint16_t)count;
}

/* A positive answer is the request with 0x40 added to its first byte. */
static void answer_read(struct wire_reader *reader, const config_setting_t *in, const char *where,
			struct wire_request *request)
{
	unsigned n = 0;

	if (wire_bytes(reader, in, where, "answer", sizeof(request->prefix), request->prefix, &n)) {
		request->prefix_length = (uint8_t)n;
		return;
	}
	memcpy(request->prefix, request->payload, sizeof(request->prefix));
	request->prefix[0] = (uint8_t)(request->prefix[0] + 0x40);
	request->prefix_length = request->length;
}

static void request_read(struct wire_reader *reader, const config_setting_t *setting,
			 const char *where)
{
	struct wire *wire = reader->wire;
	struct wire_request *request = &wire->request[wire->n_requests++];
	const char *names[WIRE_CHANNEL_MAX];
	struct wire_place place = {.setting = setting, .length = WIRE_ANSWER_MAX};
	unsigned channel = 0, n = 0;

	request->n_steps = 1;
	if (!WIRE_KEYS(reader, setting, where, request_keys))
		return;
	for (unsigned i = 0; i < wire->n_channels; i++)
		names[i] = reader->channel[i];
	wire_word(reader, setting, where, "channel", names, wire->n_channels, &channel);
	request->channel = (uint8_t)channel;
	wire_bytes(reader, setting, where, "ask",
		   channel < wire->n_channels && wire->channel[channel].has_address ? 6 : 7,
		   request->payload, &n);
	request->length = (uint8_t)n;
	answer_read(reader, setting, where, request);
	steps_read(reader, setting, where, request);
	place.steps = request->step_bytes ? request->n_steps : 0;
	wire_count(reader, setting, where, "length", 1, WIRE_ANSWER_MAX, &place.length);
	wire_seconds(reader, setting, where, "period_s", 0.05, 3600.0, &place.period_ms);
	message_read(reader, &place, where, &request->message);
}

/* ---- Modbus ------------------------------------------------------------------------------ */

static const struct wire_key block_keys[] = {
	{"function", true, "1 coils, 2 inputs, 3 holding registers, 4 input registers"},
	{"address", true, "of the first, from 0 as on the wire"},
	{"count", true, "read together: at most 125 registers, 2000 coils"},
	{"period_s", true, "read so often"},
	{"name", false, "for people"},
	{"mux", false, "bits that say which page of signals it carries"},
	{"proof", false, "recorded, synthetic or unverified"},
	{"signals", true, "what it carries"},
};

static void block_read(struct wire_reader *reader, const config_setting_t *setting,
		       const char *where)
{
	struct wire_block *block = &reader->wire->block[reader->wire->n_blocks++];
	struct wire_place place = {.setting = setting};
	unsigned function = 3, address = 0, count = 1;

	if (!WIRE_KEYS(reader, setting, where, block_keys))
		return;
	wire_count(reader, setting, where, "function", 1, 4, &function);
	wire_count(reader, setting, where, "address", 0, 65535, &address);
	wire_count(reader, setting, where, "count", 1, function <= 2 ? 2000 : 125, &count);
	wire_seconds(reader, setting, where, "period_s", 0.05, 3600.0, &place.period_ms);
	if (address + count > 65536)
		mistake_at(reader->mistakes, setting, where,
			   "address %u and count %u reach beyond 65535", address, count);
	block->function = (uint8_t)function;
	block->address = (uint16_t)address;
	block->count = (uint16_t)count;
	place.registers = function >= 3;
	place.coils = function <= 2 ? count : 0;
	place.address = address;
	place.length = place.coils ? (count + 7) / 8 : 2 * count;
	message_read(reader, &place, where, &block->message);
}

void wire_frames(struct wire_reader *reader, const config_setting_t *can, const char *where)
{
	wire_list(reader, can, where, "frames", WIRE_FRAME_MAX, frame_read);
}

void wire_requests(struct wire_reader *reader, const config_setting_t *can, const char *where)
{
	wire_list(reader, can, where, "channels", WIRE_CHANNEL_MAX, channel_read);
	wire_list(reader, can, where, "requests", WIRE_REQUEST_MAX, request_read);
}

void wire_blocks(struct wire_reader *reader, const config_setting_t *modbus, const char *where)
{
	wire_list(reader, modbus, where, "blocks", WIRE_BLOCK_MAX, block_read);
}
