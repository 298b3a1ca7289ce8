/* The converters of a site that hang on Modbus, as one driver. */
#ifndef REBANK_DRIVERS_PCS_BANK_H
#define REBANK_DRIVERS_PCS_BANK_H

#include "drivers/driver.h"
#include "drivers/modbus/pool.h"
#include "drivers/pcs/pcs.h"

/* One converter; index is its place in bank_inputs.pcs and bank_outputs.pcs. */
struct pcs_place {
	unsigned index;
	const struct pcs_kind *kind;
	struct modbus_address address;
	struct pcs_setup setup;
};

/* Adds every converter to the pool, which is started later. False, with errno: nothing is left. */
bool pcs_bank_open(struct driver *driver, struct modbus_pool *pool, unsigned n,
		   const struct pcs_place *place);
/* What is known of converter i of the driver, for those who look into it. */
void pcs_bank_status(const struct driver *driver, unsigned i, struct pcs_status *status);

#endif
