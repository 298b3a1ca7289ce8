/* Reports of the bank -> SunSpec registers. Signs are ours and SunSpec's: + is discharge. */
#ifndef REBANK_NORTHBOUND_SUNSPEC_FILL_H
#define REBANK_NORTHBOUND_SUNSPEC_FILL_H

#include "core/report.h"
#include "northbound/sunspec_image.h"

/* What the control thread gives. The report is last: of its packs only those of the site are
 * copied. */
struct sunspec_view {
	double bus_dis_max_a, bus_cha_max_a;
	struct bank_face face;
	struct bank_report report;
};

/* Everything but what is written from outside (sunspec_write.h). */
void sunspec_fill(struct sunspec_image *image, const struct site *site,
		  const struct sunspec_view *view);

#endif
