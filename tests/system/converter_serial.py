"""Converters and meters on a serial line (Modbus RTU), against pymodbus at the other end of it."""
from converter_lib import RUNNING, ConverterTest, Device, Maps, Peer, main, wait_for
from modbus_line import Line


class Serial(ConverterTest):
    def test_a_sunspec_converter_is_steered_cut_off_and_steered_again(self):
        line = Line()
        self.device = Device(self.MODELS, where=line.far)
        self.addCleanup(self.device.end)
        self.peer = Peer(line.url % 1)
        self.addCleanup(self.peer.end)
        self.until(lambda s: s["proven"] and s["trouble"] == "", 20)
        self.peer.ask("run 2500")
        self.power(5, 2500, 2500)
        self.assertEqual(self.until(lambda s: s["ac_w"] == 2500)["state"], RUNNING)
        line.cut = True
        self.power(4, 0, 0)  # a dead-man of 3 s
        self.assertGreater(self.peer.status()["age_ms"], 1000)
        line.cut = False
        self.power(15, 2500, 2500)
        self.fresh()
        self.assertEqual(self.peer.leave(), 0)
        self.assertEqual(self.device.get(701, "W"), 0)

    def test_a_converter_and_a_meter_share_a_line_and_the_bus_meter_has_its_own(self):
        shared, bus = Line(), Line()
        far, near = Maps("sungrow", "eastron", where=shared.far), Maps("voltmeter", where=bus.far)
        self.addCleanup(far.end)
        self.addCleanup(near.end)
        self.peer = Peer(shared.url % 1, dead_man_s=0, driver="sungrow-sh", grid=("eastron-sdm630", shared.url % 2),
                         bus=("dc-voltmeter", bus.url % 7))
        self.addCleanup(self.peer.end)
        self.fresh(20)
        self.peer.ask("run 1800")
        wait_for(lambda: far.w("sungrow") == 1800.0, 5, self.peer.status)
        self.until(lambda s: s["ac_w"] == 1800)

        def metered():
            m = self.peer.meter()
            return m if 0 <= m["age_ms"] < 500 and 0 <= m["bus_age_ms"] < 200 else None
        m = wait_for(metered, 10, self.peer.meter)
        self.assertAlmostEqual(m["p_w"], 1234.5, delta=0.1)  # import there, export here
        self.assertAlmostEqual(m["freq_hz"], 49.98, delta=0.01)
        self.assertAlmostEqual(m["v"], 372.4)
        bus.cut = True
        wait_for(lambda: self.peer.meter()["bus_age_ms"] > 500, 5, "the bus meter is silent")
        self.assertLess(self.peer.meter()["age_ms"], 500, "the other line goes on")
        bus.cut = False
        wait_for(metered, 10, self.peer.meter)


if __name__ == "__main__":
    main()
