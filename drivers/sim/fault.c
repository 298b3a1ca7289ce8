/* Faults of the twin: a list with times, folded into effects whenever one begins or ends. */
#include <math.h>
#include <string.h>

#include "drivers/sim/plant.h"

bool twin_fault_of_pcs(enum twin_fault_kind kind)
{
	return kind >= TWIN_PCS_DEAF && kind <= TWIN_PCS_NO_DEAD_MAN;
}

static bool fault_holds(const struct twin *twin, const struct twin_fault *fault, int64_t t)
{
	int64_t at = t - twin->start_ms;

	return fault->at_ms <= at && (fault->until_ms == 0 || at < fault->until_ms);
}

static void fault_hit_pack(struct pack_effects *pack, const struct twin_fault *fault)
{
	switch ((int)fault->kind) {
	case TWIN_WELD:
		pack->weld[fault->pole] = true;
		break;
	case TWIN_NO_CLOSE:
		pack->no_close[fault->pole] = true;
		break;
	case TWIN_CHATTER:
		pack->chatter[fault->pole] = true;
		break;
	case TWIN_FEEDBACK_LOST:
		pack->deaf_aux[fault->pole] = true;
		break;
	case TWIN_FEEDBACK_GONE:
		pack->aux_gone = true;
		break;
	case TWIN_FROZEN:
		pack->frozen = true;
		break;
	case TWIN_STALE:
		pack->stale = true;
		break;
	case TWIN_INVALID:
		pack->invalid = true;
		break;
	case TWIN_CURRENT_LIE:
		pack->lie_a += fault->value;
		break;
	case TWIN_VOLTAGE_LIE:
		pack->lie_v += fault->value;
		break;
	case TWIN_CELL_DRIFT:
		pack->drift_v += fault->value;
		break;
	case TWIN_HOT:
		pack->heat_w += fault->value;
		break;
	case TWIN_RUNAWAY:
		pack->runaway_k_s += fault->value;
		break;
	case TWIN_PRECHARGE_OPEN:
		pack->precharge_open = true;
		break;
	case TWIN_PACK_DEAF:
		pack->deaf = true;
		break;
	case TWIN_CLOSES_UNASKED:
		pack->closes_unasked = true;
		break;
	case TWIN_INSULATION:
		pack->insulation_ohm = fault->value;
		break;
	default:
		break;
	}
}

static void fault_hit_pcs(struct effects *effects, const struct twin_fault *fault)
{
	for (int i = 0; i < PCS_MAX; i++) {
		if (fault->pack >= 0 && fault->pack != i)
			continue;
		effects->pcs_deaf[i] |= fault->kind == TWIN_PCS_DEAF;
		effects->pcs_sign[i] |= fault->kind == TWIN_PCS_SIGN;
		effects->pcs_silent[i] |= fault->kind == TWIN_PCS_SILENT;
		effects->pcs_invalid[i] |= fault->kind == TWIN_PCS_INVALID;
		effects->pcs_fault[i] |= fault->kind == TWIN_PCS_FAULT;
		effects->pcs_no_dead_man[i] |= fault->kind == TWIN_PCS_NO_DEAD_MAN;
	}
}

static void fault_hit(struct twin *twin, const struct twin_fault *fault)
{
	struct effects *effects = &twin->effects;

	switch ((int)fault->kind) {
	case TWIN_PCS_DEAF:
	case TWIN_PCS_SIGN:
	case TWIN_PCS_SILENT:
	case TWIN_PCS_INVALID:
	case TWIN_PCS_FAULT:
	case TWIN_PCS_NO_DEAD_MAN:
		fault_hit_pcs(effects, fault);
		return;
	case TWIN_ESTOP:
		effects->estop = effects->input[INPUT_ESTOP] = true;
		return;
	case TWIN_INPUT:
		effects->input[fault->input] = true;
		return;
	case TWIN_BUS_SENSOR:
		effects->bus_sensor = true;
		return;
	case TWIN_BUS_SHORT:
		effects->bus_short = true;
		return;
	case TWIN_SUPPLY:
		effects->supply_v = fault->value;
		return;
	case TWIN_GPIO_GONE:
		effects->gpio_gone = true;
		return;
	case TWIN_METER_SILENT:
		effects->meter_silent = true;
		return;
	case TWIN_AMBIENT:
		effects->ambient_c = fault->value;
		return;
	default:
		break;
	}
	if (fault->kind == TWIN_INSULATION && fault->pack < 0) {
		effects->insulation_ohm = fault->value;
		return;
	}
	for (unsigned k = 0; k < twin->site.n_packs; k++)
		if (fault->pack < 0 || (unsigned)fault->pack == k)
			fault_hit_pack(&effects->pack[k], fault);
}

void plant_fault_gather(struct twin *twin, int64_t t)
{
	struct effects *effects = &twin->effects;

	memset(effects, 0, sizeof(*effects));
	effects->supply_v = twin->supply_nominal_v;
	effects->ambient_c = twin->config.ambient_c;
	effects->insulation_ohm = (double)INFINITY;
	for (unsigned k = 0; k < twin->site.n_packs; k++)
		effects->pack[k].insulation_ohm = (double)INFINITY;
	for (unsigned i = 0; i < twin->config.n_faults; i++)
		if (fault_holds(twin, &twin->config.fault[i], t))
			fault_hit(twin, &twin->config.fault[i]);
	for (unsigned k = 0; k < twin->site.n_packs; k++)
		twin->pack[k].drift_v = effects->pack[k].drift_v;
}

int64_t plant_fault_next_ms(const struct twin *twin, int64_t t)
{
	int64_t next = INT64_MAX;

	for (unsigned i = 0; i < twin->config.n_faults; i++) {
		const struct twin_fault *fault = &twin->config.fault[i];
		int64_t begin = twin->start_ms + fault->at_ms;
		int64_t end = fault->until_ms ? twin->start_ms + fault->until_ms : INT64_MAX;

		if (begin > t && begin < next)
			next = begin;
		if (end > t && end < next)
			next = end;
	}
	return next;
}

bool twin_fault_active(const struct twin *twin, enum twin_fault_kind kind, double *value)
{
	for (unsigned i = 0; i < twin->config.n_faults; i++) {
		const struct twin_fault *fault = &twin->config.fault[i];

		if (fault->kind == kind && fault_holds(twin, fault, twin->now_ms)) {
			if (value)
				*value = fault->value;
			return true;
		}
	}
	return false;
}
