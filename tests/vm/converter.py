"""A converter that speaks SunSpec, and a meter behind it.

What the converter is told to do it does at once: `power_w()` is the power out of the DC bus; `dc_v` is what
it measures there. Neither knows anything of Rebank.
"""
import time

from device import Device

MODELS = (1, 701, 702, 704, 713, 714, 715, 802)
EFFICIENCY = 0.96
SAYS = {
    1: {"Mn": "Elsewhere", "Md": "Storage 20", "Vr": "1", "SN": "E-1", "DA": 1},
    701: {"ACType": 3, "St": 1, "InvSt": 0, "ConnSt": 1, "W_SF": 0, "W": 0, "Hz_SF": -2, "Hz": 5000},
    702: {"W_SF": 0, "WMaxRtg": 10000, "WMax": 10000, "WChaRteMaxRtg": 10000, "WDisChaRteMaxRtg": 10000,
          "WChaRteMax": 10000, "WDisChaRteMax": 10000},
    704: {"WSetEna": 0, "WSetMod": 1, "WSet": 0, "WSet_SF": 0, "WSetPct": 0, "WSetPct_SF": -1,
          "WSetRvrt": 0, "WSetPctRvrt": 0, "WSetEnaRvrt": 0, "WSetRvrtTms": 0, "WSetRvrtRem": 0},
    713: {"WHRtg": 20000, "SoC": 55, "SoH": 93, "Sta": 0, "WH_SF": 0, "Pct_SF": 0},
    714: {"NPrt": 1, "DCA_SF": -1, "DCV_SF": -1, "DCW_SF": 0, "DCA": 0, "DCW": 0,
          "Prt.0.DCV": 0, "Prt.0.DCA": 0, "Prt.0.DCW": 0},
    715: {"LocRemCtl": 0, "DERHb": 0, "ControllerHb": 0, "OpCtl": 0},
    802: {"SoC_SF": 0, "SoC": 55, "Hb": 0, "CtrlHb": 0, "State": 3, "V_SF": -1, "V": 3700},
}
METER_SAYS = {
    1: {"Mn": "Elsewhere", "Md": "Meter 3", "Vr": "1", "SN": "M-1", "DA": 1},
    203: {"A_SF": 0, "V_SF": -1, "Hz_SF": -2, "Hz": 5000, "W_SF": 0, "W": 0},
}


class Converter(Device):
    def __init__(self, port):
        self.dc_v, self.began, self.expires = 0.0, time.monotonic(), None
        super().__init__(port, MODELS, SAYS)

    # ---- what it does ----

    def power_w(self):
        """Out of the DC bus."""
        with self.lock:
            w = self.ac_w()
        return w / EFFICIENCY if w > 0 else w * EFFICIENCY

    def ac_w(self):
        if self.expires is not None and time.monotonic() >= self.expires:
            self.expires = None
            self.put(704, "WSet", self.get(704, "WSetRvrt"))
            self.put(704, "WSetEna", self.get(704, "WSetEnaRvrt"))
        if self.get(715, "OpCtl") != 1 or self.get(704, "WSetEna") != 1 or self.dc_v < 250.0:
            return 0
        if self.get(704, "WSetMod") == 1:
            return self.get(704, "WSet")
        return self.get(704, "WSetPct") * 0.001 * 10000

    def live(self):
        w, runs = self.ac_w(), self.get(715, "OpCtl") == 1
        dc_w = w / EFFICIENCY if w > 0 else w * EFFICIENCY
        amperes = dc_w / self.dc_v if self.dc_v > 1.0 else 0.0
        left = 0 if self.expires is None else max(0.0, self.expires - time.monotonic())
        for number, name, value in (
                (701, "W", w), (701, "InvSt", 3 if runs else 0), (714, "DCW", dc_w),
                (714, "DCA", amperes * 10), (714, "Prt.0.DCV", self.dc_v * 10),
                (714, "Prt.0.DCA", amperes * 10), (714, "Prt.0.DCW", dc_w), (802, "V", self.dc_v * 10),
                (704, "WSetRvrtRem", left), (715, "DERHb", time.monotonic() - self.began),
                (802, "Hb", (time.monotonic() - self.began) % 0x7fff)):
            self.put(number, name, value)

    def written(self, address, n):
        timer = self.at[(704, "WSetRvrtTms")][0], self.at[(704, "WSetEna")][0]
        if any(address <= t < address + n for t in timer):
            seconds = self.get(704, "WSetRvrtTms")
            armed = seconds and self.get(704, "WSetEnaRvrt") == 1
            self.expires = time.monotonic() + seconds if armed else None


class Meter(Device):
    """At the grid point, behind nothing but the converter; + is export."""

    def __init__(self, port, power_w):
        self.power_w = power_w
        super().__init__(port, (1, 203), METER_SAYS)

    def live(self):
        self.put(203, "W", self.power_w())
