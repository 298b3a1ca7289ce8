"""A SunSpec device served by pymodbus, its registers laid out by the SunSpec model definitions.

    sunspec_device.py WHERE MODELS [BASE]     WHERE: TCP port, or a serial line with a / in front
                                              MODELS: 1,701,702,...  (tests/data/sunspec)

It behaves like a converter: 704 (or 124) sets its power, the reversion timer ends it, 715 starts and
stops it, heartbeats count. Lines on stdin change it, one answer line each:

    get 704 WSet                set 704 WSet 1500          (raw numbers, repeats by index: 714 DCV.0)
    map BASE MODELS             another register map, as after an update
    reboot                      everything as at power on
    refuse 704 | refuse -       writes to this model are refused
    chunk N                     reads of more than N registers are refused
    ignore 1 | ignore 0         writes are accepted and forgotten
    freeze 1 | freeze 0         its heartbeats and measurements stand still
"""
import asyncio
import json
import pathlib
import sys
import threading
import time

from modbus_serve import Slave, serve

DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "sunspec"

UNSET = {"uint16": 0xffff, "enum16": 0xffff, "bitfield16": 0xffff, "int16": 0x8000,
         "sunssf": 0x8000, "uint32": 0xffffffff, "bitfield32": 0xffffffff, "int32": 0x80000000,
         "acc32": 0, "uint64": 0xffffffffffffffff, "acc64": 0, "float32": 0x7fc00000,
         "string": 0, "pad": 0x8000, "count": 0}

# What the converter says of itself; everything else is "not implemented".
STANDARD = {
    1: {"Mn": "Elsewhere", "Md": "Storage 10", "Vr": "1.2", "SN": "E-0815", "DA": 1},
    103: {"W_SF": 0, "W": 0, "Hz_SF": -2, "Hz": 5001, "DCA_SF": -1, "DCA": 0, "DCV_SF": -1,
          "DCV": 3700, "DCW_SF": 0, "DCW": 0, "St": 8, "Evt1": 0},
    120: {"DERTyp": 82, "WRtg_SF": 1, "WRtg": 1000, "MaxChaRte_SF": 0, "MaxChaRte": 8000,
          "MaxDisChaRte_SF": 0, "MaxDisChaRte": 9000},
    121: {"WMax_SF": 0, "WMax": 10000},
    123: {"Conn": 1, "WMaxLimPct_SF": -1, "WMaxLimPct": 1000, "WMaxLim_Ena": 0,
          "WMaxLimPct_RvrtTms": 0},
    124: {"WChaMax_SF": 0, "WChaMax": 8000, "StorCtl_Mod": 0, "InOutWRte_SF": -2, "OutWRte": 0,
          "InWRte": 0, "InOutWRte_RvrtTms": 0},
    160: {"DCA_SF": -1, "DCV_SF": -1, "DCW_SF": 0, "N": 1, "module.0.DCA": 0, "module.0.DCV": 3700,
          "module.0.DCW": 0},
    203: {"W_SF": 0, "W": -1234, "Hz_SF": -2, "Hz": 4999, "A_SF": -2, "A": 500, "V_SF": -1},
    701: {"ACType": 2, "St": 1, "InvSt": 7, "ConnSt": 1, "Alrm": 0, "W_SF": 0, "W": 0,
          "Hz_SF": -3, "Hz": 50010, "TotWh_SF": 0, "TotWhInj": 123456789012},
    702: {"W_SF": 0, "WMaxRtg": 10000, "WChaRteMaxRtg": 8000, "WDisChaRteMaxRtg": 9000,
          "WMax": 10000},
    703: {"ES": 1},
    704: {"WSetEna": 0, "WSetMod": 0, "WSet": 0, "WSetRvrt": 777, "WSetPct": 0, "WSetPctRvrt": 0,
          "WSetEnaRvrt": 0, "WSetRvrtTms": 0, "WSetRvrtRem": 0, "WSet_SF": 0, "WSetPct_SF": -1},
    713: {"WHRtg": 20000, "SoC": 55, "SoH": 93, "Sta": 0, "WH_SF": 0, "Pct_SF": 0},
    714: {"NPrt": 1, "DCA_SF": -1, "DCV_SF": -1, "DCW_SF": 0, "DCA": 0, "DCW": 0,
          "Prt.0.DCV": 3700, "Prt.0.DCA": 0, "Prt.0.DCW": 0},
    715: {"LocRemCtl": 0, "DERHb": 0, "ControllerHb": 0, "OpCtl": 0},
    802: {"SoC_SF": 0, "SoC": 55, "Hb": 0, "CtrlHb": 0, "State": 3, "V_SF": -1, "V": 3700},
}
REPEATS = {714: 1, 160: 1}
EFFICIENCY = 0.95


class Model:
    """Offsets and types of one model, groups repeated as often as this device has them."""

    def __init__(self, number):
        self.number = number
        self.points = {}
        self.size = 0
        self.add(json.loads((DATA / ("model_%d.json" % number)).read_text())["group"], "")

    def add(self, group, prefix):
        for point in group["points"]:
            self.points[prefix + point["name"]] = (self.size, point["type"], point["size"])
            self.size += point["size"]
        for below in group.get("groups", []):
            single = below.get("count", 1) == 1
            for i in range(1 if single else REPEATS.get(self.number, 0)):
                self.add(below, prefix + below["name"] + "." + ("" if single else "%d." % i))


class Device(Slave):
    def __init__(self, base, numbers):
        self.lock = threading.RLock()
        self.refused = None
        self.chunk = 125
        self.ignoring = self.frozen = False
        self.map(base, numbers)

    def map(self, base, numbers):
        with self.lock:
            self.at = {}
            self.registers = {base: 0x5375, base + 1: 0x6e53}
            address = base + 2
            for number in numbers:
                model = Model(number)
                self.at[number] = (address, model)
                for name, (offset, kind, size) in model.points.items():
                    value = STANDARD[number].get(name, UNSET.get(kind, 0))
                    self.put(number, name, value)
                self.put(number, "ID", number)
                self.put(number, "L", model.size - 2)
                address += model.size
            self.registers[address] = 0xffff
            self.registers[address + 1] = 0
            self.numbers, self.base = numbers, base
            self.expires = None
            self.beat = time.monotonic()

    def put(self, number, name, value):
        address, model = self.at[number]
        offset, _, size = model.points[name]
        if isinstance(value, str):
            raw = value.encode().ljust(2 * size, b"\0")
            words = [raw[2 * i] << 8 | raw[2 * i + 1] for i in range(size)]
        else:
            value &= (1 << (16 * size)) - 1
            words = [value >> (16 * (size - 1 - i)) & 0xffff for i in range(size)]
        for i, word in enumerate(words):
            self.registers[address + offset + i] = word

    def get(self, number, name):
        address, model = self.at[number]
        offset, kind, size = model.points[name]
        value = 0
        for i in range(size):
            value = value << 16 | self.registers[address + offset + i]
        if kind.startswith("int") or kind == "sunssf":
            half = 1 << (16 * size - 1)
            value = (value ^ half) - half
        return value

    def has(self, number):
        return number in self.at

    # ---- behaviour ----

    def wanted_w(self, now):
        """The power in force; the reversion timer may have ended it."""
        if self.has(704):
            if self.expires is not None and now >= self.expires:
                self.expires = None
                self.put(704, "WSet", self.get(704, "WSetRvrt"))
                self.put(704, "WSetPct", self.get(704, "WSetPctRvrt"))
                self.put(704, "WSetEna", self.get(704, "WSetEnaRvrt"))
            left = 0 if self.expires is None else max(0, int(self.expires - now))
            self.put(704, "WSetRvrtRem", left)
            if self.get(704, "WSetEna") != 1:
                return 2500  # its own idea of what to do
            if self.get(704, "WSetMod") == 1:
                return self.get(704, "WSet")
            return self.get(704, "WSetPct") * 0.001 * 10000
        if self.has(124):
            if self.expires is not None and now >= self.expires:
                self.expires = None
                self.put(124, "StorCtl_Mod", 0)
            if self.get(124, "StorCtl_Mod") != 3:
                return 2500
            return self.get(124, "OutWRte") * 0.0001 * 8000
        if self.has(123) and self.get(123, "WMaxLim_Ena") == 1:
            return min(2500, self.get(123, "WMaxLimPct") * 0.001 * 10000)
        return 2500

    def live(self):
        """Brings measurements up to date."""
        if self.frozen:
            return
        now = time.monotonic()
        runs = True
        w = self.wanted_w(now)
        if self.has(715):
            runs = self.get(715, "OpCtl") == 1
            self.put(715, "DERHb", int(now - self.beat))
        elif self.has(703):
            runs = self.get(703, "ES") == 1
        elif self.has(123):
            runs = self.get(123, "Conn") == 1
        w = w if runs else 0
        dc = w / EFFICIENCY if w > 0 else w * EFFICIENCY
        if self.has(701):
            self.put(701, "W", round(w))
            self.put(701, "InvSt", 3 if runs else 0)
        if self.has(103):
            self.put(103, "W", round(w))
            self.put(103, "DCW", round(dc))
            self.put(103, "DCA", round(abs(dc) / 37))
            self.put(103, "St", 4 if runs else 1)
        if self.has(714):
            self.put(714, "DCW", round(dc))
            self.put(714, "DCA", round(dc / 37))
        if self.has(802):
            self.put(802, "Hb", int(now - self.beat) % 0x7fff)

    def written(self, first, count):
        """Writing a timer or its enable starts the timer."""
        def touched(number, names):
            if not self.has(number):
                return False
            address, model = self.at[number]
            return any(first <= address + model.points[n][0] < first + count for n in names)

        now = time.monotonic()
        if touched(704, ["WSetEna", "WSetRvrtTms"]):
            seconds = self.get(704, "WSetRvrtTms")
            self.expires = now + seconds if seconds and self.get(704, "WSetEnaRvrt") == 1 else None
        if touched(124, ["InOutWRte_RvrtTms"]):
            seconds = self.get(124, "InOutWRte_RvrtTms")
            self.expires = now + seconds if seconds else None

    # ---- what pymodbus asks of a device ----

    def validate(self, function, address, count=1):
        with self.lock:
            if function in (3, 4) and count > self.chunk:
                return False
            if function in (6, 16) and self.refused in self.at:
                first, model = self.at[self.refused]
                if first <= address < first + model.size:
                    return False
            return all(address + i in self.registers for i in range(count))

    def getValues(self, function, address, count=1):
        with self.lock:
            self.live()
            return [self.registers[address + i] for i in range(count)]

    def setValues(self, function, address, values):
        with self.lock:
            if self.ignoring:
                return
            for i, value in enumerate(values):
                self.registers[address + i] = value
            self.written(address, len(values))


def command(device, words):
    with device.lock:
        if words[0] == "get":
            device.live()
            return str(device.get(int(words[1]), words[2]))
        if words[0] == "set":
            device.put(int(words[1]), words[2], int(words[3]))
        elif words[0] == "map":
            device.map(int(words[1]), [int(n) for n in words[2].split(",")])
        elif words[0] == "reboot":
            device.map(device.base, device.numbers)
        elif words[0] == "refuse":
            device.refused = None if words[1] == "-" else int(words[1])
        elif words[0] == "chunk":
            device.chunk = int(words[1])
        elif words[0] == "ignore":
            device.ignoring = words[1] == "1"
        elif words[0] == "freeze":
            device.frozen = words[1] == "1"
        else:
            return "what?"
    return "ok"


def listen(device):
    for line in sys.stdin:
        print(command(device, line.split()), flush=True)


async def main():
    numbers = [int(n) for n in sys.argv[2].split(",")]
    device = Device(int(sys.argv[3]) if len(sys.argv) > 3 else 40000, numbers)
    threading.Thread(target=listen, args=(device,), daemon=True).start()
    await serve({1: device}, sys.argv[1])


asyncio.run(main())
