/* Offsets: SunSpec model definitions, github.com/sunspec/models, commit 7abdf898. */
#include <math.h>

#include "drivers/modbus/number.h"
#include "drivers/pcs/sunspec_pcs.h"

#define POINT(offset, kind, scale) ((struct sunspec_point){(offset), (scale), (kind)})

/* Of 704. */
enum {
	W_SET_ENA = 22,
	W_SET_MOD = 23,
	W_SET = 24,
	W_SET_RVRT = 26,
	W_SET_PCT = 28,
	W_SET_PCT_RVRT = 29,
	W_SET_ENA_RVRT = 30,
	W_SET_RVRT_TMS = 31,
	W_SET_RVRT_REM = 33,
	W_SET_SF = 55,
	W_SET_PCT_SF = 56,
	W_SET_END = 33, /* after what is written */
	MOD_PERCENT = 0,
	MOD_WATTS = 1,
};

/* Of 123, 124, 703, 715 and 802. */
enum {
	LIMIT_CONN = 4,
	LIMIT_PCT = 5,
	LIMIT_ENA = 9,
	LIMIT_PCT_SF = 23,
	STORAGE_MAX_SF = 18,
	STORAGE_MODE = 5,
	STORAGE_OUT = 12,
	STORAGE_IN = 13,
	STORAGE_SF = 25,
	STORAGE_BOTH = 3,
	ENTER_ES = 2,
	OPERATE_HB = 5,
	OPERATE_OP = 8,
	BATTERY_HB = 19,
	OP_STOP = 0,
	OP_START = 1,
};

static const char safe_704[] = "WSet 0 W, enabled, with its reversion timer; then stop";
static const char safe_124[] = "storage control on, both rates 0 %; then stop";
static const char safe_123[] = "limit 0 %, enabled; then stop";

static bool has(const struct sunspec_block *block, unsigned at)
{
	return block->stamp_ms != 0 && at < block->n;
}

static bool implements(const struct sunspec_block *block, unsigned at)
{
	return has(block, at) && block->value[at] != 0xffff;
}

static double percent_w(double reference_w, double scale)
{
	return reference_w / 100.0 * scale;
}

/* ---- how ------------------------------------------------------------------------------------ */

static bool choose_704(const struct sunspec_block block[SLOT_COUNT],
		       struct sunspec_control *control, struct pcs_traits *traits)
{
	const struct sunspec_block *at = &block[SLOT_CONTROL];
	double watts = sunspec_scale(at, W_SET_SF);
	double percent = percent_w(sunspec_device_max_w(block), sunspec_scale(at, W_SET_PCT_SF));

	if (!has(at, W_SET_PCT_SF))
		return false;
	if (!isnan(watts) && modbus_u32(&at->value[W_SET]) != 0x80000000u) {
		control->steering = STEER_WATTS;
		control->unit_w = watts;
		traits->control = "704 WSet, watts";
	} else if (percent > 0.0 && at->value[W_SET_PCT] != 0x8000) {
		control->steering = STEER_PERCENT;
		control->unit_w = percent;
		traits->control = "704 WSetPct, percent";
	} else {
		return false;
	}
	traits->safe = safe_704;
	traits->can_charge = true;
	return true;
}

static bool choose_124(const struct sunspec_block block[SLOT_COUNT],
		       struct sunspec_control *control, struct pcs_traits *traits)
{
	const struct sunspec_block *at = &block[SLOT_STORAGE];
	double unit_w = percent_w(sunspec_value(at, POINT(2, SUNSPEC_U16, STORAGE_MAX_SF)),
				  sunspec_scale(at, STORAGE_SF));

	if (!(unit_w > 0.0) || at->value[STORAGE_OUT] == 0x8000)
		return false;
	control->steering = STEER_STORAGE;
	control->unit_w = unit_w;
	traits->control = "124 OutWRte and InWRte";
	traits->safe = safe_124;
	traits->can_charge = true;
	return true;
}

static bool choose_123(const struct sunspec_block block[SLOT_COUNT],
		       struct sunspec_control *control, struct pcs_traits *traits)
{
	double unit_w = percent_w(sunspec_device_max_w(block),
				  sunspec_scale(&block[SLOT_LIMIT], LIMIT_PCT_SF));

	if (!(unit_w > 0.0))
		return false;
	control->steering = STEER_LIMIT;
	control->unit_w = unit_w;
	traits->control = "123 WMaxLimPct: discharge only";
	traits->safe = safe_123;
	return true;
}

void sunspec_control_choose(const struct sunspec_block block[SLOT_COUNT], int32_t dead_man_ms,
			    struct sunspec_control *control, struct pcs_traits *traits)
{
	*control = (struct sunspec_control){.timer_s = (uint32_t)dead_man_ms / 1000};
	*traits = (struct pcs_traits){.step_max_w = (double)INFINITY,
				      .can_discharge = true,
				      .safe = "nothing: it cannot be steered",
				      .control = "none"};
	traits->can_stop = implements(&block[SLOT_OPERATE], OPERATE_OP) ||
			   implements(&block[SLOT_ENTER], ENTER_ES) ||
			   implements(&block[SLOT_LIMIT], LIMIT_CONN);
	if (!choose_704(block, control, traits) && !choose_124(block, control, traits) &&
	    !choose_123(block, control, traits)) {
		traits->can_discharge = false;
		return;
	}
	traits->resolution_w = control->unit_w;
	traits->refresh_ms = control->timer_s ? (int32_t)control->timer_s * 1000 / 3 : 0;
}

/* ---- setpoint ---------------------------------------------------------------------------- */

int32_t sunspec_control_count(const struct sunspec_control *control, double p_w)
{
	double count = control->unit_w > 0.0
			       ? trunc(p_w / control->unit_w + (p_w < 0. ? -1e-9 : 1e-9))
			       : 0.0;
	double most = control->steering == STEER_WATTS ? 2147483646.0 : 32766.0;

	if (!isfinite(count))
		return 0;
	if (control->steering == STEER_LIMIT && count < 0.0)
		return 0;
	return (int32_t)(count > most ? most : count < -most ? -most : count);
}

static uint16_t *step_add(struct sunspec_script *script, const struct sunspec_block *block,
			  unsigned at, unsigned count)
{
	struct sunspec_step *step = &script->step[script->n++];

	step->address = (uint16_t)(block->address + at);
	step->count = (uint16_t)count;
	return step->value;
}

/* What of 704 is written, in the order of its registers. */
static void fill_704(const struct sunspec_control *control, const struct sunspec_block *block,
		     int32_t count, uint16_t value[W_SET_END - W_SET_ENA])
{
	bool watts = control->steering == STEER_WATTS;

	for (unsigned i = W_SET_ENA; i < W_SET_END; i++)
		value[i - W_SET_ENA] = block->value[i];
	value[0] = 1;
	value[W_SET_MOD - W_SET_ENA] = watts ? MOD_WATTS : MOD_PERCENT;
	if (watts) {
		modbus_put_u32(&value[W_SET - W_SET_ENA], (uint32_t)count);
		modbus_put_u32(&value[W_SET_RVRT - W_SET_ENA], 0);
	} else {
		value[W_SET_PCT - W_SET_ENA] = (uint16_t)count;
		value[W_SET_PCT_RVRT - W_SET_ENA] = 0;
	}
	value[W_SET_ENA_RVRT - W_SET_ENA] = control->timer_s > 0;
	modbus_put_u32(&value[W_SET_RVRT_TMS - W_SET_ENA], control->timer_s);
}

/* Where it goes back to comes before the timer, the setpoint before it is enabled. */
static void pieces_704(const struct sunspec_control *control, const struct sunspec_block *block,
		       const uint16_t *value, struct sunspec_script *script)
{
	bool watts = control->steering == STEER_WATTS;
	const struct {
		uint16_t at, count;
	} pieces[] = {{watts ? W_SET_RVRT : W_SET_PCT_RVRT, watts ? 2 : 1},
		      {W_SET_ENA_RVRT, 1},
		      {W_SET_RVRT_TMS, 2},
		      {W_SET_MOD, 1},
		      {watts ? W_SET : W_SET_PCT, watts ? 2 : 1},
		      {W_SET_ENA, 1}};

	for (unsigned i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		uint16_t *to = step_add(script, block, pieces[i].at, pieces[i].count);

		for (unsigned r = 0; r < pieces[i].count; r++)
			to[r] = value[pieces[i].at - W_SET_ENA + r];
	}
}

static void set_704(const struct sunspec_control *control, const struct sunspec_block *block,
		    int32_t count, struct sunspec_script *script)
{
	uint16_t value[W_SET_END - W_SET_ENA], *to;

	fill_704(control, block, count, value);
	if (control->in_pieces) {
		pieces_704(control, block, value, script);
		return;
	}
	to = step_add(script, block, W_SET_ENA, W_SET_END - W_SET_ENA);
	for (unsigned i = 0; i < W_SET_END - W_SET_ENA; i++)
		to[i] = value[i];
}

/* The end of these timers may mean "no limit": 0 W is set without one and stays. */
static uint16_t timer_of(const struct sunspec_control *control, int32_t count)
{
	return count == 0 ? 0 : (uint16_t)control->timer_s;
}

/* A negative rate forces the other direction (Fronius); both limits are on. */
static void set_124(const struct sunspec_control *control, const struct sunspec_block *block,
		    int32_t count, struct sunspec_script *script)
{
	uint16_t *rates = step_add(script, block, STORAGE_OUT, 4);

	rates[0] = (uint16_t)count;
	rates[1] = (uint16_t)-count;
	rates[2] = 0;
	rates[3] = timer_of(control, count);
	*step_add(script, block, STORAGE_MODE, 1) = STORAGE_BOTH;
}

static void set_123(const struct sunspec_control *control, const struct sunspec_block *block,
		    int32_t count, struct sunspec_script *script)
{
	uint16_t *limit = step_add(script, block, LIMIT_PCT, 5);

	limit[0] = (uint16_t)count;
	limit[1] = 0;
	limit[2] = timer_of(control, count);
	limit[3] = block->value[LIMIT_PCT + 3];
	limit[LIMIT_ENA - LIMIT_PCT] = 1;
}

void sunspec_control_set(const struct sunspec_control *control,
			 const struct sunspec_block block[SLOT_COUNT], int32_t count,
			 struct sunspec_script *script)
{
	script->n = 0;
	switch (control->steering) {
	case STEER_WATTS:
	case STEER_PERCENT:
		set_704(control, &block[SLOT_CONTROL], count, script);
		break;
	case STEER_STORAGE:
		set_124(control, &block[SLOT_STORAGE], count, script);
		break;
	case STEER_LIMIT:
		set_123(control, &block[SLOT_LIMIT], count, script);
		break;
	case STEER_NONE:
		break;
	}
}

void sunspec_control_run(const struct sunspec_block block[SLOT_COUNT], bool run,
			 struct sunspec_script *script)
{
	script->n = 0;
	if (implements(&block[SLOT_OPERATE], OPERATE_OP))
		*step_add(script, &block[SLOT_OPERATE], OPERATE_OP, 1) = run ? OP_START : OP_STOP;
	else if (implements(&block[SLOT_ENTER], ENTER_ES))
		*step_add(script, &block[SLOT_ENTER], ENTER_ES, 1) = run;
	else if (implements(&block[SLOT_LIMIT], LIMIT_CONN))
		*step_add(script, &block[SLOT_LIMIT], LIMIT_CONN, 1) = run;
}

void sunspec_control_beat(const struct sunspec_block block[SLOT_COUNT], uint32_t beat,
			  struct sunspec_script *script)
{
	script->n = 0;
	if (implements(&block[SLOT_OPERATE], OPERATE_HB))
		modbus_put_u32(step_add(script, &block[SLOT_OPERATE], OPERATE_HB, 2), beat);
	if (implements(&block[SLOT_BATTERY], BATTERY_HB))
		*step_add(script, &block[SLOT_BATTERY], BATTERY_HB, 1) = (uint16_t)(beat % 0x7fff);
}

/* ---- read back --------------------------------------------------------------------------- */

bool sunspec_control_proves(const struct sunspec_control *control,
			    const struct sunspec_block block[SLOT_COUNT])
{
	const struct sunspec_block *at = &block[SLOT_CONTROL];
	uint32_t left_s;
	bool zero;

	/* Elsewhere the end of the timer may mean "no limit". */
	if ((control->steering != STEER_WATTS && control->steering != STEER_PERCENT) ||
	    control->timer_s == 0 || !has(at, W_SET_PCT_SF))
		return false;
	zero = control->steering == STEER_WATTS ? modbus_u32(&at->value[W_SET_RVRT]) == 0
						: at->value[W_SET_PCT_RVRT] == 0;
	left_s = modbus_u32(&at->value[W_SET_RVRT_REM]);
	return zero && at->value[W_SET_ENA] == 1 && at->value[W_SET_ENA_RVRT] == 1 &&
	       modbus_u32(&at->value[W_SET_RVRT_TMS]) == control->timer_s &&
	       (left_s == UINT32_MAX || (left_s > 0 && left_s <= control->timer_s));
}

enum sunspec_slot sunspec_control_slot(const struct sunspec_control *control)
{
	switch (control->steering) {
	case STEER_WATTS:
	case STEER_PERCENT:
		return SLOT_CONTROL;
	case STEER_STORAGE:
		return SLOT_STORAGE;
	case STEER_LIMIT:
		return SLOT_LIMIT;
	case STEER_NONE:
		break;
	}
	return SLOT_COUNT;
}

static bool holds_704(const struct sunspec_control *control, const struct sunspec_block *at,
		      int32_t count)
{
	if (at->value[W_SET_ENA] != 1)
		return false;
	if (control->steering == STEER_WATTS)
		return at->value[W_SET_MOD] == MOD_WATTS && modbus_s32(&at->value[W_SET]) == count;
	return at->value[W_SET_MOD] == MOD_PERCENT && modbus_s16(at->value[W_SET_PCT]) == count;
}

/* Both rates: the one that was lost is the direction that has no limit any more. */
static bool holds_124(const struct sunspec_block *at, int32_t count)
{
	return at->value[STORAGE_MODE] == STORAGE_BOTH &&
	       modbus_s16(at->value[STORAGE_OUT]) == count &&
	       (at->value[STORAGE_IN] == 0x8000 || modbus_s16(at->value[STORAGE_IN]) == -count);
}

bool sunspec_control_holds(const struct sunspec_control *control,
			   const struct sunspec_block block[SLOT_COUNT], int32_t count)
{
	switch (control->steering) {
	case STEER_WATTS:
	case STEER_PERCENT:
		return holds_704(control, &block[SLOT_CONTROL], count);
	case STEER_STORAGE:
		return holds_124(&block[SLOT_STORAGE], count);
	case STEER_LIMIT: /* without its enable the device gives what it likes */
		return block[SLOT_LIMIT].value[LIMIT_ENA] == 1 &&
		       block[SLOT_LIMIT].value[LIMIT_PCT] == count;
	case STEER_NONE:
		break;
	}
	return true;
}
