/*
 * From estimates and permits to the limits that are published: the closed form of limits.c inside
 * what converters, grid connection and caution allow.
 */
#include "core/bank.h"
#include "core/capability.h"
#include "core/num.h"

enum { SLOW_MS = 1000, EXCESS_MS = 1000, UNSEEN_MS = 60000 };

static const double rise_per_s = 0.05; /* of rating: published limits never rise faster */
static const double trim_min = 0.1, trim_rise_per_s = 0.01;
static const double excess_share = 1.02, unseen_room = 1.2;

/* The least of several bounds, and why. */
struct bound {
	double w;
	enum reason reason;
	int pack;
};

static void bound_by(struct bound *bound, double w, enum reason reason, int pack)
{
	const double known_w = num_max(num_or(w, 0.0), 0.0);

	if (known_w < bound->w)
		*bound = (struct bound){known_w, reason, pack};
}

/*
 * A pack that carries more than it may although the formula said it would not has less resistance
 * than believed: its limits shrink by the measured excess at once and come back slowly.
 */
static void trim_pack(struct bank *bank, unsigned k, bool connected)
{
	struct limits *l = &bank->limits;
	const double a = bank->now.pack[k].current_a;
	const double tolerance_a = num_max(1.0, bank->site.pack[k].model.i_offset_max_a);
	const double limit_a = (a > 0.0 ? l->pack[k].dis_a : l->pack[k].cha_a) / l->trim[k];

	if (connected && fabs(a) > excess_share * limit_a + tolerance_a) {
		if (l->excess_ms[k] == 0)
			l->excess_ms[k] = bank->now_ms;
		if (bank->now_ms - l->excess_ms[k] <= EXCESS_MS)
			return;
		l->trim[k] = num_max(trim_min, l->trim[k] * limit_a / fabs(a));
		l->excess_ms[k] = bank->now_ms;
		return;
	}
	l->excess_ms[k] = 0;
	l->trim[k] = num_min(1.0, l->trim[k] + trim_rise_per_s * bank->dt_s);
}

static void fill_packs(struct bank *bank, uint64_t connected, struct limit_pack *strict)
{
	struct limits *l = &bank->limits;
	unsigned k;

	for (k = 0; k < bank->site.n_packs; k++) {
		if (!(l->trim[k] > 0.0))
			l->trim[k] = 1.0;
		trim_pack(bank, k, connected >> k & 1);
		capability_of_pack(bank, k, &l->pack[k], &strict[k]);
	}
}

/* What every converter of the site tolerates; which of them run is not the set's business. */
static void fill_bus(const struct site *site, struct limit_bus *bus)
{
	double a = site->n_pcs ? 0.0 : (double)INFINITY;
	unsigned i;

	bus->resistance_ohm = site->bus.resistance_ohm;
	bus->v_min = site->bus.min_v;
	bus->v_max = site->bus.max_v;
	for (i = 0; i < site->n_pcs; i++) {
		bus->v_min = num_max(bus->v_min, site->pcs[i].dc_min_v);
		bus->v_max = num_min(bus->v_max, site->pcs[i].dc_max_v);
		a += site->pcs[i].dc_max_a;
	}
	bus->dis_max_a = a;
	bus->cha_max_a = a;
}

/* Power of a set in one direction by its strict intervals, whatever the other direction says. */
static double strict_dis_w(const struct limit_set *set, const struct limit_bus *bus)
{
	return num_max(0.0, limits_power_at(set, bus->resistance_ohm, set->low_v));
}

static double strict_cha_w(const struct limit_set *set, const struct limit_bus *bus)
{
	return num_max(0.0, -limits_power_at(set, bus->resistance_ohm, set->high_v));
}

/* Limits that can be held for each horizon: sources and resistances as they will be then. */
static void look_ahead(struct bank *bank, uint64_t connected, const struct limit_pack *strict)
{
	static const double horizon_s[HORIZON_COUNT] = {0.0, 60.0, 900.0, 1800.0, 3600.0};
	struct limits *l = &bank->limits;
	struct limit_pack later[PACK_MAX];
	struct limit_set set;
	unsigned h, k;

	for (h = HORIZON_60; h < HORIZON_COUNT; h++) {
		for (k = 0; k < bank->site.n_packs; k++) {
			if (connected >> k & 1)
				capability_after(bank, k, horizon_s[h], &strict[k], &later[k]);
		}
		limits_of_set(later, connected, &l->bus, &set);
		l->later_dis_w[h] = num_or(strict_dis_w(&set, &l->bus), 0.0);
		l->later_cha_w[h] = num_or(strict_cha_w(&set, &l->bus), 0.0);
	}
}

/* What the converters that serve can do, and what silent ones may be doing. */
static void bound_by_converters(const struct bank *bank, struct bound *dis, struct bound *cha)
{
	double dis_w = 0.0, cha_w = 0.0;
	unsigned i;

	for (i = 0; i < bank->site.n_pcs; i++) {
		if (!converter_serves(bank, i))
			continue;
		dis_w += converter_most_w(bank, i, true);
		cha_w += converter_most_w(bank, i, false);
	}
	bound_by(dis, dis_w, REASON_PCS_LIMIT, -1);
	bound_by(cha, cha_w, REASON_PCS_LIMIT, -1);
}

/* The others yield to what a silent converter may be doing. */
static void yield_to_unseen(const struct bank *bank, struct bound *dis, struct bound *cha)
{
	const double dis_w = converter_unseen_w(bank, true, false);
	const double cha_w = converter_unseen_w(bank, false, false);

	if (dis_w > 0.0)
		bound_by(dis, dis->w - dis_w, REASON_PCS_LOST, -1);
	if (cha_w > 0.0)
		bound_by(cha, cha->w - cha_w, REASON_PCS_LOST, -1);
}

/* The set bears `factor` times the worst of the silent converters, were the enable line high. */
static bool bears_unseen(const struct bank *bank, const struct limit_set *set, double factor)
{
	const double dis_w = converter_unseen_w(bank, true, true);
	const double cha_w = converter_unseen_w(bank, false, true);

	if (!(dis_w > 0.0 || cha_w > 0.0))
		return true;
	return set->known && set->consistent &&
	       factor * limits_to_dc_w(&bank->site, dis_w) <=
		       strict_dis_w(set, &bank->limits.bus) &&
	       factor * cha_w <= strict_cha_w(set, &bank->limits.bus);
}

/* Once it was too much, the line stays low until they answer or there is room for a while. */
static void note_unseen(struct bank *bank, const struct limit_set *set)
{
	struct limits *l = &bank->limits;
	bool answered = bears_unseen(bank, &(struct limit_set){0}, 1.0);

	if (answered || (bears_unseen(bank, set, 1.0) && l->unbearable_ms == 0))
		l->unbearable_ms = 0;
	else if (!bears_unseen(bank, set, unseen_room))
		l->unbearable_ms = bank->now_ms;
	else if (bank->now_ms - l->unbearable_ms >= UNSEEN_MS)
		l->unbearable_ms = 0;
	l->bears_unseen = l->unbearable_ms == 0;
}

static double measured_w(const struct bank *bank)
{
	return bank->site.grid.measured_at_ac ? bank->now.pcs_ac_w : bank->now.pcs_dc_w;
}

/* The caps hold at the meter: the bank may fill what the rest of the site leaves. */
static void bound_by_meter(const struct bank *bank, struct bound *dis, struct bound *cha)
{
	const struct grid_site *grid = &bank->site.grid;
	const double others_w = bank->now.meter_w - measured_w(bank);

	if (!grid->has_meter) {
		bound_by(dis, grid->export_max_w, REASON_SITE_CAP, -1);
		bound_by(cha, grid->import_max_w, REASON_SITE_CAP, -1);
	} else if (isnan(others_w)) {
		bound_by(dis, grid->no_meter_export_w, REASON_METER_LOST, -1);
		bound_by(cha, grid->no_meter_import_w, REASON_METER_LOST, -1);
	} else {
		bound_by(dis, grid->export_max_w - others_w, REASON_SITE_CAP, -1);
		bound_by(cha, grid->import_max_w + others_w, REASON_SITE_CAP, -1);
	}
}

static int pack_or_none(int binding)
{
	return binding < 0 ? -1 : binding;
}

static enum reason set_reason(const struct bank *bank, int binding, bool discharge,
			      const struct limit_pack *strict)
{
	return binding < 0
		       ? REASON_PCS_LIMIT
		       : capability_reason(bank, (unsigned)binding, discharge, strict + binding);
}

/* First thing that forbids any power; OK when nothing does. */
static enum reason blocked_by(const struct bank *bank, uint64_t connected)
{
	const struct bank_permit *permit = &bank->protect.permit;
	const struct limit_set *set = &bank->limits.set;

	if (!permit->power)
		return permit->reason == REASON_OK ? REASON_NOT_READY : permit->reason;
	if (connected == 0)
		return REASON_NOT_READY;
	if (!set->known)
		return REASON_UNKNOWN_LIMIT;
	return set->consistent ? REASON_OK : REASON_INCONSISTENT;
}

/* What one direction rises to in this step, starting from what was published before. */
static void rise(const struct bank *bank, double *proven_w, enum reason before, struct bound *bound)
{
	const struct limits *l = &bank->limits;
	const double share =
		l->loading ? num_min(bank->site.plan.set_rise_per_s, rise_per_s) : rise_per_s;
	const double allowed_w =
		*proven_w + share * bank->site.grid.p_max_w * num_clamp(bank->dt_s, 0.0, 1.0);

	if (allowed_w < bound->w) {
		bound->w = allowed_w;
		if (l->loading || before == REASON_OK)
			*bound = (struct bound){allowed_w, REASON_LOADING, -1};
		else
			bound->reason = before;
	}
	*proven_w = bound->w;
}

/* A changed set has proven only the power it carries now. */
static void note_set(struct bank *bank, uint64_t connected)
{
	struct limits *l = &bank->limits;
	const double now_w = num_or(measured_w(bank), 0.0);

	if (connected == l->set_mask)
		return;
	l->set_mask = connected;
	l->slow_ms = 0;
	l->loading = true;
	l->proven_dis_w = num_min(l->proven_dis_w, num_max(now_w, 0.0));
	l->proven_cha_w = num_min(l->proven_cha_w, num_max(-now_w, 0.0));
}

/* Power the set needs to be safe at all, at the site's point and rounded up. */
static double must_w(const struct bank *bank)
{
	const struct limit_set *set = &bank->limits.set;
	double dc_w;

	if (!set->known || !set->consistent || set->idle_safe)
		return (double)NAN;
	if (set->cha_w < 0.0)
		return -set->cha_w;
	dc_w = -set->dis_w;
	return -limits_to_dc_w(&bank->site, dc_w);
}

static void publish(struct bank *bank, const struct bound *dis, const struct bound *cha,
		    bool blocked)
{
	const struct site *site = &bank->site;
	struct limits *l = &bank->limits;
	struct bound risen_dis = *dis, risen_cha = *cha;
	unsigned h;

	rise(bank, &l->proven_dis_w, l->dis_reason, &risen_dis);
	rise(bank, &l->proven_cha_w, l->cha_reason, &risen_cha);
	if (risen_dis.w >= dis->w && risen_cha.w >= cha->w && !blocked)
		l->loading = false;
	l->dis_w[HORIZON_NOW] = risen_dis.w;
	l->cha_w[HORIZON_NOW] = risen_cha.w;
	l->dis_reason = risen_dis.reason;
	l->cha_reason = risen_cha.reason;
	l->dis_pack = risen_dis.pack;
	l->cha_pack = risen_cha.pack;
	for (h = HORIZON_60; h < HORIZON_COUNT; h++) {
		const double later_dis_w = limits_to_site_w(site, l->later_dis_w[h]);
		const double later_cha_w = -limits_to_site_w(site, -l->later_cha_w[h]);

		l->dis_w[h] = num_or(num_min(risen_dis.w, later_dis_w), 0.0);
		l->cha_w[h] = num_or(num_min(risen_cha.w, later_cha_w), 0.0);
	}
}

/*
 * Current that a converter which steers itself may draw: that of the published power in the set's
 * circuit, and never more than this power at the voltage of now.
 */
static double bus_current_a(const struct bank *bank, double dc_w)
{
	const struct limit_set *set = &bank->limits.set;
	const double bar_v = limits_bus_v(set, bank->limits.bus.resistance_ohm, dc_w);
	const double a = fabs(set->g_s * (set->v_star_v - bar_v));

	if (bank->now.bus_v <= 0.0)
		return 0.0; /* no bus to draw from */
	return num_min(a, num_or(fabs(dc_w) / bank->now.bus_v, a));
}

/* A cap at the meter holds with the converters' losses; the packs bear what the published says. */
static double bus_charge_w(const struct bank *bank)
{
	const struct grid_site *grid = &bank->site.grid;
	const bool capped = grid->has_meter || isfinite(grid->import_max_w);

	return bank->limits.cha_w[HORIZON_NOW] * (capped ? limits_efficiency(&bank->site) : 1.0);
}

/* Window and currents for converters that steer themselves; zeros where nothing is allowed. */
static void publish_bus(const struct bank *bank, const struct limit_set *strict, bool blocked,
			struct bank_outputs *out)
{
	const struct limits *l = &bank->limits;
	const struct limit_set *set = strict->consistent ? strict : &l->set;

	out->bus_dis_max_a = out->bus_cha_max_a = out->bus_min_v = out->bus_max_v = 0.0;
	if (blocked || !(set->high_v > 0.0))
		return;
	out->bus_dis_max_a = num_or(bus_current_a(bank, l->dis_w[HORIZON_NOW]), 0.0);
	out->bus_cha_max_a = num_or(bus_current_a(bank, -bus_charge_w(bank)), 0.0);
	out->bus_min_v = set->low_v;
	out->bus_max_v = set->high_v;
}

/* Everything that bounds a bank which may have power at all. */
static void bound_power(const struct bank *bank, const struct limit_set *set,
			const struct limit_pack *strict, struct bound *dis, struct bound *cha)
{
	const struct limits *l = &bank->limits;

	bound_by_meter(bank, dis, cha);
	bound_by(dis, limits_to_site_w(&bank->site, strict_dis_w(set, &l->bus)),
		 set_reason(bank, set->binding_dis, true, strict), pack_or_none(set->binding_dis));
	bound_by(cha, -limits_to_site_w(&bank->site, -strict_cha_w(set, &l->bus)),
		 set_reason(bank, set->binding_cha, false, strict), pack_or_none(set->binding_cha));
	yield_to_unseen(bank, dis, cha);
	if (bank->site.n_pcs > 0)
		bound_by_converters(bank, dis, cha);
}

void limits_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	struct limits *l = &bank->limits;
	const uint64_t connected = contactor_connected(bank);
	struct bound dis = {bank->site.grid.p_max_w, REASON_OK, -1}, cha = dis;
	struct limit_pack strict[PACK_MAX];
	struct limit_set set;
	enum reason blocked;

	(void)in;
	fill_packs(bank, connected, strict);
	fill_bus(&bank->site, &l->bus);
	limits_of_set(l->pack, connected, &l->bus, &l->set);
	limits_of_set(strict, connected, &l->bus, &set);
	if (l->set.idle_safe && set.known) {
		l->set.binding_dis = set.binding_dis;
		l->set.binding_cha = set.binding_cha;
	}
	note_set(bank, connected);
	if (l->slow_ms == 0 || bank->now_ms - l->slow_ms >= SLOW_MS) {
		look_ahead(bank, connected, strict);
		capability_totals(bank, connected);
		l->slow_ms = bank->now_ms;
	}
	blocked = blocked_by(bank, connected);
	if (blocked != REASON_OK) {
		const bool set_is_why = bank->protect.permit.power && connected != 0;

		bound_by(&dis, 0.0, blocked, set_is_why ? pack_or_none(l->set.binding_dis) : -1);
		bound_by(&cha, 0.0, blocked, set_is_why ? pack_or_none(l->set.binding_cha) : -1);
	} else {
		bound_power(bank, &set, strict, &dis, &cha);
	}
	note_unseen(bank, &set);
	l->must_w = must_w(bank);
	publish(bank, &dis, &cha, blocked != REASON_OK);
	publish_bus(bank, &set, blocked != REASON_OK, out);
}
