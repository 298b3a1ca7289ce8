/* Offsets: SunSpec model definitions, github.com/sunspec/models, commit 7abdf898. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "drivers/modbus/number.h"
#include "drivers/pcs/sunspec_pcs.h"

#define POINT(offset, kind, scale) ((struct sunspec_point){(offset), (scale), (kind)})

static void name_of(const struct sunspec_block *block, unsigned at, unsigned registers, char *text)
{
	text[0] = '\0';
	if (block->stamp_ms != 0 && at + registers <= block->n)
		modbus_text(&block->value[at], registers, text, PCS_NAME_SIZE);
}

void sunspec_names(const struct sunspec_block block[SLOT_COUNT], struct pcs_status *status)
{
	const struct sunspec_block *common = &block[SLOT_COMMON];

	name_of(common, 2, 16, status->maker);
	name_of(common, 18, 16, status->model);
	name_of(common, 42, 8, status->version);
	name_of(common, 50, 16, status->serial);
}

/* ---- limits ------------------------------------------------------------------------------ */

static double first_known(double a, double b)
{
	return isnan(a) ? b : a;
}

/* Watts of the whole device: setting, else rating. */
double sunspec_device_max_w(const struct sunspec_block block[SLOT_COUNT])
{
	double w = sunspec_value(&block[SLOT_CAPACITY], POINT(26, SUNSPEC_U16, 45));

	w = first_known(w, sunspec_value(&block[SLOT_CAPACITY], POINT(2, SUNSPEC_U16, 45)));
	w = first_known(w, sunspec_value(&block[SLOT_SETTINGS], POINT(2, SUNSPEC_U16, 22)));
	return first_known(w, sunspec_value(&block[SLOT_NAMEPLATE], POINT(3, SUNSPEC_U16, 4)));
}

double sunspec_discharge_max_w(const struct sunspec_block block[SLOT_COUNT])
{
	double w = sunspec_value(&block[SLOT_CAPACITY], POINT(35, SUNSPEC_U16, 45));
	double all = sunspec_device_max_w(block);

	w = first_known(w, sunspec_value(&block[SLOT_CAPACITY], POINT(11, SUNSPEC_U16, 45)));
	w = first_known(w, sunspec_value(&block[SLOT_NAMEPLATE], POINT(25, SUNSPEC_U16, 26)));
	return w < all || isnan(all) ? w : all;
}

double sunspec_charge_max_w(const struct sunspec_block block[SLOT_COUNT])
{
	double w = sunspec_value(&block[SLOT_CAPACITY], POINT(34, SUNSPEC_U16, 45));

	w = first_known(w, sunspec_value(&block[SLOT_CAPACITY], POINT(10, SUNSPEC_U16, 45)));
	w = first_known(w, sunspec_value(&block[SLOT_NAMEPLATE], POINT(23, SUNSPEC_U16, 24)));
	w = first_known(w, sunspec_value(&block[SLOT_STORAGE], POINT(2, SUNSPEC_U16, 18)));
	return first_known(w, sunspec_device_max_w(block));
}

/* ---- state ------------------------------------------------------------------------------- */

/* InvSt of 701. Standing by and sleeping are not switching; shutting down still may. */
static enum pcs_state state_701(const struct sunspec_block *block)
{
	static const enum pcs_state states[] = {PCS_OFF,     PCS_OFF,     PCS_STARTING, PCS_RUNNING,
						PCS_RUNNING, PCS_RUNNING, PCS_FAULT,    PCS_OFF};
	uint32_t inverter = sunspec_code(block, POINT(4, SUNSPEC_U16, 0), UINT32_MAX);
	uint32_t on = sunspec_code(block, POINT(3, SUNSPEC_U16, 0), UINT32_MAX);

	if (inverter < sizeof states / sizeof states[0])
		return states[inverter];
	return on == 0 ? PCS_OFF : on == 1 ? PCS_RUNNING : PCS_UNKNOWN;
}

/* St of 101..103 and 111..113, one more than InvSt. */
static enum pcs_state state_10x(uint32_t st)
{
	static const enum pcs_state states[] = {PCS_UNKNOWN,  PCS_OFF,     PCS_OFF,
						PCS_STARTING, PCS_RUNNING, PCS_RUNNING,
						PCS_RUNNING,  PCS_FAULT,   PCS_OFF};

	return st < sizeof states / sizeof states[0] ? states[st] : PCS_UNKNOWN;
}

/* 713: what the device believes of its battery. An error there is one of the device. */
static bool storage_fails(const struct sunspec_block *block)
{
	enum { STA_ERROR = 2 };

	return sunspec_code(block, POINT(6, SUNSPEC_U16, 0), 0) == STA_ERROR;
}

void sunspec_stored(const struct sunspec_block block[SLOT_COUNT], struct pcs_status *status)
{
	const struct sunspec_block *stored = &block[SLOT_STORED];

	status->stores = stored->n > 0;
	status->stored_wh = sunspec_value(stored, POINT(2, SUNSPEC_U16, 7));
	status->stored_soc_pct = sunspec_value(stored, POINT(4, SUNSPEC_U16, 8));
	status->stored_soh_pct = sunspec_value(stored, POINT(5, SUNSPEC_U16, 8));
}

/* ---- DC ---------------------------------------------------------------------------------- */

/*
 * 160: inputs of a hybrid inverter. A battery has two there, one per direction, told by their names
 * ("StCha", "StDisCha": Fronius). A device with a single input has it for the battery; it has no
 * sign, and gets that of the AC side.
 */
enum { MPPT_FIXED = 10, MPPT_SIZE = 20 };

static double mppt_sign(const struct sunspec_block *block, unsigned at)
{
	char name[PCS_NAME_SIZE];

	modbus_text(&block->value[at + 1], 8, name, sizeof name);
	if (strncmp(name, "StCha", 5) == 0)
		return -1.0;
	return strncmp(name, "StDisCha", 8) == 0 ? 1.0 : 0.0;
}

static void mppt_add(const struct sunspec_block *block, unsigned at, double sign,
		     struct pcs_sample *sample)
{
	double a = sunspec_value(block, POINT((uint8_t)(at + 9), SUNSPEC_U16, 2));
	double v = sunspec_value(block, POINT((uint8_t)(at + 10), SUNSPEC_U16, 3));
	double w = sunspec_value(block, POINT((uint8_t)(at + 11), SUNSPEC_U16, 4));

	sample->dc_v = v > 0.0 ? v : first_known(sample->dc_v, v);
	sample->dc_a = first_known(sample->dc_a, 0.0) + sign * a;
	sample->dc_w = first_known(sample->dc_w, 0.0) + sign * w;
}

static unsigned mppt_modules(const struct sunspec_block *block)
{
	uint32_t modules = sunspec_code(block, POINT(8, SUNSPEC_U16, 0), 0);
	unsigned fit = block->n < MPPT_FIXED ? 0 : (block->n - (unsigned)MPPT_FIXED) / MPPT_SIZE;

	return modules < fit ? modules : fit;
}

static void dc_of_battery_inputs(const struct sunspec_block *block, struct pcs_sample *sample)
{
	for (unsigned m = 0; m < mppt_modules(block); m++) {
		unsigned at = MPPT_FIXED + m * MPPT_SIZE;
		double sign = mppt_sign(block, at);

		if (sign != 0.0)
			mppt_add(block, at, sign, sample);
	}
}

static void dc_of_only_input(const struct sunspec_block *block, struct pcs_sample *sample)
{
	if (mppt_modules(block) == 1)
		mppt_add(block, MPPT_FIXED, sample->ac_w < 0.0 ? -1.0 : 1.0, sample);
}

static void dc_of_714(const struct sunspec_block *block, struct pcs_sample *sample)
{
	sample->dc_a = sunspec_value(block, POINT(5, SUNSPEC_S16, 15));
	sample->dc_w = sunspec_value(block, POINT(6, SUNSPEC_S16, 17));
	sample->dc_v = sunspec_value(block, POINT(31, SUNSPEC_U16, 16));
	sample->dc_a = first_known(sample->dc_a, sunspec_value(block, POINT(30, SUNSPEC_S16, 15)));
	sample->dc_w = first_known(sample->dc_w, sunspec_value(block, POINT(32, SUNSPEC_S16, 17)));
}

/* DCA of 101..103 has no sign: that of the power is taken. */
static void dc_of_10x(const struct sunspec_block *block, struct pcs_sample *sample)
{
	sample->dc_v = sunspec_value(block, POINT(29, SUNSPEC_U16, 30));
	sample->dc_w = sunspec_value(block, POINT(31, SUNSPEC_S16, 32));
	sample->dc_a = sunspec_value(block, POINT(27, SUNSPEC_U16, 28));
	if (sample->dc_w < 0.0 && sample->dc_a > 0.0)
		sample->dc_a = -sample->dc_a;
}

static void dc_of_11x(const struct sunspec_block *block, struct pcs_sample *sample)
{
	sample->dc_a = sunspec_value(block, POINT(34, SUNSPEC_F32, 0));
	sample->dc_v = sunspec_value(block, POINT(36, SUNSPEC_F32, 0));
	sample->dc_w = sunspec_value(block, POINT(38, SUNSPEC_F32, 0));
}

static void sample_dc(const struct sunspec_block block[SLOT_COUNT], bool inverted,
		      struct pcs_sample *sample)
{
	if (block[SLOT_DC].n)
		dc_of_714(&block[SLOT_DC], sample);
	if (isnan(sample->dc_w))
		dc_of_battery_inputs(&block[SLOT_MPPT], sample);
	if (isnan(sample->dc_w) && block[SLOT_FLOAT].n)
		dc_of_11x(&block[SLOT_FLOAT], sample);
	if (isnan(sample->dc_w) && block[SLOT_INVERTER].n)
		dc_of_10x(&block[SLOT_INVERTER], sample);
	if (isnan(sample->dc_w) && isnan(sample->dc_a))
		dc_of_only_input(&block[SLOT_MPPT], sample);
	/* What two of the three say, the third need not. */
	if (isnan(sample->dc_w))
		sample->dc_w = sample->dc_v * sample->dc_a;
	if (isnan(sample->dc_a) && sample->dc_v > 1.0)
		sample->dc_a = sample->dc_w / sample->dc_v;
	if (inverted) {
		sample->dc_w = -sample->dc_w;
		sample->dc_a = -sample->dc_a;
	}
}

void sunspec_sample(const struct sunspec_block block[SLOT_COUNT], bool dc_inverted,
		    struct pcs_sample *sample)
{
	const struct sunspec_block *measure = &block[SLOT_MEASURE];
	const struct sunspec_block *inverter = &block[SLOT_INVERTER], *real = &block[SLOT_FLOAT];

	sample->dc_v = sample->dc_a = sample->dc_w = (double)NAN;
	if (measure->n) {
		sample->state = state_701(measure);
		sample->ac_w = sunspec_value(measure, POINT(10, SUNSPEC_S16, 116));
		sample->freq_hz = sunspec_value(measure, POINT(17, SUNSPEC_U32, 115));
		sample->faults = sunspec_code(measure, POINT(6, SUNSPEC_U32, 0), 0);
	} else if (inverter->n) {
		sample->state = state_10x(sunspec_code(inverter, POINT(38, SUNSPEC_U16, 0), 0));
		sample->ac_w = sunspec_value(inverter, POINT(14, SUNSPEC_S16, 15));
		sample->freq_hz = sunspec_value(inverter, POINT(16, SUNSPEC_U16, 17));
		sample->faults = sunspec_code(inverter, POINT(40, SUNSPEC_U32, 0), 0);
	} else {
		sample->state = state_10x(sunspec_code(real, POINT(48, SUNSPEC_U16, 0), 0));
		sample->ac_w = sunspec_value(real, POINT(22, SUNSPEC_F32, 0));
		sample->freq_hz = sunspec_value(real, POINT(24, SUNSPEC_F32, 0));
		sample->faults = sunspec_code(real, POINT(50, SUNSPEC_U32, 0), 0);
	}
	if (storage_fails(&block[SLOT_STORED]))
		sample->state = PCS_FAULT;
	sample->dis_max_w = sunspec_discharge_max_w(block);
	sample->cha_max_w = sunspec_charge_max_w(block);
	sample_dc(block, dc_inverted, sample);
}
