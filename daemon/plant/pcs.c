/* From the site file to converters and meters on Modbus. */
#include <string.h>

#include "plant/modbus.h"

static const struct {
	const char *driver;
	const struct pcs_kind *kind;
} kinds[] = {{"sunspec", &pcs_sunspec}, {"registers", &pcs_registers}, {"victron", &pcs_registers}};

static const struct meter_kind *const meter_kinds[] = {&meter_sunspec, &meter_registers};

static const struct pcs_kind *kind_named(const char *driver)
{
	for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].driver, driver) == 0)
			return kinds[i].kind;
	return NULL;
}

static const struct meter_kind *meter_kind_named(const char *driver)
{
	for (unsigned i = 0; i < sizeof meter_kinds / sizeof meter_kinds[0]; i++)
		if (strcmp(meter_kinds[i]->name, driver) == 0)
			return meter_kinds[i];
	return NULL;
}

unsigned plant_pcs_places(const struct config *config, struct pcs_place place[PCS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < config->site.n_pcs; i++) {
		const struct pcs_config *own = &config->pcs[i];
		const struct pcs_site *site = &config->site.pcs[i];
		const struct pcs_kind *kind = kind_named(own->driver);
		struct modbus_address address;

		if (!kind || modbus_address_parse(&address, own->url))
			continue; /* of another driver: the site file was checked */
		place[n++] = (struct pcs_place){.index = i,
						.kind = kind,
						.address = address,
						.setup = {.unit = (uint8_t)address.unit,
							  .timeout_ms = own->timeout_ms,
							  .poll_ms = own->poll_ms,
							  .dead_man_ms = site->dead_man_ms,
							  .p_max_w = site->p_max_w,
							  .dc_inverted = own->dc_inverted,
							  .map = &own->registers}};
	}
	return n;
}

int plant_pcs_add(struct driver *child, struct modbus_pool *pool, const struct config *config)
{
	struct pcs_place place[PCS_MAX];
	unsigned n = plant_pcs_places(config, place);

	if (n > 0 && !pcs_bank_open(child, pool, n, place))
		return -1;
	return (int)n;
}

static bool feeds(const char *sensor, const char *id)
{
	return strncmp(sensor, "meter:", 6) == 0 && strcmp(sensor + 6, id) == 0;
}

unsigned plant_meter_places(const struct config *config, struct meter_place place[METERS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < config->n_meters; i++) {
		const struct meter_config *own = &config->meter[i];
		const struct meter_kind *kind = meter_kind_named(own->driver);
		struct modbus_address address;

		if (!kind || modbus_address_parse(&address, own->url))
			continue;
		place[n++] =
			(struct meter_place){.kind = kind,
					     .address = address,
					     .setup = {.unit = (uint8_t)address.unit,
						       .timeout_ms = own->timeout_ms,
						       .poll_ms = own->poll_ms,
						       .inverted = own->inverted,
						       .map = &own->registers},
					     .is_grid = feeds(config->sensor.meter, own->id),
					     .is_bus = feeds(config->sensor.bus_voltage, own->id)};
	}
	return n;
}

int plant_meters_add(struct driver *child, struct modbus_pool *pool, const struct config *config)
{
	struct meter_place place[METERS_MAX];
	unsigned n = plant_meter_places(config, place);

	if (n > 0 && !meter_bank_open(child, pool, n, place))
		return -1;
	return (int)n;
}
