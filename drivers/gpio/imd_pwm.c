#include "drivers/gpio/imd_pwm.h"

#include <math.h>

enum { SILENT_MS = 350 }; /* no edge for three periods of the slowest signal: 0 Hz */

static const double full_scale_ohm = 1.2e6, duty_zero = 0.05, duty_span = 0.9;
static const double most_ohm = 50e6; /* end of the monitor's range: "at least so much" */

/* 10, 20 ... 50 Hz, or 0 when no class is within 1 Hz. */
static int class_of(int64_t period_ns)
{
	double hertz = 1e9 / (double)period_ns;

	for (int class = 10; class <= 50; class += 10)
		if (hertz >= class - 1 && hertz <= class + 1)
			return class;
	return 0;
}

void imd_pwm_edge(struct imd_pwm *imd, int64_t at_ns, bool high)
{
	int class = 0;

	imd->heard_ms = at_ns / 1000000;
	if (!high) {
		imd->fall_ns = at_ns;
		return;
	}
	if (imd->rise_ns && imd->fall_ns > imd->rise_ns && at_ns > imd->fall_ns)
		class = class_of(at_ns - imd->rise_ns);
	if (class && class == imd->before) {
		imd->hertz = class;
		imd->duty = (double)(imd->fall_ns - imd->rise_ns) / (double)(at_ns - imd->rise_ns);
		imd->stamp_ms = imd->heard_ms;
	}
	imd->before = class;
	imd->rise_ns = at_ns;
}

static double resistance_ohm(double duty)
{
	double ohm;

	if (!(duty > duty_zero))
		return most_ohm;
	ohm = duty_span * full_scale_ohm / (duty - duty_zero) - full_scale_ohm;
	return ohm < 0.0 ? 0.0 : ohm > most_ohm ? most_ohm : ohm;
}

struct imd_sample imd_pwm_sample(const struct imd_pwm *imd, int64_t now_ms, int ok,
				 double response_ohm)
{
	struct imd_sample sample = {.stamp_ms = imd->stamp_ms, .insulation_ohm = NAN};

	if (now_ms - imd->heard_ms > SILENT_MS) {
		sample.stamp_ms = now_ms;
		sample.fault = true;
		return sample;
	}
	switch (imd->hertz) {
	case 10:
	case 20:
		sample.insulation_ohm = resistance_ohm(imd->duty);
		break;
	case 30:
		if (imd->duty > 0.5)
			sample.insulation_ohm = 0.0;
		break;
	case 40:
	case 50:
		sample.fault = true;
		break;
	default: /* nothing believed yet */
		break;
	}
	if (ok == 0 && !(sample.insulation_ohm <= response_ohm))
		sample.fault = true;
	return sample;
}
