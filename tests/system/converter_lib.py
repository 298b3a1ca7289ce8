"""A SunSpec device of pymodbus, a wire that can be broken, and the driver on the other side.

Used by converter_*.py. BUILD names the build directory (default: build).
"""
import json
import os
import pathlib
import re
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
PEER = BUILD / "tests" / "system" / "pcs_peer"
HERE = pathlib.Path(__file__).resolve().parent
# pymodbus is Debian's: not that of another Python that happens to be first in the path.
PYTHON = "/usr/bin/python3"

OFF, STARTING, RUNNING, FAULT = 1, 2, 3, 4  # enum pcs_state


EXAMPLE = ROOT / "config" / "board-example.conf"
PCS = """pcs = ( {
	id = "pcs1"; %s; url = "%s"; p_max_w = 10000.0; dc_min_v = 250.0; dc_max_v = 450.0;
	dc_max_a = 50.0; poll_s = %g; timeout_s = 0.2; dead_man_s = %g;
} );"""
METER = """ { id = "%s"; %s; url = "%s"; poll_s = %g; timeout_s = %g; } """
GRID = """grid = { p_max_w = 10000.0; ramp_w_s = 3000.0; measured_at_ac = true; %s};"""
WITH_METER = """meter = "meter:grid"; no_meter_export_w = 0.0; no_meter_import_w = 0.0; """


def url_of(where):
    return where if isinstance(where, str) else "tcp://127.0.0.1:%d/1" % where


def driver_of(name):
    """A driver, or the name of a register map."""
    return 'driver = "sunspec"' if name == "sunspec" else 'driver = "registers"; map = "%s"' % name


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("not within %g s: %s" % (seconds, what() if callable(what) else what))


class Lines:
    """A process that answers each line with one."""

    def __init__(self, command, stderr=subprocess.DEVNULL):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=stderr, text=True, bufsize=1)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Device(Lines):
    """sunspec_device.py at a TCP port, or on a serial line."""

    def __init__(self, models, base=40000, where=None):
        self.port = where or free_port()
        super().__init__([PYTHON, str(HERE / "sunspec_device.py"), str(self.port), models,
                          str(base)])
        if not where:
            wait_for(self.listens, 20, "pymodbus listens")

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def get(self, model, point):
        return int(self.ask("get %d %s" % (model, point)))


class Maps(Lines):
    """map_device.py at a TCP port, or on a serial line."""

    def __init__(self, *kinds, where=None):
        self.port = where or free_port()
        super().__init__([PYTHON, str(HERE / "map_device.py"), str(self.port), *kinds])
        if not where:
            wait_for(lambda: Device.listens(self), 20, "pymodbus listens")

    def w(self, kind):
        return float(self.ask("w " + kind))


class Wire:
    """Passes bytes between driver and device; `delay` s late, `mute`, `tear` bytes, `cut`."""

    def __init__(self, port):
        self.target = port
        self.delay = 0.0
        self.mute = False
        self.tear = None
        self.cut = False
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        self.listener.settimeout(0.05)
        while not self.stopping:
            try:
                near, _ = self.listener.accept()
            except TimeoutError:
                continue
            except socket.timeout:
                continue
            if self.cut:
                near.close()
                continue
            self.connections += 1
            self.carry(near)

    def carry(self, near):
        try:
            far = socket.create_connection(("127.0.0.1", self.target), 2)
        except OSError:
            near.close()
            return
        selector = selectors.DefaultSelector()
        selector.register(near, selectors.EVENT_READ)
        selector.register(far, selectors.EVENT_READ)
        late = []
        try:
            while not self.stopping and not self.cut:
                for key, _ in selector.select(0.02):
                    data = key.fileobj.recv(4096)
                    if not data:
                        return
                    if key.fileobj is near:
                        far.sendall(data)
                    elif not self.mute:
                        late.append((time.monotonic() + self.delay, data))
                while late and late[0][0] <= time.monotonic():
                    data = late.pop(0)[1]
                    near.sendall(data if self.tear is None else data[:self.tear])
        except OSError:
            pass
        finally:
            near.close()
            far.close()

    def end(self):
        self.stopping = True
        self.thread.join(5)
        self.listener.close()


class Peer(Lines):
    """pcs_peer on a site of its own: the example site with this converter and these meters."""

    def __init__(self, where, dead_man_s=3, poll_ms=100, driver="sunspec", grid=None, bus=None):
        """where: a TCP port, or the whole url; grid, bus: (driver and map, url) of a meter there."""
        self.site = tempfile.TemporaryDirectory(prefix="rebank-site-")
        directory = pathlib.Path(self.site.name)
        for part in ("packs", "pcs"):
            (directory / part).symlink_to(ROOT / "config" / part)
        text = EXAMPLE.read_text()
        text = re.sub(r"pcs = \(.*?\n\);", PCS % (driver_of(driver), url_of(where), poll_ms / 1e3,
                                                  dead_man_s), text, flags=re.S)
        meters = [METER % ("bus", driver_of(bus[0] if bus else "dc-voltmeter"),
                           url_of(bus[1] if bus else free_port()), 0.04, 0.03)]
        if grid:
            meters.append(METER % ("grid", driver_of(grid[0]), url_of(grid[1]), poll_ms / 1e3, 0.2))
        text = re.sub(r"meters = \(.*?\n\);", "meters = (%s);" % ",".join(meters), text, flags=re.S)
        text = re.sub(r"grid = {.*?};", GRID % (WITH_METER if grid else ""), text)
        (directory / "site.conf").write_text(text)
        super().__init__([str(PEER), str(directory / "site.conf")], stderr=None)

    def end(self):
        super().end()
        self.site.cleanup()

    def status(self):
        return json.loads(self.ask("status"))

    def meter(self):
        return json.loads(self.ask("meter"))

    def leave(self):
        """Ends as the daemon does: in order."""
        self.process.stdin.write("quit\n")
        self.process.stdin.flush()
        return self.process.wait(10)


class ConverterTest(unittest.TestCase):
    MODELS = "1,701,702,704,713,714,715,802"

    def rig(self, models=None, base=40000, **options):
        self.device = Device(models or self.MODELS, base)
        self.addCleanup(self.device.end)
        self.wire = Wire(self.device.port)
        self.addCleanup(self.wire.end)
        self.peer = Peer(self.wire.port, **options)
        self.addCleanup(self.peer.end)

    def until(self, condition, seconds=10):
        """Waits for a status."""
        last = {}

        def look():
            last.clear()
            last.update(self.peer.status())
            return condition(last) and dict(last)
        return wait_for(look, seconds, lambda: last)

    def fresh(self, seconds=10):
        return self.until(lambda s: 0 <= s["age_ms"] < 500 and s["trouble"] == "", seconds)

    def power(self, seconds, low, high, models=701):
        """Waits until the device itself says so."""
        return wait_for(lambda: low <= self.device.get(models, "W") <= high, seconds,
                        lambda: self.peer.status())


def main():
    if not PEER.exists():
        sys.exit("%s is missing: run make build-tests first" % PEER)
    unittest.main(verbosity=1)
