#include "core/bank.h"
#include "core/num.h"

enum {
	FOLLOW_MS = 300,        /* a command may take so long to be followed by power */
	FOLLOW_LIMIT_MS = 3000, /* ... and a limit by one that steers itself */
	BALANCED_MS = 1000,     /* a balance must have stood so long, at least, to prove anything */
	OVERDUE_MIN_MS = 300,
	OFF_MS = 100, /* after pcs_enable fell, converters are off (as contactor.c has it) */
	PERIOD_MAX_MS = 10000,
	STOP_MS = 3000, /* ... and one that lost its link has stopped, its dead-man not counted */
	TAKE_OVER_MS = 5000, /* a converter that starts has its full share after */
};

/* ---- asked and given ------------------------------------------------------------------------- */

/* The extremes of what was asked over one to two windows. */
static void widen(struct converter *c, int64_t now_ms, int32_t follow_ms)
{
	if (now_ms - c->window_ms >= follow_ms) {
		bool old = now_ms - c->window_ms >= 2 * follow_ms;
		c->old_low_w = old ? c->asked_w : c->low_w;
		c->old_high_w = old ? c->asked_max_w : c->high_w;
		c->low_w = c->asked_w;
		c->high_w = c->asked_max_w;
		c->window_ms = now_ms;
	}
	c->low_w = num_min(c->low_w, c->asked_w);
	c->high_w = num_max(c->high_w, c->asked_max_w);
}

/* It steers itself within limits, which are those of the DC bus. */
static bool is_led(const struct bank *bank, unsigned i)
{
	return bank->site.pcs[i].self_steered;
}

static int32_t follow_time_ms(const struct bank *bank, unsigned i)
{
	return is_led(bank, i) ? FOLLOW_LIMIT_MS : FOLLOW_MS;
}

/* An unknown power judges nothing: what was found before stands. */
static void compare(struct converter *c, double given_w)
{
	if (isnan(given_w))
		return;
	double low_w = num_min(c->low_w, c->old_low_w), high_w = num_max(c->high_w, c->old_high_w);

	c->excess_w = num_max(given_w - num_max(high_w, 0.), num_min(low_w, 0.) - given_w);
	c->against_w = num_max(0., num_max(num_min(-given_w, low_w), num_min(given_w, -high_w)));
}

/* The longest of the last periods, forgotten slowly. */
static void note_period(struct converter *c, int64_t stamp_ms)
{
	int64_t period_ms = stamp_ms - c->stamp_ms;

	if (c->stamp_ms != 0 && period_ms > 0 && period_ms < PERIOD_MAX_MS)
		c->period_ms = period_ms > c->period_ms
				       ? period_ms
				       : c->period_ms - (c->period_ms - period_ms) / 16;
	c->stamp_ms = stamp_ms;
}

static void follow(struct bank *bank, unsigned i)
{
	struct converter *c = &bank->converter[i];
	const struct pcs_now *now = &bank->now.pcs[i];
	int64_t age_ms;

	widen(c, bank->now_ms, follow_time_ms(bank, i));
	if (now->known_ms != c->stamp_ms) {
		note_period(c, now->known_ms);
		compare(c,
			is_led(bank, i) || !bank->site.grid.measured_at_ac ? now->dc_w : now->ac_w);
	}
	if (now->state != PCS_RUNNING)
		c->running_ms = 0;
	else if (c->running_ms == 0)
		c->running_ms = bank->now_ms;
	if (!now->known || !c->asked_run || now->state == PCS_RUNNING)
		c->idle_ms = 0;
	else if (c->idle_ms == 0)
		c->idle_ms = bank->now_ms;
	age_ms = bank->now_ms - c->stamp_ms;
	c->overdue = !now->known ||
		     (c->period_ms > 0 && age_ms > 2 * c->period_ms && age_ms > OVERDUE_MIN_MS);
}

/* ---- unseen ---------------------------------------------------------------------------------- */

/* Power of the converters that are not heard, by the DC balance; NaN when it cannot be told. */
static double unseen_w(const struct bank *bank)
{
	uint64_t connected = contactor_connected(bank);
	double sum_w = 0.;

	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if (connected >> k & 1)
			sum_w += bank->now.pack[k].current_a * bank->now.pack[k].pack_v;
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		if (bank->now.pcs[i].known)
			sum_w -= bank->now.pcs[i].dc_w;
	return sum_w;
}

/* A silent converter that was told to stop, and had its dead-man's time, must not give power. */
static void compare_unseen(struct bank *bank, unsigned i, double given_w)
{
	struct converter *c = &bank->converter[i];

	if (bank->now.pcs[i].known) {
		c->lost_ms = 0;
		return;
	}
	if (c->lost_ms == 0)
		c->lost_ms = bank->now_ms;
	c->excess_w = c->against_w = NAN;
	if (bank->now_ms - c->lost_ms >= bank->site.pcs[i].dead_man_ms + STOP_MS)
		c->excess_w = fabs(given_w);
}

/* Long enough that every connected pack has told its current again. */
static int64_t balanced_long_ms(const struct bank *bank)
{
	uint64_t connected = contactor_connected(bank);
	int64_t long_ms = BALANCED_MS;

	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if (connected >> k & 1 && bank->site.pack[k].electrical_stale_ms > long_ms)
			long_ms = bank->site.pack[k].electrical_stale_ms;
	return long_ms;
}

static void balance(struct bank *bank)
{
	double given_w = unseen_w(bank), still_w = 100. + 0.02 * bank->site.grid.p_max_w;
	bool balanced = num_inside(given_w, -still_w, still_w);
	int64_t long_ms = balanced_long_ms(bank);

	for (unsigned i = 0; i < bank->site.n_pcs; i++) {
		struct converter *c = &bank->converter[i];

		compare_unseen(bank, i, given_w);
		/* With the line low nothing is proven of what comes when it rises again. */
		if (bank->now.pcs[i].known || !balanced || guard_enable_low_ms(bank) >= 0)
			c->balanced_ms = 0;
		else if (c->balanced_ms == 0)
			c->balanced_ms = bank->now_ms;
		c->gives_nothing = c->balanced_ms && bank->now_ms - c->balanced_ms >= long_ms;
	}
}

void converter_step(struct bank *bank)
{
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		follow(bank, i);
	balance(bank);
}

static void note_limits(const struct bank *bank, const struct bank_outputs *out,
			struct converter *c)
{
	double v = num_or(bank->now.bus_v, 0.);

	c->asked_w = -out->bus_cha_max_a * v;
	c->asked_max_w = out->bus_dis_max_a * v;
}

void converter_note(struct bank *bank, const struct bank_outputs *out)
{
	for (unsigned i = 0; i < bank->site.n_pcs; i++) {
		struct converter *c = &bank->converter[i];

		c->asked_run = out->pcs_enable && out->pcs[i].run;
		c->asked_w = c->asked_run ? out->pcs[i].p_w : 0.;
		c->asked_max_w = c->asked_w;
		if (c->asked_run && is_led(bank, i))
			note_limits(bank, out, c);
		widen(c, bank->now_ms, follow_time_ms(bank, i));
	}
}

/* ---- what they can and may do ---------------------------------------------------------------- */

static double rated_w(const struct pcs_site *site, bool discharge)
{
	return num_min(site->p_max_w, discharge ? site->dis_max_w : site->cha_max_w);
}

bool converter_works(const struct bank *bank, unsigned i)
{
	const struct pcs_now *now = &bank->now.pcs[i];

	return bank->protect.pcs[i].permit.run && now->known && now->state != PCS_UNKNOWN &&
	       now->state != PCS_FAULT;
}

bool converter_serves(const struct bank *bank, unsigned i)
{
	if (!converter_works(bank, i))
		return false;
	for (unsigned j = 0; j < bank->site.n_pcs; j++)
		if (converter_works(bank, j) && bank->now.pcs[j].state == PCS_RUNNING)
			return bank->now.pcs[i].state == PCS_RUNNING;
	return true;
}

double converter_most_w(const struct bank *bank, unsigned i, bool discharge)
{
	const struct pcs_now *now = &bank->now.pcs[i];
	double rating_w = rated_w(&bank->site.pcs[i], discharge);
	double own_w = num_or(discharge ? now->dis_max_w : now->cha_max_w, rating_w);

	return converter_works(bank, i) ? num_or(num_max(0., num_min(rating_w, own_w)), 0.) : 0.;
}

double converter_unseen_w(const struct bank *bank, bool discharge, bool enabled)
{
	bool off = guard_enable_low_ms(bank) >= OFF_MS;
	double sum_w = 0.;

	for (unsigned i = 0; i < bank->site.n_pcs; i++) {
		bool heard = bank->now.pcs[i].known && !bank->protect.pcs[i].permit.lost;
		if (heard || bank->converter[i].gives_nothing || (off && !enabled))
			continue;
		sum_w += rated_w(&bank->site.pcs[i], discharge);
	}
	return sum_w;
}

/* ---- sharing --------------------------------------------------------------------------------- */

/* What counts when power is shared: the rating, rising for who has just begun to run. */
static double weight_w(const struct bank *bank, unsigned i)
{
	int64_t ran_ms = bank->now_ms - bank->converter[i].running_ms;
	double part = bank->converter[i].running_ms ? (double)(ran_ms + 1) / TAKE_OVER_MS : 1.;

	return bank->site.pcs[i].p_max_w * num_clamp(part, 0., 1.);
}

/* One share of p_w (>= 0) by weight; who would get more than `most` gets that, and the others the
 * rest. Returns the least share below its converter's minimum, or -1. */
static int fill(const struct bank *bank, unsigned set, double p_w, const double *most,
		double share[PCS_MAX])
{
	unsigned n = bank->site.n_pcs, open = set;
	bool again = true;
	int small = -1;

	for (unsigned i = 0; i < n; i++)
		share[i] = 0.;
	while (again && open) {
		double sum_w = 0., left_w = p_w;

		again = false;
		for (unsigned i = 0; i < n; i++)
			sum_w += open >> i & 1 ? weight_w(bank, i) : 0.;
		for (unsigned i = 0; i < n; i++) {
			if (!(open >> i & 1))
				continue;
			share[i] = left_w * weight_w(bank, i) / sum_w;
			if (share[i] <= most[i])
				continue;
			share[i] = most[i];
			p_w -= most[i];
			open &= ~(1u << i);
			again = true;
		}
	}
	for (unsigned i = 0; i < n; i++)
		if (set >> i & 1 && share[i] < bank->site.pcs[i].min_w &&
		    (small < 0 || share[i] < share[small]))
			small = (int)i;
	return small;
}

/* Down to the converter's own steps: what it is asked, it can do. */
static double in_steps(const struct pcs_site *site, double p_w)
{
	return site->resolution_w > 0. ? floor(p_w / site->resolution_w) * site->resolution_w : p_w;
}

void converter_share(const struct bank *bank, bool run, double p_w, struct bank_outputs *out)
{
	double most[PCS_MAX] = {0}, share[PCS_MAX] = {0};
	double size_w = num_or(fabs(p_w), 0.), sign = p_w < 0. ? -1. : 1.;
	unsigned set = 0;
	int small;

	for (unsigned i = 0; i < bank->site.n_pcs; i++) {
		out->pcs[i].run = run && converter_works(bank, i);
		most[i] = converter_most_w(bank, i, p_w > 0.);
		if (out->pcs[i].run && converter_serves(bank, i))
			set |= 1u << i;
	}
	/* Who cannot hold so little stands by while the others carry it. */
	while (set && (small = fill(bank, set, size_w, most, share)) >= 0)
		set &= ~(1u << small);
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		out->pcs[i].p_w = set >> i & 1 ? sign * in_steps(&bank->site.pcs[i], share[i]) : 0.;
}
