/* Powers, durations and ramps as people type them. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

struct unit {
	const char *word;
	double factor;
};

/* "mW" is missing on purpose: nobody dispatches milliwatts, somebody means megawatts. */
static const struct unit power_units[] = {
	{"W", 1.0}, {"w", 1.0}, {"kW", 1e3}, {"kw", 1e3}, {"KW", 1e3}, {"MW", 1e6}, {NULL, 0.0},
};

static const struct unit duration_units[] = {
	{"", 1.0}, {"s", 1.0}, {"min", 60.0}, {"h", 3600.0}, {NULL, 0.0},
};

static const struct unit ramp_units[] = {
	{"W/s", 1.0},
	{"kW/s", 1e3},
	{"MW/s", 1e6},
	{NULL, 0.0},
};

static bool quantity_parse(const char *text, const struct unit *unit, double *value)
{
	char *end;
	double number;

	/* strtod also takes signs, "inf", "nan" and hexadecimal: not here. */
	if (!isdigit((unsigned char)text[0]) || text[1] == 'x' || text[1] == 'X')
		return false;
	number = strtod(text, &end);
	while (*end == ' ')
		end++;
	for (; unit->word; unit++)
		if (strcmp(end, unit->word) == 0 && isfinite(number * unit->factor)) {
			*value = number * unit->factor;
			return true;
		}
	return false;
}

bool ctl_parse_power(const char *text, double *power_w)
{
	return quantity_parse(text, power_units, power_w);
}

bool ctl_parse_duration(const char *text, double *duration_s)
{
	return quantity_parse(text, duration_units, duration_s);
}

bool ctl_parse_ramp(const char *text, double *ramp_w_s)
{
	return quantity_parse(text, ramp_units, ramp_w_s);
}
