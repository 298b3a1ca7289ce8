"""Closing, opening, and what an operator does."""
import json
import signal
import subprocess

from bench import Failure, wait_for


def case_cold_start(bench):
    """From nothing to closed and back: negative, precharge, positive, enable; and all of it backwards."""
    bench.start()
    bench.closed("a", "b")
    beat = bench.beats(bench.started_ms)[0]
    first = "a" if bench.rises("a-positive", bench.started_ms, 9000) < bench.rises(
        "b-positive", bench.started_ms, 9000) else "b"
    times = [beat] + [bench.rises("%s-%s" % (first, pole), bench.started_ms, 9000)
                      for pole in ("negative", "precharge", "positive")]
    times.append(bench.rises("pcs-enable", bench.started_ms, 9000))
    if times != sorted(times):
        raise Failure("not in order:\n" + bench.story(bench.started_ms))
    bench.reason("joined", "a")
    bench.reason("joined", "b")
    if "closed" not in bench.ctl("status").stdout:
        raise Failure("rebankctl status does not say closed")
    bench.note("closed after %.1f s, precharge %.0f ms", (times[-1] - bench.started_ms) / 1e3,
               times[3] - times[2])
    t = bench.kill(signal.SIGTERM)
    if bench.ended() != 0:
        raise Failure("exit status: " + bench.log())
    last = max(bench.falls(coil, t, 8000) for coil in bench.mains("a", "b"))
    bench.falls("pcs-enable", t, last - t)
    bench.low(*bench.coils("a", "b"), "alarm", "fire")
    bench.note("SIGTERM to open %.0f ms", last - t)


def case_stop_survives_restart(bench):
    """A stop by hand opens, survives a restart, and only a start closes again."""
    bench.start().closed("a", "b")
    bench.ctl("stop")
    bench.opened("a", "b")
    bench.kill(signal.SIGTERM)
    bench.ended()
    t = bench.now()
    bench.again()
    bench.stays_low(*bench.coils("a", "b"), "pcs-enable", after=t, seconds=5)
    bench.ctl("start")
    bench.closed("a", "b")


def case_pack_disabled(bench):
    """A pack that is disabled leaves by itself: the other one and the converters stay on."""
    bench.start().closed("a", "b")
    t = bench.now()
    bench.ctl("disable", "a")
    bench.falls("a-positive", t, 8000)
    bench.falls("a-negative", t, 8000)
    bench.closed("b")
    bench.unmoved(t, *bench.coils("b"), "pcs-enable")
    bench.reason("left", "a")
    bench.ctl("enable", "a")
    bench.closed("a", "b")


def case_opener_alternates(bench):
    """The contactor that opens first is another one each time: both are proven to open."""
    bench.start(bench.site(packs=("a",))).closed("a")
    firsts = []
    for _ in range(2):
        t = bench.now()
        bench.ctl("stop")
        bench.opened("a")
        firsts.append(min((bench.falls(coil, t, 9000), coil) for coil in bench.mains("a"))[1])
        bench.ctl("start")
        bench.closed("a")
    if firsts[0] == firsts[1]:
        raise Failure("%s opened first, twice" % firsts[0])


def case_local_switch(bench):
    """The local switch refuses what comes from outside, and moves no line."""
    bench.start().closed("a", "b")
    t = bench.pull("remote", 0)
    wait_for(lambda: publish(bench, "q%d" % (len(bench.listener.messages))) == "local_lock", 10,
             "a setpoint refused with local_lock")
    bench.pull("remote", 1)
    wait_for(lambda: publish(bench, "r%d" % (len(bench.listener.messages))) in ("ok", "clamped_ramp"), 10,
             "a setpoint accepted")
    bench.unmoved(t)


def publish(bench, name, p_w=500):
    """Sends a setpoint by MQTT; the reason of its first answer."""
    now = bench.status()["ts"]
    text = json.dumps({"v": 1, "id": name, "seq": now, "ts": now, "p_w": p_w, "valid_s": 30})
    subprocess.run(["mosquitto_pub", "-q", "1", "-t", "rebank/v1/bench/setpoint/utility/set", "-m", text],
                   check=True)
    ack = bench.listener.find(5, lambda m: m[1] == "setpoint/utility/ack" and m[3].get("id") == name)
    if not ack:
        raise Failure("no answer to the setpoint")
    return ack[3]["reason"]


def case_operations_survive(bench):
    """Operations of a contactor are counted and survive the end of the process."""
    bench.start(bench.site(packs=("a",))).closed("a")
    before = bench.status()["packs"][0]["telemetry"]["operations"]
    bench.kill(signal.SIGTERM)
    bench.ended()
    bench.again().closed("a")
    after = bench.status()["packs"][0]["telemetry"]["operations"]
    if after <= before:
        raise Failure("operations: %s, then %s" % (before, after))


def case_broker_down(bench):
    """Without its broker the bank closes, stays closed and obeys the local socket."""
    bench.broker_stop()
    bench.start().closed("a", "b")
    wait_for(lambda: any(e["code"] == "broker_lost" for e in bench.sequence()), 20, "broker_lost in the log")
    bench.closed("a", "b")
    t = bench.now()
    bench.ctl("stop")
    bench.falls("pcs-enable", t, 5000)
    bench.opened("a", "b")
    bench.broker_start()
    bench.reason("broker_lost", seconds=30)
