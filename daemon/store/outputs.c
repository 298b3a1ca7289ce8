/* Comparison of two struct bank_outputs field by field: padding is nobody's decision. */
#include "store/recording.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum field_type { FIELD_BOOL, FIELD_U8, FIELD_I16, FIELD_U32, FIELD_I64, FIELD_DOUBLE, FIELD_TEXT };

struct field {
	const char *name;
	size_t offset;
	enum field_type type;
};

#define FIELD(type, member, kind)                                                                  \
	{                                                                                          \
#member, offsetof(struct type, member), kind                                       \
	}
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct field head[] = {
	FIELD(bank_outputs, pcs_enable, FIELD_BOOL),
	FIELD(bank_outputs, heartbeat, FIELD_BOOL),
	FIELD(bank_outputs, relay_healthy, FIELD_BOOL),
	FIELD(bank_outputs, fire_healthy, FIELD_BOOL),
	FIELD(bank_outputs, fan, FIELD_BOOL),
	FIELD(bank_outputs, bus_dis_max_a, FIELD_DOUBLE),
	FIELD(bank_outputs, bus_cha_max_a, FIELD_DOUBLE),
	FIELD(bank_outputs, bus_min_v, FIELD_DOUBLE),
	FIELD(bank_outputs, bus_max_v, FIELD_DOUBLE),
	FIELD(bank_outputs, bus_known, FIELD_BOOL),
	FIELD(bank_outputs, bus_v, FIELD_DOUBLE),
	FIELD(bank_outputs, face.known, FIELD_BOOL),
	FIELD(bank_outputs, face.v, FIELD_DOUBLE),
	FIELD(bank_outputs, face.a, FIELD_DOUBLE),
	FIELD(bank_outputs, face.soc, FIELD_DOUBLE),
	FIELD(bank_outputs, face.soh, FIELD_DOUBLE),
	FIELD(bank_outputs, face.temp_min_c, FIELD_DOUBLE),
	FIELD(bank_outputs, face.temp_max_c, FIELD_DOUBLE),
	FIELD(bank_outputs, face.cell_min_v, FIELD_DOUBLE),
	FIELD(bank_outputs, face.cell_max_v, FIELD_DOUBLE),
	FIELD(bank_outputs, face.pack_min_v, FIELD_DOUBLE),
	FIELD(bank_outputs, face.pack_max_v, FIELD_DOUBLE),
	FIELD(bank_outputs, face.temp_min_pack, FIELD_U8),
	FIELD(bank_outputs, face.temp_max_pack, FIELD_U8),
	FIELD(bank_outputs, face.cell_min_pack, FIELD_U8),
	FIELD(bank_outputs, face.cell_max_pack, FIELD_U8),
	FIELD(bank_outputs, face.pack_min_pack, FIELD_U8),
	FIELD(bank_outputs, face.pack_max_pack, FIELD_U8),
	FIELD(bank_outputs, face.capacity_ah, FIELD_DOUBLE),
	FIELD(bank_outputs, face.wh_dis, FIELD_DOUBLE),
	FIELD(bank_outputs, face.wh_cha, FIELD_DOUBLE),
	FIELD(bank_outputs, face.packs_online, FIELD_U8),
	FIELD(bank_outputs, face.packs_offline, FIELD_U8),
	FIELD(bank_outputs, face.packs_no_charge, FIELD_U8),
	FIELD(bank_outputs, face.packs_no_discharge, FIELD_U8),
	FIELD(bank_outputs, face.charge_ok, FIELD_BOOL),
	FIELD(bank_outputs, face.discharge_ok, FIELD_BOOL),
	FIELD(bank_outputs, face.alarms, FIELD_U32),
	FIELD(bank_outputs, face.warnings, FIELD_U32),
	FIELD(bank_outputs, next_step_ms, FIELD_I64),
	FIELD(bank_outputs, n_events, FIELD_U32),
	FIELD(bank_outputs, events_dropped, FIELD_U32),
	FIELD(bank_outputs, n_acks, FIELD_U32),
};
static const struct field pack[] = {
	FIELD(pack_output, coil[POLE_NEGATIVE], FIELD_BOOL),
	FIELD(pack_output, coil[POLE_POSITIVE], FIELD_BOOL),
	FIELD(pack_output, coil[POLE_PRECHARGE], FIELD_BOOL),
	FIELD(pack_output, boost, FIELD_BOOL),
	FIELD(pack_output, keep_alive, FIELD_BOOL),
};
static const struct field pcs[] = {
	FIELD(pcs_output, run, FIELD_BOOL),
	FIELD(pcs_output, p_w, FIELD_DOUBLE),
};
static const struct field event[] = {
	FIELD(event, at_ms, FIELD_I64),        FIELD(event, seq, FIELD_U32),
	FIELD(event, kind, FIELD_U32),         FIELD(event, reason, FIELD_U32),
	FIELD(event, pack, FIELD_I16),         FIELD(event, pcs, FIELD_I16),
	FIELD(event, value, FIELD_DOUBLE),     FIELD(event, threshold, FIELD_DOUBLE),
};
static const struct field ack[] = {
	FIELD(ack, status, FIELD_U32),     FIELD(ack, reason, FIELD_U32),
	FIELD(ack, source, FIELD_U8),      FIELD(ack, id, FIELD_TEXT),
	FIELD(ack, seq, FIELD_I64),        FIELD(ack, received_ms, FIELD_I64),
	FIELD(ack, p_req_w, FIELD_DOUBLE), FIELD(ack, p_set_w, FIELD_DOUBLE),
	FIELD(ack, expires_ms, FIELD_I64), FIELD(ack, duplicate, FIELD_BOOL),
};

static bool numbers_same(double a, double b, bool exact)
{
	if (memcmp(&a, &b, sizeof a) == 0)
		return true;
	if (exact)
		return false;
	if (isnan(a) || isnan(b))
		return isnan(a) && isnan(b);
	return a == b || fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

static size_t field_size(enum field_type type)
{
	static const uint8_t size[] = {1, 1, 2, 4, 8, 8, 0};

	return size[type];
}

static bool field_same(const struct field *f, const uint8_t *a, const uint8_t *b, bool exact)
{
	double x, y;

	if (f->type == FIELD_TEXT)
		return strncmp((const char *)a, (const char *)b, COMMAND_ID_SIZE) == 0;
	if (f->type != FIELD_DOUBLE)
		return memcmp(a, b, field_size(f->type)) == 0;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return numbers_same(x, y, exact);
}

static void field_print(const struct field *f, const uint8_t *at, char *text, size_t size)
{
	int64_t i64;
	uint32_t u32;
	int16_t i16;
	double d;

	switch (f->type) {
	case FIELD_BOOL:
		snprintf(text, size, "%s", *at ? "true" : "false");
		break;
	case FIELD_U8:
		snprintf(text, size, "%u", *at);
		break;
	case FIELD_I16:
		memcpy(&i16, at, sizeof i16);
		snprintf(text, size, "%d", i16);
		break;
	case FIELD_U32:
		memcpy(&u32, at, sizeof u32);
		snprintf(text, size, "%" PRIu32, u32);
		break;
	case FIELD_I64:
		memcpy(&i64, at, sizeof i64);
		snprintf(text, size, "%" PRId64, i64);
		break;
	case FIELD_DOUBLE:
		memcpy(&d, at, sizeof d);
		snprintf(text, size, "%.17g", d);
		break;
	case FIELD_TEXT:
		snprintf(text, size, "\"%.*s\"", COMMAND_ID_SIZE - 1, (const char *)at);
		break;
	}
}

struct compare {
	const struct bank_outputs *recorded, *replayed;
	bool exact;
	char *text;
	size_t size;
};

/* Compares `n` elements of an array of structs; `group` NULL: the fields of the whole. */
static bool group_differs(const struct compare *c, const char *group, size_t offset, size_t stride,
			  unsigned n, const struct field *field, size_t fields)
{
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *a = (const uint8_t *)c->recorded + offset + i * stride;
		const uint8_t *b = (const uint8_t *)c->replayed + offset + i * stride;

		for (size_t k = 0; k < fields; k++) {
			const struct field *f = &field[k];
			char was[80], is[80], where[32] = "";

			if (field_same(f, a + f->offset, b + f->offset, c->exact))
				continue;
			field_print(f, a + f->offset, was, sizeof was);
			field_print(f, b + f->offset, is, sizeof is);
			if (group)
				snprintf(where, sizeof where, "%s[%u].", group, i);
			snprintf(c->text, c->size, "%s%s: recorded %s, replayed %s", where, f->name,
				 was, is);
			return true;
		}
	}
	return false;
}

#define GROUP_DIFFERS(member, n)                                                                   \
	group_differs(&c, #member, offsetof(struct bank_outputs, member),                          \
		      sizeof recorded->member[0], n, member, COUNT(member))

bool outputs_differ(const struct bank_outputs *recorded, const struct bank_outputs *replayed,
		    unsigned n_packs, bool exact, char *text, size_t size)
{
	const struct compare c = {recorded, replayed, exact, text, size};
	/* What happened explains best; so events come before the numbers that follow from them. */
	unsigned events =
		recorded->n_events < replayed->n_events ? recorded->n_events : replayed->n_events;
	unsigned acks = recorded->n_acks < replayed->n_acks ? recorded->n_acks : replayed->n_acks;

	return GROUP_DIFFERS(event, events) || GROUP_DIFFERS(ack, acks) ||
	       group_differs(&c, NULL, 0, 0, 1, head, COUNT(head)) ||
	       GROUP_DIFFERS(pack, n_packs) || GROUP_DIFFERS(pcs, PCS_MAX);
}
