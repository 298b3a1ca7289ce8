/* What must hold for converters and meters on Modbus. */
#include <string.h>

#include "config/key.h"
#include "drivers/modbus/address.h"

enum { VOLTAGE_POLL_MAX_MS = 50 };

/* A converter or a meter, as far as its link goes. */
struct link {
	const char *list;
	unsigned index;
	char where[ID_SIZE + 24];
	const char *driver, *url;
	int32_t poll_ms, timeout_ms;
};

static const config_setting_t *link_setting(const struct reader *reader, const struct link *link,
					    const char *name)
{
	const config_setting_t *root = config_root_setting(&reader->tree);
	const config_setting_t *list = setting_find(root, NULL, link->list);
	const config_setting_t *element = list ? config_setting_get_elem(list, link->index) : NULL;
	const config_setting_t *member = element ? setting_find(element, NULL, name) : NULL;

	if (member)
		return member;
	return element ? element : root;
}

#define LINK_MISTAKE(link, name, ...)                                                              \
	mistake_at(&reader->mistakes, link_setting(reader, link, name), (link)->where, __VA_ARGS__)

static void check_link(struct reader *reader, const struct link *link)
{
	struct modbus_address address;
	const char *wrong = modbus_address_parse(&address, link->url);

	if (!*link->url)
		LINK_MISTAKE(link, "url",
			     "url is missing: driver \"%s\" needs tcp://host:port/unit or "
			     "rtu:///dev/tty?unit=1",
			     link->driver);
	else if (wrong)
		LINK_MISTAKE(link, "url", "url \"%s\" %s", link->url, wrong);
	else if (address.unit == MODBUS_UNIT_NONE)
		LINK_MISTAKE(link, "url", "url \"%s\" names no unit: end it with %s", link->url,
			     address.tcp ? "/1" : "?unit=1");
}

static bool by_map(const char *driver)
{
	return strcmp(driver, "registers") == 0 || strcmp(driver, "victron") == 0;
}

static bool map_has(const struct register_map *map, enum map_what what)
{
	for (unsigned i = 0; i < map->n_reads; i++)
		if (map->read[i].what == what)
			return true;
	return false;
}

/* Reads it; false: there is nothing to look at. */
static bool map_take(struct reader *reader, const struct link *link, const char *name,
		     struct register_map *map)
{
	if (*name)
		return map_read_named(reader, name, link_setting(reader, link, "map"), link->where,
				      map);
	LINK_MISTAKE(link, "driver",
		     "map is missing: driver \"%s\" needs the name of a file in pcs/",
		     link->driver);
	return false;
}

/* Without a `state` it is told by what was commanded and by ac_w; half of one tells nothing. */
static void check_states(struct reader *reader, const struct link *link, const char *name,
			 const struct register_map *map)
{
	if (map_has(map, MAP_STATE) && map->n_states == 0)
		LINK_MISTAKE(link, "map",
			     "map \"%s\" reads \"state\", but does not say what the numbers mean: "
			     "state = ( { raw = NUMBER; is = \"running\"; } )",
			     name);
	if (!map_has(map, MAP_STATE) && map->n_states > 0)
		LINK_MISTAKE(link, "map", "map \"%s\" names states, but reads no \"state\"", name);
}

static void check_pcs_map(struct reader *reader, const struct link *link, const char *name,
			  struct register_map *map, int32_t dead_man_ms)
{
	static const struct {
		enum map_what what;
		const char *word;
	} needed[] = {{MAP_AC_W, "ac_w"}, {MAP_DC_V, "dc_v"}};

	if (!map_take(reader, link, name, map))
		return;
	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!map_has(map, needed[i].what))
			LINK_MISTAKE(link, "map", "map \"%s\" reads no \"%s\"", name,
				     needed[i].word);
	if (!map_has(map, MAP_DC_A) && !map_has(map, MAP_DC_W))
		LINK_MISTAKE(link, "map", "map \"%s\" reads neither \"dc_a\" nor \"dc_w\"", name);
	check_states(reader, link, name, map);
	if (map->at[MAP_ZERO].n == 0 || map->at[MAP_DISCHARGE].n == 0)
		LINK_MISTAKE(link, "map", "map \"%s\" does not say how to set %s", name,
			     map->at[MAP_ZERO].n == 0 ? "0 W (zero)" : "power (discharge)");
	if (dead_man_ms > 0 && map->proof.n == 0)
		LINK_MISTAKE(link, "dead_man_s",
			     "dead_man_s %g: map \"%s\" has no proof of one: 0, and wire "
			     "gpio.pcs_enable",
			     dead_man_ms / 1000.0, name);
}

static void check_meter_map(struct reader *reader, const struct link *link,
			    struct meter_config *meter, bool is_bus)
{
	if (!map_take(reader, link, meter->map, &meter->registers))
		return;
	if (is_bus && !map_has(&meter->registers, MAP_V))
		LINK_MISTAKE(link, "map", "map \"%s\" reads no \"v\": it cannot measure the bus",
			     meter->map);
	if (!is_bus && !map_has(&meter->registers, MAP_P_W))
		LINK_MISTAKE(link, "map", "map \"%s\" reads no \"p_w\": it cannot measure power",
			     meter->map);
}

static void check_pcs(struct reader *reader, unsigned i)
{
	const struct site *site = &reader->config->site;
	struct pcs_config *own = &reader->config->pcs[i];
	const struct pcs_site *pcs = &site->pcs[i];
	struct link link = {"pcs", i, "", own->driver, own->url, own->poll_ms, own->timeout_ms};

	snprintf(link.where, sizeof(link.where), "pcs[%u] \"%s\"", i, pcs->id);
	if (!by_map(own->driver) && strcmp(own->driver, "sunspec") != 0)
		return;
	check_link(reader, &link);
	if (by_map(own->driver))
		check_pcs_map(reader, &link, own->map, &own->registers, pcs->dead_man_ms);
	if (2 * own->poll_ms > pcs->stale_ms)
		LINK_MISTAKE(&link, "poll_s",
			     "poll_s %g is more than half of stale_s %g: one lost answer would "
			     "be a lost link",
			     own->poll_ms / 1000.0, pcs->stale_ms / 1000.0);
	if (own->timeout_ms >= pcs->stale_ms)
		LINK_MISTAKE(&link, "timeout_s", "timeout_s %g is not below stale_s %g",
			     own->timeout_ms / 1000.0, pcs->stale_ms / 1000.0);
	if (!site->grid.measured_at_ac)
		LINK_MISTAKE(&link, "driver",
			     "driver \"%s\" sets power at the AC side: grid.measured_at_ac must be "
			     "true",
			     own->driver);
	if (strcmp(own->driver, "sunspec") == 0 && pcs->dead_man_ms > 0 &&
	    (pcs->dead_man_ms < 2000 || pcs->dead_man_ms % 1000 != 0))
		LINK_MISTAKE(&link, "dead_man_s",
			     "dead_man_s %g: a SunSpec timer counts whole seconds, and one is too "
			     "short to be kept alive: 2 or more",
			     pcs->dead_man_ms / 1000.0);
}

/* NULL: not "meter:...". */
static const char *meter_named(const char *sensor)
{
	return strncmp(sensor, "meter:", 6) == 0 ? sensor + 6 : NULL;
}

static void check_meter(struct reader *reader, unsigned i)
{
	const struct config *config = reader->config;
	struct meter_config *meter = &reader->config->meter[i];
	struct link link = {"meters",         i, "", meter->driver, meter->url, meter->poll_ms,
			    meter->timeout_ms};
	const char *voltage = meter_named(config->sensor.bus_voltage);
	const char *grid = meter_named(config->sensor.meter);
	char names[128];

	snprintf(link.where, sizeof(link.where), "meters[%u] \"%s\"", i, meter->id);
	for (unsigned j = 0; j < i; j++)
		if (strcmp(config->meter[j].id, meter->id) == 0 && *meter->id)
			LINK_MISTAKE(&link, "id", "id \"%s\" is also that of meters[%u]", meter->id,
				     j);
	if (*meter->driver && !driver_exists("meter driver", meter->driver))
		LINK_MISTAKE(&link, "driver",
			     "driver \"%s\": this build has no such meter driver; it has %s",
			     meter->driver, driver_names("meter driver", names, sizeof(names)));
	if (*meter->driver)
		check_link(reader, &link);
	if (by_map(meter->driver))
		check_meter_map(reader, &link, meter, voltage && strcmp(voltage, meter->id) == 0);
	else if (voltage && strcmp(voltage, meter->id) == 0 && *meter->driver)
		LINK_MISTAKE(&link, "driver",
			     "driver \"%s\" measures no DC voltage: the bus's voltage source needs "
			     "driver \"registers\" and a map with \"v\"",
			     meter->driver);
	if (voltage && strcmp(voltage, meter->id) == 0 && meter->poll_ms > VOLTAGE_POLL_MAX_MS)
		LINK_MISTAKE(&link, "poll_s",
			     "poll_s %g: the bus's voltage source must be read every %g s or more "
			     "often",
			     meter->poll_ms / 1000.0, VOLTAGE_POLL_MAX_MS / 1000.0);
	if (grid && strcmp(grid, meter->id) == 0 &&
	    2 * meter->poll_ms > config->site.grid.meter_stale_ms)
		LINK_MISTAKE(&link, "poll_s",
			     "poll_s %g is more than half of grid.meter_stale_s %g: one lost "
			     "answer would be a lost meter",
			     meter->poll_ms / 1000.0, config->site.grid.meter_stale_ms / 1000.0);
}

static void check_reference(struct reader *reader, const char *group, const char *key,
			    const char *sensor)
{
	const char *id = meter_named(sensor);

	if (!id)
		return;
	for (unsigned i = 0; i < reader->config->n_meters; i++)
		if (strcmp(reader->config->meter[i].id, id) == 0)
			return;
	mistake_at(&reader->mistakes, setting_of_site(reader, group, key), group,
		   "%s \"%s\": meters has no \"%s\"", key, sensor, id);
}

void check_modbus(struct reader *reader)
{
	const struct config *config = reader->config;

	for (unsigned i = 0; i < config->site.n_pcs; i++)
		check_pcs(reader, i);
	for (unsigned i = 0; i < config->n_meters; i++)
		check_meter(reader, i);
	check_reference(reader, "bus", "voltage_source", config->sensor.bus_voltage);
	check_reference(reader, "grid", "meter", config->sensor.meter);
}
