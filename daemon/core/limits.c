#include "core/limits.h"
#include "core/num.h"

void limits_interval(struct limit_pack *pack)
{
	const double r = pack->r_ohm * (1.0 - pack->r_rel);

	pack->a_v = (double)NAN;
	pack->b_v = (double)NAN;
	if (!(r > 0.0 && pack->r_rel >= 0.0 && pack->e_sigma_v >= 0.0 && pack->dis_a >= 0.0 &&
	      pack->cha_a >= 0.0))
		return;
	pack->a_v = num_max(pack->v_min, pack->e_v + pack->e_sigma_v - r * pack->dis_a);
	pack->b_v = num_min(pack->v_max, pack->e_v - pack->e_sigma_v + r * pack->cha_a);
}

static bool pack_is_known(const struct limit_pack *pack)
{
	return isfinite(pack->a_v) && isfinite(pack->b_v) && isfinite(pack->e_v) &&
	       isfinite(pack->r_ohm) && pack->e_v > 0.0 && pack->r_ohm > 0.0;
}

static bool bus_is_known(const struct limit_bus *bus)
{
	return bus->resistance_ohm >= 0.0 && isfinite(bus->resistance_ohm) && bus->v_min >= 0.0 &&
	       bus->v_max >= 0.0 && bus->dis_max_a >= 0.0 && bus->cha_max_a >= 0.0;
}

static void raise_low(struct limit_set *set, double v, int who)
{
	if (v > set->low_v) {
		set->low_v = v;
		set->binding_dis = who;
	}
}

static void lower_high(struct limit_set *set, double v, int who)
{
	if (v < set->high_v) {
		set->high_v = v;
		set->binding_cha = who;
	}
}

/* Without partner E is where the bus is: its uncertainty moves no current (see limits.h). */
static struct limit_pack alone(const struct limit_pack *pack)
{
	struct limit_pack one = *pack;

	one.e_sigma_v = 0.0;
	limits_interval(&one);
	return one;
}

/* What the bus and the converters allow, once V* and G are known. */
static void add_bus(struct limit_set *set, const struct limit_bus *bus)
{
	const double rg = bus->resistance_ohm * set->g_s, v = set->v_star_v;

	raise_low(set, bus->v_min, LIMIT_BY_BUS);
	lower_high(set, bus->v_max, LIMIT_BY_BUS);
	/* The converter sees less than the bar when it takes power, more when it gives. */
	raise_low(set, (bus->v_min + rg * v) / (1.0 + rg), LIMIT_BY_BUS);
	lower_high(set, (bus->v_max + rg * v) / (1.0 + rg), LIMIT_BY_BUS);
	raise_low(set, v - bus->dis_max_a / set->g_s, LIMIT_BY_PCS);
	lower_high(set, v + bus->cha_max_a / set->g_s, LIMIT_BY_PCS);
	/* Beyond the point of most power a lower bus gives less. */
	raise_low(set, v * (1.0 - 0.5 / (1.0 + rg)), LIMIT_BY_BUS);
}

static void clear(struct limit_set *set, bool known)
{
	*set = (struct limit_set){.known = known,
				  .consistent = known,
				  .idle_safe = known,
				  .v_star_v = (double)NAN,
				  .low_v = (double)NAN,
				  .high_v = (double)NAN,
				  .binding_dis = LIMIT_BY_BUS,
				  .binding_cha = LIMIT_BY_BUS};
}

void limits_of_set(const struct limit_pack *pack, uint64_t set, const struct limit_bus *bus,
		   struct limit_set *out)
{
	const bool single = set != 0 && (set & (set - 1)) == 0;
	double sum = 0.0;
	uint64_t rest;
	int k;

	clear(out, set == 0);
	if (set == 0 || !bus_is_known(bus))
		return;
	out->low_v = 0.0;
	out->high_v = (double)INFINITY;
	for (rest = set, k = 0; rest; rest >>= 1, k++) {
		struct limit_pack one;
		double g;

		if (!(rest & 1))
			continue;
		one = single ? alone(&pack[k]) : pack[k];
		if (!pack_is_known(&pack[k]) || !pack_is_known(&one)) {
			clear(out, false);
			out->binding_dis = out->binding_cha = k;
			return;
		}
		g = 1.0 / one.r_ohm;
		out->g_s += g;
		sum += g * one.e_v;
		raise_low(out, one.a_v, k);
		lower_high(out, one.b_v, k);
	}
	out->v_star_v = sum / out->g_s;
	add_bus(out, bus);
	out->known = true;
	out->consistent = out->low_v <= out->high_v;
	out->idle_safe = num_inside(out->v_star_v, out->low_v, out->high_v);
	if (out->consistent) {
		out->dis_w = limits_power_at(out, bus->resistance_ohm, out->low_v);
		out->cha_w = -limits_power_at(out, bus->resistance_ohm, out->high_v);
	}
}

double limits_bus_v(const struct limit_set *set, double resistance_ohm, double p_w)
{
	double root, pcs_v;

	if (!set->known || !(set->g_s > 0.0))
		return (double)NAN;
	root = set->v_star_v * set->v_star_v - 4.0 * p_w * (1.0 / set->g_s + resistance_ohm);
	if (!(root >= 0.0))
		return (double)NAN;
	pcs_v = 0.5 * (set->v_star_v + sqrt(root));
	return pcs_v + resistance_ohm * p_w / pcs_v;
}

double limits_power_at(const struct limit_set *set, double resistance_ohm, double bus_v)
{
	double a;

	if (!set->known || !(set->g_s > 0.0))
		return (double)NAN;
	a = set->g_s * (set->v_star_v - bus_v);
	return (bus_v - resistance_ohm * a) * a;
}

double limits_efficiency(const struct site *site)
{
	double worst = 1.0;
	unsigned i;

	if (!site->grid.measured_at_ac)
		return 1.0;
	for (i = 0; i < site->n_pcs; i++)
		worst = num_min(worst, site->pcs[i].efficiency);
	return worst;
}

static double standby_sum_w(const struct site *site)
{
	double sum = 0.0;
	unsigned i;

	for (i = 0; i < site->n_pcs; i++)
		sum += site->pcs[i].standby_w;
	return sum;
}

double limits_to_site_w(const struct site *site, double dc_w)
{
	if (!site->grid.measured_at_ac || dc_w <= 0.0)
		return dc_w;
	return num_max(0.0, dc_w - standby_sum_w(site)) * limits_efficiency(site);
}

double limits_to_dc_w(const struct site *site, double site_w)
{
	if (!site->grid.measured_at_ac || site_w < 0.0)
		return site_w;
	return site_w / limits_efficiency(site) + standby_sum_w(site);
}
