/* Conditions on one instant: what the bank reports and drives, and what the plant really does. */
#include <math.h>
#include <string.h>

#include "ctl/expect_table.h"

static bool is_word(struct expect *expect, const char *word)
{
	expect_found(expect, "%s", word);
	return strcmp(word, expect->text) == 0;
}

static bool is_flag(struct expect *expect, bool flag)
{
	expect_found(expect, "%s", flag ? "true" : "false");
	return flag == expect->flag;
}

/* ---- the state of the bank, as it is reported ------------------------------------------------ */

bool expect_bank_state(struct run *run, struct expect *expect)
{
	return is_word(expect, bank_state_word(run->bank.state));
}

bool expect_pack_state(struct run *run, struct expect *expect)
{
	return is_word(expect, run_report(run)->pack[expect->pack].state);
}

bool expect_mode(struct run *run, struct expect *expect)
{
	return is_word(expect, dispatch_mode_word(run->bank.dispatch.mode));
}

bool expect_reason(struct run *run, struct expect *expect)
{
	const struct bank_report *report = run_report(run);
	enum reason now =
		expect->pack >= 0 ? report->pack[expect->pack].reason : report->state_reason;

	expect_found(expect, "%s", reason_text(now)->word);
	return now == expect->reason;
}

bool expect_degraded(struct run *run, struct expect *expect)
{
	return is_flag(expect, run_report(run)->degraded);
}

bool expect_dis_limit_max(struct run *run, struct expect *expect)
{
	return expect_at_most(expect, run->bank.limits.dis_w[HORIZON_NOW]);
}

bool expect_dis_limit_min(struct run *run, struct expect *expect)
{
	return expect_at_least(expect, run->bank.limits.dis_w[HORIZON_NOW]);
}

bool expect_cha_limit_max(struct run *run, struct expect *expect)
{
	return expect_at_most(expect, run->bank.limits.cha_w[HORIZON_NOW]);
}

bool expect_cha_limit_min(struct run *run, struct expect *expect)
{
	return expect_at_least(expect, run->bank.limits.cha_w[HORIZON_NOW]);
}

/* ---- outputs --------------------------------------------------------------------------------- */

bool expect_pcs_enable(struct run *run, struct expect *expect)
{
	return is_flag(expect, run->out.pcs_enable);
}

bool expect_coils(struct run *run, struct expect *expect)
{
	unsigned on = 0;

	for (unsigned k = 0; k < run->site->n_packs; k++)
		for (unsigned p = 0; p < POLE_COUNT; p++)
			if (expect->pack < 0 || expect->pack == (int)k)
				on += run->out.pack[k].coil[p];
	expect_found(expect, "%u driven", on);
	return (on > 0) == (strcmp(expect->text, "on") == 0);
}

bool expect_relay_healthy(struct run *run, struct expect *expect)
{
	return is_flag(expect, run->out.relay_healthy);
}

bool expect_fire_healthy(struct run *run, struct expect *expect)
{
	return is_flag(expect, run->out.fire_healthy);
}

bool expect_fan(struct run *run, struct expect *expect)
{
	return is_flag(expect, run->out.fan);
}

/* ---- the plant's truth ----------------------------------------------------------------------- */

static const char *path_word(const struct twin_pack_truth *pack)
{
	const bool *closed = pack->closed;

	if (closed[POLE_NEGATIVE] && closed[POLE_POSITIVE])
		return "closed";
	if (closed[POLE_NEGATIVE] || closed[POLE_POSITIVE] || closed[POLE_PRECHARGE])
		return "open"; /* interrupted, but not on both sides */
	return "isolated";
}

bool expect_contactors(struct run *run, struct expect *expect)
{
	const struct twin_truth *truth = run_truth(run);
	bool wants_open = strcmp(expect->text, "open") == 0;

	for (unsigned k = 0; k < run->site->n_packs; k++) {
		const char *word = path_word(&truth->pack[k]);

		if (expect->pack >= 0 && expect->pack != (int)k)
			continue;
		expect_found(expect, "%s: %s", run->site->pack[k].id, word);
		if (wants_open ? strcmp(word, "closed") == 0 : strcmp(word, expect->text) != 0)
			return false;
	}
	return true;
}

static unsigned connected(struct run *run)
{
	const struct twin_truth *truth = run_truth(run);
	unsigned n = 0;

	for (unsigned k = 0; k < run->site->n_packs; k++)
		n += truth->pack[k].closed[POLE_NEGATIVE] && truth->pack[k].closed[POLE_POSITIVE];
	return n;
}

bool expect_packs_connected_min(struct run *run, struct expect *expect)
{
	return expect_at_least(expect, connected(run));
}

bool expect_packs_connected_max(struct run *run, struct expect *expect)
{
	return expect_at_most(expect, connected(run));
}

static double site_power_w(struct run *run)
{
	const struct twin_truth *truth = run_truth(run);

	return run->site->grid.measured_at_ac ? truth->ac_w : truth->dc_w;
}

bool expect_p_w(struct run *run, struct expect *expect)
{
	return expect_equals(expect, site_power_w(run));
}

bool expect_pcs_w(struct run *run, struct expect *expect)
{
	return expect_equals(expect, run_truth(run)->pcs_w[expect->pcs]);
}

bool expect_pcs_runs(struct run *run, struct expect *expect)
{
	return is_flag(expect, run->out.pcs[expect->pcs].run);
}

bool expect_p_min_w(struct run *run, struct expect *expect)
{
	return expect_at_least(expect, site_power_w(run));
}

bool expect_p_max_w(struct run *run, struct expect *expect)
{
	return expect_at_most(expect, site_power_w(run));
}

bool expect_bus_max_v(struct run *run, struct expect *expect)
{
	return expect_at_most(expect, run_truth(run)->bus_v);
}

bool expect_pack_current_max_a(struct run *run, struct expect *expect)
{
	return expect_at_most(expect, fabs(run_truth(run)->pack[expect->pack].a));
}

bool expect_soc_spread_max(struct run *run, struct expect *expect)
{
	const struct twin_truth *truth = run_truth(run);
	double lo = INFINITY, hi = -INFINITY;

	for (unsigned k = 0; k < run->site->n_packs; k++) {
		lo = fmin(lo, truth->pack[k].soc);
		hi = fmax(hi, truth->pack[k].soc);
	}
	return expect_at_most(expect, hi - lo);
}
