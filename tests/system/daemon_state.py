#!/usr/bin/env python3
"""What rebankd remembers through kill -9, torn files and full disks; recordings and replay."""
import json
import resource
import sqlite3
import subprocess

from daemon_lib import BANK, REBANKCTL, DaemonTest, main, wait_for


class State(DaemonTest):
    def database(self, d):
        return sqlite3.connect(d.state_dir / (BANK + ".db"), timeout=10)

    def value(self, d, sql):
        db = self.database(d)
        try:
            row = db.execute(sql).fetchone()
            return row[0] if row else None
        except sqlite3.OperationalError:
            return None
        finally:
            db.close()

    def replay(self, path):
        return subprocess.run([str(REBANKCTL), "replay", str(path)], capture_output=True,
                              text=True, timeout=120)

    def test_kill_9_and_restart_keep_counters_and_sequence(self):
        d = self.daemon().start()
        self.connected(d)
        wait_for(lambda: self.value(d, "SELECT sum(joins) FROM life"), 20, "a join in the ledger")
        joins = self.value(d, "SELECT sum(joins) FROM life")
        d.kill()
        last = max(e["seq"] for e in d.sequence())
        boots = {e["boot"] for e in d.sequence()}
        again = self.daemon().start()
        wait_for(lambda: [e for e in again.sequence() if e["boot"] not in boots], 10, "new events")
        first = [e for e in again.sequence() if e["boot"] not in boots][0]
        self.assertEqual(first["seq"], last + 1)
        self.assertEqual(again.stop(), 0, again.stderr())
        self.assertGreaterEqual(self.value(again, "SELECT sum(joins) FROM life"), joins)

    def saved(self, d):
        text = self.value(d, "SELECT state FROM saved ORDER BY generation DESC")
        return json.loads(text) if text else {}

    def test_a_closing_is_saved_when_it_begins_and_a_death_in_it_counts(self):
        d = self.daemon().start()
        # Before any pack has joined: what an event would have saved came later.
        begun = wait_for(lambda: (s := self.saved(d)).get("ops_hour") and s, 60, "a closing in the ledger")
        d.kill()
        self.assertEqual((begun["ops_hour"], sum(p["life.joins"] for p in begun["packs"])), (1, 0))
        self.assertFalse(begun["ended"])
        again = self.daemon().start()
        after = wait_for(lambda: (s := self.saved(again))["packs"][0]["failures"] and s, 20, "a failure counted")
        self.assertEqual(after["ops_hour"], 1)
        for pack in after["packs"]:
            self.assertGreater(pack["resistor_j"], 0)
        self.connected(again)
        self.assertEqual(again.stop(), 0, again.stderr())
        ended = self.saved(again)
        self.assertTrue(ended["ended"])
        self.assertEqual(min(p["failures"] for p in ended["packs"]), 0)

    def test_local_stop_survives_kill_9(self):
        d = self.daemon().start()
        self.connected(d)
        d.ctl("stop")
        wait_for(lambda: d.status().get("state") == "stopped", 40, "stopped")
        wait_for(lambda: '"stopped":true' in
                 (self.value(d, "SELECT state FROM saved ORDER BY generation DESC") or ""), 20,
                 "stop in the ledger")
        d.kill()
        again = self.daemon().start()
        wait_for(lambda: again.status().get("state") == "stopped", 20, "still stopped")
        self.assertEqual(again.stop(), 0, again.stderr())

    def test_what_stands_is_told_to_who_comes_later(self):
        d = self.daemon().start()
        self.connected(d)
        self.assertEqual(json.loads(d.ctl("status", "--json").stdout)["standing"], [])
        d.fault("estop")

        def standing(daemon):
            return [e for e in json.loads(daemon.ctl("status", "--json").stdout)["standing"] if e["code"] == "estop"]
        event = wait_for(lambda: standing(d), 10, "estop stands")[0]
        told = wait_for(lambda: [e for e in d.sequence() if e["code"] == "estop"], 10, "estop in the log")[0]
        self.assertEqual((event["text"], event["kind"]), (told["text"], "raised"))
        self.assertIn("alarm      estop: " + told["text"], d.ctl("status").stdout)
        wait_for(lambda: '"estop"' in (self.value(d, "SELECT state FROM saved ORDER BY generation DESC") or ""), 20,
                 "estop in the ledger")
        d.kill()
        again = self.daemon().start()
        event = wait_for(lambda: standing(again), 20, "estop stands after a restart")[0]
        self.assertIsNone(event["value"])
        again.stop()

    def test_a_proof_that_was_told_is_remembered(self):
        d = self.daemon().start()
        self.connected(d)
        self.assertNotEqual(d.ctl("proof", "luck", check=False).returncode, 0)
        d.ctl("proof", "heartbeat")
        wait_for(lambda: "heartbeat_test_done" in [e["code"] for e in d.sequence()], 5,
                 "the proof's event")
        proofs = {p["proof"]: p for p in json.loads(d.ctl("status", "--json").stdout)["proofs"]}
        self.assertFalse(proofs["heartbeat"]["overdue"])
        self.assertGreater(proofs["heartbeat"]["left_d"], 364.9)
        self.assertEqual(proofs["weld"]["pack"] is None, False)
        saved = "SELECT state FROM saved ORDER BY generation DESC"
        self.assertEqual(d.stop(), 0, d.stderr())
        state = json.loads(self.value(d, saved))
        self.assertLess(state["proof_heartbeat_run_s"], state["proof_insulation_run_s"])
        again = self.daemon().start()
        self.connected(again)
        self.assertEqual(again.stop(), 0, again.stderr())
        later = json.loads(self.value(again, saved))
        self.assertGreater(later["proof_heartbeat_run_s"], state["proof_heartbeat_run_s"])

    def test_torn_newest_state_falls_back_to_the_older(self):
        d = self.daemon().start()
        self.connected(d)
        wait_for(lambda: (self.value(d, "SELECT count(*) FROM saved") or 0) == 2, 90, "two copies")
        self.assertEqual(d.stop(), 0, d.stderr())
        db = self.database(d)
        db.execute("UPDATE saved SET state = substr(state, 1, 400) WHERE generation ="
                   " (SELECT max(generation) FROM saved)")
        db.commit()
        db.close()
        again = self.daemon().start()
        self.connected(again)
        self.assertIn("the copy before it is used", again.stderr())
        self.assertEqual(again.stop(), 0, again.stderr())

    def test_state_that_is_lost_engages_the_maintenance_lock(self):
        d = self.daemon().start()
        self.assertEqual(d.stop(), 0, d.stderr())
        (d.state_dir / (BANK + ".db")).write_bytes(b"not a database " * 3000)
        for suffix in ("-wal", "-shm"):
            (d.state_dir / (BANK + ".db" + suffix)).unlink(missing_ok=True)
        again = self.daemon().start()
        wait_for(lambda: again.status().get("state") == "stopped", 20, "locked")
        self.assertIn("maintenance lock is engaged", again.stderr())
        self.assertTrue((d.state_dir / (BANK + ".db.broken")).exists())
        self.assertEqual(again.stop(), 0, again.stderr())

    def test_a_trip_is_recorded_and_replays_bit_by_bit(self):
        d = self.daemon().start()
        self.connected(d)
        d.fault("estop")
        path = wait_for(d.recordings, 30, "recording of the trip: %s" % d.stderr()[-800:])[-1]
        self.assertIn("estop", path.name)
        done = self.replay(path)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("reproduced", done.stdout)
        self.assertIn("every output bit by bit", done.stdout)
        d.stop()
        # A byte in the middle is noticed, and so is a cut.
        data = bytearray(path.read_bytes())
        torn = self.directory / "torn.rec"
        torn.write_bytes(data[:-33])
        done = self.replay(torn)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("torn at byte", done.stdout + done.stderr)

    def test_disk_that_fills_up_is_said_once_and_control_goes_on(self):
        # A limit on file size is a full disk for every file of the store, without needing root.
        d = self.daemon().start()
        self.connected(d)
        resource.prlimit(d.process.pid, resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
        d.fault("estop")
        wait_for(lambda: "a recording cannot be written" in d.stderr(), 30, "message")
        wait_for(lambda: "the ledger cannot be written" in d.stderr(), 30, "message")
        self.assertEqual(d.status().get("state"), "tripped")
        self.assertIn("emergency stop", d.stderr())
        self.assertIn("estop", [e["code"] for e in d.sequence()])
        self.assertEqual(d.recordings(), [])
        self.assertEqual(list(d.state_dir.glob("*.recordings/*.tmp")), [])
        self.assertEqual(d.stop(), 0, d.stderr())
        for what in ("a recording", "the ledger"):
            self.assertEqual(d.stderr().count(what + " cannot be written"), 1, d.stderr())

    def test_recordings_that_cannot_be_written_stop_nothing(self):
        d = self.daemon()
        d.state_dir.mkdir()
        (d.state_dir / (BANK + ".recordings")).write_text("a file in the way")
        d.start()
        self.connected(d)
        d.fault("estop")
        wait_for(lambda: "a recording cannot be written" in d.stderr(), 30, "message")
        d.status()
        d.stop()
        self.assertEqual(d.stderr().count("a recording cannot be written"), 1)


if __name__ == "__main__":
    main()
