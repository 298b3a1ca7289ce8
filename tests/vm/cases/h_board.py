"""What befalls the whole board: its supply is cut, its watchdog resets it. The state is on a disk that stays."""
import json
import pathlib
import random
import signal
import time

from bench import BANK, CONFIG, Failure, STATE, mono_ms, resets_board, wait_for

WATCHDOG = "/dev/watchdog0"
WATCHDOG_MS = 10000  # daemon/watchdog.h
SAVED_MS = 2000 + 1000  # a change is on the disk by then: daemon/tick.h, and the disk's own time
MONITOR = pathlib.Path("/sys/class/watchdog/watchdog0/state")


def operations(bench):
    return {p["id"]: p["telemetry"]["operations"] for p in bench.status()["packs"]}


def recordings():
    return sorted(str(path) for path in STATE.glob(BANK + ".recordings/*.rec"))


def logged():
    """Every whole line of the sequence of events, of all boots."""
    lines = (STATE / (BANK + ".soe.jsonl")).read_text(errors="replace").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def power_is_back(bench):
    """Latch, wear, log and recordings are there; the daemon starts by itself and closes what may close."""
    kept = bench.kept()
    bench.disk()
    CONFIG.write_text(kept["site"])
    lost = [e for e in kept["events"] if e not in logged()]
    if lost:
        raise Failure("of %d entries of the sequence of events these are lost: %s" % (len(kept["events"]), lost))
    for path in kept["recordings"]:
        bench.ctl("replay", path, seconds=120)
    bench.started_ms = mono_ms()
    bench.again()
    bench.closed("b")
    states = bench.states()
    if states["a"] != "quarantined":
        raise Failure("the latch of a: " + str(states))
    now = operations(bench)
    if any(now[p] < kept["operations"][p] for p in now):
        raise Failure("operations: %s, before the cut %s" % (now, kept["operations"]))
    bench.low(*bench.coils("a"))
    bench.note("%d entries, %d recording(s), operations %s, latch of a: all there; cut %.1f s after the last change",
               len(kept["events"]), len(kept["recordings"]), kept["operations"], kept["rest_s"])
    bench.ctl("clear", "a")
    bench.closed("a", "b")


@resets_board(power_is_back)
def case_power_cut(bench):
    """The supply is cut while a pack is latched and one carries power: all that was accepted survives."""
    bench.disk(empty=True)
    bench.records.clear()  # preflight writes its own, for good
    bench.start().closed("a", "b")
    bench.twin("feedback_lost pack=a pole=positive")
    bench.fault("a-positive", "lost")
    bench.reason("feedback_lost", "a")
    bench.closed("b")
    bench.ask(do="setpoint", p_w=2000, valid_s=60)
    bench.wait_power(1000)
    wait_for(recordings, 15, "the recording of the trip")
    before, t = operations(bench), mono_ms()
    rest_s = SAVED_MS / 1e3 + random.uniform(0.0, 2.0)
    time.sleep(rest_s)
    bench.keep(site=CONFIG.read_text(), operations=before, recordings=recordings(), rest_s=rest_s,
               events=[e for e in bench.sequence() if e["mono_ms"] < t])
    bench.power_cut()


def watchdog_site(bench):
    return bench.site().replace('id = "bench";', 'id = "bench"; watchdog = "%s";' % WATCHDOG)


def board_is_back(bench):
    """After the reset: every line was released; the bank starts from open."""
    kept = bench.kept()
    bench.note("the board was reset while the bank was driven; the last beat %.0f ms after the daemon stood still",
               kept["last_ms"])
    bench.start(kept["site"]).closed("a", "b")
    bench.kill(signal.SIGTERM)
    if bench.ended() != 0:
        raise Failure(bench.log())


@resets_board(board_is_back)
def case_board_watchdog(bench):
    """The board's watchdog is fed by healthy steps only: a daemon that stands still has the board reset."""
    bench.start(watchdog_site(bench)).closed("a", "b")
    if MONITOR.read_text().strip() != "active":
        raise Failure("the watchdog is not armed")
    time.sleep(1.5 * WATCHDOG_MS / 1e3)
    bench.closed("a", "b")
    t = bench.kill(signal.SIGSTOP)
    last = bench.heartbeat_stops(t, 100)
    bench.keep(site=CONFIG.read_text(), last_ms=last - t)
    bench.no_more(1.5 * WATCHDOG_MS / 1e3)


def case_board_watchdog_rests(bench):
    """After an orderly stop the board's watchdog rests, and the board stays up."""
    bench.start(watchdog_site(bench)).closed("a", "b")
    bench.kill(signal.SIGTERM)
    if bench.ended() != 0:
        raise Failure(bench.log())
    if MONITOR.read_text().strip() != "inactive":
        raise Failure("the watchdog is still armed")
    time.sleep(1.2 * WATCHDOG_MS / 1e3)
