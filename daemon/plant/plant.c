#include "plant/plant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "drivers/sim/sim.h"
#include "plant/bus_voltage.h"
#include "plant/can.h"
#include "plant/can_bms.h"
#include "plant/gpio.h"
#include "plant/modbus.h"

struct need {
	const char *name;
	bool (*needed)(const struct config *config);
	bool (*open)(struct driver *driver, const struct config *config, int64_t now_ms);
};

static bool sim_needed(const struct config *config)
{
	return config->simulated;
}

/* Faults can be injected through <run_dir>/<bank>.sim. */
static bool sim_start(struct driver *driver, const struct config *config, int64_t now_ms)
{
	char path[PATH_SIZE + ID_SIZE + 8];

	snprintf(path, sizeof path, "%s/%s.sim", config->run_dir, config->site.id);
	return sim_open(driver, &config->site, &config->sim, now_ms, path);
}

/* The lines first: a bench's simulated packs follow what they show. The bus voltage last: it is one of
 * the readings before it. */
static const struct need table[] = {
	{"gpio", plant_gpio_needed, plant_gpio_open},
	{"sim", sim_needed, sim_start},
	{"can", plant_can_needed, plant_can_open},
	{"can-bms", plant_can_bms_needed, plant_can_bms_open},
	{"modbus", plant_modbus_needed, plant_modbus_open},
	{"bus voltage", plant_bus_voltage_needed, plant_bus_voltage_open},
};

enum { NEEDS = sizeof table / sizeof table[0] };
_Static_assert(sizeof table / sizeof table[0] <= (size_t)PLANT_DRIVERS_MAX,
	       "every driver of the table fits a plant");

enum plant_result plant_open(struct plant *plant, const struct config *config, int64_t now_ms)
{
	static const struct bank_outputs safe;
	enum plant_result result;

	plant->n = 0;
	for (unsigned i = 0; i < NEEDS; i++) {
		if (!table[i].needed(config))
			continue;
		errno = 0;
		if (!table[i].open(&plant->driver[plant->n], config, now_ms)) {
			fprintf(stderr, "rebankd: driver %s cannot be opened: %s\n", table[i].name,
				errno ? strerror(errno) : "out of memory");
			result = errno == EBUSY    ? PLANT_BUSY
				 : errno == EINVAL ? PLANT_REFUSED
						   : PLANT_FAILED;
			plant_close(plant);
			return result;
		}
		plant->n++;
	}
	if (plant->n == 0) {
		fprintf(stderr, "rebankd: no driver serves the parts of bank %s\n",
			config->site.id);
		return PLANT_NO_DRIVER;
	}
	plant_apply(plant, now_ms, &safe);
	return PLANT_OK;
}

void plant_gather(struct plant *plant, struct bank_inputs *in)
{
	for (unsigned i = 0; i < plant->n; i++)
		plant->driver[i].gather(plant->driver[i].self, in);
}

void plant_apply(struct plant *plant, int64_t now_ms, const struct bank_outputs *out)
{
	for (unsigned i = 0; i < plant->n; i++)
		plant->driver[i].apply(plant->driver[i].self, now_ms, out);
}

bool plant_notice(struct plant *plant, int64_t now_ms, struct driver_notice *notice)
{
	for (unsigned i = 0; i < plant->n; i++)
		if (plant->driver[i].notice &&
		    plant->driver[i].notice(plant->driver[i].self, now_ms, notice))
			return true;
	return false;
}

void plant_close(struct plant *plant)
{
	while (plant->n > 0) {
		struct driver *driver = &plant->driver[--plant->n];

		driver->close(driver->self);
	}
}
