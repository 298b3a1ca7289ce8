"""An RS-485 line in software, for tests of Modbus RTU, with a pymodbus server on its far end.

Two pseudo-terminals and a thread that carries bytes between them: what the devices say can be made
late, wrong or silent on its way.
"""
import asyncio
import os
import pty
import select
import threading
import time
import tty

WRITES = (5, 6, 15, 16)


def crc(data):
    """Modbus RTU: CRC-16, low byte first."""
    value = 0xffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xa001 if value & 1 else 0)
    return bytes((value & 0xff, value >> 8))


class Line:
    """`url` is what a configuration names; `slaves` are pymodbus devices by unit. Without them whoever likes
    may be at `far`."""

    def __init__(self, slaves=None, baud=19200):
        ends = [pty.openpty() for _ in range(2)]
        for _, terminal in ends:
            tty.setraw(terminal)
        self.ours, self.theirs = (master for master, _ in ends)
        self.url = "rtu://%s?baud=%d&unit=%%d" % (os.ttyname(ends[0][1]), baud)
        self.change = {}  # unit: what its answers become, None: nothing
        self.late_s = {}  # unit: how late its answers are
        self.cut = False  # nothing passes
        self.answers = 0
        self.far = os.ttyname(ends[1][1])
        threading.Thread(target=self.carry, daemon=True).start()
        if slaves:
            threading.Thread(target=self.serve, args=(slaves,), daemon=True).start()

    def serve(self, slaves):
        from modbus_serve import serve  # needs pymodbus
        asyncio.run(serve(slaves, self.far))

    def carry(self):
        answer = b""
        while True:
            ready, _, _ = select.select([self.ours, self.theirs], [], [])
            if self.ours in ready:
                request = os.read(self.ours, 512)
                if not self.cut:
                    os.write(self.theirs, request)
            if self.theirs in ready:
                answer += os.read(self.theirs, 512)
            while len(answer) >= 5:
                length = 5 if answer[1] & 0x80 else 8 if answer[1] in WRITES else 5 + answer[2]
                if len(answer) < length:
                    break
                self.pass_on(answer[:length])
                answer = answer[length:]

    def pass_on(self, answer):
        unit = answer[0]
        self.answers += 1
        if unit in self.change:
            answer = self.change[unit](answer)
        if not answer or self.cut:
            return
        if self.late_s.get(unit):
            threading.Timer(self.late_s[unit], os.write, (self.ours, answer)).start()
        else:
            os.write(self.ours, answer)


def of_unit(unit):
    """For Line.change: the answer, sound, of another unit."""
    return lambda answer: bytes((unit,)) + answer[1:-2] + crc(bytes((unit,)) + answer[1:-2])


def torn(answer):
    """For Line.change: one bit is wrong."""
    return answer[:3] + bytes((answer[3] ^ 1,)) + answer[4:]


def silent(_):
    """For Line.change: a device that does not answer."""
    return None
