"""Every fault of a contactor, played on its lines."""
import time

from bench import Failure, wait_for


def no_close(bench, pole):
    """Pack a's contactor does not close: its coils fall, it is latched open, pack b serves alone."""
    bench.fault("a-" + pole, "no_close")
    bench.start()
    driven = bench.rises("a-" + pole, 0, 1e9)
    bench.reason("contactor_no_close", "a", seconds=20)
    off = bench.falls("a-" + pole, driven, 3000)
    bench.closed("b")
    bench.low(*bench.coils("a"))
    bench.note("coil off after %.0f ms", off - driven)
    t = off
    tries = len([e for e in bench.plant.edges if e[1] == "a-" + pole and e[2] == 1 and e[0] > bench.started_ms])
    bench.note("tried %d time(s)", tries)
    bench.fault("a-" + pole, "none")
    bench.ctl("clear", "a")
    bench.closed("a", "b")
    return t


def case_no_close_negative(bench):
    """A negative that does not close: reported, off again, latched; the other pack serves."""
    no_close(bench, "negative")


def case_no_close_positive(bench):
    """A positive that does not close: reported, off again, latched; the other pack serves."""
    no_close(bench, "positive")


def case_no_close_precharge(bench):
    """A precharge that does not close: no positive onto an empty bus."""
    bench.start(bench.site(packs=("a",))).closed("a")
    bench.ctl("stop")
    bench.opened("a")
    time.sleep(0.2)
    bench.fault("a-precharge", "no_close")
    t = bench.now()
    bench.ctl("start")
    bench.reason("precharge_slow", "a", seconds=40)
    bench.unmoved(t, "a-positive", "pcs-enable")


def case_slow_close(bench):
    """A contactor slower than close_s is one that does not close."""
    bench.fault("a-negative", "slow")
    bench.start()
    driven = bench.rises("a-negative", bench.started_ms, 20000)
    bench.reason("contactor_no_close", "a", seconds=20)
    off = bench.falls("a-negative", driven, 600)
    bench.note("given up after %.0f ms of 200", off - driven)
    bench.closed("b")


def weld(bench, pole):
    bench.start(bench.site(packs=("a",))).closed("a")
    bench.fault("a-" + pole, "weld")
    t = bench.now()
    bench.ctl("stop")
    bench.reason("contactor_welded", "a", seconds=20)
    bench.falls("pcs-enable", t, 5000)
    bench.falls("a-positive", t, 9000)
    bench.falls("a-negative", t, 9000)
    bench.gets_low("alarm")
    state = bench.status()["packs"][0]["state"]
    if state["isolated"] or state["reason"] != "contactor_welded":
        raise Failure("state of the pack: %s" % state)
    bench.ctl("start")
    bench.stays_low("a-negative", "a-positive", "a-precharge", "pcs-enable", after=bench.now(), seconds=4)


def case_weld_negative(bench):
    """A welded negative is found at the stop, never called isolated, and nothing closes on it."""
    weld(bench, "negative")


def case_weld_positive(bench):
    """A welded positive is found at the stop, never called isolated, and nothing closes on it."""
    weld(bench, "positive")


def case_weld_precharge(bench):
    """A welded precharge with a feedback is found as soon as its coil is off and its pack opens."""
    bench.start(bench.site(packs=("a",)))
    bench.rises("a-precharge", bench.started_ms, 20000)
    bench.fault("a-precharge", "weld")
    bench.closed("a")
    bench.ctl("stop")
    bench.reason("contactor_welded", "a")
    bench.gets_low("alarm")
    if bench.status()["packs"][0]["state"]["isolated"]:
        raise Failure("called isolated")
    off = bench.now()
    bench.ctl("start")
    bench.stays_low(*bench.coils("a"), "pcs-enable", after=off, seconds=4)


def case_weld_precharge_by_voltage(bench):
    """Without a feedback it is found at the next start: the bus rises with the negative alone. Latched."""
    site = bench.site(packs=("a",))
    bench.start(site.replace('"bench-inputs:a-feedback-precharge,no-pull"', '"none"'))
    bench.rises("a-precharge", bench.started_ms, 20000)
    bench.twin("weld pack=a pole=precharge")
    bench.closed("a")
    bench.ctl("stop")
    bench.opened("a")
    t = bench.now()
    bench.ctl("start")
    bench.reason("precharge_welded", "a", seconds=20)
    off = bench.falls("a-negative", bench.rises("a-negative", t, 20000), 1000)
    bench.gets_low("alarm")
    bench.unmoved(t, "a-positive")
    bench.stays_low(*bench.coils("a"), after=off, seconds=4)


def case_weld_during_trip(bench):
    """A weld found by a trip opens all others, drops the fire relay and stays."""
    bench.start().closed("a", "b")
    bench.fault("a-positive", "weld")
    bench.fault("a-negative", "weld")
    t = bench.pull("estop", 0)
    for coil in bench.mains("a", "b"):
        bench.falls(coil, t, 700)
    bench.reason("contactor_welded")
    bench.gets_low("fire", 3000)
    bench.gets_low("alarm", 3000)


def case_chatter(bench):
    """A feedback that chatters makes its pack leave; the other one stays."""
    bench.start().closed("a", "b")
    bench.twin("chatter pack=a pole=positive")
    t = bench.fault("a-positive", "chatter")
    off = min(bench.falls("a-positive", t, 5000), bench.falls("a-negative", t, 5000))
    bench.reason("contactor_chatter", "a")
    bench.closed("b")
    bench.note("left after %.0f ms", off - t)


def case_feedback_lost(bench):
    """Feedback lost at rest: the partner opens, and the pack is latched open."""
    bench.start().closed("a", "b")
    bench.twin("feedback_lost pack=a pole=positive")
    t = bench.fault("a-positive", "lost")
    off = max(bench.falls("a-positive", t, 3000), bench.falls("a-negative", t, 3000))
    bench.reason("feedback_lost", "a")
    bench.note("open after %.0f ms", off - t)


def case_feedback_stuck_at_start(bench):
    """Feedback that says closed of an open contactor: its pack does not close, the other one does."""
    bench.fault("a-positive", "stuck")
    bench.start()
    bench.stays_low(*bench.coils("a"), after=bench.started_ms, seconds=8)
    bench.reason("contactor_welded", "a")
    bench.gets_low("alarm")


def case_feedback_lies_under_load(bench):
    """Feedback lost while current flows is a lie: an ordered leave, the enable stays for the others."""
    bench.start().closed("a", "b")
    bench.ask(do="setpoint", p_w=6000, valid_s=60)
    wait_for(lambda: (bench.status()["packs"][0]["telemetry"]["a"] or 0) > 4.0, 15,
             "4 A, twice what counts as none")
    bench.twin("feedback_lost pack=a pole=positive")
    t = bench.fault("a-positive", "lost")
    bench.reason("feedback_lies", "a")
    bench.falls("a-positive", t, 6000)
    bench.falls("a-negative", t, 6000)


def case_both_packs_no_close(bench):
    """No contactor closes at all: the bank gives up, nothing is driven for ever."""
    for pack in "ab":
        bench.fault(pack + "-positive", "no_close")
    bench.start()
    bench.reason("contactor_no_close", "a", seconds=30)
    bench.reason("contactor_no_close", "b", seconds=30)
    bench.opened("a", "b")
    bench.low("pcs-enable")
