/*
 * The bank as one battery, for converters that steer themselves by what a battery tells them: what
 * it reads, what it bears, and what is wrong with it as SunSpec Evt1 bits.
 */
#ifndef REBANK_CORE_FACE_H
#define REBANK_CORE_FACE_H

#include "core/site.h"

struct bank;
struct bank_outputs;

/*
 * Fills out->face after the guard's last look, and takes back the bus limits when the enable fell.
 * Unless every connected pack's readings are known, the face is not: numbers NaN, nothing allowed.
 * Trips and alarms of the bank and of connected packs are alarms; those of open packs and of
 * converters, and everything milder, are warnings.
 */
void face_step(const struct bank *bank, struct bank_outputs *out);

#endif
