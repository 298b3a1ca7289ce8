"""Everything that can happen to the process. On a kernel that keeps outputs, as a Raspberry Pi's does, too."""
import ctypes
import pathlib
import signal
import subprocess
import time

from bench import CONFIG, Failure, wait_for

PERSIST = pathlib.Path("/sys/module/pinctrl_gpio_sim/parameters/persist_gpio_outputs")
ALARM = 'persistent_outputs = "alarm";\n'


def persistent(function):
    """The case runs on a kernel that keeps outputs driven when their holder dies."""
    def case(bench):
        PERSIST.write_text("Y")
        try:
            function(bench)
        finally:
            bench.reset_lines(lambda: PERSIST.write_text("N"))
    case.__doc__ = function.__doc__
    return case


def up_again(bench, after, old):
    """systemd started another daemon, which found no coil driven; it precharges and closes as at any start."""
    wait_for(lambda: bench.pid() not in (0, old), 30, "another process")
    bench.closed_anew(after)
    bench.reason("started", after=after, in_status=False)
    for pack in "ab":
        bench.reason("joined", pack, after=after, in_status=False)
    bench.silent("found_driven", after)


def case_unit_starts_and_stops(bench):
    """The unit of systemd, sandboxed and without root, closes the bank; its stop opens it in order."""
    bench.start(unit=True).closed("a", "b")
    if pathlib.Path("/proc/%d" % bench.pid()).owner() != "rebank":
        raise Failure("runs as " + pathlib.Path("/proc/%d" % bench.pid()).owner())
    t = bench.now()
    subprocess.run(["systemctl", "stop", "rebankd"], check=True)
    last = max(bench.falls(coil, t, 8000) for coil in bench.mains("a", "b"))
    bench.falls("pcs-enable", t, last - t)


def case_sigkill(bench):
    """SIGKILL: no beat after it, lines low; systemd starts it again, and it starts from open."""
    bench.start(unit=True).closed("a", "b")
    old = bench.pid()
    t = bench.kill(signal.SIGKILL)
    for name in ("pcs-enable", *bench.mains("a", "b")):
        bench.falls(name, t, 600)
    beats = [b for b in bench.beats(t) if b < t + 1000]
    if len(beats) > 1:  # the kernel lets the line go: that may be one edge
        raise Failure("%d beats within a second of SIGKILL" % len(beats))
    up_again(bench, t, old)


def case_sigstop(bench):
    """SIGSTOP: coils stay driven, the heartbeat stops within a period, the relay opens the contactors."""
    bench.start().closed("a", "b")
    t = bench.kill(signal.SIGSTOP)
    last = bench.heartbeat_stops(t, 100)
    for contactor in bench.mains("a", "b"):
        if bench.level(contactor) != 1:
            raise Failure("the case proves nothing: %s fell by itself" % contactor)
        wait_for(lambda: any(n == contactor and l == 0 and at > t for at, n, l in bench.plant.contacts), 2,
                 contactor + " open by the relay")
    bench.note("last beat %.1f ms after SIGSTOP", last - t)
    bench.kill(signal.SIGCONT)
    # It finds its contactors open with their coils driven, and a second gone: it does not take them back.
    t = bench.now()
    for coil in bench.mains("a", "b"):
        bench.falls(coil, t, 1500)
    bench.falls("pcs-enable", t - 5000, 6000)


def case_sigstop_under_systemd(bench):
    """SIGSTOP under systemd: the watchdog ends it, lines low, and it starts again from open."""
    bench.start(unit=True).closed("a", "b")
    old = bench.pid()
    t = bench.kill(signal.SIGSTOP)
    bench.heartbeat_stops(t, 100)
    for name in ("pcs-enable", *bench.mains("a", "b")):
        bench.falls(name, t, 9000)
    up_again(bench, t, old)


def case_deadlock(bench):
    """The control thread hangs, all other threads run: heartbeat stops, the watchdog ends the process."""
    bench.start(unit=True).closed("a", "b")
    old = bench.pid()
    libc = ctypes.CDLL(None, use_errno=True)
    seize, interrupt = 0x4206, 0x4207
    t = bench.now()
    for request in (seize, interrupt):  # of the thread that is the process's first: the control thread
        if libc.ptrace(request, old, None, None) != 0:
            raise Failure("ptrace: errno %d" % ctypes.get_errno())
    bench.heartbeat_stops(t, 100)
    for name in ("pcs-enable", *bench.mains("a", "b")):
        bench.falls(name, t, 9000)
    bench.reap(old)
    up_again(bench, t, old)


def case_abort(bench):
    """An abort inside: lines low, started again from open."""
    bench.start(unit=True).closed("a", "b")
    old = bench.pid()
    t = bench.kill(signal.SIGABRT)
    for name in ("pcs-enable", *bench.mains("a", "b")):
        bench.falls(name, t, 1000)
    up_again(bench, t, old)


def case_out_of_memory(bench):
    """The kernel's out-of-memory killer takes it: lines low, started again from open."""
    bench.start(unit=True).closed("a", "b")
    old = bench.pid()
    pathlib.Path("/proc/%d/oom_score_adj" % old).write_text("1000")
    t = bench.now()
    pathlib.Path("/proc/sysrq-trigger").write_text("f")
    for name in ("pcs-enable", *bench.mains("a", "b")):
        bench.falls(name, t, 3000)
    up_again(bench, t, old)


def case_killed_again_and_again(bench):
    """Killed five times in a row: systemd does not give up on it."""
    bench.start(unit=True)
    for _ in range(5):
        wait_for(lambda: bench.pid(), 20, "a process")
        old = bench.pid()
        bench.kill(signal.SIGKILL)
        wait_for(lambda: bench.pid() not in (0, old), 20, "another process")
    bench.closed("a", "b", seconds=30)


@persistent
def case_persist_refused(bench):
    """A kernel that keeps outputs: refused by default, said so, nothing driven."""
    CONFIG.write_text(bench.site())
    t = bench.now()
    done = subprocess.run(["rebankd", "--shared-clock"], capture_output=True, text=True, timeout=30)
    if done.returncode == 0 or "persist_gpio_outputs" not in done.stderr:
        raise Failure("status %d:\n%s" % (done.returncode, done.stderr))
    bench.unmoved(t)
    bench.note("exit status %d", done.returncode)


@persistent
def case_persist_sigkill(bench):
    """SIGKILL there: coils stay driven, the relay opens; the next start takes nothing over."""
    bench.start(bench.site(gpio=ALARM)).closed("a", "b")
    bench.reason("outputs_persist", in_status=False)
    t = bench.kill(signal.SIGKILL)
    bench.ended()
    bench.heartbeat_stops(t, 100)
    for contactor in bench.mains("a", "b"):
        if bench.level(contactor) != 1:
            raise Failure("the case proves nothing: %s fell by itself" % contactor)
        wait_for(lambda: any(n == contactor and l == 0 and at > t for at, n, l in bench.plant.contacts), 2,
                 contactor + " open by the relay")
    start = bench.now()
    bench.again()
    enable, off = bench.enable_first(start, 5000, "a", "b")
    # The heartbeat line is one of those that become inactive: an edge with the coils', not before.
    if [b for b in bench.beats(start) if b < off - 5]:
        raise Failure("a beat while coils were still driven:\n" + bench.story(start))
    bench.note("enable low %.0f ms before the coils", off - enable)
    if off - enable > 700:
        raise Failure("coils %.0f ms after the enable" % (off - enable))
    for pack in "ab":
        bench.reason("found_driven", pack, after=start, in_status=False)
    bench.closed_anew(off)


@persistent
def case_persist_sigstop(bench):
    """SIGSTOP and then SIGKILL there: driven all the time, no beat, and `rebankctl safe` ends it."""
    bench.start(bench.site(gpio=ALARM)).closed("a", "b")
    t = bench.kill(signal.SIGSTOP)
    bench.heartbeat_stops(t, 100)
    bench.kill(signal.SIGKILL)
    bench.ended()
    for coil in bench.mains("a", "b"):
        if bench.level(coil) != 1:
            raise Failure("the case proves nothing: %s fell by itself" % coil)
    safe = bench.now()
    bench.ctl("safe")
    enable, off = bench.enable_first(safe, 4000, "a", "b")
    bench.note("safe: coils %.0f ms after the enable", off - enable)
    if off - enable > 700:
        raise Failure("coils %.0f ms after the enable" % (off - enable))
    bench.ctl("safe")
    bench.low("pcs-enable", *bench.coils("a", "b"))


@persistent
def case_persist_execstoppost(bench):
    """SIGKILL under systemd there: ExecStopPost makes the lines safe before the next start."""
    bench.start(bench.site(gpio=ALARM), unit=True).closed("a", "b")
    old = bench.pid()
    t = bench.kill(signal.SIGKILL)
    enable, off = bench.enable_first(t, 5000, "a", "b")
    bench.note("enable low %.0f ms, coils %.0f ms after SIGKILL", enable - t, off - t)
    up_again(bench, t, old)


@persistent
def case_persist_sigstop_under_systemd(bench):
    """SIGSTOP under systemd there: watchdog, ExecStopPost, lines low, and again from open."""
    bench.start(bench.site(gpio=ALARM), unit=True).closed("a", "b")
    old = bench.pid()
    t = bench.kill(signal.SIGSTOP)
    bench.heartbeat_stops(t, 100)
    _, off = bench.enable_first(t, 12000, "a", "b")
    bench.note("coils low %.1f s after SIGSTOP", (off - t) / 1e3)
    up_again(bench, t, old)


def case_safe_with_daemon_alive(bench):
    """`rebankctl safe` beside a living daemon moves nothing and says who holds the lines."""
    bench.start().closed("a", "b")
    t = bench.now()
    done = bench.ctl("safe", check=False)
    time.sleep(0.5)
    bench.unmoved(t)
    bench.note("status %d", done.returncode)
    bench.closed("a", "b")


def case_sigterm_under_load(bench):
    """SIGTERM while power flows: power to zero, enable, coils; nothing breaks a current."""
    bench.start().closed("a", "b")
    bench.ask(do="setpoint", p_w=4000, valid_s=60)
    bench.wait_power(2000)
    t = bench.kill(signal.SIGTERM)
    bench.kill(signal.SIGTERM)
    if bench.ended() != 0:
        raise Failure(bench.log())
    last = max(bench.falls(coil, t, 12000) for coil in bench.mains("a", "b"))
    bench.falls("pcs-enable", t, last - t)
    for event in bench.sequence():
        if event["code"] == "left" and abs(event["value"] or 0.0) > 10.0:
            raise Failure("left at %g A" % event["value"])
