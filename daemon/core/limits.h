/*
 * Exact limits of a connected set, in closed form. All packs share one unknown, the bus voltage V:
 * pack k carries (E_k - V) / R_k, so its current limits and its voltage window are an interval of
 * V, the set allows the intersection, and power falls strictly as V rises. The binding pack is the
 * one whose interval ends first. Margins for what is not known exactly are in the intervals.
 */
#ifndef REBANK_CORE_LIMITS_H
#define REBANK_CORE_LIMITS_H

#include "core/site.h"

/* One pack as the formula sees it. NaN anywhere makes the whole set unknown: limits 0/0. */
struct limit_pack {
	double e_v, e_sigma_v; /* source voltage and its sigma bound */
	double r_ohm, r_rel;   /* resistance and the fraction (< 1) it may be lower than believed */
	double dis_a, cha_a;   /* current limits, magnitudes >= 0 */
	double v_min, v_max;   /* window of the terminal voltage */
	/* results: the interval a..b of bus voltage this pack allows */
	double a_v, b_v;
};

/* Everything on the bus that is not a pack. */
struct limit_bus {
	double resistance_ohm;       /* packs' bar to converter */
	double v_min, v_max;         /* at the bar and at the converter */
	double dis_max_a, cha_max_a; /* of the converters; INFINITY: none */
};

enum { LIMIT_BY_BUS = -1, LIMIT_BY_PCS = -2 }; /* binding "packs" that are none */

struct limit_set {
	bool known;           /* every member known; otherwise all powers are 0 */
	bool consistent;      /* low_v <= high_v: some power is safe */
	bool idle_safe;       /* 0 W is safe */
	double g_s, v_star_v; /* sum of 1/R; bus voltage at no load */
	double low_v, high_v; /* the bus must stay within */
	/* at the converter's DC terminals; negative: the other way is a must */
	double dis_w, cha_w;
	int binding_dis, binding_cha; /* pack index or LIMIT_BY_* */
};

/*
 * Fills a_v, b_v of one pack, with r = R (1 - r_rel):
 *   a = max(v_min, E + sigma - r dis_a)
 *   b = min(v_max, E - sigma + r cha_a)
 * NaN, R <= 0 or a negative magnitude gives NaN: unknown. a > b is possible: no voltage suits it.
 */
void limits_interval(struct limit_pack *pack);

/*
 * Limits of the packs in `set` (bit k = pack[k]), whose a_v and b_v are filled. Empty: 0/0, known.
 * Inconsistent or unknown: 0/0. A set of one pack has no partner: no current flows at 0 W whatever
 * its E is, so its e_sigma_v does not count, and 0 W is safe wherever its voltage window holds.
 * For an unknown set binding_dis and binding_cha name the first unknown pack (or LIMIT_BY_BUS).
 */
void limits_of_set(const struct limit_pack *pack, uint64_t set, const struct limit_bus *bus,
		   struct limit_set *out);

/* Bus voltage of a set at DC power p_w at the converter; NaN where infeasible. */
double limits_bus_v(const struct limit_set *set, double resistance_ohm, double p_w);

/* DC power at the converter that puts the bar of a set at bus_v. */
double limits_power_at(const struct limit_set *set, double resistance_ohm, double bus_v);

enum { HORIZON_NOW = 0, HORIZON_60, HORIZON_900, HORIZON_1800, HORIZON_3600, HORIZON_COUNT };

struct limits {
	/*
	 * Every pack, connected or not, at horizon 0: what is safe. Near its SoC floor or ceiling a
	 * pack may still carry C/5 of circulating current, so that a full or empty bank can idle
	 * together; the published power follows the SoC taper down to zero.
	 */
	struct limit_pack pack[PACK_MAX];
	struct limit_bus bus;
	/*
	 * Of the connected packs, now. While 0 W is safe its binding packs are those that bind the
	 * published power.
	 */
	struct limit_set set;
	/*
	 * Published, at the site's point, magnitudes >= 0: after converter, caps, slow rise. A
	 * horizon's value can be held from now on for that long, so none exceeds HORIZON_NOW.
	 */
	double dis_w[HORIZON_COUNT], cha_w[HORIZON_COUNT];
	double must_w; /* power the set needs to be safe at all; NaN: none */
	bool bears_unseen; /* silent converters may do their worst without harm to the set */
	int64_t unbearable_ms; /* they might have harmed it last at; 0: not lately */
	double e_dis_wh, e_cha_wh;
	double soc, soc_sigma, soc_min, soc_max, soh;
	enum reason dis_reason, cha_reason; /* OK: at the site's rating */
	int dis_pack, cha_pack;             /* binding pack or -1 */
	/* recomputed once a second: DC limits at the horizons beyond now */
	double later_dis_w[HORIZON_COUNT], later_cha_w[HORIZON_COUNT];
	int64_t slow_ms;
	/* slow rise of what is published, and slower after a change of set */
	uint64_t set_mask;
	bool loading;
	double proven_dis_w, proven_cha_w;
	/* closed loop: share of the limits left after a measured excess, per pack */
	double trim[PACK_MAX];
	int64_t excess_ms[PACK_MAX];
};

/* DC power at the converter terminals <-> power at the site's measuring point (AC or DC), rounded
 * to the safe side: a limit never grows by conversion. */
double limits_to_site_w(const struct site *site, double dc_w);
double limits_to_dc_w(const struct site *site, double site_w);

/* Of the worst converter between DC terminals and the site's measuring point; 1 at a DC point. */
double limits_efficiency(const struct site *site);

/*
 * Reads estimates, permits, converters and meter; fills bank->limits and the bus limits of `out`.
 * A connected pack with anything unknown, or a set without safe power, publishes 0/0.
 */
struct bank;
void limits_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out);

#endif
