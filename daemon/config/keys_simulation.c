/* The keys of the simulated plant. */
#include <stddef.h>

#include "config/key.h"

static const char *fault_word(int kind)
{
	return twin_fault_word((enum twin_fault_kind)kind);
}

/* As the keys of gpio call them. */
static const char *input_word(int input)
{
	static const char *const words[INPUT_COUNT] = {
		[INPUT_ESTOP] = "estop",   [INPUT_INTERLOCK] = "interlock",
		[INPUT_SMOKE] = "smoke",   [INPUT_GAS] = "gas",
		[INPUT_DOOR] = "door",     [INPUT_INSULATION] = "insulation",
		[INPUT_REMOTE] = "remote", [INPUT_FAN] = "fan",
		[INPUT_MAINS] = "mains",
	};

	return words[input];
}

static const struct words fault_words = {fault_word, TWIN_NONE + 1, TWIN_FAULT_COUNT};
static const struct words input_words = {input_word, 0, INPUT_COUNT};

static const struct key truth_keys[] = {
	{"id", KEY_NAME, AT_SITE(pack_site, id), .help = "the pack of packs that this is true of"},
	{"soc", KEY_REAL, AT_OWN(twin_pack_config, soc), RANGE(0.0, 1.0), WITHOUT("drawn"),
	 .help = "state of charge at the start"},
	{"soh", KEY_REAL, AT_OWN(twin_pack_config, soh), RANGE(0.2, 1.2), WITHOUT("drawn"),
	 .help = "true capacity over nominal"},
	{"r_growth", KEY_REAL, AT_OWN(twin_pack_config, r_growth), RANGE(0.5, 10.0),
	 WITHOUT("drawn"), .help = "true resistance over that of a new pack"},
	{"temp_c", KEY_REAL, AT_OWN(twin_pack_config, temp_c), RANGE(-40.0, 80.0), WITHOUT("drawn"),
	 .help = "temperature at the start"},
};

static const struct group truth_group = {
	"simulation.packs[]", "", "What is true of a pack, whatever the controller believes.",
	GROUP_KEYS(truth_keys)};

static void truth_place(struct config *config, unsigned index, struct bases *bases)
{
	bases->at[BASE_SITE] = (char *)&config->site.pack[index];
	bases->at[BASE_OWN] = (char *)&config->sim.pack[index];
}

const struct list simulation_packs_list = {.element = &truth_group,
					   .max = PACK_MAX,
					   .count_base = BASE_SITE,
					   .count_offset = offsetof(struct site, n_packs),
					   .by_id = true,
					   .place = truth_place};

static const struct key fault_keys[] = {
	{"at_s", KEY_SECONDS, AT_OWN(twin_fault, at_ms), RANGE(0.0, 1e9),
	 .help = "seconds after the start"},
	{"until_s", KEY_SECONDS, AT_OWN(twin_fault, until_ms), RANGE(0.0, 1e9), STANDARD(0.0),
	 .help = "it ends; 0: never"},
	{"kind", KEY_WORD, AT_OWN(twin_fault, kind), .words = &fault_words, .help = "what breaks"},
	{"pack", KEY_PACK, AT_OWN(twin_fault, pack), WITHOUT("the bank"), .help = "id of a pack"},
	{"pole", KEY_WORD, AT_OWN(twin_fault, pole), WITHOUT(""), .words = &pole_words,
	 .help = "which contactor"},
	{"input", KEY_WORD, AT_OWN(twin_fault, input), WITHOUT(""), .words = &input_words,
	 .help = "which digital input"},
	{"value", KEY_REAL, AT_OWN(twin_fault, value), RANGE(-1e9, 1e9), WITHOUT("0"),
	 .help = "size of the fault, in the unit of its kind"},
};

static const struct group fault_group = {"simulation.faults[]", "", "What breaks, and when.",
					 GROUP_KEYS(fault_keys)};

static void fault_place(struct config *config, unsigned index, struct bases *bases)
{
	bases->at[BASE_SITE] = (char *)&config->site;
	bases->at[BASE_OWN] = (char *)&config->sim.fault[index];
}

static const struct list faults_list = {.element = &fault_group,
					.max = TWIN_FAULT_MAX,
					.count_base = BASE_OWN,
					.count_offset = offsetof(struct config, sim.n_faults),
					.place = fault_place};

static const struct key simulation_keys[] = {
	{"seed", KEY_COUNT, AT_OWN(config, sim.seed), RANGE(0, 9007199254740991.0), STANDARD(1),
	 .help = "of every random number"},
	{"ambient_c", KEY_REAL, AT_OWN(config, sim.ambient_c), RANGE(-40.0, 60.0), STANDARD(20.0),
	 .help = "ambient temperature"},
	{"spread", KEY_REAL, AT_OWN(config, sim.spread), RANGE(0.0, 3.0), STANDARD(1.0),
	 .help = "how far the truth strays from the file; 0: not at all"},
	{"noise", KEY_REAL, AT_OWN(config, sim.noise), RANGE(0.0, 10.0), STANDARD(1.0),
	 .help = "sensor noise and quantisation; 0: ideal sensors"},
	{"load_w", KEY_REAL, AT_OWN(config, sim.load_w), RANGE(0.0, 1e6), STANDARD(0.0),
	 .help = "constant load on the DC bus besides the converters"},
	{"hardware_in_the_loop", KEY_BOOL, AT_OWN(config, sim.hardware_in_the_loop), STANDARD(0),
	 .help = "for a bench: coils, feedback and inputs are real lines of gpio.chip, and only "
		 "packs, converters and sensors are simulated"},
	{"packs", KEY_LIST, .need = NEED_OPTIONAL, .list = &simulation_packs_list,
	 .help = "what is true of the packs"},
	{"faults", KEY_LIST, .need = NEED_OPTIONAL, .list = &faults_list, .help = "what breaks"},
};

const struct group simulation_group = {"simulation", "",
				       "The simulated plant, for a site on the simulator.",
				       GROUP_KEYS(simulation_keys)};
