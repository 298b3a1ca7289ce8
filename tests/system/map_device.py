"""Converters and meters without SunSpec, served by pymodbus as their makers' register lists have it.

    map_device.py WHERE KIND...          WHERE: TCP port, or a serial line with a / in front

Written from those lists (as daemon and maps are), not from config/pcs: addresses are the lists' own. Each
does what it is told to, and only while that is what its list asks for. Lines on stdin, one answer each:

    w KIND                     its power at AC now, + out of the battery
    set KIND NAME NUMBER       one of its attributes
"""
import asyncio
import struct
import sys
import threading
import time

from modbus_serve import Slave, serve

HOLDING, INPUT = 3, 4
WRITES = (6, 16)
DC_V = 48.0


class Registers(Slave):
    """Two tables, and numbers in them; unset is not there."""

    def __init__(self):
        self.lock = threading.RLock()
        self.table = {HOLDING: {}, INPUT: {}}
        self.written = {}  # address: when

    def put(self, table, address, kind, value, low_first=False):
        raw = struct.pack(">" + kind, value if kind == "f" else round(value))
        words = [raw[i] << 8 | raw[i + 1] for i in range(0, len(raw), 2)]
        for i, word in enumerate(reversed(words) if low_first else words):
            self.table[table][address + i] = word

    def get(self, table, address, kind):
        words = [self.table[table][address + i] for i in range(struct.calcsize(kind) // 2)]
        return struct.unpack(">" + kind, struct.pack(">%dH" % len(words), *words))[0]

    def within(self, address, seconds):
        return time.monotonic() - self.written.get(address, -1e9) < seconds

    def live(self):
        """Brings readings up to date."""

    def validate(self, function, address, count=1):
        table = self.table[HOLDING if function in WRITES else function]
        return all(address + i in table for i in range(count))

    def getValues(self, function, address, count=1):
        with self.lock:
            self.live()
            return [self.table[function][address + i] for i in range(count)]

    def setValues(self, function, address, values):
        with self.lock:
            for i, value in enumerate(values):
                self.table[HOLDING][address + i] = value
                self.written[address + i] = time.monotonic()


class VeBus(Registers):
    """Multi behind a GX, the VE.Bus device: CCGX Modbus TCP register list, com.victronenergy.vebus."""

    def __init__(self):
        super().__init__()
        self.gx = VictronGx(self)
        self.patience_s = 60.0  # then it passes through
        for address, value in ((9, 5002), (12, 0), (26, 100 * DC_V), (27, 0), (31, 3), (32, 0), (33, 3),
                               (37, 0), (38, 0), (39, 0)):
            self.put(HOLDING, address, "h", value)

    def w(self):
        if self.get(HOLDING, 33, "h") != 3 or self.gx.get(HOLDING, 2902, "h") != 3:
            return 0
        drawn = self.get(HOLDING, 37, "h") if self.within(37, self.patience_s) else 0
        closed = self.get(HOLDING, 38 if drawn > 0 else 39, "h")
        return 0 if closed else -drawn

    def live(self):
        w = self.w()
        self.put(HOLDING, 12, "h", -w / 10)
        self.put(HOLDING, 27, "h", -10 * w / DC_V)
        self.put(HOLDING, 31, "h", 252 if self.get(HOLDING, 33, "h") == 3 else 0)

    def slaves(self):
        return {227: self, 100: self.gx}


class VictronGx(Registers):
    """The GX, unit 100: com.victronenergy.system and settings."""

    def __init__(self, multi=None):
        super().__init__()
        self.multi, self.loads_w = multi, 0.0
        for address, value in ((817, 0), (818, 0), (819, 0), (820, 0), (821, 0), (822, 0), (840, 10 * DC_V), (841, 0), (842, 0), (2701, 100),
                               (2702, 100), (2703, 0), (2902, 1)):
            self.put(HOLDING, address, "h", value)

    def w(self):
        """Of the inverter, + out of the battery: what the grid setpoint asks, as far as both directions are open."""
        w = self.loads_w - 100.0 * self.get(HOLDING, 2703, "h")
        return 0.0 if self.get(HOLDING, 2702 if w > 0 else 2701, "h") == 0 else w

    def live(self):
        for phase in range(3):
            self.put(HOLDING, 817 + phase, "H", self.loads_w / 3)
            self.put(HOLDING, 820 + phase, "h", (self.loads_w - self.w()) / 3)
        self.put(HOLDING, 842, "h", -self.w())
        self.put(HOLDING, 841, "h", -10 * self.w() / DC_V)

    def slaves(self):
        return {100: self}


class Sma(Registers):
    """Sunny Island, Sunny Boy Storage: SMA's Modbus parameters and measured values, unit 3."""

    def __init__(self):
        super().__init__()
        self.put(HOLDING, 40149, "i", 0)
        self.put(HOLDING, 40151, "I", 803)
        self.state, self.own_w = 307, 700
        self.live()

    def w(self):
        external = self.get(HOLDING, 40151, "I") == 802
        return self.get(HOLDING, 40149, "i") if external else self.own_w

    def live(self):
        w = self.w()
        for address, kind, value in ((30201, "I", self.state), (30775, "i", w), (30803, "I", 4998),
                                     (30843, "i", 1000 * w / DC_V), (30851, "I", 100 * DC_V)):
            self.put(INPUT, address, kind, value)

    def slaves(self):
        return {3: self}


class Kaco(Registers):
    """blueplanet gridsave 50: SunSpec 103 at 40070, vendor model 64201 at 40154."""
    RATING_W, M103, M64201 = 50000, 40070, 40154

    def __init__(self):
        super().__init__()
        for address in range(self.M103, self.M64201 + 54):
            self.put(HOLDING, address, "H", 0)
        self.put(HOLDING, self.M64201 + 5, "H", 8)
        self.live()

    def w(self):
        watchdog = self.get(HOLDING, self.M64201 + 8, "H")
        if self.get(HOLDING, self.M64201 + 4, "H") != 11 or not self.within(self.M64201 + 8, watchdog or 1e9):
            return 0
        return self.get(HOLDING, self.M64201 + 9, "h") * self.RATING_W // 1000

    def live(self):
        w, requested = self.w(), self.get(HOLDING, self.M64201 + 4, "H")
        self.put(HOLDING, self.M64201 + 5, "H", requested if requested in (1, 8, 10, 11) else 8)
        for offset, kind, value in ((14, "h", w / 10), (15, "h", 1), (16, "H", 5001), (17, "h", -2),
                                    (29, "H", 7000), (30, "h", -1), (31, "h", w / 10), (32, "h", 1)):
            self.put(HOLDING, self.M103 + offset, kind, value)

    def slaves(self):
        return {1: self}


class Sungrow(Registers):
    """SH hybrid: registers as documented, which counts from 1."""

    def __init__(self):
        super().__init__()
        for address, value in ((13050, 0), (13051, 0xcc), (13052, 0)):
            self.put(HOLDING, address - 1, "H", value)
        self.live()

    def w(self):
        sign = {0xaa: -1, 0xbb: 1}.get(self.get(HOLDING, 13051 - 1, "H"), 0)
        forced = self.get(HOLDING, 13050 - 1, "H") == 2
        return sign * self.get(HOLDING, 13052 - 1, "H") if forced else 0

    def live(self):
        w = self.w()
        self.put(INPUT, 13034 - 1, "i", w, low_first=True)
        self.put(INPUT, 13020 - 1, "H", 10 * DC_V)
        self.put(INPUT, 13021 - 1, "h", 10 * w / DC_V)
        self.put(INPUT, 5036 - 1, "H", 500)

    def slaves(self):
        return {1: self}


class Eastron(Registers):
    """SDM630: total system power and frequency as floats; + is import."""

    def __init__(self):
        super().__init__()
        self.import_w = -1234.5

    def live(self):
        self.put(INPUT, 52, "f", self.import_w)
        self.put(INPUT, 70, "f", 49.98)

    def validate(self, function, address, count=1):
        self.live()
        for gap in range(54, 70):  # reserved ones read as 0
            self.put(INPUT, gap, "H", 0)
        return super().validate(function, address, count)

    def slaves(self):
        return {2: self}


class Voltmeter(Registers):
    def __init__(self):
        super().__init__()
        self.volts = 372.4
        self.live()

    def live(self):
        self.put(INPUT, 0, "H", 10 * self.volts)

    def slaves(self):
        return {7: self}


KINDS = {"victron": VeBus, "victron-grid": VictronGx, "sma": Sma, "kaco": Kaco, "sungrow": Sungrow,
         "eastron": Eastron, "voltmeter": Voltmeter}


def command(devices, words):
    device = devices[words[1]]
    with device.lock:
        if words[0] == "set":
            setattr(device, words[2], float(words[3]))
            return "ok"
        return "%g" % device.w()


def main():
    where, kinds = sys.argv[1], sys.argv[2:]
    devices = {kind: KINDS[kind]() for kind in kinds}
    slaves = {unit: slave for device in devices.values() for unit, slave in device.slaves().items()}

    def listen():
        for line in sys.stdin:
            print(command(devices, line.split()), flush=True)

    threading.Thread(target=listen, daemon=True).start()
    asyncio.run(serve(slaves, where))


main()
