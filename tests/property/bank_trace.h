/*
 * Steps of prop_bank in words: what was told, decided and driven.
 */
#ifndef REBANK_TESTS_BANK_TRACE_H
#define REBANK_TESTS_BANK_TRACE_H

#include <stdio.h>

#include "core/bank.h"

static inline void trace_pack(const struct bank *bank, const struct bank_outputs *out, unsigned k)
{
	const struct contactor *contactor = &bank->contactor[k];
	const struct permit *permit = &bank->protect.pack[k].permit;
	const struct pack_now *now = &bank->now.pack[k];
	const bool *coil = out->pack[k].coil;

	printf("      %u%s state %d%s%s coil %d%d%d reads %d%d%d %.1f V %.1f A close %d hold %d", k,
	       bank->site.pack[k].contactors.by_frames ? " by frames" : "", (int)contactor->state,
	       contactor->connected ? " connected" : "", permit->immediate ? " at once" : "",
	       coil[POLE_NEGATIVE], coil[POLE_POSITIVE], coil[POLE_PRECHARGE],
	       (int)now->feedback[POLE_NEGATIVE], (int)now->feedback[POLE_POSITIVE],
	       (int)now->feedback[POLE_PRECHARGE], now->pack_v, now->current_a, permit->close,
	       permit->hold);
	if (!permit->hold)
		printf(" until %+lld ms", (long long)(permit->hold_deadline_ms - bank->now_ms));
	printf(" %s\n", reason_text(permit->reason)->word);
}

static inline void trace_step(const struct bank *bank, const struct bank_inputs *in,
			      const struct bank_outputs *out)
{
	const struct bank_permit *permit = &bank->protect.permit;

	printf("    %.3f s%s enable %d bus %.1f V close %d power %d hold %d",
	       (double)in->now_ms / 1e3, in->tick ? " tick" : "", out->pcs_enable, bank->now.bus_v,
	       permit->close, permit->power, permit->hold);
	if (!permit->hold)
		printf(" until %+lld ms", (long long)(permit->hold_deadline_ms - bank->now_ms));
	printf(" %s leave %d join %d", reason_text(permit->reason)->word, bank->plan.leave,
	       bank->plan.join);
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		printf(" pcs %d gives %.0f W asked %.0f W", (int)bank->now.pcs[i].state,
		       bank->now.pcs[i].dc_w, out->pcs[i].p_w);
	printf("\n");
	for (unsigned k = 0; k < bank->site.n_packs; k++)
		trace_pack(bank, out, k);
	for (unsigned i = 0; i < out->n_events; i++)
		printf("      event %d %s\n", out->event[i].pack,
		       reason_text(out->event[i].reason)->word);
}

#endif
