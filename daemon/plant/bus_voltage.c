#include "plant/bus_voltage.h"

#include <stdlib.h>

struct bus_voltage {
	unsigned pack;
};

bool plant_bus_voltage_needed(const struct config *config)
{
	return config_voltage_pack(config) >= 0;
}

/* With its own stamp: a pack that falls silent leaves the bus unknown. */
static void gather(void *self, struct bank_inputs *in)
{
	const struct bus_voltage *source = self;
	const struct pack_sample *pack = &in->pack[source->pack];

	in->bus.stamp_ms = pack->link_ms;
	in->bus.v = pack->link_v;
}

static void apply(void *self, int64_t now_ms, const struct bank_outputs *out)
{
	(void)self;
	(void)now_ms;
	(void)out;
}

bool plant_bus_voltage_open(struct driver *driver, const struct config *config, int64_t now_ms)
{
	struct bus_voltage *source = malloc(sizeof *source);

	(void)now_ms;
	if (!source)
		return false;
	source->pack = (unsigned)config_voltage_pack(config);
	*driver = (struct driver){.name = "bus voltage",
				  .self = source,
				  .gather = gather,
				  .apply = apply,
				  .urgent_fd = -1,
				  .close = free};
	return true;
}
