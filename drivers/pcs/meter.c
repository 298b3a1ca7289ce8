#include "drivers/pcs/meter.h"

#include <stdlib.h>

struct member {
	struct meter_place place;
	void *self;
	struct cell *status;
};

struct meter_bank {
	unsigned n;
	struct member member[METER_MAX];
};

static void gather(void *self, struct bank_inputs *in)
{
	struct meter_bank *bank = self;
	struct meter_status status;

	for (unsigned i = 0; i < bank->n; i++) {
		const struct meter_place *place = &bank->member[i].place;

		if (cell_get(bank->member[i].status, &status) == 0)
			continue;
		if (place->is_grid)
			in->meter =
				(struct meter_sample){status.stamp_ms, status.p_w, status.freq_hz};
		if (place->is_bus)
			in->bus = (struct bus_sample){status.stamp_ms, status.v};
	}
}

static void apply(void *self, int64_t now_ms, const struct bank_outputs *out)
{
	(void)self;
	(void)now_ms;
	(void)out;
}

static void bank_free(void *self)
{
	struct meter_bank *bank = self;

	while (bank->n > 0) {
		struct member *member = &bank->member[--bank->n];

		if (member->self)
			member->place.kind->free(member->self);
		cell_free(member->status);
	}
	free(bank);
}

static bool member_open(struct member *member, struct modbus_pool *pool,
			const struct meter_place *place)
{
	struct modbus_device device;

	member->place = *place;
	member->status = cell_new(sizeof(struct meter_status));
	if (!member->status)
		return false;
	member->self = place->kind->make(&place->setup, member->status);
	if (!member->self)
		return false;
	device = modbus_device_of(&place->kind->device, member->self, place->setup.unit,
				  place->setup.timeout_ms);
	return modbus_pool_add(pool, &place->address, &device) != NULL;
}

bool meter_bank_open(struct driver *driver, struct modbus_pool *pool, unsigned n,
		     const struct meter_place *place)
{
	struct meter_bank *bank = calloc(1, sizeof *bank);
	bool ok = bank != NULL && n <= METER_MAX;

	for (unsigned i = 0; ok && i < n; i++)
		ok = member_open(&bank->member[bank->n++], pool, &place[i]);
	if (!ok) {
		if (bank)
			bank_free(bank);
		return false;
	}
	*driver = (struct driver){.name = "meters",
				  .self = bank,
				  .gather = gather,
				  .apply = apply,
				  .urgent_fd = -1,
				  .close = bank_free};
	return true;
}

void meter_bank_status(const struct driver *driver, unsigned i, struct meter_status *status)
{
	const struct meter_bank *bank = driver->self;

	cell_get(bank->member[i].status, status);
}
