"""Digital inputs: every wire is closed while all is well."""
import subprocess
import time

from bench import BARE_IN, BARE_OUT, Failure, SWITCHES, VM, wait_for

COLD = 5  # first presses, which are not judged
COILS_MS = 500  # the coils are low by then,
EMULATOR_MS = 20  # later by what the emulator adds, and at most by this


def trips(bench, name, code=None, debounce_ms=100, site=None):
    """Opens the loop of one input; the enable falls, the coils after it. When the enable fell."""
    bench.start(site).closed("a", "b")
    t = bench.pull(name, 0)
    enable, coils = bench.enable_first(t, debounce_ms + 600, "a", "b")
    if enable > t + debounce_ms + 200:  # two ticks
        raise Failure("the enable fell after %.0f ms" % (enable - t))
    bench.reason(code or name)
    if (code or name) not in bench.ctl("status", "--json").stdout:
        raise Failure("rebankctl status does not say " + (code or name))
    bench.note("enable low after %.1f ms, coils after %.0f ms", enable - t, coils - t)
    return t


def stays_open(bench, name):
    """Closing the loop again does not restart the bank; clearing by hand does."""
    t = bench.pull(name, 1)
    bench.stays_low(*bench.coils("a", "b"), "pcs-enable", after=t, seconds=3)
    bench.ctl("clear")
    bench.closed("a", "b")


def case_estop(bench):
    """The emergency stop: enable at once, coils after it; no restart by itself after the release."""
    t = trips(bench, "estop", debounce_ms=0)
    bench.gets_low("alarm")
    stays_open(bench, "estop")


def case_estop_wire_loss(bench):
    """A wire that is lost reads as tripped: every input is requested with the bias that says so."""
    bench.start(bench.site(bias=""))
    time.sleep(1.0)
    bench.ctl("clear")
    bench.closed("a", "b")
    wrong = [name for name in SWITCHES if bench.plant.bias.get(name) != 0]
    if wrong:
        raise Failure("not pulled to the tripped level: %s" % ", ".join(wrong))
    t = bench.pull("estop", bench.plant.bias["estop"])
    bench.falls("pcs-enable", t, 50)
    bench.reason("estop")


def case_estop_held_at_start(bench):
    """An emergency stop that is pressed at the start: nothing is ever driven."""
    bench.pull("estop", 0)
    bench.start()
    bench.stays_low(*bench.coils("a", "b"), "pcs-enable", after=bench.started_ms, seconds=6)
    bench.reason("estop")


def case_estop_glitch(bench):
    """A pulse of 3 ms on the emergency stop is a stop."""
    bench.start().closed("a", "b")
    t = bench.pulse("estop", 0, 3)
    bench.falls("pcs-enable", t, 100)
    bench.opened("a", "b")
    bench.reason("estop")


def case_interlock(bench):
    """The interlock loop opens: as the emergency stop, latched."""
    trips(bench, "interlock")
    stays_open(bench, "interlock")


def case_smoke(bench):
    """Smoke: all open, fire and alarm relay fall, no fan."""
    t = trips(bench, "smoke")
    bench.gets_low("fire")
    bench.gets_low("alarm")
    bench.low("fan")
    stays_open(bench, "smoke")


def case_gas(bench):
    """Off-gas: all open, fire relay falls, the fan runs."""
    t = trips(bench, "gas")
    bench.gets_low("fire")
    bench.rises("fan", t, 700)


def case_door(bench):
    """The door: open while it is open, closed again by itself after it."""
    trips(bench, "door")
    bench.pull("door", 1)
    bench.closed("a", "b")


def case_door_glitch(bench):
    """A door contact that bounces for 30 ms trips nothing."""
    bench.start().closed("a", "b")
    t = bench.pulse("door", 0, 30)
    time.sleep(1.0)
    bench.unmoved(t)


def site_with(bench, name):
    return bench.site(gpio='%s = "bench-inputs:%s,no-pull";\n' % (name, name))


def case_insulation_relay(bench):
    """The relay of an insulation monitor for a second: all open; it is booked to who joined last, and cleared by hand."""
    t = trips(bench, "insulation", debounce_ms=1100, site=site_with(bench, "insulation"))
    if bench.reason("insulation") < t + 1000:
        raise Failure("it did not wait")
    bench.gets_low("alarm")
    last = max((e for e in bench.sequence() if e["code"] == "joined"), key=lambda e: e["mono_ms"])["pack"]
    bench.reason("quarantined", last)
    t = bench.pull("insulation", 1)
    bench.stays_low(*bench.coils("a", "b"), "pcs-enable", after=t, seconds=3)
    bench.ctl("clear")
    bench.closed(*({"a", "b"} - {last}))
    bench.low(*bench.coils(last))
    bench.ctl("clear", last)
    bench.closed("a", "b")


def case_mains(bench):
    """The mains go: 0 W and nothing opens; they come back, and so does the power."""
    bench.start(site_with(bench, "mains")).closed("a", "b")
    bench.ask(do="setpoint", p_w=3000, valid_s=60)
    bench.wait_power(2000)
    t = bench.pull("mains", 0)
    wait_for(lambda: abs(bench.status()["telemetry"]["p_w"]) < 200.0, 3, "0 W")
    bench.note("0 W after %.0f ms", bench.now() - t)
    bench.reason("mains_lost")
    bench.unmoved(t)
    bench.pull("mains", 1)
    bench.wait_power(2000)
    bench.reason("mains_lost", kind="cleared", in_status=False)
    bench.unmoved(t)


def case_estop_times(bench):
    """Presses of the emergency stop, each from closed: the enable follows within 5 ms, the coils within 0.5 s."""
    inputs, outputs = bench.chips["inputs"], bench.chips["outputs"]
    bare_process = subprocess.Popen([VM / "bare", "stop", inputs.place(BARE_IN), outputs.place(BARE_OUT)],
                                    stdout=subprocess.DEVNULL)
    try:
        bench.start()
        first = [press(bench)[0] for _ in range(COLD)]
        ours, bare, coils = zip(*(press(bench) for _ in range(int((VM / "presses").read_text()))))
    finally:
        bare_process.kill()
        bare_process.wait()
    bench.note("before, while the emulator meets code for the first time: %s ms",
               ", ".join("%.1f" % ms for ms in first))
    bound = COILS_MS + min(max(bare), EMULATOR_MS)
    bench.note("coils low at most %.1f ms after the press, of %.1f", max(coils), bound)
    bench.quick("enable low", ours, bare, 5.0)
    if max(coils) > bound:
        raise Failure("coils after %.1f ms, not %.1f" % (max(coils), bound))


def case_estop_current_stays(bench):
    """A current that does not go with the enable (a sensor that says so): the coils wait for it 0.5 s, no longer."""
    bench.start().closed("a", "b")
    bench.twin("current_lie pack=a value=40")
    wait_for(lambda: bench.status()["packs"][0]["telemetry"]["a"] > 30.0, 5, "40 A more")
    t = bench.pull("estop", 0)
    enable = bench.falls("pcs-enable", t, 100)
    coils = [bench.falls(coil, t, COILS_MS + EMULATOR_MS) for coil in bench.mains("a")]
    bench.note("enable low after %.1f ms, coils of a after %.1f ms", enable - t, max(coils) - t)
    if min(coils) < t + COILS_MS - EMULATOR_MS:
        raise Failure("it did not wait for the current:\n" + bench.story(t))
    for coil in bench.mains("b"):
        bench.falls(coil, t, 300)
    bench.reason("estop")


def press(bench):
    """One press with a pack on the bus: ms until the enable fell, until a bare process did the same, until the
    last coil fell. The bank is then on its way back."""
    pack = wait_for(lambda: next((p for p, state in bench.states().items() if state == "closed"), None), 45,
                    "a pack closed")
    wait_for(lambda: bench.level("pcs-enable") == 1, 45, "the enable")
    t = bench.now()
    ours = race(bench, "estop", "pcs-enable")
    coils = max(bench.falls(coil, t, 2000) for coil in bench.mains(pack)) - t
    bench.pull(BARE_IN, 1)
    wait_for(lambda: bench.level(BARE_OUT) == 1, 5, "the bare line")
    bare = race(bench, BARE_IN, BARE_OUT)
    bench.pull("estop", 1)
    wait_for(lambda: bench.ask(do="clear")["ack"]["status"] == "accepted" and
             not bench.status()["active"].get("tripped"), 10, "trip cleared")
    return ours, bare, coils


def race(bench, stop, enable):
    us = int(bench.plant.ask("race %s 0 %s 0" % (stop, enable), "race"))
    if us < 0:
        raise Failure("%s did not fall" % enable)
    return us / 1e3
