/* The `events` of a scenario file: faults for the twin, and what the outside world says and does.
 */
#include <math.h>
#include <string.h>

#include "ctl/scenario_parts.h"
#include "northbound/operation.h"

static const char *const command_words[] = {
	[COMMAND_RELEASE] = "release",
	[COMMAND_START] = "start",
	[COMMAND_STOP] = "stop",
	[COMMAND_LOCK] = "lock",
	[COMMAND_UNLOCK] = "unlock",
	[COMMAND_PACK_ENABLE] = "enable",
	[COMMAND_PACK_DISABLE] = "disable",
	[COMMAND_CLEAR] = "clear",
	[COMMAND_PROOF] = "proof",
};

static bool command_parse(const char *word, enum command_kind *kind)
{
	for (int i = COMMAND_RELEASE; i <= COMMAND_PROOF; i++)
		if (command_words[i] && strcmp(command_words[i], word) == 0) {
			*kind = (enum command_kind)i;
			return true;
		}
	return false;
}

static void read_fault_words(const struct member *at, struct twin_fault *fault)
{
	const char *word;

	if (member_word(at, "pole", &word) && !twin_pole_parse(word, &fault->pole))
		member_refuse(at, NULL, "no pole \"%s\": negative, positive or precharge", word);
	if (member_word(at, "input", &word) && !twin_input_parse(word, &fault->input))
		member_refuse(at, NULL,
			      "no input \"%s\": estop, interlock, smoke, gas, door, "
			      "insulation, remote, fan or mains",
			      word);
}

static void read_fault(const struct member *at, int64_t at_ms, int64_t until_ms)
{
	static const char *const common[] = {"at_s", "until_s", "fault", NULL};
	static const char *const own[] = {"pack", "pcs", "pole", "input", "value", NULL};
	struct twin_config *sim = &at->reader->scenario->config.sim;
	struct twin_fault fault = {.at_ms = at_ms, .until_ms = until_ms, .pack = -1};
	const char *word;
	int pcs;

	member_only(at, common, own);
	member_pack(at, &fault.pack);
	member_pcs(at, &pcs);
	read_fault_words(at, &fault);
	member_number(at, "value", -1e9, 1e9, &fault.value);
	if (!member_word(at, "fault", &word))
		return;
	if (!twin_fault_kind_parse(word, &fault.kind))
		member_refuse(at, NULL, "no fault \"%s\": `rebankctl simulate --words` lists them",
			      word);
	else if (twin_fault_of_pcs(fault.kind) && member_given(at, "pack"))
		member_refuse(at, NULL, "%s is of a converter: say pcs instead of pack", word);
	else if (pcs >= 0 && !twin_fault_of_pcs(fault.kind))
		member_refuse(at, NULL, "%s is not of a converter: pcs says nothing here", word);
	else if (sim->n_faults == TWIN_FAULT_MAX)
		member_refuse(at, NULL, "more than %d faults: split the scenario", TWIN_FAULT_MAX);
	else {
		fault.pack = pcs >= 0 ? pcs : fault.pack;
		sim->fault[sim->n_faults++] = fault;
	}
}

/* The source that speaks; without one, `local` or the first that may. */
static void read_source(const struct member *at, bool local, struct command *command)
{
	const struct site *site = &at->reader->scenario->config.site;
	const char *id;

	command->source = 0;
	if (member_word(at, "source", &id)) {
		for (unsigned s = 0; s < site->n_sources; s++)
			if (strcmp(site->source[s].id, id) == 0) {
				command->source = (uint8_t)s;
				return;
			}
		member_refuse(at, NULL, "the site has no source \"%s\"", id);
		return;
	}
	for (unsigned s = 1; !local && s < site->n_sources; s++)
		if (site->source[s].may_setpoint) {
			command->source = (uint8_t)s;
			return;
		}
}

static void read_message(const struct member *at, struct happening *happening)
{
	struct command *command = &happening->command;
	double seq;
	bool stale_boot = false;
	const char *word;

	command->pack = -1;
	command->ramp_w_s = NAN;
	command->boot_given = command->boot_matches = command->n_fresh = true;
	snprintf(command->session, sizeof(command->session), "scenario");
	member_number(at, "ramp_w_s", 0.0, 1e9, &command->ramp_w_s);
	member_flag(at, "reject", &command->reject_if_limited);
	member_flag(at, "dry_run", &command->dry_run);
	if (member_flag(at, "stale_boot", &stale_boot) && stale_boot)
		command->boot_matches = false;
	happening->has_seq = member_number(at, "seq", 0.0, 9007199254740991.0, &seq);
	if (happening->has_seq)
		command->seq = (int64_t)seq;
	if (!member_number(at, "ts_offset_s", -1e9, 1e9, &happening->ts_offset_s))
		happening->ts_offset_s = 0.0;
	if (!member_number(at, "start_in_s", 0.0, 3600.0, &happening->start_s))
		happening->start_s = NAN;
	if (member_word(at, "id", &word))
		snprintf(command->id, sizeof(command->id), "%s", word);
	if (member_word(at, "session", &word))
		snprintf(command->session, sizeof(command->session), "%s", word);
	member_seconds(at, "every_s", 0.1, &happening->every_ms);
}

static const char *const message_keys[] = {
	"at_s",     "until_s", "every_s",     "id",         "seq",        "session", "source",
	"ramp_w_s", "reject",  "ts_offset_s", "start_in_s", "stale_boot", "dry_run", NULL,
};

static void read_setpoint(const struct member *at, struct happening *happening)
{
	static const char *const own[] = {"setpoint_w", "valid_s", NULL};
	struct command *command = &happening->command;

	member_only(at, message_keys, own);
	read_source(at, false, command);
	read_message(at, happening);
	command->kind = COMMAND_SETPOINT;
	command->service = SERVICE_SETPOINT;
	member_number(at, "setpoint_w", -1e9, 1e9, &command->p_w);
	if (!member_number(at, "valid_s", 0.001, 1e6, &command->valid_s))
		member_refuse(at, NULL, "a setpoint needs valid_s, its lifetime in seconds");
}

static void read_command(const struct member *at, struct happening *happening)
{
	static const char *const own[] = {"command", "pack", "proof", NULL};
	struct command *command = &happening->command;
	int pack;
	const char *word;

	member_only(at, message_keys, own);
	read_message(at, happening);
	command->p_w = NAN;
	member_pack(at, &pack);
	command->pack = (int16_t)pack;
	if (!member_word(at, "command", &word))
		return;
	if (!command_parse(word, &command->kind)) {
		member_refuse(at, NULL,
			      "no command \"%s\": release, start, stop, lock, unlock, "
			      "enable, disable, clear or proof",
			      word);
		return;
	}
	read_source(at, command->kind != COMMAND_RELEASE, command);
	if (pack < 0 &&
	    (command->kind == COMMAND_PACK_ENABLE || command->kind == COMMAND_PACK_DISABLE))
		member_refuse(at, NULL, "%s needs a pack", word);
	if (command->kind == COMMAND_PROOF && member_word(at, "proof", &word) &&
	    !proof_parse(word, &command->proof))
		member_refuse(at, NULL,
			      "no proof \"%s\": estop, heartbeat, dead-man, insulation or weld",
			      word);
}

static void read_dispatch(const struct member *at, struct happening *happening)
{
	static const char *const own[] = {"dispatch", "power_w", "period_s", "valid_s", NULL};
	/* The rhythm in which each kind of dispatcher repeats itself, and the shape's period. */
	static const struct {
		int64_t every_ms;
		double period_s;
	} standard[PROFILE_COUNT] = {
		[PROFILE_DAILY] = {60000, 86400.0},
		[PROFILE_SQUARE] = {20000, 3600.0},
		[PROFILE_FCR] = {4000, 0.0},
	};
	struct command *command = &happening->command;
	const char *word;

	member_only(at, message_keys, own);
	read_source(at, false, command);
	read_message(at, happening);
	happening->kind = HAPPENING_DISPATCH;
	command->kind = COMMAND_SETPOINT;
	command->service = SERVICE_SETPOINT;
	if (!member_word(at, "dispatch", &word) ||
	    !dispatch_profile_parse(word, &happening->profile)) {
		member_refuse(at, NULL, "no dispatch \"%s\": daily, square or fcr", word);
		return;
	}
	if (!member_number(at, "power_w", 0.0, 1e9, &happening->power_w))
		member_refuse(at, NULL, "a dispatch profile needs power_w, its peak");
	if (happening->every_ms == 0)
		happening->every_ms = standard[happening->profile].every_ms;
	if (!member_number(at, "period_s", 1.0, 1e7, &happening->period_s))
		happening->period_s = standard[happening->profile].period_s;
	if (!member_number(at, "valid_s", 0.001, 1e6, &command->valid_s))
		command->valid_s = 3.0 * (double)happening->every_ms / 1000.0;
}

/* What happens to the process or its clock; the value is `true` or a number of seconds. */
static void read_process(const struct member *at, struct happening *happening)
{
	static const char *const common[] = {"at_s", NULL};
	static const char *const own[] = {"clock_synced", "shutdown", "restart_s", "stall_s", NULL};

	member_only(at, common, own);
	if (member_flag(at, "clock_synced", &happening->flag))
		happening->kind = HAPPENING_CLOCK;
	else if (member_flag(at, "shutdown", &happening->flag))
		happening->kind = HAPPENING_SHUTDOWN;
	else if (member_seconds(at, "restart_s", 0.5, &happening->pause_ms))
		happening->kind = HAPPENING_RESTART;
	else if (member_seconds(at, "stall_s", 0.01, &happening->pause_ms))
		happening->kind = HAPPENING_STALL;
}

static void read_event(const struct member *at)
{
	static const struct {
		const char *key;
		void (*read)(const struct member *at, struct happening *happening);
	} kinds[] = {
		{"setpoint_w", read_setpoint}, {"command", read_command},
		{"dispatch", read_dispatch},   {"clock_synced", read_process},
		{"shutdown", read_process},    {"restart_s", read_process},
		{"stall_s", read_process},
	};
	int64_t at_ms = 0, until_ms = 0;

	if (!member_seconds(at, "at_s", 0.0, &at_ms) && !member_given(at, "at_s"))
		member_refuse(at, NULL, "an event needs at_s, seconds since the start");
	if (member_seconds(at, "until_s", 0.0, &until_ms) && until_ms <= at_ms)
		member_refuse(at, NULL, "until_s must be later than at_s");
	if (member_given(at, "fault")) {
		read_fault(at, at_ms, until_ms);
		return;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (member_given(at, kinds[i].key)) {
			struct happening *happening = scenario_add_happening(at->reader->scenario);

			happening->at_ms = at_ms;
			happening->until_ms = until_ms;
			kinds[i].read(at, happening);
			return;
		}
	member_refuse(at, NULL,
		      "an event needs one of fault, setpoint_w, command, dispatch, "
		      "clock_synced, shutdown, restart_s, stall_s");
}

void scenario_read_events(struct scenario_reader *reader, const config_setting_t *list)
{
	for (int i = 0; i < config_setting_length(list); i++) {
		struct member at = {.reader = reader,
				    .group = config_setting_get_elem(list, (unsigned)i)};

		snprintf(at.where, sizeof(at.where), "events[%d]", i);
		if (config_setting_is_group(at.group))
			read_event(&at);
		else
			member_refuse(&at, at.group, "must be a group: { at_s = ...; ... }");
	}
}
