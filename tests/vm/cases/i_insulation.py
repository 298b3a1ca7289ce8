"""An insulation monitor that tells by the width of its pulses (Bender IR155), played on an input line."""
import time

from bench import Failure, wait_for

GPIO = 'imd_pwm = "bench-inputs:imd,no-pull"; imd_ok = "bench-inputs:imd-ok,no-pull";\n'
MONITOR = 'protection = { imd = "pwm"; };\n'


def tell(bench, ohm, hertz=10):
    """The monitor measures so much: data sheet of the IR155-3204. A busy host moves an edge by some ms, which is some
    10 kOhm at the low end: the resistances here keep 3 ms from every bound."""
    bench.plant.tell("pwm imd %g %g" % (hertz, 100.0 * (0.05 + 0.9 * 1.2e6 / (ohm + 1.2e6))))


def start(bench):
    bench.start(bench.site(packs=("a",), gpio=GPIO) + MONITOR)


def measured(bench, code):
    """The resistance that an event of this code tells."""
    return next(e["value"] for e in reversed(bench.sequence()) if e["code"] == code and e["kind"] == "raised")


def closes_not(bench, seconds=4):
    t = bench.now()
    bench.ctl("start")
    bench.stays_low(*bench.coils("a"), "pcs-enable", after=t, seconds=seconds)


def case_imd_good_warning_fault(bench):
    """10 MOhm closes; 100 kOhm warns, keeps what is closed and closes nothing; 0 ohm opens and is booked to the joiner."""
    tell(bench, 10e6)
    start(bench)
    bench.closed("a")
    t = bench.now()
    tell(bench, 100e3)
    bench.reason("insulation_warn", seconds=20)
    ohm = measured(bench, "insulation_warn")
    bench.note("100 kOhm read as %.0f kOhm", ohm / 1e3)
    if not 45e3 < ohm < 190e3:
        raise Failure("100 kOhm read as %g" % ohm)
    bench.unmoved(t)
    bench.ctl("stop")
    bench.opened("a")
    closes_not(bench)
    tell(bench, 10e6)
    bench.closed("a")
    t = bench.now()
    tell(bench, 0.0)
    enable, coils = bench.enable_first(t, 15000, "a")
    bench.reason("insulation")
    bench.gets_low("alarm")
    bench.note("0 ohm read as %.0f kOhm, enable low after %.1f s", measured(bench, "insulation") / 1e3, (enable - t) / 1e3)
    t = bench.now()
    tell(bench, 10e6)
    bench.stays_low(*bench.coils("a"), "pcs-enable", after=t, seconds=4)
    bench.ctl("clear")
    bench.reason("quarantined", "a")  # it had joined less than a minute before
    bench.stays_low(*bench.coils("a"), "pcs-enable", after=t, seconds=8)
    bench.ctl("clear", "a")
    bench.closed("a")


def case_imd_signal_lost(bench):
    """No pulses, and no answer of a broken monitor: nothing closes; what is closed stays, and it is said."""
    bench.plant.tell("pwm imd 0 0")
    start(bench)
    bench.stays_low(*bench.coils("a"), "pcs-enable", after=bench.started_ms, seconds=5)
    bench.reason("imd_fault")
    for lost in (0, 40, 50):  # its wire, itself, its earth lead
        tell(bench, 10e6)
        bench.ctl("start")
        bench.closed("a")
        before = len(faults(bench))
        t = bench.now()
        bench.plant.tell("pwm imd %d 50" % lost)
        wait_for(lambda: len(faults(bench)) > before, 10, "imd_fault at %d Hz" % lost)
        bench.note("%d Hz known as a fault after %.0f ms", lost, faults(bench)[-1]["mono_ms"] - t)
        time.sleep(1.0)
        bench.unmoved(t)
        bench.ctl("stop")
        bench.opened("a")
        closes_not(bench, 3)
        bench.ctl("stop")


def faults(bench):
    return [e for e in bench.sequence() if e["code"] == "imd_fault" and e["kind"] == "raised"]


def case_imd_bad_at_power_on(bench):
    """The monitor's first guess, at 30 Hz: bad keeps the bank open; good is not yet a measurement."""
    bench.plant.tell("pwm imd 30 8")
    start(bench)
    bench.stays_low(*bench.coils("a"), "pcs-enable", after=bench.started_ms, seconds=5)
    bench.plant.tell("pwm imd 30 92")
    bench.reason("insulation", seconds=10)
    tell(bench, 10e6)
    time.sleep(2.0)
    bench.ctl("clear")
    bench.closed("a")


def case_imd_contradicts_itself(bench):
    """Its OK output drops while its pulses say 10 MOhm: a fault of the monitor."""
    tell(bench, 10e6)
    start(bench)
    bench.closed("a")
    t = bench.pull("imd-ok", 0)
    bench.reason("imd_fault")
    bench.unmoved(t)
