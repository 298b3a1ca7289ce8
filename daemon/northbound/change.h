/* Whether a report differs so much from what was published that the retained documents must follow.
 */
#ifndef REBANK_NORTHBOUND_CHANGE_H
#define REBANK_NORTHBOUND_CHANGE_H

#include "core/report.h"

/* Powers by more than 1 % of the rating, energies by 1 % of their value, or anything discrete. */
bool change_in_limits(const struct bank_report *a, const struct bank_report *b,
		      const struct site *site);
bool change_in_active(const struct bank_report *a, const struct bank_report *b,
		      const struct site *site);
bool change_in_pack(const struct pack_report *a, const struct pack_report *b);

void change_copy_limits(struct bank_report *to, const struct bank_report *from);
void change_copy_active(struct bank_report *to, const struct bank_report *from);

#endif
