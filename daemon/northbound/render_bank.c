#include <math.h>
#include <string.h>

#include "northbound/render.h"

/* UTC of a monotonic instant; null for 0, which is none. */
static json_t *instant(const struct bank_report *report, int64_t at_ms)
{
	return at_ms > 0 ? json_integer(at_ms - report->now_ms + report->utc_ms) : json_null();
}

static json_t *pack_id(const struct bank_report *report, int pack)
{
	return pack >= 0 && (unsigned)pack < report->n_packs ? json_string(report->pack[pack].id)
							     : json_null();
}

static enum reason limit_reason(const struct bank_report *report)
{
	return report->p_target_w < 0.0 ? report->cha_reason : report->dis_reason;
}

json_t *render_telemetry(const struct bank_report *report, const struct telemetry_view *view)
{
	return json_pack(
		"{si sI sI sb ss ss so so so so so so so so so so si si so so ss sI sI}", "v", 1,
		"ts", (json_int_t)report->utc_ms, "n", (json_int_t)view->n, "clock_synced",
		report->clock_synced, "state", bank_state_word(report->state), "state_reason",
		reason_text(report->state_reason)->word, "p_w", render_number(report->p_w, 1),
		"p_target_w", render_number(report->p_target_w, 1), "p_ramped_w",
		render_number(report->p_ramped_w, 1), "dc_v", render_number(report->dc_v, 2),
		"dc_a", render_number(report->dc_a, 2), "soc_pct",
		render_number(100.0 * report->soc, 2), "soc_sigma_pct",
		render_number(100.0 * report->soc_sigma, 2), "soh_pct",
		render_number(100.0 * report->soh, 2), "t_min_c", render_number(report->t_min_c, 1),
		"t_max_c", render_number(report->t_max_c, 1), "packs_connected",
		(int)report->packs_connected, "packs_total", (int)report->packs_total,
		"e_dis_total_wh", render_number(report->wh_dis, 1), "e_cha_total_wh",
		render_number(report->wh_cha, 1), "limit_reason",
		reason_text(limit_reason(report))->word, "history_backlog",
		(json_int_t)view->backlog, "dropped", (json_int_t)view->dropped);
}

static json_t *sustain(const struct bank_report *report)
{
	static const struct {
		const char *seconds;
		int horizon;
	} rows[] = {{"60", HORIZON_60},
		    {"900", HORIZON_900},
		    {"1800", HORIZON_1800},
		    {"3600", HORIZON_3600}};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		json_object_set_new(object, rows[i].seconds,
				    json_pack("{so so}", "dis_w",
					      render_number(report->dis_w[rows[i].horizon], 0),
					      "cha_w",
					      render_number(report->cha_w[rows[i].horizon], 0)));
	return object;
}

static json_t *limit_reasons(const struct bank_report *report)
{
	json_t *reasons = json_array();

	if (report->dis_reason != REASON_OK)
		json_array_append_new(reasons, json_string(reason_text(report->dis_reason)->word));
	if (report->cha_reason != REASON_OK && report->cha_reason != report->dis_reason)
		json_array_append_new(reasons, json_string(reason_text(report->cha_reason)->word));
	return reasons;
}

json_t *render_limits(const struct bank_report *report, const struct site *site)
{
	return json_pack(
		"{si sI so so so so so so so so so so si si so ss ss so so so}", "v", 1, "ts",
		(json_int_t)report->utc_ms, "p_dis_max_w",
		render_number(report->dis_w[HORIZON_NOW], 0), "p_cha_max_w",
		render_number(report->cha_w[HORIZON_NOW], 0), "must_w",
		render_number(report->must_w, 0), "sustain", sustain(report), "e_dis_wh",
		render_number(report->e_dis_wh, 0), "e_cha_wh", render_number(report->e_cha_wh, 0),
		"soc_pct", render_number(100.0 * report->soc, 2), "soc_min_pct",
		render_number(100.0 * report->soc_min, 2), "soc_max_pct",
		render_number(100.0 * report->soc_max, 2), "ramp_max_w_s",
		render_number(report->ramp_w_s, 1), "packs_online", (int)report->packs_connected,
		"packs_total", (int)report->packs_total, "reasons", limit_reasons(report),
		"dis_reason", reason_text(report->dis_reason)->word, "cha_reason",
		reason_text(report->cha_reason)->word, "dis_pack",
		pack_id(report, report->dis_pack), "cha_pack", pack_id(report, report->cha_pack),
		"p_rated_w", render_number(site->grid.p_max_w, 0));
}

json_t *render_active(const struct bank_report *report, const struct site *site)
{
	bool won = report->winner >= 0 && (unsigned)report->winner < site->n_sources;

	return json_pack(
		"{si sI ss? ss? so so so so ss ss sb sb sb sb}", "v", 1, "ts",
		(json_int_t)report->utc_ms, "source", won ? site->source[report->winner].id : NULL,
		"id", won && report->command_id[0] ? report->command_id : NULL, "p_w",
		render_number(report->p_w, 1), "p_target_w", render_number(report->p_target_w, 1),
		"p_ramped_w", render_number(report->p_ramped_w, 1), "expires",
		instant(report, report->expires_ms), "mode", dispatch_mode_word(report->mode),
		"reason", reason_text(report->reason)->word, "degraded", report->degraded,
		"stopped", report->stopped, "locked", report->locked, "tripped", report->tripped);
}

/* The wear ledger of each contactor. */
static json_t *render_contactors(const struct pack_report *p)
{
	static const char *const poles[POLE_COUNT] = {"negative", "positive", "precharge"};
	json_t *list = json_array();

	for (int pole = 0; pole < POLE_COUNT; pole++) {
		const struct contactor_wear *wear = &p->contactor[pole];

		if (!p->fitted[pole])
			continue;
		json_array_append_new(
			list,
			json_pack("{ss sI sI so so so so so so}", "pole", poles[pole], "operations",
				  (json_int_t)wear->operations, "loaded_breaks",
				  (json_int_t)wear->loaded_breaks, "wear_pct",
				  render_number(100.0 * wear->miner, 3), "make_a",
				  render_number(wear->make_a, 1), "make_v",
				  render_number(wear->make_v, 1), "break_a",
				  render_number(wear->break_a, 1), "break_v",
				  render_number(wear->break_v, 1), "break_a_max",
				  render_number(wear->break_a_max, 1)));
	}
	return list;
}

json_t *render_pack_telemetry(const struct bank_report *report, unsigned pack)
{
	const struct pack_report *p = &report->pack[pack];

	return json_pack(
		"{si sI ss so so so so so so so so so so so so so ss so so so so so so so sI so}", "v",
		1, "ts", (json_int_t)report->utc_ms, "state", p->state, "dc_v",
		render_number(p->v, 2), "a", render_number(p->a, 2), "soc_pct",
		render_number(100.0 * p->soc, 2), "soc_sigma_pct",
		render_number(100.0 * p->soc_sigma, 2), "soh_pct", render_number(100.0 * p->soh, 2),
		"r_mohm", render_number(1000.0 * p->r_ohm, 2), "e_v", render_number(p->e_v, 2),
		"cell_min_v", render_number(p->cell_min_v, 4), "cell_max_v",
		render_number(p->cell_max_v, 4), "t_min_c", render_number(p->t_min_c, 1), "t_max_c",
		render_number(p->t_max_c, 1), "lim_dis_a", render_number(p->lim_dis_a, 1),
		"lim_cha_a", render_number(p->lim_cha_a, 1), "reason", reason_text(p->reason)->word,
		"capacity_ah", render_number(p->capacity_ah, 2), "dis_total_ah",
		render_number(p->ah_dis, 2), "cha_total_ah", render_number(p->ah_cha, 2),
		"e_dis_total_wh", render_number(p->wh_dis, 1), "e_cha_total_wh",
		render_number(p->wh_cha, 1), "cycles", render_number(p->efc, 3), "wear_pct",
		render_number(100.0 * p->wear, 3), "operations", (json_int_t)p->operations,
		"contactors", render_contactors(p));
}

json_t *render_pack_state(const struct bank_report *report, unsigned pack)
{
	const struct pack_report *p = &report->pack[pack];
	const struct reason_text *text = reason_text(p->reason);

	return json_pack("{si sI ss ss so so ss ss sb sb sb sb}", "v", 1, "ts",
			 (json_int_t)report->utc_ms, "state", p->state, "reason", text->word,
			 "value", render_number(p->reason_value, 4), "threshold",
			 render_number(p->reason_threshold, 4), "unit", text->unit, "text",
			 text->sentence, "connected", p->connected, "isolated", p->isolated,
			 "latched", p->latched, "disabled", p->disabled);
}

json_t *render_standing(const struct bank_report *report, const struct site *site)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < report->n_standing && i < STANDING_MAX; i++)
		json_array_append_new(array, render_event(&report->standing[i], site,
							  report->utc_ms - report->now_ms));
	return array;
}

json_t *render_proofs(const struct bank_report *report)
{
	json_t *array = json_array();

	for (int test = 0; test < PROOF_TESTS; test++) {
		double left_d = report->proof_left_d[test];

		if (isnan(left_d) || report->now_ms == 0)
			continue;
		json_array_append_new(
			array,
			json_pack(
				"{ss so so sb}", "proof", proof_word((enum proof_test)test), "pack",
				pack_id(report, test == PROOF_WELD ? report->proof_weld_pack : -1),
				"left_d", render_number(left_d, 2), "overdue", left_d < 0.0));
	}
	return array;
}
