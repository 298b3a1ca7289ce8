/* What must hold within one wire description, and between it, its pack and its bus. */
#include <string.h>

#include "config/wire.h"

/* ---- targets ----------------------------------------------------------------------------- */

static bool same_target(const struct wire_signal *a, const struct wire_signal *b)
{
	if (a->target != b->target || a->target == WIRE_TO_FLAG || a->target == WIRE_TO_INFO)
		return false;
	if (a->page.bytes || b->page.bytes || a->request_step || b->request_step)
		return false; /* the index is known only when the message is there */
	return a->index < b->index + b->count && b->index < a->index + a->count;
}

static void check_targets(struct wire_reader *reader, const char *where)
{
	const struct wire *wire = reader->wire;

	for (unsigned i = 0; i < wire->n_signals; i++)
		for (unsigned j = 0; j < i; j++)
			if (same_target(&wire->signal[i], &wire->signal[j]) &&
			    !wire_exclude(&wire->signal[i], &wire->signal[j]))
				mistake_at(reader->mistakes, reader->signal_at[i], where,
					   "%s is given by line %u already: keep one of them",
					   wire_target_word(&wire->signal[i]),
					   config_setting_source_line(reader->signal_at[j]));
}

/* False for what only generations send that the profile is not for. */
static bool fits(const struct wire *wire, const struct wire_signal *signal)
{
	return signal->generations == 0 || signal->generations & wire->fits;
}

static bool has_target(const struct wire *wire, enum wire_target target)
{
	for (unsigned i = 0; i < wire->n_signals; i++)
		if (wire->signal[i].target == target && fits(wire, &wire->signal[i]))
			return true;
	return false;
}

static void check_extremes(struct wire_reader *reader, const config_setting_t *group,
			   const char *where, enum wire_target one, enum wire_target low,
			   enum wire_target high, const char *of)
{
	const struct wire *wire = reader->wire;
	bool each = one == WIRE_TO_CELL_V ? wire->n_cells : wire->n_temps;

	if (each && (has_target(wire, low) || has_target(wire, high)))
		mistake_at(reader->mistakes, group, where,
			   "%s one by one and their extremes: keep one of the two, the other may "
			   "be an \"info\"",
			   of);
	if (!each && has_target(wire, low) != has_target(wire, high))
		mistake_at(reader->mistakes, group, where,
			   "%s: the lowest or the highest is missing", of);
}

static void check_cells(struct wire_reader *reader, const config_setting_t *group,
			const char *where)
{
	const struct wire *wire = reader->wire;
	bool seen[CELL_MAX] = {false};

	if (wire->n_cells == 0)
		return;
	for (unsigned i = 0; i < wire->n_signals; i++) {
		const struct wire_signal *signal = &wire->signal[i];
		unsigned n = signal->count;

		if (signal->target != WIRE_TO_CELL_V)
			continue;
		if (signal->page.bytes)
			return; /* how many pages there are only the pack knows */
		for (unsigned r = 0; r < wire->n_requests; r++) {
			const struct wire_message *message = &wire->request[r].message;

			if (i >= message->first_signal &&
			    i < message->first_signal + (unsigned)message->n_signals)
				n = signal->count * wire->request[r].n_steps;
		}
		for (unsigned c = signal->index; c < signal->index + n && c < CELL_MAX; c++)
			seen[c] = true;
		if (signal->index + n > wire->n_cells)
			mistake_at(reader->mistakes, reader->signal_at[i], where,
				   "cell %u is beyond model.cells_series %u", signal->index + n - 1,
				   wire->n_cells);
	}
	for (unsigned c = 0; c < wire->n_cells; c++) {
		if (seen[c])
			continue;
		mistake_at(
			reader->mistakes, group, where,
			"no signal gives cell %u of model.cells_series %u: the cells would never "
			"be known",
			c, wire->n_cells);
		return;
	}
}

static void check_readings(struct wire_reader *reader, const config_setting_t *group,
			   const char *where)
{
	const struct wire *wire = reader->wire;
	const struct pack_site *site = &reader->profile->site;
	bool has_v = has_target(wire, WIRE_TO_PACK_V);

	if (!(has_v || wire->v_of_cells) || !has_target(wire, WIRE_TO_CURRENT_A))
		mistake_at(reader->mistakes, group, where,
			   "no signal gives %s: a pack without it cannot be used",
			   has_v || wire->v_of_cells ? "current_a" : "pack_v");
	if (wire->v_of_cells && (has_v || wire->n_cells == 0))
		mistake_at(reader->mistakes, group, where,
			   has_v ? "pack_v_of_cells, and a signal gives pack_v: keep one of them"
				 : "pack_v_of_cells, and no signal gives the cells one by one");
	if (site->cells_required && !(wire->groups & WIRE_CELLS))
		mistake_at(reader->mistakes, group, where,
			   "readings.cells_required, and no signal gives cells");
	if (site->temps_required && !(wire->groups & WIRE_TEMPS))
		mistake_at(reader->mistakes, group, where,
			   "readings.temps_required, and no signal gives temperatures");
	if (site->bms_required && !(wire->groups & WIRE_BMS))
		mistake_at(reader->mistakes, group, where,
			   "readings.bms_required, and no signal gives a status of the BMS");
	if (site->has_link_v != ((wire->groups & WIRE_LINK) != 0))
		mistake_at(reader->mistakes, group, where,
			   "readings.link_v is %s, and %s signal gives link_v",
			   site->has_link_v ? "true" : "false", site->has_link_v ? "no" : "a");
}

/* ---- ids and sending --------------------------------------------------------------------- */

static void check_ids(struct wire_reader *reader, const char *where)
{
	const unsigned ways = WIRE_WHEN_CLOSE | WIRE_WHEN_OPEN; /* only one of them at a time */
	struct wire *wire = reader->wire;

	for (unsigned i = 0; i < wire->n_frames; i++)
		for (unsigned j = 0; j < i; j++)
			if (wire->frame[i].id == wire->frame[j].id &&
			    wire->frame[i].ext == wire->frame[j].ext)
				mistake_at(reader->mistakes, reader->frame_at[i], where,
					   "frame 0x%X is described by line %u already",
					   wire->frame[i].id,
					   config_setting_source_line(reader->frame_at[j]));
	for (unsigned i = 0; i < wire->n_sends; i++) {
		for (unsigned j = 0; j < i; j++)
			if (wire->send[i].id == wire->send[j].id &&
			    wire->send[i].ext == wire->send[j].ext &&
			    ((wire->send[i].when | wire->send[j].when) & ways) != ways)
				mistake_at(reader->mistakes, reader->send_at[i], where,
					   "frame 0x%X is sent by line %u already",
					   wire->send[i].id,
					   config_setting_source_line(reader->send_at[j]));
		for (unsigned j = 0; j < wire->n_frames; j++)
			if (wire->send[i].id == wire->frame[j].id &&
			    wire->send[i].ext == wire->frame[j].ext)
				mistake_at(reader->mistakes, reader->send_at[i], where,
					   "frame 0x%X is sent, and read at line %u: either the "
					   "pack sends it or we do",
					   wire->send[i].id,
					   config_setting_source_line(reader->frame_at[j]));
	}
	wire_index(wire);
}

static void check_contactors(struct wire_reader *reader, const config_setting_t *group,
			     const char *where)
{
	const struct wire *wire = reader->wire;

	if (wire->by_frames && (wire->close_ms == 0 || wire->open_ms == 0))
		mistake_at(reader->mistakes, group, where,
			   "a frame commands the contactors: say how long the pack takes, close_s "
			   "and open_s");
	if (!wire->by_frames && (wire->close_ms || wire->open_ms))
		mistake_at(reader->mistakes, group, where,
			   "close_s and open_s, and no frame commands the contactors: add a "
			   "command field, or when = [\"close\"]");
	for (unsigned i = 0; i < wire->n_sends; i++)
		if (wire->send[i].when & WIRE_WHEN_CLOSED && !(wire->contacts >> POLE_POSITIVE & 1))
			mistake_at(reader->mistakes, reader->send_at[i], where,
				   "frame 0x%X waits for \"closed\", and no signal goes to "
				   "contact_positive: it would never go out",
				   wire->send[i].id);
}

void wire_check(struct wire_reader *reader, const config_setting_t *group, const char *where)
{
	check_ids(reader, where);
	wire_check_overlaps(reader, where);
	check_targets(reader, where);
	check_extremes(reader, group, where, WIRE_TO_CELL_V, WIRE_TO_CELL_MIN_V, WIRE_TO_CELL_MAX_V,
		       "cells");
	check_extremes(reader, group, where, WIRE_TO_TEMP_C, WIRE_TO_TEMP_MIN_C, WIRE_TO_TEMP_MAX_C,
		       "temperatures");
	check_cells(reader, group, where);
	check_readings(reader, group, where);
	check_contactors(reader, group, where);
}

/* ---- with its pack ----------------------------------------------------------------------- */

/* The longest period of a message that a group's age depends on. */
static int32_t slowest_ms(const struct wire *wire, enum wire_target first, enum wire_target last)
{
	int32_t slowest = 0;
	const struct wire_message *message[WIRE_FRAME_MAX + WIRE_REQUEST_MAX + WIRE_BLOCK_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < wire->n_frames; i++)
		message[n++] = &wire->frame[i].message;
	for (unsigned i = 0; i < wire->n_requests; i++)
		message[n++] = &wire->request[i].message;
	for (unsigned i = 0; i < wire->n_blocks; i++)
		message[n++] = &wire->block[i].message;
	for (unsigned m = 0; m < n; m++) {
		for (unsigned s = 0; s < message[m]->n_signals; s++) {
			const struct wire_signal *signal =
				&wire->signal[message[m]->first_signal + s];

			if (signal->target >= first && signal->target <= last &&
			    signal->target != WIRE_TO_SERIAL && fits(wire, signal) &&
			    !signal->optional && message[m]->period_ms > slowest)
				slowest = message[m]->period_ms;
		}
	}
	return slowest;
}

static void check_age(struct reader *reader, unsigned k, const char *key, int32_t stale_ms,
		      int32_t period_ms)
{
	char where[ID_SIZE + 24];

	if (period_ms == 0 || stale_ms <= 0 || stale_ms >= 2 * period_ms)
		return;
	snprintf(where, sizeof(where), "packs[%u] \"%s\"", k, reader->config->site.pack[k].id);
	mistake_at(
		&reader->mistakes, setting_of_pack(reader, k, "stale", key), where,
		"stale.%s %g is shorter than two periods of %g s of a message it depends on: one "
		"lost message would open the pack",
		key, stale_ms / 1000.0, period_ms / 1000.0);
}

void check_pack_wire(struct reader *reader, unsigned k)
{
	const struct pack_site *pack = &reader->config->site.pack[k];
	const struct wire *wire = reader->config->pack[k].wire;
	char where[ID_SIZE + 24];

	if (strcmp(reader->config->pack[k].bus, "sim") == 0)
		return;
	snprintf(where, sizeof(where), "packs[%u] \"%s\"", k, pack->id);
	if (!wire) {
		/* A profile that cannot be had has a message of its own. */
		bool unread = *pack->profile && !reader->pack_profile[k];

		if (*reader->config->pack[k].bus && !unread)
			mistake_at(&reader->mistakes, setting_of_pack(reader, k, NULL, "bus"),
				   where,
				   "bus \"%s\" needs a profile with can or modbus: nothing says "
				   "what this pack speaks",
				   reader->config->pack[k].bus);
		return;
	}
	if (pack->contactors.by_frames && !wire->by_frames)
		mistake_at(&reader->mistakes, setting_of_pack(reader, k, "contactors", "by_frames"),
			   where,
			   "by_frames = true, and no frame of profile %s commands contactors: "
			   "name their lines",
			   pack->profile);
	check_age(reader, k, "electrical_s", pack->electrical_stale_ms,
		  slowest_ms(wire, WIRE_TO_PACK_V,
			     wire->v_of_cells ? WIRE_TO_CELL_V : WIRE_TO_CURRENT_A));
	check_age(reader, k, "link_s", pack->link_stale_ms,
		  slowest_ms(wire, WIRE_TO_LINK_V, WIRE_TO_LINK_V));
	check_age(reader, k, "cells_s", pack->cells_stale_ms,
		  slowest_ms(wire, WIRE_TO_CELL_V, WIRE_TO_CELL_MAX_V));
	check_age(reader, k, "temps_s", pack->temps_stale_ms,
		  slowest_ms(wire, WIRE_TO_TEMP_C, WIRE_TO_TEMP_MAX_C));
	check_age(reader, k, "bms_s", pack->bms_stale_ms,
		  slowest_ms(wire, WIRE_TO_SOC, WIRE_TO_FLAG));
}
