"""Starts rebankd on the demo site in a directory of its own; used by the daemon_*.py tests.

BUILD names the build directory (default: build). Every process is ended by its own pid.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
REBANKD = BUILD / "rebankd"
REBANKCTL = BUILD / "rebankctl"
DEMO = ROOT / "config" / "demo.conf"
BANK = "demo"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition, seconds, what):
    """Polls until the condition is true; its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("not within %g s: %s" % (seconds, what))


class Daemon:
    """One rebankd; the broker it is pointed at does not exist unless a url is given."""

    def __init__(self, directory, url=None, env=None, config=DEMO):
        self.run_dir = pathlib.Path(directory) / "run"
        self.state_dir = pathlib.Path(directory) / "state"
        self.config = config
        self.url = url or "mqtt://127.0.0.1:%d" % free_port()
        self.env = dict(os.environ, **(env or {}))
        self.stderr_path = pathlib.Path(directory) / "stderr"
        self.process = None

    def command(self, *more):
        return [str(REBANKD), "--config", str(self.config), "--mqtt-url", self.url,
                "--run-dir", str(self.run_dir), "--state-dir", str(self.state_dir), *more]

    def start(self):
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(self.command(), env=self.env, stderr=stderr,
                                            stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        wait_for(lambda: self.ended() or self.listens(), 10, "local socket")
        if self.ended():
            raise AssertionError("rebankd ended with %d:\n%s" %
                                 (self.process.returncode, self.stderr()))
        return self

    def ended(self):
        return self.process.poll() is not None

    def listens(self):
        """A daemon that was killed leaves its socket file: somebody must answer."""
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(str(self.socket_path())) == 0

    def socket_path(self):
        return self.run_dir / (BANK + ".sock")

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def stop(self, seconds=45):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self):
        if self.process and not self.ended():
            self.process.kill()
            self.process.wait()

    def ctl(self, *arguments, check=True):
        done = subprocess.run([str(REBANKCTL), *arguments, "--socket", str(self.socket_path())],
                              capture_output=True, text=True, timeout=30)
        if check and done.returncode != 0:
            raise AssertionError("rebankctl %s: %d\n%s%s" % (" ".join(arguments), done.returncode,
                                                             done.stdout, done.stderr))
        return done

    def status(self):
        """The telemetry part; empty before the first one."""
        return json.loads(self.ctl("status", "--json").stdout).get("telemetry") or {}

    def sequence(self):
        """The sequence-of-events log."""
        path = self.state_dir / (BANK + ".soe.jsonl")
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines()]

    def recordings(self):
        return sorted((self.state_dir / (BANK + ".recordings")).glob("*.rec"))

    def fault(self, line):
        """Breaks something in the simulated plant."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(line.encode(), str(self.run_dir / (BANK + ".sim")))


class DaemonTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="rebankd-"))
        self.daemons = []
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.addCleanup(lambda: [d.kill() for d in self.daemons])

    def daemon(self, **options):
        d = Daemon(self.directory, **options)
        self.daemons.append(d)
        return d

    def connected(self, d, seconds=60):
        """Waits until packs are on the bus and the bank is ready for power."""
        return wait_for(lambda: (s := d.status()) and s.get("state") in ("ready", "running", "derated")
                        and s, seconds, "bank ready: %s" % d.stderr()[-800:])


def main():
    for program in (REBANKD, REBANKCTL):
        if not program.exists():
            sys.exit("%s is missing: run make first" % program)
    unittest.main(verbosity=1)
