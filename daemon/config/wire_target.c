/* What a signal can be: its word, and what is possible of it. */
#include "config/wire_signal.h"

struct target_word {
	const char *word;
	enum wire_target target;
	unsigned index;   /* flag: bit of enum bms_flag; contact: pole */
	double low, high; /* a value outside can be none */
};

static const struct target_word targets[] = {
	{"pack_v", WIRE_TO_PACK_V, 0, 0.0, 1500.0},
	{"current_a", WIRE_TO_CURRENT_A, 0, -3000.0, 3000.0},
	{"link_v", WIRE_TO_LINK_V, 0, 0.0, 1500.0},
	{"cell_v", WIRE_TO_CELL_V, 0, 0.0, 6.0},
	{"cell_min_v", WIRE_TO_CELL_MIN_V, 0, 0.0, 6.0},
	{"cell_max_v", WIRE_TO_CELL_MAX_V, 0, 0.0, 6.0},
	{"temp_c", WIRE_TO_TEMP_C, 0, -60.0, 150.0},
	{"temp_min_c", WIRE_TO_TEMP_MIN_C, 0, -60.0, 150.0},
	{"temp_max_c", WIRE_TO_TEMP_MAX_C, 0, -60.0, 150.0},
	{"soc", WIRE_TO_SOC, 0, 0.0, 1.1},
	{"soh", WIRE_TO_SOH, 0, 0.0, 1.3},
	{"dis_limit_a", WIRE_TO_DIS_LIMIT_A, 0, -3000.0, 3000.0},
	{"dis_limit_w", WIRE_TO_DIS_LIMIT_W, 0, -2e6, 2e6},
	{"cha_limit_a", WIRE_TO_CHA_LIMIT_A, 0, -3000.0, 3000.0},
	{"cha_limit_w", WIRE_TO_CHA_LIMIT_W, 0, -2e6, 2e6},
	{"insulation_ohm", WIRE_TO_INSULATION_OHM, 0, 0.0, 1e9},
	{"aux_v", WIRE_TO_AUX_V, 0, 0.0, 100.0},
	{"serial", WIRE_TO_SERIAL, 0, 0.0, 0.0},
	{"fault", WIRE_TO_FLAG, BMS_FAULT, 0.0, 0.0},
	{"wants_open", WIRE_TO_FLAG, BMS_WANTS_OPEN, 0.0, 0.0},
	{"no_charge", WIRE_TO_FLAG, BMS_NO_CHARGE, 0.0, 0.0},
	{"no_discharge", WIRE_TO_FLAG, BMS_NO_DISCHARGE, 0.0, 0.0},
	{"welded", WIRE_TO_FLAG, BMS_WELDED, 0.0, 0.0},
	{"contact_negative", WIRE_TO_CONTACT, POLE_NEGATIVE, 0.0, 0.0},
	{"contact_positive", WIRE_TO_CONTACT, POLE_POSITIVE, 0.0, 0.0},
	{"contact_precharge", WIRE_TO_CONTACT, POLE_PRECHARGE, 0.0, 0.0},
	{"info", WIRE_TO_INFO, 0, -1e15, 1e15},
};

enum { TARGETS = sizeof(targets) / sizeof(targets[0]) };

const char *wire_target_word(const struct wire_signal *signal)
{
	for (unsigned i = 0; i < TARGETS; i++) {
		bool index = signal->target == WIRE_TO_FLAG ? targets[i].index == signal->bms_flag
			     : signal->target == WIRE_TO_CONTACT ? targets[i].index == signal->index
								 : true;

		if (targets[i].target == signal->target && index)
			return targets[i].word;
	}
	return "nothing";
}

void wire_signal_target(const struct wire_reading *reading)
{
	const char *words[TARGETS];
	struct wire_signal *signal = reading->signal;
	unsigned chosen;

	for (unsigned i = 0; i < TARGETS; i++)
		words[i] = targets[i].word;
	if (!wire_word(reading->reader, reading->setting, reading->where, "to", words, TARGETS,
		       &chosen))
		return;
	signal->target = targets[chosen].target;
	signal->low = targets[chosen].low;
	signal->high = targets[chosen].high;
	if (signal->target == WIRE_TO_FLAG)
		signal->bms_flag = targets[chosen].index;
	else
		signal->index = (uint16_t)targets[chosen].index;
}
