/*
 * The plain data that crosses the core's boundary: samples and commands in, outputs out.
 *
 * Sign: positive = discharge = power out to the grid, everywhere. Units: SI doubles with the unit in
 * the name; instants are monotonic milliseconds (..._ms), wall-clock instants are ..._utc_ms.
 * Fractions (SoC, SoH) are 0..1. Unknown is NaN, and every enum's zero is "unknown" or "nothing".
 * A stamp says when a group of readings arrived; 0 = never heard. Drivers measure and stamp, never
 * judge: an old reading stays where it is with its old stamp, and `fresh` turns it into NaN.
 */
#ifndef REBANK_CORE_TYPES_H
#define REBANK_CORE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/reason.h"

enum {
	PACK_MAX = 64,     /* packs of one bank; sets of packs are uint64_t, bit k = pack k */
	CELL_MAX = 216,    /* series cells of one pack */
	TEMP_MAX = 32,     /* temperature sensors of one pack */
	PCS_MAX = 4,       /* converters on the DC bus */
	SOURCE_MAX = 16,   /* who may send setpoints; index 0 is always `local` */
	COMMAND_MAX = 16,  /* commands taken by one step; the shell keeps the rest for the next */
	EVENT_MAX = 128,   /* events of one step; more are counted in events_dropped */
	ACK_MAX = 64,      /* acks of one step: COMMAND_MAX answers and what they supersede */
	ID_SIZE = 33,      /* bank, pack, source ids: [a-z0-9-]{1,32} and the NUL */
	COMMAND_ID_SIZE = 65,
	SESSION_SIZE = 37,
};

/* ---- in ---------------------------------------------------------------------------------- */

/* What the CAN or Modbus link to a pack is doing, as its driver sees it. */
enum link_state {
	LINK_UNKNOWN = 0, /* not opened yet */
	LINK_OK,
	LINK_PASSIVE, /* error-passive: still talking */
	LINK_OFF,     /* bus-off or connection lost */
	LINK_GONE,    /* the interface does not exist any more */
};

/* What the pack's own BMS says about itself; bits of pack_sample.bms_flags. */
enum bms_flag {
	BMS_FAULT = 1u << 0,        /* the BMS reports a fault of its own */
	BMS_WANTS_OPEN = 1u << 1,   /* it asks for, or announces, open contactors */
	BMS_NO_CHARGE = 1u << 2,    /* it forbids charging */
	BMS_NO_DISCHARGE = 1u << 3, /* it forbids discharging */
	BMS_WELDED = 1u << 4,       /* it reports a welded contactor */
};

/*
 * One pack's readings. Each group has one stamp; a group that the pack does not have keeps stamp 0.
 * NaN where the pack sent an invalid code. `electrical_count` moves with the message counter of the
 * pack, where it `counts`: a stamp that moves with a count that does not is a frozen sender.
 */
struct pack_sample {
	int64_t electrical_ms;
	uint32_t electrical_count;
	bool counts;      /* it has a message counter */
	double pack_v;    /* on the pack side of its contactors */
	double current_a; /* + discharge */

	int64_t link_ms;
	double link_v; /* on the bus side of this pack's contactors */

	int64_t cells_ms;
	uint16_t n_cells; /* 0: only the extremes are sent */
	double cell_min_v, cell_max_v; /* read when n_cells is 0 */
	double cell_v[CELL_MAX];

	int64_t temps_ms;
	uint16_t n_temps; /* 0: only the extremes are sent */
	double temp_min_c, temp_max_c; /* read when n_temps is 0 */
	double temp_c[TEMP_MAX];

	int64_t bms_ms;
	double soc, soh;
	double dis_limit_a, cha_limit_a; /* magnitudes >= 0; NaN: not sent */
	double insulation_ohm;
	double aux_v;       /* the pack BMS's own 12/24 V supply */
	uint32_t bms_flags; /* enum bms_flag */
	uint64_t serial;    /* digest of the serial number; 0: not sent */

	enum link_state link;
	bool link_tx_full;    /* the driver cannot send: keep-alive frames are not going out */
	bool link_foreign_tx; /* somebody else sends our frames */
	uint32_t bad_frames;  /* checksum, length and alive-counter errors since start */
};

enum contact { CONTACT_UNKNOWN = 0, CONTACT_OPEN, CONTACT_CLOSED };

enum pole { POLE_NEGATIVE = 0, POLE_POSITIVE, POLE_PRECHARGE, POLE_COUNT };

/*
 * Auxiliary contacts and coil line read-back of one pack. Of a pack whose own BMS drives its
 * contactors (site contactors.by_frames) the pack driver fills this: feedback is what the BMS
 * reports of each pole, readback the command in the frames that go out now.
 */
struct pack_contacts {
	int64_t stamp_ms;
	enum contact feedback[POLE_COUNT]; /* UNKNOWN: no auxiliary contact fitted, or not readable */
	int64_t edge_ms[POLE_COUNT];       /* last edge of it, if its sender stamps edges; 0: none */
	enum contact readback[POLE_COUNT]; /* level of the coil line itself; CLOSED = driven */
};

enum pcs_state {
	PCS_UNKNOWN = 0,
	PCS_OFF,     /* not switching: no power possible */
	PCS_STARTING,
	PCS_RUNNING, /* follows setpoints */
	PCS_FAULT,
};

struct pcs_sample {
	int64_t stamp_ms;
	enum pcs_state state;
	double ac_w, dc_w; /* + discharge */
	double dc_v, dc_a;
	double dis_max_w, cha_max_w; /* what the converter itself permits now; NaN: not sent */
	double freq_hz;              /* of the grid; NaN: not sent */
	uint32_t faults;             /* the converter's own fault bits, as sent */
	bool dead_man_proven; /* its dead-man was read back: ends at 0 W within site.pcs[].dead_man_ms */
};

/* Bus-voltage source: <= 50 ms, independent of converter power (hazards rule 10). */
struct bus_sample {
	int64_t stamp_ms;
	double v;
};

struct meter_sample {
	int64_t stamp_ms;
	double p_w;     /* at the grid point, + export */
	double freq_hz;
};

/* Digital inputs, wired so that a lost wire reads as TRIPPED. */
enum input_id {
	INPUT_ESTOP = 0,
	INPUT_INTERLOCK,
	INPUT_SMOKE,
	INPUT_GAS,
	INPUT_DOOR,
	INPUT_INSULATION, /* digital insulation monitor */
	INPUT_REMOTE,     /* local/remote switch: OK = remote commands allowed */
	INPUT_FAN,        /* fan feedback */
	INPUT_MAINS,
	INPUT_COUNT
};

enum level { LEVEL_UNKNOWN = 0, LEVEL_OK, LEVEL_TRIPPED };

struct digital_input {
	int64_t stamp_ms; /* last read-back */
	int64_t edge_ms;  /* when the level last changed */
	enum level level;
};

struct imd_sample { /* insulation monitor of the bus */
	int64_t stamp_ms;
	double insulation_ohm;
	bool fault; /* the monitor reports itself or its earth lead broken */
};

enum gpio_state { GPIO_UNKNOWN = 0, GPIO_OK, GPIO_GONE };

enum command_kind {
	COMMAND_NONE = 0,
	COMMAND_SETPOINT,
	COMMAND_RELEASE, /* p_w null: this source wants nothing any more */
	COMMAND_START,
	COMMAND_STOP,   /* power to 0, leave in order, stay open (survives restart) */
	COMMAND_LOCK,   /* maintenance lock: stop, and refuse every remote command */
	COMMAND_UNLOCK,
	COMMAND_PACK_ENABLE,
	COMMAND_PACK_DISABLE,
	COMMAND_CLEAR,  /* clear latches of `pack`, or of the bank when pack < 0 */
	COMMAND_PROOF,  /* the operator has seen `proof` work */
};

/* What must be seen working from time to time. The first are of the bank, weld is of each pack. */
enum proof_test {
	PROOF_ESTOP = 0,
	PROOF_HEARTBEAT, /* its silence drops the safety relay */
	PROOF_DEAD_MAN,  /* of the converters */
	PROOF_INSULATION, /* self-test of the monitor */
	PROOF_BANK_TESTS,
	PROOF_WELD = PROOF_BANK_TESTS, /* contactors open */
	PROOF_TESTS
};

enum service {
	SERVICE_NONE = 0,
	SERVICE_SETPOINT,
	SERVICE_AFRR,
	SERVICE_MFRR,
	SERVICE_PEAK,
	SERVICE_TEST
};

/*
 * A command that parsed (docs/mqtt.md). What only the core can judge is judged there: replay, age,
 * lifetime, priority, locks, limits. What the parser refused never gets here.
 */
struct command {
	enum command_kind kind;
	uint8_t source; /* index into site.source */
	int16_t pack;   /* PACK_*: the pack; -1: the bank */
	char id[COMMAND_ID_SIZE];
	char session[SESSION_SIZE]; /* "" when absent */
	int64_t seq;
	int64_t ts_utc_ms;   /* when the sender issued it */
	int64_t received_ms; /* monotonic, when it arrived here */
	double p_w;
	double valid_s;
	int64_t start_utc_ms; /* 0: at once */
	double ramp_w_s;      /* NaN: the configured ramp */
	bool reject_if_limited;
	bool zero_on_expiry;
	bool dry_run;
	bool boot_given, boot_matches; /* `boot` was present / equals this boot's nonce */
	bool n_fresh;                  /* echoes a telemetry counter not older than 10 s */
	enum service service;
	enum proof_test proof; /* COMMAND_PROOF: which; PROOF_WELD with `pack` */
};

struct bank_inputs {
	int64_t now_ms;     /* monotonic; never 0 */
	int64_t utc_ms;     /* wall clock; only for commands, stamps and life */
	bool clock_synced;  /* wall clock is synchronised, error < 1 s */
	bool tick;          /* a regular tick, not an immediate step */
	int32_t lateness_ms; /* how late this tick started */
	bool commissioned;  /* the site's commissioning record matches its configuration */
	bool outputs_persist; /* the kernel keeps outputs driven when this process dies */
	uint64_t found_driven; /* packs whose coils were driven before this process; first step only */
	bool shutdown;      /* the process was asked to end: stop in order */

	struct pack_sample pack[PACK_MAX];
	struct pack_contacts contacts[PACK_MAX];
	struct pcs_sample pcs[PCS_MAX];
	struct bus_sample bus;
	struct meter_sample meter;
	struct imd_sample imd;
	struct digital_input input[INPUT_COUNT];
	double supply_v;      /* coil supply; read when supply_ms is fresh */
	int64_t supply_ms;
	enum gpio_state gpio; /* worst of all chips that carry outputs */
	int64_t gpio_ms;

	bool broker_connected;
	unsigned n_commands;
	struct command command[COMMAND_MAX];
};

/* ---- out --------------------------------------------------------------------------------- */

struct pack_output {
	bool coil[POLE_COUNT]; /* true = drive the coil; by_frames: POLE_POSITIVE = command to close */
	bool boost;            /* full voltage for a coil that pulls in (economiser) */
	bool keep_alive;       /* send the pack's keep-alive frames */
};

struct pcs_output {
	bool run;   /* false: converter off */
	double p_w; /* at the converter's own terminals named by site.measured_at_ac */
};

enum event_kind { EVENT_NOTE = 0, EVENT_RAISED, EVENT_CLEARED };

struct event {
	int64_t at_ms;
	uint32_t seq; /* never goes back, survives restart */
	enum event_kind kind;
	enum reason reason;
	int16_t pack;            /* -1: the bank, or a converter */
	int16_t pcs;             /* the converter it is about; -1: none */
	double value, threshold; /* in the reason's own unit; NaN where there is none */
};

enum ack_status {
	ACK_NONE = 0,
	ACK_ACCEPTED,
	ACK_LIMITED,
	ACK_REJECTED,
	ACK_STARTED,
	ACK_COMPLETED,
	ACK_SUPERSEDED,
	ACK_EXPIRED,
	ACK_CANCELLED,
};

struct ack {
	enum ack_status status;
	enum reason reason;
	uint8_t source;
	char id[COMMAND_ID_SIZE];
	int64_t seq;
	int64_t received_ms;
	double p_req_w, p_set_w; /* p_req_w NaN for a release */
	int64_t expires_ms;      /* monotonic; 0: none */
	bool duplicate;          /* a repeat of the first answer to this id */
};

/*
 * The bank as one battery, for converters that steer themselves by what a battery tells them.
 * Everything NaN is unknown; limits are those of struct bank_outputs.
 */
struct bank_face {
	bool known; /* connected, and its readings are: false = tell nothing but the alarm */
	double v, a, soc, soh, temp_min_c, temp_max_c, cell_min_v, cell_max_v;
	double pack_min_v, pack_max_v;
	/* Which pack has that extreme, counted from 1; 0: none does. */
	uint8_t temp_min_pack, temp_max_pack, cell_min_pack, cell_max_pack;
	uint8_t pack_min_pack, pack_max_pack;
	double capacity_ah;    /* of the connected packs */
	double wh_dis, wh_cha; /* of all packs, ever */
	uint8_t packs_online, packs_offline, packs_no_charge, packs_no_discharge;
	bool charge_ok, discharge_ok;
	uint32_t alarms, warnings; /* bit enum evt1 */
};

/* All zero is the safe state; each driver maps it to its wire (hazards rule 25). */
struct bank_outputs {
	bool pcs_enable; /* hard-wired enable of the converters */
	bool heartbeat;  /* permission: the shell toggles the heartbeat line on this tick */
	bool relay_healthy, fire_healthy; /* alarm and fire relays: energised = healthy */
	bool fan;
	struct pack_output pack[PACK_MAX];
	struct pcs_output pcs[PCS_MAX];
	/* Limits of the DC bus for converters that steer themselves. */
	double bus_dis_max_a, bus_cha_max_a; /* magnitudes */
	double bus_min_v, bus_max_v;         /* 0: unknown */
	/* Measured and fresh, for packs that must be told the voltage behind their contactors (hazards
	 * rule 9). */
	bool bus_known;
	double bus_v;
	struct bank_face face;

	int64_t next_step_ms; /* run the next step no later than this */
	unsigned n_events, events_dropped;
	struct event event[EVENT_MAX];
	unsigned n_acks;
	struct ack ack[ACK_MAX];
};

#endif
