#include <string.h>

#include "core/num.h"
#include "core/readback.h"
#include "core/report.h"
#include "core/text.h"

static bool is_welded(const struct contactor *contactor)
{
	for (unsigned pole = 0; pole < POLE_COUNT; pole++) {
		if (contactor->welded[pole])
			return true;
	}
	return false;
}

static bool is_latched(const struct protect_pack *protect)
{
	for (unsigned r = 0; r < PACK_RULES_MAX; r++) {
		if (protect->rule[r].latched)
			return true;
	}
	return false;
}

/* What is wrong comes before what it is doing: a weld before silence, silence before a latch. */
static const char *state_word(const struct pack_now *now, const struct contactor *contactor,
			      bool latched)
{
	if (is_welded(contactor))
		return "welded";
	if (isnan(now->pack_v) && isnan(now->current_a))
		return "offline";
	if (latched)
		return "quarantined";
	switch (contactor->state) {
	case CONTACTOR_CLOSE_FIRST:
	case CONTACTOR_PRECHARGE:
		return contactor->by_precharge ? "precharge" : "joining";
	case CONTACTOR_CLOSE_SECOND:
		return "joining";
	case CONTACTOR_CLOSED:
		return "closed";
	case CONTACTOR_LEAVING:
	case CONTACTOR_OPEN_FIRST:
	case CONTACTOR_OPEN_SECOND:
		return "leaving";
	case CONTACTOR_UNPROVEN:
	case CONTACTOR_OPEN:
		break;
	}
	return contactor->isolated ? "isolated" : "open";
}

static void give_reason(struct pack_report *p, enum reason reason, double value, double threshold)
{
	p->reason = reason;
	p->reason_value = value;
	p->reason_threshold = threshold;
}

/* Why the pack is not closed or, when it is, what limits it. */
static void fill_reason(const struct bank *bank, unsigned k, struct pack_report *p)
{
	const struct permit *permit = &bank->protect.pack[k].permit;
	const struct contactor *contactor = &bank->contactor[k];

	if (permit->reason != REASON_OK)
		give_reason(p, permit->reason, permit->value, permit->threshold);
	else if (p->disabled)
		give_reason(p, REASON_DISABLED, NAN, NAN);
	else if (bank->plan.leave == (int)k)
		give_reason(p, bank->plan.leave_reason, NAN, NAN);
	else if (contactor->state != CONTACTOR_CLOSED)
		give_reason(p, contactor->wait, contactor->wait_value, contactor->wait_threshold);
	else if (permit->dis_reason != REASON_OK)
		give_reason(p, permit->dis_reason, permit->dis_a, NAN);
	else
		give_reason(p, permit->cha_reason,
			    permit->cha_reason != REASON_OK ? permit->cha_a : (double)NAN, NAN);
}

static void fill_wear(const struct life *life, struct pack_report *p)
{
	for (unsigned pole = 0; pole < POLE_COUNT; pole++) {
		const struct contactor_wear *wear = &life->wear[pole];

		if (wear->operations > p->operations)
			p->operations = wear->operations;
		if (wear->miner > p->wear)
			p->wear = wear->miner;
	}
}

static void report_pack(const struct bank *bank, unsigned k, uint64_t connected,
			struct pack_report *p)
{
	const struct pack_now *now = &bank->now.pack[k];
	const struct estimate *estimate = &bank->estimate[k];
	const struct life *life = &bank->life[k];
	const struct contactor *contactor = &bank->contactor[k];

	*p = (struct pack_report){
		.v = now->pack_v,
		.a = now->current_a,
		.soc = estimate->soc,
		.soc_sigma = estimate->soc_sigma,
		.soh = estimate->soh,
		.r_ohm = estimate->r_10s_ohm,
		.e_v = estimate->e_v,
		.cell_min_v = now->cell_min_v,
		.cell_max_v = now->cell_max_v,
		.t_min_c = now->temp_min_c,
		.t_max_c = now->temp_max_c,
		.lim_dis_a = bank->protect.pack[k].permit.dis_a,
		.lim_cha_a = bank->protect.pack[k].permit.cha_a,
		.capacity_ah = estimate->capacity_ah,
		.ah_dis = life->ah_dis,
		.ah_cha = life->ah_cha,
		.wh_dis = life->wh_dis,
		.wh_cha = life->wh_cha,
		.efc = life->efc,
		.connected = (connected >> k & 1) != 0,
		.isolated = contactor->isolated,
		.latched = is_latched(&bank->protect.pack[k]),
		.disabled = (bank->dispatch.disabled >> k & 1) != 0,
	};
	text_copy(p->id, bank->site.pack[k].id, sizeof p->id);
	memcpy(p->fitted, bank->site.pack[k].contactors.has, sizeof p->fitted);
	memcpy(p->contactor, life->wear, sizeof p->contactor);
	p->state = state_word(now, contactor, p->latched);
	fill_reason(bank, k, p);
	fill_wear(life, p);
}

/* The extremes and sums of what is known. */
static void sum_packs(struct bank_report *report)
{
	report->t_min_c = report->t_max_c = NAN;
	for (unsigned k = 0; k < report->n_packs; k++) {
		const struct pack_report *p = &report->pack[k];

		if (p->connected)
			report->packs_connected++;
		report->wh_dis += p->wh_dis;
		report->wh_cha += p->wh_cha;
		if (!(report->t_min_c <= p->t_min_c) && !isnan(p->t_min_c))
			report->t_min_c = p->t_min_c;
		if (!(report->t_max_c >= p->t_max_c) && !isnan(p->t_max_c))
			report->t_max_c = p->t_max_c;
	}
}

static void report_limits(const struct bank *bank, struct bank_report *report)
{
	const struct limits *limits = &bank->limits;

	memcpy(report->dis_w, limits->dis_w, sizeof report->dis_w);
	memcpy(report->cha_w, limits->cha_w, sizeof report->cha_w);
	report->must_w = limits->must_w;
	report->e_dis_wh = limits->e_dis_wh;
	report->e_cha_wh = limits->e_cha_wh;
	report->ramp_w_s = bank->site.grid.ramp_w_s;
	report->dis_reason = limits->dis_reason;
	report->cha_reason = limits->cha_reason;
	report->dis_pack = limits->dis_pack;
	report->cha_pack = limits->cha_pack;
	report->soc = limits->soc;
	report->soc_sigma = limits->soc_sigma;
	report->soc_min = limits->soc_min;
	report->soc_max = limits->soc_max;
	report->soh = limits->soh;
}

static void report_dispatch(const struct bank *bank, struct bank_report *report)
{
	const struct dispatch *d = &bank->dispatch;

	/* What an inverter does that is free is nobody's target. */
	bool free = bank->plan.pcs_run && plan_is_free(bank);

	report->p_target_w = free ? (double)NAN : d->target_w;
	report->p_ramped_w = free ? (double)NAN : d->ramped_w;
	report->winner = d->winner;
	report->mode = d->mode;
	report->reason = d->reason;
	report->expires_ms = d->expires_ms;
	report->degraded = d->degraded;
	report->stopped = d->stopped;
	report->locked = d->locked;
	if (d->winner < 0)
		return;
	text_copy(report->winner_id, bank->site.source[d->winner].id, sizeof report->winner_id);
	text_copy(report->command_id, d->source[d->winner].now.id, sizeof report->command_id);
}

static void report_proofs(const struct bank *bank, struct bank_report *report)
{
	const struct proofs *proofs = &bank->proofs;

	for (int test = 0; test < PROOF_BANK_TESTS; test++)
		report->proof_left_d[test] = proofs->bank_left_d[test];
	report->proof_left_d[PROOF_WELD] = NAN;
	report->proof_weld_pack = -1;
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		if (!(proofs->weld_left_d[k] < num_or(report->proof_left_d[PROOF_WELD], INFINITY)))
			continue;
		report->proof_left_d[PROOF_WELD] = proofs->weld_left_d[k];
		report->proof_weld_pack = (int)k;
	}
}

void bank_report(const struct bank *bank, const struct bank_inputs *in,
		 const struct bank_outputs *out, struct bank_report *report)
{
	uint64_t connected = contactor_connected(bank);

	memset(report, 0, sizeof *report);
	report->now_ms = bank->now_ms;
	report->utc_ms = in->utc_ms;
	report->clock_synced = in->clock_synced;
	report->state = bank->state;
	report->state_reason = bank->state_reason;
	report->p_w = readback_measured_w(bank);
	report->dc_v = bank->now.bus_v;
	report->dc_a = bank->now.pcs_dc_a;
	report->packs_total = report->n_packs = bank->site.n_packs;
	report->tripped = bank->protect.permit.tripped;
	report->pcs_enable = out->pcs_enable;
	report_limits(bank, report);
	report_dispatch(bank, report);
	report_proofs(bank, report);
	report->n_standing = standing_list(bank, report->standing, STANDING_MAX);
	for (unsigned k = 0; k < report->n_packs; k++)
		report_pack(bank, k, connected, &report->pack[k]);
	sum_packs(report);
}
