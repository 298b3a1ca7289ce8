/* When a signal is there: by the page of its message, other bits, the generation of the pack. */
#include <string.h>

#include "config/wire_signal.h"

static const struct wire_key gate_keys[] = {
	{"bits", true, "in DBC notation"},
	{"is", true, "raw values"},
};

static const struct wire_key page_index_keys[] = {
	{"bits", true, "in DBC notation"},
	{"step", true, "so much the index rises with each value"},
};

static struct wire_gate *gate_new(struct wire_signal *signal)
{
	return signal->n_gates < WIRE_GATES ? &signal->gate[signal->n_gates++] : NULL;
}

static void gate_values(const struct wire_reading *reading, const config_setting_t *in,
			const char *key, struct wire_gate *gate)
{
	int64_t codes[WIRE_GATE_VALUES];
	uint8_t n = 0;

	wire_codes(reading->reader, in, reading->where, key, WIRE_GATE_VALUES, codes, &n);
	for (unsigned i = 0; i < n; i++) {
		if (codes[i] < 0 || codes[i] >> gate->bits.length)
			mistake_at(reading->reader->mistakes, in, reading->where,
				   "%s %lld does not fit %u bits", key, (long long)codes[i],
				   gate->bits.length);
		gate->value[i] = (uint32_t)codes[i];
	}
	gate->n = n;
}

static void gate_fill(const struct wire_reading *reading, const config_setting_t *group,
		      struct wire_gate *gate)
{
	if (wire_bits_read(reading->reader, group, reading->where, "bits", reading->place->length,
			   &gate->bits))
		gate_values(reading, group, "is", gate);
}

static void gate_read(const struct wire_reading *reading, const char *key, bool negate)
{
	const config_setting_t *group = config_setting_get_member(reading->setting, key);
	struct wire_gate *gate;

	if (!group || !WIRE_KEYS(reading->reader, group, reading->where, gate_keys))
		return;
	gate = gate_new(reading->signal);
	if (!gate) {
		mistake_at(reading->reader->mistakes, group, reading->where,
			   "page, when and unless: at most %d of them are possible", WIRE_GATES);
		return;
	}
	gate->negate = negate;
	gate_fill(reading, group, gate);
}

static void doubt_read(const struct wire_reading *reading)
{
	const config_setting_t *group = config_setting_get_member(reading->setting, "unknown_when");

	if (group && WIRE_KEYS(reading->reader, group, reading->where, gate_keys))
		gate_fill(reading, group, &reading->signal->doubt);
}

static void page_read(const struct wire_reading *reading)
{
	const config_setting_t *mux = config_setting_get_member(reading->place->setting, "mux");
	const config_setting_t *page = config_setting_get_member(reading->setting, "page");
	const config_setting_t *group = config_setting_get_member(reading->setting, "page_index");
	struct wire_signal *signal = reading->signal;
	unsigned step = 0;

	if (page && !mux) {
		mistake_at(reading->reader->mistakes, page, reading->where,
			   "page without a mux of its message: give the message mux = \"...\"");
	} else if (page) {
		struct wire_gate *gate = gate_new(signal);

		if (wire_bits_read(reading->reader, reading->place->setting, reading->where, "mux",
				   reading->place->length, &gate->bits))
			gate_values(reading, reading->setting, "page", gate);
	}
	if (group && WIRE_KEYS(reading->reader, group, reading->where, page_index_keys) &&
	    wire_bits_read(reading->reader, group, reading->where, "bits", reading->place->length,
			   &signal->page) &&
	    wire_count(reading->reader, group, reading->where, "step", 1, CELL_MAX, &step))
		signal->page_step = (uint16_t)step;
}

static void generations_read(const struct wire_reading *reading)
{
	const config_setting_t *list = config_setting_get_member(reading->setting, "generations");
	const struct wire *wire = reading->reader->wire;

	if (!list)
		return;
	reading->signal->generations = 0;
	for (int i = 0; i < config_setting_length(list); i++) {
		const char *name = config_setting_get_string_elem(list, i);
		unsigned g = 0;

		while (g < wire->n_generations && (!name || strcmp(wire->generation[g], name)))
			g++;
		if (g == wire->n_generations)
			mistake_at(reading->reader->mistakes, list, reading->where,
				   "generations \"%s\": there is no such generation in "
				   "can.generations",
				   name ? name : "");
		else
			reading->signal->generations |= (uint8_t)(1u << g);
	}
}

void wire_signal_gates(const struct wire_reading *reading)
{
	page_read(reading);
	gate_read(reading, "when", false);
	gate_read(reading, "unless", true);
	doubt_read(reading);
	generations_read(reading);
}
