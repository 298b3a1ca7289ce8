#include "plant/can.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/can/can.h"
#include "drivers/can/isotp.h"

static bool is_on_can(const struct config *config, unsigned k)
{
	return driver_is_can(config->pack[k].bus) && config->pack[k].wire;
}

bool plant_can_needed(const struct config *config)
{
	for (unsigned k = 0; k < config->site.n_packs; k++)
		if (is_on_can(config, k))
			return true;
	return false;
}

static unsigned bus_of(struct can_setup *setup, const char *name)
{
	for (unsigned b = 0; b < setup->n_buses; b++)
		if (strcmp(setup->bus[b].name, name) == 0)
			return b;
	snprintf(setup->bus[setup->n_buses].name, CAN_NAME_SIZE, "%s", name);
	setup->bus[setup->n_buses].fd = setup->bus[setup->n_buses].bell_fd = -1;
	return setup->n_buses++;
}

static void setup_fill(struct can_setup *setup, const struct config *config)
{
	bool asks = can_isotp_supported();

	setup->tick_ms = config->site.tick_ms;
	for (unsigned k = 0; k < config->site.n_packs; k++) {
		const struct pack_config *own = &config->pack[k];
		struct can_pack_setup *pack = &setup->pack[setup->n_packs];

		if (!is_on_can(config, k))
			continue;
		*pack = (struct can_pack_setup){
			.pack = k,
			.bus = bus_of(setup, own->bus),
			.wire = own->wire,
			.limit = &config->site.pack[k].limit,
			.reversed = own->current_reversed,
			.asleep = own->wire->n_channels > 0 && !asks,
		};
		if (pack->asleep)
			fprintf(stderr,
				"rebankd: pack %s is not started: profile %s asks over ISO-TP, "
				"which "
				"this kernel does not have: load module can-isotp\n",
				config->site.pack[k].id, config->site.pack[k].profile);
		setup->n_packs++;
	}
}

static void buses_tell(const struct driver *driver, const struct can_setup *setup)
{
	for (unsigned b = 0; b < setup->n_buses; b++) {
		int error = can_bus_link(driver, b)->error;

		if (error)
			fprintf(stderr,
				"rebankd: CAN interface %s: %s; its packs are unknown until it is "
				"there\n",
				setup->bus[b].name, strerror(error));
	}
}

bool plant_can_open(struct driver *driver, const struct config *config, int64_t now_ms)
{
	struct can_setup *setup = calloc(1, sizeof *setup);
	bool opened;

	if (!setup)
		return false;
	setup_fill(setup, config);
	opened = can_open(driver, setup, now_ms);
	if (opened)
		buses_tell(driver, setup);
	free(setup);
	return opened;
}
