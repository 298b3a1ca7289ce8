/*
 * The validated configuration, as the core sees it: plain data, complete, no defaults left open.
 * daemon/config/ fills it from text and refuses what does not hold; the core trusts the ranges
 * stated here (`site_is_sane` in tests asserts them) but never trusts a reading.
 */
#ifndef REBANK_CORE_SITE_H
#define REBANK_CORE_SITE_H

#include "core/types.h"

/* Families with a shared open-circuit-voltage curve (sources in chemistry.c). */
enum chemistry {
	CHEMISTRY_UNKNOWN = 0,
	CHEMISTRY_LMO,    /* LMO/LNO-graphite, 2011-2017 Leaf */
	CHEMISTRY_NMC_SDI, /* NMC111 Samsung SDI 94 Ah, BMW i3 */
	CHEMISTRY_NMC,    /* NMC, general */
	CHEMISTRY_NCA,
	CHEMISTRY_LFP,
	CHEMISTRY_COUNT
};

/*
 * Limits of one pack. "Operating" bounds inhibit one direction, "trip" bounds open and latch; the
 * hard bound (both directions stop, the pack leaves) lies midway. No silent defaults: a profile or
 * the site file carries every value.
 */
struct pack_limits {
	double cell_min_v, cell_max_v;           /* operating window */
	double cell_trip_low_v, cell_trip_high_v; /* outside the operating window */
	double pack_min_v, pack_max_v;           /* operating window of the terminal voltage */
	double dis_max_a, cha_max_a;             /* continuous, magnitudes, at 25 C and full health */
	double fuse_a;                           /* rated current of the pack fuse */
	double charge_min_c, charge_max_c;       /* charging forbidden outside */
	double discharge_min_c, discharge_max_c; /* discharging forbidden outside */
	double temp_warn_c, temp_trip_c;         /* of the hottest sensor; trip opens and latches */
	double temp_spread_warn_k;               /* hottest minus coldest */
	double temp_rise_trip_k_s;               /* thermal runaway alarm */
	double cell_spread_warn_v, cell_spread_derate_v, cell_spread_trip_v;
	double insulation_warn_ohm, insulation_trip_ohm;
	double aux_min_v;                        /* BMS supply; 0: not supervised */
};

/* What we believe of the pack's electrical source before it has been measured. */
struct pack_model {
	enum chemistry chemistry;
	unsigned cells_series; /* 1..CELL_MAX */
	double capacity_ah;    /* believed now: intake test or nominal x SoH */
	double nominal_ah;     /* when new */
	double r_fast_ohm;     /* pack, new, 25 C, < 1 s */
	double r_10s_ohm;      /* pack, new, 25 C, 10 s; >= r_fast_ohm */
	double tau_s;          /* of the polarisation between them */
	double r_growth;       /* believed now, >= 1: R = r_growth x new */
	double v_offset_max_v; /* bound of the pack voltage sensor's offset against the bus sensor */
	double i_offset_max_a; /* bound of the current sensor's offset */
};

/* How the contactors of one pack are built and how long they may take. */
struct pack_contactors {
	bool has[POLE_COUNT];      /* coil fitted and ours to drive */
	bool feedback[POLE_COUNT]; /* auxiliary contact wired */
	bool shared_pole;          /* a pole is shared or missing: never reported isolated */
	bool by_frames;            /* the pack's BMS drives them; it pre-charges by itself, and
				      has[POLE_POSITIVE] is its one command; feedback[] says which
				      poles it reports */
	int32_t silence_ms;        /* by_frames: opens when its frames stop for so long; 0: unknown */
	bool silence_verified;     /* ... and that was tried on this type of pack */
	bool supply_in_chain;      /* by_frames: the heartbeat relay cuts its contactors' supply */
	bool polarised;            /* breaks well in one direction: choose the pole by current sign */
	int32_t boost_ms;          /* full coil voltage after a coil is switched on; 0: no such line */
	int32_t close_ms;          /* feedback must follow within; 200; by_frames: up to 30000 */
	int32_t open_ms;           /* feedback must follow within; 100; by_frames: up to 10000 */
	double precharge_ohm;      /* resistor */
	double precharge_j;        /* energy it may take in one cool-down time */
	double precharge_cool_s;   /* time constant of its cooling */
	double make_max_a;         /* predicted peak current allowed at a join */
	double break_max_a;        /* a planned opening waits until |I| is below */
	double wear_rated_a;       /* current at which life is 5e4 operations (0.: 100 A class) */
	double wear_warn, wear_inhibit; /* Miner sum: warning above; no closing above; 0.8 and 1 */
};

struct pack_site {
	char id[ID_SIZE];
	char profile[ID_SIZE];
	struct pack_limits limit;
	struct pack_model model;
	struct pack_contactors contactors;
	int32_t electrical_stale_ms, link_stale_ms, cells_stale_ms, temps_stale_ms, bms_stale_ms;
	bool has_link_v;     /* a bus-side voltage sensor of its own */
	bool cells_required; /* cell readings are part of this profile: missing counts as stale */
	bool temps_required;
	bool bms_required;
	uint64_t serial;     /* of the commissioned pack; 0: not checked */
};

/* SoC window the plan keeps packs in, and how often it may switch. */
struct plan_site {
	double soc_floor, soc_ceiling;      /* 0..1: a binding pack is dropped at its own */
	double rejoin_margin;               /* fraction of capacity gained before it is taken back */
	double join_max_v;                  /* |E - V_bus| at a join, on top of the current rule */
	int32_t min_on_ms, min_off_ms;
	unsigned pack_ops_day_max, bank_ops_hour_max;
	int32_t settle_ms;                  /* between two contactor events of the bank; 2000 */
	int32_t t_ramp_ms;                  /* steering before an ordered leave; 500 */
	int32_t idle_open_ms;               /* open after so long without a setpoint; 0: never */
	double set_rise_per_s;              /* fraction of rating per second after a set change; 0.05 */
};

struct pcs_site {
	char id[ID_SIZE];
	double p_max_w;          /* rating, magnitude */
	double dis_max_w, cha_max_w;
	double dc_min_v, dc_max_v, dc_max_a;
	double efficiency;       /* 0..1, at rated power, one direction */
	double standby_w;        /* drawn from the DC bus while running */
	double min_w;            /* it cannot hold less than this, in either direction; 0: any */
	double resolution_w;     /* its steps; 0: none worth naming */
	int32_t stale_ms;        /* link lost after; 2000 */
	int32_t dead_man_ms;     /* proven to end at 0 W; 0: none */
	bool self_steered;       /* its own EMS decides: it follows limits, not setpoints; all of
				    a site's converters or none */
	bool rests;              /* self_steered, and without a setpoint it is told 0 A both ways */
};

struct bus_site {
	double max_v, min_v;     /* of everything else on the bus */
	double capacitance_f;    /* converters and filters */
	double resistance_ohm;   /* packs' bar to the converter, both conductors */
	int32_t stale_ms;        /* bus-voltage source; <= 100 */
	double dead_v;           /* below: de-energised; 60 */
	int32_t discharge_ms;    /* an isolated bus falls below 90 % within; 5000 */
};

struct grid_site {
	bool measured_at_ac;     /* p_w, limits and setpoints refer to the AC side */
	double p_max_w;          /* rating of the site, magnitude */
	double export_max_w, import_max_w; /* hard caps at the meter; INFINITY: none */
	bool has_meter;
	double no_meter_export_w, no_meter_import_w; /* caps while a configured meter is lost */
	int32_t meter_stale_ms;
	double ramp_w_s;         /* normal ramp of the bank */
	double ramp_min_w_s;     /* slowest ramp a command may ask for */
	int32_t expiry_ramp_max_ms; /* fallback is reached within; 10000 */
	double tracking_w;       /* |measured - target| beyond for 10 s: event `tracking` */
	int32_t tracking_drop_ms; /* then 0 W after; 60000 */
};

struct source_site {
	char id[ID_SIZE];
	uint8_t priority;        /* lower wins; all different */
	bool may_setpoint, may_command;
	double valid_max_s;      /* <= 3600 */
	double stale_s, future_s; /* age checks on a synced clock; 5 and 2 */
};

/* Proof tests: everything is to be seen working once in its period. */
struct proof_site {
	double period_d[PROOF_TESTS]; /* days; 0: not required */
	double warn_d;                /* a warning so many days before */
};

struct input_site {
	bool present;
	int32_t debounce_ms;     /* <= 20 for the E-stop */
};

enum start_mode { START_AUTO = 0, START_COMMAND };

struct site {
	char id[ID_SIZE];
	bool mixed_chemistry;
	bool real_contactors;    /* any coil on real hardware: commissioning is required */
	bool has_pcs_enable;
	bool has_imd;
	bool fan_in_smoke;       /* the fire concept wants fans to run then */
	bool has_supply;         /* coil supply is measured */
	double supply_close_min_v, supply_open_v; /* no close below; ordered open below */
	int32_t imd_stale_ms;
	enum start_mode start;
	int32_t tick_ms;         /* 100 */
	struct plan_site plan;
	struct bus_site bus;
	struct grid_site grid;
	struct proof_site proof;
	struct input_site input[INPUT_COUNT];
	unsigned n_pcs;
	struct pcs_site pcs[PCS_MAX];
	unsigned n_sources;      /* source[0] is `local` */
	struct source_site source[SOURCE_MAX];
	unsigned n_packs;
	struct pack_site pack[PACK_MAX];
};

#endif
