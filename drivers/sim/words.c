/* The words for faults, poles and inputs in scenario files and on the control socket. */
#include <string.h>

#include "drivers/sim/twin.h"

static const char *const fault_words[TWIN_FAULT_COUNT] = {
	[TWIN_NONE] = "none",
	[TWIN_WELD] = "weld",
	[TWIN_NO_CLOSE] = "no_close",
	[TWIN_CHATTER] = "chatter",
	[TWIN_FEEDBACK_LOST] = "feedback_lost",
	[TWIN_FEEDBACK_GONE] = "feedback_gone",
	[TWIN_FROZEN] = "frozen",
	[TWIN_STALE] = "stale",
	[TWIN_INVALID] = "invalid",
	[TWIN_CURRENT_LIE] = "current_lie",
	[TWIN_VOLTAGE_LIE] = "voltage_lie",
	[TWIN_CELL_DRIFT] = "cell_drift",
	[TWIN_HOT] = "hot",
	[TWIN_RUNAWAY] = "runaway",
	[TWIN_PACK_DEAF] = "pack_deaf",
	[TWIN_CLOSES_UNASKED] = "closes_unasked",
	[TWIN_PCS_DEAF] = "pcs_deaf",
	[TWIN_PCS_SIGN] = "pcs_sign",
	[TWIN_PCS_SILENT] = "pcs_silent",
	[TWIN_PCS_INVALID] = "pcs_invalid",
	[TWIN_PCS_FAULT] = "pcs_fault",
	[TWIN_PCS_NO_DEAD_MAN] = "pcs_no_dead_man",
	[TWIN_ESTOP] = "estop",
	[TWIN_INPUT] = "input",
	[TWIN_BUS_SENSOR] = "bus_sensor",
	[TWIN_BUS_SHORT] = "bus_short",
	[TWIN_PRECHARGE_OPEN] = "precharge_open",
	[TWIN_INSULATION] = "insulation",
	[TWIN_SUPPLY] = "supply",
	[TWIN_GPIO_GONE] = "gpio_gone",
	[TWIN_METER_SILENT] = "meter_silent",
	[TWIN_CLOCK_JUMP] = "clock_jump",
	[TWIN_BROKER_LOSS] = "broker_loss",
	[TWIN_AMBIENT] = "ambient",
};

static const char *const pole_words[POLE_COUNT] = {
	[POLE_NEGATIVE] = "negative",
	[POLE_POSITIVE] = "positive",
	[POLE_PRECHARGE] = "precharge",
};

static const char *const input_words[INPUT_COUNT] = {
	[INPUT_ESTOP] = "estop",   [INPUT_INTERLOCK] = "interlock",
	[INPUT_SMOKE] = "smoke",   [INPUT_GAS] = "gas",
	[INPUT_DOOR] = "door",     [INPUT_INSULATION] = "insulation",
	[INPUT_REMOTE] = "remote", [INPUT_FAN] = "fan",
	[INPUT_MAINS] = "mains",
};

/* Index of word in words[first..count); -1: not there. */
static int word_index(const char *const *words, int first, int count, const char *word)
{
	for (int i = first; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}

bool twin_fault_kind_parse(const char *word, enum twin_fault_kind *kind)
{
	int i = word_index(fault_words, TWIN_NONE + 1, TWIN_FAULT_COUNT, word);

	if (i >= 0)
		*kind = (enum twin_fault_kind)i;
	return i >= 0;
}

const char *twin_fault_word(enum twin_fault_kind kind)
{
	return kind < TWIN_FAULT_COUNT ? fault_words[kind] : "unknown";
}

bool twin_pole_parse(const char *word, enum pole *pole)
{
	int i = word_index(pole_words, 0, POLE_COUNT, word);

	if (i >= 0)
		*pole = (enum pole)i;
	return i >= 0;
}

bool twin_input_parse(const char *word, enum input_id *input)
{
	int i = word_index(input_words, 0, INPUT_COUNT, word);

	if (i >= 0)
		*input = (enum input_id)i;
	return i >= 0;
}
