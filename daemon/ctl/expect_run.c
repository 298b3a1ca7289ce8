/* Conditions on a time or on the whole run: events, acks and totals. */
#include <math.h>
#include <string.h>

#include "ctl/expect_table.h"
#include "northbound/sentence.h"

/* ---- what was said, over a time -------------------------------------------------------------- */

static bool inside(const struct run *run, const struct expect *expect, int64_t at_ms)
{
	int64_t t_ms = at_ms - run->start_ms;

	return expect->from_ms <= t_ms && t_ms <= expect->to_ms;
}

static unsigned count_events(struct run *run, struct expect *expect)
{
	unsigned n = 0;

	expect_found(expect, "not seen");
	for (size_t i = 0; i < run->journal.n_events; i++) {
		const struct journal_event *event = &run->journal.event[i];

		if (event->reason != expect->reason || event->kind == EVENT_CLEARED ||
		    (expect->pack >= 0 && expect->pack != event->pack) ||
		    (expect->pcs >= 0 && expect->pcs != event->pcs))
			continue;
		if (!inside(run, expect, event->at_ms)) {
			expect_found(expect, "seen at %.1f s",
				     (double)(event->at_ms - run->start_ms) / 1e3);
			continue;
		}
		if (n++ == 0)
			expect_found(expect, "seen at %.1f s",
				     (double)(event->at_ms - run->start_ms) / 1e3);
	}
	return n;
}

bool expect_event(struct run *run, struct expect *expect)
{
	return count_events(run, expect) > 0;
}

bool expect_no_event(struct run *run, struct expect *expect)
{
	return count_events(run, expect) == 0;
}

bool expect_ack(struct run *run, struct expect *expect)
{
	expect_found(expect, "no ack");
	for (size_t i = 0; i < run->journal.n_acks; i++) {
		const struct journal_ack *got = &run->journal.ack[i];

		if (strcmp(got->id, expect->id) != 0)
			continue;
		expect_found(expect, "%s, reason %s, at %.1f s", ack_status_word(got->status),
			     reason_text(got->reason)->word,
			     (double)(got->at_ms - run->start_ms) / 1e3);
		if (strcmp(ack_status_word(got->status), expect->text) == 0 &&
		    (expect->reason == REASON_COUNT || expect->reason == got->reason) &&
		    inside(run, expect, got->at_ms))
			return true;
	}
	return false;
}

bool expect_acks(struct run *run, struct expect *expect)
{
	unsigned n = 0;

	for (size_t i = 0; i < run->journal.n_acks; i++)
		n += strcmp(run->journal.ack[i].id, expect->id) == 0 &&
		     inside(run, expect, run->journal.ack[i].at_ms);
	return expect_equals(expect, n);
}

/* ---- totals of the whole run ----------------------------------------------------------------- */

bool expect_energy_dis_min_wh(struct run *run, struct expect *expect)
{
	return expect_at_least(expect, run_truth(run)->energy_dis_wh);
}

bool expect_energy_dis_max_wh(struct run *run, struct expect *expect)
{
	return expect_at_most(expect, run_truth(run)->energy_dis_wh);
}

bool expect_energy_cha_min_wh(struct run *run, struct expect *expect)
{
	return expect_at_least(expect, run_truth(run)->energy_cha_wh);
}

bool expect_energy_cha_max_wh(struct run *run, struct expect *expect)
{
	return expect_at_most(expect, run_truth(run)->energy_cha_wh);
}

bool expect_energy_share_min(struct run *run, struct expect *expect)
{
	return expect_at_least(expect, run_energy_share(run));
}

bool expect_full_power_share_min(struct run *run, struct expect *expect)
{
	return expect_at_least(expect,
			       run->asked_s > 0.0 ? run->full_s / run->asked_s : (double)NAN);
}

bool expect_trips(struct run *run, struct expect *expect)
{
	return expect_equals(expect, run->trips);
}

bool expect_invariant_violations(struct run *run, struct expect *expect)
{
	return expect_equals(expect, run->invariants.violations);
}

bool expect_limit_violations(struct run *run, struct expect *expect)
{
	return expect_at_most(expect, run_limit_violations_s(run));
}

bool expect_operations_min(struct run *run, struct expect *expect)
{
	return expect_at_least(expect, run->invariants.operations);
}

bool expect_operations_max(struct run *run, struct expect *expect)
{
	return expect_at_most(expect, run->invariants.operations);
}

bool expect_join_peak_max_a(struct run *run, struct expect *expect)
{
	return expect_at_most(expect, run->join_peak_a);
}

bool expect_leave_peak_max_a(struct run *run, struct expect *expect)
{
	return expect_at_most(expect, run->leave_peak_a);
}
