/*
 * A register map: what a device without SunSpec has where, as the files in config/pcs say it. Plain
 * data, filled and checked by daemon/config/map.c.
 */
#ifndef REBANK_DRIVERS_PCS_MAP_H
#define REBANK_DRIVERS_PCS_MAP_H

#include "core/types.h"
#include "drivers/modbus/device.h"

enum {
	MAP_NAME_SIZE = 33,
	MAP_TEXT_SIZE = 128,
	MAP_READS_MAX = 24,
	MAP_WRITES_MAX = 8, /* of one sequence */
	MAP_STATES_MAX = 24,
	MAP_UNIT_OWN = -1,
};

enum map_type { MAP_U16 = 0, MAP_S16, MAP_U32, MAP_S32, MAP_U64, MAP_F32, MAP_TYPES };

/* Where a number is. */
struct map_place {
	enum modbus_function function;
	int unit; /* MAP_UNIT_OWN: that of the url */
	uint16_t address;
	enum map_type type;
	bool low_first; /* the least significant register comes first */
};

enum map_what {
	MAP_AC_W = 0, /* + discharge, as all of these */
	MAP_DC_W,
	MAP_DC_V,
	MAP_DC_A,
	MAP_FREQ_HZ,
	MAP_DIS_MAX_W,
	MAP_CHA_MAX_W,
	MAP_STATE,
	MAP_FAULTS,
	MAP_P_W, /* of a meter, + export */
	MAP_V,   /* of a DC meter */
	MAP_WHATS
};

/* value = raw x scale + offset. Several of one kind are added up (phases). */
struct map_read {
	enum map_what what;
	struct map_place at;
	double scale, offset;
	bool has_invalid;
	double invalid; /* raw number that means "not known" */
};

enum map_of {
	MAP_OF_VALUE = 0, /* always `value` */
	MAP_OF_POWER,     /* the setpoint / scale, + discharge, towards zero */
	MAP_OF_MAGNITUDE, /* the same without its sign */
	MAP_OF_WATCHDOG,  /* the dead-man asked for, seconds / scale */
	MAP_OFS
};

struct map_write {
	struct map_place at;
	enum map_of of;
	double value, scale;
};

struct map_sequence {
	unsigned n;
	struct map_write write[MAP_WRITES_MAX];
};

enum map_moment {
	MAP_DISCHARGE = 0,
	MAP_CHARGE,
	MAP_ZERO, /* the safe state */
	MAP_START,
	MAP_STOP,
	MAP_WATCHDOG, /* arms the dead-man, each time the setpoint is refreshed */
	MAP_MOMENTS
};

struct register_map {
	char name[MAP_NAME_SIZE], description[MAP_TEXT_SIZE];
	bool verified; /* against a real device, by whoever wrote the file */
	unsigned n_reads;
	struct map_read read[MAP_READS_MAX];
	struct map_sequence at[MAP_MOMENTS];
	/* Read back after the watchdog was armed: all must hold, then the dead-man is proven. `of`
	 * is VALUE or WATCHDOG, functions are those of reading. Empty: no dead-man. */
	struct map_sequence proof;
	unsigned n_states;
	struct {
		uint32_t raw;
		enum pcs_state state;
	} state[MAP_STATES_MAX];
	int32_t refresh_ms; /* the setpoint must be written within; 0: it lasts */
};

/* Registers of a type: 1, 2 or 4. */
unsigned map_size(enum map_type type);
/* The raw number at `at`. */
double map_raw(const struct map_place *place, const uint16_t *at);
/* Fills the registers with a raw number, held within what the type can carry. */
void map_put(const struct map_place *place, double raw, uint16_t *at);
/* The raw number to be written for that power and that dead-man. */
double map_write_raw(const struct map_write *write, double p_w, int32_t dead_man_ms);
/* Fills a request for that place but for its value; the unit only when the map names one. */
void map_request(const struct map_place *place, struct modbus_request *request);
/* The sequence for that power; what the map has nothing for becomes 0 W. */
enum map_moment map_moment_of(const struct register_map *map, double p_w);

#endif
