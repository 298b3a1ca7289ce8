/* Lines, chips, drivers: nothing wired twice, nothing that this build cannot speak to. */
#include <string.h>

#include "config/key.h"

enum { USES_MAX = PACK_MAX * 2 * POLE_COUNT + 5 + INPUT_COUNT };

struct use {
	const char *line;
	char where[ID_SIZE + 24];
	const char *key;
	const config_setting_t *setting;
};

struct uses {
	unsigned n;
	struct use use[USES_MAX];
};

static void use_add(struct reader *reader, struct uses *uses, const char *line, const char *where,
		    const char *key, const config_setting_t *setting)
{
	struct use *use = &uses->use[uses->n];

	if (!*line || strcmp(line, "none") == 0)
		return;
	for (unsigned i = 0; i < uses->n; i++) {
		if (strcmp(uses->use[i].line, line) == 0) {
			mistake_at(&reader->mistakes, setting, where,
				   "%s \"%s\" is already %s of %s: a line has one use", key, line,
				   uses->use[i].key, uses->use[i].where);
			return;
		}
	}
	use->line = line;
	use->key = key;
	use->setting = setting;
	snprintf(use->where, sizeof(use->where), "%s", where);
	uses->n++;
}

static void uses_of_gpio(struct reader *reader, struct uses *uses)
{
	const struct gpio_config *gpio = &reader->config->gpio;
	const struct {
		const char *key, *line;
	} lines[] = {
		{"pcs_enable", gpio->pcs_enable},
		{"heartbeat", gpio->heartbeat},
		{"alarm_relay", gpio->alarm_relay},
		{"fire_relay", gpio->fire_relay},
		{"fan", gpio->fan},
		{"estop", gpio->input[INPUT_ESTOP]},
		{"interlock", gpio->input[INPUT_INTERLOCK]},
		{"smoke", gpio->input[INPUT_SMOKE]},
		{"gas", gpio->input[INPUT_GAS]},
		{"door", gpio->input[INPUT_DOOR]},
		{"insulation", gpio->input[INPUT_INSULATION]},
		{"remote", gpio->input[INPUT_REMOTE]},
		{"fan_feedback", gpio->input[INPUT_FAN]},
		{"mains", gpio->input[INPUT_MAINS]},
	};

	_Static_assert(sizeof(lines) / sizeof(lines[0]) == 5 + INPUT_COUNT, "a line is missing");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		use_add(reader, uses, lines[i].line, "gpio", lines[i].key,
			setting_of_site(reader, "gpio", lines[i].key));
}

static void uses_of_pack(struct reader *reader, struct uses *uses, unsigned k)
{
	static const char *const keys[2][POLE_COUNT] = {
		{"negative", "positive", "precharge"},
		{"feedback_negative", "feedback_positive", "feedback_precharge"}};
	const struct pack_config *own = &reader->config->pack[k];
	char where[ID_SIZE + 24];

	for (unsigned j = 0; j < k; j++)
		if (strcmp(reader->config->site.pack[j].id, reader->config->site.pack[k].id) == 0)
			return; /* equal ids make equal names of simulated lines */
	snprintf(where, sizeof(where), "packs[%u] \"%s\"", k, reader->config->site.pack[k].id);
	for (int pole = 0; pole < POLE_COUNT; pole++) {
		use_add(reader, uses, own->coil[pole], where, keys[0][pole],
			setting_of_pack(reader, k, "contactors", keys[0][pole]));
		use_add(reader, uses, own->feedback[pole], where, keys[1][pole],
			setting_of_pack(reader, k, "contactors", keys[1][pole]));
	}
}

static void check_driver(struct reader *reader, const config_setting_t *setting, const char *where,
			 const char *key, const char *role, const char *name)
{
	char names[128];

	if (*name && !driver_exists(role, name))
		mistake_at(&reader->mistakes, setting, where,
			   "%s \"%s\": this build has no such %s; it has %s", key, name, role,
			   driver_names(role, names, sizeof(names)));
}

static void check_sensors(struct reader *reader)
{
	const struct sensor_config *sensor = &reader->config->sensor;
	const struct {
		const char *group, *key, *role, *name;
	} sensors[] = {
		{"bus", "voltage_source", "voltage source", sensor->bus_voltage},
		{"grid", "meter", "grid meter", sensor->meter},
		{"protection", "imd", "insulation monitor", sensor->imd},
		{"protection", "supply", "supply reading", sensor->supply},
	};

	for (size_t i = 0; i < sizeof(sensors) / sizeof(sensors[0]); i++)
		if (strcmp(sensors[i].name, "none") != 0)
			check_driver(
				reader, setting_of_site(reader, sensors[i].group, sensors[i].key),
				sensors[i].group, sensors[i].key, sensors[i].role, sensors[i].name);
}

/* Chips that single lines name themselves. */
static void check_chips(struct reader *reader, const struct uses *uses)
{
	const char *standard = reader->config->gpio.chip;

	for (unsigned i = 0; i < uses->n; i++) {
		const char *line = uses->use[i].line, *colon = strchr(line, ':');
		char chip[LINE_SIZE];

		if (!colon)
			continue;
		snprintf(chip, sizeof(chip), "%.*s", (int)(colon - line), line);
		if (strcmp(chip, standard) != 0)
			check_driver(reader, uses->use[i].setting, uses->use[i].where,
				     uses->use[i].key, "gpio chip", chip);
	}
}

static void check_drivers(struct reader *reader, const struct uses *uses)
{
	const struct config *config = reader->config;
	const config_setting_t *pcs = setting_find(config_root_setting(&reader->tree), NULL, "pcs");
	char where[ID_SIZE + 24];

	for (unsigned k = 0; k < config->site.n_packs; k++) {
		if (!reader->pack[k])
			continue;
		snprintf(where, sizeof(where), "packs[%u] \"%s\"", k, config->site.pack[k].id);
		check_driver(reader, setting_of_pack(reader, k, NULL, "bus"), where, "bus",
			     "pack bus", config->pack[k].bus);
	}
	for (unsigned i = 0; i < config->site.n_pcs; i++) {
		const config_setting_t *element = config_setting_get_elem(pcs, i);
		const config_setting_t *driver = setting_find(element, NULL, "driver");

		snprintf(where, sizeof(where), "pcs[%u] \"%s\"", i, config->site.pcs[i].id);
		check_driver(reader, driver ? driver : element, where, "driver", "pcs driver",
			     config->pcs[i].driver);
	}
	check_driver(reader, setting_of_site(reader, "gpio", "chip"), "gpio", "chip", "gpio chip",
		     config->gpio.chip);
	check_chips(reader, uses);
	check_sensors(reader);
}

/* A simulated reading must not steer a real coil, nor a simulated coil answer for a real pack. */
static void check_mixture(struct reader *reader)
{
	const struct config *config = reader->config;
	const char *part[PACK_MAX + PCS_MAX + 5];
	const char *real = NULL;
	unsigned n = 0, simulated = 0;

	part[n++] = config->gpio.chip;
	part[n++] = config->sensor.bus_voltage;
	part[n++] = config->sensor.meter;
	part[n++] = config->sensor.imd;
	part[n++] = config->sensor.supply;
	for (unsigned i = 0; i < config->site.n_pcs; i++)
		part[n++] = config->pcs[i].driver;
	for (unsigned k = 0; k < config->site.n_packs; k++)
		part[n++] = config->pack[k].bus;
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(part[i], "sim") == 0)
			simulated++;
		else if (*part[i] && strcmp(part[i], "none") != 0 && !real)
			real = part[i];
	}
	if (simulated > 0 && real)
		mistake_add(&reader->mistakes, NULL, 0, NULL,
			    "\"sim\" and \"%s\" are mixed: a site is all simulated or all real",
			    real);
}

static void check_real(struct reader *reader)
{
	const struct gpio_config *gpio = &reader->config->gpio;
	const config_setting_t *at = setting_of_site(reader, NULL, "gpio");

	if (!reader->config->site.real_contactors)
		return;
	if (!*gpio->pcs_enable && !*gpio->pcs_enable_absent_because)
		mistake_at(&reader->mistakes, at, "gpio",
			   "pcs_enable is missing: a coil that drops while a converter pushes is a "
			   "load dump; wire it, or say why not in pcs_enable_absent_because");
	if (!*gpio->heartbeat)
		mistake_at(&reader->mistakes, at, "gpio",
			   "heartbeat is missing: real contactors need the safety relay that it "
			   "keeps closed");
	if (!*gpio->input[INPUT_ESTOP])
		mistake_at(&reader->mistakes, at, "gpio",
			   "estop is missing: real contactors need an emergency stop");
}

void check_wiring(struct reader *reader)
{
	struct uses uses;

	uses.n = 0;
	uses_of_gpio(reader, &uses);
	for (unsigned k = 0; k < reader->config->site.n_packs; k++)
		if (reader->pack[k])
			uses_of_pack(reader, &uses, k);
	check_drivers(reader, &uses);
	check_mixture(reader);
	check_real(reader);
}
