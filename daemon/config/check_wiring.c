/* Chips, drivers, sensors: nothing that this build cannot speak to, nothing real half simulated. */
#include <string.h>

#include "config/key.h"

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

static void check_drivers(struct reader *reader)
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
	check_sensors(reader);
}

/* A simulated reading must not steer a real coil, nor a simulated coil answer for a real pack. On a
 * bench with hardware in the loop the lines are real and all else is simulated. */
static void check_mixture(struct reader *reader)
{
	const struct config *config = reader->config;
	const char *part[PACK_MAX + PCS_MAX + 5];
	const char *real = NULL;
	unsigned n = 0, simulated = 0;
	bool bench = config->sim.hardware_in_the_loop;

	if (!bench)
		part[n++] = config->gpio.chip;
	else if (strcmp(config->gpio.chip, "sim") == 0)
		mistake_at(&reader->mistakes, setting_of_site(reader, "gpio", "chip"), "gpio",
			   "chip \"sim\": simulation.hardware_in_the_loop needs the lines of a "
			   "real chip");
	part[n++] = config->sensor.bus_voltage;
	part[n++] = config->sensor.meter;
	if (!bench || !config->sim.imd_by_line)
		part[n++] = config->sensor.imd;
	if (!bench || !config->sim.supply_by_line)
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
		mistake_add(&reader->mistakes, NULL, 0, NULL, "\"sim\" and \"%s\" are mixed: %s",
			    real,
			    bench ? "with simulation.hardware_in_the_loop only gpio is real"
				  : "a site is all simulated or all real");
}

/* A reading that comes in by lines needs them, and lines that nobody reads are forgotten ones. */
static void check_sensor_lines(struct reader *reader)
{
	const struct gpio_config *gpio = &reader->config->gpio;
	const struct sensor_config *sensor = &reader->config->sensor;
	const struct {
		const char *key, *name, *wanted, *line_key, *line;
	} pairs[] = {{"imd", sensor->imd, "pwm", "imd_pwm", gpio->imd_pwm},
		     {"supply", sensor->supply, "line", "supply", gpio->supply}};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		bool wanted = strcmp(pairs[i].name, pairs[i].wanted) == 0;
		bool wired = *pairs[i].line && strcmp(pairs[i].line, "none") != 0;

		if (wanted && !wired)
			mistake_at(&reader->mistakes,
				   setting_of_site(reader, "protection", pairs[i].key),
				   "protection", "%s \"%s\" needs the line gpio.%s", pairs[i].key,
				   pairs[i].name, pairs[i].line_key);
		if (wired && !wanted)
			mistake_at(&reader->mistakes,
				   setting_of_site(reader, "gpio", pairs[i].line_key), "gpio",
				   "%s \"%s\" is wired and not read: say protection.%s = \"%s\"",
				   pairs[i].line_key, pairs[i].line, pairs[i].key, pairs[i].wanted);
	}
}

static void check_real(struct reader *reader)
{
	const struct gpio_config *gpio = &reader->config->gpio;
	const struct site *site = &reader->config->site;
	const config_setting_t *at = setting_of_site(reader, NULL, "gpio");

	if (!site->real_contactors)
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
	if (!site->has_imd && !site->input[INPUT_INSULATION].present &&
	    !*gpio->insulation_absent_because)
		mistake_at(&reader->mistakes, at, "gpio",
			   "insulation is missing: real contactors close onto a bus whose "
			   "insulation was measured; wire a monitor's relay, name the monitor in "
			   "protection.imd, or say why not in insulation_absent_because");
}

void check_wiring(struct reader *reader)
{
	check_lines(reader);
	check_drivers(reader);
	check_mixture(reader);
	check_sensor_lines(reader);
	check_real(reader);
}
