/*
 * What every converter driver does, whatever it speaks: takes a command (run, power), reads back
 * what the converter does, and says what may be expected of it.
 *
 * The rules of all of them (hazards 25 to 27):
 *  - Positive power is discharge; the driver converts at the wire.
 *  - A command counts for half a second. The worker that talks to the converter would otherwise
 * keep feeding a dead-man for a control thread that hangs: an old command is "0 W, off".
 *  - Stopping is 0 W first, then off; a 0 W that is refused does not keep off waiting. Nothing is
 *    left to the converter's own mode of operation.
 *  - A dead-man is declared only when it was read back to end at 0 W in time. What cannot be read
 *    back, or may end in "no limit", is none, and rebankd then wants gpio.pcs_enable.
 *  - Each converter is found out about again after a new connection, a restart or a changed map;
 *    until that is done there is no sample.
 */
#ifndef REBANK_DRIVERS_PCS_PCS_H
#define REBANK_DRIVERS_PCS_PCS_H

#include "core/types.h"
#include "drivers/modbus/device.h"
#include "drivers/worker/cell.h"

enum { PCS_COMMAND_STALE_MS = 500, PCS_NAME_SIZE = 33, PCS_TROUBLE_SIZE = 96 };

struct register_map;

struct pcs_setup {
	uint8_t unit;
	int32_t timeout_ms, poll_ms;
	int32_t dead_man_ms; /* asked for; 0: none */
	double p_max_w;      /* rating, for drivers whose device does not tell its own */
	bool dc_inverted;    /* it counts DC current and power the other way round */
	bool look_only;      /* writes nothing, whatever is commanded: to find out what is there */
	const struct register_map *map; /* of the drivers that need one; outlives the converter */
};

struct pcs_command {
	int64_t at_ms; /* of the control thread's tick */
	bool run;
	double p_w;
};

/* What to expect of this converter; found out at its start. */
struct pcs_traits {
	int32_t dead_man_ms; /* ends at 0 W by itself, read back; 0: none */
	int32_t refresh_ms;  /* the driver repeats the command within; 0: it lasts */
	double resolution_w; /* of a setpoint; setpoints are rounded towards zero */
	double step_max_w;   /* of one command; INFINITY: any */
	bool can_charge, can_discharge;
	bool can_stop;       /* "off" reaches it over the wire; otherwise only 0 W does */
	const char *safe;    /* what "all zero" becomes on the wire, in words */
	const char *control; /* how it is steered, in words */
};

/* A SunSpec model: address of its ID register. */
struct pcs_model {
	uint16_t id, address, length;
};

enum { PCS_MODELS_MAX = 64 };

struct pcs_status {
	struct pcs_sample sample;
	struct pcs_traits traits;
	char maker[PCS_NAME_SIZE], model[PCS_NAME_SIZE], version[PCS_NAME_SIZE];
	char serial[PCS_NAME_SIZE];
	char trouble[PCS_TROUBLE_SIZE]; /* why there is no sample or no control; "" */
	bool stores; /* it believes something of the battery, and this; NaN: does not say */
	double stored_wh, stored_soc_pct, stored_soh_pct;
	unsigned n_models;
	struct pcs_model model_at[PCS_MODELS_MAX]; /* what a SunSpec device offers */
	uint32_t walks;                            /* how often it was found out about */
	uint32_t commands;  /* setpoints that were confirmed by the converter */
	int64_t command_ms; /* when the last one was */
};

/* A direction that the converter cannot be steered in is permitted 0 W, whatever it says itself. */
void pcs_bound_sample(struct pcs_status *status);

/* Between the control thread and the worker. */
struct pcs_link {
	struct cell *command, *status;
};

bool pcs_link_open(struct pcs_link *link);
void pcs_link_close(struct pcs_link *link);
/* The command in force; an old one is "0 W, off". */
struct pcs_command pcs_link_command(const struct pcs_link *link, int64_t now_ms);

/* A kind of converter. */
struct pcs_kind {
	const char *name;
	/* NULL when out of memory. Setup and link are copied; what they refer to outlives it. */
	void *(*make)(const struct pcs_setup *setup, const struct pcs_link *link);
	struct modbus_device device; /* what is done with it on its bus: modbus_device_of */
	void (*free)(void *self);
};

extern const struct pcs_kind pcs_sunspec, pcs_registers;

#endif
