"""Outputs wired otherwise: active-low, open-drain, an economiser, and a pack with one contactor of its own."""
import fcntl
import signal
import struct

from bench import BOOST, Failure, wait_for

BOOST_MS = 400
LOW = {"pcs-enable": "active-low", "alarm": "active-low,open-drain"}  # with a resistor up, on the board
GET_LINEINFO, OPEN_DRAIN = 0xC048B402, 8  # GPIO_GET_LINEINFO_IOCTL, GPIOLINE_FLAG_OPEN_DRAIN


def site(bench):
    text = bench.site(packs=("a",))
    for name, options in LOW.items():
        text = text.replace(':%s"' % name, ':%s,%s"' % (name, options))
    for pole in ("bench-coils:a-negative", "bench-inputs:a-feedback-negative,no-pull"):
        text = text.replace('"%s"' % pole, '"none"')
    more = 'shared_pole = true; boost = "bench-coils:%s"; boost_s = %g;' % (BOOST, BOOST_MS / 1e3)
    return text.replace("contactors = {", "contactors = { " + more)


def is_open_drain(chip, name):
    info = bytearray(struct.pack("II64x", chip.names.index(name), 0))
    with open("/dev/" + chip.device, "rb") as f:
        fcntl.ioctl(f, GET_LINEINFO, info)
    return bool(struct.unpack_from("I", info, 4)[0] & OPEN_DRAIN)


def on_the_bus(bench):
    wait_for(lambda: bench.states().get("a") == "closed" and bench.level("pcs-enable") == 0, 30,
             lambda: "closed, and the enable driven low; the lines did:\n" + bench.story(bench.started_ms))


def full_voltage_to_pull_in(bench):
    """The economiser's line rises with a coil and falls boost_s after the last one that was switched on."""
    rise = bench.rises(BOOST, bench.started_ms, 20000)
    if abs(rise - bench.rises("a-precharge", bench.started_ms, 20000)) > 20:
        raise Failure("not with the first coil:\n" + bench.story(bench.started_ms))
    last = bench.rises("a-positive", bench.started_ms, 20000)
    fall = bench.falls(BOOST, last, BOOST_MS + 200)
    bench.note("full voltage for %.0f ms after the positive, of %d", fall - last, BOOST_MS)
    if fall < last + BOOST_MS - 20:
        raise Failure("too early:\n" + bench.story(bench.started_ms))
    bench.low(BOOST)


def wired_otherwise(bench):
    bench.start(site(bench))
    on_the_bus(bench)
    full_voltage_to_pull_in(bench)
    wait_for(lambda: bench.level("alarm") == 0, 5, "the alarm relay driven, with a low line")
    if not is_open_drain(bench.chips["outputs"], "alarm") or is_open_drain(bench.chips["outputs"], "pcs-enable"):
        raise Failure("open-drain is another line")
    t = bench.now()
    bench.ctl("stop")
    bench.opened("a")
    bench.falls("a-positive", bench.rises("pcs-enable", t, 5000), 1000)
    wait_for(lambda: bench.states().get("a") == "open", 5, "the pack called open")
    if bench.status()["packs"][0]["state"]["isolated"]:
        raise Failure("isolated, with a pole that it shares: %s" % bench.status())
    bench.ctl("start")
    on_the_bus(bench)
    t = bench.kill(signal.SIGKILL)
    for name in LOW:
        bench.rises(name, t, 600)
    bench.falls("a-positive", t, 600)
    bench.low(*bench.coils("a"), BOOST)


def case_wired_otherwise(bench):
    """Active-low and open-drain outputs, an economiser, one pole: low is active, and dead is high."""
    try:
        for name in LOW:
            bench.chips["outputs"].resistor(name, 1)
        wired_otherwise(bench)
    finally:
        bench.end()
        for name in LOW:
            bench.chips["outputs"].resistor(name, 0)
