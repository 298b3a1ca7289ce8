#include "core/bank.h"
#include "core/num.h"
#include "core/precharge.h"

/*
 * Numbers: a contactor of this class closes in 15-40 ms (EVC135, DEVR40, GX14 data sheets), so the
 * curve may start CLOSE_MS late. Closing at 80 % instead of 95 % costs a factor 1000 in contactor
 * life (DEVR40), hence 97 %.
 */
enum {
	CLOSE_MS = 50,
	HOLD_MS = 100,  /* criterion must hold so long */
	SHORT_MS = 150, /* earliest verdict "short": a current sample has arrived by then */
	TIMEOUT_MIN_MS = 1000,
};

static const double done_fraction = 0.97;
static const double settle_tau = 6.; /* 0.25 % left: the rest rushes through the contactor */
static const double short_fraction = 0.10, slow_fraction = 0.45;
static const double end_current_a = 1.;

double precharge_held_j(const struct bank *bank, unsigned k)
{
	const struct contactor *contactor = &bank->contactor[k];
	double cool_s = bank->site.pack[k].contactors.precharge_cool_s;
	double idle_s = (double)(bank->now_ms - contactor->resistor_ms) / 1000.;

	return contactor->resistor_j > 0. ? contactor->resistor_j * exp(-idle_s / cool_s) : 0.;
}

double precharge_one_j(const struct bank *bank, double pack_v)
{
	return 0.6 * bank->site.bus.capacitance_f * pack_v * pack_v; /* C V^2 / 2 + 20 % */
}

bool precharge_is_cool(const struct bank *bank, struct contactor *contactor, unsigned k,
		       double pack_v, double *energy_j)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;

	contactor->resistor_j = precharge_held_j(bank, k);
	contactor->resistor_ms = bank->now_ms;
	*energy_j = contactor->resistor_j + precharge_one_j(bank, pack_v);
	return site->by_frames || *energy_j <= site->precharge_j; /* its BMS watches its own */
}

static enum precharge_verdict fail(enum reason because, double v, double bound, enum reason *reason,
				   double *value, double *threshold)
{
	*reason = because;
	*value = v;
	*threshold = bound;
	return PRECHARGE_FAILED;
}

static bool is_done(const struct bank *bank, const struct contactor *contactor, unsigned k)
{
	const struct pack_now *now = &bank->now.pack[k];
	double v = bank->now.bus_v;
	double end_a = end_current_a + bank->site.pack[k].model.i_offset_max_a;

	return v >= done_fraction * contactor->pack_v &&
	       fabs(now->pack_v - v) <= num_max(5., 0.02 * contactor->pack_v) &&
	       num_inside(now->current_a, -end_a, end_a);
}

enum precharge_verdict precharge_watch(struct bank *bank, unsigned k, int64_t elapsed_ms,
				       enum reason *reason, double *value, double *threshold)
{
	struct contactor *contactor = &bank->contactor[k];
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	double tau_ms = 1000. * site->precharge_ohm * bank->site.bus.capacitance_f;
	double v = bank->now.bus_v, full_v = contactor->pack_v;
	double across_v = full_v - v, rise_ms = (double)elapsed_ms - CLOSE_MS;

	if (!num_inside(v, -10., 2. * full_v))
		return fail(REASON_NO_BUS_SOURCE, bank->now.bus_age_s,
			    (double)bank->site.bus.stale_ms / 1000., reason, value, threshold);
	contactor->resistor_j += across_v * across_v / site->precharge_ohm * bank->dt_s;
	contactor->resistor_ms = bank->now_ms;
	if (contactor->resistor_j > site->precharge_j)
		return fail(REASON_PRECHARGE_HOT, contactor->resistor_j, site->precharge_j, reason,
			    value, threshold);
	if (rise_ms >= 0.5 * tau_ms && elapsed_ms >= SHORT_MS && v < short_fraction * full_v) {
		bool flows = bank->now.pack[k].current_a > 0.3 * full_v / site->precharge_ohm;
		return fail(flows ? REASON_PRECHARGE_SHORT : REASON_PRECHARGE_SLOW, v,
			    short_fraction * full_v, reason, value, threshold);
	}
	if (rise_ms >= tau_ms && elapsed_ms >= SHORT_MS && v < slow_fraction * full_v)
		return fail(REASON_PRECHARGE_SLOW, v, slow_fraction * full_v, reason, value,
			    threshold);
	if ((double)elapsed_ms < 0.7 * tau_ms && v >= done_fraction * full_v)
		return fail(REASON_PRECHARGE_WELDED, v, done_fraction * full_v, reason, value,
			    threshold);
	if (rise_ms > num_max(8. * tau_ms, TIMEOUT_MIN_MS))
		return fail(REASON_PRECHARGE_TIMEOUT, v, done_fraction * full_v, reason, value,
			    threshold);
	if (rise_ms < settle_tau * tau_ms || !is_done(bank, contactor, k)) {
		contactor->inside_ms = 0;
		return PRECHARGE_RISING;
	}
	if (contactor->inside_ms == 0)
		contactor->inside_ms = bank->now_ms;
	return bank->now_ms - contactor->inside_ms >= HOLD_MS ? PRECHARGE_DONE : PRECHARGE_RISING;
}
