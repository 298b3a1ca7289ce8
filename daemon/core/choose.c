#include "core/bank.h"
#include "core/choose.h"
#include "core/join.h"
#include "core/num.h"
#include "core/precharge.h"

enum {
	DOUBT_MS = 1000,  /* a connected pack may be unknown so long */
	FLOOR_MS = 30000, /* at its floor without being charged: standby drains it */
	UNSAFE_MS = 2000, /* a set may be not idle-safe so long */
	DAY_MS = 86400000,
	SHORT_MS = 30000,           /* power must have been short so long before a regrouping ... */
	REGROUP_MS = 3600000,       /* ... which happens at most so often */
	PRECHARGE_AGAIN_MS = 10000, /* between two of one pack (foxBMS: oscillation lock-out) */
};

static const double floor_share = 0.03;   /* remaining energy at which a binding pack is dropped */
static const double short_share = 0.999;  /* power is short below this share of what is wanted */
static const double wear_by_choice = 0.9; /* of what forbids closing: the rest is for need */

static bool is_closed(const struct bank *bank, unsigned k)
{
	return bank->contactor[k].state == CONTACTOR_CLOSED;
}

/* ---- leaving ---- */

int choose_due(const struct bank *bank, enum reason *reason)
{
	int found = -1;

	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		const struct permit *permit = &bank->protect.pack[k].permit;
		if (permit->hold || bank->contactor[k].state < CONTACTOR_CLOSED)
			continue;
		if (found < 0 ||
		    permit->hold_deadline_ms < bank->protect.pack[found].permit.hold_deadline_ms) {
			found = (int)k;
			*reason = permit->reason;
		}
	}
	return found;
}

static int least_current(const struct bank *bank)
{
	int found = -1;
	double least_a = INFINITY;

	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		double a = num_or(fabs(bank->now.pack[k].current_a), 1e9);
		if (is_closed(bank, k) && a < least_a) {
			least_a = a;
			found = (int)k;
		}
	}
	return found;
}

static int unknown_source(struct bank *bank)
{
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		const struct limit_pack *limit = &bank->limits.pack[k];
		bool known = !isnan(limit->a_v) && !isnan(limit->b_v);
		int64_t *since_ms = &bank->plan.doubt_ms[k];

		if (known || !is_closed(bank, k))
			*since_ms = 0;
		else if (*since_ms == 0)
			*since_ms = bank->now_ms;
		else if (bank->now_ms - *since_ms >= DOUBT_MS)
			return (int)k;
	}
	return -1;
}

/* At 0 W some pack would be outside its limits: the one that binds has to go. */
static int unsafe_pack(struct bank *bank)
{
	const struct limit_set *set = &bank->limits.set;
	uint64_t connected = contactor_connected(bank);

	if (!set->known || set->idle_safe || !(connected & (connected - 1))) {
		bank->plan.unsafe_ms = 0;
		return -1;
	}
	if (bank->plan.unsafe_ms == 0)
		bank->plan.unsafe_ms = bank->now_ms;
	if (bank->now_ms - bank->plan.unsafe_ms < UNSAFE_MS)
		return -1;
	int k = set->dis_w < 0. ? set->binding_dis : set->binding_cha;
	return k >= 0 && is_closed(bank, (unsigned)k) ? k : -1;
}

static bool may_switch(const struct bank *bank, unsigned k)
{
	const struct plan_site *site = &bank->site.plan;
	const struct contactor *contactor = &bank->contactor[k];
	double most = wear_by_choice * bank->site.pack[k].contactors.wear_inhibit;

	return bank->now_ms - contactor->closed_ms >= site->min_on_ms &&
	       contactor->ops_today < site->pack_ops_day_max &&
	       bank->plan.ops_hour < site->bank_ops_hour_max && life_wear(&bank->life[k]) < most;
}

static bool can_serve(const struct bank *bank, unsigned k, bool discharge)
{
	const struct permit *permit = &bank->protect.pack[k].permit;
	const struct estimate *estimate = &bank->estimate[k];
	double full_wh = estimate->e_dis_wh + estimate->e_cha_wh;

	if (!permit->close || (bank->dispatch.disabled >> k & 1))
		return false;
	return discharge ? permit->dis_a > 0. && estimate->e_dis_wh > 2. * floor_share * full_wh
			 : permit->cha_a > 0. && estimate->e_cha_wh > 2. * floor_share * full_wh;
}

/* Another pack could take over if the last one leaves. */
static bool has_successor(const struct bank *bank, unsigned leaving, bool discharge)
{
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if (k != leaving && can_serve(bank, k, discharge) &&
		    bank->contactor[k].state == CONTACTOR_OPEN)
			return true;
	return false;
}

/* The pack that binds while power is short, if its own energy in that direction is used up. */
static int used_up(struct bank *bank, enum reason *reason)
{
	double wanted_w = plan_wanted_w(bank);
	bool discharge = wanted_w > 0.;
	double limit_w =
		discharge ? bank->limits.dis_w[HORIZON_NOW] : bank->limits.cha_w[HORIZON_NOW];
	int k = discharge ? bank->limits.set.binding_dis : bank->limits.set.binding_cha;
	uint64_t connected = contactor_connected(bank);

	if (wanted_w == 0. || k < 0 || !is_closed(bank, (unsigned)k) ||
	    limit_w >= short_share * fabs(wanted_w) || !may_switch(bank, (unsigned)k))
		return -1;
	const struct estimate *estimate = &bank->estimate[k];
	double left_wh = discharge ? estimate->e_dis_wh : estimate->e_cha_wh;
	double full_wh = estimate->e_dis_wh + estimate->e_cha_wh;
	double left_a =
		discharge ? bank->protect.pack[k].permit.dis_a : bank->protect.pack[k].permit.cha_a;
	if (!(left_wh < floor_share * full_wh || left_a == 0.))
		return -1;
	if (!(connected & (connected - 1)) && !has_successor(bank, (unsigned)k, discharge))
		return -1;
	if (discharge)
		bank->plan.floored |= 1ull << k;
	else
		bank->plan.ceiled |= 1ull << k;
	bank->plan.left_soc[k] = estimate->soc;
	*reason = discharge ? REASON_OWN_FLOOR : REASON_OWN_CEILING;
	return k;
}

/* Standby load empties a bank that waits at its floor: after a while such a pack opens. */
static int idle_at_floor(struct bank *bank)
{
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		int64_t *since_ms = &bank->plan.floor_ms[k];
		enum reason by = bank->protect.pack[k].permit.dis_reason;
		bool low = bank->estimate[k].soc <= bank->site.plan.soc_floor ||
			   by == REASON_CELL_LOW || by == REASON_PACK_LOW;

		if (!is_closed(bank, k) || !low || plan_wanted_w(bank) < 0.)
			*since_ms = 0;
		else if (*since_ms == 0)
			*since_ms = bank->now_ms;
		else if (bank->now_ms - *since_ms >= FLOOR_MS) {
			bank->plan.floored |= 1ull << k;
			bank->plan.left_soc[k] = bank->estimate[k].soc;
			return (int)k;
		}
	}
	return -1;
}

static int disabled_pack(const struct bank *bank)
{
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if ((bank->dispatch.disabled >> k & 1) && is_closed(bank, k))
			return (int)k;
	return -1;
}

int choose_leave(struct bank *bank, enum reason *reason)
{
	int k = choose_due(bank, reason);

	if (k >= 0)
		return k;
	if (!contactor_sequence_free(bank, PACK_MAX))
		return -1;
	if (bank->plan.stopping) {
		*reason = REASON_SHUTTING_DOWN; /* several are due: 0 W first */
		return contactor_converters_off(bank) ? least_current(bank) : -1;
	}
	*reason = REASON_UNKNOWN_LIMIT;
	if ((k = unknown_source(bank)) >= 0)
		return k;
	*reason = REASON_INCONSISTENT;
	if ((k = unsafe_pack(bank)) >= 0)
		return k;
	*reason = REASON_DISABLED;
	if ((k = disabled_pack(bank)) >= 0)
		return k;
	*reason = REASON_OWN_FLOOR;
	if ((k = idle_at_floor(bank)) >= 0)
		return k;
	return used_up(bank, reason);
}

/* ---- joining ---- */

static void wait_for(struct contactor *contactor, enum reason reason, double value,
		     double threshold)
{
	contactor->wait = reason;
	contactor->wait_value = value;
	contactor->wait_threshold = threshold;
}

/* A pack that left at its floor or ceiling comes back with the opposite direction, or when it has
 * gained its margin. */
static void forgive(struct bank *bank, unsigned k)
{
	uint64_t bit = 1ull << k;
	double gained = bank->estimate[k].soc - bank->plan.left_soc[k];
	double wanted_w = plan_wanted_w(bank);

	if (wanted_w < 0. || gained > bank->site.plan.rejoin_margin)
		bank->plan.floored &= ~bit;
	if (wanted_w > 0. || -gained > bank->site.plan.rejoin_margin)
		bank->plan.ceiled &= ~bit;
}

/* Everything but the bus: permits, commands, dwell, budgets. */
static bool is_eligible(struct bank *bank, unsigned k)
{
	struct contactor *contactor = &bank->contactor[k];
	const struct plan_site *site = &bank->site.plan;
	const struct permit *permit = &bank->protect.pack[k].permit;
	double off_s = (double)(bank->now_ms - contactor->opened_ms) / 1000.;
	int64_t left_ms = contactor->retry_ms - bank->now_ms;
	bool was_closed = contactor->closed_ms > 0;

	forgive(bank, k);
	if (bank->now_ms - contactor->ops_day_ms >= DAY_MS) {
		contactor->ops_today = 0;
		contactor->ops_day_ms = bank->now_ms;
	}
	if (bank->dispatch.disabled >> k & 1)
		wait_for(contactor, REASON_DISABLED, NAN, NAN);
	else if (!permit->close)
		wait_for(contactor, permit->reason, permit->value, permit->threshold);
	else if (left_ms > 0)
		wait_for(contactor, REASON_DWELL, (double)(contactor->pause_ms - left_ms) / 1000.,
			 (double)contactor->pause_ms / 1000.);
	else if (was_closed && contactor->reason != REASON_SHUTTING_DOWN &&
		 off_s * 1000. < site->min_off_ms)
		wait_for(contactor, REASON_DWELL, off_s, site->min_off_ms / 1000.);
	else if (contactor->ops_today >= site->pack_ops_day_max)
		wait_for(contactor, REASON_OPS_CAP, contactor->ops_today, site->pack_ops_day_max);
	else if (bank->plan.ops_hour >= site->bank_ops_hour_max)
		wait_for(contactor, REASON_OPS_CAP, bank->plan.ops_hour, site->bank_ops_hour_max);
	else if (bank->plan.floored >> k & 1)
		wait_for(contactor, REASON_OWN_FLOOR, bank->estimate[k].soc, site->soc_floor);
	else if (bank->plan.ceiled >> k & 1)
		wait_for(contactor, REASON_OWN_CEILING, bank->estimate[k].soc, site->soc_ceiling);
	else
		return contactor->state == CONTACTOR_OPEN;
	return false;
}

static bool can_precharge(const struct bank *bank, unsigned k)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;

	return site->has[POLE_PRECHARGE] || site->by_frames;
}

/* ---- regrouping ---- */

/* Rated power of packs that wait where the bus is not going, less that of the connected set. */
static double gain_w(struct bank *bank, bool discharge)
{
	uint64_t connected = contactor_connected(bank);
	double gain = 0.;

	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		const struct permit *permit = &bank->protect.pack[k].permit;
		double v = join_pack_v(bank, k), a = discharge ? permit->dis_a : permit->cha_a;
		double w = num_or(a * v, 0.);
		bool behind = discharge ? v > bank->now.bus_v : v < bank->now.bus_v;

		if (connected >> k & 1)
			gain -= w;
		else if (behind && can_serve(bank, k, discharge) && is_eligible(bank, k) &&
			 can_precharge(bank, k))
			gain += w;
	}
	return gain;
}

bool choose_regroup(struct bank *bank)
{
	struct plan *plan = &bank->plan;
	double wanted_w = plan_wanted_w(bank);
	double limit_w =
		wanted_w > 0. ? bank->limits.dis_w[HORIZON_NOW] : bank->limits.cha_w[HORIZON_NOW];
	bool starved = contactor_connected(bank) != 0 && wanted_w != 0. &&
		       limit_w < short_share * fabs(wanted_w) && bank->protect.permit.close &&
		       bank->protect.permit.power;

	if (!starved || !contactor_sequence_free(bank, PACK_MAX)) {
		plan->short_ms = 0;
		return false;
	}
	if (plan->short_ms == 0)
		plan->short_ms = bank->now_ms;
	return bank->now_ms - plan->short_ms >= SHORT_MS &&
	       (plan->regroup_ms == 0 || bank->now_ms - plan->regroup_ms >= REGROUP_MS) &&
	       gain_w(bank, wanted_w > 0.) > 0.;
}

/* ---- the pack that joins ---- */

/* Capacity that could be on the bus at this voltage. */
static double group_ah(const struct bank *bank, double bus_v)
{
	double ah = 0.;

	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if (fabs(join_pack_v(bank, k) - bus_v) <= bank->site.plan.join_max_v &&
		    bank->protect.pack[k].permit.close)
			ah += num_or(bank->estimate[k].capacity_ah, 0.);
	return ah;
}

static double first_score(const struct bank *bank, unsigned k, double wanted_w)
{
	double v = bank->now.pack[k].pack_v;

	if (wanted_w > 0.)
		return can_serve(bank, k, true) ? v : v - 1e4;
	if (wanted_w < 0.)
		return can_serve(bank, k, false) ? -v : -v - 1e4;
	return group_ah(bank, v) + 1e-3 * v;
}

int choose_first(struct bank *bank)
{
	double wanted_w = plan_wanted_w(bank), best = -INFINITY, energy_j;
	int found = -1;

	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		struct contactor *contactor = &bank->contactor[k];
		double v = bank->now.pack[k].pack_v;

		if (!is_eligible(bank, k))
			continue;
		if (isnan(v) || !bank->protect.pack[k].proven_alive) {
			wait_for(contactor, REASON_UNPROVEN, NAN, NAN);
			continue;
		}
		if (!(bank->now.bus_v < bank->site.bus.dead_v)) {
			wait_for(contactor,
				 isnan(bank->now.bus_v) ? REASON_NO_BUS_SOURCE : REASON_BUS_LIVE,
				 bank->now.bus_v, bank->site.bus.dead_v);
			continue;
		}
		if (!can_precharge(bank, k)) {
			wait_for(contactor, REASON_JOIN_WAIT, v - bank->now.bus_v,
				 join_window_v(bank, k));
			continue;
		}
		int64_t pause_ms = bank->now_ms - contactor->precharge_ms;
		if (contactor->precharge_ms && pause_ms < PRECHARGE_AGAIN_MS) {
			wait_for(contactor, REASON_DWELL, (double)pause_ms / 1000.,
				 PRECHARGE_AGAIN_MS / 1000.);
			continue;
		}
		if (!precharge_is_cool(bank, contactor, k, v, &energy_j)) {
			wait_for(contactor, REASON_PRECHARGE_HOT, energy_j,
				 bank->site.pack[k].contactors.precharge_j);
			continue;
		}
		wait_for(contactor, REASON_JOIN_WAIT, v - bank->now.bus_v, 0.);
		double score = first_score(bank, k, wanted_w);
		if (score > best) {
			best = score;
			found = (int)k;
		}
	}
	return found;
}

/* Power that brings the bus to pack k, if it lies between 0 and what is wanted. */
static bool reachable_w(const struct bank *bank, unsigned k, double *power_w)
{
	double wanted_w = bank->dispatch.ramped_w;
	double dc_w = limits_power_at(&bank->limits.set, bank->site.bus.resistance_ohm,
				      join_pack_v(bank, k));

	*power_w = limits_to_site_w(&bank->site, dc_w);
	return wanted_w > 0. ? num_inside(*power_w, 0., wanted_w)
			     : num_inside(*power_w, wanted_w, 0.);
}

/* Voltage order: the bus falls under discharge, so the highest must not be passed over; under
 * charge the lowest. Without power the least peak current comes first. */
static double join_score(const struct bank *bank, unsigned k, const struct join_check *check)
{
	double ramped_w = bank->dispatch.ramped_w;

	if (ramped_w == 0.)
		return -check->predicted_a;
	return ramped_w > 0. ? join_pack_v(bank, k) : -join_pack_v(bank, k);
}

int choose_join(struct bank *bank, bool *now)
{
	double best = -INFINITY, power_w, short_w;
	struct join_check check;
	int found = -1;

	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		struct contactor *contactor = &bank->contactor[k];

		if (!is_eligible(bank, k))
			continue;
		join_check(bank, k, &check);
		wait_for(contactor, check.reason, check.value, check.threshold);
		bool reachable = check.reason == REASON_JOIN_WAIT &&
				 bank->now_ms >= bank->plan.try_ms[k] &&
				 reachable_w(bank, k, &power_w) && join_is_safe(bank, k, &short_w);
		double score = join_score(bank, k, &check);
		if ((check.ok || reachable) && score > best) {
			best = score;
			found = (int)k;
			*now = check.ok;
		}
	}
	return found;
}
