/*
 * Meters on Modbus: of the grid point (power with + as export, frequency) and of the DC bus
 * (voltage). A meter is read by its own device; which of them feeds which reading is said here.
 */
#ifndef REBANK_DRIVERS_PCS_METER_H
#define REBANK_DRIVERS_PCS_METER_H

#include "drivers/driver.h"
#include "drivers/modbus/pool.h"
#include "drivers/worker/cell.h"

enum { METER_MAX = 8, METER_NAME_SIZE = 33, METER_TROUBLE_SIZE = 96 };

struct register_map;

struct meter_setup {
	uint8_t unit;
	int32_t timeout_ms, poll_ms;
	bool inverted; /* power counts + as import */
	const struct register_map *map;
};

struct meter_status {
	int64_t stamp_ms;
	double p_w, freq_hz, v; /* + export; NaN: not measured */
	char maker[METER_NAME_SIZE], model[METER_NAME_SIZE], serial[METER_NAME_SIZE];
	char trouble[METER_TROUBLE_SIZE];
};

/* A kind of meter; `status` is a cell of struct meter_status. */
struct meter_kind {
	const char *name;
	void *(*make)(const struct meter_setup *setup, struct cell *status);
	struct modbus_device device; /* what is done with it on its bus: modbus_device_of */
	void (*free)(void *self);
};

extern const struct meter_kind meter_sunspec, meter_registers;

struct meter_place {
	const struct meter_kind *kind;
	struct modbus_address address;
	struct meter_setup setup;
	bool is_grid, is_bus; /* feeds bank_inputs.meter, bank_inputs.bus */
};

/* As pcs_bank_open. */
bool meter_bank_open(struct driver *driver, struct modbus_pool *pool, unsigned n,
		     const struct meter_place *place);
/* What is known of meter i of the driver. */
void meter_bank_status(const struct driver *driver, unsigned i, struct meter_status *status);

#endif
