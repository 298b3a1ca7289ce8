/* The simulated plant as an ordinary driver: packs, contactors, converter, meter, inputs. */
#ifndef REBANK_DRIVERS_SIM_SIM_H
#define REBANK_DRIVERS_SIM_SIM_H

#include "drivers/driver.h"
#include "drivers/sim/twin.h"

/*
 * False with errno set: out of memory, or the control socket cannot be bound. `control_path` NULL:
 * no control socket. Otherwise a Unix datagram socket that takes one line per datagram:
 *
 *	FAULT [pack=ID] [pcs=ID] [pole=negative|positive|precharge] [input=NAME] [value=NUMBER]
 *	      [after=SECONDS] [for=SECONDS]
 *	clear
 *
 * with the words of twin_fault_word: "weld pack=leaf-a pole=positive", "estop for=10". The answer
 * goes to the sender's address if it has one: "ok" or "error: ...".
 */
bool sim_open(struct driver *driver, const struct site *site, const struct twin_config *config,
	      int64_t start_ms, const char *control_path);

#endif
