#!/usr/bin/env python3
"""Starting rebankd: usage, configuration, one instance per bank, directories."""
import os
import pathlib
import subprocess

from daemon_lib import DEMO, REBANKD, DaemonTest, main


def run(*arguments):
    return subprocess.run([str(REBANKD), *arguments], capture_output=True, text=True, timeout=20)


class Start(DaemonTest):
    def test_help_names_every_exit_code(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for code in ("64", "70", "71", "75", "78"):
            self.assertIn(code, done.stdout)

    def test_wrong_usage_is_64(self):
        for arguments in (["--banana"], ["extra"], ["--config"],
                          ["--config", str(DEMO), "--check", "--mqtt-url", "http://x"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 64, arguments)
            self.assertNotEqual(done.stderr, "")

    def test_check_of_a_good_file_is_0_and_of_a_bad_one_78(self):
        self.assertEqual(run("--config", str(DEMO), "--check").returncode, 0)
        bad = self.directory / "bad.conf"
        bad.write_text(DEMO.read_text() + "\nbananas = 3;\n")
        done = run("--config", str(bad), "--check")
        self.assertEqual(done.returncode, 78)
        self.assertIn("bad.conf:", done.stderr)
        self.assertIn("bananas", done.stderr)

    def test_broken_or_missing_config_is_78_and_touches_nothing(self):
        bad = self.directory / "bad.conf"
        bad.write_text("bank = { id = ")
        for path in (bad, self.directory / "nowhere.conf"):
            done = run("--config", str(path), "--run-dir", str(self.directory / "run"),
                       "--state-dir", str(self.directory / "state"))
            self.assertEqual(done.returncode, 78)
            self.assertIn(path.name, done.stderr)
            self.assertFalse((self.directory / "run").exists())
            self.assertFalse((self.directory / "state").exists())

    def test_second_daemon_is_75_and_touches_nothing(self):
        first = self.daemon().start()
        other = self.directory / "other-state"
        done = run("--config", str(DEMO), "--run-dir", str(first.run_dir),
                   "--state-dir", str(other))
        self.assertEqual(done.returncode, 75)
        self.assertIn("already run by process %d" % first.process.pid, done.stderr)
        self.assertFalse(other.exists())
        self.assertTrue(first.socket_path().exists())
        self.assertFalse(first.ended())
        self.assertEqual(first.stop(), 0, first.stderr())

    def test_lock_of_a_killed_daemon_does_not_stay(self):
        first = self.daemon().start()
        first.kill()
        again = self.daemon().start()
        self.assertEqual(again.stop(), 0, again.stderr())

    def test_start_and_stop_leave_a_clean_log(self):
        d = self.daemon().start()
        self.assertEqual(d.stop(), 0, d.stderr())
        codes = [e["code"] for e in d.sequence()]
        self.assertEqual(codes[0], "started")
        self.assertIn("rebankd: stopped after", d.stderr())
        self.assertFalse(d.socket_path().exists())

    def test_run_directory_that_cannot_be_made_is_71(self):
        done = run("--config", str(DEMO), "--run-dir", "/proc/nope", "--state-dir",
                   str(self.directory / "state"))
        self.assertEqual(done.returncode, 71)
        self.assertIn("/proc/nope", done.stderr)

    def test_state_directory_that_cannot_be_written_is_said_once_and_control_goes_on(self):
        d = self.daemon()
        d.state_dir = pathlib.Path("/proc/nope")
        d.start()
        self.connected(d)
        text = d.stderr()
        self.assertEqual(text.count("the ledger cannot be written"), 1, text)
        self.assertEqual(text.count("the sequence-of-events log cannot be written"), 1, text)
        self.assertIn("controller started", text)
        self.assertEqual(d.stop(), 0, d.stderr())

    def test_notify_socket_hears_ready_watchdog_and_stopping(self):
        import socket
        path = self.directory / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(str(path))
            s.settimeout(20)
            d = self.daemon(env={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"})
            d.start()
            self.assertIn(b"READY=1", s.recv(4096))
            self.assertEqual(s.recv(4096), b"WATCHDOG=1")
            self.assertEqual(s.recv(4096), b"WATCHDOG=1")
            d.process.terminate()
            while b"STOPPING=1" not in s.recv(4096):
                pass
        self.assertEqual(d.process.wait(45), 0, d.stderr())


if __name__ == "__main__":
    os.environ.pop("NOTIFY_SOCKET", None)
    main()
