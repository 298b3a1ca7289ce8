#include "core/readback.h"
#include "core/bank.h"
#include "core/num.h"

enum { TRACK_MS = 10000 }; /* a power error stands so long before it is one */

static const double track_fraction = 0.05; /* of the rating: tolerated power error */

double readback_measured_w(const struct bank *bank)
{
	return bank->site.grid.measured_at_ac ? bank->now.pcs_ac_w : bank->now.pcs_dc_w;
}

/* What the converters were last told, at the site's point. */
static double commanded_w(const struct bank *bank)
{
	if (!bank->plan.pcs_run)
		return 0.0;
	return bank->plan.steering ? bank->plan.power_w : bank->dispatch.ramped_w;
}

/* A reading without power in between: the next one decides. */
static bool is_heard(const struct bank *bank)
{
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		if (!bank->now.pcs[i].known)
			return false;
	return true;
}

static bool pcs_is_starting(const struct bank *bank)
{
	for (unsigned i = 0; i < bank->site.n_pcs; i++) {
		if (bank->now.pcs[i].state == PCS_STARTING)
			return true;
	}
	return false;
}

static void set_degraded(struct bank *bank, struct bank_outputs *out, bool degraded, double error_w,
			 double bound_w)
{
	struct dispatch *d = &bank->dispatch;

	if (d->degraded != degraded)
		bank_event(bank, out, degraded ? EVENT_RAISED : EVENT_CLEARED, REASON_TRACKING, -1,
			   error_w, bound_w);
	d->degraded = degraded;
	d->dropped = d->dropped && degraded;
}

void readback_step(struct bank *bank, struct bank_outputs *out)
{
	struct dispatch *d = &bank->dispatch;
	const struct grid_site *grid = &bank->site.grid;
	double error_w = readback_measured_w(bank) - commanded_w(bank);
	double bound_w = num_max(track_fraction * grid->p_max_w, grid->tracking_w);
	int32_t clear_ms = d->dropped ? grid->tracking_drop_ms : TRACK_MS;
	bool bad = !(fabs(error_w) <= bound_w);

	if (isnan(error_w) && is_heard(bank))
		return;
	/* One that steers itself is not asked for any power: limits bind it, and `excess` judges. */
	if (isnan(error_w) || pcs_is_starting(bank) || bank->site.pcs[0].self_steered) {
		d->track_ms = 0; /* no verdict; what was found before stands */
		return;
	}
	if (d->track_ms == 0 || d->track_bad != bad) {
		d->track_ms = bank->now_ms;
		d->track_bad = bad;
	}
	if (bad && bank->now_ms - d->track_ms > TRACK_MS)
		set_degraded(bank, out, true, error_w, bound_w);
	else if (!bad && bank->now_ms - d->track_ms > clear_ms)
		set_degraded(bank, out, false, error_w, bound_w);
	/* A dropped target is tried again only after as long a time. */
	if (bad && d->degraded && bank->now_ms - d->track_ms >= grid->tracking_drop_ms)
		d->dropped = true;
}
