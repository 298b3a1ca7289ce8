#include "plant/modbus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static plant_modbus_part *const parts[] = {plant_pcs_add, plant_meters_add, plant_packs_add};

enum { PARTS = sizeof parts / sizeof parts[0] };

struct modbus_plant {
	struct modbus_pool pool;
	unsigned n;
	struct driver child[PARTS];
};

static bool is_spoken_to(const char *driver)
{
	return strcmp(driver, "sunspec") == 0 || strcmp(driver, "registers") == 0 ||
	       strcmp(driver, "victron") == 0;
}

bool plant_modbus_needed(const struct config *config)
{
	for (unsigned i = 0; i < config->site.n_pcs; i++)
		if (is_spoken_to(config->pcs[i].driver))
			return true;
	for (unsigned k = 0; k < config->site.n_packs; k++)
		if (modbus_address_is(config->pack[k].bus))
			return true;
	return config->n_meters > 0;
}

static void gather(void *self, struct bank_inputs *in)
{
	struct modbus_plant *plant = self;

	for (unsigned i = 0; i < plant->n; i++)
		plant->child[i].gather(plant->child[i].self, in);
}

static void apply(void *self, int64_t now_ms, const struct bank_outputs *out)
{
	struct modbus_plant *plant = self;

	for (unsigned i = 0; i < plant->n; i++)
		plant->child[i].apply(plant->child[i].self, now_ms, out);
}

/* Of the children only packs bring news that cannot wait. */
static bool urgent(void *self, int64_t now_ms)
{
	struct modbus_plant *plant = self;
	bool news = false;

	for (unsigned i = 0; i < plant->n; i++)
		if (plant->child[i].urgent)
			news = plant->child[i].urgent(plant->child[i].self, now_ms) || news;
	return news;
}

static bool notice(void *self, int64_t now_ms, struct driver_notice *notice)
{
	struct modbus_plant *plant = self;

	for (unsigned i = 0; i < plant->n; i++)
		if (plant->child[i].notice &&
		    plant->child[i].notice(plant->child[i].self, now_ms, notice))
			return true;
	return false;
}

static int urgent_fd(const struct modbus_plant *plant)
{
	for (unsigned i = 0; i < plant->n; i++)
		if (plant->child[i].urgent_fd >= 0)
			return plant->child[i].urgent_fd;
	return -1;
}

/* The workers first: they use what the children own. One that hangs keeps it. */
static void plant_close_all(void *self)
{
	struct modbus_plant *plant = self;

	if (!modbus_pool_stop(&plant->pool))
		return;
	while (plant->n > 0) {
		struct driver *child = &plant->child[--plant->n];

		child->close(child->self);
	}
	free(plant);
}

bool plant_modbus_open(struct driver *driver, const struct config *config, int64_t now_ms)
{
	struct modbus_plant *plant = calloc(1, sizeof *plant);
	int n = plant ? 0 : -1;

	(void)now_ms;
	for (unsigned i = 0; i < PARTS && n >= 0; i++) {
		n = parts[i](&plant->child[plant->n], &plant->pool, config);
		if (n > 0)
			plant->n++;
	}
	if (n < 0 || !modbus_pool_start(&plant->pool)) {
		int error = errno;

		if (plant)
			plant_close_all(plant);
		errno = error;
		return false;
	}
	*driver = (struct driver){.name = "modbus",
				  .self = plant,
				  .gather = gather,
				  .apply = apply,
				  .urgent_fd = urgent_fd(plant),
				  .urgent = urgent,
				  .notice = notice,
				  .close = plant_close_all};
	return true;
}
