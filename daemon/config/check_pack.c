/* What must hold between the values of one pack, and between packs. */
#include <math.h>
#include <string.h>

#include "config/subject.h"
#include "config/wire.h"
#include "drivers/modbus/address.h"

/* Where one of two values that do not fit was given: in the pack rather than in its profile. */
static const config_setting_t *setting_of_pair(const struct subject *subject, const char *a,
					       const char *b)
{
	const config_setting_t *pack = subject->reader->pack[subject->k];
	const config_setting_t *found = setting_find(pack, "limits", a);

	if (!found)
		found = setting_find(pack, "limits", b);
	return found ? found : setting_of_pack(subject->reader, subject->k, "limits", a);
}

static double limit_value(const struct pack_limits *limit, size_t offset)
{
	double value;

	memcpy(&value, (const char *)limit + offset, sizeof(value));
	return value;
}

struct limit_name {
	const char *name;
	size_t offset;
};

#define LIMIT_NAME(field)                                                                          \
	{                                                                                          \
#field, offsetof(struct pack_limits, field)                                        \
	}

/* A pair whose first must be below (or, with or_equal, not above) its second. */
struct order {
	struct limit_name low, high;
	bool or_equal;
	const char *remedy;
};

static const struct order orders[] = {
	{LIMIT_NAME(cell_min_v), LIMIT_NAME(cell_max_v), false, "minimum and maximum are swapped"},
	{LIMIT_NAME(pack_min_v), LIMIT_NAME(pack_max_v), false, "minimum and maximum are swapped"},
	{LIMIT_NAME(cell_trip_low_v), LIMIT_NAME(cell_min_v), false,
	 "the trip must lie outside the operating window"},
	{LIMIT_NAME(cell_max_v), LIMIT_NAME(cell_trip_high_v), false,
	 "the trip must lie outside the operating window"},
	{LIMIT_NAME(charge_min_c), LIMIT_NAME(charge_max_c), false,
	 "minimum and maximum are swapped"},
	{LIMIT_NAME(discharge_min_c), LIMIT_NAME(discharge_max_c), false,
	 "minimum and maximum are swapped"},
	{LIMIT_NAME(temp_warn_c), LIMIT_NAME(temp_trip_c), false,
	 "the warning must come before the trip"},
	{LIMIT_NAME(charge_max_c), LIMIT_NAME(temp_trip_c), true,
	 "the trip must lie outside the operating window"},
	{LIMIT_NAME(discharge_max_c), LIMIT_NAME(temp_trip_c), true,
	 "the trip must lie outside the operating window"},
	{LIMIT_NAME(cell_spread_warn_v), LIMIT_NAME(cell_spread_derate_v), true,
	 "the warning must come before the derating"},
	{LIMIT_NAME(cell_spread_derate_v), LIMIT_NAME(cell_spread_trip_v), false,
	 "the derating must come before the trip"},
	{LIMIT_NAME(insulation_trip_ohm), LIMIT_NAME(insulation_warn_ohm), true,
	 "the warning must come before the trip"},
	{LIMIT_NAME(dis_max_a), LIMIT_NAME(fuse_a), true, "the fuse must carry it"},
	{LIMIT_NAME(cha_max_a), LIMIT_NAME(fuse_a), true, "the fuse must carry it"},
};

static void check_orders(const struct subject *subject)
{
	char a[32], b[32];

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		const struct order *order = &orders[i];
		double low = limit_value(&subject->pack->limit, order->low.offset);
		double high = limit_value(&subject->pack->limit, order->high.offset);

		if (low > high || (!order->or_equal && low >= high))
			mistake_at(&subject->reader->mistakes,
				   setting_of_pair(subject, order->low.name, order->high.name),
				   subject->where, "%s %s is %s %s %s: %s", order->low.name,
				   number_text(low, a, sizeof(a)),
				   order->or_equal ? "above" : "not below", order->high.name,
				   number_text(high, b, sizeof(b)), order->remedy);
	}
}

static void check_chemistry(const struct subject *subject)
{
	static const struct limit_name names[] = {LIMIT_NAME(cell_min_v), LIMIT_NAME(cell_max_v),
						  LIMIT_NAME(cell_trip_low_v),
						  LIMIT_NAME(cell_trip_high_v)};
	int chemistry = (int)subject->pack->model.chemistry;
	const struct chemistry_text *text;
	char now[32], bound[32];

	if (chemistry <= CHEMISTRY_UNKNOWN || chemistry >= CHEMISTRY_COUNT)
		return;
	text = chemistry_text((enum chemistry)chemistry);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		double v = limit_value(&subject->pack->limit, names[i].offset);
		bool above = v > text->cell_abs_max_v;

		if (above || v < text->cell_abs_min_v)
			PACK_MISTAKE(
				subject, "limits", names[i].name,
				"%s %s is %s the chemistry limit %s (%s)", names[i].name,
				number_text(v, now, sizeof(now)), above ? "above" : "below",
				number_text(above ? text->cell_abs_max_v : text->cell_abs_min_v,
					    bound, sizeof(bound)),
				text->word);
	}
}

/* The window of the terminals must be one that the cells' trips still guard. */
static void check_pack_window(const struct subject *subject)
{
	const struct pack_limits *limit = &subject->pack->limit;
	unsigned cells = subject->pack->model.cells_series;
	double low_v = cells * limit->cell_trip_low_v, high_v = cells * limit->cell_trip_high_v;
	const struct bus_site *bus = &subject->config->site.bus;

	if (cells > CELL_MAX)
		return;
	if (limit->pack_max_v > high_v + 0.05)
		mistake_at(&subject->reader->mistakes,
			   setting_of_pair(subject, "pack_max_v", "cell_trip_high_v"),
			   subject->where,
			   "pack_max_v %g is above %u cells at cell_trip_high_v, %.6g: lower it",
			   limit->pack_max_v, cells, high_v);
	if (limit->pack_min_v < low_v - 0.05)
		mistake_at(&subject->reader->mistakes,
			   setting_of_pair(subject, "pack_min_v", "cell_trip_low_v"),
			   subject->where,
			   "pack_min_v %g is below %u cells at cell_trip_low_v, %.6g: raise it",
			   limit->pack_min_v, cells, low_v);
	if (bus->min_v < bus->max_v && limit->pack_max_v > bus->max_v)
		PACK_MISTAKE(
			subject, "limits", "pack_max_v",
			"pack_max_v %g is above bus.max_v %g: the bus must withstand its packs",
			limit->pack_max_v, bus->max_v);
}

static void check_model(const struct subject *subject)
{
	const struct pack_model *model = &subject->pack->model;
	char now[32], bound[32];

	if (isnan(model->capacity_ah) && !isnan(model->nominal_ah))
		PACK_MISTAKE(subject, NULL, "id",
			     "capacity is unknown: give passport.intake.capacity_ah, "
			     "model.capacity_ah or soh");
	if (model->capacity_ah > 1.2 * model->nominal_ah)
		PACK_MISTAKE(subject, "passport", "intake",
			     "capacity %s Ah is more than 1.2 times model.nominal_ah %s",
			     number_text(model->capacity_ah, now, sizeof(now)),
			     number_text(model->nominal_ah, bound, sizeof(bound)));
	if (model->r_growth > 10.0)
		PACK_MISTAKE(subject, NULL, "passport",
			     "resistance has grown %s times: check passport.intake.r_10s_ohm",
			     number_text(model->r_growth, now, sizeof(now)));
	if (model->r_10s_ohm < model->r_fast_ohm)
		PACK_MISTAKE(subject, "model", "r_10s_ohm",
			     "model.r_10s_ohm %s is below model.r_fast_ohm %s: 10 s include the "
			     "first",
			     number_text(model->r_10s_ohm, now, sizeof(now)),
			     number_text(model->r_fast_ohm, bound, sizeof(bound)));
}

static void check_one_stale(const struct subject *subject, const char *name, int32_t stale_ms,
			    int32_t period_ms)
{
	char now[32], bound[32];

	if (stale_ms > 0 && period_ms > 0 && stale_ms < 2 * period_ms)
		PACK_MISTAKE(subject, "stale", name,
			     "stale.%s %s is shorter than two periods of %s: one lost message "
			     "would open the pack",
			     name, number_text(stale_ms / 1000.0, now, sizeof(now)),
			     number_text(period_ms / 1000.0, bound, sizeof(bound)));
}

static void check_stale(const struct subject *subject)
{
	const struct pack_site *pack = subject->pack;
	const struct pack_config *own = &subject->config->pack[subject->k];

	check_one_stale(subject, "electrical_s", pack->electrical_stale_ms,
			own->electrical_period_ms);
	check_one_stale(subject, "cells_s", pack->cells_stale_ms, own->cells_period_ms);
	check_one_stale(subject, "temps_s", pack->temps_stale_ms, own->temps_period_ms);
	check_one_stale(subject, "bms_s", pack->bms_stale_ms, own->bms_period_ms);
	if (pack->has_link_v)
		check_one_stale(subject, "link_s", pack->link_stale_ms, own->link_period_ms);
	if (pack->cells_stale_ms > 0 && pack->electrical_stale_ms > pack->cells_stale_ms)
		PACK_MISTAKE(subject, "stale", "electrical_s",
			     "stale.electrical_s %g is longer than stale.cells_s %g: the order is "
			     "electrical, cells",
			     pack->electrical_stale_ms / 1000.0, pack->cells_stale_ms / 1000.0);
}

static void check_layers(const struct subject *subject)
{
	static const char *const names[LAYER_COUNT] = {
		"over_voltage", "under_voltage", "over_current", "over_temperature", "isolation"};
	const struct pack_config *own = &subject->config->pack[subject->k];

	for (int i = 0; i < LAYER_COUNT && subject->config->site.real_contactors; i++)
		if (!*own->layer[i])
			PACK_MISTAKE(subject, NULL, "independent",
				     "independent.%s is missing: name the hardware that acts "
				     "without Rebank",
				     names[i]);
}

/* ---- between packs ----------------------------------------------------------------------- */

static void check_twins(const struct subject *subject, unsigned j)
{
	const struct pack_site *other = &subject->config->site.pack[j];
	const struct pack_config *own = &subject->config->pack[subject->k];
	const struct pack_config *their = &subject->config->pack[j];

	if (strcmp(other->id, subject->pack->id) == 0 && *other->id)
		PACK_MISTAKE(subject, NULL, "id", "id \"%s\" is also that of packs[%u]", other->id,
			     j);
	if (*own->bus && strcmp(own->bus, "sim") != 0 && !modbus_address_is(own->bus) &&
	    strcmp(own->bus, their->bus) == 0 &&
	    strcmp(subject->pack->profile, other->profile) == 0)
		PACK_MISTAKE(subject, NULL, "bus",
			     "bus \"%s\" already has packs[%u] \"%s\" with the same profile: their "
			     "messages have equal ids, give each its own bus",
			     own->bus, j, other->id);
	if (*own->passport.serial && strcmp(own->passport.serial, their->passport.serial) == 0)
		PACK_MISTAKE(subject, "passport", "serial",
			     "passport.serial \"%s\" is also that of packs[%u] \"%s\"",
			     own->passport.serial, j, other->id);
	if (subject->pack->limit.pack_min_v > other->limit.pack_max_v ||
	    other->limit.pack_min_v > subject->pack->limit.pack_max_v)
		mistake_at(&subject->reader->mistakes,
			   setting_of_pair(subject, "pack_min_v", "pack_max_v"), subject->where,
			   "voltage window %g..%g V does not overlap %g..%g V of packs[%u] "
			   "\"%s\": they cannot share a bus",
			   subject->pack->limit.pack_min_v, subject->pack->limit.pack_max_v,
			   other->limit.pack_min_v, other->limit.pack_max_v, j, other->id);
}

static void check_mixture(const struct subject *subject)
{
	const struct site *site = &subject->config->site;
	const struct pack_site *first = &site->pack[0];
	int chemistry = (int)subject->pack->model.chemistry;

	if (site->mixed_chemistry || (int)first->model.chemistry <= 0 || chemistry <= 0 ||
	    (int)first->model.chemistry == chemistry)
		return;
	PACK_MISTAKE(subject, NULL, "profile",
		     "chemistry %s differs from %s of packs[0] \"%s\": say bank.mixed_chemistry = "
		     "true if that is meant",
		     chemistry_words.word(chemistry),
		     chemistry_words.word((int)first->model.chemistry), first->id);
}

/* Of the list as a whole. */
static void check_list(struct reader *reader)
{
	const struct site *site = &reader->config->site;
	const config_setting_t *list = setting_of_site(reader, NULL, "packs");
	bool precharges = site->bus.capacitance_f <= 0.0;

	if (!config_setting_is_list(list))
		return;
	if (site->n_packs == 0) {
		mistake_at(&reader->mistakes, list, "packs",
			   "there is none: a bank has 1 to %d packs", PACK_MAX);
		return;
	}
	for (unsigned k = 0; k < site->n_packs; k++)
		precharges |= !reader->pack[k] || site->pack[k].contactors.has[POLE_PRECHARGE] ||
			      site->pack[k].contactors.by_frames;
	if (!precharges)
		mistake_at(&reader->mistakes, list, "packs",
			   "none has a precharge contactor and the bus has %g F: it could never be "
			   "charged",
			   site->bus.capacitance_f);
}

void check_packs(struct reader *reader)
{
	for (unsigned k = 0; k < reader->config->site.n_packs; k++) {
		struct subject subject = subject_of(reader, k);

		if (!reader->pack[k])
			continue;
		check_orders(&subject);
		check_chemistry(&subject);
		check_pack_window(&subject);
		check_model(&subject);
		check_stale(&subject);
		check_pack_contactors(reader, k);
		check_pack_wire(reader, k);
		check_layers(&subject);
		check_mixture(&subject);
		for (unsigned j = 0; j < k; j++)
			check_twins(&subject, j);
	}
	check_list(reader);
}
