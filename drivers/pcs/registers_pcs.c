/*
 * A converter by its register map: readings round after round, the command in force as the map's
 * sequence for its direction, started, stopped and kept alive as the map says.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/pcs/map_reader.h"
#include "drivers/pcs/pcs.h"

enum {
	WRITE_AGAIN_MS = 200,
	RUN_AGAIN_MS = 3000,
	PROOF_MS = 1000,
	LOOK_MS = 100,
	SILENT_MAX = 4,
	SLOW_MAX_MS = 5000,
};

/* Less than this is no power: what a converter at rest may read. */
static const double STILL_W = 100.0, STILL_SHARE = 0.02;

enum job { JOB_NONE = 0, JOB_READ, JOB_WRITE, JOB_PROVE };

struct registers_pcs {
	struct pcs_setup setup;
	const struct register_map *map;
	struct pcs_link link;
	struct pcs_status status;
	struct map_reader reader;
	int64_t read_ms;
	int32_t pace_ms;
	unsigned silent;

	enum job job;
	/* What is being written: the sequences of up to three moments, in order. */
	unsigned n_moments, moment, step;
	enum map_moment moments[3];
	struct pcs_command writing; /* what the sequence carries out */

	struct pcs_command sent;
	bool sent_valid, run_valid, running;
	bool setpoint_failed; /* the last attempt; none of start or stop failed since */
	bool passed_over;     /* a step of the sequence under way was refused */
	int64_t sent_ms, run_ms, write_again_ms;

	unsigned proving; /* next register to be read back */
	int64_t prove_ms;
};

static void publish(struct registers_pcs *pcs)
{
	cell_put(pcs->link.status, &pcs->status);
}

static void trouble(struct registers_pcs *pcs, const char *text)
{
	snprintf(pcs->status.trouble, sizeof pcs->status.trouble, "%s", text);
	publish(pcs);
}

static void unproven(struct registers_pcs *pcs)
{
	pcs->status.sample.dead_man_proven = false;
	pcs->status.traits.dead_man_ms = 0;
	pcs->proving = 0;
}

/* Nothing of what was written is known to hold any more. */
static void start_over(struct registers_pcs *pcs, int64_t now_ms)
{
	pcs->sent_valid = pcs->run_valid = false;
	pcs->setpoint_failed = pcs->passed_over = false;
	pcs->job = JOB_NONE;
	pcs->n_moments = pcs->moment = pcs->step = 0;
	pcs->reader.at = 0;
	pcs->silent = 0;
	pcs->read_ms = now_ms;
	pcs->pace_ms = pcs->setup.poll_ms;
	unproven(pcs);
}

/* ---- what is asked next ------------------------------------------------------------------- */

/* The other direction is set from 0 W only: a write that fails half-way must not leave the new
 * power in the old direction. */
static bool turns(const struct registers_pcs *pcs, enum map_moment moment)
{
	enum map_moment before = map_moment_of(pcs->map, pcs->sent.p_w);

	if (moment == MAP_ZERO)
		return false;
	return !pcs->sent_valid || (before != moment && before != MAP_ZERO);
}

static bool wants_dead_man(const struct registers_pcs *pcs)
{
	return pcs->setup.dead_man_ms > 0 && pcs->map->proof.n > 0;
}

static int32_t refresh_ms(const struct registers_pcs *pcs)
{
	int32_t third_ms = pcs->setup.dead_man_ms / 3;

	if (!wants_dead_man(pcs))
		return pcs->map->refresh_ms;
	return pcs->map->refresh_ms > 0 && pcs->map->refresh_ms < third_ms ? pcs->map->refresh_ms
									   : third_ms;
}

static bool setpoint_due(const struct registers_pcs *pcs, int64_t now_ms,
			 const struct pcs_command *command)
{
	int32_t every_ms = refresh_ms(pcs);

	return !pcs->sent_valid || command->p_w != pcs->sent.p_w ||
	       (every_ms > 0 && now_ms - pcs->sent_ms >= every_ms);
}

static bool run_due(const struct registers_pcs *pcs, int64_t now_ms, bool run)
{
	enum pcs_state state = pcs->status.sample.state;
	bool disagrees = run ? state == PCS_OFF : state == PCS_RUNNING || state == PCS_STARTING;

	if (pcs->map->at[run ? MAP_START : MAP_STOP].n == 0)
		return false;
	return !pcs->run_valid || run != pcs->running ||
	       (disagrees && now_ms - pcs->run_ms >= RUN_AGAIN_MS);
}

/* Chooses what to write; false: nothing. 0 W before off, the setpoint before on; but 0 W that did
 * not get through does not keep off waiting: they take turns. */
static bool write_choose(struct registers_pcs *pcs, int64_t now_ms)
{
	struct pcs_command command = pcs_link_command(&pcs->link, now_ms);
	bool stop_first = pcs->setpoint_failed && !command.run && run_due(pcs, now_ms, false);

	if (now_ms < pcs->write_again_ms || pcs->setup.look_only)
		return false;
	pcs->moment = pcs->step = pcs->n_moments = 0;
	if (!stop_first && setpoint_due(pcs, now_ms, &command) && pcs->map->at[MAP_ZERO].n > 0) {
		enum map_moment moment = map_moment_of(pcs->map, command.p_w);

		if (turns(pcs, moment))
			pcs->moments[pcs->n_moments++] = MAP_ZERO;
		pcs->moments[pcs->n_moments++] = moment;
		if (wants_dead_man(pcs))
			pcs->moments[pcs->n_moments++] = MAP_WATCHDOG;
	} else if (run_due(pcs, now_ms, command.run)) {
		pcs->moments[pcs->n_moments++] = command.run ? MAP_START : MAP_STOP;
	}
	pcs->writing = command;
	return pcs->n_moments > 0;
}

static const struct map_write *write_now(const struct registers_pcs *pcs)
{
	const struct map_sequence *sequence = &pcs->map->at[pcs->moments[pcs->moment]];

	return pcs->step < sequence->n ? &sequence->write[pcs->step] : NULL;
}

static bool prove_due(const struct registers_pcs *pcs, int64_t now_ms)
{
	return wants_dead_man(pcs) && pcs->sent_valid && now_ms >= pcs->prove_ms;
}

static int64_t next(void *self, int64_t now_ms, struct modbus_request *request)
{
	struct registers_pcs *pcs = self;
	bool midway = pcs->job == JOB_WRITE && (pcs->step > 0 || pcs->moment > 0);

	if (midway || (pcs->reader.at == 0 && write_choose(pcs, now_ms))) {
		const struct map_write *write = write_now(pcs);

		pcs->job = JOB_WRITE;
		map_request(&write->at, request);
		map_put(&write->at, map_write_raw(write, pcs->writing.p_w, pcs->setup.dead_man_ms),
			request->value);
		return MODBUS_URGENT;
	}
	if (pcs->reader.at == 0 && prove_due(pcs, now_ms)) {
		pcs->job = JOB_PROVE;
		map_request(&pcs->map->proof.write[pcs->proving].at, request);
		return pcs->prove_ms;
	}
	if (now_ms < pcs->read_ms)
		return pcs->read_ms < now_ms + LOOK_MS ? pcs->read_ms : now_ms + LOOK_MS;
	pcs->job = JOB_READ;
	map_reader_request(&pcs->reader, request);
	return pcs->read_ms;
}

/* ---- what came back ------------------------------------------------------------------------ */

/* Was it told to run, and did it take that? */
static bool told_to_run(const struct registers_pcs *pcs, int64_t now_ms)
{
	bool started = pcs->map->at[MAP_START].n == 0 || (pcs->run_valid && pcs->running);

	return pcs->sent_valid && started && pcs_link_command(&pcs->link, now_ms).run;
}

static enum pcs_state state_of(const struct registers_pcs *pcs, int64_t now_ms)
{
	const double *value = pcs->reader.value;

	if (pcs->map->n_states > 0)
		return map_state(pcs->map, value[MAP_STATE]);
	return map_state_told(told_to_run(pcs, now_ms), value[MAP_AC_W],
			      STILL_W + STILL_SHARE * pcs->setup.p_max_w);
}

static void sample_take(struct registers_pcs *pcs, int64_t now_ms)
{
	struct pcs_sample *sample = &pcs->status.sample;
	const double *value = pcs->reader.value;
	double sign = pcs->setup.dc_inverted ? -1.0 : 1.0;

	sample->stamp_ms = pcs->reader.stamp_ms;
	sample->state = state_of(pcs, now_ms);
	sample->ac_w = value[MAP_AC_W];
	sample->dc_v = value[MAP_DC_V];
	sample->dc_a = sign * value[MAP_DC_A];
	sample->dc_w = sign * value[MAP_DC_W];
	if (isnan(sample->dc_w))
		sample->dc_w = sample->dc_v * sample->dc_a;
	if (isnan(sample->dc_a) && sample->dc_v > 1.0)
		sample->dc_a = sample->dc_w / sample->dc_v;
	sample->dis_max_w = value[MAP_DIS_MAX_W];
	sample->cha_max_w = value[MAP_CHA_MAX_W];
	pcs_bound_sample(&pcs->status);
	sample->freq_hz = value[MAP_FREQ_HZ];
	sample->faults = value[MAP_FAULTS] > 0.0 ? (uint32_t)value[MAP_FAULTS] : 0;
	map_state_trouble(pcs->map, sample->state, value[MAP_STATE], pcs->status.trouble,
			  sizeof pcs->status.trouble);
	publish(pcs);
}

static void read_done(struct registers_pcs *pcs, const struct modbus_answer *answer)
{
	bool complete = map_reader_take(&pcs->reader, answer);

	if (answer->result == MODBUS_ANSWERED && !complete)
		return;
	if (complete) {
		sample_take(pcs, answer->arrived_ms);
		pcs->pace_ms = pcs->setup.poll_ms;
	} else if (answer->result == MODBUS_REFUSED) {
		trouble(pcs, "refuses a register of its map");
	}
	pcs->read_ms += pcs->pace_ms;
	if (pcs->read_ms <= answer->arrived_ms)
		pcs->read_ms = answer->arrived_ms + (complete ? 1 : pcs->pace_ms);
}

static void sequence_finished(struct registers_pcs *pcs, int64_t now_ms)
{
	enum map_moment first = pcs->moments[0];

	if (first == MAP_START || first == MAP_STOP) {
		pcs->running = first == MAP_START;
		pcs->run_valid = true;
		pcs->run_ms = now_ms;
		return;
	}
	pcs->sent = pcs->writing;
	pcs->sent_valid = true;
	pcs->setpoint_failed = false;
	pcs->sent_ms = now_ms;
	pcs->status.commands++;
	pcs->status.command_ms = now_ms;
}

static void sequence_failed(struct registers_pcs *pcs, int64_t now_ms)
{
	enum map_moment first = pcs->moments[0];

	pcs->setpoint_failed = first != MAP_START && first != MAP_STOP;
	pcs->sent_valid = pcs->passed_over = false;
	pcs->job = JOB_NONE;
	pcs->moment = pcs->step = 0;
	pcs->write_again_ms = now_ms + WRITE_AGAIN_MS;
}

/* What ends power goes on past a step that is refused: the next one may still end it. */
static bool goes_on(const struct registers_pcs *pcs)
{
	enum map_moment moment = pcs->moments[pcs->moment];

	return moment == MAP_ZERO || moment == MAP_STOP;
}

/* The step after; false: the sequences are over. A moment in which a step was refused is the last:
 * a dead-man is not armed over power that did not end. */
static bool step_on(struct registers_pcs *pcs)
{
	pcs->step++;
	while (pcs->moment < pcs->n_moments && !write_now(pcs)) {
		if (pcs->passed_over)
			return false;
		pcs->moment++;
		pcs->step = 0;
	}
	return pcs->moment < pcs->n_moments;
}

static void write_done(struct registers_pcs *pcs, const struct modbus_answer *answer)
{
	bool refused = answer->result == MODBUS_REFUSED;

	if (refused)
		trouble(pcs, "refuses what its map has to be written");
	if (refused && goes_on(pcs)) {
		pcs->passed_over = true;
	} else if (answer->result != MODBUS_ANSWERED) {
		sequence_failed(pcs, answer->arrived_ms);
		return;
	}
	if (step_on(pcs))
		return;
	if (pcs->passed_over) {
		sequence_failed(pcs, answer->arrived_ms);
		return;
	}
	pcs->moment = pcs->step = 0;
	pcs->job = JOB_NONE;
	sequence_finished(pcs, answer->arrived_ms);
}

static void prove_done(struct registers_pcs *pcs, const struct modbus_answer *answer)
{
	const struct map_write *proof = &pcs->map->proof.write[pcs->proving];
	bool holds = answer->result == MODBUS_ANSWERED &&
		     map_raw(&proof->at, answer->value) ==
			     map_write_raw(proof, 0.0, pcs->setup.dead_man_ms);

	if (!holds) {
		unproven(pcs);
	} else if (++pcs->proving >= pcs->map->proof.n) {
		pcs->proving = 0;
		pcs->status.sample.dead_man_proven = true;
		pcs->status.traits.dead_man_ms = pcs->setup.dead_man_ms;
	} else {
		return; /* the next one at once */
	}
	pcs->prove_ms = answer->arrived_ms + PROOF_MS;
}

static void silence_take(struct registers_pcs *pcs, int64_t now_ms)
{
	int32_t pace_ms = pcs->pace_ms;

	if (++pcs->silent < SILENT_MAX)
		return;
	start_over(pcs, now_ms + pace_ms);
	pcs->pace_ms = 2 * pace_ms > SLOW_MAX_MS ? SLOW_MAX_MS : 2 * pace_ms;
	pcs->write_again_ms = pcs->read_ms;
	trouble(pcs, "does not answer");
}

static void done(void *self, const struct modbus_request *request,
		 const struct modbus_answer *answer)
{
	struct registers_pcs *pcs = self;

	(void)request;
	switch (pcs->job) {
	case JOB_READ:
		read_done(pcs, answer);
		break;
	case JOB_WRITE:
		write_done(pcs, answer);
		break;
	case JOB_PROVE:
		prove_done(pcs, answer);
		break;
	case JOB_NONE:
		break;
	}
	if (answer->result == MODBUS_ANSWERED || answer->result == MODBUS_REFUSED)
		pcs->silent = 0;
	else
		silence_take(pcs, answer->arrived_ms);
}

static void connected(void *self, int64_t now_ms)
{
	struct registers_pcs *pcs = self;

	pcs->status.walks++;
	start_over(pcs, now_ms);
	publish(pcs);
}

/* ---- the kind ------------------------------------------------------------------------------ */

static void traits_fill(struct registers_pcs *pcs)
{
	struct pcs_traits *traits = &pcs->status.traits;
	const struct register_map *map = pcs->map;
	const struct map_sequence *discharge = &map->at[MAP_DISCHARGE];

	*traits = (struct pcs_traits){.refresh_ms = refresh_ms(pcs),
				      .step_max_w = (double)INFINITY,
				      .can_discharge = discharge->n > 0,
				      .can_charge = map->at[MAP_CHARGE].n > 0,
				      .can_stop = map->at[MAP_STOP].n > 0,
				      .safe = "the map's `zero`, then its `stop`",
				      .control = "register map"};
	for (unsigned i = 0; i < discharge->n; i++)
		if (discharge->write[i].of == MAP_OF_POWER ||
		    discharge->write[i].of == MAP_OF_MAGNITUDE)
			traits->resolution_w = fabs(discharge->write[i].scale);
}

static void *make(const struct pcs_setup *setup, const struct pcs_link *link)
{
	struct registers_pcs *pcs = calloc(1, sizeof *pcs);

	if (!pcs)
		return NULL;
	pcs->setup = *setup;
	pcs->map = setup->map;
	pcs->link = *link;
	map_reader_init(&pcs->reader, pcs->map);
	traits_fill(pcs);
	snprintf(pcs->status.model, sizeof pcs->status.model, "%s", pcs->map->name);
	start_over(pcs, 0);
	trouble(pcs, "not connected");
	return pcs;
}

const struct pcs_kind pcs_registers = {
	.name = "registers",
	.make = make,
	.device = {.next = next, .done = done, .connected = connected},
	.free = free,
};
