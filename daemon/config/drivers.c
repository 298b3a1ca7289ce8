/* The drivers this build has, by the names the site file gives them. */
#include <string.h>

#include "config/key.h"

struct driver_name {
	const char *role, *name;
};

static const struct driver_name drivers[] = {
	{"pack bus", "sim"},       {"pcs driver", "sim"}, {"gpio chip", "sim"},
	{"voltage source", "sim"}, {"grid meter", "sim"}, {"insulation monitor", "sim"},
	{"supply reading", "sim"},
};

enum { DRIVERS = sizeof(drivers) / sizeof(drivers[0]) };

bool driver_exists(const char *role, const char *name)
{
	for (int i = 0; i < DRIVERS; i++)
		if (strcmp(drivers[i].role, role) == 0 && strcmp(drivers[i].name, name) == 0)
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
