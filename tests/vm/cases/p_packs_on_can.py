"""Vehicle packs on CAN: a bank of three kinds, recordings of real cars, buses that fail."""
import signal
import socket
import struct
import subprocess
import threading
import time

import bench
from can_rig import Rig, ip, site, wait_slowly

LOGS = bench.VM / "canlogs"
I3_CLOSED = LOGS / "bmw_i3" / "i3_ptcan_open_close.candump"
KONA = LOGS / "kona_ev" / "kona2019_power_cycle_ready_off.candump"


class Ear:
    """Hears one bus: (ms, id, data) of every frame with one of these ids."""

    def __init__(self, interface, *ids):
        self.socket = socket.socket(socket.PF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
        self.socket.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FILTER, b"".join(
            struct.pack("=II", i, 0x7ff) for i in ids))
        self.socket.bind((interface,))
        self.frames = []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        try:
            while True:
                frame = self.socket.recv(16)
                can_id, n = struct.unpack("=IB", frame[:5])
                self.frames.append((bench.mono_ms(), can_id, frame[8:8 + n]))
        except OSError:
            pass

    def closes(self):
        """Commands to an i3 to close."""
        return [f for f in self.frames if f[1] == 0x10b and f[2][1] >> 4 == 1]


class Player:
    """canplayer, over and over, one interface of the log only."""

    def __init__(self, path, interface, of="can0"):
        self.process = subprocess.Popen(["canplayer", "-l", "i", "-I", path, "%s=%s" % (interface, of)],
                                        stdout=subprocess.DEVNULL)

    def end(self):
        self.process.kill()
        self.process.wait()


def telemetry(b):
    return b.status().get("telemetry") or {}


def pack_of(b, name):
    return next((p for p in b.status().get("packs", []) if p.get("id") == name), {})


def power_is(b, power_w, seconds=20):
    wait_slowly(lambda: abs(telemetry(b).get("p_w", 1e9) - power_w) < 200, seconds,
                lambda: "%g W; telemetry %s" % (power_w, telemetry(b)))


def case_can_bank_of_three(b):
    """Leaf, i3 and Kona come up, are dispatched by MQTT, and go on without the one that falls silent."""
    with Rig(b, "a", "i", "k") as rig:
        rig.start(site("a", "i", "k"))
        t = bench.mono_ms()
        rig.wait_connected(3, 90)
        b.note("three packs on the bus after %.1f s", (bench.mono_ms() - t) / 1e3)
        rig.dispatch(3000)
        power_is(b, 3000)
        currents = [rig.packs.report()[p][2] for p in "aik"]
        if min(currents) <= 0.0:
            raise bench.Failure("a pack does not discharge: %s" % currents)
        b.note("at 3 kW: Leaf %.1f A, i3 %.1f A, Kona %.1f A", *currents)
        t = bench.mono_ms()
        rig.packs.tell("do a silence 1")
        b.reason("pack_silent", pack="a", seconds=10)
        rig.wait_connected(2, 20)
        b.note("the silent Leaf is off the books after %.1f s", (bench.mono_ms() - t) / 1e3)
        b.low(*b.coils("a"))
        power_is(b, 3000)
        rig.dispatch(-2000)
        power_is(b, -2000)
        wrong = {p: rig.packs.report()[p][3] for p in "aik"}
        if max(wrong.values()) > 2:  # a late frame on a busy emulator is one
            raise bench.Failure("frames of ours that packs refuse: %s\n%s" % (
                wrong, "\n".join(rig.packs.bad[:20])))
        b.kill(signal.SIGTERM)
        if b.ended(60) != 0:
            raise bench.Failure("did not stop in order:\n" + b.log())


def case_can_silent_closer(b):
    """A pack that closes by frames and falls silent cannot be proven open: it says so and all open."""
    with Rig(b, "i", "k") as rig:
        rig.start(site("i", "k"))
        rig.wait_connected(2, 60)
        rig.packs.tell("do k silence 1")
        b.reason("pack_silent", pack="k", seconds=10)
        wait_slowly(lambda: rig.packs.report()["k"][0] == "open" and rig.packs.report()["i"][0] == "open", 30,
                    lambda: "both open: %s\n%s" % (rig.packs.report_of, b.log()))
        b.low("pcs-enable")


def case_can_recording_closed_unasked(b):
    """A real i3 that reports closed contactors nobody commanded is refused, and says why."""
    ear, player = Ear("vcan1", 0x10b), Player(I3_CLOSED, "vcan1")
    try:
        with Rig(b) as rig:
            rig.names = "i"
            rig.start(site("i"))
            b.reason("closed_unasked", pack="i", seconds=40)
            telemetry_now = pack_of(b, "i").get("telemetry") or {}
            if abs((telemetry_now.get("dc_v") or 0.0) - 371.0) > 0.5:
                raise bench.Failure("the car says 371.0 V: %s" % telemetry_now)
            time.sleep(5)
            if ear.closes():
                raise bench.Failure("it was told to close: %s" % ear.closes()[0])
            if b.level("pcs-enable") != 0:
                raise bench.Failure("pcs-enable is high")
            b.note("read: %s V, %s A, %s %%", *(telemetry_now.get(k) for k in ("dc_v", "a", "soc_pct")))
    finally:
        player.end()


def case_can_recordings_apart(b):
    """Real packs 371 V and 355 V apart are not joined; equal ids of the other bus are not read."""
    ear = Ear("vcan1", 0x10b)
    players = [Player(I3_CLOSED, "vcan1"), Player(KONA, "vcan2"), Player(KONA, "vcan3", "can1")]
    try:
        with Rig(b) as rig:
            rig.names = "ik"
            rig.start(site("i", "k"))
            wait_slowly(lambda: (pack_of(b, "k").get("telemetry") or {}).get("dc_v"), 40,
                        lambda: "a voltage of the Kona: %s" % pack_of(b, "k"))
            kona = pack_of(b, "k")["telemetry"]
            if abs(kona["dc_v"] - 355.1) > 0.3:
                raise bench.Failure("the car says 355.1 V: %s" % kona)
            time.sleep(20)
            if ear.closes() or any(e["code"] == "joined" for e in b.sequence()):
                raise bench.Failure("joined: %s" % b.sequence())
            b.low("pcs-enable")
            b.note("i3 371.0 V refused, Kona %s V stays off", kona["dc_v"])
    finally:
        for player in players:
            player.end()


def case_can_volts_apart(b):
    """Packs of 372 V and 355 V: the first is on the bus, the second waits and says why."""
    with Rig(b, "i", "k") as rig:
        rig.packs.tell("e i 372")
        rig.packs.tell("e k 355.1")
        rig.start(site("i", "k"))
        rig.wait_connected(1, 150)
        time.sleep(15)
        if rig.connected() != 1:
            raise bench.Failure("both are on: %s" % rig.packs.report())
        states = [pack_of(b, p)["state"] for p in "ik"]
        b.note("states %s", [(s.get("id"), s.get("state"), s.get("reason"), s.get("value")) for s in states])
        waiting = [s for s in states if not s.get("connected")]
        if len(waiting) != 1 or waiting[0].get("reason") != "waiting_for_bus":
            raise bench.Failure("one waits for the bus to come to its voltage: %s" % states)
        if not 15.0 < abs(waiting[0].get("value") or 0.0) < 19.0:
            raise bench.Failure("it says how far off it is, 17 V: %s" % waiting)


def case_can_bus_fails(b):
    """An interface that goes down, is deleted, or is off takes its pack only; it comes back by itself."""
    with Rig(b, "a", "i") as rig:
        rig.start(site("a", "i"))
        rig.wait_connected(2, 90)
        t = bench.mono_ms()
        ip("set", "vcan0", "down")
        b.reason("link_down", pack="a", seconds=5)
        b.note("down: named after %.0f ms", bench.mono_ms() - t)
        rig.wait_connected(1, 30)
        ip("set", "vcan0", "up")
        rig.wait_connected(2, 60)
        before = len([e for e in b.sequence() if e["code"] == "link_down"])
        subprocess.run(["cansend", "vcan0", "20000040#0000000000000000"], check=True)  # bus-off
        bench.wait_for(lambda: len([e for e in b.sequence() if e["code"] == "link_down"]) > before, 5,
                       "bus-off named")
        ip("delete", "vcan0")
        rig.wait_connected(1, 30)
        ip("add", "vcan0", "type", "vcan")
        ip("set", "vcan0", "up")


def case_can_missing_and_foreign(b):
    """An interface that never was is named and its pack unknown; a foreign sender of our frames is named."""
    with Rig(b, "i") as rig:
        rig.names = "ik"
        rig.start(site("i", "k").replace('"vcan2"', '"can7"'))
        if "CAN interface can7: No such device" not in b.log():
            raise bench.Failure("no word of can7:\n" + b.log())
        rig.wait_connected(1, 150)
        kona = pack_of(b, "k").get("telemetry") or {}
        if kona.get("dc_v") is not None or kona.get("a") is not None:
            raise bench.Failure("a pack that was never heard has readings: %s" % kona)
        b.reason("link_down", pack="k", in_status=False)
        subprocess.run(["cansend", "vcan1", "10B#000000"], check=True)
        b.reason("link_foreign", pack="i", seconds=5)
        subprocess.run(["cansend", "vcan1", "112#00"], check=True)
        bench.wait_for(lambda: "pack i: shorter than described, 0x112" in b.log(), 5, "the short frame in the log")
