/*
 * How readings, lines and commands lie in prop_bank: episodes of random length, each bending one
 * thing that the bank is told. What the plant said stays untouched; the lie is on a copy.
 */
#ifndef REBANK_TESTS_BANK_LIES_H
#define REBANK_TESTS_BANK_LIES_H

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/site.h"

/* ---- chance ---------------------------------------------------------------------------------- */

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
	rng->state ^= rng->state << 13;
	rng->state ^= rng->state >> 7;
	rng->state ^= rng->state << 17;
	return rng->state;
}

static inline unsigned rng_below(struct rng *rng, unsigned n)
{
	return (unsigned)((rng_next(rng) >> 33) % n);
}

static inline bool rng_chance(struct rng *rng, unsigned percent)
{
	return rng_below(rng, 100) < percent;
}

static inline double rng_between(struct rng *rng, double low, double high)
{
	return low + (high - low) * (double)(rng_next(rng) >> 11) / 9007199254740992.;
}

/* ---- lies ------------------------------------------------------------------------------------ */

enum lie_kind {
	LIE_PACK_V = 0,
	LIE_CURRENT,
	LIE_ELECTRICAL, /* both unknown */
	LIE_LINK_V,
	LIE_CELL,   /* one cell */
	LIE_CELLS,  /* all of them, near a threshold */
	LIE_TEMP,   /* one sensor */
	LIE_TEMPS,  /* all of them, near a threshold */
	LIE_BMS,    /* a number of the BMS */
	LIE_FLAGS,  /* what it forbids */
	LIE_FROZEN, /* stamps move, values and counter do not */
	LIE_STALE,  /* stamps do not move */
	LIE_LINK,
	LIE_FEEDBACK,
	LIE_READBACK,
	LIE_CONTACTS_STALE,
	LIE_INPUT,
	LIE_INPUT_STALE,
	LIE_GPIO,
	LIE_BUS_V,
	LIE_BUS_STALE,
	LIE_PCS,
	LIE_PCS_POWER, /* all that tells its power is unknown, always or now and then */
	LIE_PCS_STATE,
	LIE_PCS_STALE,
	LIE_METER,
	LIE_IMD,
	LIE_SUPPLY,
	LIE_LATE,
	LIE_UNCOMMISSIONED,
	LIE_SHUTDOWN,
	LIE_BROKER,
	LIE_CLOCK_SYNC,
	LIE_COUNT
};

enum { LIES_MAX = 3 };

struct lie {
	bool on;
	enum lie_kind kind;
	int64_t from_ms, until_ms;
	unsigned pack, which, how;
	double value;
	struct pack_sample held; /* LIE_FROZEN, LIE_STALE */
	struct pack_contacts contacts;
};

struct lies {
	struct rng rng;
	bool honest; /* no lies in this world; commands and broken plants all the same */
	struct lie lie[LIES_MAX];
	int64_t next_ms, command_ms, seq;
	bool stopped, locked, disabled; /* the bank, as it says */
};

static inline void lies_begin(struct lies *lies, bool lying)
{
	memset(lies->lie, 0, sizeof lies->lie);
	lies->honest = !lying;
	lies->next_ms = 5000;
	lies->command_ms = 2000;
	lies->stopped = lies->locked = false;
}

static inline double lie_bend(const struct lie *lie, double v)
{
	switch (lie->how % 9) {
	case 0:
	case 1:
		return NAN;
	case 2:
		return INFINITY;
	case 3:
		return -INFINITY;
	case 4:
		return -v;
	case 5:
		return 0.;
	case 6:
		return v + lie->value;
	case 7:
		return v * (1. + lie->value / 100.);
	default:
		return lie->value > 0. ? 1e12 : -1e12;
	}
}

/* Just around one of the pack's bounds. */
static inline double lie_cell_v(const struct lie *lie, const struct pack_limits *limit)
{
	const double bound[] = {limit->cell_min_v, limit->cell_max_v, limit->cell_trip_low_v,
				limit->cell_trip_high_v,
				(limit->cell_max_v + limit->cell_trip_high_v) / 2.};

	return bound[lie->how % 5] + lie->value * 2e-3;
}

static inline double lie_temp_c(const struct lie *lie, const struct pack_limits *limit)
{
	const double bound[] = {limit->charge_min_c, limit->charge_max_c, limit->discharge_min_c,
				limit->discharge_max_c, limit->temp_trip_c};

	return bound[lie->how % 5] + lie->value * 0.05;
}

static inline void lie_cells(const struct lie *lie, const struct pack_limits *limit,
			     struct pack_sample *sample)
{
	unsigned n = sample->n_cells > 0 && sample->n_cells <= CELL_MAX ? sample->n_cells : 1;

	if (lie->kind == LIE_CELL)
		sample->cell_v[lie->which % n] =
			lie->which % 2 ? lie_cell_v(lie, limit) : lie_bend(lie, 3.7);
	for (unsigned i = 0; lie->kind == LIE_CELLS && i < n; i++)
		sample->cell_v[i] = lie_cell_v(lie, limit) + 1e-3 * (i % 5);
	if (lie->which % 16 == 15) {
		sample->n_cells = lie->which % 32 == 31 ? 0 : CELL_MAX + 1;
		sample->cell_min_v = sample->cell_v[0];
		sample->cell_max_v = sample->cell_v[n - 1];
	}
}

static inline void lie_temps(const struct lie *lie, const struct pack_limits *limit,
			     struct pack_sample *sample)
{
	unsigned n = sample->n_temps > 0 && sample->n_temps <= TEMP_MAX ? sample->n_temps : 1;

	if (lie->kind == LIE_TEMP)
		sample->temp_c[lie->which % n] =
			lie->which % 2 ? lie_temp_c(lie, limit) : lie_bend(lie, 25.);
	for (unsigned i = 0; lie->kind == LIE_TEMPS && i < n; i++)
		sample->temp_c[i] = lie_temp_c(lie, limit);
	if (lie->which % 16 == 15) {
		sample->n_temps = lie->which % 32 == 31 ? 0 : TEMP_MAX + 1;
		sample->temp_min_c = sample->temp_max_c = sample->temp_c[0];
	}
}

static inline void lie_bms(const struct lie *lie, struct pack_sample *sample)
{
	double *const field[] = {&sample->soc,         &sample->soh,   &sample->dis_limit_a,
				 &sample->cha_limit_a, &sample->aux_v, &sample->insulation_ohm};

	*field[lie->which % 6] = lie_bend(lie, *field[lie->which % 6]);
}

static inline void lie_frozen(const struct lie *lie, struct pack_sample *sample)
{
	struct pack_sample now = *sample;

	*sample = lie->held;
	if (lie->kind == LIE_STALE)
		return;
	sample->electrical_ms = now.electrical_ms;
	sample->cells_ms = now.cells_ms;
	sample->temps_ms = now.temps_ms;
	sample->bms_ms = now.bms_ms;
}

static inline void lie_link(const struct lie *lie, struct pack_sample *sample)
{
	switch (lie->which % 5) {
	case 0:
		sample->link = LINK_OFF;
		break;
	case 1:
		sample->link = LINK_GONE;
		break;
	case 2:
		sample->link_tx_full = true;
		break;
	case 3:
		sample->link_foreign_tx = true;
		break;
	default:
		sample->serial ^= 1;
		break;
	}
}

static inline void lie_pcs(const struct lie *lie, struct pcs_sample *pcs)
{
	double *const field[] = {&pcs->ac_w, &pcs->dc_w,      &pcs->dc_v,
				 &pcs->dc_a, &pcs->dis_max_w, &pcs->cha_max_w};

	if (lie->kind == LIE_PCS_POWER && (lie->how % 3 || pcs->stamp_ms / 100 % 2))
		pcs->ac_w = pcs->dc_w = pcs->dc_v = pcs->dc_a = NAN;
	if (lie->kind == LIE_PCS)
		*field[lie->which % 6] = lie_bend(lie, *field[lie->which % 6]);
	else if (lie->kind == LIE_PCS_STATE)
		pcs->state = (enum pcs_state)(lie->which % (PCS_FAULT + 1));
	else if (lie->kind == LIE_PCS_STALE)
		pcs->stamp_ms = pcs->stamp_ms < lie->from_ms ? pcs->stamp_ms : lie->from_ms;
}

static inline void lie_about_pack(const struct lie *lie, const struct site *site,
				  struct bank_inputs *in)
{
	const struct pack_limits *limit = &site->pack[lie->pack].limit;
	struct pack_sample *sample = &in->pack[lie->pack];
	struct pack_contacts *contacts = &in->contacts[lie->pack];

	switch ((int)lie->kind) {
	case LIE_PACK_V:
		sample->pack_v = lie_bend(lie, sample->pack_v);
		break;
	case LIE_CURRENT:
		sample->current_a = lie_bend(lie, sample->current_a);
		break;
	case LIE_ELECTRICAL:
		sample->pack_v = sample->current_a = NAN;
		break;
	case LIE_LINK_V:
		sample->link_v = lie_bend(lie, sample->link_v);
		break;
	case LIE_CELL:
	case LIE_CELLS:
		lie_cells(lie, limit, sample);
		break;
	case LIE_TEMP:
	case LIE_TEMPS:
		lie_temps(lie, limit, sample);
		break;
	case LIE_BMS:
		lie_bms(lie, sample);
		break;
	case LIE_FLAGS:
		sample->bms_flags ^= 1u << lie->which % 5;
		break;
	case LIE_FROZEN:
	case LIE_STALE:
		lie_frozen(lie, sample);
		break;
	case LIE_LINK:
		lie_link(lie, sample);
		break;
	case LIE_FEEDBACK:
		contacts->feedback[lie->which % POLE_COUNT] = (enum contact)(lie->how % 3);
		break;
	case LIE_READBACK:
		contacts->readback[lie->which % POLE_COUNT] = (enum contact)(lie->how % 3);
		break;
	case LIE_CONTACTS_STALE:
		*contacts = lie->contacts;
		break;
	}
}

static inline void lie_about_input(const struct lie *lie, struct bank_inputs *in)
{
	struct digital_input *input = &in->input[lie->which % INPUT_COUNT];

	if (lie->kind == LIE_INPUT_STALE) {
		input->stamp_ms = lie->from_ms < input->stamp_ms ? lie->from_ms : input->stamp_ms;
		return;
	}
	input->level = lie->how % 2 ? LEVEL_TRIPPED : LEVEL_UNKNOWN;
	input->edge_ms = lie->from_ms;
}

static inline void lie_about_bank(const struct lie *lie, struct bank_inputs *in)
{
	switch ((int)lie->kind) {
	case LIE_INPUT:
	case LIE_INPUT_STALE:
		lie_about_input(lie, in);
		break;
	case LIE_GPIO:
		in->gpio = lie->which % 2 ? GPIO_GONE : GPIO_UNKNOWN;
		break;
	case LIE_BUS_V:
		in->bus.v = lie_bend(lie, in->bus.v);
		break;
	case LIE_BUS_STALE:
		in->bus.stamp_ms = lie->which % 8 ? lie->from_ms : 0;
		break;
	case LIE_METER:
		in->meter.p_w = lie_bend(lie, in->meter.p_w);
		in->meter.stamp_ms -= lie->which % 2 ? 4000 : 0;
		break;
	case LIE_IMD:
		in->imd.fault = lie->which % 2;
		in->imd.insulation_ohm =
			lie->how % 2 ? lie->value * 2e3 : lie_bend(lie, in->imd.insulation_ohm);
		break;
	case LIE_SUPPLY:
		in->supply_v = lie->how % 2 ? 19. + lie->value / 30. : lie_bend(lie, in->supply_v);
		break;
	case LIE_LATE:
		in->lateness_ms = 30 + (int32_t)(lie->which % 500);
		break;
	case LIE_UNCOMMISSIONED:
		in->commissioned = false;
		break;
	case LIE_SHUTDOWN:
		in->shutdown = true;
		break;
	case LIE_BROKER:
		in->broker_connected = false;
		break;
	case LIE_CLOCK_SYNC:
		in->clock_synced = false;
		break;
	}
}

static inline void lies_start(struct lies *lies, const struct site *site,
			      const struct bank_inputs *clean)
{
	struct rng *rng = &lies->rng;
	struct lie *lie = &lies->lie[rng_below(rng, LIES_MAX)];
	static const unsigned longest_ms[] = {100, 600, 3000, 15000, 40000};

	lies->next_ms = clean->now_ms + (int64_t)rng_below(rng, 20000);
	if (lie->on)
		return;
	lie->on = true;
	lie->kind = (enum lie_kind)rng_below(rng, LIE_COUNT);
	lie->pack = rng_below(rng, site->n_packs);
	lie->which = rng_below(rng, 1000);
	lie->how = rng_below(rng, 1000);
	lie->value = rng_between(rng, -60., 60.);
	lie->from_ms = clean->now_ms;
	lie->until_ms = clean->now_ms + 1 + rng_below(rng, longest_ms[rng_below(rng, 5)]);
	lie->held = clean->pack[lie->pack];
	lie->contacts = clean->contacts[lie->pack];
}

/* in = clean, bent by the lies that hold now. */
static inline void lies_tell(struct lies *lies, const struct site *site,
			     const struct bank_inputs *clean, struct bank_inputs *in)
{
	size_t tail = offsetof(struct bank_inputs, pcs);

	memcpy(in, clean, offsetof(struct bank_inputs, pack));
	memcpy(in->pack, clean->pack, site->n_packs * sizeof in->pack[0]);
	memcpy(in->contacts, clean->contacts, site->n_packs * sizeof in->contacts[0]);
	memcpy((char *)in + tail, (const char *)clean + tail,
	       offsetof(struct bank_inputs, command) - tail);
	in->n_commands = 0;
	if (lies->honest)
		return;
	if (clean->now_ms >= lies->next_ms)
		lies_start(lies, site, clean);
	for (unsigned i = 0; i < LIES_MAX; i++) {
		struct lie *lie = &lies->lie[i];

		if (!lie->on)
			continue;
		if (clean->now_ms >= lie->until_ms) {
			lie->on = false;
			continue;
		}
		if (lie->kind >= LIE_PCS && lie->kind <= LIE_PCS_STALE)
			lie_pcs(lie, &in->pcs[lie->pack % site->n_pcs]);
		else if (lie->kind <= LIE_CONTACTS_STALE)
			lie_about_pack(lie, site, in);
		else
			lie_about_bank(lie, in);
	}
}

/* ---- commands -------------------------------------------------------------------------------- */

static inline enum command_kind lies_kind(struct lies *lies)
{
	unsigned dice = rng_below(&lies->rng, 100);

	if (lies->locked && dice < 60)
		return COMMAND_UNLOCK;
	if (lies->stopped && dice < 80)
		return COMMAND_START;
	if (lies->disabled && dice < 50)
		return COMMAND_PACK_ENABLE;
	return dice < 45   ? COMMAND_SETPOINT
	       : dice < 80 ? COMMAND_CLEAR
	       : dice < 84 ? COMMAND_PACK_ENABLE
	       : dice < 86 ? COMMAND_PACK_DISABLE
	       : dice < 88 ? COMMAND_STOP
	       : dice < 89 ? COMMAND_LOCK
	       : dice < 92 ? COMMAND_RELEASE
			   : (enum command_kind)rng_below(&lies->rng, COMMAND_PROOF + 2);
}

static inline double lies_power(struct rng *rng)
{
	static const double odd[] = {0., -0., 1e300, -1e300, INFINITY, 1e-9};

	if (rng_chance(rng, 4))
		return NAN;
	return rng_chance(rng, 5) ? odd[rng_below(rng, 6)] : rng_between(rng, -70e3, 70e3);
}

static inline void lies_command(struct lies *lies, const struct site *site, struct bank_inputs *in)
{
	struct rng *rng = &lies->rng;

	if (in->now_ms < lies->command_ms)
		return;
	lies->command_ms = in->now_ms + (int64_t)rng_below(rng, 6000);
	bool clearing = rng_chance(rng, 30); /* the bank and every pack */
	in->n_commands = clearing              ? site->n_packs + 1
			 : rng_chance(rng, 10) ? 1 + rng_below(rng, COMMAND_MAX)
					       : 1;
	for (unsigned i = 0; i < in->n_commands; i++) {
		struct command *command = &in->command[i];

		memset(command, 0, sizeof *command);
		command->kind = clearing ? COMMAND_CLEAR : lies_kind(lies);
		command->source = (uint8_t)(rng_chance(rng, 5) ? rng_below(rng, SOURCE_MAX)
							       : rng_below(rng, site->n_sources));
		if (command->kind != COMMAND_SETPOINT && rng_chance(rng, 80))
			command->source = 0;
		command->pack = (int16_t)(clearing ? (int)i - 1
						   : (int)rng_below(rng, site->n_packs + 2) - 1);
		snprintf(command->id, sizeof command->id, "c%lld", (long long)++lies->seq);
		command->seq = lies->seq;
		command->ts_utc_ms = in->utc_ms - rng_below(rng, rng_chance(rng, 10) ? 9000 : 100);
		command->received_ms = in->now_ms;
		command->p_w = lies_power(rng);
		command->valid_s = rng_chance(rng, 3) ? NAN : rng_between(rng, 0., 60.);
		command->ramp_w_s = rng_chance(rng, 70) ? NAN : rng_between(rng, 0., 60e3);
		command->start_utc_ms = rng_chance(rng, 90) ? 0 : in->utc_ms + rng_below(rng, 9000);
		command->n_fresh = true;
	}
}

#endif
