/*
 * When a battery speaks and what it admits: outputs of the core in, battery of the wire out.
 *
 * An inverter that is told a charge voltage of 0 believes its battery to be over-charged and
 * empties it into the grid. So the safe state here is not zero (hazards rule 25): the last valid
 * voltages, currents 0, alarm; after SAFE_MS silence, at which such inverters stop by themselves.
 * All-zero outputs lead there.
 */
#ifndef REBANK_PCS_CAN_BMS_SPEAK_H
#define REBANK_PCS_CAN_BMS_SPEAK_H

#include "drivers/pcs/can_bms_wire.h"

enum {
	CAN_BMS_SAFE_MS = 10000, /* the alarm is told so long before the silence */
	CAN_BMS_BURST = 4,       /* frames per call: the queue of an interface holds 10 */
	CAN_BMS_HURRY_MS = 20,   /* least time between two frames with falling limits */
};

enum can_bms_voice {
	CAN_BMS_SILENT = 0,
	CAN_BMS_ALARM, /* currents 0, alarm */
	CAN_BMS_IDLE,  /* a healthy bank without permission for power: currents 0 */
	CAN_BMS_LIVE,
};

struct can_bms_speaker {
	const struct can_bms_setup *setup;
	unsigned pcs;      /* index of the inverter in the outputs */
	double share;      /* of the bank's currents that is this inverter's, 0..1 */
	int32_t period_ms; /* of the frames sent unasked */
	unsigned n_packs;
	double bus_min_v, bus_max_v; /* of everything else on the bus */
	double pack_min_v[PACK_MAX], pack_max_v[PACK_MAX];
	/* state */
	enum can_bms_voice voice;
	int64_t known_ms, told_ms, hurried_ms;
	struct can_bms_battery battery; /* as last told; voltages are the last valid ones */
	unsigned n, next;               /* frames waiting */
	struct can_frame frame[CAN_BMS_FRAMES_MAX];
};

/* Configuration fields are set by the caller; the rest starts silent. */
void can_bms_speak_init(struct can_bms_speaker *speaker);

/* Takes outputs; fills up to `max` frames to be sent now and returns how many. `requests` are those
 * of the high-voltage family; what was answered is taken out. */
unsigned can_bms_speak(struct can_bms_speaker *speaker, int64_t now_ms,
		       const struct bank_outputs *out, unsigned *requests, struct can_frame *frame,
		       unsigned max);

#endif
