"""An inverter that follows its battery over CAN: says it is there, takes what it wants within the limits it is
told, and stops when its battery has been silent for 3 s, as the makers of such inverters say.

Knows nothing of Rebank; what it hears is read by can_bms_read.py.
"""
import collections
import socket
import struct
import threading
import time

from can_bms_read import decode

Message = collections.namedtuple("Message", "arbitration_id is_extended_id data")
EFF = 0x80000000
SILENT_S = 3.0
PERIOD_S = 1.0


class Inverter:
    def __init__(self, interface, asks=False, quirks=None):
        """asks: it polls a battery of the high-voltage family; else it listens to the 11-bit family, and is
        mute until it hears one."""
        self.asks, self.quirks = asks, quirks or {}
        self.wants_w = 0.0   # + out of the battery
        self.talks = True    # its keep-alives or requests
        self.deaf = False    # it keeps the limits that it was told, whatever comes
        self.dc_v = 0.0
        self.told, self.limits, self.told_at, self.ids = {}, [], None, {}
        self.socket = socket.socket(socket.PF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
        self.socket.bind((interface,))
        self.running = True
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self.listen, self.talk)]
        for thread in self.threads:
            thread.start()

    def close(self):
        self.running = False
        self.threads[1].join()
        self.threads[0].join()
        self.socket.close()

    def send(self, can_id, data):
        self.socket.send(struct.pack("=IB3x8s", can_id, len(data), data))

    def talk(self):
        while self.running:
            try:
                if self.talks and self.asks:
                    for what in (2, 0):
                        self.send(0x4200 | EFF, bytes((what, 0, 0, 0, 0, 0, 0, 0)))
                elif self.talks and self.heard_within(SILENT_S):
                    self.send(0x305, bytes(8))
            except OSError:
                pass
            time.sleep(PERIOD_S)

    def listen(self):
        self.socket.settimeout(0.2)
        while self.running:
            try:
                can_id, n, data = struct.unpack("=IB3x8s", self.socket.recv(16))
            except socket.timeout:
                continue
            except OSError:
                return
            extended = bool(can_id & EFF)
            message = Message(can_id & 0x1fffffff if extended else can_id & 0x7ff, extended, data[:n])
            found = decode([message], self.quirks)
            found.pop("ids")
            self.ids[message.arbitration_id] = time.monotonic()
            if self.deaf:
                continue
            self.told.update(found)
            if "charge_v" in found:
                self.told_at = time.monotonic()
                self.limits.append((1e3 * self.told_at, found["charge_v"], found["charge_a"],
                                    found["discharge_a"]))

    def heard_within(self, seconds):
        return self.told_at is not None and time.monotonic() - self.told_at < seconds

    def power_w(self):
        """Out of the DC bus."""
        if self.deaf:
            return self.wants_w
        if not self.heard_within(SILENT_S):
            return 0.0
        return max(-self.told["charge_a"] * self.dc_v, min(self.wants_w, self.told["discharge_a"] * self.dc_v))
