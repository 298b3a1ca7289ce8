/* The drivers a configuration needs, opened in the order of the table and closed in reverse. */
#ifndef REBANK_PLANT_H
#define REBANK_PLANT_H

#include "config/config.h"
#include "drivers/driver.h"

enum { PLANT_DRIVERS_MAX = 16 };

struct plant {
	unsigned n;
	struct driver driver[PLANT_DRIVERS_MAX];
};

enum plant_result {
	PLANT_OK = 0,
	PLANT_NO_DRIVER, /* nothing serves this configuration */
	PLANT_REFUSED,   /* the board is not as configured: another start changes nothing (EINVAL) */
	PLANT_BUSY,      /* somebody else holds what we need (EBUSY) */
	PLANT_FAILED,
};

/* Opens every driver and drives the safe state at once. On failure nothing stays open and a line on
 * stderr says why: no driver for this configuration, or one that could not be opened. */
enum plant_result plant_open(struct plant *plant, const struct config *config, int64_t now_ms);
void plant_gather(struct plant *plant, struct bank_inputs *in);
void plant_apply(struct plant *plant, int64_t now_ms, const struct bank_outputs *out);
/* What a driver wants people to be told now; false: nothing more. */
bool plant_notice(struct plant *plant, int64_t now_ms, struct driver_notice *notice);
void plant_close(struct plant *plant);

#endif
