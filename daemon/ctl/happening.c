/* Dispatch profiles: what a utility would ask for at a time of day. */
#include <math.h>
#include <string.h>

#include "ctl/scenario_parts.h"

static const char *const profile_words[PROFILE_COUNT] = {
	[PROFILE_DAILY] = "daily",
	[PROFILE_SQUARE] = "square",
	[PROFILE_FCR] = "fcr",
};

bool dispatch_profile_parse(const char *word, enum dispatch_profile *profile)
{
	for (int i = 0; i < PROFILE_COUNT; i++)
		if (strcmp(profile_words[i], word) == 0) {
			*profile = (enum dispatch_profile)i;
			return true;
		}
	return false;
}

/* splitmix64 (Steele, Lea, Flood 2014), as a number in 0..1, neither end included. */
static double random_uniform(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return ((double)(z >> 12) + 0.5) / 4503599627370496.0;
}

static double random_normal(uint64_t *state)
{
	double radius = sqrt(-2.0 * log(random_uniform(state)));

	return radius * cos(2.0 * M_PI * random_uniform(state));
}

/* 1 in the middle of from_h..to_h, 0 at its ends and outside: half a sine. */
static double hump(double t_h, double from_h, double to_h)
{
	if (!(from_h < t_h && t_h < to_h))
		return 0.0;
	return sin(M_PI * (t_h - from_h) / (to_h - from_h));
}

/* Charging from the sun at midday, discharging into the evening peak. */
static double daily_share(double t_h)
{
	return hump(t_h, 17.0, 22.0) + 0.5 * hump(t_h, 6.0, 9.0) - hump(t_h, 9.5, 16.0);
}

/*
 * Grid frequency of Continental Europe as an Ornstein-Uhlenbeck process: sigma 20 mHz, 5 minutes,
 * with the steps of 15..30 mHz that the hourly change of schedules makes.
 */
static double fcr_share(struct happening *happening, double t_s, double dt_s, uint64_t *random)
{
	const double sigma_hz = 0.020, tau_s = 300.0, full_hz = 0.200;
	double keep = exp(-dt_s / tau_s);

	happening->deviation_hz = keep * happening->deviation_hz +
				  sigma_hz * sqrt(1.0 - keep * keep) * random_normal(random);
	if (fmod(t_s, 3600.0) < dt_s)
		happening->deviation_hz += (random_uniform(random) < 0.5 ? -1.0 : 1.0) *
					   (0.015 + 0.015 * random_uniform(random));
	return -fmax(-1.0, fmin(1.0, happening->deviation_hz / full_hz));
}

double happening_power_w(struct happening *happening, double t_s, uint64_t *random)
{
	double share = 0.0;

	switch (happening->profile) {
	case PROFILE_DAILY:
		share = daily_share(24.0 * fmod(t_s / happening->period_s, 1.0));
		break;
	case PROFILE_SQUARE:
		share = fmod(t_s / happening->period_s, 1.0) < 0.5 ? 1.0 : -1.0;
		break;
	case PROFILE_FCR:
		share = fcr_share(happening, t_s, (double)happening->every_ms / 1000.0, random);
		break;
	case PROFILE_COUNT:
		break;
	}
	return share * happening->power_w;
}
