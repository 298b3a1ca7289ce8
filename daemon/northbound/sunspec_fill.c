#include "northbound/sunspec_fill.h"

#include <math.h>

/* Values of the enumerations, as the models number them. */
enum { INV_OFF = 0, INV_STARTING = 2, INV_RUNNING, INV_THROTTLED, INV_SHUTTING_DOWN, INV_FAULT };
enum {
	CHARGE_OFF = 1,
	CHARGE_EMPTY,
	CHARGE_DISCHARGING,
	CHARGE_CHARGING,
	CHARGE_FULL,
	CHARGE_HOLD
};
enum {
	STATE_DISCONNECTED = 1,
	STATE_INITIALIZING,
	STATE_CONNECTED,
	STATE_STANDBY,
	STATE_SUSPENDING = 6,
	STATE_FAULT = 99
};
enum {
	FAIL_NONE = 0,
	FAIL_GROUND = 2,
	FAIL_VOLTAGE,
	FAIL_DISABLED,
	FAIL_CONTACTOR = 6,
	FAIL_PRECHARGE,
	FAIL_OTHER
};
enum { DISABLED_NOT = 0, DISABLED_FAULT, DISABLED_MAINTENANCE };
enum { STORAGE_OK = 0, STORAGE_WARNING, STORAGE_ERROR };
enum { LITHIUM_ION = 4 };

static const double still_a = 1.0; /* below, the battery holds */

/* Alarms of Evt1; what is left of the bits are warnings. */
static const uint32_t alarm_bits =
	1u << EVT1_COMMUNICATION | 1u << EVT1_OVER_TEMP_ALARM | 1u << EVT1_UNDER_TEMP_ALARM |
	1u << EVT1_OVER_CHARGE_CURRENT_ALARM | 1u << EVT1_OVER_DISCHARGE_CURRENT_ALARM |
	1u << EVT1_OVER_VOLT_ALARM | 1u << EVT1_UNDER_VOLT_ALARM | 1u << EVT1_UNDER_SOC_ALARM |
	1u << EVT1_OVER_SOC_ALARM | 1u << EVT1_TEMPERATURE_IMBALANCE_ALARM | 1u << EVT1_CONTACTOR |
	1u << EVT1_FAN | 1u << EVT1_GROUND_FAULT | 1u << EVT1_OPEN_DOOR | 1u << EVT1_OTHER_ALARM |
	1u << EVT1_CONFIGURATION_ALARM;

struct filling {
	struct sunspec_image *image;
	const struct site *site;
	const struct sunspec_view *view;
	const struct bank_report *report;
	/* of the packs */
	double a, cell_min_v, cell_max_v, wh, efc;
	double str_min_v, str_max_v, str_min_a, str_max_a;
	uint32_t events;
};

static void put(const struct filling *f, unsigned at, double value, int sf)
{
	sunspec_put(f->image, at, value, sf);
}

/* ---- sums ---------------------------------------------------------------------------------- */

static double least(double a, double b)
{
	return isnan(a) || b < a ? b : a;
}

static double most(double a, double b)
{
	return isnan(a) || b > a ? b : a;
}

static uint32_t events_of(enum reason reason)
{
	unsigned bit = reason_text(reason)->evt1;

	return bit < 32 ? 1u << bit : 0;
}

static double nominal_wh(const struct pack_site *pack)
{
	return pack->model.nominal_ah * 0.5 * (pack->limit.pack_min_v + pack->limit.pack_max_v);
}

static void sum_packs(struct filling *f)
{
	f->cell_min_v = f->cell_max_v = (double)NAN;
	f->str_min_v = f->str_max_v = f->str_min_a = f->str_max_a = (double)NAN;
	for (unsigned k = 0; k < f->report->n_packs; k++) {
		const struct pack_report *pack = &f->report->pack[k];

		f->wh += nominal_wh(&f->site->pack[k]);
		f->efc += pack->efc / f->report->n_packs;
		f->events |= events_of(pack->reason);
		if (pack->connected)
			f->a += pack->a;
		if (!isnan(pack->cell_min_v))
			f->cell_min_v = least(f->cell_min_v, pack->cell_min_v);
		if (!isnan(pack->cell_max_v))
			f->cell_max_v = most(f->cell_max_v, pack->cell_max_v);
		if (!isnan(pack->v)) {
			f->str_min_v = least(f->str_min_v, pack->v);
			f->str_max_v = most(f->str_max_v, pack->v);
		}
		if (!isnan(pack->a)) {
			f->str_min_a = least(f->str_min_a, pack->a);
			f->str_max_a = most(f->str_max_a, pack->a);
		}
	}
	f->events |=
		f->view->face.alarms | f->view->face.warnings | events_of(f->report->state_reason);
}

/* ---- 701, 702, 713, 715 -------------------------------------------------------------------- */

static int inverter_state(const struct bank_report *report)
{
	if (report->tripped)
		return INV_FAULT;
	switch (report->state) {
	case BANK_STARTING:
		return report->stopped ? INV_OFF : INV_STARTING;
	case BANK_READY:
	case BANK_RUNNING:
		return INV_RUNNING;
	case BANK_DERATED:
		return INV_THROTTLED;
	case BANK_STOPPING:
		return INV_SHUTTING_DOWN;
	case BANK_STOPPED:
		return INV_OFF;
	case BANK_TRIPPED:
		return INV_FAULT;
	}
	return INV_OFF;
}

/* Power is at the grid only where the site measures there. */
static void fill_measurement(const struct filling *f)
{
	const struct bank_report *report = f->report;
	unsigned at = f->image->measurement;

	put(f, at + 3, report->pcs_enable ? 1 : 0, 0);
	put(f, at + 4, inverter_state(report), 0);
	put(f, at + 5, report->packs_connected > 0 ? 1 : 0, 0);
	if (!f->site->grid.measured_at_ac)
		return;
	put(f, at + 10, report->p_w, f->image->scale.w);
}

static void fill_capacity(const struct filling *f)
{
	const struct grid_site *grid = &f->site->grid;
	unsigned at = f->image->capacity;
	int sf = f->image->scale.w;

	put(f, at + 2, grid->p_max_w, sf);
	put(f, at + 10, grid->p_max_w, sf);
	put(f, at + 11, grid->p_max_w, sf);
	put(f, at + 34, f->report->cha_w[HORIZON_NOW], sf);
	put(f, at + 35, f->report->dis_w[HORIZON_NOW], sf);
}

static void fill_storage(const struct filling *f)
{
	const struct bank_report *report = f->report;
	unsigned at = f->image->storage;
	bool error = report->tripped || (f->events & alarm_bits) != 0;

	put(f, at + 2, f->wh, f->image->scale.wh);
	put(f, at + 3, f->wh * report->soc * report->soh, f->image->scale.wh);
	put(f, at + 4, 100.0 * report->soc, f->image->scale.percent);
	put(f, at + 5, 100.0 * report->soh, f->image->scale.percent);
	put(f, at + 6, error ? STORAGE_ERROR : f->events ? STORAGE_WARNING : STORAGE_OK, 0);
}

/* Seconds of the control thread: they stand still when it does. */
static double heartbeat(const struct bank_report *report)
{
	return (double)(report->now_ms / 1000);
}

static bool is_local(const struct bank_report *report)
{
	return report->locked || report->stopped || report->winner == 0;
}

static void fill_control(const struct filling *f)
{
	unsigned at = f->image->control;

	put(f, at + 2, is_local(f->report) ? 1 : 0, 0);
	put(f, at + 3, fmod(heartbeat(f->report), 4294967295.0), 0);
	put(f, at + 7, 0, 0);
	put(f, at + 8, f->report->stopped ? 0 : 1, 0);
}

/* ---- 802 ----------------------------------------------------------------------------------- */

static int charge_state(const struct filling *f)
{
	const struct bank_report *report = f->report;

	if (report->packs_connected == 0)
		return CHARGE_OFF;
	if (report->dis_reason == REASON_SOC_LOW)
		return CHARGE_EMPTY;
	if (report->cha_reason == REASON_SOC_HIGH)
		return CHARGE_FULL;
	if (f->a > still_a)
		return CHARGE_DISCHARGING;
	return f->a < -still_a ? CHARGE_CHARGING : CHARGE_HOLD;
}

static int battery_state(const struct bank_report *report)
{
	if (report->tripped)
		return STATE_FAULT;
	if (report->state == BANK_STOPPING)
		return STATE_SUSPENDING;
	if (report->packs_connected > 0)
		return report->state == BANK_READY ? STATE_STANDBY : STATE_CONNECTED;
	return report->stopped ? STATE_DISCONNECTED : STATE_INITIALIZING;
}

static void fill_battery_limits(const struct filling *f)
{
	const struct sunspec_scale *scale = &f->image->scale;
	const struct plan_site *plan = &f->site->plan;
	unsigned at = f->image->battery;
	double ah = 0.0;

	for (unsigned k = 0; k < f->site->n_packs; k++)
		ah += f->site->pack[k].model.nominal_ah;
	put(f, at + 2, ah, scale->ah);
	put(f, at + 3, f->wh, scale->wh);
	put(f, at + 4, f->report->cha_w[HORIZON_NOW], scale->w);
	put(f, at + 5, f->report->dis_w[HORIZON_NOW], scale->w);
	put(f, at + 7, 100.0 * plan->soc_ceiling, scale->percent);
	put(f, at + 8, 100.0 * plan->soc_floor, scale->percent);
	put(f, at + 45, f->view->bus_cha_max_a, scale->a);
	put(f, at + 46, f->view->bus_dis_max_a, scale->a);
}

static void fill_battery_state(const struct filling *f)
{
	const struct bank_report *report = f->report;
	unsigned at = f->image->battery;

	put(f, at + 16, charge_state(f), 0);
	put(f, at + 17, is_local(report) ? 1 : 0, 0);
	put(f, at + 18, fmod(heartbeat(report), 65535.0), 0);
	put(f, at + 20, 0, 0);
	put(f, at + 21, LITHIUM_ION, 0);
	put(f, at + 22, battery_state(report), 0);
	sunspec_put_bits(f->image, at + 26, f->events);
	for (unsigned i = 28; i <= 32; i += 2)
		sunspec_put_bits(f->image, at + i, 0);
	put(f, at + 50, report->stopped ? 2 : 1, 0);
	put(f, at + 51, report->pcs_enable ? 3 : 1, 0);
}

static void fill_battery_measured(const struct filling *f)
{
	const struct sunspec_scale *scale = &f->image->scale;
	const struct bank_report *report = f->report;
	unsigned at = f->image->battery;

	put(f, at + 11, 100.0 * report->soc, scale->percent);
	put(f, at + 13, 100.0 * report->soh, scale->percent);
	put(f, at + 14, f->efc, 0);
	put(f, at + 34, report->dc_v, scale->v);
	put(f, at + 37, f->cell_max_v, scale->cell_v);
	put(f, at + 40, f->cell_min_v, scale->cell_v);
	put(f, at + 44, f->a, scale->a);
	put(f, at + 47, f->a * report->dc_v, scale->w);
}

/* ---- 803, 804 ------------------------------------------------------------------------------ */

static int fail_of(const struct pack_report *pack)
{
	enum reason reason = pack->reason;
	unsigned bit = reason_text(reason)->evt1;

	if (pack->disabled)
		return FAIL_DISABLED;
	if (reason == REASON_PRECHARGE_TIMEOUT || reason == REASON_PRECHARGE_SHORT ||
	    reason == REASON_PRECHARGE_SLOW || reason == REASON_PRECHARGE_LOCKED)
		return FAIL_PRECHARGE;
	if (bit == EVT1_CONTACTOR)
		return FAIL_CONTACTOR;
	if (bit == EVT1_GROUND_FAULT)
		return FAIL_GROUND;
	if (bit == EVT1_OVER_VOLT_ALARM || bit == EVT1_UNDER_VOLT_ALARM)
		return FAIL_VOLTAGE;
	return pack->latched ? FAIL_OTHER : FAIL_NONE;
}

static int disabled_of(const struct pack_report *pack)
{
	if (pack->disabled)
		return DISABLED_MAINTENANCE;
	return pack->latched ? DISABLED_FAULT : DISABLED_NOT;
}

static uint32_t status_of(const struct pack_report *pack)
{
	return (pack->disabled ? 0u : 1u) | (pack->connected ? 2u : 0u);
}

/* Readings that 803, 804 and the module of 804 all have, each at its own place. */
struct places {
	unsigned cell_max, cell_min, cell_avg, temp_max, temp_min, temp_avg;
};

/* Of temperatures only the extremes are known here: their mean stands for the average. */
static void put_readings(const struct filling *f, unsigned at, const struct places *places,
			 unsigned k)
{
	const struct sunspec_scale *scale = &f->image->scale;
	const struct pack_report *pack = &f->report->pack[k];

	put(f, at + places->cell_max, pack->cell_max_v, scale->cell_v);
	put(f, at + places->cell_min, pack->cell_min_v, scale->cell_v);
	put(f, at + places->cell_avg, pack->v / f->site->pack[k].model.cells_series, scale->cell_v);
	put(f, at + places->temp_max, pack->t_max_c, scale->temperature);
	put(f, at + places->temp_min, pack->t_min_c, scale->temperature);
	put(f, at + places->temp_avg, 0.5 * (pack->t_min_c + pack->t_max_c), scale->temperature);
}

static void fill_bank(const struct filling *f)
{
	const struct sunspec_scale *scale = &f->image->scale;
	unsigned at = f->image->bank;

	put(f, at + 2, f->report->n_packs, 0);
	put(f, at + 3, f->report->packs_connected, 0);
	put(f, at + 4, f->report->t_max_c, scale->temperature);
	put(f, at + 7, f->report->t_min_c, scale->temperature);
	put(f, at + 11, f->str_max_v, scale->v);
	put(f, at + 13, f->str_min_v, scale->v);
	put(f, at + 16, f->str_max_a, scale->a);
	put(f, at + 18, f->str_min_a, scale->a);
}

static void fill_bank_string(const struct filling *f, unsigned k)
{
	static const struct places places = {7, 9, 11, 12, 14, 16};
	const struct sunspec_scale *scale = &f->image->scale;
	const struct pack_report *pack = &f->report->pack[k];
	unsigned at = f->image->bank + 28 + k * SUNSPEC_STRING_SIZE;

	put(f, at, 1, 0);
	sunspec_put_bits(f->image, at + 1, status_of(pack));
	put(f, at + 3, fail_of(pack), 0);
	put(f, at + 4, 100.0 * pack->soc, scale->percent);
	put(f, at + 5, 100.0 * pack->soh, scale->percent);
	put(f, at + 6, pack->a, scale->a);
	put_readings(f, at, &places, k);
	put(f, at + 17, disabled_of(pack), 0);
	sunspec_put_bits(f->image, at + 20, events_of(pack->reason));
	put(f, at + 28, pack->disabled ? 2 : 1, 0);
}

static void fill_string(const struct filling *f, unsigned k)
{
	static const struct places places = {15, 17, 19, 20, 22, 24};
	static const struct places module = {3, 5, 7, 8, 10, 12};
	const struct sunspec_scale *scale = &f->image->scale;
	const struct pack_report *pack = &f->report->pack[k];
	unsigned at = f->image->string[k];

	put(f, at + 2, k + 1, 0);
	put(f, at + 3, 1, 0);
	sunspec_put_bits(f->image, at + 4, status_of(pack));
	put(f, at + 6, fail_of(pack), 0);
	put(f, at + 8, 100.0 * pack->soc, scale->percent);
	put(f, at + 10, pack->efc, 0);
	put(f, at + 12, 100.0 * pack->soh, scale->percent);
	put(f, at + 13, pack->a, scale->a);
	put(f, at + 14, pack->v, scale->v);
	put_readings(f, at, &places, k);
	put(f, at + 21, 1, 0);
	put(f, at + 23, 1, 0);
	sunspec_put_bits(f->image, at + 28, events_of(pack->reason));
	put(f, at + 36, pack->disabled ? 2 : 1, 0);
	put(f, at + 48, f->site->pack[k].model.cells_series, 0);
	put(f, at + 49, 100.0 * pack->soc, scale->percent);
	put(f, at + 50, 100.0 * pack->soh, scale->percent);
	put_readings(f, at + 48, &module, k);
}

void sunspec_fill(struct sunspec_image *image, const struct site *site,
		  const struct sunspec_view *view)
{
	struct filling f = {.image = image, .site = site, .view = view, .report = &view->report};

	sum_packs(&f);
	fill_measurement(&f);
	fill_capacity(&f);
	fill_storage(&f);
	fill_control(&f);
	fill_battery_limits(&f);
	fill_battery_state(&f);
	fill_battery_measured(&f);
	fill_bank(&f);
	for (unsigned k = 0; k < image->n_packs && k < view->report.n_packs; k++) {
		fill_bank_string(&f, k);
		fill_string(&f, k);
	}
}
