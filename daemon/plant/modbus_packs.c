/* From the site file to packs on Modbus. */
#include <stdlib.h>

#include "drivers/pack/modbus.h"
#include "plant/modbus.h"

int plant_packs_add(struct driver *child, struct modbus_pool *pool, const struct config *config)
{
	struct modbus_pack *pack = calloc(PACK_MAX, sizeof *pack);
	unsigned n = 0;
	bool opened = true;

	if (!pack)
		return -1;
	for (unsigned k = 0; k < config->site.n_packs; k++) {
		const struct pack_config *own = &config->pack[k];
		struct modbus_address address;

		if (!own->wire || !modbus_address_is(own->bus) ||
		    modbus_address_parse(&address, own->bus))
			continue; /* of another driver: the site file was checked */
		pack[n++] = (struct modbus_pack){.pack = k,
						 .address = address,
						 .unit = (uint8_t)config_pack_unit(config, k),
						 .timeout_ms = own->timeout_ms,
						 .wire = own->wire,
						 .limit = &config->site.pack[k].limit,
						 .reversed = own->current_reversed};
	}
	if (n > 0)
		opened = modbus_packs_open(child, pool, n, pack);
	free(pack);
	return opened ? (int)n : -1;
}
