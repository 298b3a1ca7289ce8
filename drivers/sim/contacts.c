/*
 * Contactors with their real timing, and the hardware chain above them. Pull-in 15..40 ms with
 * 5..7 ms of bounce, release 10..12 ms: data sheets of TE EVC135, Durakool DEVR40.
 */
#include "drivers/sim/plant.h"

enum {
	HEARTBEAT_PCS_MS = 500,   /* relay drops the converters' enable ... */
	HEARTBEAT_COILS_MS = 550, /* ... and then the coil supply */
	ESTOP_COILS_MS = 400,     /* off-delay of the coil supply */
};

static const double PICK_UP = 0.70, DROP_OUT = 0.40; /* of the nominal coil voltage */

void plant_contacts_init(struct twin *twin, unsigned k)
{
	const struct pack_contactors *site = &twin->site.pack[k].contactors;
	struct noise noise = noise_of(twin->config.seed, 0xc0, k);
	bool mains = site->has[POLE_NEGATIVE] || site->has[POLE_POSITIVE];

	for (int pole = 0; pole < POLE_COUNT; pole++) {
		struct plant_contact *contact = &twin->pack[k].contact[pole];

		contact->close_ms = (int32_t)noise_between(&noise, 15.0, 34.0);
		contact->bounce_for_ms = (int32_t)noise_between(&noise, 5.0, 7.99);
		contact->open_ms = (int32_t)noise_between(&noise, 10.0, 12.99);
		contact->aux_ms = (int32_t)noise_between(&noise, 3.0, 20.0);
		/* One main pole missing is a bridge. */
		contact->bridged = pole != POLE_PRECHARGE && mains && !site->has[pole];
		contact->absent = pole == POLE_PRECHARGE && !site->has[pole];
		contact->closed = contact->bridged;
		contact->changed_ms = twin->start_ms - 1000;
	}
}

static void chain_update(struct twin *twin, int64_t t)
{
	struct plant_chain *chain = &twin->chain;
	int64_t silence = chain->heartbeat_ms ? t - chain->heartbeat_ms : INT64_MAX;

	if (!twin->effects.estop)
		chain->estop_ms = 0;
	else if (!chain->estop_ms)
		chain->estop_ms = t;
	chain->pcs = silence < HEARTBEAT_PCS_MS && !chain->estop_ms;
	chain->coils = silence < HEARTBEAT_COILS_MS &&
		       (!chain->estop_ms || t - chain->estop_ms < ESTOP_COILS_MS);
}

int64_t plant_chain_next_ms(const struct twin *twin, int64_t t)
{
	const struct plant_chain *chain = &twin->chain;
	int64_t at[3] = {INT64_MAX, INT64_MAX, INT64_MAX}, next = INT64_MAX;

	if (chain->heartbeat_ms) {
		at[0] = chain->heartbeat_ms + HEARTBEAT_PCS_MS;
		at[1] = chain->heartbeat_ms + HEARTBEAT_COILS_MS;
	}
	if (chain->estop_ms)
		at[2] = chain->estop_ms + ESTOP_COILS_MS;
	for (int i = 0; i < 3; i++)
		if (at[i] > t && at[i] < next)
			next = at[i];
	return next;
}

/* The coil is switched on or off at t. */
static void contact_switch(struct plant_contact *contact, bool on, int64_t t)
{
	contact->driven = on;
	contact->target = on;
	contact->due_ms = t + (on ? contact->close_ms : contact->open_ms);
}

void plant_contacts_drive(struct twin *twin, int64_t t)
{
	double supply = twin->effects.supply_v / twin->supply_nominal_v;

	chain_update(twin, t);
	for (unsigned k = 0; k < twin->site.n_packs; k++) {
		const struct pack_contactors *site = &twin->site.pack[k].contactors;

		for (int pole = 0; pole < POLE_COUNT; pole++) {
			struct plant_contact *contact = &twin->pack[k].contact[pole];
			double enough = contact->driven ? DROP_OUT : PICK_UP;
			bool powered = twin->chain.coils && supply >= enough;
			if (site->by_frames && !site->supply_in_chain)
				powered = true; /* by the pack itself */
			bool on = twin->line_coil[k][pole] && powered;

			if (contact->bridged || contact->absent)
				continue;
			if (on != contact->driven)
				contact_switch(contact, on, t);
			if (contact->due_ms || contact->bounce_ms || contact->closed != on)
				twin->moving = true;
		}
	}
}

/* One contact at t. Returns whether it will move again by itself. */
static bool contact_run(struct plant_contact *contact, bool weld, bool stuck, int64_t t)
{
	bool was = contact->closed || contact->bounce_ms;

	if (contact->bridged || contact->absent || contact->observed)
		return false;
	if (contact->due_ms && t >= contact->due_ms) {
		contact->due_ms = 0;
		if (contact->target && !stuck && !contact->closed) {
			contact->closed = true;
			contact->bounce_ms = t + contact->bounce_for_ms;
		} else if (!contact->target && !(weld && contact->closed)) {
			contact->closed = false;
			contact->bounce_ms = 0;
		}
	}
	if (contact->bounce_ms) {
		contact->closed = t >= contact->bounce_ms || (contact->bounce_ms - t) % 3 != 1;
		if (t >= contact->bounce_ms)
			contact->bounce_ms = 0;
	}
	/* A weld that breaks loose, a jam that frees itself. */
	if (!contact->due_ms && !contact->bounce_ms && contact->closed != contact->driven &&
	    !(contact->closed ? weld : stuck))
		contact_switch(contact, contact->driven, t);
	if ((contact->closed || contact->bounce_ms) != was)
		contact->changed_ms = t; /* the auxiliary contact does not follow a bounce */
	return contact->due_ms || contact->bounce_ms;
}

static enum path pack_path(const struct plant_pack *pack, const struct pack_effects *effects)
{
	if (!pack->contact[POLE_NEGATIVE].closed)
		return PATH_NONE;
	if (pack->contact[POLE_POSITIVE].closed)
		return PATH_MAIN;
	return pack->contact[POLE_PRECHARGE].closed && !effects->precharge_open ? PATH_PRECHARGE
										: PATH_NONE;
}

/* Books the making or breaking of the pack's main path. */
static void pack_switched(struct twin *twin, unsigned k, enum path path, int64_t t)
{
	struct plant_pack *pack = &twin->pack[k];
	bool bounce =
		pack->contact[POLE_NEGATIVE].bounce_ms || pack->contact[POLE_POSITIVE].bounce_ms;

	if (path == PATH_MAIN && t >= pack->peak_until_ms) {
		pack->peak_a = 0.0;
		pack->peak_until_ms = t + 100;
	}
	if (pack->path == PATH_MAIN && !bounce) {
		pack->break_a = pack->a < 0.0 ? -pack->a : pack->a;
		if (pack->break_a > twin->site.pack[k].contactors.break_max_a)
			pack->loaded_breaks++;
	}
}

void plant_contacts_run(struct twin *twin, int64_t t)
{
	twin->moving = twin->pre_charging = twin->connected = false;
	for (unsigned k = 0; k < twin->site.n_packs; k++) {
		struct plant_pack *pack = &twin->pack[k];
		const struct pack_effects *effects = &twin->effects.pack[k];
		enum path path;

		for (int pole = 0; pole < POLE_COUNT; pole++)
			twin->moving |= contact_run(&pack->contact[pole], effects->weld[pole],
						    effects->no_close[pole], t);
		path = pack_path(pack, effects);
		if (path != pack->path)
			pack_switched(twin, k, path, t);
		pack->path = path;
		plant_pack_connect(twin, k);
		twin->pre_charging |= path == PATH_PRECHARGE;
		twin->connected |= path == PATH_MAIN;
	}
	if (twin->moving || twin->pre_charging)
		twin->settle_ms = t + PLANT_SETTLE_MS;
}

/* Returns whether it moved. */
static bool contact_observe(struct plant_contact *contact, enum contact feedback, bool lies)
{
	bool was = contact->closed;

	contact->observed = !contact->bridged && !contact->absent && !lies &&
			    feedback != CONTACT_UNKNOWN;
	if (!contact->observed)
		return false;
	contact->closed = feedback == CONTACT_CLOSED;
	contact->due_ms = contact->bounce_ms = 0;
	return contact->closed != was;
}

void plant_contacts_observe(struct twin *twin, const struct bank_inputs *in, int64_t t)
{
	for (unsigned k = 0; k < twin->site.n_packs; k++) {
		const struct pack_effects *effects = &twin->effects.pack[k];

		if (twin->site.pack[k].contactors.by_frames)
			continue; /* no lines */
		for (int pole = 0; pole < POLE_COUNT; pole++)
			if (contact_observe(&twin->pack[k].contact[pole],
					    in->contacts[k].feedback[pole],
					    effects->chatter[pole] || effects->deaf_aux[pole]))
				twin->settle_ms = t + PLANT_SETTLE_MS;
	}
	plant_contacts_run(twin, t);
}

bool plant_contacts_dark(const struct twin *twin, unsigned k)
{
	return twin->site.pack[k].contactors.by_frames ? twin->effects.pack[k].stale
						       : twin->effects.gpio_gone;
}

enum contact plant_contact_feedback(struct twin *twin, unsigned k, enum pole pole, int64_t t)
{
	const struct plant_contact *contact = &twin->pack[k].contact[pole];
	const struct pack_effects *effects = &twin->effects.pack[k];
	bool closed = contact->closed || contact->bounce_ms;

	if (!twin->site.pack[k].contactors.feedback[pole] || effects->aux_gone ||
	    plant_contacts_dark(twin, k))
		return CONTACT_UNKNOWN;
	if (t - contact->changed_ms < contact->aux_ms)
		closed = !closed;
	if (effects->chatter[pole])
		closed = (noise_bits(&twin->noise) >> 63) != 0;
	if (effects->deaf_aux[pole])
		closed = false;
	return closed ? CONTACT_CLOSED : CONTACT_OPEN;
}
