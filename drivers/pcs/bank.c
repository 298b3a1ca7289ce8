#include "drivers/pcs/bank.h"

#include <stdlib.h>

struct member {
	unsigned index;
	const struct pcs_kind *kind;
	void *self;
	struct pcs_link link;
	struct modbus_bus *bus;
	struct pcs_command last;
};

struct pcs_bank {
	unsigned n;
	struct member member[PCS_MAX];
};

static void gather(void *self, struct bank_inputs *in)
{
	struct pcs_bank *bank = self;
	struct pcs_status status;

	for (unsigned i = 0; i < bank->n; i++) {
		cell_get(bank->member[i].link.status, &status);
		in->pcs[bank->member[i].index] = status.sample;
	}
}

static void apply(void *self, int64_t now_ms, const struct bank_outputs *out)
{
	struct pcs_bank *bank = self;

	for (unsigned i = 0; i < bank->n; i++) {
		struct member *member = &bank->member[i];
		const struct pcs_output *wanted = &out->pcs[member->index];
		struct pcs_command command = {.at_ms = now_ms,
					      .run = out->pcs_enable && wanted->run};

		if (command.run)
			command.p_w = wanted->p_w;
		cell_put(member->link.command, &command);
		if (command.run != member->last.run || command.p_w != member->last.p_w)
			modbus_bus_wake(member->bus);
		member->last = command;
	}
}

static void bank_free(void *self)
{
	struct pcs_bank *bank = self;

	while (bank->n > 0) {
		struct member *member = &bank->member[--bank->n];

		if (member->self)
			member->kind->free(member->self);
		pcs_link_close(&member->link);
	}
	free(bank);
}

static bool member_open(struct member *member, struct modbus_pool *pool,
			const struct pcs_place *place)
{
	struct modbus_device device;

	member->index = place->index;
	member->kind = place->kind;
	if (!pcs_link_open(&member->link))
		return false;
	member->self = place->kind->make(&place->setup, &member->link);
	if (!member->self)
		return false;
	device = modbus_device_of(&place->kind->device, member->self, place->setup.unit,
				  place->setup.timeout_ms);
	member->bus = modbus_pool_add(pool, &place->address, &device);
	return member->bus != NULL;
}

bool pcs_bank_open(struct driver *driver, struct modbus_pool *pool, unsigned n,
		   const struct pcs_place *place)
{
	struct pcs_bank *bank = calloc(1, sizeof *bank);
	bool ok = bank != NULL && n <= PCS_MAX;

	for (unsigned i = 0; ok && i < n; i++)
		ok = member_open(&bank->member[bank->n++], pool, &place[i]);
	if (!ok) {
		if (bank)
			bank_free(bank);
		return false;
	}
	*driver = (struct driver){.name = "pcs",
				  .self = bank,
				  .gather = gather,
				  .apply = apply,
				  .urgent_fd = -1,
				  .close = bank_free};
	return true;
}

void pcs_bank_status(const struct driver *driver, unsigned i, struct pcs_status *status)
{
	const struct pcs_bank *bank = driver->self;

	cell_get(bank->member[i].link.status, status);
}
