/*
 * Learns a pack's resistance from steps of its own current: the voltage 10 s after a clean step,
 * less what the charge taken explains. Gated, and never faster than 2 % a day: a wrong resistance
 * would mislead limits and filter alike.
 */
#ifndef REBANK_CORE_RESISTANCE_H
#define REBANK_CORE_RESISTANCE_H

#include "core/estimate.h"

/* One new simultaneous sample of a connected pack. */
void resistance_observe(struct estimate *e, const struct pack_site *site, double v, double a,
			int64_t now_ms);

/* How far, relatively, the truth may lie below what is believed: 0.05..0.5. */
double resistance_bound(const struct estimate *e);

/* Forgets a step in progress: the pack is open or its readings are lost. */
void resistance_forget(struct estimate *e);

#endif
