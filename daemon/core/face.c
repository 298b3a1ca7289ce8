#include "core/face.h"
#include "core/bank.h"
#include "core/num.h"
#include "core/rules.h"
#include "core/standing.h"

/* ---- what is wrong --------------------------------------------------------------------------- */

static void add_reason(struct bank_face *face, enum reason reason, bool may_alarm)
{
	const struct reason_text *text = reason_text(reason);

	if (text->evt1 == EVT1_NONE || text->severity == SEVERITY_INFO)
		return;
	if (text->severity >= SEVERITY_TRIP && may_alarm)
		face->alarms |= 1u << text->evt1;
	else
		face->warnings |= 1u << text->evt1;
}

struct telling {
	struct bank_face *face;
	uint64_t connected;
};

/* What is wrong with a pack that is off, or with a converter, is no alarm of the battery. */
static void tell_rule(void *context, const struct rule *rule, const struct rule_result *result,
		      int pack, int pcs)
{
	struct telling *telling = context;

	(void)result;
	add_reason(telling->face, rule->reason,
		   pcs < 0 && (pack < 0 || telling->connected >> pack & 1));
}

static void tell_faults(const struct bank *bank, uint64_t connected, struct bank_face *face)
{
	standing_each(bank, tell_rule, &(struct telling){face, connected});
	if (bank->limits.set.known && !bank->limits.set.consistent)
		add_reason(face, REASON_INCONSISTENT, true);
}

/* ---- what it reads --------------------------------------------------------------------------- */

static void forget_numbers(struct bank_face *face)
{
	face->known = face->charge_ok = face->discharge_ok = false;
	face->v = face->a = face->soc = face->soh = face->capacity_ah = NAN;
	face->temp_min_c = face->temp_max_c = face->cell_min_v = face->cell_max_v = NAN;
	face->pack_min_v = face->pack_max_v = face->wh_dis = face->wh_cha = NAN;
	face->temp_min_pack = face->temp_max_pack = face->cell_min_pack = face->cell_max_pack = 0;
	face->pack_min_pack = face->pack_max_pack = 0;
}

static void take_low(double *low, uint8_t *whose, double value, unsigned k)
{
	if (value < *low)
		*whose = (uint8_t)(k + 1);
	*low = num_min(*low, value);
}

static void take_high(double *high, uint8_t *whose, double value, unsigned k)
{
	if (value > *high)
		*whose = (uint8_t)(k + 1);
	*high = num_max(*high, value);
}

/* What a pack of this profile does not have is left out; what it should have poisons. */
static bool is_taken(double low, double high, bool required)
{
	return required || (!isnan(low) && !isnan(high));
}

static void take_pack(const struct bank *bank, unsigned k, struct bank_face *face)
{
	const struct pack_now *now = &bank->now.pack[k];
	const struct pack_site *site = &bank->site.pack[k];
	const struct permit *permit = &bank->protect.pack[k].permit;

	face->a += now->current_a;
	face->capacity_ah += bank->estimate[k].capacity_ah;
	if (is_taken(now->cell_min_v, now->cell_max_v, site->cells_required)) {
		take_low(&face->cell_min_v, &face->cell_min_pack, now->cell_min_v, k);
		take_high(&face->cell_max_v, &face->cell_max_pack, now->cell_max_v, k);
	}
	if (is_taken(now->temp_min_c, now->temp_max_c, site->temps_required)) {
		take_low(&face->temp_min_c, &face->temp_min_pack, now->temp_min_c, k);
		take_high(&face->temp_max_c, &face->temp_max_pack, now->temp_max_c, k);
	}
	take_low(&face->pack_min_v, &face->pack_min_pack, now->pack_v, k);
	take_high(&face->pack_max_v, &face->pack_max_pack, now->pack_v, k);
	if (!(permit->cha_a > 0.))
		face->packs_no_charge++;
	if (!(permit->dis_a > 0.))
		face->packs_no_discharge++;
}

static double finite_or_unknown(double v)
{
	return isfinite(v) ? v : (double)NAN;
}

static void take_readings(const struct bank *bank, uint64_t connected, struct bank_face *face)
{
	face->v = bank->now.bus_v;
	face->soc = bank->limits.soc;
	face->soh = bank->limits.soh;
	face->a = face->capacity_ah = 0.;
	face->cell_min_v = face->temp_min_c = face->pack_min_v = (double)INFINITY;
	face->cell_max_v = face->temp_max_c = face->pack_max_v = -(double)INFINITY;
	for (unsigned k = 0; k < bank->site.n_packs; k++) {
		face->wh_dis += bank->life[k].wh_dis;
		face->wh_cha += bank->life[k].wh_cha;
		if (connected >> k & 1) {
			face->packs_online++;
			take_pack(bank, k, face);
		} else {
			face->packs_offline++;
		}
	}
	bool cells = !isnan(face->cell_min_v) && !isnan(face->cell_max_v);
	bool temps = !isnan(face->temp_min_c) && !isnan(face->temp_max_c);
	face->cell_min_v = finite_or_unknown(face->cell_min_v);
	face->cell_max_v = finite_or_unknown(face->cell_max_v);
	face->temp_min_c = finite_or_unknown(face->temp_min_c);
	face->temp_max_c = finite_or_unknown(face->temp_max_c);
	face->pack_min_v = finite_or_unknown(face->pack_min_v);
	face->pack_max_v = finite_or_unknown(face->pack_max_v);
	face->known = face->packs_online > 0 && bank->limits.set.known && cells && temps &&
		      isfinite(face->v + face->a + face->soc + face->capacity_ah);
}

void face_step(const struct bank *bank, struct bank_outputs *out)
{
	struct bank_face *face = &out->face;
	uint64_t connected = contactor_connected(bank);

	if (!out->pcs_enable)
		out->bus_dis_max_a = out->bus_cha_max_a = out->bus_min_v = out->bus_max_v = 0.;
	*face = (struct bank_face){0};
	take_readings(bank, connected, face);
	tell_faults(bank, connected, face);
	face->charge_ok = out->bus_cha_max_a > 0.;
	face->discharge_ok = out->bus_dis_max_a > 0.;
	if (!face->known)
		forget_numbers(face);
}
