/* The simulated plant as an ordinary driver: packs, contactors, converter, meter, inputs. */
#ifndef REBANK_DRIVERS_SIM_SIM_H
#define REBANK_DRIVERS_SIM_SIM_H

#include "drivers/driver.h"
#include "drivers/sim/twin.h"

/* False when out of memory. `control_path`: a Unix datagram socket that takes fault lines
 * ("weld pack=leaf-a pole=positive", "clear", see drivers/sim/control.c); NULL: none. */
bool sim_open(struct driver *driver, const struct site *site, const struct twin_config *config,
	      int64_t start_ms, const char *control_path);

#endif
