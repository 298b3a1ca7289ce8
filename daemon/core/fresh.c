#include <string.h>

#include "core/bank.h"
#include "core/num.h"

enum {
	FEEDBACK_DEBOUNCE_MS = 20, /* contact bounce is 5-7 ms (EVC135, DEVR40 data sheets) */
	FEEDBACK_SAME_MS = 5,      /* an edge may be stamped so long after its level was read */
	FEEDBACK_STALE_MS = 500,
	INPUT_STALE_MS = 500,
	INPUT_RELEASE_MS = 100, /* an input is healthy again after */
	SUPPLY_STALE_MS = 3000,
	CHATTER_LEAK_MS = 10000, /* one unexplained edge is forgiven in */
	BAD_FRAMES_WINDOW_MS = 10000,
	JUMP_WINDOW_MS = 1000,
};

static double age_s(int64_t now_ms, int64_t stamp_ms)
{
	if (stamp_ms == 0)
		return INFINITY;
	return now_ms > stamp_ms ? (double)(now_ms - stamp_ms) / 1000. : 0.;
}

static bool is_fresh(int64_t now_ms, int64_t stamp_ms, int32_t stale_ms)
{
	return stamp_ms != 0 && now_ms - stamp_ms <= stale_ms;
}

/*
 * A jump that no current step explains, and that does not lead out of the window (which counts at
 * face value), makes this one sample unknown. The next sample is compared with it: a lasting step
 * is believed after one period, a single wrong frame never is.
 */
static bool is_jump(const struct pack_site *site, const struct fresh_pack *fresh, double v,
		    double i, int64_t stamp_ms)
{
	if (fresh->last_ms == 0 || stamp_ms - fresh->last_ms > JUMP_WINDOW_MS)
		return false;
	if (!num_inside(v, site->limit.pack_min_v, site->limit.pack_max_v))
		return false;
	double by_current_v =
		3. * site->model.r_growth * site->model.r_10s_ohm * fabs(i - fresh->last_i);
	double allowed_v = 0.03 * site->limit.pack_max_v + num_or(by_current_v, 0.);
	return fabs(v - fresh->last_v) > allowed_v;
}

/* Infinity is how some senders say "invalid": unknown. */
static double finite_or_nan(double v)
{
	return isfinite(v) ? v : (double)NAN;
}

static void take_electrical(struct bank *bank, struct bank_outputs *out, unsigned k,
			    const struct pack_sample *sample)
{
	struct fresh_pack *fresh = &bank->fresh[k];
	struct pack_now *now = &bank->now.pack[k];

	if (sample->electrical_count != fresh->electrical_count || fresh->counter_ms == 0)
		fresh->counter_ms = sample->electrical_ms;
	fresh->electrical_count = sample->electrical_count;
	fresh->electrical_ms = sample->electrical_ms;
	now->electrical_new = true;
	double v = now->pack_v = finite_or_nan(sample->pack_v);
	now->current_a = finite_or_nan(sample->current_a);
	if (is_jump(&bank->site.pack[k], fresh, v, now->current_a, sample->electrical_ms)) {
		bank_event(bank, out, EVENT_NOTE, REASON_VALUE_JUMP, (int)k, v, fresh->last_v);
		now->pack_v = NAN;
	}
	if (!isnan(v)) {
		fresh->last_v = v;
		fresh->last_i = now->current_a;
		fresh->last_ms = sample->electrical_ms;
	}
	if (!isnan(now->pack_v) && !isnan(now->current_a))
		fresh->electrical_known_ms = sample->electrical_ms;
}

static void take_cells(struct pack_now *now, const struct pack_sample *sample)
{
	now->cells_new = true;
	if (sample->n_cells == 0 || sample->n_cells > CELL_MAX) {
		now->cell_min_v = sample->cell_min_v;
		now->cell_max_v = sample->cell_max_v;
		now->cell_sum_v = NAN;
		return;
	}
	double low = sample->cell_v[0], high = low, sum = 0.;
	for (unsigned i = 0; i < sample->n_cells; i++) {
		double v = sample->cell_v[i];
		low = v < low ? v : low;
		high = v > high ? v : high;
		sum += v; /* poisons: one unknown cell makes all three unknown */
	}
	now->cell_min_v = isnan(sum) ? (double)NAN : low;
	now->cell_max_v = isnan(sum) ? (double)NAN : high;
	now->cell_sum_v = sum;
}

/* A broken sensor is left out and counted: the others still show the pack (rule temps_few). */
static void take_temps(struct pack_now *now, const struct pack_sample *sample)
{
	now->temps_new = true;
	now->temps_bad = 0;
	if (sample->n_temps == 0 || sample->n_temps > TEMP_MAX) {
		now->temp_min_c = sample->temp_min_c;
		now->temp_max_c = sample->temp_max_c;
		return;
	}
	now->temp_min_c = NAN;
	now->temp_max_c = NAN;
	for (unsigned i = 0; i < sample->n_temps; i++) {
		double t = sample->temp_c[i];
		if (!num_inside(t, -60., 200.)) { /* open or shorted sensor */
			now->temps_bad++;
			continue;
		}
		now->temp_min_c = now->temp_min_c < t ? now->temp_min_c : t;
		now->temp_max_c = now->temp_max_c > t ? now->temp_max_c : t;
	}
}

static void take_bms(struct pack_now *now, const struct pack_sample *sample)
{
	now->bms_new = true;
	now->bms_known = true;
	now->soc = sample->soc;
	now->soh = sample->soh;
	now->dis_limit_a = sample->dis_limit_a;
	now->cha_limit_a = sample->cha_limit_a;
	now->insulation_ohm = sample->insulation_ohm;
	now->aux_v = sample->aux_v;
	now->bms_flags = sample->bms_flags;
}

static void forget_stale(struct bank *bank, unsigned k, const struct pack_sample *sample)
{
	const struct pack_site *site = &bank->site.pack[k];
	struct pack_now *now = &bank->now.pack[k];
	int64_t t = bank->now_ms;
	bool alive = !sample->counts ||
		     is_fresh(t, bank->fresh[k].counter_ms, site->electrical_stale_ms);

	now->electrical_age_s = age_s(t, sample->electrical_ms);
	now->cells_age_s = age_s(t, sample->cells_ms);
	now->electrical_known_s = age_s(t, bank->fresh[k].electrical_known_ms);
	now->cells_known_s = age_s(t, bank->fresh[k].cells_known_ms);
	now->temps_age_s = age_s(t, sample->temps_ms);
	now->bms_age_s = age_s(t, sample->bms_ms);
	now->counter_age_s = sample->counts ? age_s(t, bank->fresh[k].counter_ms) : 0.;
	if (!alive || !is_fresh(t, sample->electrical_ms, site->electrical_stale_ms))
		now->pack_v = now->current_a = NAN;
	now->link_v =
		is_fresh(t, sample->link_ms, site->link_stale_ms) ? sample->link_v : (double)NAN;
	if (!is_fresh(t, sample->cells_ms, site->cells_stale_ms))
		now->cell_min_v = now->cell_max_v = now->cell_sum_v = NAN;
	if (!is_fresh(t, sample->temps_ms, site->temps_stale_ms))
		now->temp_min_c = now->temp_max_c = NAN;
	if (!is_fresh(t, sample->bms_ms, site->bms_stale_ms)) {
		now->bms_known = false;
		now->bms_flags = 0;
		now->soc = now->soh = now->dis_limit_a = now->cha_limit_a = NAN;
		now->insulation_ohm = now->aux_v = NAN;
	}
}

static void count_bad_frames(struct fresh_pack *fresh, int64_t now_ms, uint32_t bad_frames)
{
	if (now_ms - fresh->bad_frames_ms < BAD_FRAMES_WINDOW_MS)
		return;
	fresh->bad_frames_rate = fresh->bad_frames_ms ? bad_frames - fresh->bad_frames : 0;
	fresh->bad_frames = bad_frames;
	fresh->bad_frames_ms = now_ms;
}

/* An edge that follows no coil command within its time is chatter. */
static void take_edge(struct bank *bank, unsigned k, int pole, int64_t at_ms)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	struct fresh_pack *fresh = &bank->fresh[k];
	bool commanded = at_ms - bank->contactor[k].coil_ms[pole] <= site->close_ms + site->open_ms;

	if (fresh->feedback[pole] != CONTACT_UNKNOWN && !commanded && fresh->chatter < UINT16_MAX)
		fresh->chatter++;
	fresh->feedback_edge_ms[pole] = at_ms;
}

/* Debounced contacts: from the stamps of their edges where there are any, else from their reading.
 * A contact that is where it was may have been elsewhere between. */
static void take_contacts(struct bank *bank, unsigned k, const struct pack_contacts *contacts,
			  struct bank_outputs *out)
{
	const struct pack_contactors *site = &bank->site.pack[k].contactors;
	struct fresh_pack *fresh = &bank->fresh[k];
	struct pack_now *now = &bank->now.pack[k];
	bool known =
		is_fresh(bank->now_ms, contacts->stamp_ms,
			 site->by_frames ? bank->site.pack[k].bms_stale_ms : FEEDBACK_STALE_MS);

	for (int pole = 0; pole < POLE_COUNT; pole++) {
		enum contact raw =
			known && site->feedback[pole] ? contacts->feedback[pole] : CONTACT_UNKNOWN;
		bool stamped = contacts->edge_ms[pole] >
				       fresh->feedback_edge_ms[pole] + FEEDBACK_SAME_MS &&
			       contacts->edge_ms[pole] <= bank->now_ms;
		if (raw != fresh->feedback[pole] || (stamped && raw != CONTACT_UNKNOWN))
			take_edge(bank, k, pole, stamped ? contacts->edge_ms[pole] : bank->now_ms);
		fresh->feedback[pole] = raw;
		int64_t stable_ms = fresh->feedback_edge_ms[pole] + FEEDBACK_DEBOUNCE_MS;
		if (raw == CONTACT_UNKNOWN || now->feedback[pole] == CONTACT_UNKNOWN ||
		    bank->now_ms >= stable_ms)
			now->feedback[pole] = raw;
		else if (now->feedback[pole] != raw)
			bank_step_by(out, stable_ms);
		if (raw != CONTACT_UNKNOWN)
			fresh->feedback_known_ms[pole] = bank->now_ms;
		now->feedback_known_s[pole] = age_s(bank->now_ms, fresh->feedback_known_ms[pole]);
	}
	if (fresh->chatter > 0 && bank->now_ms - fresh->chatter_ms >= CHATTER_LEAK_MS) {
		fresh->chatter--;
		fresh->chatter_ms = bank->now_ms;
	}
}

static void fresh_pack(struct bank *bank, unsigned k, const struct bank_inputs *in,
		       struct bank_outputs *out)
{
	const struct pack_sample *sample = &in->pack[k];
	struct fresh_pack *fresh = &bank->fresh[k];
	struct pack_now *now = &bank->now.pack[k];

	now->electrical_new = now->cells_new = now->temps_new = now->bms_new = false;
	if (sample->electrical_ms != fresh->electrical_ms)
		take_electrical(bank, out, k, sample);
	if (sample->cells_ms != fresh->cells_ms) {
		fresh->cells_ms = sample->cells_ms;
		take_cells(now, sample);
		if (!isnan(now->cell_min_v) && !isnan(now->cell_max_v))
			fresh->cells_known_ms = sample->cells_ms;
	}
	if (sample->temps_ms != fresh->temps_ms) {
		fresh->temps_ms = sample->temps_ms;
		take_temps(now, sample);
	}
	if (sample->bms_ms != fresh->bms_ms) {
		fresh->bms_ms = sample->bms_ms;
		take_bms(now, sample);
	}
	forget_stale(bank, k, sample);
	count_bad_frames(fresh, bank->now_ms, sample->bad_frames);
	take_contacts(bank, k, &in->contacts[k], out);
}

/* Current of the connected packs beyond what converters measure themselves; NaN: unknown. */
static double unmeasured_a(const struct bank *bank)
{
	uint64_t connected = contactor_connected(bank);
	double a = 0.;

	for (unsigned k = 0; k < bank->site.n_packs; k++)
		if (connected >> k & 1)
			a += bank->now.pack[k].current_a;
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		a -= num_or(bank->now.pcs[i].dc_a, 0.);
	return a;
}

static double ac_of_dc_w(const struct pcs_site *site, double dc_w)
{
	return dc_w >= 0. ? dc_w * site->efficiency : dc_w / site->efficiency;
}

/*
 * A converter that steers itself by limits often measures nothing, or is not heard before the bank
 * is there: what the packs give is what it takes. Several share it by rating.
 */
static void fresh_unmeasured(struct bank *bank)
{
	double a = unmeasured_a(bank), rating_w = 0.;
	uint64_t connected = contactor_connected(bank);

	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		if (isnan(bank->now.pcs[i].dc_a))
			rating_w += bank->site.pcs[i].p_max_w;
	for (unsigned i = 0; i < bank->site.n_pcs; i++) {
		struct pcs_now *pcs = &bank->now.pcs[i];
		const struct pcs_site *site = &bank->site.pcs[i];

		if (!site->self_steered)
			continue;
		if (isnan(pcs->dc_a)) {
			pcs->dc_a = a * site->p_max_w / rating_w;
			pcs->dc_v = bank->now.bus_v;
			pcs->dc_w = connected ? pcs->dc_a * pcs->dc_v : 0.;
		}
		if (isnan(pcs->ac_w))
			pcs->ac_w = ac_of_dc_w(site, pcs->dc_w);
	}
}

/* The AC side of one that does not run yet may sleep, and show nothing. */
static bool may_sleep(enum pcs_state state)
{
	return state == PCS_OFF || state == PCS_STARTING;
}

/* A reading with the power that the converter is supervised by. */
static bool shows_power(const struct bank *bank, unsigned i, const struct pcs_sample *sample)
{
	if (bank->site.pcs[i].self_steered)
		return true; /* what the packs give is what it takes */
	return isfinite(sample->dc_w) && (!bank->site.grid.measured_at_ac ||
					  isfinite(sample->ac_w) || may_sleep(sample->state));
}

static void take_pcs(struct bank *bank, unsigned i, const struct pcs_sample *sample)
{
	const struct pcs_site *site = &bank->site.pcs[i];
	struct pcs_now *pcs = &bank->now.pcs[i];

	if (shows_power(bank, i, sample) || sample->stamp_ms < pcs->known_ms)
		pcs->known_ms = sample->stamp_ms;
	pcs->age_s = age_s(bank->now_ms, pcs->known_ms);
	pcs->known = is_fresh(bank->now_ms, pcs->known_ms, site->stale_ms);
	pcs->state = pcs->known ? sample->state : PCS_UNKNOWN;
	pcs->ac_w = pcs->known ? finite_or_nan(sample->ac_w) : (double)NAN;
	pcs->dc_w = pcs->known ? finite_or_nan(sample->dc_w) : (double)NAN;
	pcs->dc_v = pcs->known ? finite_or_nan(sample->dc_v) : (double)NAN;
	pcs->dc_a = pcs->known ? finite_or_nan(sample->dc_a) : (double)NAN;
	pcs->dis_max_w = pcs->known ? sample->dis_max_w : (double)NAN;
	pcs->cha_max_w = pcs->known ? sample->cha_max_w : (double)NAN;
	pcs->dead_man_proven = pcs->known && sample->dead_man_proven;
	if (may_sleep(pcs->state) && isnan(pcs->ac_w))
		pcs->ac_w = ac_of_dc_w(site, pcs->dc_w);
}

static void fresh_pcs(struct bank *bank, const struct bank_inputs *in)
{
	struct now *now = &bank->now;

	now->pcs_ac_w = now->pcs_dc_w = now->pcs_dc_a = 0.;
	for (unsigned i = 0; i < bank->site.n_pcs; i++)
		take_pcs(bank, i, &in->pcs[i]);
	fresh_unmeasured(bank);
	for (unsigned i = 0; i < bank->site.n_pcs; i++) {
		const struct pcs_now *pcs = &now->pcs[i];

		if (!pcs->known && bank->converter[i].gives_nothing)
			continue;
		now->pcs_ac_w += pcs->ac_w;
		now->pcs_dc_w += pcs->dc_w;
		now->pcs_dc_a += pcs->dc_a;
	}
}

/* Steady as it is now: since its last edge, or, tripped, read so time and again, however it
 * chatters. */
static int64_t steady_ms(struct bank *bank, int id, const struct digital_input *input,
			 enum level raw)
{
	int64_t *tripped_ms = &bank->input_tripped_ms[id];

	if (raw == LEVEL_OK)
		*tripped_ms = 0;
	else if (*tripped_ms == 0)
		*tripped_ms = bank->now_ms;
	return raw == LEVEL_TRIPPED && *tripped_ms < input->edge_ms ? *tripped_ms : input->edge_ms;
}

/* The E-stop trips at its first edge; the others after their debounce; all recover slowly. */
static void fresh_inputs(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	for (int id = 0; id < INPUT_COUNT; id++) {
		const struct digital_input *input = &in->input[id];
		const struct input_site *site = &bank->site.input[id];
		enum level *level = &bank->now.input[id];

		if (!site->present) {
			*level = LEVEL_UNKNOWN;
			continue;
		}
		bool known = is_fresh(bank->now_ms, input->stamp_ms, INPUT_STALE_MS);
		enum level raw = known && input->level == LEVEL_OK ? LEVEL_OK : LEVEL_TRIPPED;
		int32_t wait_ms = raw == LEVEL_OK     ? INPUT_RELEASE_MS
				  : id == INPUT_ESTOP ? 0
						      : site->debounce_ms;
		int64_t since_ms = steady_ms(bank, id, input, raw);
		if (*level == raw)
			continue;
		if (*level == LEVEL_UNKNOWN || !known || bank->now_ms - since_ms >= wait_ms)
			*level = raw;
		else
			bank_step_by(out, since_ms + wait_ms);
	}
}

void fresh_step(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out)
{
	const struct site *site = &bank->site;
	struct now *now = &bank->now;
	int64_t t = bank->now_ms;

	for (unsigned k = 0; k < site->n_packs; k++)
		fresh_pack(bank, k, in, out);
	now->bus_v = is_fresh(t, in->bus.stamp_ms, site->bus.stale_ms) ? in->bus.v : (double)NAN;
	fresh_pcs(bank, in);
	fresh_inputs(bank, in, out);
	now->bus_age_s = age_s(t, in->bus.stamp_ms);
	out->bus_known = !isnan(now->bus_v);
	out->bus_v = out->bus_known ? now->bus_v : 0.;
	bool meter =
		site->grid.has_meter && is_fresh(t, in->meter.stamp_ms, site->grid.meter_stale_ms);
	now->meter_w = meter ? in->meter.p_w : (double)NAN;
	now->freq_hz = meter ? in->meter.freq_hz : (double)NAN;
	now->meter_age_s = age_s(t, in->meter.stamp_ms);
	bool imd = site->has_imd && is_fresh(t, in->imd.stamp_ms, site->imd_stale_ms);
	now->imd_ohm = imd && !in->imd.fault ? in->imd.insulation_ohm : (double)NAN;
	/* A monitor that only guesses yet, after its power-on, has not measured either. */
	now->imd_fault = site->has_imd && isnan(now->imd_ohm);
	now->supply_v = site->has_supply && is_fresh(t, in->supply_ms, SUPPLY_STALE_MS)
				? in->supply_v
				: (double)NAN;
}
