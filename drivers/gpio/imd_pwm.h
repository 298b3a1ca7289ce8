/*
 * Insulation monitor with a pulse-width output (Bender IR155-32xx): the frequency says what the
 * monitor does, the duty the resistance. Stamps are those of the kernel; the tolerance of both is
 * the data sheet's +-1 Hz.
 *
 *   0 Hz  off, short to ground (low) or to the supply (high)     fault
 *  10 Hz  measuring, R = 0.9 * 1200k / (duty - 0.05) - 1200k     R
 *  20 Hz  the same below the monitor's under-voltage threshold   R
 *  30 Hz  start-up estimate: duty 5-10 % good, 90-95 % bad       good: unknown yet; bad: 0 ohm
 *  40 Hz  the monitor is broken                                  fault
 *  50 Hz  its earth lead is broken                               fault
 */
#ifndef REBANK_DRIVERS_GPIO_IMD_PWM_H
#define REBANK_DRIVERS_GPIO_IMD_PWM_H

#include "core/types.h"

struct imd_pwm {
	int64_t rise_ns, fall_ns; /* last edges; 0: none */
	int64_t heard_ms;         /* last edge */
	int before;               /* class of the last period in Hz, 10..50; 0: fits none */
	int hertz;                /* as believed: two periods in a row of one class; 0: never */
	double duty;              /* 0..1 of the period believed last */
	int64_t stamp_ms;         /* when that was; what fits no class lets it age */
};

/* One edge of the line, level high or low after it. */
void imd_pwm_edge(struct imd_pwm *imd, int64_t at_ns, bool high);

/*
 * What is known at now_ms. `ok` is the monitor's OK output: 1, 0, or -1 when not wired. A dropped
 * OK with a resistance above `response_ohm` contradicts itself: fault.
 */
struct imd_sample imd_pwm_sample(const struct imd_pwm *imd, int64_t now_ms, int ok,
				 double response_ohm);

#endif
