"""The bank as a battery on CAN, towards an inverter that steers itself within what it is told."""
import re
import time

import bench
from can_rig import site, wait_slowly
from inverter import Inverter
from power_rig import Watched

STALE_S = 2.0
PCS = """pcs = (
	{
		id = "pcs1"; driver = "can-bms"; url = "vcan4"; p_max_w = 10000.0; dc_min_v = 260.0; dc_max_v = 450.0;
		dc_max_a = 60.0; efficiency = 0.96; standby_w = 10.0; can_bms = { %s };
	}
);
"""


def with_inverter(can_bms):
    return re.sub(r"pcs = \(\n.*?\n\);\n", PCS % can_bms, site("a", "i"), flags=re.S)


def agrees(b, rig, most_w=None):
    """What the inverter was told is what the bank says of itself and what the packs do; `most_w`, out and in:
    what a setpoint leaves of the limits."""
    time.sleep(2.5)  # the last period is told
    told, status = dict(rig.converter.told), b.status()
    telemetry, limits = status["telemetry"], status["limits"]
    amperes = sum(p[2] for p in rig.packs.report().values())
    # what the grid sees has lost some on the way
    out_w, in_w = most_w or (limits["p_dis_max_w"] / 0.98, limits["p_cha_max_w"] * 0.98)
    for name, got, wanted, off in (
            ("voltage", told["v"], telemetry["dc_v"], 1.0), ("current", told["a"], amperes, 1.0),
            ("SoC", told["soc"], telemetry["soc_pct"] / 100, 0.011),
            ("hottest", told["temp_max_c"], telemetry["t_max_c"], 0.6),
            ("discharge", told["discharge_a"] * told["v"], out_w, 100.0 if most_w else 600.0),
            ("charge", told["charge_a"] * told["v"], in_w, 100.0 if most_w else 600.0)):
        if not abs(got - wanted) <= off:
            raise bench.Failure("%s: told %g, is %g; told %s\nlimits %s" % (name, got, wanted, told, limits))
    return told


def falls_silent(b, rig):
    """It says nothing more and does what it did: enable low, nothing flows, currents of 0 are told on."""
    inverter = rig.converter
    t = bench.mono_ms()
    inverter.talks, inverter.deaf = False, True
    took = rig.ends(t, STALE_S + 1.0)
    text = rig.named("pcs_lost", t)
    inverter.deaf = False
    if not inverter.asks:  # a battery that is asked speaks when it is asked
        wait_slowly(lambda: inverter.heard_within(1.5) and inverter.told["charge_a"] == 0.0 and
                    inverter.told["discharge_a"] == 0.0, 10, lambda: "currents of 0: %s" % inverter.told)
    inverter.talks = True
    b.note('it fell silent: 0 W after %.1f s, "%s"', took, text)


def never_zero(inverter):
    volts = [v for _, v, _, _ in inverter.limits]
    if not 260.0 < min(volts) <= max(volts) < 450.0:
        raise bench.Failure("charge voltages of %g to %g V" % (min(volts), max(volts)))


def case_can_bms_inverter(b):
    """What a CAN-BMS inverter is told is true; it falls silent: 0 W in 3 s while we speak on; and back again."""
    inverter = Inverter("vcan4")
    with Watched(b, "a", "i", converter=inverter) as rig:
        inverter.wants_w = 2000.0
        time.sleep(3.0)
        if inverter.ids:
            raise bench.Failure("frames before there is a battery: %s" % inverter.ids)
        rig.start(with_inverter('dialect = "victron"; fine_voltage = false;'))
        rig.wait_connected(2, 120)
        rig.wait_flow(2000.0)
        told = agrees(b, rig)
        if "active" in told["alarms_35a"].values() or told["online"] != 2:
            raise bench.Failure("alarms of a healthy bank: %s" % told)
        if {told["cell_min_id"], told["cell_max_id"]} - {"a", "i"}:
            raise bench.Failure("extreme packs: %s" % told)
        b.note("2 kW: told %.1f V, %.1f A, %.0f %%, at most %.1f A out and %.1f A in below %.1f V", told["v"],
               told["a"], 100 * told["soc"], told["discharge_a"], told["charge_a"], told["charge_v"])
        rig.dispatch(0.0)
        rig.wait_flow(0.0, within_w=20.0)
        rig.dispatch(-1500.0)
        inverter.wants_w = -1200.0
        rig.wait_flow(-1200.0)
        agrees(b, rig, (0.0, 0.96 * 1500.0))
        falls_silent(b, rig)
        rig.dispatch(-1500.0)
        rig.wait_flow(-1200.0)
        never_zero(inverter)


def case_can_bms_asked(b):
    """The same with an inverter that asks its battery (high-voltage family): it stops asking, and asks again."""
    inverter = Inverter("vcan4", asks=True)
    with Watched(b, "a", "i", converter=inverter) as rig:
        inverter.wants_w = 2000.0
        rig.start(with_inverter('dialect = "pylontech-hv";'))
        rig.wait_connected(2, 120)
        rig.wait_flow(2000.0)
        told = agrees(b, rig)
        if told["alarms_hv"] or told["status"] != 2 or not told["charge_enable"]:
            raise bench.Failure("alarms of a healthy bank, or one that does not discharge: %s" % told)
        falls_silent(b, rig)
        rig.wait_flow(2000.0)
        never_zero(inverter)
