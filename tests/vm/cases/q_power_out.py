"""From a setpoint to watts: packs on CAN, contactors on lines, a converter, a meter and a broker; each link cut."""
import time

import bench
from can_rig import ip, wait_slowly
from power_rig import DEAD_MAN_S, PowerRig


def case_power_converter_cut(b):
    """The converter's link falls, freezes or answers late: 0 W within its dead-man time, and back again."""
    with PowerRig(b, "a", "i") as rig:
        rig.up()
        for state in ("gone", "frozen", "late"):
            rig.cut("converter " + state, "pcs_lost", lambda: rig.converter.set_link(state),
                    lambda: rig.converter.set_link("well"))


def case_power_dead_man_alone(b):
    """Nobody is left to end the power: the converter's own dead-man, as it was programmed, does."""
    with PowerRig(b, "a", "i") as rig:
        rig.up()
        rig.converter.set_link("gone")
        t = bench.mono_ms()
        took = rig.ends(t, DEAD_MAN_S, alone=True)
        b.note("with an enable that is stuck high: 0 W after %.1f s", took)


def case_power_meter_cut(b):
    """The grid meter falls silent: the power that may flow without it, here none; and back again."""
    with PowerRig(b, "a", "i") as rig:
        rig.up()
        for state in ("gone", "frozen"):
            rig.cut("meter " + state, "meter_lost", lambda: rig.meter.set_link(state),
                    lambda: rig.meter.set_link("well"))


def case_power_can_cut(b):
    """The CAN adapter of all packs goes: 0 W, all open. The pack that closes by frames could not be seen to
    open: that stays until somebody has looked, and then the bank comes back."""
    def cut(state):
        for interface in ("vcan0", "vcan1"):
            ip("set", interface, state)

    with PowerRig(b, "a", "i") as rig:
        rig.up()
        def mend():
            b.low(*b.mains("a"))
            cut("up")
            wait_slowly(lambda: rig.packs.report()["i"][0] == "open", 20, "the i3 opened by itself")
            wait_slowly(lambda: b.ctl("clear", "i", check=False).returncode == 0, 30, lambda: "clear: " + b.log())
            b.ctl("clear", check=False)
            rig.wait_connected(2, 240)
        try:
            rig.cut("CAN down", "link_down", lambda: cut("down"), mend)
        finally:
            cut("up")


def case_power_broker_cut(b):
    """The broker is gone: the setpoint lives on to its end and not longer; the bank says so when it is back."""
    with PowerRig(b, "a", "i") as rig:
        rig.up()
        rig.dispatch(2500.0, valid_s=12)
        t = bench.mono_ms()
        b.broker_stop()
        time.sleep(6.0)
        if rig.flows_w() < 2000.0:
            raise bench.Failure("it ended with the broker: %g W" % rig.flows_w())
        took = rig.ends(t, 12.0 + DEAD_MAN_S)
        b.broker_start()
        text = rig.named("expired", t, 40)
        b.note('12 s of life: 0 W %.1f s after the broker went, "%s"; again: %.1f s', took, text, rig.runs(60))


def case_power_gpio_cut(b):
    """The chip of the coils goes: enable low, 0 W; latched until somebody has looked."""
    with PowerRig(b, "a", "i") as rig:
        rig.up()
        t = bench.mono_ms()
        b.chips["coils"].alive(False)
        try:
            took = rig.ends(t, DEAD_MAN_S)
            b.note('0 W after %.1f s, "%s"', took, rig.named("gpio_gone", t))
            if rig.flows_w() != 0.0:
                raise bench.Failure("it began again by itself")
        finally:
            b.end()
            b.chips["coils"].alive(True)
            b.wire("coils")
