"""Packs that tell when they are asked, with ISO-TP and without; what a bus said, recorded and decoded."""
import contextlib
import ctypes
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import bench
import can_rig
from can_rig import Rig, VOLTS, site, wait_slowly

LOGS = bench.VM / "canlogs"
PROFILES = "/usr/local/share/rebank/packs"
LINES = """
	{
		id = "%s"; profile = "%s"; bus = "%s"; soh = 0.88;
		precharge = { resistor_ohm = 47.0; resistor_j = 1500.0; };
		contactors = {
			positive = "bench-coils:%s-positive"; precharge = "bench-coils:%s-precharge";
			feedback_positive = "bench-inputs:%s-feedback-positive";
			feedback_precharge = "bench-inputs:%s-feedback-precharge";
		};@independent@
	}"""
TESLA = """
	{
		id = "t"; profile = "tesla-model-3"; bus = "vcan2"; soh = 0.88;
		contactors = { supply_in_heartbeat_chain = true; };@independent@
	}"""
can_rig.PACKS.update({"y": LINES % ("y", "renault-zoe-50", "vcan0", *4 * "a"),
                      "z": LINES % ("z", "renault-zoe-41", "vcan3", *4 * "b"), "t": TESLA})
can_rig.KINDS.update({"y": "zoe50", "z": "zoe41"})
can_rig.BUSES.update({"y": "vcan0", "z": "vcan3"})


def reading(b, name):
    return next((p for p in b.status().get("packs", []) if p.get("id") == name), {}).get("telemetry") or {}


def near(what, value, wanted, by):
    if value is None or abs(value - wanted) > by:
        raise bench.Failure("%s is %s, not %s" % (what, value, wanted))


def case_can_zoes_are_asked(b):
    """Two Zoes wake, answer long and short questions, close on two lines each, and carry their share."""
    with Rig(b, "i", "y", "z") as rig:
        for name, lines in ("y", "a"), ("z", "b"):
            for pole in "positive", "precharge":
                rig.packs.tell("line %s %s %s" % (
                    name, pole, b.chips["inputs"].path("%s-feedback-%s" % (lines, pole))))
        rig.start(site("i", "y", "z"))
        for name in "y", "z":
            wait_slowly(lambda: reading(b, name).get("dc_v") and reading(b, name).get("t_max_c"), 60,
                        lambda: "readings of %s: %s\n%s" % (name, reading(b, name), b.log()))
            now = reading(b, name)
            near("voltage of " + name, now["dc_v"], VOLTS, 1.5)  # one may be closing by now
            near("current of " + name, now["a"], 0.0, 8.0)
            near("lowest cell of " + name, now["cell_min_v"], VOLTS / 96, 0.02)
            near("hottest of " + name, now["t_max_c"], 23.0, 0.1)
            b.note("%s reads %s V, %s A, cells %s V, %s C", name, now["dc_v"], now["a"], now["cell_min_v"],
                   now["t_max_c"])
        rig.wait_connected(3, 150)
        rig.dispatch(3000)
        wait_slowly(lambda: min(rig.packs.report()[p][2] for p in "iyz") > 1.0, 30,
                    lambda: "all discharge: %s" % rig.packs.report_of)
        wait_slowly(lambda: min(reading(b, p).get("a") or 0.0 for p in "yz") > 1.0, 10,
                    lambda: "they say so: %s" % [reading(b, p) for p in "yz"])
        wrong = {p: rig.packs.report()[p][3] for p in "yz"}
        if max(wrong.values()) > 2:  # a late frame on a busy emulator is one
            raise bench.Failure("frames of ours that packs refuse: %s\n%s" % (
                wrong, "\n".join(rig.packs.bad[:20])))
        b.note("at 3 kW: i3 %.1f A, ZE50 %.1f A, 41 kWh %.1f A", *(rig.packs.report()[p][2] for p in "iyz"))
        b.kill(signal.SIGTERM)
        if b.ended(60) != 0:
            raise bench.Failure("did not stop in order:\n" + b.log())


@contextlib.contextmanager
def without_isotp():
    """The module is gone, as on a kernel that does not have it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.delete_module(b"can_isotp", os.O_NONBLOCK) != 0:
        raise bench.Failure("cannot take can-isotp away: " + os.strerror(ctypes.get_errno()))
    try:
        yield
    finally:
        module = pathlib.Path("/run/can-isotp.ko").read_bytes()
        if libc.init_module(module, ctypes.c_ulong(len(module)), b"") != 0:
            raise bench.Failure("cannot bring can-isotp back: " + os.strerror(ctypes.get_errno()))


def case_can_without_isotp(b):
    """Without can-isotp a pack that must be asked is not started and named; another is read."""
    log = pathlib.Path("/run/tesla.candump")
    log.write_text("".join("(%d.%06d) can0 132#B395160064402000\n" % (1700000000 + k // 20, k % 20 * 50000)
                           for k in range(200)))
    with without_isotp(), Rig(b) as rig:
        rig.names = "it"
        player = subprocess.Popen(["canplayer", "-l", "i", "-I", log, "vcan2=can0"], stdout=subprocess.DEVNULL)
        try:
            rig.start(site("i", "t"))
            wait_slowly(lambda: reading(b, "t").get("dc_v"), 40, lambda: "a voltage: %s" % b.log())
            near("voltage of t", reading(b, "t")["dc_v"], 383.23, 0.1)
            said = "pack i is not started: profile bmw-i3-94 asks over ISO-TP"
            if said not in b.log() or "load module can-isotp" not in b.log():
                raise bench.Failure("no word of it:\n" + b.log())
            if "pack t" in b.log():
                raise bench.Failure("the other one is named:\n" + b.log())
            if reading(b, "i").get("dc_v") is not None or reading(b, "i").get("a") is not None:
                raise bench.Failure("a pack that was not started has readings: %s" % reading(b, "i"))
            b.reason("link_down", pack="i", in_status=False)
            b.kill(signal.SIGTERM)
            b.ended(30)
        finally:
            player.kill()
            player.wait()


def decoded(profile, bus, path):
    """What it says, without the times: those are the player's."""
    done = subprocess.run(["rebankctl", "decode", "--profile", "%s/%s.conf" % (PROFILES, profile), "--bus", bus,
                           path], capture_output=True, text=True)
    if done.returncode != 0:
        raise bench.Failure("decode: " + done.stderr)
    samples = [json.loads(line) for line in done.stdout.splitlines()]
    for sample in samples:
        del sample["t"]
    return samples


def frames(path, bus):
    return re.findall(r" %s (\S+)" % bus, path.read_text())


def case_can_recorded_is_what_was_played(b):
    """rebankctl record writes what a bus said; decoded, it is the log that was played."""
    for profile, source in (("bmw-i3-60", LOGS / "bmw_i3" / "i3_2013_switched_on.candump"),
                            ("kona-64", LOGS / "kona_ev" / "kona2019_power_cycle_ready_off.candump")):
        record = pathlib.Path("/run/%s.candump" % profile)
        record.unlink(missing_ok=True)
        recorder = subprocess.Popen(["rebankctl", "record", "--bus", "vcan3", record], stderr=subprocess.PIPE,
                                    text=True)
        bench.wait_for(record.exists, 10, "the record begins")
        # Only can0 of the log has an interface here.
        subprocess.run(["canplayer", "-I", source, "vcan3=can0"], stdout=subprocess.DEVNULL, check=True, timeout=120)
        time.sleep(1)
        recorder.send_signal(signal.SIGINT)
        said = recorder.communicate(timeout=10)[1]
        if recorder.returncode != 0:
            raise bench.Failure("record ended with %d: %s" % (recorder.returncode, said))
        played, heard = frames(source, "can0"), frames(record, "vcan3")
        if played != heard:
            raise bench.Failure("%d frames were played, %d recorded" % (len(played), len(heard)))
        wanted, got = decoded(profile, "can0", source), decoded(profile, "vcan3", record)
        if not wanted or wanted != got:
            first = next((pair for pair in zip(wanted, got) if pair[0] != pair[1]), None)
            raise bench.Failure("%d samples of the source, %d of the record; %s" % (len(wanted), len(got), first))
        b.note("%s: %d frames, %d samples, %s", profile, len(heard), len(got), said.strip())
