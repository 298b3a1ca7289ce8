/* Signals of a message: from their setting to struct wire_signal. */
#include <string.h>

#include "config/wire_signal.h"

static const char *const proofs[PROOF_COUNT] = {"unverified", "synthetic", "recorded"};

const char *wire_proof_word(enum wire_proof proof)
{
	return proofs[proof];
}

static const struct wire_key signal_keys[] = {
	{"to", true, "what it is: pack_v, current_a, ..., or \"info\""},
	{"name", false, "for people"},
	{"bits", false, "in DBC notation"},
	{"register", false, "of a Modbus block, by its address"},
	{"type", false, "of the register: u16, s16, u32, s32, u32-swapped, s32-swapped, bit 0..15"},
	{"coil", false, "of a Modbus block of coils or inputs, by its address"},
	{"ascii", false, "of a serial number: [first byte, length]"},
	{"scale", false, "value = raw x scale + offset"},
	{"offset", false, ""},
	{"valid", false, "[low, high] of the value"},
	{"invalid", false, "raw codes that mean unknown"},
	{"healthy", false, "raw codes of a flag that do not raise it"},
	{"faulty", false, "or those that do: all others are healthy"},
	{"closed", false, "raw codes of a closed contactor"},
	{"open", false, "raw codes of an open contactor"},
	{"page", false, "values of the message's mux that it is there for"},
	{"when", false, "only when other bits are so"},
	{"unless", false, "not when other bits are so"},
	{"unknown_when", false, "there, but unknown, when other bits are so"},
	{"generations", false, "only of these generations"},
	{"index", false, "of the first cell or sensor, from 0"},
	{"count", false, "so many alike, one after the other"},
	{"step", false, "bits from one to the next"},
	{"page_index", false, "the index rises with other bits"},
	{"optional", false, "the pack is known without it"},
	{"proof", false, "recorded, synthetic or unverified"},
};

/* ---- many alike -------------------------------------------------------------------------- */

static void run_read(const struct wire_reading *reading)
{
	struct wire_signal *signal = reading->signal;
	bool many = signal->target == WIRE_TO_CELL_V || signal->target == WIRE_TO_TEMP_C;
	unsigned most = signal->target == WIRE_TO_TEMP_C ? TEMP_MAX : CELL_MAX;
	unsigned index = 0, count = 1, step = signal->bits.length;
	static const char *const keys[] = {"index", "count", "step", "page_index"};

	for (unsigned i = 0; i < 4 && !many; i++) {
		if (!config_setting_get_member(reading->setting, keys[i]))
			continue;
		mistake_at(reading->reader->mistakes, reading->setting, reading->where,
			   "%s is for cell_v and temp_c only", keys[i]);
		return;
	}
	if (!many)
		return;
	wire_count(reading->reader, reading->setting, reading->where, "index", 0, most - 1, &index);
	wire_count(reading->reader, reading->setting, reading->where, "count", 1, most, &count);
	wire_count(reading->reader, reading->setting, reading->where, "step", 8, 512, &step);
	signal->index = (uint16_t)index;
	signal->count = (uint16_t)count;
	signal->step_bits = (uint16_t)step;
	signal->request_step = reading->place->steps ? (uint16_t)count : 0;
	if (count > 1 && step % 8)
		mistake_at(reading->reader->mistakes, reading->setting, reading->where,
			   "step %u is no multiple of 8: give each of them its own signal", step);
	else if (signal->bits.bytes &&
		 signal->bits.first + (count - 1) * step / 8 + signal->bits.bytes >
			 reading->place->length)
		mistake_at(reading->reader->mistakes, reading->setting, reading->where,
			   "%u of them reach beyond the message of %u bytes", count,
			   reading->place->length);
	if (index + count > most)
		mistake_at(reading->reader->mistakes, reading->setting, reading->where,
			   "index %u is beyond the last possible, %u", index + count - 1, most - 1);
}

/* ---- the whole --------------------------------------------------------------------------- */

static void slot_take(const struct wire_reading *reading)
{
	struct wire *wire = reading->reader->wire;
	struct wire_signal *signal = reading->signal;

	if (signal->target == WIRE_TO_FLAG) {
		if (wire->n_flags == WIRE_FLAG_MAX)
			mistake_at(reading->reader->mistakes, reading->setting, reading->where,
				   "more than %d flags", WIRE_FLAG_MAX);
		else
			signal->flag_slot = wire->n_flags++;
	}
	if (signal->target == WIRE_TO_INFO) {
		if (!*signal->name)
			mistake_at(reading->reader->mistakes, reading->setting, reading->where,
				   "name is missing: an info is shown by its name");
		if (wire->n_info == WIRE_INFO_MAX) {
			mistake_at(reading->reader->mistakes, reading->setting, reading->where,
				   "more than %d infos", WIRE_INFO_MAX);
			return;
		}
		memcpy(wire->info[wire->n_info], signal->name, WIRE_NAME_SIZE);
		signal->index = wire->n_info++;
	}
}

static void age_read(const struct wire_reading *reading)
{
	struct wire_signal *signal = reading->signal;
	int32_t period_ms = reading->place->period_ms;

	wire_flag(reading->reader, reading->setting, reading->where, "optional", &signal->optional);
	if (!signal->optional)
		return;
	if (period_ms <= 0)
		mistake_at(reading->reader->mistakes, reading->setting, reading->where,
			   "optional needs a period_s of its message: it says when the reading "
			   "has stopped");
	signal->stale_ms = period_ms > 333 ? 3 * period_ms : 1000;
}

static void signal_read(struct wire_reader *reader, const struct wire_place *place,
			const config_setting_t *setting, const char *where, enum wire_proof proof)
{
	struct wire *wire = reader->wire;
	struct wire_signal *signal = &wire->signal[wire->n_signals];
	char full[WIRE_WHERE_SIZE];
	const char *name = NULL;
	unsigned chosen = proof;

	if (wire->n_signals == WIRE_SIGNAL_MAX) {
		mistake_at(reader->mistakes, setting, where, "more than %d signals in one profile",
			   WIRE_SIGNAL_MAX);
		return;
	}
	reader->signal_at[wire->n_signals++] = setting;
	*signal = (struct wire_signal){.scale = 1.0, .count = 1};
	if (!WIRE_KEYS(reader, setting, where, signal_keys))
		return;
	config_setting_lookup_string(setting, "name", &name);
	if (!name)
		config_setting_lookup_string(setting, "to", &name);
	wire_where(full, "%s%s%.40s%s", where, name ? " \"" : "", name ? name : "",
		   name ? "\"" : "");
	const struct wire_reading reading = {reader, place, setting, full, signal};

	wire_text(reader, setting, full, "name", signal->name, sizeof(signal->name));
	wire_signal_target(&reading);
	wire_signal_bits(&reading);
	wire_signal_gates(&reading);
	wire_signal_meaning(&reading);
	run_read(&reading);
	age_read(&reading);
	wire_word(reader, setting, full, "proof", proofs, PROOF_COUNT, &chosen);
	signal->proof = (uint8_t)chosen;
	slot_take(&reading);
}

void wire_signals(struct wire_reader *reader, const struct wire_place *place, const char *where,
		  struct wire_message *message)
{
	const config_setting_t *list = config_setting_get_member(place->setting, "signals");
	unsigned proof = PROOF_UNVERIFIED;

	message->first_signal = reader->wire->n_signals;
	wire_word(reader, place->setting, where, "proof", proofs, PROOF_COUNT, &proof);
	if (!list)
		return;
	if (!config_setting_is_list(list)) {
		mistake_at(reader->mistakes, list, where,
			   "signals must be a list of groups: ( { ... }, { ... } )");
		return;
	}
	for (int i = 0; i < config_setting_length(list); i++) {
		char element[WIRE_WHERE_SIZE];

		wire_where(element, "%s: signals[%d]", where, i);
		signal_read(reader, place, config_setting_get_elem(list, (unsigned)i), element,
			    (enum wire_proof)proof);
	}
	message->n_signals = (uint16_t)(reader->wire->n_signals - message->first_signal);
}
