#include "store/saved.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/rules.h"

enum type { BOOL, U32, I32, I64, NUMBER, TEXT };

struct member {
	const char *name;
	size_t offset;
	enum type type;
	unsigned count; /* elements, or bytes of a TEXT */
};

#define MEMBER(type, member, kind, count)                                                          \
	{                                                                                          \
#member, offsetof(struct type, member), kind, count                                \
	}
#define WEAR(pole, word)                                                                           \
	{word "_operations", offsetof(struct pack_saved, life.wear[pole].operations), U32, 1},     \
		{word "_loaded_breaks",                                                            \
		 offsetof(struct pack_saved, life.wear[pole].loaded_breaks), U32, 1},              \
		{word "_miner", offsetof(struct pack_saved, life.wear[pole].miner), NUMBER, 1},    \
		{word "_make_a", offsetof(struct pack_saved, life.wear[pole].make_a), NUMBER, 1},  \
		{word "_make_v", offsetof(struct pack_saved, life.wear[pole].make_v), NUMBER, 1},  \
		{word "_break_a", offsetof(struct pack_saved, life.wear[pole].break_a), NUMBER,    \
		 1},                                                                               \
		{word "_break_v", offsetof(struct pack_saved, life.wear[pole].break_v), NUMBER,    \
		 1},                                                                               \
	{                                                                                          \
		word "_break_a_max", offsetof(struct pack_saved, life.wear[pole].break_a_max),     \
			NUMBER, 1                                                                  \
	}

#define PROOF(test, word)                                                                          \
	{"proof_" word "_utc_ms", offsetof(struct bank_saved, proof[test].utc_ms), I64, 1},        \
	{                                                                                          \
		"proof_" word "_run_s", offsetof(struct bank_saved, proof[test].run_s), NUMBER, 1  \
	}

/* Whoever adds a member that must survive adds it here; test_store checks the sizes. Monotonic
 * instants mean nothing after a restart and stay out. */
static const struct member pack_members[] = {
	MEMBER(pack_saved, id, TEXT, ID_SIZE),
	MEMBER(pack_saved, valid, BOOL, 1),
	MEMBER(pack_saved, soc, NUMBER, 1),
	MEMBER(pack_saved, soc_sigma, NUMBER, 1),
	MEMBER(pack_saved, capacity_ah, NUMBER, 1),
	MEMBER(pack_saved, growth, NUMBER, 1),
	MEMBER(pack_saved, i_offset_a, NUMBER, 1),
	MEMBER(pack_saved, welded, BOOL, POLE_COUNT),
	MEMBER(pack_saved, alternate, BOOL, 1),
	MEMBER(pack_saved, disabled, BOOL, 1),
	MEMBER(pack_saved, ops_today, U32, 1),
	MEMBER(pack_saved, ops_day_ms, I64, 1),
	MEMBER(pack_saved, resistor_j, NUMBER, 1),
	MEMBER(pack_saved, tries, U32, 1),
	MEMBER(pack_saved, failures, U32, 1),
	MEMBER(pack_saved, weld.utc_ms, I64, 1),
	MEMBER(pack_saved, weld.run_s, NUMBER, 1),
	MEMBER(pack_saved, life.ah_dis, NUMBER, 1),
	MEMBER(pack_saved, life.ah_cha, NUMBER, 1),
	MEMBER(pack_saved, life.wh_dis, NUMBER, 1),
	MEMBER(pack_saved, life.wh_cha, NUMBER, 1),
	MEMBER(pack_saved, life.efc, NUMBER, 1),
	MEMBER(pack_saved, life.rainflow.stack, NUMBER, RAINFLOW_STACK),
	MEMBER(pack_saved, life.rainflow.depth, U32, 1),
	MEMBER(pack_saved, life.rainflow.candidate, NUMBER, 1),
	MEMBER(pack_saved, life.rainflow.direction, I32, 1),
	MEMBER(pack_saved, life.cycles, NUMBER, LIFE_DOD_BINS *LIFE_SOC_BANDS),
	MEMBER(pack_saved, life.hours_soc, NUMBER, LIFE_SOC_BANDS),
	MEMBER(pack_saved, life.hours_temp, NUMBER, LIFE_TEMP_BANDS),
	MEMBER(pack_saved, life.hours_connected, NUMBER, 1),
	MEMBER(pack_saved, life.hours_total, NUMBER, 1),
	MEMBER(pack_saved, life.hours_charging_cold, NUMBER, 1),
	MEMBER(pack_saved, life.hours_charging_hot, NUMBER, 1),
	MEMBER(pack_saved, life.deep_discharges, U32, 1),
	MEMBER(pack_saved, life.over_voltages, U32, 1),
	MEMBER(pack_saved, life.over_currents, U32, 1),
	MEMBER(pack_saved, life.over_temperatures, U32, 1),
	MEMBER(pack_saved, life.insulation_faults, U32, 1),
	MEMBER(pack_saved, life.joins, U32, 1),
	MEMBER(pack_saved, life.emergency_opens, U32, 1),
	MEMBER(pack_saved, life.join_peak_a, NUMBER, 1),
	MEMBER(pack_saved, life.leave_peak_a, NUMBER, 1),
	WEAR(POLE_NEGATIVE, "negative"),
	WEAR(POLE_POSITIVE, "positive"),
	WEAR(POLE_PRECHARGE, "precharge"),
	MEMBER(pack_saved, life.standing, U32, 1),
};

static const struct member bank_members[] = {
	MEMBER(bank_saved, utc_ms, I64, 1),
	MEMBER(bank_saved, event_seq, U32, 1),
	MEMBER(bank_saved, ended, BOOL, 1),
	MEMBER(bank_saved, ops_hour, U32, 1),
	MEMBER(bank_saved, ops_hour_ms, I64, 1),
	MEMBER(bank_saved, stopped, BOOL, 1),
	MEMBER(bank_saved, stopped_by, TEXT, ID_SIZE),
	MEMBER(bank_saved, locked, BOOL, 1),
	MEMBER(bank_saved, started, BOOL, 1),
	PROOF(PROOF_ESTOP, "estop"),
	PROOF(PROOF_HEARTBEAT, "heartbeat"),
	PROOF(PROOF_DEAD_MAN, "dead_man"),
	PROOF(PROOF_INSULATION, "insulation"),
};

/* The names that each series has in the file; setpoints have those from before there were two. */
static const struct {
	const char *seq, *ts, *session;
} series_names[SERIES_COUNT] = {
	[SERIES_SETPOINT] = {"last_seq", "last_ts_utc_ms", "session"},
	[SERIES_COMMAND] = {"cmd_seq", "cmd_ts_utc_ms", "cmd_session"},
};

static const struct member pcs_members[] = {
	MEMBER(pcs_saved, id, TEXT, ID_SIZE),
	MEMBER(pcs_saved, valid, BOOL, 1),
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static json_t *value_get(const struct member *m, const uint8_t *at, unsigned i)
{
	double number;
	int64_t i64;
	uint32_t u32;
	int32_t i32;

	switch (m->type) {
	case BOOL:
		return json_boolean(at[i] != 0);
	case U32:
		memcpy(&u32, at + i * sizeof u32, sizeof u32);
		return json_integer(u32);
	case I32:
		memcpy(&i32, at + i * sizeof i32, sizeof i32);
		return json_integer(i32);
	case I64:
		memcpy(&i64, at + i * sizeof i64, sizeof i64);
		return json_integer(i64);
	case NUMBER:
		memcpy(&number, at + i * sizeof number, sizeof number);
		return isfinite(number) ? json_real(number) : json_null();
	case TEXT:
		return json_string((const char *)at);
	}
	return NULL;
}

/* False when the JSON value does not fit the member. */
static bool value_set(const struct member *m, uint8_t *at, unsigned i, const json_t *value)
{
	double number = json_is_null(value) ? (double)NAN : json_number_value(value);
	int64_t i64 = json_integer_value(value);
	uint32_t u32 = (uint32_t)i64;
	int32_t i32 = (int32_t)i64;
	bool truth = json_is_true(value);

	switch (m->type) {
	case BOOL:
		memcpy(at + i * sizeof truth, &truth, sizeof truth);
		return json_is_boolean(value);
	case U32:
		memcpy(at + i * sizeof u32, &u32, sizeof u32);
		return json_is_integer(value) && i64 == u32;
	case I32:
		memcpy(at + i * sizeof i32, &i32, sizeof i32);
		return json_is_integer(value) && i64 == i32;
	case I64:
		memcpy(at + i * sizeof i64, &i64, sizeof i64);
		return json_is_integer(value);
	case NUMBER:
		memcpy(at + i * sizeof number, &number, sizeof number);
		return json_is_null(value) || json_is_number(value);
	case TEXT:
		if (!json_is_string(value) || json_string_length(value) >= m->count)
			return false;
		memcpy(at, json_string_value(value), json_string_length(value) + 1);
		return true;
	}
	return false;
}

static json_t *members_get(const void *from, const struct member *member, size_t n)
{
	json_t *object = json_object();

	for (size_t k = 0; k < n; k++) {
		const struct member *m = &member[k];
		const uint8_t *at = (const uint8_t *)from + m->offset;
		json_t *array;

		if (m->count == 1 || m->type == TEXT) {
			json_object_set_new(object, m->name, value_get(m, at, 0));
			continue;
		}
		array = json_array();
		for (unsigned i = 0; i < m->count; i++)
			json_array_append_new(array, value_get(m, at, i));
		json_object_set_new(object, m->name, array);
	}
	return object;
}

/* Members that an older version did not write stay as they are. The name of the first that does not
 * fit, or NULL. */
static const char *members_set(void *to, const struct member *member, size_t n, const json_t *from)
{
	for (size_t k = 0; k < n; k++) {
		const struct member *m = &member[k];
		const json_t *value = json_object_get(from, m->name);
		uint8_t *at = (uint8_t *)to + m->offset;

		if (!value)
			continue;
		if (m->count == 1 || m->type == TEXT) {
			if (!value_set(m, at, 0, value))
				return m->name;
			continue;
		}
		for (unsigned i = 0; i < m->count && i < json_array_size(value); i++)
			if (!value_set(m, at, i, json_array_get(value, i)))
				return m->name;
	}
	return NULL;
}

static json_t *latches_get(uint64_t latched, const struct rule *rule, unsigned n)
{
	json_t *array = json_array();

	for (unsigned r = 0; r < n && r < 64; r++)
		if (latched >> r & 1)
			json_array_append_new(array,
					      json_string(reason_text(rule[r].reason)->word));
	return array;
}

/* Every latching rule with the reason comes back latched. The first unknown word, or NULL. */
static const char *latches_set(uint64_t *latched, const struct rule *rule, unsigned n,
			       const json_t *array)
{
	const char *unknown = NULL;

	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *word = json_string_value(json_array_get(array, i));
		bool found = false;

		for (unsigned r = 0; word && r < n && r < 64; r++) {
			if (!(rule[r].flags & RULE_LATCH) ||
			    strcmp(word, reason_text(rule[r].reason)->word) != 0)
				continue;
			*latched |= (uint64_t)1 << r;
			found = true;
		}
		if (!found)
			unknown = word ? word : "?";
	}
	return unknown;
}

static json_t *converters_get(const struct bank_saved *saved)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < saved->n_pcs; i++) {
		const struct pcs_saved *p = &saved->pcs[i];
		json_t *pcs = members_get(p, pcs_members, COUNT(pcs_members));

		json_object_set_new(pcs, "latched",
				    latches_get(p->latched, pcs_rules, n_pcs_rules));
		json_array_append_new(array, pcs);
	}
	return array;
}

/* The first member that does not fit, or NULL. */
static const char *converters_set(struct bank_saved *saved, const json_t *array,
				  const char **unknown)
{
	const char *bad = NULL;

	if (json_array_size(array) > PCS_MAX)
		return "pcs";
	saved->n_pcs = (unsigned)json_array_size(array);
	for (unsigned i = 0; i < saved->n_pcs && !bad; i++) {
		struct pcs_saved *p = &saved->pcs[i];
		const json_t *pcs = json_array_get(array, i);
		const char *word = latches_set(&p->latched, pcs_rules, n_pcs_rules,
					       json_object_get(pcs, "latched"));

		bad = members_set(p, pcs_members, COUNT(pcs_members), pcs);
		*unknown = word ? word : *unknown;
	}
	return bad;
}

static void memory_get(const struct bank_saved *saved, json_t *root)
{
	for (unsigned j = 0; j < SERIES_COUNT; j++) {
		const struct memory_saved *memory = &saved->memory[j];
		json_t *seq = json_array(), *ts = json_array(), *session = json_array();

		for (unsigned i = 0; i < SOURCE_MAX; i++) {
			json_array_append_new(seq, json_integer(memory->last_seq[i]));
			json_array_append_new(ts, json_integer(memory->last_ts_utc_ms[i]));
			json_array_append_new(session, json_string(memory->session[i]));
		}
		json_object_set_new(root, series_names[j].seq, seq);
		json_object_set_new(root, series_names[j].ts, ts);
		json_object_set_new(root, series_names[j].session, session);
	}
}

/* The first member that does not fit, or NULL. An older version counted all messages of a source
 * together: what it saved holds for both. */
static const char *memory_set(struct bank_saved *saved, const json_t *root)
{
	bool together = !json_object_get(root, series_names[SERIES_COMMAND].seq);

	for (unsigned j = 0; j < SERIES_COUNT; j++) {
		unsigned named = together ? (unsigned)SERIES_SETPOINT : j;
		struct memory_saved *memory = &saved->memory[j];
		const struct member numbers[] = {
			{series_names[named].seq, offsetof(struct memory_saved, last_seq), I64,
			 SOURCE_MAX},
			{series_names[named].ts, offsetof(struct memory_saved, last_ts_utc_ms), I64,
			 SOURCE_MAX},
		};
		const json_t *sessions = json_object_get(root, series_names[named].session);
		const char *bad = members_set(memory, numbers, COUNT(numbers), root);

		if (bad)
			return bad;
		for (unsigned i = 0; i < SOURCE_MAX && i < json_array_size(sessions); i++) {
			const char *text = json_string_value(json_array_get(sessions, i));

			if (text)
				snprintf(memory->session[i], SESSION_SIZE, "%s", text);
		}
	}
	return NULL;
}

char *saved_encode(const struct bank_saved *saved)
{
	json_t *root = members_get(saved, bank_members, COUNT(bank_members));
	json_t *packs = json_array();
	char *text;

	for (unsigned k = 0; k < saved->n_packs; k++) {
		const struct pack_saved *p = &saved->pack[k];
		json_t *pack = members_get(p, pack_members, COUNT(pack_members));

		json_object_set_new(pack, "latched",
				    latches_get(p->latched, pack_rules, n_pack_rules));
		json_array_append_new(packs, pack);
	}
	json_object_set_new(root, "v", json_integer(SAVED_VERSION));
	memory_get(saved, root);
	json_object_set_new(root, "latched", latches_get(saved->latched, bank_rules, n_bank_rules));
	json_object_set_new(root, "packs", packs);
	json_object_set_new(root, "pcs", converters_get(saved));
	text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
	json_decref(root);
	return text;
}

/* The first member that does not fit, or NULL. */
static const char *root_decode(const json_t *root, struct bank_saved *saved, const char **unknown)
{
	const json_t *packs = json_object_get(root, "packs");
	const char *bad = members_set(saved, bank_members, COUNT(bank_members), root);

	if (saved->ops_hour_ms < 0)
		bad = "ops_hour_ms";
	*unknown = latches_set(&saved->latched, bank_rules, n_bank_rules,
			       json_object_get(root, "latched"));
	if (!bad)
		bad = memory_set(saved, root);
	if (!bad)
		bad = converters_set(saved, json_object_get(root, "pcs"), unknown);
	if (json_array_size(packs) > PACK_MAX)
		return "packs";
	saved->n_packs = (unsigned)json_array_size(packs);
	for (unsigned k = 0; k < saved->n_packs && !bad; k++) {
		struct pack_saved *p = &saved->pack[k];
		const json_t *pack = json_array_get(packs, k);
		const char *word = latches_set(&p->latched, pack_rules, n_pack_rules,
					       json_object_get(pack, "latched"));

		bad = members_set(p, pack_members, COUNT(pack_members), pack);
		if (p->life.rainflow.depth > RAINFLOW_STACK)
			bad = "life.rainflow.depth";
		if (p->ops_day_ms < 0)
			bad = "ops_day_ms";
		*unknown = word ? word : *unknown;
	}
	return bad;
}

bool saved_decode(const char *text, struct bank_saved *saved, char *error, size_t size)
{
	json_error_t where;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	const char *bad, *unknown;

	memset(saved, 0, sizeof *saved);
	snprintf(error, size, "%s", "");
	if (!root || json_integer_value(json_object_get(root, "v")) != SAVED_VERSION) {
		snprintf(error, size, "saved state is not of version %d: %s", SAVED_VERSION,
			 root ? "it was written by another version" : where.text);
		json_decref(root);
		return false;
	}
	bad = root_decode(root, saved, &unknown);
	if (bad)
		snprintf(error, size, "saved state: %s is not what it should be", bad);
	else if (unknown)
		snprintf(error, size, "saved state holds a latch this version does not know: %s",
			 unknown);
	saved->locked = saved->locked || unknown;
	saved->valid = !bad;
	json_decref(root);
	return !bad;
}
