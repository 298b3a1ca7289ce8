/* The drivers this build has, by the names the site file gives them. */
#include <string.h>

#include "config/key.h"

struct driver_name {
	const char *role, *name;
};

static const struct driver_name drivers[] = {
	{"pack bus", "sim"},
	{"pack bus", "can<n>"},
	{"pack bus", "vcan<n>"},
	{"pack bus", "slcan<n>"},
	{"pack bus", "tcp://<host>"},
	{"pack bus", "rtu://<line>"},
	{"pcs driver", "sim"},
	{"pcs driver", "can-bms"},
	{"voltage source", "sim"},
	{"grid meter", "sim"},
	{"insulation monitor", "sim"},
	{"insulation monitor", "pwm"}, /* gpio.imd_pwm */
	{"supply reading", "sim"},
	{"supply reading", "line"}, /* gpio.supply */
	{"pcs driver", "sunspec"},
	{"pcs driver", "registers"},
	{"pcs driver", "victron"},
	{"meter driver", "sunspec"},
	{"meter driver", "registers"},
	{"voltage source", "meter:<id>"},
	{"voltage source", "pack:<id>"},
	{"grid meter", "meter:<id>"},
};

enum { DRIVERS = sizeof(drivers) / sizeof(drivers[0]) };

/* "meter:<id>" stands for every name that begins with "meter:". */
static bool name_fits(const char *pattern, const char *name)
{
	const char *open = strchr(pattern, '<');

	return open ? strncmp(pattern, name, (size_t)(open - pattern)) == 0
		    : strcmp(pattern, name) == 0;
}

bool driver_is_can(const char *bus)
{
	return name_fits("can<n>", bus) || name_fits("vcan<n>", bus) || name_fits("slcan<n>", bus);
}

bool driver_exists(const char *role, const char *name)
{
	for (int i = 0; i < DRIVERS; i++)
		if (strcmp(drivers[i].role, role) == 0 && name_fits(drivers[i].name, name))
			return true;
	return false;
}

const char *driver_names(const char *role, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (int i = 0; i < DRIVERS; i++)
		if (strcmp(drivers[i].role, role) == 0 && n < size)
			n += (size_t)snprintf(text + n, size - n, "%s\"%s\"", n ? ", " : "",
					      drivers[i].name);
	return text;
}
