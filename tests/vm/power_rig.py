"""Packs on CAN, a converter and a grid meter: what flows, and who says why it does not."""
import threading
import time

import bench
from can_rig import Rig, site, wait_slowly
from converter import Meter

METER_PORT = 5503
DEAD_MAN_S = 5.0  # as in the site file
STILL_W = 20.0
POWER_W = 3000.0
METER = """
meters = ( { id = "grid"; driver = "sunspec"; url = "tcp://127.0.0.1:5503/1"; poll_s = 0.5; timeout_s = 1.0; } );
"""
GRID = """meter = "meter:grid"; meter_stale_s = 3.0; no_meter_export_w = 0.0; no_meter_import_w = 0.0; };"""


def site_with_meter(*packs):
    return site(*packs).replace("measured_at_ac = true; };", "measured_at_ac = true; " + GRID) + METER


class Watched(Rig):
    """What the converter gives is watched all the time."""

    def __init__(self, the_bench, *packs, **others):
        super().__init__(the_bench, *packs, **others)
        self.power = []  # (ms, W that flow, W that the converter would give if its enable were wired high)
        self.watcher = threading.Thread(target=self.look, daemon=True)
        self.watcher.start()

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.watcher.join()

    def alone_w(self):
        """What the converter gives, its enable apart."""
        return self.converter.power_w()

    def flows_w(self):
        return self.alone_w() if self.bench.level("pcs-enable") == 1 else 0.0

    def look(self):
        while self.running:
            self.power.append((bench.mono_ms(), self.flows_w(), self.alone_w()))
            time.sleep(0.05)

    def wait_flow(self, power_w, seconds=60, within_w=100.0):
        wait_slowly(lambda: abs(self.flows_w() - power_w) < within_w, seconds, lambda: "%g W; telemetry %s\n%s" % (
            self.flows_w(), self.bench.status().get("telemetry"), self.bench.log()))

    def ends(self, after, within_s, alone=False):
        """Power is 0 within that time and stays so for 3 s more; after how many seconds it was."""
        time.sleep(max(0.0, (after - bench.mono_ms()) / 1e3 + within_s + 3.0))
        last = after
        for t, flows_w, alone_w in list(self.power):
            if t > after and abs(alone_w if alone else flows_w) > STILL_W:
                last = t
        if last > after + within_s * 1e3:
            raise bench.Failure("%g W flowed %.1f s after the cut, not 0 within %g s" % (
                max(abs(p[2 if alone else 1]) for p in self.power if p[0] > after + within_s * 1e3),
                (last - after) / 1e3, within_s))
        return (last - after) / 1e3

    def named(self, code, after, seconds=10):
        """The cause is told alike by all that tell; its sentence."""
        t = self.bench.reason(code, seconds=seconds, after=after)
        return next(e["text"] for e in self.bench.sequence() if e["code"] == code and e["mono_ms"] == t)


class PowerRig(Watched):
    """All the way from a setpoint to watts, measured at the grid point."""

    def __init__(self, the_bench, *packs):
        super().__init__(the_bench, *packs)
        self.meter = Meter(METER_PORT, self.flows_w)

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.meter.close()

    def alone_w(self):
        with self.converter.lock:
            return self.converter.ac_w()

    def up(self):
        """The bank at POWER_W."""
        self.start(site_with_meter(*self.names))
        self.wait_connected(len(self.names), 120)
        self.runs()

    def runs(self, seconds=60):
        """A setpoint by MQTT becomes watts out of the converter; how long it took, in s."""
        t = bench.mono_ms()
        self.dispatch(POWER_W, 200)
        self.wait_flow(POWER_W, seconds)
        return (bench.mono_ms() - t) / 1e3

    def cut(self, what, code, cut, mend, within_s=DEAD_MAN_S):
        """One link fails: power ends in time and the cause is named; mended, the bank gives power again."""
        t = bench.mono_ms()
        cut()
        took = self.ends(t, within_s)
        text = self.named(code, t)
        mend()
        again = self.runs(90)
        self.bench.note('%s: 0 W after %.1f s, "%s"; mended: %g W %.1f s later', what, took, text, POWER_W, again)
