"""What a battery tells inverters over CAN, decoded.

The tables are written from the public protocol sheets. A message is anything with arbitration_id,
is_extended_id and data; a case is the dialect's quirks as {name: truth}.
"""


class Reader:
    """One frame's bytes as numbers."""

    def __init__(self, message, big):
        self.data, self.big = bytes(message.data), big

    def u(self, at, size=2):
        return int.from_bytes(self.data[at:at + size], "big" if self.big else "little")

    def s(self, at, size=2):
        return int.from_bytes(self.data[at:at + size], "big" if self.big else "little",
                              signed=True)

    def text(self):
        return self.data.decode("ascii").rstrip("\0 ")


def fields_35a(data, case):
    """Alarm fields of two bits: {name: "active" | "ok" | None}."""
    names = ["general", "over_volt", "under_volt", "over_temp",
             "under_temp", "hot_charge", "cold_charge", "discharge_current",
             "charge_current", "contactor", "short", "system", "imbalance"]
    if case.get("swapped_voltage"):
        names[1], names[2] = names[2], names[1]
    active = 2 if case.get("active_is_10") else 1
    found = {}
    for i, name in enumerate(names):
        code = data[i // 4] >> (2 * (i % 4)) & 3
        assert code != 3, "a code that does not exist"
        found[name] = None if code == 0 else "active" if code == active else "ok"
    return found


def bits_359(data, case):
    found = set()
    if case.get("fault_bit_7"):
        if data[0] & 0x0c == 0x0c:
            found |= {"over_temp"}
        if data[1] & 0x80:
            found |= {"system"}
    else:
        if data[0] & 0x08:
            found |= {"over_temp"}
        if data[1] & 0x08:
            found |= {"system"}
    if data[0] & 0x02:
        found |= {"over_volt"}
    if data[0] & 0x04:
        found |= {"under_volt"}
    if data[0] & 0x10:
        found |= {"under_temp"}
    if data[0] & 0x80:
        found |= {"discharge_current"}
    if data[1] & 0x01:
        found |= {"charge_current"}
    return found


def decode(messages, case):
    """{name: value} of one battery."""
    big, out, ids = bool(case.get("big_endian")), {}, {}
    for m in messages:
        ids[(m.arbitration_id, m.is_extended_id)] = m
    out["ids"] = sorted(i for i, _ in ids)

    def get(arbitration_id, least):
        m = ids.get((arbitration_id, False))
        if m is None:
            return None
        assert len(m.data) >= least, f"{arbitration_id:X} has {len(m.data)} bytes"
        return Reader(m, big)

    if r := get(0x351, 8):
        out.update(charge_v=r.u(0) / 10, charge_a=r.s(2) / 10, discharge_a=r.s(4) / 10,
                   discharge_v=r.u(6) / 10)
    if r := get(0x355, 4):
        out.update(soc=r.u(0) / 100, soh=r.u(2) / 100)
        if len(r.data) >= 6:
            out.update(fine_soc=r.u(4) / 10000)
    if r := get(0x356, 6):
        sign = 1 if case.get("discharge_positive") else -1
        out.update(v=r.s(0) * (0.01 if case.get("fine_voltage") else 0.1), a=sign * r.s(2) / 10,
                   temp_max_c=r.s(4) / 10)
    if r := get(0x359, 7):
        out.update(alarms_359=bits_359(r.data, case), warnings_359=bits_359(r.data[2:], case),
                   modules=r.data[4], marker=r.data[5:7].decode("ascii"))
    if r := get(0x35a, 8):
        out.update(alarms_35a=fields_35a(r.data[:4], case),
                   warnings_35a=fields_35a(r.data[4:], case), online=r.data[7] >> 2 & 3)
    if r := get(0x35c, 1):
        out.update(charge_enable=bool(r.data[0] & 0x80), discharge_enable=bool(r.data[0] & 0x40),
                   forced=r.data[0] & 0x3f)
    if r := get(0x35e, 8):
        out.update(manufacturer=r.text())
    if r := get(0x35f, 6):
        out.update(model=r.u(0), version=r.u(2), capacity_ah=r.u(4))
    if r := get(0x372, 8):
        out.update(packs=(r.u(0), r.u(2), r.u(4), r.u(6)))
    if r := get(0x373, 8):
        out.update(cell_min_v=r.u(0) / 1000, cell_max_v=r.u(2) / 1000, temp_min_k=r.u(4),
                   temp_max_k=r.u(6))
    for name, can_id in (("cell_min_id", 0x374), ("cell_max_id", 0x375), ("temp_min_id", 0x376),
                         ("temp_max_id", 0x377)):
        if r := get(can_id, 8):
            out[name] = r.text()
    if r := get(0x378, 8):
        out.update(charged_wh=100 * r.u(0, 4), discharged_wh=100 * r.u(4, 4))
    if r := get(0x379, 2):
        out.update(installed_ah=r.u(0))
    for name, pair in (("name", (0x370, 0x371)), ("serial", (0x380, 0x381))):
        if get(pair[0], 8) and case.get("dialect_word") == "victron":
            out[name] = (ids[(pair[0], False)].data + ids[(pair[1], False)].data).decode(
                "ascii").rstrip("\0 ")
    decode_hv({i: m for (i, ext), m in ids.items() if ext}, case, big, out)
    return out


def decode_hv(ids, case, big, out):
    address = case.get("address", 0)

    def get(arbitration_id):
        m = ids.get(arbitration_id + address)
        return None if m is None else Reader(m, big)

    def current(reader, at):
        if case.get("no_offset"):
            return reader.s(at) / 10
        return (reader.u(at) - 30000) / 10

    if r := get(0x4210):
        sign = 1 if case.get("discharge_positive") else -1
        out.update(v=r.u(0) / 10, a=sign * current(r, 2), temp_max_c=r.u(4) / 10 - 100,
                   soc=r.data[6] / 100, soh=r.data[7] / 100)
    if r := get(0x4220):
        out.update(charge_v=r.u(0) / 10, discharge_v=r.u(2) / 10, charge_a=current(r, 4),
                   discharge_a=current(r, 6) * (-1 if case.get("negative_discharge") else 1))
    if r := get(0x4230):
        out.update(cell_max_v=r.u(0) / 1000, cell_min_v=r.u(2) / 1000)
    if r := get(0x4240):
        out.update(temp_max_hv=r.u(0) / 10 - 100, temp_min_hv=r.u(2) / 10 - 100)
    if r := get(0x4250):
        out.update(status=r.data[0] & 7, error=r.data[3], warnings_hv=r.u(4), alarms_hv=r.u(6))
    if r := get(0x4260):
        out.update(module_max_v=r.u(0) / 1000, module_min_v=r.u(2) / 1000, module_max=r.u(4),
                   module_min=r.u(6))
    if r := get(0x4280):
        out.update(charge_enable=r.data[0] != 0xaa, discharge_enable=r.data[1] != 0xaa)
    if r := get(0x7320):
        out.update(cells=r.u(0), modules=r.data[2], nominal_v=r.u(4), installed_ah=r.u(6))
    if r := get(0x7330):
        out.update(manufacturer=r.text())
