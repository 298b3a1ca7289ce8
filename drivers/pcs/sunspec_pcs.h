/* The parts of a SunSpec converter: what is read, how it becomes a sample, how it is steered. */
#ifndef REBANK_DRIVERS_PCS_SUNSPEC_PCS_H
#define REBANK_DRIVERS_PCS_SUNSPEC_PCS_H

#include "drivers/pcs/pcs.h"
#include "drivers/pcs/sunspec_point.h"
#include "drivers/pcs/sunspec_walk.h"

/* The models of interest; a device has few of them. */
enum sunspec_slot {
	SLOT_COMMON = 0, /* 1 */
	SLOT_NAMEPLATE,  /* 120 */
	SLOT_SETTINGS,   /* 121 */
	SLOT_CAPACITY,   /* 702 */
	SLOT_INVERTER,   /* 101..103 */
	SLOT_FLOAT,      /* 111..113 */
	SLOT_MEASURE,    /* 701 */
	SLOT_DC,         /* 714 */
	SLOT_MPPT,       /* 160 */
	SLOT_CONTROL,    /* 704 */
	SLOT_LIMIT,      /* 123 */
	SLOT_STORAGE,    /* 124 */
	SLOT_ENTER,      /* 703 */
	SLOT_OPERATE,    /* 715 */
	SLOT_BATTERY,    /* 802 */
	SLOT_STORED,     /* 713 */
	SLOT_COUNT
};

/* Writes that belong together, one after the other. */
enum { SCRIPT_STEPS = 8, SCRIPT_REGISTERS = 12 };

struct sunspec_step {
	uint16_t address, count, value[SCRIPT_REGISTERS];
};

struct sunspec_script {
	unsigned n;
	struct sunspec_step step[SCRIPT_STEPS];
};

enum sunspec_steering {
	STEER_NONE = 0,
	STEER_WATTS,   /* 704 WSet */
	STEER_PERCENT, /* 704 WSetPct */
	STEER_STORAGE, /* 124 OutWRte, InWRte */
	STEER_LIMIT,   /* 123 WMaxLimPct: discharge only */
};

struct sunspec_control {
	enum sunspec_steering steering;
	double unit_w;    /* watts of one count of the setpoint register */
	uint32_t timer_s; /* reversion timer */
	bool in_pieces;   /* the device refuses to have 704 written in one request */
};

/* ---- sunspec_sample.c: blocks -> what is known ------------------------------------------- */

void sunspec_names(const struct sunspec_block block[SLOT_COUNT], struct pcs_status *status);
/* Everything of the sample but stamp_ms and dead_man_proven. */
void sunspec_sample(const struct sunspec_block block[SLOT_COUNT], bool dc_inverted,
		    struct pcs_sample *sample);
/* What the device says of its battery, for people: model 713. */
void sunspec_stored(const struct sunspec_block block[SLOT_COUNT], struct pcs_status *status);
/* Its power in both directions, which percentages refer to; what it may give and take. NaN: it does
 * not say. */
double sunspec_device_max_w(const struct sunspec_block block[SLOT_COUNT]);
double sunspec_discharge_max_w(const struct sunspec_block block[SLOT_COUNT]);
double sunspec_charge_max_w(const struct sunspec_block block[SLOT_COUNT]);

/* ---- sunspec_control.c: commands -> registers -------------------------------------------- */

/* How this device is steered; fills traits too. `dead_man_ms` is what the site asks for. */
void sunspec_control_choose(const struct sunspec_block block[SLOT_COUNT], int32_t dead_man_ms,
			    struct sunspec_control *control, struct pcs_traits *traits);
/* The setpoint register for p_w, rounded towards zero. */
int32_t sunspec_control_count(const struct sunspec_control *control, double p_w);
/* Writes the setpoint, and with it starts the reversion timer anew. */
void sunspec_control_set(const struct sunspec_control *control,
			 const struct sunspec_block block[SLOT_COUNT], int32_t count,
			 struct sunspec_script *script);
/* Start or stop; an empty script when the device has nothing to do that with. */
void sunspec_control_run(const struct sunspec_block block[SLOT_COUNT], bool run,
			 struct sunspec_script *script);
/* Controller heartbeats of 715 and 802. */
void sunspec_control_beat(const struct sunspec_block block[SLOT_COUNT], uint32_t beat,
			  struct sunspec_script *script);
/* True when block[SLOT_CONTROL], read after a setpoint, shows that the device goes to 0 W by itself
 * when nobody writes any more: reversion to 0 W, enabled, in the time asked for, the timer going.
 */
bool sunspec_control_proves(const struct sunspec_control *control,
			    const struct sunspec_block block[SLOT_COUNT]);
/* The model that carries the setpoint; SLOT_COUNT: none. */
enum sunspec_slot sunspec_control_slot(const struct sunspec_control *control);
/* True when that model, read after the setpoint was written, shows it in force. */
bool sunspec_control_holds(const struct sunspec_control *control,
			   const struct sunspec_block block[SLOT_COUNT], int32_t count);

#endif
