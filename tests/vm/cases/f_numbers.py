"""What has to be quick, in numbers."""
import os
import signal
import subprocess
import time

from bench import VM, Failure

PERIOD_MS, BEATS = 100, 300


def off(times):
    """By how much each gap differs from a period."""
    return [abs(b - a - PERIOD_MS) for a, b in zip(times, times[1:])]


def case_heartbeat_jitter(bench):
    """Four processes that take all they can: the heartbeat goes on, within 20 ms, and its relay never lets go."""
    bench.start().closed("a", "b")
    hogs = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(4)]
    try:
        t = bench.now()
        told = subprocess.check_output([VM / "bare", "beat", str(PERIOD_MS), str(BEATS)], text=True)
        ours = off([beat for beat in bench.beats(t) if beat <= bench.now()])
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    late = [int(us) / 1e3 for us in told.split()[1:]]
    if len(ours) < 0.75 * BEATS or max(ours) >= 300.0:
        raise Failure("%d beats, the worst %.1f ms off" % (len(ours), max(ours)))
    bench.quick("beats under load, off by", ours, off([PERIOD_MS * k + ms for k, ms in enumerate(late)]), 20.0)
    bench.unmoved(t)
    bench.closed("a", "b")


def case_heartbeat_stops(bench):
    """SIGSTOP, 10 times: the heartbeat stops within one period of it."""
    bench.start(bench.site(packs=("a",))).closed("a")
    worst = 0.0
    for _ in range(10):
        t = bench.kill(signal.SIGSTOP)
        time.sleep(0.3)
        bench.plant.sync()
        last = bench.beats()[-1]
        worst = max(worst, last - t)
        bench.kill(signal.SIGCONT)
        time.sleep(0.5 + 0.013 * (os.getpid() % 7))
    bench.note("last edge at most %.1f ms after SIGSTOP", worst)
    if worst > 100.0:
        raise Failure("an edge %.1f ms after SIGSTOP" % worst)
