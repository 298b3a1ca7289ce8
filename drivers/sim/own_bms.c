/*
 * The BMS of a pack that moves its own contactors on our frames: negative, precharge, positive when
 * the bus is near, and everything open when the command ends or no frames come. Its relays are the
 * contacts of contacts.c. Times like those of a BMW i3 (main contactor 0.2 s after the precharge
 * began) and a Hyundai Kona (0.5 s).
 */
#include "drivers/sim/plant.h"

enum {
	THINK_MS = 250,    /* from a new command to its first relay */
	NEGATIVE_MS = 100, /* from the negative to the precharge */
	NEAR_MS = 100,     /* the bus must be near for so long */
	GIVE_UP_MS = 3000, /* a precharge that does not get there */
	RELEASE_MS = 200,  /* precharge stays on after the positive closed */
	LOOK_MS = 20,      /* while it is at work */
	SILENCE_MS = 2000, /* without frames; the site may know better */
};

static const double NEAR = 0.95, RESISTOR_OHM = 50.0, COOL_S = 60.0;

void plant_own_bms_init(struct twin *twin, unsigned k)
{
	struct pack_contactors *site = &twin->site.pack[k].contactors;
	struct plant_own_bms *own = &twin->pack[k].own;

	if (!site->by_frames)
		return;
	for (int pole = 0; pole < POLE_COUNT; pole++)
		site->has[pole] = true; /* of its own */
	site->precharge_ohm = RESISTOR_OHM;
	site->precharge_cool_s = COOL_S;
	own->heard_ms = twin->start_ms - SILENCE_MS;
	own->next_ms = INT64_MAX;
}

static int64_t silence_ms(const struct twin *twin, unsigned k)
{
	int32_t ms = twin->site.pack[k].contactors.silence_ms;

	return ms > 0 ? ms - ms / 5 : SILENCE_MS;
}

static bool wants_closed(const struct twin *twin, unsigned k, int64_t t)
{
	const struct plant_own_bms *own = &twin->pack[k].own;
	const struct pack_effects *effects = &twin->effects.pack[k];

	if (effects->closes_unasked)
		return true;
	if (t - own->heard_ms >= silence_ms(twin, k))
		return false;
	return effects->deaf ? own->wanted : own->command;
}

static void enter(struct plant_own_bms *own, enum own_step step, int64_t t)
{
	own->step = step;
	own->since_ms = t;
}

static void advance(struct twin *twin, unsigned k, int64_t t)
{
	struct plant_pack *pack = &twin->pack[k];
	struct plant_own_bms *own = &pack->own;
	int64_t ms = t - own->since_ms;

	switch (own->step) {
	case OWN_OPEN:
		enter(own, OWN_THINKS, t);
		break;
	case OWN_THINKS:
		if (ms >= THINK_MS)
			enter(own, OWN_NEGATIVE, t);
		break;
	case OWN_NEGATIVE:
		own->near_ms = t;
		if (ms >= NEGATIVE_MS)
			enter(own, OWN_PRECHARGE, t);
		break;
	case OWN_PRECHARGE:
		if (!(twin->bar_v >= NEAR * pack->v))
			own->near_ms = t;
		if (t - own->near_ms >= NEAR_MS)
			enter(own, OWN_POSITIVE, t);
		else if (ms >= GIVE_UP_MS)
			enter(own, OWN_GAVE_UP, t);
		break;
	case OWN_POSITIVE:
		if (ms >= RELEASE_MS)
			enter(own, OWN_CLOSED, t);
		break;
	case OWN_CLOSED:
	case OWN_GAVE_UP:
	default:
		break;
	}
}

bool plant_own_bms_run(struct twin *twin, unsigned k, int64_t t)
{
	struct plant_own_bms *own = &twin->pack[k].own;
	enum own_step before = own->step;
	bool *coil = twin->line_coil[k];

	own->wanted = wants_closed(twin, k, t);
	if (own->wanted)
		advance(twin, k, t);
	else if (own->step != OWN_OPEN)
		enter(own, OWN_OPEN, t);
	coil[POLE_NEGATIVE] = own->step >= OWN_NEGATIVE && own->step <= OWN_CLOSED;
	coil[POLE_PRECHARGE] = own->step == OWN_PRECHARGE || own->step == OWN_POSITIVE;
	coil[POLE_POSITIVE] = own->step == OWN_POSITIVE || own->step == OWN_CLOSED;
	bool works = own->step != OWN_OPEN && own->step < OWN_CLOSED;
	int64_t silent_ms = own->heard_ms + silence_ms(twin, k);
	own->next_ms = works                                    ? t + LOOK_MS
		       : own->step != OWN_OPEN && silent_ms > t ? silent_ms
								: INT64_MAX;
	return own->step != before;
}
