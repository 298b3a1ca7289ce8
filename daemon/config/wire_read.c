/* The groups of a profile that describe its wire, and what follows from them. */
#include <stdlib.h>
#include <string.h>

#include "config/wire_message.h"

static const struct wire_key can_keys[] = {
	{"current_sign", true, "what a positive raw current is: discharge or charge"},
	{"pack_v_of_cells", false, "it sends no voltage of its own: the sum of its cells"},
	{"generations", false, "of packs that send the same ids with other meanings"},
	{"generation_settle_s", false, "the first generation holds when no id proved another; 2"},
	{"fits", false, "generations this profile is for"},
	{"frames", false, "what the pack sends by itself"},
	{"channels", false, "ISO-TP conversations"},
	{"requests", false, "what the pack is asked for"},
	{"sends", false, "frames that keep it awake and command it"},
	{"close_s", false, "its BMS has pre-charged and closed within"},
	{"open_s", false, "its BMS has opened within"},
};

static const struct wire_key modbus_keys[] = {
	{"current_sign", true, "what a positive raw current is: discharge or charge"},
	{"blocks", true, "registers read together"},
};

static const struct wire_key provenance_keys[] = {
	{"source", true, "where the facts come from"},
	{"verified", true, "what was verified, and on what"},
	{"unverified", true, "what was not"},
};

static const struct wire_key generation_keys[] = {
	{"name", true, "signals name it"},
	{"seen", false, "ids that prove it"},
};

static void sign_read(struct wire_reader *reader, const config_setting_t *group, const char *where)
{
	static const char *const words[] = {"discharge", "charge"};
	unsigned way = 0;

	wire_word(reader, group, where, "current_sign", words, 2, &way);
	reader->wire->current_sign = way == 0 ? 1.0 : -1.0;
}

/* ---- generations ------------------------------------------------------------------------- */

static void generation_read(struct wire_reader *reader, const config_setting_t *setting,
			    const char *where)
{
	struct wire *wire = reader->wire;

	wire_text(reader, setting, where, "name", wire->generation[wire->n_generations],
		  WIRE_NAME_SIZE);
	wire->n_generations++;
	WIRE_KEYS(reader, setting, where, generation_keys);
}

static void fits_read(struct wire_reader *reader, const config_setting_t *can, const char *where)
{
	const config_setting_t *list = config_setting_get_member(can, "fits");
	struct wire *wire = reader->wire;

	wire->fits = (uint8_t)((1u << wire->n_generations) - 1);
	if (!list)
		return;
	wire->fits = 0;
	for (int i = 0; i < config_setting_length(list); i++) {
		const char *name = config_setting_get_string_elem(list, i);
		unsigned g = 0;

		while (g < wire->n_generations && (!name || strcmp(wire->generation[g], name)))
			g++;
		if (g < wire->n_generations)
			wire->fits |= (uint8_t)(1u << g);
		else
			mistake_at(reader->mistakes, list, where,
				   "fits \"%s\": there is no such generation in can.generations",
				   name ? name : "");
	}
}

/* The ids that prove a generation; one that no signal needs becomes a frame without any. */
static void proofs_read(struct wire_reader *reader, const config_setting_t *can, const char *where)
{
	const config_setting_t *list = config_setting_get_member(can, "generations");
	struct wire *wire = reader->wire;

	for (unsigned g = 0; g < wire->n_generations; g++) {
		const config_setting_t *one = config_setting_get_elem(list, g);
		int64_t ids[16];
		uint8_t n = 0;

		if (config_setting_is_group(one))
			wire_codes(reader, one, where, "seen", 16, ids, &n);
		for (unsigned i = 0; i < n; i++) {
			unsigned f = 0;

			while (f < wire->n_frames && wire->frame[f].id != (uint32_t)ids[i])
				f++;
			if (f == WIRE_FRAME_MAX) {
				mistake_at(reader->mistakes, one, where, "more than %d frames",
					   WIRE_FRAME_MAX);
				return;
			}
			if (f == wire->n_frames) {
				reader->frame_at[f] = one;
				wire->frame[wire->n_frames++].id = (uint32_t)ids[i];
			}
			wire->frame[f].proves = (uint8_t)(g + 1);
		}
	}
}

/* ---- what follows ------------------------------------------------------------------------ */

static unsigned group_of(const struct wire_signal *signal)
{
	switch (signal->target) {
	case WIRE_TO_PACK_V:
	case WIRE_TO_CURRENT_A:
		return WIRE_ELECTRICAL;
	case WIRE_TO_LINK_V:
		return WIRE_LINK;
	case WIRE_TO_CELL_V:
	case WIRE_TO_CELL_MIN_V:
	case WIRE_TO_CELL_MAX_V:
		return WIRE_CELLS;
	case WIRE_TO_TEMP_C:
	case WIRE_TO_TEMP_MIN_C:
	case WIRE_TO_TEMP_MAX_C:
		return WIRE_TEMPS;
	case WIRE_TO_SOC:
	case WIRE_TO_SOH:
	case WIRE_TO_DIS_LIMIT_A:
	case WIRE_TO_DIS_LIMIT_W:
	case WIRE_TO_CHA_LIMIT_A:
	case WIRE_TO_CHA_LIMIT_W:
	case WIRE_TO_INSULATION_OHM:
	case WIRE_TO_AUX_V:
	case WIRE_TO_FLAG:
		return WIRE_BMS;
	case WIRE_TO_CONTACT:
		return WIRE_CONTACTS;
	case WIRE_TO_SERIAL:
	case WIRE_TO_INFO:
	case WIRE_TO_NOTHING:
	case WIRE_TARGET_COUNT:
		break;
	}
	return 0;
}

static void derive_signal(struct wire_reader *reader, const struct wire_signal *signal)
{
	struct wire *wire = reader->wire;
	/* One that only some of the fitting generations send cannot be demanded of all. */
	bool always = signal->generations == 0 || (wire->fits & ~signal->generations) == 0;
	bool demanded = !signal->optional && always;
	unsigned end = signal->index + (unsigned)signal->count;

	if (signal->generations == 0 || signal->generations & wire->fits)
		wire->groups |= group_of(signal);
	if (signal->target == WIRE_TO_CELL_V)
		wire->n_cells = (uint16_t)reader->profile->site.model.cells_series;
	else if (signal->target == WIRE_TO_TEMP_C && always && end > wire->n_temps)
		wire->n_temps = (uint16_t)end;
	else if (signal->target == WIRE_TO_CONTACT)
		wire->contacts |= (uint8_t)(1u << signal->index);
	else if (signal->target == WIRE_TO_FLAG && demanded)
		wire->required_flags |= UINT64_C(1) << signal->flag_slot;
	else if (demanded && signal->target != WIRE_TO_INFO && signal->target != WIRE_TO_SERIAL)
		wire->required |= 1u << signal->target;
}

static void derive_sends(struct wire *wire)
{
	for (unsigned i = 0; i < wire->n_sends; i++)
		wire->by_frames |= (wire->send[i].when & WIRE_WHEN_CLOSE) != 0;
	for (unsigned i = 0; i < wire->n_fields; i++) {
		wire->by_frames |= wire->field[i].kind == WIRE_FIELD_COMMAND;
		wire->needs_bus_v |= wire->field[i].kind == WIRE_FIELD_BUS_V;
	}
}

void wire_derive(struct wire_reader *reader)
{
	struct wire *wire = reader->wire;

	for (unsigned i = 0; i < wire->n_signals; i++)
		derive_signal(reader, &wire->signal[i]);
	for (unsigned i = 0; i < wire->n_frames; i++)
		wire->counts |=
			wire->frame[i].electrical && wire->frame[i].message.counter.bits.bytes > 0;
	if (wire->v_of_cells) {
		wire->groups |= WIRE_ELECTRICAL;
		wire->required |= 1u << WIRE_TO_PACK_V;
	}
	derive_sends(wire);
}

static uint64_t digest_of(const struct wire *wire)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	uint64_t digest;

	if (!out)
		abort();
	wire_print(wire, out);
	if (fclose(out) != 0)
		abort();
	digest = wire_serial_digest(text, size);
	free(text);
	return digest;
}

/* ---- the groups -------------------------------------------------------------------------- */

static void can_read(struct wire_reader *reader, const config_setting_t *can, const char *where)
{
	if (!WIRE_KEYS(reader, can, where, can_keys))
		return;
	sign_read(reader, can, where);
	wire_flag(reader, can, where, "pack_v_of_cells", &reader->wire->v_of_cells);
	reader->wire->generation_settle_ms = 2000;
	wire_seconds(reader, can, where, "generation_settle_s", 0.1, 60.0,
		     &reader->wire->generation_settle_ms);
	wire_list(reader, can, where, "generations", WIRE_GENERATION_MAX, generation_read);
	fits_read(reader, can, where);
	wire_frames(reader, can, where);
	proofs_read(reader, can, where);
	wire_requests(reader, can, where);
	wire_sends(reader, can, where);
	wire_seconds(reader, can, where, "close_s", 0.02, 30.0, &reader->wire->close_ms);
	wire_seconds(reader, can, where, "open_s", 0.02, 10.0, &reader->wire->open_ms);
}

static void modbus_read(struct wire_reader *reader, const config_setting_t *modbus,
			const char *where)
{
	if (!WIRE_KEYS(reader, modbus, where, modbus_keys))
		return;
	sign_read(reader, modbus, where);
	wire_blocks(reader, modbus, where);
}

static void provenance_read(struct wire_reader *reader, const config_setting_t *root,
			    const config_setting_t *wire, const char *where, char *unverified,
			    size_t size)
{
	const config_setting_t *group = config_setting_get_member(root, "provenance");
	char full[WIRE_WHERE_SIZE];

	wire_where(full, "%s: provenance", where);
	if (group) {
		WIRE_KEYS(reader, group, full, provenance_keys);
		wire_text(reader, group, full, "unverified", unverified, size);
	} else {
		mistake_at(reader->mistakes, wire, where,
			   "provenance is missing: say source, verified and unverified");
	}
}

void wire_read(struct reader *reader, struct profile *profile, const char *where)
{
	const config_setting_t *root = config_root_setting(&profile->tree);
	const config_setting_t *can = config_setting_get_member(root, "can");
	const config_setting_t *modbus = config_setting_get_member(root, "modbus");
	struct config *config = reader->config;
	struct wire_reader *own;
	char full[WIRE_WHERE_SIZE];
	size_t before = reader->mistakes.n;

	if (!can && !modbus)
		return;
	own = calloc(1, sizeof(*own));
	if (!own || !(own->wire = calloc(1, sizeof(*own->wire))))
		abort();
	own->mistakes = &reader->mistakes;
	own->profile = profile;
	snprintf(own->wire->profile, sizeof(own->wire->profile), "%s", profile->name);
	wire_where(full, "%s: %s", where, can ? "can" : "modbus");
	if (can && modbus)
		mistake_at(&reader->mistakes, modbus, where,
			   "both can and modbus: a pack talks on one bus");
	if (can)
		can_read(own, can, full);
	else
		modbus_read(own, modbus, full);
	provenance_read(own, root, can ? can : modbus, where, profile->own.unverified,
			sizeof(profile->own.unverified));
	wire_derive(own);
	/* What does not add up is worth saying only of what was understood. */
	if (reader->mistakes.n == before)
		wire_check(own, can ? can : modbus, full);
	own->wire->digest = digest_of(own->wire);
	config->wire[config->n_wires++] = own->wire;
	profile->own.wire = own->wire;
	free(own);
}
