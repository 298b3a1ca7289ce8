#include <string.h>

#include "core/bank.h"
#include "core/join.h"
#include "core/num.h"

enum { OFFSET_LEARNT = 100 }; /* samples after which the offset is trusted */

static const double offset_rest_v = 0.2; /* what a learnt offset may still be wrong */
/* Of the window, for a pack that takes seconds to close: the bus may move meanwhile. */
static const double start_share = 0.7;
/* Of its source's uncertainty: the first samples on the bus show the source elsewhere (simulated: 0.2 V
 * at 1.3 V), and who joined without room for that would have to leave again at once. */
static const double room_share = 0.3;

static void refuse(struct join_check *check, enum reason reason, double value, double threshold)
{
	check->ok = false;
	check->reason = reason;
	check->value = value;
	check->threshold = threshold;
}

double join_sigma_v(const struct bank *bank, unsigned k)
{
	return bank->contactor[k].v_offset_n >= OFFSET_LEARNT
		       ? num_min(offset_rest_v, bank->site.pack[k].model.v_offset_max_v)
		       : bank->site.pack[k].model.v_offset_max_v;
}

double join_pack_v(const struct bank *bank, unsigned k)
{
	const struct contactor *contactor = &bank->contactor[k];
	double offset_v = contactor->v_offset_n >= OFFSET_LEARNT ? contactor->v_offset : 0.;

	return bank->now.pack[k].pack_v - offset_v;
}

/* Lowest believable resistance of the loop through pack and bus. */
static double loop_ohm(const struct bank *bank, unsigned k)
{
	const struct estimate *estimate = &bank->estimate[k];
	double g_s = bank->limits.set.g_s;

	return estimate->r_fast_ohm * (1. - estimate->r_rel) + (g_s > 0. ? 0.85 / g_s : 0.);
}

double join_window_v(const struct bank *bank, unsigned k)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	double by_current_v = site->make_max_a * loop_ohm(bank, k);
	double window_v = num_min(bank->site.plan.join_max_v, by_current_v) - join_sigma_v(bank, k);
	bool on_its_way = bank->contactor[k].state == CONTACTOR_PRECHARGE;

	return site->by_frames && !on_its_way ? start_share * window_v : window_v;
}

/* Does the terminal voltage agree with what the state of charge says (hazard: a wrong or frozen
 * voltage)? */
static bool believable(const struct bank *bank, unsigned k, double pack_v, double *allowed_v)
{
	const struct estimate *estimate = &bank->estimate[k];
	double sigma =
		3. * num_hypot(estimate->e_sigma_v, estimate->ocv_slope_v * estimate->soc_sigma);

	*allowed_v = num_max(0.02 * pack_v, sigma) + estimate->e_hysteresis_v;
	return fabs(pack_v - estimate->e_relaxed_v) <= *allowed_v;
}

/* Idle-safe with k on the bus, for sources shifted by `branch` hysteresis gaps from relaxed. */
static bool safe_relaxed(const struct bank *bank, uint64_t set, double branch)
{
	struct limit_pack pack[PACK_MAX];
	struct limit_set result;

	for (uint64_t left = set; left; left &= left - 1) {
		unsigned k = (unsigned)__builtin_ctzll(left);
		pack[k] = bank->limits.pack[k];
		pack[k].e_v =
			bank->estimate[k].e_relaxed_v + branch * bank->estimate[k].e_hysteresis_v;
		limits_interval(&pack[k]);
	}
	limits_of_set(pack, set, &bank->limits.bus, &result);
	return result.known && result.idle_safe;
}

bool join_is_safe(const struct bank *bank, unsigned k, double *short_w)
{
	uint64_t set = contactor_connected(bank) | 1ull << k;
	const double room_v = room_share * bank->limits.pack[k].e_sigma_v;
	struct limit_set now;

	limits_of_set(bank->limits.pack, set, &bank->limits.bus, &now);
	*short_w = num_min(now.dis_w, now.cha_w);
	return now.known && now.consistent && now.idle_safe &&
	       num_inside(now.v_star_v, now.low_v + room_v, now.high_v - room_v) &&
	       safe_relaxed(bank, set, 1.) && safe_relaxed(bank, set, -1.);
}

void join_check(const struct bank *bank, unsigned k, struct join_check *check)
{
	const struct pack_site *site = &bank->site.pack[k];
	double pack_v = join_pack_v(bank, k), allowed_v, short_w;

	memset(check, 0, sizeof *check);
	check->ok = true;
	check->sigma_v = join_sigma_v(bank, k);
	check->dv_v = pack_v - bank->now.bus_v;
	check->predicted_a = (fabs(check->dv_v) + check->sigma_v) / loop_ohm(bank, k);
	double window_v = join_window_v(bank, k);

	if (isnan(pack_v))
		refuse(check, REASON_PACK_SILENT, bank->now.pack[k].electrical_age_s,
		       site->electrical_stale_ms / 1000.);
	else if (isnan(bank->now.bus_v))
		refuse(check, REASON_NO_BUS_SOURCE, bank->now.bus_age_s,
		       bank->site.bus.stale_ms / 1000.);
	else if (!bank->protect.pack[k].proven_alive)
		refuse(check, REASON_UNPROVEN, NAN, NAN);
	else if (!believable(bank, k, pack_v, &allowed_v))
		refuse(check, REASON_JOIN_VOLTAGE, pack_v - bank->estimate[k].e_relaxed_v,
		       allowed_v);
	else if (!num_inside(fabs(check->dv_v), 0., window_v))
		refuse(check, REASON_JOIN_WAIT, check->dv_v, window_v);
	else if (!num_inside(check->predicted_a, 0., site->contactors.make_max_a))
		refuse(check, REASON_JOIN_WAIT, check->dv_v, window_v);
	else if (!join_is_safe(bank, k, &short_w))
		refuse(check, REASON_JOIN_UNSAFE, short_w, 0.);
}
