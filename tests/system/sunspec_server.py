"""Our SunSpec server read by pymodbus, walking the chain by the Alliance's model definitions.

The daemon runs the demo site. Its registers are decoded by tests/data/sunspec/*.json, which know
nothing of how they were laid out, and compared with the documents of the local socket. Then it is
written to, disturbed and stopped. Usage: sunspec_server.py (BUILD: build directory)
"""
import inspect
import json
import pathlib
import random
import socket
import struct
import sys
import threading
import time
import unittest

from pymodbus.client import ModbusTcpClient

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from daemon_lib import DEMO, ROOT, DaemonTest, free_port, main, wait_for  # noqa: E402

DATA = ROOT / "tests" / "data" / "sunspec"
BASE = 40000
# The word for "unit" changed between the versions of Debian 12 and later ones.
SLAVE = next(w for w in ("slave", "device_id", "unit") if w in inspect.signature(
    ModbusTcpClient.read_holding_registers).parameters)
UNIT = {SLAVE: 1}

SIZES = {"uint16": 1, "int16": 1, "enum16": 1, "bitfield16": 1, "sunssf": 1, "pad": 1, "count": 1,
         "uint32": 2, "int32": 2, "bitfield32": 2, "uint64": 4}
SIGNED = {"int16", "int32", "sunssf"}
NOT_IMPLEMENTED = {"uint16": 0xffff, "int16": -0x8000, "enum16": 0xffff, "bitfield16": 0xffff,
                   "sunssf": -0x8000, "uint32": 0xffffffff, "int32": -0x80000000,
                   "bitfield32": 0xffffffff, "uint64": 0xffffffffffffffff}


def definition(model):
    with open(DATA / ("model_%d.json" % model)) as file:
        return json.load(file)["group"]


def point_value(point, words):
    kind, size = point["type"], point["size"]
    raw = b"".join(struct.pack(">H", w) for w in words[:size])
    if kind == "string":
        return raw.rstrip(b"\0").decode("ascii")
    if kind == "pad":
        return None
    value = int.from_bytes(raw, "big", signed=kind in SIGNED)
    return None if value == NOT_IMPLEMENTED[kind] else value


def group_values(group, words, scales=None):
    """Values of one group and its subgroups, scaled; and how many registers it took."""
    values, at, places = {}, 0, []
    for point in group["points"]:
        assert point["type"] == "string" or SIZES[point["type"]] == point["size"], point
        values[point["name"]] = point_value(point, words[at:])
        places.append((point, at))
        at += point["size"]
    scales = dict(scales or {}, **{p["name"]: values[p["name"]] for p, _ in places
                                   if p["type"] == "sunssf"})
    for point, _ in places:
        if isinstance(point.get("sf"), str) and values[point["name"]] is not None:
            sf = scales.get(point["sf"])
            assert sf is not None, "%s has a value but no %s" % (point["name"], point["sf"])
            values[point["name"]] *= 10.0 ** sf
        if point.get("mandatory") == "M" and point["type"] not in ("pad",):
            values.setdefault("mandatory", {})[point["name"]] = values[point["name"]]
    for sub in group.get("groups", []):
        count = sub.get("count", 1)
        count = values[count] if isinstance(count, str) else count
        values[sub["name"]] = []
        for _ in range(count):
            below, used = group_values(sub, words[at:], scales)
            values[sub["name"]].append(below)
            at += used
    return values, at


class Scada:
    """A SunSpec client."""

    def __init__(self, port):
        self.client = ModbusTcpClient("127.0.0.1", port=port, timeout=3)
        # The daemon listens here a moment after it does at its own socket.
        wait_for(self.client.connect, 5, "the SunSpec port listens")

    def close(self):
        self.client.close()

    def read(self, address, count):
        words = []
        while len(words) < count:
            answer = self.client.read_holding_registers(
                address + len(words), count=min(100, count - len(words)), **UNIT)
            assert not answer.isError(), answer
            words += answer.registers
        return words

    def write(self, address, words):
        return self.client.write_registers(address, words, **UNIT)

    def walk(self):
        """[(model, address of its ID, values)]"""
        assert self.read(BASE, 2) == [0x5375, 0x6e53], "no SunS"
        found, at = [], BASE + 2
        while True:
            model, length = self.read(at, 2)
            if model == 0xffff:
                assert length == 0
                return found
            words = self.read(at, length + 2)
            values, used = group_values(definition(model), words)
            assert used == length + 2, "model %d: L says %d, its definition %d" % (
                model, length, used - 2)
            found.append((model, at, values))
            at += length + 2

    def one(self, model):
        return next((a, v) for m, a, v in self.walk() if m == model)


class SunSpecServer(DaemonTest):
    def site(self, more):
        """The demo site with a SunSpec server; its port."""
        port = free_port()
        directory = self.directory / "site"
        directory.mkdir(exist_ok=True)
        if not (directory / "packs").exists():
            (directory / "packs").symlink_to(ROOT / "config" / "packs")
        path = directory / "site.conf"
        path.write_text(DEMO.read_text() + "\nsunspec = { listen = \"127.0.0.1:%d\"; %s };\n"
                        % (port, more))
        return path, port

    def serve(self, more=""):
        path, port = self.site(more)
        d = self.daemon(config=path).start()
        scada = Scada(port)
        self.addCleanup(scada.close)
        return d, scada, port

    WRITER = 'writer = "scada"; writer_priority = 50; '

    def test_registers_say_what_the_documents_say(self):
        d, scada, _ = self.serve()
        self.connected(d)
        d.ctl("setpoint", "discharge", "4kW", "--for", "120s")
        wait_for(lambda: abs(d.status()["p_w"] - 4000) < 100, 30, "4 kW")
        for _ in range(20):
            before = json.loads(d.ctl("status", "--json").stdout)
            models = scada.walk()
            after = json.loads(d.ctl("status", "--json").stdout)
            if all(before["telemetry"][k] == after["telemetry"][k] for k in (
                    "packs_connected", "state", "p_w", "dc_v", "soc_pct")):
                break
        else:
            self.fail("nothing holds still: %s" % after["telemetry"])
        ids = [m for m, _, _ in models]
        packs = len(after["packs"])
        self.assertEqual(ids, [1, 701, 702, 704, 713, 715, 802, 803] + [804] * packs)
        by = {m: v for m, _, v in models}
        self.compare_bank(by, before["telemetry"], after["telemetry"], after["limits"])
        self.compare_packs([v for m, _, v in models if m == 804], by[803], before, after)
        for model, _, values in models:
            for name, value in values.get("mandatory", {}).items():
                if (model, name) not in {(701, "ACType")}:
                    self.assertIsNotNone(value, "mandatory %d %s" % (model, name))

    def between(self, value, before, after, slack, what):
        low, high = min(before, after) - slack, max(before, after) + slack
        self.assertTrue(low <= value <= high, "%s: %r not in %r..%r" % (what, value, low, high))

    def compare_bank(self, by, before, after, limits):
        self.assertEqual(by[1]["Mn"], "Rebank")
        self.assertEqual(by[1]["SN"], "demo")
        # At one moment they are the same, but for the step of the register.
        for got, key, step in ((by[713]["SoC"], "soc_pct", 0.1), (by[802]["SoC"], "soc_pct", 0.1),
                               (by[802]["V"], "dc_v", 0.1), (by[701]["W"], "p_w", 10.0 ** by[701]["W_SF"]),
                               (by[802]["SoH"], "soh_pct", 0.1)):
            self.between(got, before[key], after[key], step / 2 + 1e-6, key)
        self.assertGreater(by[701]["W"], 3900)
        self.between(by[802]["A"] * by[802]["V"], by[802]["W"], by[802]["W"], 100, "802 W")
        self.assertEqual(by[803]["NStrCon"], after["packs_connected"])
        self.assertEqual(by[803]["NStr"], after["packs_total"])
        self.between(by[802]["WDisChaRteMax"], 0, limits["p_dis_max_w"], 500, "802 WDisChaRteMax")
        self.between(by[803]["ModTmpMax"], before["t_max_c"], after["t_max_c"], 0.3, "ModTmpMax")
        connected, on, running, throttled = 3, 1, 3, 4
        self.assertEqual((by[802]["State"], by[701]["St"], by[701]["InvSt"]), (connected, on, {
            "running": running, "derated": throttled}[after["state"]]))
        self.assertEqual(by[802]["Typ"], 4)
        self.assertGreater(by[713]["WHRtg"], 100000)

    def compare_packs(self, strings, bank, before, after):
        self.assertEqual(len(bank["string"]), len(strings))
        for k, (values, row) in enumerate(zip(strings, bank["string"])):
            old, new = before["packs"][k]["telemetry"], after["packs"][k]["telemetry"]
            self.assertEqual(values["Idx"], k + 1)
            self.between(values["V"], old["dc_v"], new["dc_v"], 2, "804 V of %d" % k)
            self.between(values["A"], old["a"], new["a"], 3, "804 A of %d" % k)
            self.between(values["SoC"], old["soc_pct"], new["soc_pct"], 0.2, "804 SoC")
            self.between(values["CellVMin"], old["cell_min_v"], new["cell_min_v"], 0.02, "CellVMin")
            if old["state"] == new["state"]:
                self.assertEqual(row["StrSt"] >> 1 & 1, int(new["state"] in ("closed", "leaving")))
            module = values["lithium_ion_string_module"][0]
            self.assertEqual(module["ModCellVMin"], values["CellVMin"])

    def test_without_permission_nothing_is_written(self):
        d, scada, _ = self.serve()
        self.connected(d)
        at, _ = scada.one(704)
        answer = scada.write(at + 22, [1])
        self.assertTrue(answer.isError())
        self.assertEqual(answer.exception_code, 1)
        self.assertIsNone(scada.one(704)[1]["WSetEna"])

    def test_a_setpoint_moves_the_bank_and_expires(self):
        d, scada, _ = self.serve('allow = "setpoint"; %s' % self.WRITER)
        self.connected(d)
        at, _ = scada.one(704)
        # WSetEna.. WSetPct; then the reversion timer of 4 s
        self.assertFalse(scada.write(at + 30, [1, 0, 4]).isError())
        answer = scada.write(at + 22, [1, 1] + list(struct.unpack(">2H", struct.pack(">i", 3000))))
        self.assertFalse(answer.isError(), answer)
        values = scada.one(704)[1]
        self.assertEqual((values["WSetEna"], values["WSet"]), (1, 3000))
        self.assertIn(values["WSetRvrtRem"], (1, 2, 3, 4))
        active = json.loads(d.ctl("status", "--json").stdout)["active"]
        self.assertEqual(active["source"], "scada")
        wait_for(lambda: scada.one(701)[1]["W"] > 1000, 4, "power flows")
        wait_for(lambda: scada.one(704)[1]["WSetEna"] == 0, 8, "the setpoint expires")
        wait_for(lambda: abs(scada.one(701)[1]["W"]) < 500, 15, "power is back at 0")
        self.assertTrue(any(e.get("code") == "expired" for e in d.sequence()),
                        d.sequence()[-5:])

    def test_what_the_core_refuses_is_an_exception(self):
        d, scada, _ = self.serve('allow = "setpoint operate"; %s' % self.WRITER)
        self.connected(d)
        at, _ = scada.one(704)
        for words in ([1, 1, 0x7fff, 0xffff],):  # far beyond the rating
            answer = scada.write(at + 22, words)
            self.assertTrue(answer.isError())
            self.assertEqual(answer.exception_code, 4)
        self.assertEqual(scada.one(704)[1]["WSetEna"], 0)
        # Over a setpoint in command, a refusal changes nothing, and disabling releases it.
        self.assertFalse(scada.write(at + 30, [1, 0, 60]).isError())
        self.assertFalse(scada.write(at + 22, [1, 1, 0, 3000]).isError())
        self.assertTrue(scada.write(at + 24, [0x7fff, 0xffff]).isError())
        values = scada.one(704)[1]
        self.assertEqual((values["WSetEna"], values["WSet"]), (1, 3000))
        self.assertFalse(scada.write(at + 22, [0]).isError())
        active = json.loads(d.ctl("status", "--json").stdout)["active"]
        self.assertIsNone(active["source"])
        d.ctl("lock")
        answer = scada.write(at + 22, [1, 1, 0, 1000])
        self.assertEqual(answer.exception_code, 4)
        self.assertEqual(scada.one(715)[1]["LocRemCtl"], 1)

    def test_operating_and_packs(self):
        d, scada, _ = self.serve('allow = "operate packs clear"; %s' % self.WRITER)
        self.connected(d)
        at, _ = scada.one(804)
        self.assertFalse(scada.write(at + 36, [2]).isError())
        wait_for(lambda: scada.one(804)[1]["SetEna"] == 2, 5, "the first pack is disabled")
        self.assertFalse(scada.write(at + 36, [1]).isError())
        control, _ = scada.one(715)
        self.assertFalse(scada.write(control + 7, [1]).isError())
        self.assertFalse(scada.write(control + 8, [0]).isError())
        wait_for(lambda: scada.one(803)[1]["NStrCon"] == 0, 30, "the bank opens")
        self.assertEqual(scada.one(802)[1]["SetOp"], 2)
        # Its own stop it may end; not one on site.
        self.assertFalse(scada.write(control + 8, [1]).isError())
        wait_for(lambda: scada.one(803)[1]["NStrCon"] > 0, 60, "the bank closes again")
        d.ctl("stop")
        self.assertEqual(scada.write(control + 8, [1]).exception_code, 4)

    def test_clients_do_not_disturb_each_other(self):
        d, scada, port = self.serve()
        self.connected(d)
        stop, pick = threading.Event(), random.Random(7)
        deaf = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        request = bytes.fromhex("000100000006" "0103" "9c40" "007d")

        def torment():
            """Nonsense, halves of requests, and answers that nobody reads."""
            while not stop.is_set():
                try:
                    with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
                        s.sendall(bytes(pick.randrange(256) for _ in range(pick.randrange(1, 300))))
                        time.sleep(0.01)
                except OSError:
                    pass
                for s in deaf:
                    try:
                        s.send(request * 20, socket.MSG_DONTWAIT)
                    except OSError:
                        pass

        deaf[0].sendall(request[:7])
        thread = threading.Thread(target=torment)
        thread.start()
        try:
            slowest = 0.0
            for _ in range(200):
                began = time.monotonic()
                scada.read(BASE, 100)
                slowest = max(slowest, time.monotonic() - began)
        finally:
            stop.set()
            thread.join()
            for s in deaf:
                s.close()
        self.assertLess(slowest, 1.0)
        self.assertFalse(d.ended())

    def test_the_heartbeat_counts_the_control_threads_seconds(self):
        d, scada, _ = self.serve()
        self.connected(d)
        first, began = scada.one(802)[1]["Hb"], time.monotonic()
        time.sleep(3)
        counted = (scada.one(802)[1]["Hb"] - first) % 65535
        self.assertLessEqual(abs(counted - (time.monotonic() - began)), 1.5)

    def test_a_port_that_is_taken_is_said(self):
        path, port = self.site("")
        with socket.socket() as s:
            s.bind(("127.0.0.1", port))
            s.listen()
            d = self.daemon(config=path)
            try:
                d.start()
            except AssertionError: # it may end before or after its local socket answered
                pass
            wait_for(d.ended, 10, "the daemon to end")
        self.assertNotEqual(d.process.returncode, 0)
        self.assertIn("cannot listen at 127.0.0.1:%d" % port, d.stderr())


if __name__ == "__main__":
    main()
