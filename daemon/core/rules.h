/*
 * The fault table: every rule of protection as data. One row says what is compared with what, for how
 * long, what happens, and by when. docs/safety.md prints it; protect.c runs it.
 */
#ifndef REBANK_CORE_RULES_H
#define REBANK_CORE_RULES_H

#include "core/protect.h"

/* What a pack rule looks at; protect.c measures them once per step. NaN: not available. */
enum pack_measure {
	PACK_TOLD = 0, /* never measured: contactor.c reports the fault with protect_trip */
	PACK_ELECTRICAL_AGE_S,
	PACK_COUNTER_AGE_S,
	PACK_CELLS_AGE_S,
	PACK_TEMPS_AGE_S,
	PACK_BMS_AGE_S,
	PACK_LINK_DOWN,
	PACK_TX_FULL,
	PACK_FOREIGN,
	PACK_BAD_FRAMES,
	PACK_FROZEN_S,
	PACK_BMS_FAULT,
	PACK_BMS_OPEN,
	PACK_BMS_NO_CHARGE,
	PACK_BMS_NO_DISCHARGE,
	PACK_SWAPPED,
	PACK_CELL_MAX_V,
	PACK_CELL_MIN_V,
	PACK_V,
	PACK_CELL_SUM, /* |pack_v - sum of cells| / pack_v */
	PACK_CELL_SPREAD_V,
	PACK_TEMP_MAX_C,
	PACK_TEMP_MIN_C,
	PACK_TEMP_SPREAD_K,
	PACK_TEMP_RISE_K_S,
	PACK_TEMPS_BAD,
	PACK_SOC_IMPLAUSIBLE,
	PACK_DIS_RATIO, /* current / limit, discharge */
	PACK_CHA_RATIO,
	PACK_RATED_RATIO, /* |current| / rated limit in its direction */
	PACK_CURRENT_A,   /* magnitude */
	PACK_LINK_DIFF_V, /* |pack_v - bus_v| while closed */
	PACK_OPEN_CURRENT_A,
	PACK_CIRCULATION_A, /* beyond what is allowed, at 0 W */
	PACK_CHATTER,
	PACK_FEEDBACK_UNKNOWN_S, /* longest of its fitted contacts; a BMS's silence has other rows */
	PACK_INSULATION_OHM, /* reported by the pack, where the bus has no monitor */
	PACK_AUX_V,
	PACK_SHARE_A,     /* |current| beyond the share predicted from all, its uncertainty taken off */
	PACK_SOC_DIFFERS, /* |the BMS's state of charge - our own| */
	PACK_WEAR,        /* life used of the most worn contactor */
	PACK_WELD_LEFT_D, /* days until the proof is due */
	PACK_MEASURE_COUNT
};

enum bank_measure {
	BANK_ESTOP = INPUT_ESTOP, /* 1: tripped */
	BANK_INTERLOCK = INPUT_INTERLOCK,
	BANK_SMOKE = INPUT_SMOKE,
	BANK_GAS = INPUT_GAS,
	BANK_DOOR = INPUT_DOOR,
	BANK_INSULATION = INPUT_INSULATION,
	BANK_FAN = INPUT_FAN, /* while it is commanded on */
	BANK_MAINS = INPUT_MAINS,
	BANK_IMD_OHM = INPUT_COUNT,
	BANK_IMD_FAULT,
	BANK_SUPPLY_V,
	BANK_BUS_V,          /* while anything is connected or the bus is known */
	BANK_BUS_CONNECTED_V,
	BANK_BUS_AGE_S,
	BANK_BUS_LIVE_V,     /* bus voltage while nothing is connected and it should have decayed */
	BANK_PCS_RUNAWAY_W,  /* bus power although the converters must be off */
	BANK_CURRENT_SUM_A,
	BANK_METER_AGE_S,
	BANK_LATE_MS,
	BANK_GPIO_GONE,
	BANK_OUTPUTS_PERSIST,
	BANK_UNCOMMISSIONED,
	BANK_BROKER_LOST,
	BANK_TRIP_WELD,      /* a pack that a trip had to open did not open */
	BANK_ESTOP_LEFT_D,   /* days until a proof is due, in the order of enum proof_test */
	BANK_HEARTBEAT_LEFT_D,
	BANK_DEAD_MAN_LEFT_D,
	BANK_INSULATION_LEFT_D,
	BANK_MEASURE_COUNT
};

/* What a converter rule looks at. */
enum pcs_measure {
	PCS_AGE_S = 0,
	PCS_OVERDUE,    /* a reading is missing while a connected pack is inhibited */
	PCS_IN_FAULT,
	PCS_EXCESS_W,   /* magnitude beyond what was asked */
	PCS_SIGN_W,     /* power against the sign that was asked */
	PCS_OUTSIDE_V,  /* the connected bus beyond its DC window */
	PCS_NO_STOP,    /* nothing would stop it: no enable line, no proven dead-man */
	PCS_IDLE_S,     /* asked to run, and does not */
	PCS_MEASURE_COUNT
};

enum side { ABOVE = 0, BELOW }; /* the rule fails above / below its bound */

/* What a rule does while it is active, mildest first. */
enum action {
	ACTION_WARN = 0,     /* event only */
	ACTION_NO_CLOSE,     /* the pack (the bank: no pack) may close */
	ACTION_HALVE,        /* current limits halved */
	ACTION_NO_CHARGE,    /* this pack's charge limit is 0 */
	ACTION_NO_DISCHARGE,
	ACTION_STAND_BY,     /* converter rule: it is switched off, the others go on */
	ACTION_ZERO,         /* bank: 0 W */
	ACTION_PCS_OFF,      /* bank, converter rule: pcs_enable low */
	ACTION_LEAVE,        /* both limits 0, ordered leave, open by the deadline */
	ACTION_OPEN,         /* pcs_enable low at once, open when current is gone or at the deadline */
	ACTION_BANK_OPEN,    /* pack rule: as ACTION_OPEN, for every pack */
	ACTION_FIRE,         /* as BANK_OPEN, and the fire relay */
};

enum rule_flag {
	RULE_LATCH = 1,    /* stays until an operator clears it */
	RULE_LOCAL = 2,    /* ... and only the local operator may */
	RULE_ALARM = 4,    /* alarm relay drops */
};

struct rule {
	enum reason reason;
	unsigned measure;
	enum side side;
	/* of a converter rule: of this converter; packs and converters: the others are NULL */
	double (*bound)(const struct site *site, const struct pack_site *pack,
			const struct pcs_site *pcs);
	double hysteresis;   /* in the measure's unit; an active rule ends this far inside */
	int32_t delay_ms;    /* must stand so long */
	enum action action;
	int32_t deadline_ms; /* LEAVE, OPEN: contactors open by then, from activation */
	unsigned flags;
	const char *row;     /* of the fault matrix the table was built from; "-": none. Nothing here
				reads it: tests/fault_table does, to show that no row is left out */
};

extern const struct rule pack_rules[];
extern const unsigned n_pack_rules;
extern const struct rule bank_rules[];
extern const unsigned n_bank_rules;
extern const struct rule pcs_rules[];
extern const unsigned n_pcs_rules;

const char *rule_action_word(enum action action);

#endif
