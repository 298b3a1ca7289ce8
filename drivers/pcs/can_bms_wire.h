/*
 * The bank as a battery on the wire: what is told to an inverter that follows its battery
 * ("CAN-BMS"), and what such an inverter says. Numbers in, frames out: no I/O, no clock.
 *
 * Two families: 11-bit frames sent unasked (SMA, Victron, Pylontech low voltage: 0x351..0x382), and
 * the 29-bit frames of Pylontech's high-voltage batteries, sent when the inverter asks (0x4200).
 * A frame of which anything is unknown is left out; nothing unknown is sent as a number.
 */
#ifndef REBANK_PCS_CAN_BMS_WIRE_H
#define REBANK_PCS_CAN_BMS_WIRE_H

#include <linux/can.h>

#include "core/types.h"

enum can_bms_dialect {
	CAN_BMS_PYLONTECH_LV = 0,
	CAN_BMS_VICTRON,
	CAN_BMS_SMA,
	CAN_BMS_PYLONTECH_HV,
	CAN_BMS_DIALECTS
};

/* Frames of the 11-bit family in the order they are sent; a set of them is a bit mask. */
enum can_bms_id {
	CAN_BMS_351 = 0, /* limits */
	CAN_BMS_355,     /* state of charge and health */
	CAN_BMS_356,     /* voltage, current, temperature */
	CAN_BMS_359,     /* alarms, Pylontech's */
	CAN_BMS_35A,     /* alarms, SMA's and Victron's */
	CAN_BMS_35C,     /* charge and discharge enable */
	CAN_BMS_35E,     /* manufacturer */
	CAN_BMS_35F,     /* model, version, capacity */
	CAN_BMS_370,     /* name, or Pylontech's extremes of temperature and cell voltage */
	CAN_BMS_371,
	CAN_BMS_372, /* packs in service, blocking, offline */
	CAN_BMS_373, /* extremes of cell voltage and temperature */
	CAN_BMS_374, /* names of the packs with the lowest and highest cell, the coldest, the
			hottest */
	CAN_BMS_375,
	CAN_BMS_376,
	CAN_BMS_377,
	CAN_BMS_378, /* energy charged and discharged */
	CAN_BMS_379, /* installed capacity */
	CAN_BMS_380, /* serial number */
	CAN_BMS_381,
	CAN_BMS_382, /* family */
	CAN_BMS_IDS
};

/* Inverters disagree about these. */
struct can_bms_quirks {
	bool big_endian;         /* most significant byte first */
	bool discharge_positive; /* of the measured current; most read + as charge */
	bool fine_voltage;       /* 0x356 in 0.01 V (at most 327.67 V), else in 0.1 V */
	bool fine_soc;           /* 0x355 has a third word, SoC in 0.01 % */
	bool fault_bit_7;        /* 0x359: over-temperature as 0x0c, system fault as bit 7 */
	bool active_is_10;       /* 0x35A: 10 = active and 01 = fine, else the other way round */
	bool swapped_voltage;    /* 0x35A: bits of high and low voltage exchanged */
	bool no_offset;          /* 0x4210, 0x4220: currents without the offset of 30000 */
	bool negative_discharge; /* 0x4220: the discharge limit is sent below zero */
};

/* What never changes while the daemon runs. */
struct can_bms_setup {
	enum can_bms_dialect dialect;
	struct can_bms_quirks quirk;
	uint32_t frames;       /* bit enum can_bms_id; 11-bit family only */
	uint8_t address;       /* of the battery, 0..15; high-voltage family only */
	char manufacturer[17]; /* 8 characters in the 11-bit family */
	char name[17], serial[17], family[9];
	uint16_t model, version; /* of 0x35F */
	uint8_t modules;         /* packs of the bank */
	char pack[PACK_MAX][9];  /* their names */
	uint16_t cells;          /* in series */
	double nominal_v, installed_ah;
};

/* What is told now. */
struct can_bms_battery {
	double charge_v, discharge_v; /* stop charging above, discharging below; never 0 */
	double charge_a, discharge_a; /* limits, magnitudes */
	struct bank_face face;
	bool alarm; /* something is wrong whatever the face says */
};

enum {
	CAN_BMS_FRAMES_MAX = CAN_BMS_IDS, /* of one call */
	CAN_BMS_KEEP_ALIVE = 0x305,
};

/* Those of `frames` (bit enum can_bms_id) that can be filled, limits first; how many. */
unsigned can_bms_lv_frames(const struct can_bms_setup *setup, const struct can_bms_battery *battery,
			   uint32_t frames, struct can_frame frame[CAN_BMS_FRAMES_MAX]);

enum can_bms_request { CAN_BMS_ASKS_DATA = 1u << 0, CAN_BMS_ASKS_INFO = 1u << 1 };

/* The answer of the high-voltage family to a set of requests; how many frames. */
unsigned can_bms_hv_frames(const struct can_bms_setup *setup, const struct can_bms_battery *battery,
			   unsigned requests, struct can_frame frame[CAN_BMS_FRAMES_MAX]);

/* What the inverter said. Whatever it does not say stays NaN and 0. */
struct can_bms_heard {
	int64_t alive_ms; /* last keep-alive or request; 0: never */
	int64_t measured_ms, error_ms;
	double v, a;        /* SMA measures: + discharge */
	uint16_t error;     /* SMA's active message; 0: none */
	unsigned requests;  /* enum can_bms_request, to be answered; the caller resets it */
	int64_t foreign_ms; /* another battery sends our frames; 0: never */
	uint32_t odd;       /* frames of a length that the tables do not have */
};

void can_bms_hear_init(struct can_bms_heard *heard);
void can_bms_hear(struct can_bms_heard *heard, const struct can_bms_setup *setup,
		  const struct can_frame *frame, int64_t at_ms);

/* CAN id of a frame of the 11-bit family. */
uint32_t can_bms_id_of(enum can_bms_id id);
/* Frames a dialect sends unless the site says otherwise. */
uint32_t can_bms_standard_frames(enum can_bms_dialect dialect);
/* "351 355 35A" -> set of frames; false: a word is no frame of this family. */
bool can_bms_frames_parse(const char *text, uint32_t *frames);
/* "pylontech-lv"... */
const char *can_bms_dialect_word(int dialect);

#endif
