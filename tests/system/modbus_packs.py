"""Packs on Modbus read from pymodbus servers, TCP and RTU: Seplos V3, the template profile, and slaves that
are dead, late, torn or answer for another.

Usage: modbus_packs.py (BUILD: build directory)
"""
import asyncio
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
import unittest

from modbus_line import Line, of_unit, silent, torn
from modbus_serve import Slave, serve

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
PEER = BUILD / "tests" / "system" / "modbus_pack_peer"
OK, OFF = 1, 3  # enum link_state


class Pack(Slave):
    """Registers and bits by function."""

    def __init__(self):
        self.values = {1: {}, 2: {}, 3: {}, 4: {}}
        self.delay_s = 0.0
        self.refused = set()  # functions

    def validate(self, function, address, count=1):
        return function not in self.refused and all(
            address + i in self.values[function] for i in range(count))

    def getValues(self, function, address, count=1):
        time.sleep(self.delay_s)
        return [self.values[function][address + i] for i in range(count)]

    def setValues(self, function, address, values):
        raise AssertionError("nobody writes to a pack")


def seplos(volts=53.12):
    slave = Pack()
    pack = {0x1000 + i: 0 for i in range(18)}
    pack.update({0x1000: round(volts * 100), 0x1001: 65536 - 1234, 0x1002: 14000, 0x1003: 28000, 0x1005: 505,
                 0x1006: 987, 0x1007: 321, 0x100F: 150, 0x1010: 120})
    cells = {0x1100 + i: 3300 + i for i in range(16)}
    cells.update({0x1110 + i: 2931 + 10 * i for i in range(10)})
    slave.values[4] = {**pack, **cells}
    slave.values[1] = {0x1400 + i: 1 for i in range(80)}  # 0 is an alarm
    slave.values[1].update({0x1200 + i: 0 for i in range(144)})
    slave.values[1].update({0x1278: 1, 0x1279: 1})  # both switches are closed
    return slave


def generic():
    slave = Pack()
    current = (-12345) & 0xffffffff
    slave.values[3] = {0: 3702, 1: current & 0xffff, 2: current >> 16, 3: 55, 4: 0xaa00 | 87,
                       5: 600, 6: 250, 7: 0b1000}
    slave.values[4] = {100 + i: 3800 + i for i in range(96)}
    slave.values[4].update({200: 215, 201: 65536 - 35, 202: 0x8000, 203: 260})
    slave.values[2] = {16 + i: 0 for i in range(4)}
    return slave


class Server:
    """A pymodbus server in a thread of its own; ended with the process."""

    def __init__(self, slaves):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        threading.Thread(target=self.run, args=(slaves,), daemon=True).start()
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("pymodbus does not listen")

    def run(self, slaves):
        asyncio.run(serve(slaves, self.port))


class Peer:
    def __init__(self, *packs):
        self.process = subprocess.Popen([str(PEER), str(ROOT / "config" / "packs"), *packs],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.last = None
        self.volts = [set() for _ in packs]  # all that were ever believed
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.last = json.loads(line)
            for volts, pack in zip(self.volts, self.last):
                volts.add(pack["pack_v"])

    def wait(self, condition, seconds, what):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.last and condition(self.last):
                return self.last
            time.sleep(0.05)
        raise AssertionError("not within %g s: %s: %s" % (seconds, what, self.last))

    def end(self):
        self.process.stdin.close()
        self.process.wait(15)
        self.process.stdout.close()


class ModbusPacks(unittest.TestCase):
    def start(self, slaves, *packs):
        server = Server(slaves)
        peer = Peer(*["%s@tcp://127.0.0.1:%d/%d" % (profile, server.port, unit)
                      for profile, unit in packs])
        self.addCleanup(peer.end)
        return peer

    def start_line(self, slaves, *packs):
        line = Line(slaves)
        peer = Peer(*["%s@%s" % (profile, line.url % unit) for profile, unit in packs])
        self.addCleanup(peer.end)
        return line, peer

    def known(self, peer, k=0):
        return peer.wait(lambda s: s[k]["age_ms"] >= 0 and s[k]["cells_age_ms"] >= 0
                         and s[k]["bms_age_ms"] >= 0, 15, "readings")[k]

    def test_a_seplos_pack_reads_as_its_registers_say(self):
        pack = self.known(self.start({1: seplos()}, ("seplos-v3", 1)))
        self.assertEqual((pack["link"], pack["bad"], pack["flags"], pack["n_cells"]),
                         (OK, 0, 0, 16))
        for name, value in {"pack_v": 53.12, "current_a": 12.34, "soc": 0.505, "soh": 0.987,
                            "dis_limit_a": 150, "cha_limit_a": 120, "cell_first_v": 3.3,
                            "cell_last_v": 3.315, "temp_first_c": 19.95,
                            "temp_last_c": 22.95}.items():
            self.assertAlmostEqual(pack[name], value, 6, name)

    def test_the_template_reads_every_kind_of_register(self):
        slave = generic()
        peer = self.start({3: slave}, ("generic-modbus", 3))
        pack = self.known(peer)
        for name, value in {"pack_v": 370.2, "current_a": -12.345, "soc": 0.55, "soh": 0.87,
                            "dis_limit_a": 60, "cha_limit_a": 25, "cell_first_v": 3.8,
                            "cell_last_v": 3.895, "temp_first_c": 21.5}.items():
            self.assertAlmostEqual(pack[name], value, 6, name)
        self.assertEqual(pack["flags"], 0)
        slave.values[3][7] = 0b0001  # a fault, and charging forbidden
        slave.values[2][18] = 1
        peer.wait(lambda s: s[0]["flags"] == 1 | 4 | 8, 5, "fault, no charge, no discharge")
        slave.values[3][3] = 0xffff
        peer.wait(lambda s: s[0]["soc"] is None, 5, "an invalid code is unknown")

    def test_a_late_slave_goes_stale_and_its_neighbour_does_not(self):
        late = seplos()
        peer = self.start({1: seplos(), 2: late, 5: seplos()}, ("seplos-v3", 1), ("seplos-v3", 2),
                          ("seplos-v3", 5))
        for k in range(3):
            self.known(peer, k)
        late.delay_s = 0.35  # beyond its 200 ms: the answer comes, but too late to be believed
        peer.wait(lambda s: s[1]["link"] == OFF and s[1]["age_ms"] > 1000, 15, "it is stale")
        late.delay_s = 0.0
        peer.wait(lambda s: s[1]["link"] == OK and 0 <= s[1]["age_ms"] < 1000, 20, "it is back")
        peer.wait(lambda s: all(0 <= p["age_ms"] < 1000 for p in s), 20, "all are")

    def test_refusals_are_counted_and_read_nothing(self):
        slave = seplos()
        peer = self.start({1: slave}, ("seplos-v3", 1))
        self.known(peer)
        slave.refused = {4}
        peer.wait(lambda s: s[0]["bad"] >= 3 and s[0]["age_ms"] > 1000, 15, "refused and stale")

    def test_a_missing_unit_is_unknown(self):
        peer = self.start({1: seplos()}, ("seplos-v3", 1), ("seplos-v3", 7))
        self.known(peer)
        last = peer.wait(lambda s: s[1]["link"] == OFF, 15, "the missing one is off")
        self.assertIsNone(last[1]["pack_v"])
        self.assertEqual(last[1]["age_ms"], -1)

    def test_a_seplos_alarm_is_a_coil_that_is_zero(self):
        slave = seplos()
        peer = self.start({1: slave}, ("seplos-v3", 1))
        self.assertEqual(self.known(peer)["flags"], 0)
        for coils, flags in (((0x1400,), 4), ((0x1400, 0x1401), 1 | 4), ((0x1402,), 8), ((0x1448,), 1),
                             ((0x1279,), 4), ((0x1278,), 8), ((), 0)):
            for coil in slave.values[1]:
                if coil >= 0x1400 or coil in (0x1278, 0x1279):
                    slave.values[1][coil] = 0 if coil in coils else 1
            peer.wait(lambda s, flags=flags: s[0]["flags"] == flags, 10, "flags %d" % flags)

    # ---- one line, RTU ----

    def test_packs_on_a_line_read_as_their_registers_say(self):
        _, peer = self.start_line({1: seplos(52.0), 2: seplos(54.0), 3: generic()},
                                  ("seplos-v3", 1), ("seplos-v3", 2), ("generic-modbus", 3))
        packs = [self.known(peer, k) for k in range(3)]
        self.assertEqual([p["pack_v"] for p in packs], [52.0, 54.0, 370.2])
        self.assertEqual([p["current_a"] for p in packs], [12.34, 12.34, -12.345])
        self.assertEqual([p["cell_last_v"] for p in packs], [3.315, 3.315, 3.895])
        self.assertEqual([p["bad"] for p in packs], [0, 0, 0])

    def lost_beside_a_neighbour(self, break_it, mend_it, counted):
        """Breaks unit 2 of two on a line: it goes stale and is never wrong; its neighbour goes on."""
        slave = seplos(54.0)
        line, peer = self.start_line({1: seplos(52.0), 2: slave}, ("seplos-v3", 1), ("seplos-v3", 2))
        for k in range(2):
            self.known(peer, k)
        bad = peer.last[1]["bad"]
        break_it(line, slave)
        peer.wait(lambda s: s[1]["age_ms"] > 3000 and 0 <= s[0]["age_ms"] < 1000, 30,
                  "it is stale and its neighbour is not")
        if counted:
            peer.wait(lambda s: s[1]["bad"] >= bad + 3, 20, "counted")
        mend_it(line, slave)
        peer.wait(lambda s: all(0 <= p["age_ms"] < 1000 for p in s), 30, "both are back")
        self.assertLessEqual(peer.volts[0], {None, 52.0})
        self.assertLessEqual(peer.volts[1], {None, 54.0})

    def test_a_dead_slave_on_a_line(self):
        self.lost_beside_a_neighbour(lambda line, _: line.change.update({2: silent}),
                                     lambda line, _: line.change.clear(), False)

    def test_answers_after_their_time_are_nobodys(self):
        self.lost_beside_a_neighbour(lambda line, _: line.late_s.update({2: 0.3}),
                                     lambda line, _: line.late_s.clear(), False)

    def test_exceptions_on_a_line(self):
        self.lost_beside_a_neighbour(lambda _, slave: slave.refused.add(4),
                                     lambda _, slave: slave.refused.clear(), True)

    def test_answers_of_another_unit(self):
        self.lost_beside_a_neighbour(lambda line, _: line.change.update({2: of_unit(1)}),
                                     lambda line, _: line.change.clear(), False)

    def test_torn_answers(self):
        self.lost_beside_a_neighbour(lambda line, _: line.change.update({2: torn}),
                                     lambda line, _: line.change.clear(), True)

    def test_a_unit_that_never_was_is_unknown_not_zero(self):
        _, peer = self.start_line({1: seplos(52.0)}, ("seplos-v3", 1), ("seplos-v3", 7))
        self.known(peer)
        last = peer.wait(lambda s: s[1]["link"] == OFF, 20, "the missing one is off")
        self.assertEqual(peer.volts[1], {None})
        self.assertEqual((last[1]["age_ms"], last[1]["soc"], last[1]["cell_first_v"]), (-1, None, None))


if __name__ == "__main__":
    if not PEER.exists():
        sys.exit("%s is missing: run make build-tests first" % PEER)
    unittest.main(verbosity=1)
