/*
 * Digital twin of a bank: packs, contactors, bus, converter, sensors. Knows the truth, answers
 * outputs with samples, and can be broken at given times. Deterministic: same config, seed and
 * calls give the same samples. Units and signs as in core/types.h.
 */
#ifndef REBANK_DRIVERS_SIM_TWIN_H
#define REBANK_DRIVERS_SIM_TWIN_H

#include "core/chemistry.h"
#include "core/site.h"

enum twin_fault_kind {
	TWIN_NONE = 0,
	TWIN_WELD,          /* pole does not open any more (`pole`) */
	TWIN_NO_CLOSE,      /* pole does not close any more (`pole`) */
	TWIN_CHATTER,       /* pole's feedback chatters */
	TWIN_FEEDBACK_LOST, /* auxiliary contact reads open (`pole`) */
	TWIN_FEEDBACK_GONE, /* the chip with the pack's auxiliary contacts is gone: they read nothing */
	TWIN_FROZEN,        /* pack's readings keep their value and counter; stamps move */
	TWIN_STALE,         /* pack sends nothing */
	TWIN_INVALID,       /* pack sends invalid codes: NaN */
	TWIN_CURRENT_LIE,   /* current sensor reads `value` A more */
	TWIN_VOLTAGE_LIE,   /* pack voltage sensor reads `value` V more */
	TWIN_CELL_DRIFT,    /* weakest cell reads and is `value` V lower */
	TWIN_HOT,           /* pack heats with `value` W from outside */
	TWIN_RUNAWAY,       /* hottest sensor rises with `value` K/s */
	/* Of packs that close by frames. */
	TWIN_PACK_DEAF,      /* goes on as it is, whatever it is told; silence still opens it */
	TWIN_CLOSES_UNASKED, /* closes by itself */
	/* Converters: `pack` is the converter's index, -1: all of them. */
	TWIN_PCS_DEAF,   /* keeps its power, whatever it is told; pcs_enable still stops it */
	TWIN_PCS_SIGN,   /* inverts the sign of its setpoint */
	TWIN_PCS_SILENT, /* sends nothing */
	TWIN_PCS_INVALID, /* answers, and sends invalid codes for power, voltage and current */
	TWIN_PCS_FAULT,  /* no power; stays until switched off once */
	TWIN_PCS_NO_DEAD_MAN, /* its dead-man does not read back as it should */
	TWIN_ESTOP,      /* pcs_enable and coil supply cut after the hardware delay; input trips */
	TWIN_INPUT,      /* digital input `input` trips */
	TWIN_BUS_SENSOR, /* bus-voltage source sends nothing */
	TWIN_BUS_SHORT,  /* short on the bus while it is being pre-charged */
	TWIN_PRECHARGE_OPEN, /* precharge resistor is broken */
	TWIN_INSULATION,     /* insulation of the pack (-1: of the bus) falls to `value` ohm */
	TWIN_SUPPLY,         /* coil supply falls to `value` V */
	TWIN_GPIO_GONE,
	TWIN_METER_SILENT,
	TWIN_CLOCK_JUMP,  /* wall clock steps by `value` s (the caller's clock: simulate) */
	TWIN_BROKER_LOSS, /* the caller's business (simulate, tests) */
	TWIN_AMBIENT, /* ambient temperature becomes `value` C (not a fault; a day has a night) */
	TWIN_FAULT_COUNT
};

struct twin_fault {
	enum twin_fault_kind kind;
	int64_t at_ms, until_ms; /* since twin start; until 0: for good */
	int pack;                /* -1: every pack, or none where the kind has no pack */
	enum pole pole;
	enum input_id input;
	double value;
};

enum { TWIN_FAULT_MAX = 64 };

/* The words of scenario files and of the control socket: "weld", "no_close", "bus_short"... False
 * for an unknown word. The word of TWIN_NONE is "none" and does not parse. */
/* A fault of a converter: `pack` of struct twin_fault is its index. */
bool twin_fault_of_pcs(enum twin_fault_kind kind);
bool twin_fault_kind_parse(const char *word, enum twin_fault_kind *kind);
const char *twin_fault_word(enum twin_fault_kind kind);
/* "negative", "positive", "precharge". */
bool twin_pole_parse(const char *word, enum pole *pole);
/* "estop", "interlock", "smoke", "gas", "door", "insulation", "remote", "fan", "mains". */
bool twin_input_parse(const char *word, enum input_id *input);

/* Truth of one pack where it is given; NaN: drawn from the seed around the site's beliefs. */
struct twin_pack_config {
	double soc, soh, r_growth, temp_c;
};

struct twin_config {
	uint64_t seed;
	double ambient_c;
	double load_w; /* constant load on the DC bus besides the converters (standby) */
	double spread; /* 1: capacity +-15 %, resistance +-30 %, cells 1-5 % (pack.c); 0: truth
			  equals belief */
	double noise;  /* 1: sensor noise and quantisation of real BMSs; 0: ideal sensors */
	bool hardware_in_the_loop; /* coils, feedback and digital inputs are real lines of another
				      driver: a contactor is where its feedback says it is */
	bool imd_by_line, supply_by_line; /* so are these there */
	unsigned n_packs;
	struct twin_pack_config pack[PACK_MAX];
	unsigned n_faults;
	struct twin_fault fault[TWIN_FAULT_MAX];
};

/* Defaults: seed 1, 20 C, spread 1, noise 1, everything else drawn. */
void twin_config_init(struct twin_config *config);

struct twin; /* a few hundred kB; owned by the caller through twin_new/twin_free */

/* NULL when out of memory. Copies site and config. */
struct twin *twin_new(const struct site *site, const struct twin_config *config, int64_t start_ms);
void twin_free(struct twin *twin);

/* Adds a fault at run time (at_ms since twin start). False: table full, or no such pack. */
bool twin_inject(struct twin *twin, const struct twin_fault *fault);

/* Ends every fault and forgets those still to come. What a fault did stays done: charge, heat. */
void twin_clear(struct twin *twin);

/* True while a fault of this kind holds; its value goes to *value unless NULL. For the kinds that
 * are the caller's business: TWIN_CLOCK_JUMP, TWIN_BROKER_LOSS. */
bool twin_fault_active(const struct twin *twin, enum twin_fault_kind kind, double *value);

/* Takes the outputs that hold from now on. */
void twin_apply(struct twin *twin, int64_t now_ms, const struct bank_outputs *out);

/* Runs the plant up to now_ms and brings the samples in `in` up to date (only groups whose period
 * has passed get a new stamp). Never touches in->now_ms, utc_ms, commands. With hardware in the
 * loop it reads in->contacts, which the driver of the lines has filled, and leaves in->input and
 * in->gpio alone too. */
void twin_gather(struct twin *twin, struct bank_inputs *in);

/* The truth, for tests and for the verdict of a scenario. */
struct twin_pack_truth {
	double v, a, soc, soh, e_v, r_ohm, cell_min_v, cell_max_v, temp_max_c;
	bool closed[POLE_COUNT];
	double peak_a;  /* largest |mean current of a ms| within 100 ms after the last closing,
			 * the share of the bus capacitor included */
	double break_a; /* |current| at the last opening of a main pole */
	uint32_t loaded_breaks; /* openings above the pack's break_max_a */
	double excess_s;        /* seconds beyond 1.02 x its true current or cell voltage limits */
	double resistor_j;
	double temp_c; /* of the pack's mass; temp_max_c is the hottest sensor's place */
	double capacity_ah, r_growth;
};
struct twin_truth {
	double bus_v;      /* at the packs' bar */
	double pcs_w[PCS_MAX]; /* of each converter at the site's measuring point */
	double dc_w, dc_a; /* of the converters, standby included */
	double load_a;     /* of config.load_w */
	double cap_v;      /* at the bus capacitor, behind the cable */
	double ac_w;
	double energy_dis_wh, energy_cha_wh; /* at the site's measuring point */
	struct twin_pack_truth pack[PACK_MAX];
};
void twin_truth(const struct twin *twin, struct twin_truth *truth);

#endif
