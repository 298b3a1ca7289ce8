/*
 * Converters between the DC bus and the grid: command delay, ramp, start delay, voltage window,
 * losses and the hard-wired enable.
 *
 * The shape of the loss curve is measured: Siemens SINAMICS S120 efficiency over load, as published
 * in simses-lite (https://github.com/martincornejo/simses-lite, commit 19c45adf48db,
 * sinamics_S120_efficiency.csv), Copyright (c) 2020-2026 Chair of Electrical Energy Storage
 * Technology, TUM School of Engineering and Design, Technical University of Munich; BSD-3-Clause.
 * Its size is scaled so that the efficiency at rated power is the one the site states.
 */
#include <math.h>

#include "drivers/sim/plant.h"

enum { PCS_START_MS = 1000, PCS_WINDOW_MS = 20, PCS_COLLAPSE_MS = 20 };

struct efficiency {
	double load, charging, discharging;
};

/* Output power relative to the rating, efficiency in either direction. */
static const struct efficiency measured[PLANT_LOSS_POINTS] = {
	{0.005, 0.42171, 0.42265}, {0.01, 0.59292, 0.59358}, {0.02, 0.74377, 0.74419},
	{0.05, 0.87569, 0.87782},  {0.10, 0.93049, 0.93274}, {0.15, 0.94935, 0.95155},
	{0.20, 0.95881, 0.96075},  {0.30, 0.96739, 0.96958}, {0.40, 0.97150, 0.97359},
	{0.50, 0.97333, 0.97552},  {0.60, 0.97428, 0.97642}, {0.70, 0.97447, 0.97684},
	{0.80, 0.97433, 0.97653},  {0.90, 0.97383, 0.97616}, {1.00, 0.97344, 0.97585},
};

static double magnitude(double v)
{
	return v < 0.0 ? -v : v;
}

/* Loss of point i relative to the rating, beyond the loss at no load. */
static double loss_point(int i, bool charging)
{
	const struct efficiency *at = &measured[i];
	double share = charging ? at->charging : at->discharging;
	double idle = measured[0].load *
		      (1.0 / (charging ? measured[0].charging : measured[0].discharging) - 1.0);

	return at->load * (1.0 / share - 1.0) - idle;
}

/* Loss beyond standby at p_w. */
static double loss_w(const struct twin *twin, unsigned i, double p_w)
{
	double p_max_w = twin->site.pcs[i].p_max_w;
	double load = magnitude(p_w) / p_max_w;
	bool charging = p_w < 0.0;
	double from, to, share;
	int hi = 1;

	if (load <= measured[0].load)
		return 0.0;
	while (hi < PLANT_LOSS_POINTS - 1 && measured[hi].load < load)
		hi++;
	from = loss_point(hi - 1, charging);
	to = loss_point(hi, charging);
	share = (load - measured[hi - 1].load) / (measured[hi].load - measured[hi - 1].load);
	return twin->pcs[i].loss_scale * p_max_w * (from + share * (to - from));
}

void plant_converter_init(struct twin *twin, unsigned i)
{
	struct plant_pcs *pcs = &twin->pcs[i];
	const struct pcs_site *site = &twin->site.pcs[i];
	struct noise noise = noise_of(twin->config.seed, 0xd0, i);
	double rated = 1.0 / site->efficiency - 1.0 - site->standby_w / site->p_max_w;

	pcs->state = PCS_OFF;
	pcs->since_ms = twin->start_ms;
	pcs->delay_ms = (int32_t)noise_between(&noise, 50.0, 200.0);
	pcs->ramp_w_s = site->p_max_w / noise_between(&noise, 0.1, 1.0);
	pcs->loss_scale = rated / loss_point(PLANT_LOSS_POINTS - 1, false);
	if (!(pcs->loss_scale > 0.1))
		pcs->loss_scale = 0.1;
	pcs->sample_ms = twin->start_ms + 200 + 37 * (int64_t)i;
}

void plant_converter_command(struct twin *twin, unsigned i, int64_t t, const struct pcs_output *out)
{
	struct plant_pcs *pcs = &twin->pcs[i];
	unsigned last;

	if (pcs->sent.run == out->run && pcs->sent.p_w == out->p_w)
		return;
	if (pcs->queued < PLANT_COMMANDS)
		pcs->queued++;
	last = (pcs->head + pcs->queued - 1) % PLANT_COMMANDS; /* full: the newest is replaced */
	pcs->sent = (struct plant_command){t + pcs->delay_ms, out->run, out->p_w};
	pcs->queue[last] = pcs->sent;
}

static void command_take(struct plant_pcs *pcs, bool deaf, int64_t t)
{
	while (pcs->queued && pcs->queue[pcs->head].due_ms <= t) {
		pcs->heard = pcs->queue[pcs->head];
		pcs->head = (pcs->head + 1) % PLANT_COMMANDS;
		pcs->queued--;
	}
	if (deaf)
		return;
	pcs->run = pcs->heard.run;
	pcs->asked_w = isnan(pcs->heard.p_w) ? 0.0 : pcs->heard.p_w;
}

static bool pcs_enabled(const struct twin *twin)
{
	return !twin->site.has_pcs_enable || (twin->line_enable && twin->chain.pcs);
}

static void state_set(struct plant_pcs *pcs, enum pcs_state state, int64_t t)
{
	if (pcs->state != state) {
		pcs->state = state;
		pcs->since_ms = t;
	}
}

/* A converter without voltage waits; one that saw too much trips until it is switched off. */
static void state_run(struct twin *twin, unsigned i, bool enabled, int64_t t)
{
	struct plant_pcs *pcs = &twin->pcs[i];
	const struct pcs_site *site = &twin->site.pcs[i];
	bool inside = twin->cap_v >= site->dc_min_v && twin->cap_v <= site->dc_max_v;

	if (inside)
		pcs->outside_ms = 0;
	else if (!pcs->outside_ms)
		pcs->outside_ms = t;
	if (twin->effects.pcs_fault[i])
		state_set(pcs, PCS_FAULT, t);
	else if (!enabled || !pcs->run)
		state_set(pcs, PCS_OFF, t);
	else if (pcs->state == PCS_OFF)
		state_set(pcs, PCS_STARTING, t);
	else if (pcs->state == PCS_STARTING && !inside)
		pcs->since_ms = t;
	else if (pcs->state == PCS_STARTING && t - pcs->since_ms >= PCS_START_MS)
		state_set(pcs, PCS_RUNNING, t);
	else if (pcs->state == PCS_RUNNING && !inside && t - pcs->outside_ms >= PCS_WINDOW_MS)
		state_set(pcs, twin->cap_v < site->dc_min_v ? PCS_STARTING : PCS_FAULT, t);
}

/* Where the power is going; the converter's own ratings hold. */
static double goal_w(const struct twin *twin, unsigned i)
{
	const struct plant_pcs *pcs = &twin->pcs[i];
	const struct pcs_site *site = &twin->site.pcs[i];
	double most_w = site->dc_max_a * twin->cap_v;
	double goal = twin->effects.pcs_sign[i] ? -pcs->asked_w : pcs->asked_w;
	double dis_w = site->dis_max_w < most_w ? site->dis_max_w : most_w;
	double cha_w = site->cha_max_w < most_w ? site->cha_max_w : most_w;

	if (pcs->state != PCS_RUNNING)
		return 0.0;
	if (goal > dis_w)
		return dis_w;
	return goal < -cha_w ? -cha_w : goal;
}

/* Power moves towards goal at rate; returns the mean over the step. */
static double power_move(struct plant_pcs *pcs, double goal, double rate_w_s, double dt_s)
{
	double from = pcs->p_w, way = goal - from;
	double time_s = magnitude(way) / rate_w_s;

	if (time_s >= dt_s) {
		pcs->p_w = from + (way < 0.0 ? -rate_w_s : rate_w_s) * dt_s;
		return 0.5 * (from + pcs->p_w);
	}
	pcs->p_w = goal;
	return (0.5 * (from + goal) * time_s + goal * (dt_s - time_s)) / dt_s;
}

void plant_converter_step(struct twin *twin, unsigned i, int64_t t, double dt_s)
{
	struct plant_pcs *pcs = &twin->pcs[i];
	const struct pcs_site *site = &twin->site.pcs[i];
	double rate = pcs->ramp_w_s, standby_w, p_w;

	command_take(pcs, twin->effects.pcs_deaf[i], t);
	state_run(twin, i, pcs_enabled(twin), t);
	if (pcs->state != PCS_RUNNING)
		rate = site->p_max_w * (1000.0 / PCS_COLLAPSE_MS);
	if (twin->cap_v < 0.5 * site->dc_min_v)
		pcs->p_w = 0.0;
	p_w = power_move(pcs, goal_w(twin, i), rate, dt_s);
	standby_w = pcs->state == PCS_RUNNING ? site->standby_w : 0.0;
	if (twin->site.grid.measured_at_ac) {
		pcs->ac_w = p_w;
		pcs->dc_w = p_w + loss_w(twin, i, p_w) + standby_w;
	} else {
		pcs->dc_w = p_w + standby_w;
		pcs->ac_w = p_w - loss_w(twin, i, p_w);
	}
}

bool plant_converter_hurries(const struct twin *twin)
{
	for (unsigned i = 0; i < twin->site.n_pcs; i++) {
		const struct plant_pcs *pcs = &twin->pcs[i];

		if (pcs->p_w != 0.0 && (pcs->state != PCS_RUNNING || !pcs_enabled(twin)))
			return true;
	}
	return false;
}

bool plant_converter_idle(const struct twin *twin)
{
	for (unsigned i = 0; i < twin->site.n_pcs; i++)
		if (twin->pcs[i].p_w != 0.0 || twin->pcs[i].state == PCS_RUNNING)
			return false;
	return true;
}
