/*
 * The loop of a scenario: twin, bank_step, outputs back to the twin, in virtual time. Steps come at
 * the same instants as in the daemon: every tick, whenever the bank asked for an earlier one, and
 * at once when a command arrives or something breaks.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/scenario_parts.h"
#include "northbound/sentence.h"
#include "store/recorder.h"

enum { START_MS = 1000 };
static const int64_t utc_midnight_ms = INT64_C(1780272000000); /* 2026-06-01 00:00 UTC */

double run_t_s(const struct run *run)
{
	return (double)(run->now_ms - run->start_ms) / 1e3;
}

const struct twin_truth *run_truth(struct run *run)
{
	if (!run->truth_fresh)
		twin_truth(run->twin, &run->truth);
	run->truth_fresh = true;
	return &run->truth;
}

const struct bank_report *run_report(struct run *run)
{
	if (!run->report_fresh)
		bank_report(&run->bank, &run->in, &run->out, &run->report);
	run->report_fresh = true;
	return &run->report;
}

/* ---- one step
 * ------------------------------------------------------------------------------------ */

static void print_event(struct run *run, const struct event *event)
{
	char sentence[256];

	event_sentence(event, run->site, sentence, sizeof(sentence));
	fprintf(run->log, "%10.1f s  %-7s  %s\n", run_t_s(run), event_kind_word(event->kind),
		sentence);
}

static void take_events(struct run *run)
{
	for (unsigned i = 0; i < run->out.n_events; i++) {
		const struct event *event = &run->out.event[i];

		run->trips += event->kind == EVENT_RAISED &&
			      reason_text(event->reason)->severity >= SEVERITY_TRIP;
		if (run->options->verbose)
			print_event(run, event);
	}
	for (unsigned i = 0; run->options->verbose && i < run->out.n_acks; i++)
		if (run->out.ack[i].status != ACK_ACCEPTED || run->out.ack[i].reason != REASON_OK)
			fprintf(run->log, "%10.1f s  ack      %s: %s, %s\n", run_t_s(run),
				run->out.ack[i].id, ack_status_word(run->out.ack[i].status),
				reason_text(run->out.ack[i].reason)->word);
	journal_take(&run->journal, &run->out, run->now_ms);
}

/* Once a second: what was asked and what came, energy on the DC side, peaks. */
static void sample(struct run *run)
{
	const struct twin_truth *truth = run_truth(run);
	double site_w = run->site->grid.measured_at_ac ? truth->ac_w : truth->dc_w;
	double asked_w = plan_wanted_w(&run->bank);

	if (fabs(asked_w) > 1.0) {
		run->asked_s += 1.0;
		run->full_s += site_w * (asked_w > 0.0 ? 1.0 : -1.0) >= 0.97 * fabs(asked_w) - 50.0;
	}
	if (truth->dc_w > 0.0)
		run->dc_dis_wh += truth->dc_w / 3600.0;
	else
		run->dc_cha_wh -= truth->dc_w / 3600.0;
	for (unsigned k = 0; k < run->site->n_packs; k++) {
		run->pack_join_peak_a[k] = fmax(run->pack_join_peak_a[k], truth->pack[k].peak_a);
		run->pack_leave_peak_a[k] = fmax(run->pack_leave_peak_a[k], truth->pack[k].break_a);
		run->join_peak_a = fmax(run->join_peak_a, truth->pack[k].peak_a);
		run->leave_peak_a = fmax(run->leave_peak_a, truth->pack[k].break_a);
	}
}

static bool expect_holds(struct run *run, struct expect *expect)
{
	return expect->kind->holds(run, expect);
}

static void expect_check(struct run *run, struct expect *expect)
{
	int64_t t_ms = run->now_ms - run->start_ms;
	bool holds;

	if ((expect->kind->flags & EXPECT_TOTAL) || expect->result != EXPECT_PENDING ||
	    expect->when == WHEN_END || t_ms < expect->from_ms ||
	    (expect->when == WHEN_AT && t_ms < expect->to_ms))
		return;
	if (t_ms > expect->to_ms && expect->when != WHEN_AT) {
		expect->result = expect->when == WHEN_ALWAYS ? EXPECT_HELD : EXPECT_FAILED;
		return;
	}
	/* A condition over hours is looked at once a second. */
	if (expect->to_ms - expect->from_ms > 600000 && t_ms % 1000 != 0)
		return;
	holds = expect_holds(run, expect);
	if (expect->when == WHEN_AT)
		expect->result = holds ? EXPECT_HELD : EXPECT_FAILED;
	else if (expect->when == WHEN_WITHIN && holds)
		expect->result = EXPECT_HELD;
	else if (expect->when == WHEN_ALWAYS && !holds)
		expect->result = EXPECT_FAILED;
}

/* A ring for the whole run, or for the end of a very long one. NULL: none wanted or no memory. */
static struct recorder *recording_start(const struct run *run)
{
	const double ring_min = 8e6, ring_max = 256e6;
	double steps = (double)(run->end_ms - run->start_ms) / (double)run->tick_ms;
	double bytes = steps * (256.0 + 96.0 * run->site->n_packs);
	struct recorder *recorder;

	if (!run->options->record)
		return NULL;
	bytes = fmin(fmax(bytes, ring_min), ring_max);
	recorder = recorder_new((size_t)bytes);
	if (!recorder)
		fprintf(stderr, "rebankctl: no memory for a recording of %.0f MB\n", bytes / 1e6);
	return recorder;
}

static void controller_step(struct run *run)
{
	if (run->recorder)
		recorder_before(run->recorder, &run->bank, &run->in);
	bank_step(&run->bank, &run->in, &run->out);
	if (run->recorder)
		recorder_after(run->recorder, &run->out);
	run->steps++;
	twin_apply(run->twin, run->now_ms, &run->out);
	take_events(run);
	invariants_check(run, &run->invariants);
}

/* Dead or stalled: the lines keep their levels and the heartbeat stops; the twin's relay does the
 * rest. A process that comes back knows what it saved. */
static void wake_up(struct run *run)
{
	run->asleep_until_ms = 0;
	if (!run->dead)
		return;
	run->dead = false;
	bank_init(&run->bank, run->site, &run->saved);
	invariants_forget(&run->invariants);
	if (run->recorder) { /* a new process has an empty black box */
		recorder_free(run->recorder);
		run->recorder = recording_start(run);
	}
}

static void run_step(struct run *run, struct expect *expect)
{
	run->truth_fresh = run->report_fresh = false;
	run->in.now_ms = run->now_ms;
	run->in.utc_ms = run_true_utc_ms(run) + run->utc_jump_ms;
	twin_gather(run->twin, &run->in);
	if (run->asleep_until_ms && run->now_ms >= run->asleep_until_ms)
		wake_up(run);
	if (!run->asleep_until_ms)
		controller_step(run);
	if ((run->now_ms - run->start_ms) % 1000 == 0)
		sample(run);
	for (size_t i = 0; i < run->scenario->n_expects; i++)
		expect_check(run, &expect[i]);
	run->in.n_commands = 0;
}

/* ---- the whole run
 * ------------------------------------------------------------------------------- */

static void run_loop(struct run *run, struct expect *expect)
{
	size_t n;
	struct happening *list = happenings_new(run->scenario, &n);
	int64_t next_tick_ms = run->start_ms, next_happening_ms = run->start_ms, late_ms = 0;

	while (run->now_ms <= run->end_ms) {
		int64_t next_ms;
		bool was_asleep = run->asleep_until_ms != 0;

		run->in.tick = run->now_ms >= next_tick_ms;
		if (run->in.tick)
			next_tick_ms += run->tick_ms;
		if (run->now_ms >= next_happening_ms)
			next_happening_ms = happen_due(run, list, n);
		if (run->asleep_until_ms && !was_asleep)
			late_ms = run->now_ms;
		run->in.lateness_ms = 0;
		if (was_asleep && run->now_ms >= run->asleep_until_ms && !run->dead)
			run->in.lateness_ms = (int32_t)(run->now_ms - late_ms);
		run_step(run, expect);
		next_ms = next_tick_ms < next_happening_ms ? next_tick_ms : next_happening_ms;
		if (!run->asleep_until_ms && run->out.next_step_ms > run->now_ms &&
		    run->out.next_step_ms < next_ms)
			next_ms = run->out.next_step_ms;
		run->now_ms = next_ms;
	}
	run->now_ms = run->end_ms;
	free(list);
}

static void expects_finish(struct run *run, struct expect *expect)
{
	for (size_t i = 0; i < run->scenario->n_expects; i++) {
		if ((expect[i].kind->flags & EXPECT_TOTAL) || expect[i].when == WHEN_END)
			expect[i].result =
				expect_holds(run, &expect[i]) ? EXPECT_HELD : EXPECT_FAILED;
		else if (expect[i].result == EXPECT_PENDING)
			expect[i].result =
				expect[i].when == WHEN_ALWAYS ? EXPECT_HELD : EXPECT_FAILED;
	}
}

static void run_prepare(struct run *run, const struct scenario *scenario,
			const struct scenario_options *options, FILE *log)
{
	const struct twin_truth *truth;

	run->scenario = scenario;
	run->site = &scenario->config.site;
	run->options = options;
	run->log = log;
	run->start_ms = run->now_ms = START_MS;
	run->end_ms = START_MS +
		      llround(3600e3 * (options->hours > 0.0 ? options->hours : scenario->hours));
	run->tick_ms = run->site->tick_ms;
	run->utc_start_ms = utc_midnight_ms;
	run->random = scenario->config.sim.seed;
	run->in.clock_synced = run->in.commissioned = run->in.broker_connected = true;
	truth = run_truth(run);
	for (unsigned k = 0; k < run->site->n_packs; k++) {
		run->first_soc[k] = truth->pack[k].soc;
		run->first_soh[k] = truth->pack[k].soh;
	}
	bank_init(&run->bank, run->site, NULL);
}

/* False, and a line on stderr, when the recording cannot be written. */
static bool recording_finish(struct recorder *recorder, const char *path)
{
	size_t size = recorder_size(recorder);
	void *buffer = malloc(size);
	int error = -12;

	if (buffer)
		error = recording_write(path, buffer, recorder_freeze(recorder, buffer, size));
	free(buffer);
	recorder_free(recorder);
	if (error)
		fprintf(stderr, "rebankctl: %s: %s\n", path, strerror(-error));
	return error == 0;
}

static double wall_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int count_failures(const struct run *run, const struct expect *expect)
{
	int failures = (int)run->invariants.n_texts;

	for (size_t i = 0; i < run->scenario->n_expects; i++)
		failures += expect[i].result == EXPECT_FAILED;
	return failures;
}

int scenario_run(struct scenario *scenario, const struct scenario_options *options, FILE *log,
		 json_t **result)
{
	struct run *run = calloc(1, sizeof(*run));
	struct expect *expect = calloc(scenario->n_expects + 1, sizeof(*expect));
	struct twin_config sim = scenario->config.sim;
	double wall_s = wall_now_s();
	int failures;

	if (!run || !expect)
		abort();
	if (options->seed)
		sim.seed = options->seed;
	run->twin = twin_new(&scenario->config.site, &sim, START_MS);
	if (!run->twin)
		abort();
	if (scenario->n_expects)
		memcpy(expect, scenario->expect, scenario->n_expects * sizeof(*expect));
	run_prepare(run, scenario, options, log);
	run->random = sim.seed;
	run->recorder = recording_start(run);
	run_loop(run, expect);
	expects_finish(run, expect);
	*result = run_result(run, expect, scenario->n_expects, wall_now_s() - wall_s, sim.seed);
	failures = count_failures(run, expect);
	if (options->record && !(run->recorder && recording_finish(run->recorder, options->record)))
		failures++;
	journal_free(&run->journal);
	twin_free(run->twin);
	free(expect);
	free(run);
	return failures;
}
