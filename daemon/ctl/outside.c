/* The world outside bank and plant during a run: who sends what, the clocks, the process itself. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/scenario_parts.h"

static bool fault_holds(const struct run *run, const struct twin_fault *fault)
{
	int64_t t_ms = run->now_ms - run->start_ms;

	return fault->at_ms <= t_ms && (fault->until_ms == 0 || t_ms < fault->until_ms);
}

/* The faults that are not the plant's: the wall clock and the broker. */
static void outside_faults(struct run *run)
{
	const struct twin_config *sim = &run->scenario->config.sim;

	run->utc_jump_ms = 0;
	run->in.broker_connected = true;
	for (unsigned i = 0; i < sim->n_faults; i++) {
		const struct twin_fault *fault = &sim->fault[i];

		if (!fault_holds(run, fault))
			continue;
		if (fault->kind == TWIN_CLOCK_JUMP)
			run->utc_jump_ms += llround(1e3 * fault->value);
		if (fault->kind == TWIN_BROKER_LOSS)
			run->in.broker_connected = false;
	}
}

/* The sender's clock is right whatever ours does. */
int64_t run_true_utc_ms(const struct run *run)
{
	return run->utc_start_ms + (run->now_ms - run->start_ms);
}

/* False when this step cannot take more. */
static bool send_command(struct run *run, struct happening *happening)
{
	struct command *command = &run->in.command[run->in.n_commands];
	int64_t *seq = &run->seq[happening->command.source];

	if (run->in.n_commands == COMMAND_MAX)
		return false;
	*command = happening->command;
	if (!happening->has_seq)
		command->seq = ++*seq;
	else if (command->seq > *seq)
		*seq = command->seq;
	if (command->id[0] == '\0')
		snprintf(command->id, sizeof(command->id), "%s-%lld",
			 run->site->source[command->source].id, (long long)command->seq);
	else if (happening->every_ms > 0)
		snprintf(command->id, sizeof(command->id), "%.40s-%u", happening->command.id,
			 happening->count);
	command->received_ms = run->now_ms;
	command->ts_utc_ms = run_true_utc_ms(run) + llround(1e3 * happening->ts_offset_s);
	if (!isnan(happening->start_s))
		command->start_utc_ms = run_true_utc_ms(run) + llround(1e3 * happening->start_s);
	if (happening->kind == HAPPENING_DISPATCH)
		command->p_w = happening_power_w(happening, run_t_s(run), &run->random);
	if (run->asleep_until_ms == 0)
		run->in.n_commands++;
	return true;
}

static void fall_asleep(struct run *run, const struct happening *happening)
{
	run->asleep_until_ms = run->now_ms + happening->pause_ms;
	run->dead = happening->kind == HAPPENING_RESTART;
	if (run->dead)
		bank_save(&run->bank, &run->in, &run->saved);
}

static bool happen(struct run *run, struct happening *happening)
{
	switch (happening->kind) {
	case HAPPENING_COMMAND:
	case HAPPENING_DISPATCH:
		if (!send_command(run, happening))
			return false;
		break;
	case HAPPENING_CLOCK:
		run->in.clock_synced = happening->flag;
		break;
	case HAPPENING_SHUTDOWN:
		run->in.shutdown = happening->flag;
		break;
	case HAPPENING_RESTART:
	case HAPPENING_STALL:
		fall_asleep(run, happening);
		break;
	case HAPPENING_FAULT_EDGE:
		outside_faults(run);
		break;
	}
	return true;
}

/* Everything due now; returns when the next thing is due. */
int64_t happen_due(struct run *run, struct happening *list, size_t n)
{
	int64_t t_ms = run->now_ms - run->start_ms, next_ms = INT64_MAX;

	for (size_t i = 0; i < n; i++) {
		struct happening *happening = &list[i];

		if (happening->due_ms <= t_ms && !happen(run, happening)) {
			happening->due_ms = t_ms + 1;
		} else if (happening->due_ms <= t_ms) {
			happening->count++;
			happening->due_ms =
				happening->every_ms ? t_ms + happening->every_ms : INT64_MAX;
			if (happening->until_ms && happening->due_ms >= happening->until_ms)
				happening->due_ms = INT64_MAX;
		}
		if (happening->due_ms < next_ms)
			next_ms = happening->due_ms;
	}
	return next_ms == INT64_MAX ? INT64_MAX : run->start_ms + next_ms;
}

/* The happenings of the file and one for each edge of a fault: a step at once, as an edge or a
 * frame makes one in the daemon. The plant has changed a millisecond after the edge. */
struct happening *happenings_new(const struct scenario *scenario, size_t *n_out)
{
	const struct twin_config *sim = &scenario->config.sim;
	size_t n = scenario->n_happenings;
	struct happening *list = calloc(n + 2 * sim->n_faults + 1, sizeof(*list));

	if (!list)
		abort();
	if (n > 0)
		memcpy(list, scenario->happening, n * sizeof(*list));
	for (unsigned i = 0; i < sim->n_faults; i++) {
		list[n++] = (struct happening){.kind = HAPPENING_FAULT_EDGE,
					       .at_ms = sim->fault[i].at_ms};
		if (sim->fault[i].until_ms)
			list[n++] = (struct happening){.kind = HAPPENING_FAULT_EDGE,
						       .at_ms = sim->fault[i].until_ms};
	}
	for (size_t i = 0; i < n; i++)
		list[i].due_ms = list[i].at_ms + (list[i].kind == HAPPENING_FAULT_EDGE);
	*n_out = n;
	return list;
}
