/* The verdict of a run as one JSON object. */
#include <math.h>

#include "core/chemistry.h"
#include "ctl/scenario_parts.h"

/* Unknown is null, as everywhere. */
static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

double run_limit_violations_s(struct run *run)
{
	const struct twin_truth *truth = run_truth(run);
	double sum_s = 0.0;

	for (unsigned k = 0; k < run->site->n_packs; k++)
		sum_s += truth->pack[k].excess_s;
	return sum_s;
}

/* Energy discharged as a share of what the packs held above their own floors when the run began. */
double run_energy_share(struct run *run)
{
	double held_wh = 0.0;

	for (unsigned k = 0; k < run->site->n_packs; k++) {
		const struct pack_model *model = &run->site->pack[k].model;
		double floor_soc = run->site->plan.soc_floor;
		double above_v = chemistry_area_v(model->chemistry, run->first_soc[k]) -
				 chemistry_area_v(model->chemistry, floor_soc);

		if (run->first_soc[k] > floor_soc)
			held_wh += run->first_soh[k] * model->nominal_ah * model->cells_series *
				   above_v;
	}
	return held_wh > 0.0 ? run->dc_dis_wh / held_wh : (double)NAN;
}

static json_t *pack_result(struct run *run, unsigned k)
{
	const struct twin_pack_truth *truth = &run_truth(run)->pack[k];
	const struct pack_report *report = &run_report(run)->pack[k];

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, "
			 "s:o, s:I, s:o}",
			 "id", run->site->pack[k].id, "state", report->state, "reason",
			 reason_text(report->reason)->word, "soc", number(truth->soc),
			 "soc_estimated", number(report->soc), "soh", number(truth->soh), "v",
			 number(truth->v), "a", number(truth->a), "temp_max_c",
			 number(truth->temp_max_c), "wh_dis", number(report->wh_dis), "wh_cha",
			 number(report->wh_cha), "operations", (json_int_t)report->operations,
			 "wear", number(report->wear), "join_peak_a",
			 number(run->pack_join_peak_a[k]), "leave_peak_a",
			 number(run->pack_leave_peak_a[k]), "loaded_breaks",
			 (json_int_t)truth->loaded_breaks, "excess_s", number(truth->excess_s));
}

/* How often each reason was reported. */
static json_t *event_counts(const struct run *run)
{
	unsigned count[REASON_COUNT] = {0};
	json_t *object = json_object();

	for (size_t i = 0; i < run->journal.n_events; i++)
		count[run->journal.event[i].reason] += run->journal.event[i].kind != EVENT_CLEARED;
	for (int r = 0; r < REASON_COUNT; r++)
		if (count[r])
			json_object_set_new(object, reason_text((enum reason)r)->word,
					    json_integer(count[r]));
	return object;
}

static json_t *expectations(const struct run *run, const struct expect *expect, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		char text[400];

		expect_text(run, &expect[i], text, sizeof(text));
		json_array_append_new(list,
				      json_pack("{s:s, s:b, s:s, s:i}", "text", text, "held",
						expect[i].result == EXPECT_HELD, "found",
						expect[i].found, "line", (int)expect[i].line));
	}
	return list;
}

static json_t *texts(const struct invariants *invariants)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < invariants->n_texts; i++)
		json_array_append_new(list, json_string(invariants->text[i]));
	return list;
}

json_t *run_result(struct run *run, const struct expect *expect, size_t n_expects, double wall_s,
		   uint64_t seed)
{
	const struct twin_truth *truth = run_truth(run);
	json_t *packs = json_array();

	for (unsigned k = 0; k < run->site->n_packs; k++)
		json_array_append_new(packs, pack_result(run, k));
	return json_pack(
		"{s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:s, "
		"s:o, s:o, s:o, s:o}",
		"sim_s", number(run_t_s(run)), "wall_s", number(wall_s), "seed", (json_int_t)seed,
		"steps", (json_int_t)run->steps, "energy_dis_wh", number(truth->energy_dis_wh),
		"energy_cha_wh", number(truth->energy_cha_wh), "energy_dc_dis_wh",
		number(run->dc_dis_wh), "energy_share", number(run_energy_share(run)),
		"full_power_share",
		number(run->asked_s > 0.0 ? run->full_s / run->asked_s : (double)NAN),
		"limit_violations", number(run_limit_violations_s(run)), "invariant_violations",
		(json_int_t)run->invariants.violations, "trips", (json_int_t)run->trips,
		"operations", (json_int_t)run->invariants.operations, "join_peak_a_max",
		number(run->join_peak_a), "leave_peak_a_max", number(run->leave_peak_a), "state",
		bank_state_word(run->bank.state), "packs", packs, "events", event_counts(run),
		"invariants", texts(&run->invariants), "expectations",
		expectations(run, expect, n_expects));
}
