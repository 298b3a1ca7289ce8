"""The shipped register maps against devices of pymodbus that do what their makers' lists say."""
from converter_lib import OFF, RUNNING, ConverterTest, Maps, Peer, main, wait_for


class Shipped(ConverterTest):
    def both(self, kind, url, register_map, watts=2000.0, charge=-1500.0):
        """Discharges, charges and stops; by the device's own account and by what is read back."""
        self.maps = Maps(kind)
        self.addCleanup(self.maps.end)
        self.peer = Peer("tcp://127.0.0.1:%d/%d" % (self.maps.port, url), dead_man_s=0,
                         driver=register_map)
        self.addCleanup(self.peer.end)
        self.fresh()
        for w in (watts, charge):
            self.peer.ask("run %g" % w)
            s = self.gives(kind, w)
            self.assertGreater(s["dc_w"] * w, 0.0, "DC power has the sign of AC power")
        self.peer.ask("stop")
        self.gives(kind, 0.0)
        return self.peer.status()

    def gives(self, kind, w):
        wait_for(lambda: abs(self.maps.w(kind) - w) < 1.0, 5, lambda: (w, self.maps.w(kind), self.peer.status()))
        return self.until(lambda s: abs(s["ac_w"] - w) <= 10.0)

    def test_victron_multi(self):
        s = self.both("victron", 227, "victron-gx")
        self.assertEqual((s["state"], s["dc_v"]), (OFF, 48.0))
        self.peer.ask("run 1000")
        s = self.gives("victron", 1000.0)
        self.assertEqual((s["state"], s["freq_hz"]), (RUNNING, 50.02))
        self.assertFalse(s["proven"])

    def test_victron_is_refreshed(self):
        self.both("victron", 227, "victron-gx")
        self.maps.ask("set victron patience_s 8")
        self.peer.ask("run 1000")
        self.gives("victron", 1000.0)
        last = self.peer.status()["commands"]
        self.until(lambda s: s["commands"] >= last + 2, 13)  # every 5 s
        self.assertEqual(self.maps.w("victron"), 1000.0)
        self.peer.process.kill()
        wait_for(lambda: self.maps.w("victron") == 0.0, 9, "it passes through when nobody refreshes")

    def test_victron_grid_setpoint(self):
        s = self.both("victron-grid", 100, "victron-gx-grid")
        self.assertEqual((s["dc_v"], s["dc_w"]), (48.0, 0))
        # at 0 W the loads of the site come from the grid, and are no power of the inverter
        self.maps.ask("set victron-grid loads_w 3000")
        self.gives("victron-grid", 0.0)
        self.until(lambda s: s["state"] == OFF)
        # else they come on top, and that is said
        self.peer.ask("run 1000")
        self.gives("victron-grid", 4000.0)

    def test_sma(self):
        s = self.both("sma", 3, "sma-sunny-island")
        self.assertEqual((s["dc_v"], s["freq_hz"]), (48.0, 49.98))
        self.maps.ask("set sma state 35")
        self.until(lambda s: s["state"] == 4)

    def test_kaco(self):
        s = self.both("kaco", 1, "kaco-gridsave", 2000.0, -1500.0)
        self.assertEqual((s["state"], s["dc_v"]), (OFF, 700.0))
        self.peer.ask("run 1000")
        self.assertEqual(self.gives("kaco", 1000.0)["state"], RUNNING)
        self.peer.process.kill()
        wait_for(lambda: self.maps.w("kaco") == 0.0, 6, "its watchdog of 5 s")

    def test_sungrow(self):
        self.assertEqual(self.both("sungrow", 1, "sungrow-sh")["dc_v"], 48.0)
        self.until(lambda s: s["state"] == OFF)
        self.peer.ask("run 1000")
        self.gives("sungrow", 1000.0)
        self.until(lambda s: s["state"] == RUNNING)

    def test_a_state_that_is_not_in_the_map(self):
        self.both("sma", 3, "sma-sunny-island")
        self.maps.ask("set sma state 16777213")
        s = self.until(lambda s: "state 16777213" in s["trouble"])
        self.assertEqual(s["state"], 0)


if __name__ == "__main__":
    main()
