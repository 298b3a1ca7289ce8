/* Requests and frames to send. */
#include <math.h>
#include <string.h>

#include "drivers/pack/wire.h"

static uint32_t step_number(const struct wire_request *request, unsigned step)
{
	uint32_t number = request->step_first + step;

	/* skip[] rises: each one passed moves the rest up. */
	for (unsigned i = 0; i < request->n_skip; i++)
		number += number >= request->skip[i];
	return number;
}

unsigned wire_request_build(const struct wire *wire, unsigned index, unsigned step,
			    uint8_t payload[8])
{
	const struct wire_request *request = &wire->request[index];
	uint32_t number = step_number(request, step);

	memcpy(payload, request->payload, sizeof request->payload);
	for (unsigned i = request->step_bytes; i-- > 0; number >>= 8)
		payload[request->step_at + i] = (uint8_t)number;
	return request->length;
}

static bool is_due(unsigned when, const struct wire_command *command)
{
	return (!(when & WIRE_WHEN_KEEP_ALIVE) || command->keep_alive) &&
	       (!(when & WIRE_WHEN_CLOSE) || (command->close && command->keep_alive)) &&
	       (!(when & WIRE_WHEN_OPEN) || !command->close) &&
	       (!(when & WIRE_WHEN_BUS_KNOWN) || command->bus_known) &&
	       (!(when & WIRE_WHEN_CLOSED) || command->closed);
}

/* A number as raw code; what does not fit is the nearest that does. NaN: false. */
static bool raw_of(const struct wire_field *field, double value, uint64_t *raw)
{
	double code = round((value - field->offset) / field->scale);
	double most = (double)((UINT64_C(1) << field->bits.length) - 1);

	if (isnan(code))
		return false;
	*raw = code <= 0. ? 0 : (uint64_t)(code >= most ? most : code);
	return true;
}

static void put_pattern(const struct wire *wire, const struct wire_field *field, uint32_t sent,
			uint8_t *data)
{
	unsigned entry = sent / field->hold % field->n_table;

	memcpy(data + field->bits.first, wire->table + field->table + entry * field->width,
	       field->width);
}

/* False: the time is not known, or more than three digits. */
static bool put_minutes(const struct wire_field *field, int64_t utc_ms, uint8_t *data)
{
	enum { BASE = 255 };
	int64_t minutes = (utc_ms / 1000 - field->since_s) / 60;

	if (utc_ms / 1000 < field->since_s || minutes >= BASE * BASE * BASE)
		return false;
	for (unsigned i = field->width; i-- > 0; minutes /= BASE)
		data[field->bits.first + i] = (uint8_t)(minutes % BASE);
	return true;
}

static bool closes(const struct wire_field *field, uint32_t sent,
		   const struct wire_command *command)
{
	return command->close && command->keep_alive && sent >= field->open_first;
}

/* False: the field has no value, so the frame must not go out. */
static bool put_field(const struct wire *wire, const struct wire_field *field, uint32_t sent,
		      const struct wire_command *command, uint8_t *data)
{
	uint64_t raw = 0;

	switch (field->kind) {
	case WIRE_FIELD_COUNTER:
		raw = (field->counter_first + sent) % field->modulo;
		break;
	case WIRE_FIELD_PATTERN:
		put_pattern(wire, field, sent, data);
		return true;
	case WIRE_FIELD_MINUTES:
		return put_minutes(field, command->utc_ms, data);
	case WIRE_FIELD_BUS_V:
		if (!command->bus_known || !raw_of(field, command->bus_v, &raw))
			return false;
		break;
	case WIRE_FIELD_COMMAND:
		raw = field->value[closes(field, sent, command)];
		break;
	case WIRE_FIELD_UPTIME_S:
		if (!raw_of(field, (double)command->uptime_ms / 1000., &raw))
			return false;
		break;
	}
	wire_insert(&field->bits, data, raw);
	return true;
}

bool wire_build_frame(const struct wire *wire, unsigned index, struct wire_sending *sending,
		      const struct wire_command *command, uint8_t data[8])
{
	const struct wire_send *send = &wire->send[index];
	const struct wire_field *field = &wire->field[send->first_field];
	uint32_t sent = sending->sent[send->stream];

	if (send->when & WIRE_WHEN_CLOSE)
		sending->commands_close = command->close && command->keep_alive;
	if (!is_due(send->when, command))
		return false;
	memcpy(data, send->base, sizeof send->base);
	for (unsigned i = 0; i < send->n_fields; i++)
		if (!put_field(wire, &field[i], sent, command, data))
			return false;
	for (unsigned i = 0; i < send->n_fields; i++)
		if (field[i].kind == WIRE_FIELD_COMMAND)
			sending->commands_close = closes(&field[i], sent, command);
	wire_sum_put(&send->sum, send->id, data);
	sending->sent[send->stream]++;
	return true;
}
