/* What a simulated plant needs to make sense. */
#include <math.h>
#include <string.h>

#include "config/key.h"

/* What a fault must name. */
struct fault_need {
	bool pack, pole, input, value;
};

static const struct fault_need needs[TWIN_FAULT_COUNT] = {
	[TWIN_WELD] = {.pack = true, .pole = true},
	[TWIN_NO_CLOSE] = {.pack = true, .pole = true},
	[TWIN_CHATTER] = {.pack = true, .pole = true},
	[TWIN_FEEDBACK_LOST] = {.pack = true, .pole = true},
	[TWIN_FEEDBACK_GONE] = {.pack = true},
	[TWIN_FROZEN] = {.pack = true},
	[TWIN_STALE] = {.pack = true},
	[TWIN_INVALID] = {.pack = true},
	[TWIN_CURRENT_LIE] = {.pack = true, .value = true},
	[TWIN_VOLTAGE_LIE] = {.pack = true, .value = true},
	[TWIN_CELL_DRIFT] = {.pack = true, .value = true},
	[TWIN_HOT] = {.pack = true, .value = true},
	[TWIN_RUNAWAY] = {.pack = true, .value = true},
	[TWIN_PACK_DEAF] = {.pack = true},
	[TWIN_CLOSES_UNASKED] = {.pack = true},
	[TWIN_INPUT] = {.input = true},
	[TWIN_PRECHARGE_OPEN] = {.pack = true},
	[TWIN_INSULATION] = {.value = true},
	[TWIN_SUPPLY] = {.value = true},
	[TWIN_CLOCK_JUMP] = {.value = true},
	[TWIN_AMBIENT] = {.value = true},
};

static void check_fault(struct reader *reader, unsigned i, const config_setting_t *element)
{
	const struct twin_fault *fault = &reader->config->sim.fault[i];
	const char *word;
	char where[48];

	if (!config_setting_is_group(element))
		return;
	snprintf(where, sizeof(where), "simulation.faults[%u]", i);
	if (fault->until_ms > 0 && fault->until_ms <= fault->at_ms)
		mistake_at(&reader->mistakes, setting_find(element, NULL, "until_s"), where,
			   "until_s %g is not after at_s %g", (double)fault->until_ms / 1000.0,
			   (double)fault->at_ms / 1000.0);
	if ((int)fault->kind <= TWIN_NONE || fault->kind >= TWIN_FAULT_COUNT)
		return;
	word = twin_fault_word(fault->kind);
	const struct {
		bool needed;
		const char *key;
	} keys[] = {{needs[fault->kind].pack, "pack"},
		    {needs[fault->kind].pole, "pole"},
		    {needs[fault->kind].input, "input"},
		    {needs[fault->kind].value, "value"}};

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		if (keys[k].needed && !setting_find(element, NULL, keys[k].key))
			mistake_at(&reader->mistakes, element, where,
				   "%s is missing: a fault of kind \"%s\" needs it", keys[k].key,
				   word);
}

static void check_truths(struct reader *reader, const config_setting_t *list)
{
	for (int i = 0; i < config_setting_length(list); i++) {
		const config_setting_t *element = config_setting_get_elem(list, (unsigned)i);
		const char *id, *other;

		if (!config_setting_is_group(element) ||
		    !config_setting_lookup_string(element, "id", &id))
			continue;
		for (int j = 0; j < i; j++) {
			const config_setting_t *before = config_setting_get_elem(list, (unsigned)j);

			if (config_setting_is_group(before) &&
			    config_setting_lookup_string(before, "id", &other) &&
			    strcmp(id, other) == 0)
				mistake_at(&reader->mistakes, element, NULL,
					   "simulation.packs[%d] \"%s\": id is also that of "
					   "simulation.packs[%d]",
					   i, id, j);
		}
	}
}

void check_simulation(struct reader *reader)
{
	const config_setting_t *root = config_root_setting(&reader->tree);
	const config_setting_t *group = setting_find(root, NULL, "simulation");
	const config_setting_t *list = setting_find(group, NULL, "faults");

	if (!group)
		return;
	if (!reader->config->simulated)
		mistake_at(&reader->mistakes, group, "simulation",
			   "nothing of this site is on the simulator: remove the group");
	for (unsigned i = 0; list && i < reader->config->sim.n_faults; i++)
		check_fault(reader, i, config_setting_get_elem(list, i));
	list = setting_find(group, NULL, "packs");
	if (list && config_setting_is_list(list))
		check_truths(reader, list);
}
