/*
 * The join rule (invariant 3): may pack k close onto the live bus at this instant? The same rule
 * for every pack and every re-join; plan asks it to choose, contactor asks again in the tick of the
 * edge.
 */
#ifndef REBANK_CORE_JOIN_H
#define REBANK_CORE_JOIN_H

#include "core/site.h"

struct bank;

struct join_check {
	bool ok;
	enum reason reason;      /* why not */
	double value, threshold; /* in the reason's unit */
	double dv_v;             /* pack minus bus, sensor offset removed */
	double sigma_v;          /* what the two sensors may differ */
	double predicted_a;      /* worst peak of the closing */
};

/* The electrical part: voltages fresh and believable, predicted peak within its limit, and the set
 * after joining idle-safe for the sources now and relaxed. */
void join_check(const struct bank *bank, unsigned k, struct join_check *check);

/* The set with k on it would be idle-safe, for sources as they are and relaxed. *short_w: what is
 * missing, W, where it is not. */
bool join_is_safe(const struct bank *bank, unsigned k, double *short_w);

/* What this pack's and the bus's voltage sensors may differ, V: the data sheet's bound until the offset
 * has been learnt while proven closed. */
double join_sigma_v(const struct bank *bank, unsigned k);

/* Terminal voltage of k with its learnt sensor offset removed; NaN when unknown. */
double join_pack_v(const struct bank *bank, unsigned k);

/* Largest |pack - bus| at which k may close; bound of the sensors already taken off. Smaller before
 * a pack that closes by frames starts than while it works. */
double join_window_v(const struct bank *bank, unsigned k);

#endif
