#!/usr/bin/env python3
"""Writes the synthetic Leaf logs of tests/data/canlogs/synthetic: make_leaf.py DIRECTORY

No recording of a Leaf pack may be shared. These frames are made by hand from public facts, with a CRC
written for this file and checked against recorded frames; they prove the decoder, not the facts.
"""
import os
import sys

START = 1700000000.0


def crc(data):
    """CRC-8, polynomial 0x85, as a division of the message by the polynomial."""
    value = int.from_bytes(bytes(data) + b"\0", "big")
    for bit in range(8 * len(data) + 7, 7, -1):
        if value >> bit & 1:
            value ^= 0x185 << (bit - 8)
    return value


assert crc(bytes.fromhex("6E6E00040746E0")) == 0x12
assert crc(bytes.fromhex("00000001B2")) == 0x31


def put(message, msb, length, value):
    """Motorola: `msb` is the DBC number of the highest bit."""
    at = msb
    for i in range(length):
        if value >> (length - 1 - i) & 1:
            message[at // 8] |= 1 << at % 8
        at = at - 1 if at % 8 else at + 15


def put_low(message, lsb, length, value):
    """Intel: `lsb` is the number of the lowest bit."""
    for i in range(length):
        if value >> i & 1:
            message[(lsb + i) // 8] |= 1 << (lsb + i) % 8


class Log:
    def __init__(self):
        self.lines = []

    def frame(self, t, can_id, data):
        self.lines.append((t, f"({START + t:.6f}) can0 {can_id:03X}#{bytes(data).hex().upper()}"))

    def answer(self, t, payload):
        """An ISO-TP message on 0x7BB, 5 ms from frame to frame."""
        if len(payload) < 8:
            self.frame(t, 0x7BB, bytes([len(payload)]) + payload + b"\xff" * (7 - len(payload)))
            return
        self.frame(t, 0x7BB, bytes([0x10 | len(payload) >> 8, len(payload) & 0xFF]) + payload[:6])
        for n, at in enumerate(range(6, len(payload), 7), 1):
            part = payload[at : at + 7]
            self.frame(t + 0.005 * n, 0x7BB, bytes([0x20 | n & 15]) + part.ljust(7, b"\xff"))

    def write(self, path):
        self.lines.sort(key=lambda line: line[0])
        with open(path, "w", encoding="ascii") as out:
            out.writelines(line + "\n" for _, line in self.lines)


def finish(message, count):
    put_low(message, 48, 2, count & 3)
    message[7] = crc(message[:7])
    return message


def electrical(volts_raw, amperes, count, full=False):
    message = bytearray(8)
    put(message, 7, 11, int(amperes / 0.5) & 0x7FF)
    put(message, 23, 10, volts_raw)
    put_low(message, 29, 1, 1)  # main relay permitted
    put_low(message, 28, 1, full)
    put_low(message, 27, 1, 1)  # interlock connected
    put_low(message, 25, 2, 1)
    put_low(message, 32, 7, 55)
    return finish(message, count)


def limits(dis_kw, cha_kw, count):
    message = bytearray(8)
    put(message, 7, 10, int(dis_kw * 4))
    put(message, 13, 10, int(cha_kw * 4))
    put(message, 19, 10, int((6.6 + 10) * 10))
    return finish(message, count)


def charge(soc_raw, count):
    message = bytearray(8)
    put(message, 7, 10, soc_raw)
    message[2] = 0xAA
    return finish(message, count)


def health(gids, soh, byte3, is_max=False):
    message = bytearray(8)
    put(message, 7, 10, gids)
    message[3] = byte3
    put_low(message, 33, 7, soh)
    put_low(message, 44, 1, is_max)
    return message


def temperature(page, celsius):
    message = bytearray(8)
    put_low(message, 6, 2, page)
    message[2] = (celsius + 40) << 1
    return message


def common(log, seconds, dis_kw=80.0):
    for n in range(int(seconds * 100)):
        t = 0.01 * n
        boot = t < 0.2
        log.frame(t, 0x1DB, electrical(0x3FF if boot else 742, 0 if t < 1 else -10.5, n))
        log.frame(t + 0.002, 0x1DC, limits(dis_kw, 40.25, n))
        if n % 10 == 0:
            log.frame(t + 0.004, 0x55B, charge(0x3FF if boot else 553, n // 10))


def cells(log, t):
    values = b"".join((3800 + i).to_bytes(2, "big") for i in range(96))
    log.answer(t, b"\x61\x02" + values + (37100).to_bytes(2, "big") * 2)


def thermistors(log, t, third):
    raw = [(0x01F4, 21), (0x01F0, 22), (0xFFFF, 0xFF) if third is None else (0x01E8, third), (0x0208, -3)]
    log.answer(t, b"\x61\x04" + b"".join(r.to_bytes(2, "big") + bytes([c & 0xFF]) for r, c in raw))


def ze0():
    log = Log()
    common(log, 4)
    for n in range(8):
        log.frame(0.5 * n + 0.006, 0x5BC, health(180, 71, 58))
    cells(log, 1.0)
    thermistors(log, 2.5, 23)  # its generation is known after 2 s
    return log


def aze0():
    log = Log()
    common(log, 4)
    for n in range(8):
        log.frame(0.5 * n + 0.006, 0x5BC, health(285 if n % 2 else 200, 83, 132, is_max=n % 2))
        log.frame(0.5 * n + 0.007, 0x5C0, temperature(n % 3 + 1, [25, 23, 21][n % 3]))
        log.frame(0.5 * n + 0.008, 0x59E, bytes(8))
    cells(log, 1.0)
    return log


def ze1():
    log = Log()
    common(log, 4)
    for n in range(40):
        log.frame(0.1 * n + 0.005, 0x380, bytes(8))
        log.frame(0.1 * n + 0.006, 0x5BC, health(450, 95, 150))
        if n % 5 == 0:
            log.frame(0.1 * n + 0.007, 0x5C0, temperature(n % 3 + 1, 80))  # says something else here
    thermistors(log, 1.5, None)
    cells(log, 1.0)
    return log


if __name__ == "__main__":
    for name, make in (("ze0", ze0), ("aze0", aze0), ("ze1", ze1)):
        make().write(os.path.join(sys.argv[1], f"leaf_{name}.candump"))
