#!/usr/bin/env python3
"""Stopping rebankd under load, and running without a broker."""
import re
import signal
import time

from daemon_lib import DaemonTest, main, wait_for


class Stop(DaemonTest):
    def loaded(self, d):
        self.connected(d)
        d.ctl("setpoint", "discharge", "3kW", "--for", "300")
        return wait_for(lambda: (s := d.status()) and (s.get("p_w") or 0) > 1000 and s, 60,
                        "power flows: %s" % d.stderr()[-800:])

    def test_sigterm_under_load_opens_in_order_and_is_0(self):
        d = self.daemon().start()
        self.loaded(d)
        self.assertEqual(d.stop(), 0, d.stderr())
        log = d.sequence()
        joined = {e["pack"] for e in log if e["code"] == "joined"}
        left = [e for e in log if e["code"] == "left"]
        self.assertTrue(joined)
        self.assertEqual({e["pack"] for e in left} & joined, joined)
        # A busy machine may keep the daemon waiting: that alarm is none of the stop.
        self.assertFalse([e for e in log if e["severity"] in ("trip", "alarm")
                          and e["kind"] == "raised" and e["code"] != "late_tick"])
        # No pack broke current: an ordered leave waits until its own is near zero.
        self.assertFalse([e for e in left if e["value"] is not None and abs(e["value"]) > 15],
                         left)
        mono = [e["mono_ms"] for e in log]
        self.assertEqual(mono, sorted(mono))

    def test_sigint_and_an_impatient_second_signal_are_the_same_orderly_stop(self):
        d = self.daemon().start()
        self.loaded(d)
        d.process.send_signal(signal.SIGINT)
        d.process.send_signal(signal.SIGTERM)
        self.assertEqual(d.process.wait(45), 0, d.stderr())
        self.assertIn("left", [e["code"] for e in d.sequence()])

    def test_frozen_process_says_how_late_it_was_and_counts_missed_ticks(self):
        d = self.daemon().start()
        self.loaded(d)
        d.process.send_signal(signal.SIGSTOP)
        time.sleep(1)
        d.process.send_signal(signal.SIGCONT)
        late = wait_for(lambda: [e for e in d.sequence() if e["code"] == "late_tick"], 5,
                        "event of the late tick")
        self.assertGreaterEqual(late[0]["value"], 200)
        self.assertEqual(d.stop(), 0, d.stderr())
        missed = re.search(r"(\d+) ticks missed, latest (\d+) ms", d.stderr())
        self.assertGreaterEqual(int(missed.group(1)), 8)
        self.assertGreaterEqual(int(missed.group(2)), 900)

    def test_missing_broker_changes_nothing_for_the_local_operator(self):
        d = self.daemon().start()
        self.loaded(d)
        self.assertFalse(d.ended())
        d.ctl("release")
        wait_for(lambda: abs(d.status()["p_w"] or 0) < 300, 30, "power back to zero")
        self.assertEqual(d.stop(), 0, d.stderr())


if __name__ == "__main__":
    main()
