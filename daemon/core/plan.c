#include "core/bank.h"
#include "core/choose.h"
#include "core/frames.h"
#include "core/join.h"
#include "core/num.h"

enum {
	STEADY_MS = 1000,       /* bus current must have been steady before a join */
	LOOK_MS = 500,          /* between two looks for a join */
	STEER_MAX_MS = 15000,   /* a candidate that is not met in this time is let go ... */
	STEER_AGAIN_MS = 60000, /* ... and not tried again before */
	URGENT_MS = 500,        /* before a hold deadline the converters are stopped */
	HOUR_MS = 3600000,
	FOLLOW_MS = 5000, /* converters have followed after */
	FOLLOWED_W = 500, /* ... or when they give less */
};

double plan_wanted_w(const struct bank *bank)
{
	const struct dispatch *dispatch = &bank->dispatch;

	return dispatch->winner >= 0 ? num_or(dispatch->source[dispatch->winner].now.p_w, 0.) : 0.;
}

static double quiet_w(const struct bank *bank)
{
	return 0.01 * bank->site.grid.p_max_w;
}

/* Everything leaves, in order: an operator, a shutdown, a start that was not commanded, idling. */
static bool wants_stop(const struct bank *bank, const struct bank_inputs *in)
{
	const struct dispatch *dispatch = &bank->dispatch;
	int32_t idle_open_ms = bank->site.plan.idle_open_ms;

	if (dispatch->stopped || dispatch->locked || in->shutdown)
		return true;
	if (bank->site.start == START_COMMAND && !dispatch->started)
		return true;
	return idle_open_ms > 0 && dispatch->idle_since_ms &&
	       bank->now_ms - dispatch->idle_since_ms >= idle_open_ms;
}

static void note_steadiness(struct bank *bank)
{
	struct plan *plan = &bank->plan;
	double band_a = num_max(2., 0.02 * bank->site.grid.p_max_w / bank->now.bus_v);

	if (num_inside(bank->now.pcs_dc_a, plan->steady_a - band_a, plan->steady_a + band_a)) {
		if (plan->steady_ms == 0)
			plan->steady_ms = bank->now_ms;
		return;
	}
	plan->steady_a = num_or(bank->now.pcs_dc_a, 0.);
	plan->steady_ms = 0;
}

static bool is_steady(const struct bank *bank)
{
	return bank->plan.steady_ms && bank->now_ms - bank->plan.steady_ms >= STEADY_MS;
}

/* ---- which pack ---- */

static bool between(const struct bank *bank, int k, enum contactor_state from,
		    enum contactor_state to)
{
	return k >= 0 && bank->contactor[k].state >= from && bank->contactor[k].state <= to;
}

/* A planned leave gives way to a pack that has to go; it is looked for again afterwards. */
static void give_way(struct bank *bank)
{
	struct plan *plan = &bank->plan;
	enum reason reason = REASON_OK;
	int due = choose_due(bank, &reason);

	if (due < 0 || due == plan->leave ||
	    !between(bank, plan->leave, CONTACTOR_LEAVING, CONTACTOR_LEAVING) ||
	    !bank->protect.pack[plan->leave].permit.hold)
		return;
	plan->leave = due;
	plan->leave_reason = reason;
	plan->several = true;
}

static void look_for_leave(struct bank *bank, struct bank_outputs *out)
{
	struct plan *plan = &bank->plan;

	give_way(bank);
	if (between(bank, plan->leave, CONTACTOR_LEAVING, CONTACTOR_OPEN_SECOND))
		return;
	if (!plan->stopping && choose_regroup(bank)) {
		plan->regrouping = plan->stopping = true;
		plan->regroup_ms = bank->now_ms;
		bank_event(bank, out, EVENT_NOTE, REASON_REGROUP, -1, plan_wanted_w(bank), NAN);
	}
	int before = plan->leave;
	plan->leave = choose_leave(bank, &plan->leave_reason);
	plan->several = plan->several && plan->leave == before;
	if (plan->leave >= 0)
		plan->candidate = -1;
}

static bool may_join(const struct bank *bank)
{
	const struct plan *plan = &bank->plan;

	return !plan->stopping && plan->leave < 0 && bank->protect.permit.close &&
	       bank->guard.ready && contactor_sequence_free(bank, PACK_MAX) &&
	       bank->now_ms - plan->event_ms >= bank->site.plan.settle_ms;
}

static void steer_to(struct bank *bank, int k)
{
	bank->plan.candidate = k;
	bank->plan.steer_ms = bank->now_ms;
}

/* The candidate the bus is steered to: closed when the rule holds, let go when it takes too long.
 */
static void follow_candidate(struct bank *bank)
{
	struct plan *plan = &bank->plan;
	struct join_check check;

	join_check(bank, (unsigned)plan->candidate, &check);
	if (check.ok && is_steady(bank)) {
		plan->join = plan->candidate;
		plan->candidate = -1;
	} else if (bank->now_ms - plan->steer_ms > STEER_MAX_MS ||
		   (!check.ok && check.reason != REASON_JOIN_WAIT)) {
		plan->try_ms[plan->candidate] = bank->now_ms + STEER_AGAIN_MS;
		plan->candidate = -1;
	}
}

static void look_for_join(struct bank *bank)
{
	struct plan *plan = &bank->plan;
	bool now = false;

	if (between(bank, plan->join, CONTACTOR_CLOSE_FIRST, CONTACTOR_CLOSE_SECOND))
		return;
	plan->join = -1;
	if (!may_join(bank)) {
		plan->candidate = -1;
		return;
	}
	if (contactor_connected(bank) == 0) {
		plan->candidate = -1;
		plan->join = contactor_converters_off(bank) ? choose_first(bank) : -1;
		return;
	}
	if (plan->candidate >= 0) {
		follow_candidate(bank);
		return;
	}
	if (bank->now_ms < plan->look_ms)
		return;
	plan->look_ms = bank->now_ms + LOOK_MS;
	int found = choose_join(bank, &now);
	if (found >= 0 && now && is_steady(bank))
		plan->join = found;
	else if (found >= 0)
		steer_to(bank, found);
}

/* ---- the power that serves it ---- */

static double not_beyond(double w, double wanted_w)
{
	return num_or(wanted_w >= 0. ? num_clamp(w, 0., wanted_w) : num_clamp(w, wanted_w, 0.), 0.);
}

/* More than one pack has to leave: 0 W first (hazards rule 3). */
static bool several_leave(const struct bank *bank)
{
	unsigned due = 0;

	for (unsigned k = 0; k < bank->site.n_packs; k++)
		due += !bank->protect.pack[k].permit.hold &&
		       between(bank, (int)k, CONTACTOR_CLOSED, CONTACTOR_LEAVING);
	return due > 1 || bank->plan.several;
}

/* Power at which pack k carries nothing, inside the limits of the set without it. */
static double power_without(const struct bank *bank, unsigned k)
{
	uint64_t rest = contactor_connected(bank) & ~(1ull << k);
	struct limit_set set;

	if (rest == 0)
		return 0.;
	limits_of_set(bank->limits.pack, rest, &bank->limits.bus, &set);
	if (!set.known || !set.consistent)
		return 0.;
	double dc_w = limits_power_at(&bank->limits.set, bank->site.bus.resistance_ohm,
				      bank->limits.pack[k].e_v);
	dc_w = num_clamp(dc_w, -num_max(set.cha_w, 0.), num_max(set.dis_w, 0.));
	return limits_to_site_w(&bank->site, dc_w);
}

static double candidate_power(const struct bank *bank, unsigned k)
{
	double dc_w = limits_power_at(&bank->limits.set, bank->site.bus.resistance_ohm,
				      join_pack_v(bank, k));

	return limits_to_site_w(&bank->site, dc_w);
}

static double goal_w(struct bank *bank)
{
	struct plan *plan = &bank->plan;
	double ramped_w = bank->dispatch.ramped_w;

	double still_w = not_beyond(plan->power_w, ramped_w);

	plan->steering = true;
	plan->pressed = fabs(still_w - plan->power_w) > quiet_w(bank);
	if (plan->leave >= 0 && bank->contactor[plan->leave].state <= CONTACTOR_LEAVING &&
	    !plan->stopping)
		return several_leave(bank)
			       ? 0.
			       : not_beyond(power_without(bank, (unsigned)plan->leave), ramped_w);
	if (plan->candidate >= 0)
		return not_beyond(candidate_power(bank, (unsigned)plan->candidate), ramped_w);
	if (frames_joining(bank))
		return plan->power_w; /* still until it is in or out: `pressed` takes it back */
	if (plan->join >= 0 || !contactor_sequence_free(bank, PACK_MAX))
		return still_w;
	plan->steering = false;
	return ramped_w;
}

static bool urgent(const struct bank *bank, unsigned k)
{
	const struct permit *permit = &bank->protect.pack[k].permit;

	return bank->contactor[k].connected && !permit->hold &&
	       bank->now_ms >= permit->hold_deadline_ms - URGENT_MS &&
	       bank->contactor[k].state == CONTACTOR_LEAVING;
}

/* No power is asked for any more, and the converters have followed or had their time: they may be
 * switched off. */
static bool is_quiet(struct bank *bank, bool ending)
{
	struct plan *plan = &bank->plan;
	double still_w = num_max(quiet_w(bank), FOLLOWED_W);

	if (!ending || !(fabs(plan->power_w) <= quiet_w(bank))) {
		plan->ending_ms = 0;
		return false;
	}
	if (plan->ending_ms == 0)
		plan->ending_ms = bank->now_ms;
	return num_inside(bank->now.pcs_dc_w, -still_w, still_w) ||
	       bank->now_ms - plan->ending_ms >= FOLLOW_MS;
}

/* Converters run only on a closed pack, and never while the last one opens. */
static bool converters_may_run(struct bank *bank)
{
	const struct plan *plan = &bank->plan;
	bool closed = false, leaving_last = true;

	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		if (urgent(bank, k))
			return false;
		closed = closed || between(bank, (int)k, CONTACTOR_CLOSED, CONTACTOR_LEAVING);
		leaving_last = leaving_last && !contactor_stays(bank, k);
	}
	bool quiet = is_quiet(bank, plan->stopping || leaving_last);
	if (plan->stopping && (quiet || !bank->plan.pcs_run))
		return false;
	return closed && bank->protect.permit.pcs_enable && bank->limits.bears_unseen &&
	       !(leaving_last && quiet);
}

/* Hazards rule 21: others cannot yield enough to what a silent converter may be doing. */
static void tell_unbounded(struct bank *bank, struct bank_outputs *out)
{
	bool unbounded = contactor_connected(bank) && bank->protect.permit.pcs_enable &&
			 !bank->limits.bears_unseen;

	if (unbounded == bank->plan.unbounded)
		return;
	bank->plan.unbounded = unbounded;
	bank_event(bank, out, unbounded ? EVENT_RAISED : EVENT_CLEARED, REASON_PCS_UNBOUNDED,
		   ABOUT_BANK,
		   num_max(converter_unseen_w(bank, true, true),
			   converter_unseen_w(bank, false, true)),
		   NAN);
}

static void set_power(struct bank *bank)
{
	struct plan *plan = &bank->plan;
	double step_w = bank->site.grid.p_max_w * 1000. / bank->site.plan.t_ramp_ms * bank->dt_s;
	double goal = goal_w(bank);

	if (plan->stopping)
		goal = plan->regrouping ? 0. : bank->dispatch.ramped_w;
	plan->power_w = num_or(num_clamp(goal, plan->power_w - step_w, plan->power_w + step_w), 0.);
	double dis_w = num_or(bank->limits.dis_w[HORIZON_NOW], 0.);
	double cha_w = num_or(bank->limits.cha_w[HORIZON_NOW], 0.);
	if ((!plan->steering || frames_joining(bank)) && isnan(bank->limits.must_w))
		plan->power_w = num_clamp(plan->power_w, -cha_w, dis_w);
	plan->pcs_run = converters_may_run(bank);
	if (!plan->pcs_run || !bank->protect.permit.power)
		plan->power_w = 0.;
}

/* What the bus carries for p_w at the site, rounded to less. */
static double dc_of_site_w(const struct bank *bank, double p_w)
{
	double efficiency = limits_efficiency(&bank->site);

	return p_w >= 0. ? p_w : p_w * efficiency;
}

bool plan_is_free(const struct bank *bank)
{
	const struct plan *plan = &bank->plan;
	bool free = bank->site.pcs[0].self_steered && !plan->stopping && !plan->steering &&
		    bank->dispatch.winner < 0;

	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		free = free && !bank->site.pcs[i].rests;
	return free;
}

/*
 * Converters that steer themselves are led by what they may: where the plan or a source wants a
 * certain power, that much in its direction and nothing in the other.
 */
static void lead(const struct bank *bank, struct bank_outputs *out)
{
	const struct plan *plan = &bank->plan;
	double a;

	if (!bank->site.pcs[0].self_steered || plan_is_free(bank))
		return;
	a = num_or(dc_of_site_w(bank, plan->power_w) / bank->now.bus_v, 0.);
	out->bus_dis_max_a = num_min(out->bus_dis_max_a, num_max(a, 0.));
	out->bus_cha_max_a = num_min(out->bus_cha_max_a, num_max(-a, 0.));
}

static void give_power(const struct bank *bank, struct bank_outputs *out)
{
	const struct plan *plan = &bank->plan;

	converter_share(bank, plan->pcs_run, plan->power_w, out);
	out->pcs_enable = plan->pcs_run && bank->protect.permit.pcs_enable;
	out->relay_healthy = !bank->protect.permit.alarm;
	out->fire_healthy = !bank->protect.permit.fire;
}

/* Fans clear gas and cool a warm pack; in smoke the site's fire concept decides. */
static bool wants_fan(const struct bank *bank)
{
	bool warm = bank->now.input[INPUT_GAS] == LEVEL_TRIPPED;

	if (bank->now.input[INPUT_SMOKE] == LEVEL_TRIPPED)
		return bank->site.fan_in_smoke;
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		warm = warm ||
		       bank->now.pack[k].temp_max_c > bank->site.pack[k].limit.temp_warn_c - 5.;
	return warm;
}

void plan_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	struct plan *plan = &bank->plan;

	if (bank->now_ms - plan->ops_hour_ms >= HOUR_MS) {
		plan->ops_hour = 0;
		plan->ops_hour_ms = bank->now_ms;
	}
	if (contactor_connected(bank) == 0)
		plan->regrouping = false;
	plan->stopping = wants_stop(bank, in) || plan->regrouping;
	note_steadiness(bank);
	look_for_leave(bank, out);
	look_for_join(bank);
	tell_unbounded(bank, out);
	set_power(bank);
	lead(bank, out);
	give_power(bank, out);
	if (!plan->pcs_run) /* what limits.c published is for converters that may run */
		out->bus_dis_max_a = out->bus_cha_max_a = out->bus_min_v = out->bus_max_v = 0.;
	out->fan = plan->fan = wants_fan(bank);
}
