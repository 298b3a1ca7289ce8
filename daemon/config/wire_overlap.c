/* Which bits of a message belong to whom: signals, the counter, the checksum, fields we write. */
#include "config/wire.h"

/* ---- bits -------------------------------------------------------------------------------- */

static bool bit_is_in(const struct wire_bits *bits, unsigned byte, unsigned bit)
{
	unsigned place, shifted;

	if (byte < bits->first || byte >= bits->first + (unsigned)bits->bytes)
		return false;
	place = bits->big_endian ? bits->first + bits->bytes - 1u - byte : byte - bits->first;
	shifted = 8 * place + bit;
	return shifted >= bits->shift && shifted < (unsigned)bits->shift + bits->length;
}

/* A mask over one message is too large: compare them one by one. */
static bool bits_overlap(const struct wire_bits *a, const struct wire_bits *b)
{
	for (unsigned byte = a->first; byte < a->first + (unsigned)a->bytes; byte++)
		for (unsigned bit = 0; bit < 8; bit++)
			if (bit_is_in(a, byte, bit) && bit_is_in(b, byte, bit))
				return true;
	return false;
}

/* Bits, and the same bits again further on. */
struct run {
	struct wire_bits bits;
	unsigned count, step_bytes;
};

static bool runs_overlap(const struct run *a, const struct run *b)
{
	struct wire_bits at_a = a->bits;

	for (unsigned i = 0; i < a->count; i++) {
		struct wire_bits at_b = b->bits;

		for (unsigned j = 0; j < b->count; j++) {
			if (bits_overlap(&at_a, &at_b))
				return true;
			at_b.first = (uint16_t)(at_b.first + b->step_bytes);
		}
		at_a.first = (uint16_t)(at_a.first + a->step_bytes);
	}
	return false;
}

static struct run run_of_signal(const struct wire_signal *signal)
{
	struct run run = {signal->bits, signal->count, signal->step_bits / 8};

	if (signal->text) {
		run.count = signal->text_length;
		run.step_bytes = 1;
	}
	return run;
}

static struct run run_of_counter(const struct wire_counter *counter)
{
	struct run run = {counter->bits, counter->bits.bytes > 0, 0};

	return run;
}

static struct run run_of_sum(const struct wire_sum *sum)
{
	struct run run = {{.first = sum->at, .bytes = 1, .length = 8}, 1, 0};

	if (sum->kind == WIRE_SUM_NIBBLE)
		run.bits.length = 4;
	if (sum->kind == WIRE_SUM_NONE)
		run.count = 0;
	return run;
}

/* The bits a field writes, or whole bytes. */
static struct run run_of_field(const struct wire_field *field)
{
	struct run run = {field->bits, 1, 0};

	if (field->width) {
		run.bits.bytes = field->width;
		run.bits.length = (uint8_t)(8 * field->width);
	}
	return run;
}

/* ---- signals that may share bits --------------------------------------------------------- */

static bool bits_equal(const struct wire_bits *a, const struct wire_bits *b)
{
	return a->first == b->first && a->bytes == b->bytes && a->shift == b->shift &&
	       a->length == b->length && a->big_endian == b->big_endian;
}

static bool gates_exclude(const struct wire_gate *a, const struct wire_gate *b)
{
	if (!bits_equal(&a->bits, &b->bits) || (a->negate && b->negate))
		return false;
	for (unsigned i = 0; i < a->n; i++) {
		for (unsigned j = 0; j < b->n; j++)
			if (a->value[i] == b->value[j])
				return a->negate != b->negate && a->n == 1 && b->n == 1;
	}
	return a->negate == b->negate;
}

bool wire_exclude(const struct wire_signal *a, const struct wire_signal *b)
{
	if (a->generations && b->generations && !(a->generations & b->generations))
		return true;
	for (unsigned i = 0; i < a->n_gates; i++)
		for (unsigned j = 0; j < b->n_gates; j++)
			if (gates_exclude(&a->gate[i], &b->gate[j]))
				return true;
	return false;
}

/* The same bits may say several things when each is a state, not a number. */
static bool may_share(const struct wire_signal *a, const struct wire_signal *b)
{
	bool a_state = a->target == WIRE_TO_FLAG || a->target == WIRE_TO_CONTACT ||
		       a->target == WIRE_TO_INFO;
	bool b_state = b->target == WIRE_TO_FLAG || b->target == WIRE_TO_CONTACT ||
		       b->target == WIRE_TO_INFO;

	return a_state && b_state && bits_equal(&a->bits, &b->bits);
}

/* ---- what we read ------------------------------------------------------------------------ */

static const char *name_of(const struct wire_signal *signal)
{
	return *signal->name ? signal->name : wire_target_word(signal);
}

static void check_pair(struct wire_reader *reader, unsigned i, unsigned j, const char *where)
{
	const struct wire_signal *a = &reader->wire->signal[i], *b = &reader->wire->signal[j];
	struct run run_a = run_of_signal(a), run_b = run_of_signal(b);

	if (!wire_exclude(a, b) && !may_share(a, b) && runs_overlap(&run_a, &run_b))
		mistake_at(reader->mistakes, reader->signal_at[i], where,
			   "\"%s\" overlaps \"%s\" of line %u: check bits, or give each its page",
			   name_of(a), name_of(b),
			   config_setting_source_line(reader->signal_at[j]));
}

static void check_message(struct wire_reader *reader, const struct wire_message *message,
			  const config_setting_t *setting, const char *where)
{
	unsigned end = message->first_signal + (unsigned)message->n_signals;
	struct run counter = run_of_counter(&message->counter), sum = run_of_sum(&message->sum);

	for (unsigned i = message->first_signal; i < end; i++) {
		const struct wire_signal *signal = &reader->wire->signal[i];
		struct run run = run_of_signal(signal);

		for (unsigned j = message->first_signal; j < i; j++)
			check_pair(reader, i, j, where);
		if (runs_overlap(&run, &counter))
			mistake_at(reader->mistakes, reader->signal_at[i], where,
				   "\"%s\" overlaps the counter of its message", name_of(signal));
		if (runs_overlap(&run, &sum))
			mistake_at(reader->mistakes, reader->signal_at[i], where,
				   "\"%s\" overlaps the checksum of its message, byte %u: check "
				   "bits, or checksum.at",
				   name_of(signal), message->sum.at);
	}
	if (runs_overlap(&counter, &sum))
		mistake_at(reader->mistakes, setting, where,
			   "the counter overlaps the checksum, byte %u: check counter, or "
			   "checksum.at",
			   message->sum.at);
}

static void check_messages(struct wire_reader *reader, const char *where)
{
	const struct wire *wire = reader->wire;
	char full[WIRE_WHERE_SIZE];

	for (unsigned i = 0; i < wire->n_frames; i++) {
		wire_where(full, "%s.frames 0x%X", where, wire->frame[i].id);
		check_message(reader, &wire->frame[i].message, reader->frame_at[i], full);
	}
	/* These have neither counter nor checksum of their own. */
	for (unsigned i = 0; i < wire->n_requests; i++) {
		wire_where(full, "%s.requests[%u]", where, i);
		check_message(reader, &wire->request[i].message, NULL, full);
	}
	for (unsigned i = 0; i < wire->n_blocks; i++) {
		wire_where(full, "%s.blocks[%u]", where, i);
		check_message(reader, &wire->block[i].message, NULL, full);
	}
}

/* ---- what we write ----------------------------------------------------------------------- */

static void check_send(struct wire_reader *reader, const struct wire_send *send,
		       const config_setting_t *setting, const char *where)
{
	const struct wire_field *field = &reader->wire->field[send->first_field];
	struct run sum = run_of_sum(&send->sum);

	for (unsigned i = 0; i < send->n_fields; i++) {
		struct run a = run_of_field(&field[i]);

		if (runs_overlap(&a, &sum))
			mistake_at(reader->mistakes, setting, where,
				   "sends 0x%X: fields[%u] overlaps the checksum", send->id, i);
		for (unsigned j = 0; j < i; j++) {
			struct run b = run_of_field(&field[j]);

			if (runs_overlap(&a, &b))
				mistake_at(reader->mistakes, setting, where,
					   "sends 0x%X: fields[%u] overlaps fields[%u]", send->id,
					   i, j);
		}
	}
}

void wire_check_overlaps(struct wire_reader *reader, const char *where)
{
	check_messages(reader, where);
	for (unsigned s = 0; s < reader->wire->n_sends; s++)
		check_send(reader, &reader->wire->send[s], reader->send_at[s], where);
}
