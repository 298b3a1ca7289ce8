#include <math.h>
#include <string.h>

#include "core/bank.h"
#include "core/closing.h"
#include "core/num.h"
#include "core/precharge.h"
#include "core/restart.h"
#include "core/rules.h"
#include "core/text.h"

static const struct pack_saved *find_saved(const struct bank_saved *saved, const char *id)
{
	if (!saved || !saved->valid)
		return NULL;
	for (unsigned k = 0; k < saved->n_packs && k < PACK_MAX; k++)
		if (saved->pack[k].valid && text_equal(saved->pack[k].id, id, ID_SIZE))
			return &saved->pack[k];
	return NULL;
}

static uint64_t saved_pcs_latches(const struct bank_saved *saved, const char *id)
{
	if (!saved || !saved->valid)
		return 0;
	for (unsigned i = 0; i < saved->n_pcs && i < PCS_MAX; i++)
		if (saved->pcs[i].valid && text_equal(saved->pcs[i].id, id, ID_SIZE))
			return saved->pcs[i].latched;
	return 0;
}

static void restore_latches(struct rule_result *result, const struct rule *rule, unsigned n,
			    uint64_t latched)
{
	for (unsigned r = 0; r < n && r < 64; r++)
		if (latched >> r & 1 && rule[r].flags & RULE_LATCH) {
			result[r].active = result[r].latched = result[r].told = true;
			result[r].value = result[r].threshold = NAN; /* told in another life */
		}
}

static void restore_pack(struct bank *bank, unsigned k, const struct pack_saved *saved)
{
	struct protect_pack *protect = &bank->protect.pack[k];

	restore_latches(protect->rule, pack_rules, n_pack_rules, saved->latched);
	protect_restored(protect);
	memcpy(bank->contactor[k].welded, saved->welded, sizeof saved->welded);
	bank->contactor[k].alternate = saved->alternate;
	bank->contactor[k].ops_today = saved->ops_today;
	bank->contactor[k].ops_day_ms = -saved->ops_day_ms; /* before the first step */
	bank->contactor[k].resistor_j = saved->resistor_j;
	bank->contactor[k].tries = saved->tries;
	bank->contactor[k].failures = saved->failures;
	bank->contactor[k].restored = true;
	bank->proofs.weld[k] = saved->weld;
	bank->life[k] = saved->life;
}

void restart_restore(struct bank *bank, const struct bank_saved *saved)
{
	const struct site *site = &bank->site;

	for (unsigned k = 0; k < site->n_packs; k++) {
		const struct pack_saved *pack = find_saved(saved, site->pack[k].id);
		estimate_init(&bank->estimate[k], &site->pack[k], pack);
		if (pack)
			restore_pack(bank, k, pack);
	}
	for (unsigned i = 0; i < site->n_pcs; i++)
		restore_latches(bank->protect.pcs[i].rule, pcs_rules, n_pcs_rules,
				saved_pcs_latches(saved, site->pcs[i].id));
	if (saved && saved->valid) {
		bank->event_seq = saved->event_seq;
		bank->saved_utc_ms = saved->utc_ms;
		bank->saved_ended = saved->ended;
		bank->plan.ops_hour = saved->ops_hour;
		bank->plan.ops_hour_ms = -saved->ops_hour_ms; /* before the first step */
		memcpy(bank->proofs.bank, saved->proof, sizeof saved->proof);
		restore_latches(bank->protect.rule, bank_rules, n_bank_rules, saved->latched);
	}
}

/* Since the state was saved, by the wall clock; -1: unknown. */
static int64_t gap_ms(const struct bank *bank, const struct bank_inputs *in)
{
	int64_t gap_ms = in->utc_ms - bank->saved_utc_ms;

	return in->clock_synced && bank->saved_utc_ms > 0 && gap_ms >= 0 ? gap_ms : -1;
}

/*
 * A process that did not end in order may have died in a closing that it had no time to save: that
 * counts as one failure, and as one whole precharge a moment ago. More than it may take is never in
 * the resistor, for a precharge that would bring it there is not begun.
 */
static void begin_pack(struct bank *bank, unsigned k, int64_t gap_ms)
{
	struct contactor *contactor = &bank->contactor[k];
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	double most_j = site->has[POLE_PRECHARGE] ? site->precharge_j : 0.;
	double one_j = precharge_one_j(bank, bank->site.pack[k].limit.pack_max_v);

	if (!num_inside(contactor->resistor_j, 0., most_j))
		contactor->resistor_j = most_j; /* nonsense, or a smaller resistor now */
	contactor->resistor_ms = bank->now_ms - (gap_ms > 0 ? gap_ms : 0);
	contactor->resistor_j = precharge_held_j(bank, k);
	contactor->resistor_ms = bank->now_ms;
	contactor->precharge_ms = bank->now_ms - (gap_ms > 0 ? gap_ms : 0);
	if (!bank->saved_ended) {
		contactor->failures++;
		contactor->resistor_j = num_min(contactor->resistor_j + one_j, most_j);
		contactor->precharge_ms = bank->now_ms;
	}
	if (contactor->failures > 0) {
		contactor->pause_ms = closing_pause_ms(contactor->failures);
		contactor->retry_ms = bank->now_ms + contactor->pause_ms;
	}
}

void restart_begin(struct bank *bank, const struct bank_inputs *in)
{
	bank->plan.ops_hour_ms += bank->now_ms; /* 0, or less what is gone */
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		bank->contactor[k].ops_day_ms += bank->now_ms;
		if (bank->contactor[k].restored)
			begin_pack(bank, k, gap_ms(bank, in));
	}
}

static void save_pack(const struct bank *bank, unsigned k, struct pack_saved *saved)
{
	const struct estimate *estimate = &bank->estimate[k];

	memcpy(saved->id, bank->site.pack[k].id, sizeof saved->id);
	saved->valid = true;
	saved->soc = estimate->soc;
	saved->soc_sigma = estimate->soc_sigma;
	saved->capacity_ah = estimate->capacity_ah;
	saved->growth = estimate->growth;
	saved->i_offset_a = estimate->x[2];
	memcpy(saved->welded, bank->contactor[k].welded, sizeof saved->welded);
	saved->alternate = bank->contactor[k].alternate;
	saved->ops_today = bank->contactor[k].ops_today;
	saved->ops_day_ms = bank->now_ms - bank->contactor[k].ops_day_ms;
	saved->resistor_j = precharge_held_j(bank, k);
	saved->tries = bank->contactor[k].tries;
	saved->failures = bank->contactor[k].failures;
	saved->weld = bank->proofs.weld[k];
	saved->disabled = bank->dispatch.disabled >> k & 1;
	saved->latched = protect_latched(bank->protect.pack[k].rule, n_pack_rules);
	saved->life = bank->life[k];
}

void bank_save(const struct bank *bank, const struct bank_inputs *in, struct bank_saved *saved)
{
	memset(saved, 0, sizeof *saved);
	saved->valid = true;
	saved->utc_ms = in->clock_synced ? in->utc_ms : 0;
	saved->event_seq = bank->event_seq;
	saved->ops_hour = bank->plan.ops_hour;
	saved->ops_hour_ms = bank->now_ms - bank->plan.ops_hour_ms;
	saved->latched = protect_latched(bank->protect.rule, n_bank_rules);
	memcpy(saved->proof, bank->proofs.bank, sizeof saved->proof);
	saved->n_pcs = bank->site.n_pcs;
	for (unsigned i = 0; i < bank->site.n_pcs; i++) {
		memcpy(saved->pcs[i].id, bank->site.pcs[i].id, ID_SIZE);
		saved->pcs[i].valid = true;
		saved->pcs[i].latched = protect_latched(bank->protect.pcs[i].rule, n_pcs_rules);
	}
	saved->n_packs = bank->site.n_packs;
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		save_pack(bank, k, &saved->pack[k]);
	dispatch_save(&bank->dispatch, &bank->site, saved);
}
