/* Is this reading worth a step at once? */
#include <math.h>

#include "core/num.h"
#include "drivers/pack/wire.h"

/* Above this multiple of its limit a current is acted on within 0.2 s (hazards rule 19). */
#define OVER_CURRENT 1.25

/* Unknown is for the next tick: only what is shown to be outside counts. */
static bool is_outside(double v, double low, double high)
{
	return v < low || v > high;
}

static bool electrical_beyond(const struct pack_sample *sample, const struct pack_limits *limit)
{
	return is_outside(sample->pack_v, limit->pack_min_v, limit->pack_max_v) ||
	       is_outside(sample->current_a, -OVER_CURRENT * limit->cha_max_a,
			  OVER_CURRENT * limit->dis_max_a);
}

static bool cells_beyond(const struct pack_sample *sample, const struct pack_limits *limit)
{
	double low = limit->cell_trip_low_v, high = limit->cell_trip_high_v;

	if (sample->n_cells == 0)
		return is_outside(sample->cell_min_v, low, high) ||
		       is_outside(sample->cell_max_v, low, high);
	for (unsigned i = 0; i < sample->n_cells && i < CELL_MAX; i++)
		if (is_outside(sample->cell_v[i], low, high))
			return true;
	return false;
}

static bool temps_beyond(const struct pack_sample *sample, const struct pack_limits *limit)
{
	if (sample->n_temps == 0)
		return sample->temp_max_c > limit->temp_trip_c;
	for (unsigned i = 0; i < sample->n_temps && i < TEMP_MAX; i++)
		if (sample->temp_c[i] > limit->temp_trip_c)
			return true;
	return false;
}

static bool bms_beyond(const struct pack_sample *sample)
{
	return sample->bms_flags & (BMS_FAULT | BMS_WANTS_OPEN | BMS_WELDED);
}

bool wire_urgent(struct wire_state *state, const struct pack_sample *sample,
		 const struct pack_limits *limit)
{
	unsigned before = state->beyond, now = 0;

	if (!state->touched)
		return false;
	if (state->touched & WIRE_ELECTRICAL && electrical_beyond(sample, limit))
		now |= WIRE_ELECTRICAL;
	if (state->touched & WIRE_CELLS && cells_beyond(sample, limit))
		now |= WIRE_CELLS;
	if (state->touched & WIRE_TEMPS && temps_beyond(sample, limit))
		now |= WIRE_TEMPS;
	if (state->touched & WIRE_BMS && bms_beyond(sample))
		now |= WIRE_BMS;
	state->beyond = (before & ~state->touched) | now;
	return now & ~before;
}
