/*
 * Inside the twin: what the plant is and how its parts call one another. Included only by
 * drivers/sim; the contract is drivers/sim/twin.h. Times t are ms on the caller's clock, steps dt_s
 * are seconds; + = discharge.
 */
#ifndef REBANK_DRIVERS_SIM_PLANT_H
#define REBANK_DRIVERS_SIM_PLANT_H

#include "drivers/sim/twin.h"

enum {
	PLANT_STEP_MS = 100,  /* longest step */
	PLANT_SETTLE_MS = 20, /* 1 ms steps go on after the last contact moved */
	PLANT_TEMPS = 4,      /* temperature sensors of a pack */
	PLANT_COMMANDS = 32,  /* setpoints on their way to a converter */
	PLANT_LOSS_POINTS = 15,
};

/* ---- random numbers: xorshift64*, seeded by splitmix64 -------------------------------------- */

struct noise {
	uint64_t s;
};

static inline struct noise noise_seed(uint64_t seed)
{
	uint64_t z = seed + 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (struct noise){z ? z : 1};
}

/* A stream of its own for part `index` of a kind: packs do not depend on how many there are. */
static inline struct noise noise_of(uint64_t seed, unsigned kind, unsigned index)
{
	return noise_seed(noise_seed(seed).s + ((uint64_t)kind << 32) + index);
}

static inline uint64_t noise_bits(struct noise *noise)
{
	uint64_t s = noise->s;

	s ^= s >> 12;
	s ^= s << 25;
	s ^= s >> 27;
	noise->s = s;
	return s * 0x2545f4914f6cdd1du;
}

/* Uniform in lo..hi. */
static inline double noise_between(struct noise *noise, double lo, double hi)
{
	return lo + (hi - lo) * ((double)(int64_t)(noise_bits(noise) >> 11) * 0x1p-53);
}

/* Nearly normal, sigma 1, never beyond 3.5: the sum of four uniforms. */
static inline double noise_normal(struct noise *noise)
{
	uint64_t b = noise_bits(noise);
	int32_t sum = (int32_t)(b & 0xffff) + (int32_t)(b >> 16 & 0xffff) +
		      (int32_t)(b >> 32 & 0xffff) + (int32_t)(b >> 48);

	return (double)(sum - 131070) * (1.0 / 37837.2); /* sqrt(4/12) * 65536 */
}

/* ---- parts ----------------------------------------------------------------------------------- */

enum path { PATH_NONE = 0, PATH_PRECHARGE, PATH_MAIN };
enum rep { REP_LOW = 0, REP_MEAN, REP_HIGH, REP_COUNT };

/* One contact of a contactor and its auxiliary contact. */
struct plant_contact {
	bool bridged; /* not fitted: always closed */
	bool absent;  /* not fitted: always open */
	bool driven, closed;
	bool observed;      /* a real contactor: where plant_contacts_observe last saw it */
	bool target;        /* where it goes at due_ms */
	int64_t due_ms;     /* 0: at rest */
	int64_t bounce_ms;  /* bounces until; 0: does not */
	int64_t changed_ms; /* auxiliary contact follows aux_ms later */
	int32_t close_ms, open_ms, bounce_for_ms, aux_ms;
};

/* What the BMS of a pack that closes by frames is doing. */
enum own_step {
	OWN_OPEN = 0,
	OWN_THINKS,
	OWN_NEGATIVE,
	OWN_PRECHARGE,
	OWN_POSITIVE,
	OWN_CLOSED,
	OWN_GAVE_UP, /* until the command ends */
};

struct plant_own_bms {
	enum own_step step;
	int64_t since_ms, near_ms; /* in this step; bus not near until */
	int64_t next_ms;           /* looks again; INT64_MAX: at the next edge */
	int64_t heard_ms;          /* last frames of ours */
	bool command, wanted;      /* in those frames; what it goes for */
};

/* Sensors of one pack: what they add to the truth. */
struct plant_sensors {
	double v_offset, v_step, a_offset, a_gain, a_step, link_offset, soc_bias;
	double temp_offset[PLANT_TEMPS];
};

struct plant_pack {
	/* what it is */
	unsigned cells;
	enum chemistry chemistry;
	double capacity_ah, growth;
	double q_ah[REP_COUNT];  /* of the representative cells */
	double rf[REP_COUNT];    /* their resistance relative to the pack's mean */
	double share[REP_COUNT]; /* sum over all cells of their weight on each; sums to cells */
	double shift_v;          /* of the cell OCV against the table */
	double r0_new, r1_new, r2_new, tau1_s, tau2_s; /* 25 C, grown */
	double heat_capacity_j_k, cooling_w_k;
	float weight[CELL_MAX]; /* -1 lowest .. 0 mean .. +1 highest */
	unsigned weakest;       /* index of the cell with weight -1 */
	struct plant_sensors sensors;

	/* what it is doing */
	double z[REP_COUNT], h; /* SoC; LFP hysteresis state */
	double ocv[REP_COUNT],
		ocv_per_as[REP_COUNT]; /* per cell at the last refresh, and its fall */
	double source_v;               /* pack OCV with hysteresis, now */
	double source_per_as;
	double pending_as;     /* charge since the last refresh */
	double drift_v;        /* of the weakest cell */
	double v1, v2;         /* RC voltages */
	double r0, r1, r2;     /* at this temperature */
	double f1, f2, f_dt_s; /* RC factors for steps of f_dt_s */
	double temp_c, heat_j, runaway_k;
	int64_t refresh_ms, next_refresh_ms; /* last and next one */
	double g_s, a, v; /* conductance to the bar, 0: open; current; terminal voltage */
	enum path path;
	struct plant_contact contact[POLE_COUNT];
	struct plant_own_bms own; /* site contactors.by_frames */
	double resistor_j;

	/* verdicts */
	int64_t peak_until_ms;
	double peak_a, break_a, excess_s;
	uint32_t loaded_breaks;

	/* senders */
	int64_t electrical_ms, cells_ms, temps_ms, bms_ms; /* next ones due */
	uint32_t count;
};

struct plant_command {
	int64_t due_ms;
	bool run;
	double p_w;
};

struct plant_pcs {
	enum pcs_state state;
	int64_t since_ms,
		outside_ms; /* in this state; outside its voltage window since, 0: inside */
	int32_t delay_ms;
	double ramp_w_s;
	double loss_scale; /* of the measured loss curve, to meet the data sheet */
	struct plant_command queue[PLANT_COMMANDS];
	unsigned head, queued;
	struct plant_command sent, heard; /* last one that entered, last one that left the queue */
	bool run;
	double asked_w;
	double p_w;        /* at the commanded terminals, end of the step */
	double ac_w, dc_w; /* mean over the last step */
	int64_t sample_ms;
};

/* What the faults of this instant do; gathered anew whenever one begins or ends. */
struct pack_effects {
	bool weld[POLE_COUNT], no_close[POLE_COUNT], chatter[POLE_COUNT], deaf_aux[POLE_COUNT];
	bool aux_gone, frozen, stale, invalid, precharge_open, deaf, closes_unasked;
	double lie_a, lie_v, drift_v, heat_w, runaway_k_s;
	double insulation_ohm;
};

struct effects {
	struct pack_effects pack[PACK_MAX];
	bool pcs_deaf[PCS_MAX], pcs_sign[PCS_MAX], pcs_silent[PCS_MAX], pcs_fault[PCS_MAX];
	bool pcs_invalid[PCS_MAX], pcs_no_dead_man[PCS_MAX];
	bool input[INPUT_COUNT];
	bool estop, bus_sensor, bus_short, gpio_gone, meter_silent;
	double insulation_ohm; /* of the bus itself */
	double supply_v, ambient_c;
};

/* The safety chain in hardware: heartbeat relay and E-stop relay. */
struct plant_chain {
	int64_t heartbeat_ms; /* last edge seen; 0: never */
	int64_t estop_ms;     /* tripped since; 0: healthy */
	bool pcs, coils;      /* enable and coil supply are let through */
};

struct twin {
	struct site site;
	struct twin_config config;
	struct noise noise;
	int64_t start_ms, now_ms;
	int64_t next_edge_ms;  /* earliest instant at which a fault or the chain may change */
	int64_t next_fault_ms; /* ... at which a fault begins or ends */
	int64_t own_ms;        /* ... at which a pack's own BMS looks again */
	double capacitance_f, supply_nominal_v;

	struct effects effects;
	struct plant_chain chain;
	bool line_enable, line_heartbeat, line_fan; /* lines as last driven */
	bool line_coil[PACK_MAX][POLE_COUNT];
	struct plant_pack pack[PACK_MAX];
	struct plant_pcs pcs[PCS_MAX];

	bool moving, pre_charging, connected; /* some contact; some pack's path */
	int64_t settle_ms;                    /* 1 ms steps until */
	double cap_v, bar_v;
	double load_w;         /* drawn now */
	int64_t load_since_ms; /* its supply has had voltage since; 0: none */
	double energy_dis_wh, energy_cha_wh;

	int64_t level_ms[INPUT_COUNT]; /* last change */
	bool level_tripped[INPUT_COUNT];
	int64_t meter_ms, imd_ms, supply_ms; /* next samples due */
	double freq_hz;
};

/* ---- pack.c: electrochemistry and heat ------------------------------------------------------- */

void plant_pack_init(struct twin *twin, unsigned k);
/* Charge counted since the last call into SoC; OCV, heat and resistance follow. Call at ~1 Hz. */
void plant_pack_refresh(struct twin *twin, unsigned k, int64_t t);
/* Conductance to the bar after a change of path or resistance. */
void plant_pack_connect(struct twin *twin, unsigned k);
/* One step at current pack->a, which held all through it. */
void plant_pack_step(struct twin *twin, unsigned k, double dt_s);

/* Source voltage behind the fast resistance. */
static inline double plant_pack_source_v(const struct plant_pack *pack)
{
	return pack->source_v - pack->v1 - pack->v2 - pack->drift_v;
}

/* Voltage of a representative cell, without the drift of the weakest. */
static inline double plant_pack_rep_v(const struct plant_pack *pack, enum rep rep)
{
	double sag_v = (pack->r0 * pack->a + pack->v1 + pack->v2) / pack->cells;

	return pack->ocv[rep] - pack->ocv_per_as[rep] * pack->pending_as - pack->rf[rep] * sag_v;
}

/* Lowest and highest cell, drift included. */
void plant_pack_cell_range(const struct plant_pack *pack, double *min_v, double *max_v);
double plant_pack_hottest_c(const struct plant_pack *pack);
/* What a BMS that knows the truth would permit, magnitudes. */
double plant_pack_dis_limit_a(const struct twin *twin, unsigned k);
double plant_pack_cha_limit_a(const struct twin *twin, unsigned k);

/* ---- contacts.c: contactors and the hardware chain ------------------------------------------- */

void plant_contacts_init(struct twin *twin, unsigned k);
/* A pack that closes by frames has contactors of its own. Call before the pack's other parts. */
void plant_own_bms_init(struct twin *twin, unsigned k);
/* Its relays at t; true when one was switched. */
bool plant_own_bms_run(struct twin *twin, unsigned k, int64_t t);
/* Hardware chain and coil drives at t; called on every change of lines, faults or chain. */
void plant_contacts_drive(struct twin *twin, int64_t t);
/* Contacts that are due move; paths follow. */
void plant_contacts_run(struct twin *twin, int64_t t);
/* Hardware in the loop: contactors are where their real feedback says they are at t. One without a
 * feedback, or with a fault of the twin upon it (what reads on the line is then known to be a lie),
 * follows its coil as in a simulation. */
void plant_contacts_observe(struct twin *twin, const struct bank_inputs *in, int64_t t);
/* Next instant the chain may change by itself; INT64_MAX: none. */
int64_t plant_chain_next_ms(const struct twin *twin, int64_t t);
/* Nothing is read of this pack's contactors: its chip is gone, or it sends nothing. */
bool plant_contacts_dark(const struct twin *twin, unsigned k);
enum contact plant_contact_feedback(struct twin *twin, unsigned k, enum pole pole, int64_t t);

/* ---- converter.c ----------------------------------------------------------------------------- */

void plant_converter_init(struct twin *twin, unsigned i);
void plant_converter_command(struct twin *twin, unsigned i, int64_t t,
			     const struct pcs_output *out);
/* One step from t; sets ac_w and dc_w to the means over it. */
void plant_converter_step(struct twin *twin, unsigned i, int64_t t, double dt_s);
/* Power may change within a few ms. */
bool plant_converter_hurries(const struct twin *twin);
bool plant_converter_idle(const struct twin *twin);

/* ---- bus.c ----------------------------------------------------------------------------------- */

/* Packs on the bus, nothing moving: the algebraic solution, any step. */
void plant_bus_step_steady(struct twin *twin, int64_t t, double dt_s);
/* With the capacitor: steps of 1 ms; any step while no pack is on the bus and no converter pushes.
 */
void plant_bus_step_fast(struct twin *twin, int64_t t, double dt_s);

/* ---- fault.c --------------------------------------------------------------------------------- */

/* Effects of the faults that hold at t. */
void plant_fault_gather(struct twin *twin, int64_t t);
/* Next instant a fault begins or ends; INT64_MAX: none. */
int64_t plant_fault_next_ms(const struct twin *twin, int64_t t);

/* ---- sense.c --------------------------------------------------------------------------------- */

void plant_sense_init(struct twin *twin, unsigned k);
void plant_sense_all(struct twin *twin, struct bank_inputs *in);

#endif
