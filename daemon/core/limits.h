/*
 * Exact limits of a connected set, in closed form (shared reference algorithms 3.1, 3.2 with the
 * margins of hazards rules 16-22): every pack allows an interval of bus voltage, the set allows their
 * intersection, and power is monotone in bus voltage.
 */
#ifndef REBANK_CORE_LIMITS_H
#define REBANK_CORE_LIMITS_H

#include "core/site.h"

/* One pack as the formula sees it. NaN anywhere makes the whole set unknown: limits 0/0. */
struct limit_pack {
	double e_v, e_sigma_v; /* source voltage and its sigma bound */
	double r_ohm, r_rel;   /* resistance and the fraction it may be lower than believed */
	double dis_a, cha_a;   /* current limits, magnitudes >= 0 */
	double v_min, v_max;   /* window of the terminal voltage */
	/* results: the interval a..b of bus voltage this pack allows */
	double a_v, b_v;
};

/* Everything on the bus that is not a pack. */
struct limit_bus {
	double resistance_ohm;  /* packs' bar to converter */
	double v_min, v_max;    /* at the bar */
	double dis_max_a, cha_max_a; /* of the converters; INFINITY: none */
};

enum { LIMIT_BY_BUS = -1, LIMIT_BY_PCS = -2 }; /* binding "packs" that are none */

struct limit_set {
	bool known;            /* every member known; otherwise all powers are 0 */
	bool consistent;       /* low_v <= high_v: some power is safe */
	bool idle_safe;        /* 0 W is safe */
	double g_s, v_star_v;  /* sum of 1/R; bus voltage at no load */
	double low_v, high_v;  /* the bus must stay within */
	double dis_w, cha_w;   /* at the converter's DC terminals; negative: the other way is a must */
	int binding_dis, binding_cha; /* pack index or LIMIT_BY_* */
};

/* Fills a_v, b_v of one pack. */
void limits_interval(struct limit_pack *pack);

/* Limits of the packs in `set` (bit k = pack[k]), whose a_v and b_v are filled. Empty: 0/0, known. */
void limits_of_set(const struct limit_pack *pack, uint64_t set, const struct limit_bus *bus,
		   struct limit_set *out);

/* Bus voltage of a set at DC power p_w at the converter; NaN where infeasible. */
double limits_bus_v(const struct limit_set *set, double resistance_ohm, double p_w);

/* DC power at the converter that puts the bar of a set at bus_v. */
double limits_power_at(const struct limit_set *set, double resistance_ohm, double bus_v);

enum { HORIZON_NOW = 0, HORIZON_60, HORIZON_900, HORIZON_1800, HORIZON_3600, HORIZON_COUNT };

struct limits {
	struct limit_pack pack[PACK_MAX]; /* every pack, connected or not, at horizon 0 */
	struct limit_bus bus;
	struct limit_set set;             /* of the connected packs, now */
	/* Published, at the site's point, magnitudes >= 0: after converter, site caps, slow rise. */
	double dis_w[HORIZON_COUNT], cha_w[HORIZON_COUNT];
	double must_w;                    /* power the set needs to be safe at all; NaN: none */
	double e_dis_wh, e_cha_wh;
	double soc, soc_sigma, soc_min, soc_max, soh;
	enum reason dis_reason, cha_reason; /* OK: at the site's rating */
	int dis_pack, cha_pack;             /* binding pack or -1 */
	/* slow rise after a change of set (hazards rule 19) */
	uint64_t set_mask;
	double proven_dis_w, proven_cha_w;
	/* closed loop: share of the limits left after a measured excess, per pack */
	double trim[PACK_MAX];
	int64_t excess_ms[PACK_MAX];
};

/* DC power at the converter terminals <-> power at the site's measuring point (AC or DC), rounded to
 * the safe side: a limit never grows by conversion. */
double limits_to_site_w(const struct site *site, double dc_w);
double limits_to_dc_w(const struct site *site, double site_w);

struct bank;
void limits_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

#endif
