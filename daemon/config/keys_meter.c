/* The keys of a meter on Modbus. */
#include <stddef.h>

#include "config/key.h"

static const struct key meter_keys[] = {
	{"id", KEY_ID, AT_OWN(meter_config, id),
	 .help = "name of the meter, as in grid.meter = \"meter:<id>\""},
	{"driver", KEY_TEXT, AT_OWN(meter_config, driver),
	 .help = "how it is spoken to: \"sunspec\", docs/converters.md"},
	{"url", KEY_TEXT, AT_OWN(meter_config, url), .help = "where it is, as of a converter"},
	{"map", KEY_ID, AT_OWN(meter_config, map), WITHOUT("needed for \"registers\""),
	 .help = "its register map, pcs/<map>.conf"},
	{"poll_s", KEY_SECONDS, AT_OWN(meter_config, poll_ms), RANGE(0.02, 10.0), STANDARD(0.5),
	 .help = "how often it is read; a voltage source: 0.05 or less"},
	{"timeout_s", KEY_SECONDS, AT_OWN(meter_config, timeout_ms), RANGE(0.02, 2.0),
	 STANDARD(0.3), .help = "it answers a request within"},
	{"inverted", KEY_BOOL, AT_OWN(meter_config, inverted), STANDARD(0),
	 .help = "it counts power with + as import"},
};

static const struct group meter_group = {"meters[]", "",
					 "Meters on Modbus, for grid.meter and bus.voltage_source.",
					 GROUP_KEYS(meter_keys)};

static void meter_place(struct config *config, unsigned index, struct bases *bases)
{
	bases->at[BASE_OWN] = (char *)&config->meter[index];
}

const struct list meters_list = {.element = &meter_group,
				 .max = METERS_MAX,
				 .count_base = BASE_OWN,
				 .count_offset = offsetof(struct config, n_meters),
				 .place = meter_place};
