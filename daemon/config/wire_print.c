/* What a profile reads and sends, for people. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "config/wire.h"

static void bits_print(const struct wire_bits *bits, FILE *out)
{
	unsigned low = bits->shift, last = bits->first + bits->bytes - 1u;

	/* Back to DBC notation: Motorola starts at its highest bit. */
	if (bits->big_endian) {
		unsigned high = low + bits->length - 1;

		fprintf(out, "%u|%u@0%c", 8 * (last - high / 8) + high % 8, bits->length,
			bits->is_signed ? '-' : '+');
	} else {
		fprintf(out, "%u|%u@1%c", 8u * bits->first + low, bits->length,
			bits->is_signed ? '-' : '+');
	}
	if (bits->word_swap)
		fputs(" words swapped", out);
}

static void codes_print(const char *name, const int64_t *codes, unsigned n, FILE *out)
{
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "%s%lld", i ? "," : name, (long long)codes[i]);
}

static void gate_print(const char *word, const struct wire_gate *gate, FILE *out)
{
	fputs(word, out);
	bits_print(&gate->bits, out);
	for (unsigned v = 0; v < gate->n; v++)
		fprintf(out, "%s%u", v ? "," : " is ", gate->value[v]);
}

static void gates_print(const struct wire_signal *signal, FILE *out)
{
	for (unsigned i = 0; i < signal->n_gates; i++)
		gate_print(signal->gate[i].negate ? " unless " : " when ", &signal->gate[i], out);
}

static void value_print(const struct wire_signal *signal, FILE *out)
{
	char scale[32], offset[32], low[32], high[32];

	if (signal->target == WIRE_TO_FLAG || signal->target == WIRE_TO_CONTACT) {
		codes_print(signal->target == WIRE_TO_CONTACT ? " closed "
			    : signal->faulty_codes            ? " faulty "
							      : " healthy ",
			    signal->code, signal->n_codes, out);
		codes_print(" open ", signal->open, signal->n_open, out);
	} else if (signal->text) {
		fprintf(out, " ascii of %u bytes", signal->text_length);
	} else {
		fprintf(out, " x %s%s%s in %s..%s",
			number_text(signal->scale, scale, sizeof(scale)),
			signal->offset < 0.0 ? " " : " +",
			number_text(signal->offset, offset, sizeof(offset)),
			number_text(signal->low, low, sizeof(low)),
			number_text(signal->high, high, sizeof(high)));
	}
	codes_print(" invalid ", signal->invalid, signal->n_invalid, out);
	if (signal->doubt.n)
		gate_print(" unknown when ", &signal->doubt, out);
}

static void signal_print(const struct wire *wire, const struct wire_signal *signal, FILE *out)
{
	fprintf(out, "    %-18s", wire_target_word(signal));
	if (signal->target == WIRE_TO_CELL_V || signal->target == WIRE_TO_TEMP_C)
		fprintf(out, "[%u..%u%s] ", signal->index, signal->index + signal->count - 1u,
			signal->page.bytes || signal->request_step ? ".." : "");
	bits_print(&signal->bits, out);
	value_print(signal, out);
	gates_print(signal, out);
	if (signal->page.bytes) {
		fputs(" index by ", out);
		bits_print(&signal->page, out);
		fprintf(out, " x %u", signal->page_step);
	}
	if (signal->count > 1)
		fprintf(out, " every %u bits", signal->step_bits);
	for (unsigned g = 0; g < wire->n_generations; g++)
		if (signal->generations >> g & 1)
			fprintf(out, " %s", wire->generation[g]);
	fprintf(out, "%s (%s)%s%s\n", signal->optional ? " optional" : "",
		wire_proof_word((enum wire_proof)signal->proof), *signal->name ? " " : "",
		signal->name);
}

static void sum_print(const struct wire_sum *sum, FILE *out)
{
	switch (sum->kind) {
	case WIRE_SUM_CRC8:
		fprintf(out, ", CRC-8 0x%02X init 0x%02X xor 0x%02X of bytes %u-%u in byte %u",
			sum->poly, sum->init, sum->xor_out, sum->first, sum->last, sum->at);
		break;
	case WIRE_SUM_NIBBLE:
		fprintf(out, ", nibble sum in byte %u", sum->at);
		break;
	case WIRE_SUM_BYTES:
		fprintf(out, ", byte sum of bytes %u-%u in byte %u", sum->first, sum->last,
			sum->at);
		break;
	case WIRE_SUM_NONE:
		break;
	}
}

static void message_print(const struct wire *wire, const struct wire_message *message, FILE *out)
{
	if (message->period_ms)
		fprintf(out, ", every %g s", message->period_ms / 1000.0);
	if (message->fastest_ms != message->period_ms && message->fastest_ms)
		fprintf(out, " (or %g s)", message->fastest_ms / 1000.0);
	fprintf(out, ", %u bytes", message->length_min);
	sum_print(&message->sum, out);
	if (message->counter.bits.bytes) {
		fputs(", counter ", out);
		bits_print(&message->counter.bits, out);
		if (message->counter.n_codes == 0)
			fprintf(out, " of %u", message->counter.modulo);
		for (unsigned i = 0; i < message->counter.n_codes; i++)
			fprintf(out, "%s0x%02X", i ? ", " : " of ", message->counter.code[i]);
		if (message->counter.hold > 1)
			fprintf(out, ", each in at most %u messages", message->counter.hold);
	}
	if (message->settle)
		fprintf(out, ", the first %u are not believed", message->settle);
	fprintf(out, "%s%s\n", *message->name ? "  " : "", message->name);
	for (unsigned i = 0; i < message->n_signals; i++)
		signal_print(wire, &wire->signal[message->first_signal + i], out);
}

static void hex_print(const uint8_t *bytes, unsigned n, FILE *out)
{
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "%s%02X", i ? " " : "", bytes[i]);
}

static void request_print(const struct wire *wire, unsigned index, FILE *out)
{
	const struct wire_request *request = &wire->request[index];
	const struct wire_channel *channel = &wire->channel[request->channel];

	fprintf(out, "  asks 0x%X ", channel->tx_id);
	if (channel->has_address)
		fprintf(out, "(%02X) ", channel->tx_address);
	hex_print(request->payload, request->length, out);
	if (request->step_bytes) {
		fprintf(out, " counting up from 0x%X, %u of them", request->step_first,
			request->n_steps);
		for (unsigned i = 0; i < request->n_skip; i++)
			fprintf(out, "%s0x%X", i ? ", " : ", without ", request->skip[i]);
	}
	fprintf(out, "; 0x%X ", channel->rx_id);
	if (channel->has_address)
		fprintf(out, "(%02X) ", channel->rx_address);
	fputs("answers ", out);
	hex_print(request->prefix, request->prefix_length, out);
	fprintf(out, ", flow %u/%u ms, pad %02X, gap %g s, within %g s%s", channel->block_size,
		channel->st_min_ms, channel->pad, channel->gap_ms / 1000.0,
		channel->timeout_ms / 1000.0,
		channel->only_keep_alive ? ", only with keep-alive" : "");
	message_print(wire, &request->message, out);
}

static void block_print(const struct wire *wire, const struct wire_block *block, FILE *out)
{
	fprintf(out, "  reads function %u, %u from %u (0x%X)", block->function, block->count,
		block->address, block->address);
	message_print(wire, &block->message, out);
}

/* ---- sending ----------------------------------------------------------------------------- */

static void field_print(const struct wire *wire, const struct wire_field *field, FILE *out)
{
	switch (field->kind) {
	case WIRE_FIELD_COUNTER:
		fputs("    counter ", out);
		bits_print(&field->bits, out);
		fprintf(out, " of %u from %u\n", field->modulo, field->counter_first);
		break;
	case WIRE_FIELD_PATTERN:
		fprintf(out,
			"    pattern from byte %u, %u wide, each %u times: ", field->bits.first,
			field->width, field->hold);
		hex_print(wire->table + field->table, (unsigned)field->n_table * field->width, out);
		fputc('\n', out);
		break;
	case WIRE_FIELD_BUS_V:
	case WIRE_FIELD_UPTIME_S:
		fputs(field->kind == WIRE_FIELD_BUS_V ? "    measured bus voltage " : "    uptime ",
		      out);
		bits_print(&field->bits, out);
		fprintf(out, " x %g + %g\n", field->scale, field->offset);
		break;
	case WIRE_FIELD_MINUTES:
		fprintf(out, "    minutes from byte %u, %u wide, since %" PRIu32 " s\n",
			field->bits.first, field->width, field->since_s);
		break;
	case WIRE_FIELD_COMMAND:
		fputs("    command ", out);
		bits_print(&field->bits, out);
		fprintf(out, " open %u close %u", field->value[0], field->value[1]);
		if (field->open_first)
			fprintf(out, ", open in the first %u", field->open_first);
		fputc('\n', out);
		break;
	}
}

static void send_print(const struct wire *wire, const struct wire_send *send, FILE *out)
{
	fprintf(out, "  sends 0x%X", send->id);
	fprintf(out, ", every %g s: ", send->period_ms / 1000.0);
	hex_print(send->base, send->length, out);
	sum_print(&send->sum, out);
	fputs(send->when & WIRE_WHEN_KEEP_ALIVE ? ", with keep-alive" : "", out);
	fputs(send->when & WIRE_WHEN_CLOSE ? ", commanded closed" : "", out);
	fputs(send->when & WIRE_WHEN_OPEN ? ", not commanded closed" : "", out);
	fputs(send->when & WIRE_WHEN_BUS_KNOWN ? ", bus voltage known" : "", out);
	fputs(send->when & WIRE_WHEN_CLOSED ? ", closed" : "", out);
	fprintf(out, "%s%s\n", *send->name ? "  " : "", send->name);
	for (unsigned i = 0; i < send->n_fields; i++)
		field_print(wire, &wire->field[send->first_field + i], out);
}

static void generations_print(const struct wire *wire, FILE *out)
{
	for (unsigned g = 0; g < wire->n_generations; g++) {
		fprintf(out, "  generation %s", wire->generation[g]);
		for (unsigned i = 0, n = 0; i < wire->n_frames; i++)
			if (wire->frame[i].proves == g + 1)
				fprintf(out, "%s0x%X", n++ ? ", " : ", proven by ",
					wire->frame[i].id);
		if (g == 0)
			fprintf(out, ", when none is proven within %g s",
				wire->generation_settle_ms / 1000.0);
		fputs(wire->fits >> g & 1 ? "\n" : ": not for this profile\n", out);
	}
}

void wire_print(const struct wire *wire, FILE *out)
{
	fprintf(out, "  a positive raw current is %s\n",
		wire->current_sign > 0.0 ? "discharge" : "charge");
	fputs(wire->v_of_cells ? "  the pack voltage is the sum of the cells\n" : "", out);
	generations_print(wire, out);
	for (unsigned i = 0; i < wire->n_frames; i++) {
		fprintf(out, "  reads 0x%X%s", wire->frame[i].id, wire->frame[i].ext ? "x" : "");
		message_print(wire, &wire->frame[i].message, out);
	}
	for (unsigned i = 0; i < wire->n_requests; i++)
		request_print(wire, i, out);
	for (unsigned i = 0; i < wire->n_blocks; i++)
		block_print(wire, &wire->block[i], out);
	for (unsigned i = 0; i < wire->n_sends; i++)
		send_print(wire, &wire->send[i], out);
}
