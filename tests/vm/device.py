"""A SunSpec device over Modbus TCP, laid out by the Alliance's model definitions, whose link can be cut.

Runs in threads of the case. Knows nothing of Rebank.
"""
import json
import pathlib
import socket
import socketserver
import struct
import threading
import time

DATA = pathlib.Path(__file__).resolve().parent / "sunspec"
UNSET = {"uint16": 0xffff, "enum16": 0xffff, "bitfield16": 0xffff, "int16": 0x8000, "sunssf": 0x8000,
         "uint32": 0xffffffff, "bitfield32": 0xffffffff, "int32": 0x80000000,
         "uint64": 0xffffffffffffffff}
LATE_S = 1.5
ONCE = (714,)  # repeated groups that are there, once


class Handler(socketserver.BaseRequestHandler):
    def setup(self):
        self.request.settimeout(None)
        self.server.open.add(self.request)

    def finish(self):
        self.server.open.discard(self.request)

    def receive(self, n):
        data = b""
        while len(data) < n:
            more = self.request.recv(n - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    def handle(self):
        device = self.server.device
        try:
            while True:
                tid, _, length, unit = struct.unpack(">HHHB", self.receive(7))
                request = self.receive(length - 1)
                if device.link == "frozen":
                    continue
                answer = device.answer(request)
                if device.link == "late":
                    time.sleep(LATE_S)
                self.request.sendall(struct.pack(">HHHB", tid, 0, len(answer) + 1, unit) + answer)
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


class Device:
    def __init__(self, port, models, says):
        self.lock, self.says = threading.RLock(), says
        self.registers, self.at = {40000: 0x5375, 40001: 0x6e53}, {}
        self.address, self.port, self.server = 40002, port, None
        for number in models:
            self.model(number)
        self.registers[self.address], self.registers[self.address + 1] = 0xffff, 0
        self.set_link("well")

    def set_link(self, state):
        """"well"; "gone": its end of every connection falls and none is taken; "frozen": requests are
        lost; "late": they are obeyed, and answered after LATE_S."""
        self.link = state
        if state == "gone":
            self.close()
        elif not self.server:
            self.server = Server(("127.0.0.1", self.port), Handler)
            self.server.device, self.server.open = self, set()
            threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        if not self.server:
            return
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.server.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.server = None

    # ---- registers ----

    def model(self, number):
        start = self.address
        self.group(number, json.loads((DATA / ("model_%d.json" % number)).read_text())["group"], "")
        self.put(number, "ID", number)
        self.put(number, "L", self.address - start - 2)

    def group(self, number, group, prefix):
        for point in group["points"]:
            key = (number, prefix + point["name"])
            self.at[key] = (self.address, point["size"], point["type"])
            self.put(*key, self.says[number].get(key[1], UNSET.get(point["type"], 0)))
            self.address += point["size"]
        for below in group.get("groups", []):
            repeated = below.get("count", 1) != 1
            if not repeated or number in ONCE:
                self.group(number, below, prefix + below["name"] + "." + ("0." if repeated else ""))

    def put(self, number, name, value):
        address, size, _ = self.at[(number, name)]
        raw = value.encode().ljust(2 * size, b"\0") if isinstance(value, str) else (
            round(value) & (1 << 16 * size) - 1).to_bytes(2 * size, "big")
        for i in range(size):
            self.registers[address + i] = raw[2 * i] << 8 | raw[2 * i + 1]

    def get(self, number, name):
        address, size, kind = self.at[(number, name)]
        raw = b"".join(struct.pack(">H", self.registers[address + i]) for i in range(size))
        return int.from_bytes(raw, "big", signed=kind.startswith("int"))

    # ---- what each kind does ----

    def live(self):
        """Brings the registers up to date, before they are read."""

    def written(self, address, n):
        """After a write."""

    def answer(self, request):
        function, address, count = struct.unpack(">BHH", request[:5])
        with self.lock:
            if function in (3, 4):
                self.live()
                words = [self.registers.get(address + i) for i in range(count)]
                if None in words:
                    return bytes((function | 0x80, 2))
                return struct.pack(">BB%dH" % count, function, 2 * count, *words)
            if function == 6:
                words = [count]
            elif function == 16:
                words = list(struct.unpack(">%dH" % count, request[6:6 + 2 * count]))
            else:
                return bytes((function | 0x80, 1))
            if any(address + i not in self.registers for i in range(len(words))):
                return bytes((function | 0x80, 2))
            for i, word in enumerate(words):
                self.registers[address + i] = word
            self.written(address, len(words))
            return request[:5]
