/*
 * Inverters that follow their battery over CAN, as a driver: the bank is the battery.
 *
 * Contract: such an inverter is steered by its own EMS; it obeys limits, not setpoints, and the
 * driver passes on out->bus_dis_max_a and bus_cha_max_a, its share of them. run = false or
 * pcs_enable low: limits 0. Safe state: can_bms_speak.h. Refresh: period_ms, falling limits at
 * once. Resolution 0.1 A, 0.1 V. Dead-man: none that could be read back; it stops when 0x351 is
 * missing for 3 s by its makers' word. Read back: 0x305 of SMA (V, A), 0x306 (active message);
 * others say only that they are alive, and their power is what the packs' currents add up to (the
 * core's matter). A sample's stamp is the last keep-alive or request, and no later than the last
 * frame that went out: an inverter that cannot be told is lost.
 */
#ifndef REBANK_PCS_CAN_BMS_H
#define REBANK_PCS_CAN_BMS_H

#include "drivers/can/bus.h"
#include "drivers/driver.h"
#include "drivers/pcs/can_bms_speak.h"

/* Bits of pcs_sample.faults beside SMA's message number in the lower 16. */
enum { CAN_BMS_FOREIGN = 1u << 31 }; /* another battery speaks on this bus */

enum { CAN_BMS_FOREIGN_MS = 5000 }; /* ... for so long after its last frame */

struct can_bms_inverter {
	char interface[CAN_NAME_SIZE];
	int fd; /* < 0: the interface of that name; else this stands in for it */
	struct can_bms_setup setup;
	/* `setup` is filled by the driver; the fields of its state need not be set */
	struct can_bms_speaker speaker;
};

/* An interface that is missing or down is no failure: it is opened when it comes. False with errno:
 * out of memory. */
bool can_bms_open(struct driver *driver, unsigned n, const struct can_bms_inverter *inverter);

#endif
