/* Frames that keep a pack awake and command it. */
#include <string.h>

#include "config/wire_message.h"

static const struct wire_key send_keys[] = {
	{"id", true, "of the frame"},
	{"ext", false, "29 bits"},
	{"name", false, "for people"},
	{"data", true, "its bytes in hexadecimal"},
	{"period_s", true, "sent so often"},
	{"when", false, "keep-alive, close, open, bus-known, closed: all must hold"},
	{"fields", false, "what changes from frame to frame"},
	{"checksum", false, "that it carries"},
};

static const struct wire_key field_keys[] = {
	{"kind", true, "counter, pattern, bus_v, command, uptime_s or minutes"},
	{"bits", false, "in DBC notation"},
	{"modulo", false, "of a counter: it starts again at"},
	{"first", false, "of a counter: its first value"},
	{"byte", false, "of a pattern or of minutes: where it goes"},
	{"width", false, "of a pattern: bytes of one entry; 1"},
	{"values", false, "of a pattern: its bytes in hexadecimal"},
	{"hold", false, "of a pattern: frames that each entry lasts; 1"},
	{"scale", false, "of bus_v and uptime_s: value = raw x scale + offset"},
	{"offset", false, "of bus_v and uptime_s"},
	{"open", false, "of a command: not commanded closed"},
	{"close", false, "of a command: commanded closed"},
	{"open_first", false, "of a command: so many first frames say open whatever is asked"},
	{"since_s", false, "of minutes: when they were 0, in seconds since 1970 (UTC)"},
};

/* One field being read. */
struct fielding {
	struct wire_reader *reader;
	const config_setting_t *setting;
	const char *where;
	struct wire_field *field;
	unsigned length; /* of its frame */
};

static bool field_bits(const struct fielding *fielding)
{
	if (!config_setting_get_member(fielding->setting, "bits")) {
		mistake_at(fielding->reader->mistakes, fielding->setting, fielding->where,
			   "bits is missing: say where the field goes");
		return false;
	}
	return wire_bits_read(fielding->reader, fielding->setting, fielding->where, "bits",
			      fielding->length, &fielding->field->bits);
}

static void counter_field(const struct fielding *fielding)
{
	struct wire_field *field = fielding->field;
	unsigned modulo, first = 0;

	if (!field_bits(fielding))
		return;
	modulo = field->bits.length >= 8 ? 255 : 1u << field->bits.length;
	wire_count(fielding->reader, fielding->setting, fielding->where, "modulo", 2, modulo,
		   &modulo);
	wire_count(fielding->reader, fielding->setting, fielding->where, "first", 0, modulo - 1,
		   &first);
	field->modulo = (uint8_t)modulo;
	field->counter_first = (uint8_t)first;
}

static void pattern_field(const struct fielding *fielding)
{
	struct wire *wire = fielding->reader->wire;
	struct wire_field *field = fielding->field;
	unsigned byte = 0, width = 1, hold = 1, n = 0;
	unsigned room = WIRE_TABLE_MAX - (unsigned)wire->n_table;

	wire_count(fielding->reader, fielding->setting, fielding->where, "byte", 0,
		   fielding->length - 1, &byte);
	wire_count(fielding->reader, fielding->setting, fielding->where, "width", 1, 8, &width);
	wire_count(fielding->reader, fielding->setting, fielding->where, "hold", 1, 10000, &hold);
	if (!config_setting_get_member(fielding->setting, "values")) {
		mistake_at(fielding->reader->mistakes, fielding->setting, fielding->where,
			   "values is missing: the bytes of the pattern");
		return;
	}
	if (!wire_bytes(fielding->reader, fielding->setting, fielding->where, "values", room,
			wire->table + wire->n_table, &n))
		return;
	if (n % width || byte + width > fielding->length) {
		mistake_at(fielding->reader->mistakes, fielding->setting, fielding->where,
			   "a pattern of %u bytes, each entry %u wide, does not go into byte %u of "
			   "%u",
			   n, width, byte, fielding->length);
		return;
	}
	wire_bits_compile(&field->bits, 8 * byte, 8, false, false);
	field->table = wire->n_table;
	field->n_table = (uint16_t)(n / width);
	field->width = (uint8_t)width;
	field->hold = (uint16_t)hold;
	wire->n_table = (uint16_t)(wire->n_table + n);
}

static void scaled_field(const struct fielding *fielding)
{
	struct wire_field *field = fielding->field;

	if (!field_bits(fielding))
		return;
	wire_number(fielding->reader, fielding->setting, fielding->where, "scale", 1e-6, 1e6,
		    &field->scale);
	wire_number(fielding->reader, fielding->setting, fielding->where, "offset", -1e9, 1e9,
		    &field->offset);
}

static void minutes_field(const struct fielding *fielding)
{
	enum { DIGITS = 3 };
	struct wire_field *field = fielding->field;
	unsigned byte = 0;

	wire_count(fielding->reader, fielding->setting, fielding->where, "byte", 0, 8 - DIGITS,
		   &byte);
	if (byte + DIGITS > fielding->length) {
		mistake_at(fielding->reader->mistakes, fielding->setting, fielding->where,
			   "minutes take %d bytes: from byte %u they do not go into %u", DIGITS,
			   byte, fielding->length);
		return;
	}
	if (!wire_count(fielding->reader, fielding->setting, fielding->where, "since_s", 0,
			INT32_MAX, &field->since_s)) {
		mistake_at(fielding->reader->mistakes, fielding->setting, fielding->where,
			   "minutes need since_s: when they were 0, in seconds since 1970 (UTC)");
		return;
	}
	wire_bits_compile(&field->bits, 8 * byte, 8, false, false);
	field->width = DIGITS;
}

static void command_field(const struct fielding *fielding)
{
	struct wire_field *field = fielding->field;
	unsigned open = 0, close = 0, first = 0, most;

	if (!field_bits(fielding))
		return;
	most = field->bits.length >= 31 ? INT32_MAX : (1u << field->bits.length) - 1;
	bool has_open = wire_count(fielding->reader, fielding->setting, fielding->where, "open", 0,
				   most, &open);
	bool has_close = wire_count(fielding->reader, fielding->setting, fielding->where, "close",
				    0, most, &close);
	if (!has_open || !has_close) {
		mistake_at(fielding->reader->mistakes, fielding->setting, fielding->where,
			   "a command needs open and close: its raw values");
		return;
	}
	wire_count(fielding->reader, fielding->setting, fielding->where, "open_first", 0, 10000,
		   &first);
	if (open == close)
		mistake_at(fielding->reader->mistakes, fielding->setting, fielding->where,
			   "open and close are both %u", open);
	field->value[0] = open;
	field->value[1] = close;
	field->open_first = (uint16_t)first;
}

static void field_read(struct wire_reader *reader, const config_setting_t *setting,
		       const char *where, const struct wire_send *send)
{
	static const char *const kinds[] = {"counter", "pattern",  "bus_v",
					    "command", "uptime_s", "minutes"};
	struct wire *wire = reader->wire;
	struct wire_field *field = &wire->field[wire->n_fields];
	const struct fielding fielding = {reader, setting, where, field, send->length};
	unsigned kind;

	if (wire->n_fields == WIRE_FIELD_MAX) {
		mistake_at(reader->mistakes, setting, where, "more than %d fields in one profile",
			   WIRE_FIELD_MAX);
		return;
	}
	if (!WIRE_KEYS(reader, setting, where, field_keys) ||
	    !wire_word(reader, setting, where, "kind", kinds, sizeof kinds / sizeof *kinds, &kind))
		return;
	*field = (struct wire_field){.kind = (enum wire_field_kind)kind,
				     .modulo = 1,
				     .hold = 1,
				     .n_table = 1,
				     .scale = 1.0};
	switch (field->kind) {
	case WIRE_FIELD_COUNTER:
		counter_field(&fielding);
		break;
	case WIRE_FIELD_PATTERN:
		pattern_field(&fielding);
		break;
	case WIRE_FIELD_BUS_V:
	case WIRE_FIELD_UPTIME_S:
		scaled_field(&fielding);
		break;
	case WIRE_FIELD_COMMAND:
		command_field(&fielding);
		break;
	case WIRE_FIELD_MINUTES:
		minutes_field(&fielding);
		break;
	}
	if (field->bits.bytes)
		wire->n_fields++;
}

static void fields_read(struct wire_reader *reader, const config_setting_t *setting,
			const char *where, struct wire_send *send)
{
	const config_setting_t *list = config_setting_get_member(setting, "fields");

	send->first_field = reader->wire->n_fields;
	if (!list)
		return;
	if (!config_setting_is_list(list)) {
		mistake_at(reader->mistakes, list, where,
			   "fields must be a list of groups: ( { ... }, { ... } )");
		return;
	}
	for (int i = 0; i < config_setting_length(list); i++) {
		char element[WIRE_WHERE_SIZE];

		wire_where(element, "%s: fields[%d]", where, i);
		field_read(reader, config_setting_get_elem(list, (unsigned)i), element, send);
	}
	send->n_fields = (uint16_t)(reader->wire->n_fields - send->first_field);
}

static void when_read(struct wire_reader *reader, const config_setting_t *setting,
		      const char *where, struct wire_send *send)
{
	static const char *const words[] = {"keep-alive", "close", "open", "bus-known", "closed"};
	const unsigned n_words = sizeof words / sizeof *words;
	const config_setting_t *list = config_setting_get_member(setting, "when");

	if (!list)
		return;
	if (!config_setting_is_array(list) && !config_setting_is_list(list)) {
		mistake_at(reader->mistakes, list, where,
			   "when must be a list: [\"keep-alive\", \"close\"]");
		return;
	}
	for (int i = 0; i < config_setting_length(list); i++) {
		const char *word = config_setting_get_string_elem(list, i);
		unsigned bit = 0;

		while (bit < n_words && (!word || strcmp(words[bit], word) != 0))
			bit++;
		if (bit < n_words)
			send->when |= 1u << bit;
		else
			mistake_at(reader->mistakes, list, where,
				   "when \"%s\" is unknown: one of keep-alive, close, open, "
				   "bus-known, closed",
				   word ? word : "");
	}
	if ((send->when & WIRE_WHEN_OPEN) && (send->when & WIRE_WHEN_CLOSE))
		mistake_at(reader->mistakes, list, where,
			   "when holds both open and close: it would never go out");
}

static void send_read(struct wire_reader *reader, const config_setting_t *setting,
		      const char *where)
{
	struct wire *wire = reader->wire;
	struct wire_send *send = &wire->send[wire->n_sends];
	char full[WIRE_WHERE_SIZE];
	unsigned n = 8;

	reader->send_at[wire->n_sends++] = setting;
	send->period_ms = 1000;
	send->id = UINT32_MAX;
	if (!WIRE_KEYS(reader, setting, where, send_keys))
		return;
	wire_flag(reader, setting, where, "ext", &send->ext);
	wire_id_read(reader, setting, where, "id", send->ext, &send->id);
	wire_where(full, "%s 0x%X", where, send->id);
	wire_text(reader, setting, full, "name", send->name, sizeof(send->name));
	wire_bytes(reader, setting, full, "data", 8, send->base, &n);
	send->length = (uint8_t)n;
	wire_seconds(reader, setting, full, "period_s", 0.005, 60.0, &send->period_ms);
	when_read(reader, setting, full, send);
	fields_read(reader, setting, full, send);
	wire_sum_read(reader, setting, full, send->length, &send->sum);
}

/* What says "open" goes on where what says "close" under the same id was, and back: the pack sees
 * one sender that counts on. */
static uint8_t stream_of(const struct wire *wire, unsigned index)
{
	const struct wire_send *send = &wire->send[index];

	for (unsigned i = 0; i < index; i++)
		if (wire->send[i].id == send->id && wire->send[i].ext == send->ext)
			return (uint8_t)i;
	return (uint8_t)index;
}

void wire_sends(struct wire_reader *reader, const config_setting_t *can, const char *where)
{
	wire_list(reader, can, where, "sends", WIRE_SEND_MAX, send_read);
	for (unsigned i = 0; i < reader->wire->n_sends; i++)
		reader->wire->send[i].stream = stream_of(reader->wire, i);
}
