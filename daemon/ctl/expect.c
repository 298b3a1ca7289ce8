/* The vocabulary of expectations: every condition a scenario may state, in one table. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "ctl/scenario_parts.h"
#include "northbound/sentence.h"

static void found(struct expect *expect, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void found(struct expect *expect, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(expect->found, sizeof(expect->found), format, args);
	va_end(args);
}

static bool at_least(struct expect *expect, double value)
{
	found(expect, "%.6g", value);
	return value >= expect->number;
}

static bool at_most(struct expect *expect, double value)
{
	found(expect, "%.6g", value);
	return value <= expect->number;
}

static bool equals(struct expect *expect, double value)
{
	found(expect, "%.6g", value);
	return fabs(value - expect->number) <= expect->tolerance;
}

static bool is_word(struct expect *expect, const char *word)
{
	found(expect, "%s", word);
	return strcmp(word, expect->text) == 0;
}

static bool is_flag(struct expect *expect, bool flag)
{
	found(expect, "%s", flag ? "true" : "false");
	return flag == expect->flag;
}

/* ---- the state of the bank, as it is reported ------------------------------------------------ */

static bool bank_state(struct run *run, struct expect *expect)
{
	return is_word(expect, bank_state_word(run->bank.state));
}

static bool pack_state(struct run *run, struct expect *expect)
{
	return is_word(expect, run_report(run)->pack[expect->pack].state);
}

static bool mode(struct run *run, struct expect *expect)
{
	return is_word(expect, dispatch_mode_word(run->bank.dispatch.mode));
}

static bool reason(struct run *run, struct expect *expect)
{
	const struct bank_report *report = run_report(run);
	enum reason now =
		expect->pack >= 0 ? report->pack[expect->pack].reason : report->state_reason;

	found(expect, "%s", reason_text(now)->word);
	return now == expect->reason;
}

static bool degraded(struct run *run, struct expect *expect)
{
	return is_flag(expect, run_report(run)->degraded);
}

static bool dis_limit_max(struct run *run, struct expect *expect)
{
	return at_most(expect, run->bank.limits.dis_w[HORIZON_NOW]);
}

static bool dis_limit_min(struct run *run, struct expect *expect)
{
	return at_least(expect, run->bank.limits.dis_w[HORIZON_NOW]);
}

static bool cha_limit_max(struct run *run, struct expect *expect)
{
	return at_most(expect, run->bank.limits.cha_w[HORIZON_NOW]);
}

static bool cha_limit_min(struct run *run, struct expect *expect)
{
	return at_least(expect, run->bank.limits.cha_w[HORIZON_NOW]);
}

/* ---- outputs --------------------------------------------------------------------------------- */

static bool pcs_enable(struct run *run, struct expect *expect)
{
	return is_flag(expect, run->out.pcs_enable);
}

static bool coils(struct run *run, struct expect *expect)
{
	unsigned on = 0;

	for (unsigned k = 0; k < run->site->n_packs; k++)
		for (unsigned p = 0; p < POLE_COUNT; p++)
			if (expect->pack < 0 || expect->pack == (int)k)
				on += run->out.pack[k].coil[p];
	found(expect, "%u driven", on);
	return (on > 0) == (strcmp(expect->text, "on") == 0);
}

static bool relay_healthy(struct run *run, struct expect *expect)
{
	return is_flag(expect, run->out.relay_healthy);
}

static bool fire_healthy(struct run *run, struct expect *expect)
{
	return is_flag(expect, run->out.fire_healthy);
}

static bool fan(struct run *run, struct expect *expect)
{
	return is_flag(expect, run->out.fan);
}

/* ---- the plant's truth ----------------------------------------------------------------------- */

static const char *path_word(const struct twin_pack_truth *pack)
{
	const bool *closed = pack->closed;

	if (closed[POLE_NEGATIVE] && closed[POLE_POSITIVE])
		return "closed";
	if (closed[POLE_NEGATIVE] || closed[POLE_POSITIVE] || closed[POLE_PRECHARGE])
		return "open"; /* interrupted, but not on both sides */
	return "isolated";
}

static bool contactors(struct run *run, struct expect *expect)
{
	const struct twin_truth *truth = run_truth(run);
	bool wants_open = strcmp(expect->text, "open") == 0;

	for (unsigned k = 0; k < run->site->n_packs; k++) {
		const char *word = path_word(&truth->pack[k]);

		if (expect->pack >= 0 && expect->pack != (int)k)
			continue;
		found(expect, "%s: %s", run->site->pack[k].id, word);
		if (wants_open ? strcmp(word, "closed") == 0 : strcmp(word, expect->text) != 0)
			return false;
	}
	return true;
}

static unsigned connected(struct run *run)
{
	const struct twin_truth *truth = run_truth(run);
	unsigned n = 0;

	for (unsigned k = 0; k < run->site->n_packs; k++)
		n += truth->pack[k].closed[POLE_NEGATIVE] && truth->pack[k].closed[POLE_POSITIVE];
	return n;
}

static bool packs_connected_min(struct run *run, struct expect *expect)
{
	return at_least(expect, connected(run));
}

static bool packs_connected_max(struct run *run, struct expect *expect)
{
	return at_most(expect, connected(run));
}

static double site_power_w(struct run *run)
{
	const struct twin_truth *truth = run_truth(run);

	return run->site->grid.measured_at_ac ? truth->ac_w : truth->dc_w;
}

static bool p_w(struct run *run, struct expect *expect)
{
	return equals(expect, site_power_w(run));
}

static bool p_min_w(struct run *run, struct expect *expect)
{
	return at_least(expect, site_power_w(run));
}

static bool p_max_w(struct run *run, struct expect *expect)
{
	return at_most(expect, site_power_w(run));
}

static bool bus_max_v(struct run *run, struct expect *expect)
{
	return at_most(expect, run_truth(run)->bus_v);
}

static bool pack_current_max_a(struct run *run, struct expect *expect)
{
	return at_most(expect, fabs(run_truth(run)->pack[expect->pack].a));
}

static bool soc_spread_max(struct run *run, struct expect *expect)
{
	const struct twin_truth *truth = run_truth(run);
	double lo = INFINITY, hi = -INFINITY;

	for (unsigned k = 0; k < run->site->n_packs; k++) {
		lo = fmin(lo, truth->pack[k].soc);
		hi = fmax(hi, truth->pack[k].soc);
	}
	return at_most(expect, hi - lo);
}

/* ---- what was said, over a time -------------------------------------------------------------- */

static bool inside(const struct run *run, const struct expect *expect, int64_t at_ms)
{
	int64_t t_ms = at_ms - run->start_ms;

	return expect->from_ms <= t_ms && t_ms <= expect->to_ms;
}

static unsigned count_events(struct run *run, struct expect *expect)
{
	unsigned n = 0;

	found(expect, "not seen");
	for (size_t i = 0; i < run->journal.n_events; i++) {
		const struct journal_event *event = &run->journal.event[i];

		if (event->reason != expect->reason || event->kind == EVENT_CLEARED ||
		    (expect->pack >= 0 && expect->pack != event->pack))
			continue;
		if (!inside(run, expect, event->at_ms)) {
			found(expect, "seen at %.1f s",
			      (double)(event->at_ms - run->start_ms) / 1e3);
			continue;
		}
		if (n++ == 0)
			found(expect, "seen at %.1f s",
			      (double)(event->at_ms - run->start_ms) / 1e3);
	}
	return n;
}

static bool event_seen(struct run *run, struct expect *expect)
{
	return count_events(run, expect) > 0;
}

static bool event_unseen(struct run *run, struct expect *expect)
{
	return count_events(run, expect) == 0;
}

static bool ack(struct run *run, struct expect *expect)
{
	found(expect, "no ack");
	for (size_t i = 0; i < run->journal.n_acks; i++) {
		const struct journal_ack *got = &run->journal.ack[i];

		if (strcmp(got->id, expect->id) != 0)
			continue;
		found(expect, "%s, reason %s, at %.1f s", ack_status_word(got->status),
		      reason_text(got->reason)->word, (double)(got->at_ms - run->start_ms) / 1e3);
		if (strcmp(ack_status_word(got->status), expect->text) == 0 &&
		    (expect->reason == REASON_COUNT || expect->reason == got->reason) &&
		    inside(run, expect, got->at_ms))
			return true;
	}
	return false;
}

static bool acks(struct run *run, struct expect *expect)
{
	unsigned n = 0;

	for (size_t i = 0; i < run->journal.n_acks; i++)
		n += strcmp(run->journal.ack[i].id, expect->id) == 0 &&
		     inside(run, expect, run->journal.ack[i].at_ms);
	return equals(expect, n);
}

/* ---- totals of the whole run ----------------------------------------------------------------- */

static bool energy_dis_min_wh(struct run *run, struct expect *expect)
{
	return at_least(expect, run_truth(run)->energy_dis_wh);
}

static bool energy_dis_max_wh(struct run *run, struct expect *expect)
{
	return at_most(expect, run_truth(run)->energy_dis_wh);
}

static bool energy_cha_min_wh(struct run *run, struct expect *expect)
{
	return at_least(expect, run_truth(run)->energy_cha_wh);
}

static bool energy_cha_max_wh(struct run *run, struct expect *expect)
{
	return at_most(expect, run_truth(run)->energy_cha_wh);
}

static bool energy_share_min(struct run *run, struct expect *expect)
{
	return at_least(expect, run_energy_share(run));
}

static bool full_power_share_min(struct run *run, struct expect *expect)
{
	return at_least(expect, run->asked_s > 0.0 ? run->full_s / run->asked_s : (double)NAN);
}

static bool trips(struct run *run, struct expect *expect)
{
	return equals(expect, run->trips);
}

static bool invariant_violations(struct run *run, struct expect *expect)
{
	return equals(expect, run->invariants.violations);
}

static bool limit_violations(struct run *run, struct expect *expect)
{
	return at_most(expect, run_limit_violations_s(run));
}

static bool operations_min(struct run *run, struct expect *expect)
{
	return at_least(expect, run->invariants.operations);
}

static bool operations_max(struct run *run, struct expect *expect)
{
	return at_most(expect, run->invariants.operations);
}

static bool join_peak_max_a(struct run *run, struct expect *expect)
{
	return at_most(expect, run->join_peak_a);
}

static bool leave_peak_max_a(struct run *run, struct expect *expect)
{
	return at_most(expect, run->leave_peak_a);
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool one_of(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

static bool valid_bank_state(const char *word)
{
	for (int state = BANK_STARTING; state <= BANK_TRIPPED; state++)
		if (strcmp(bank_state_word((enum bank_state)state), word) == 0)
			return true;
	return false;
}

static bool valid_mode(const char *word)
{
	for (int m = MODE_DEFAULT; m <= MODE_TRIPPED; m++)
		if (strcmp(dispatch_mode_word((enum dispatch_mode)m), word) == 0)
			return true;
	return false;
}

static bool valid_pack_state(const char *word)
{
	static const char *const words[] = {"open",    "precharge", "joining", "closed",
					    "leaving", "isolated",  "welded",  "quarantined",
					    "offline", NULL};

	return one_of(words, word);
}

static bool valid_contactors(const char *word)
{
	static const char *const words[] = {"open", "closed", "isolated", NULL};

	return one_of(words, word);
}

static bool valid_coils(const char *word)
{
	static const char *const words[] = {"on", "off", NULL};

	return one_of(words, word);
}

static bool valid_ack(const char *word)
{
	enum ack_status status;

	return ack_status_parse(word, &status);
}

#define NUMBER(name, text)                                                                         \
	{                                                                                          \
		.key = #name, .type = EXPECT_NUMBER, .holds = name, .help = text                   \
	}
#define TOTAL(name, text)                                                                          \
	{                                                                                          \
		.key = #name, .type = EXPECT_NUMBER, .whole_run = true, .holds = name,             \
		.help = text                                                                       \
	}
#define FLAG(name, text)                                                                           \
	{                                                                                          \
		.key = #name, .type = EXPECT_FLAG, .holds = name, .help = text                     \
	}

const struct expect_kind expect_kinds[] = {
	{.key = "bank_state",
	 .type = EXPECT_WORD,
	 .word_valid = valid_bank_state,
	 .holds = bank_state,
	 .help = "starting, ready, running, derated, stopping, stopped or tripped"},
	{.key = "pack_state",
	 .type = EXPECT_WORD,
	 .needs_pack = true,
	 .word_valid = valid_pack_state,
	 .holds = pack_state,
	 .help = "open, precharge, joining, closed, leaving, isolated, welded, quarantined or "
		 "offline"},
	{.key = "mode",
	 .type = EXPECT_WORD,
	 .word_valid = valid_mode,
	 .holds = mode,
	 .help = "who decides: default, setpoint, local, stopped or tripped"},
	FLAG(degraded, "measured power does not follow the target"),
	NUMBER(dis_limit_max, "published discharge limit now, W, at most"),
	NUMBER(dis_limit_min, "published discharge limit now, W, at least"),
	NUMBER(cha_limit_max, "published charge limit now, W, at most"),
	NUMBER(cha_limit_min, "published charge limit now, W, at least"),
	FLAG(pcs_enable, "the converters' enable line"),
	{.key = "coils",
	 .type = EXPECT_WORD,
	 .word_valid = valid_coils,
	 .holds = coils,
	 .help = "off: no coil of the pack (of the bank) is driven; on: one is"},
	FLAG(relay_healthy, "alarm relay energised"),
	FLAG(fire_healthy, "fire relay energised"),
	FLAG(fan, "fans run"),
	{.key = "contactors",
	 .type = EXPECT_WORD,
	 .word_valid = valid_contactors,
	 .holds = contactors,
	 .help = "in truth, of the pack (of every pack): closed on both poles, open on at least "
		 "one, isolated on all"},
	NUMBER(packs_connected_min, "packs on the bus in truth, at least"),
	NUMBER(packs_connected_max, "packs on the bus in truth, at most"),
	{.key = "p_w",
	 .type = EXPECT_NUMBER,
	 .takes_tolerance = true,
	 .holds = p_w,
	 .help = "true power at the site's point, W, within the tolerance"},
	NUMBER(p_min_w, "true power, W, at least"),
	NUMBER(p_max_w, "true power, W, at most"),
	NUMBER(bus_max_v, "true bus voltage, V, at most"),
	{.key = "pack_current_max_a",
	 .type = EXPECT_NUMBER,
	 .needs_pack = true,
	 .holds = pack_current_max_a,
	 .help = "true |current| of the pack, A, at most"},
	NUMBER(soc_spread_max, "true SoC of the fullest minus the emptiest pack, at most"),
	{.key = "event",
	 .type = EXPECT_REASON,
	 .whole_run = true,
	 .holds = event_seen,
	 .help = "an event with this reason was seen in the time (of the pack, if given)"},
	{.key = "no_event",
	 .type = EXPECT_REASON,
	 .whole_run = true,
	 .holds = event_unseen,
	 .help = "no such event was seen in the time"},
	{.key = "ack",
	 .type = EXPECT_WORD,
	 .needs_id = true,
	 .whole_run = true,
	 .word_valid = valid_ack,
	 .holds = ack,
	 .help = "accepted, limited, rejected, started, completed, superseded, expired or "
		 "cancelled; with `reason`, for that reason"},
	{.key = "acks",
	 .type = EXPECT_NUMBER,
	 .needs_id = true,
	 .whole_run = true,
	 .holds = acks,
	 .help = "number of acks for the id in the time"},
	{.key = "reason",
	 .type = EXPECT_REASON,
	 .holds = reason,
	 .help = "why the pack is not closed or what limits it; of the bank: why it is in its "
		 "state"},
	TOTAL(energy_dis_min_wh, "energy discharged at the site's point, Wh, at least"),
	TOTAL(energy_dis_max_wh, "energy discharged, Wh, at most"),
	TOTAL(energy_cha_min_wh, "energy charged, Wh, at least"),
	TOTAL(energy_cha_max_wh, "energy charged, Wh, at most"),
	TOTAL(energy_share_min,
	      "energy discharged on the DC side as a share of what the packs held "
	      "above their own floors at the start, at least"),
	TOTAL(full_power_share_min, "share of the time with power asked in which it was given"),
	TOTAL(trips, "events of severity trip or alarm"),
	TOTAL(invariant_violations, "broken invariants (0 is always expected)"),
	TOTAL(limit_violations, "pack-seconds beyond 1.02 of a pack's true limits, at most"),
	TOTAL(operations_min, "closings of packs, at least"),
	TOTAL(operations_max, "closings of packs, at most"),
	TOTAL(join_peak_max_a, "largest true current within 100 ms after a closing, A"),
	TOTAL(leave_peak_max_a, "largest true current that a main contactor opened, A"),
	{.key = NULL},
};

const struct expect_kind *expect_kind_find(const char *key)
{
	for (const struct expect_kind *kind = expect_kinds; kind->key; kind++)
		if (strcmp(kind->key, key) == 0)
			return kind;
	return NULL;
}

static void time_text(const struct expect *expect, char *text, size_t size)
{
	double from_s = (double)expect->from_ms / 1e3, to_s = (double)expect->to_ms / 1e3;

	switch (expect->when) {
	case WHEN_END:
		snprintf(text, size, "at the end");
		break;
	case WHEN_AT:
		snprintf(text, size, "at %g s", to_s);
		break;
	case WHEN_WITHIN:
		if (expect->from_ms == 0)
			snprintf(text, size, "by %g s", to_s);
		else
			snprintf(text, size, "within %g s after %g s", to_s - from_s, from_s);
		break;
	case WHEN_ALWAYS:
		snprintf(text, size, "from %g s to %g s", from_s, to_s);
		break;
	}
}

void expect_text(const struct run *run, const struct expect *expect, char *text, size_t size)
{
	const struct expect_kind *kind = expect->kind;
	char time[80], value[COMMAND_ID_SIZE + 8] = "", which[2 * COMMAND_ID_SIZE] = "";

	time_text(expect, time, sizeof(time));
	if (kind->type == EXPECT_NUMBER)
		snprintf(value, sizeof(value), "%.10g", expect->number);
	else if (kind->type == EXPECT_FLAG)
		snprintf(value, sizeof(value), "%s", expect->flag ? "true" : "false");
	else
		snprintf(value, sizeof(value), "%s", expect->text);
	if (expect->pack >= 0)
		snprintf(which, sizeof(which), " (%s)", run->site->pack[expect->pack].id);
	else if (expect->id[0])
		snprintf(which, sizeof(which), " (%s%s%s)", expect->id,
			 expect->reason < REASON_COUNT ? ", reason " : "",
			 expect->reason < REASON_COUNT ? reason_text(expect->reason)->word : "");
	snprintf(text, size, "%s: %s = %s%s", time, kind->key, value, which);
}

bool reason_parse(const char *word, enum reason *reason_out)
{
	for (int r = 0; r < REASON_COUNT; r++)
		if (strcmp(reason_text((enum reason)r)->word, word) == 0) {
			*reason_out = (enum reason)r;
			return true;
		}
	return false;
}

bool ack_status_parse(const char *word, enum ack_status *status)
{
	for (int i = ACK_ACCEPTED; i <= ACK_CANCELLED; i++)
		if (strcmp(ack_status_word((enum ack_status)i), word) == 0) {
			*status = (enum ack_status)i;
			return true;
		}
	return false;
}
