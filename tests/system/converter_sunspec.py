"""The SunSpec converter driver against pymodbus: found, steered, broken, and 0 W each time."""
import time

from converter_lib import OFF, RUNNING, ConverterTest, Device, Peer, main, wait_for


class Found(ConverterTest):
    def test_everything_it_says_arrives(self):
        self.rig()
        s = self.fresh()
        self.assertEqual(s["maker"], "Elsewhere")
        self.assertEqual(s["model"], "Storage 10")
        self.assertEqual(s["serial"], "E-0815")
        self.assertEqual(s["state"], OFF)
        self.assertAlmostEqual(s["freq_hz"], 50.010)
        self.assertEqual(s["dis_max_w"], 9000)
        self.assertEqual(s["cha_max_w"], 8000)
        self.assertEqual(s["dc_v"], 370.0)
        self.assertEqual(s["resolution_w"], 1.0)
        self.assertTrue(s["can_stop"])

    def test_at_each_of_the_three_bases(self):
        for base in (0, 50000):
            with self.subTest(base=base):
                self.rig(base=base)
                self.fresh()

    def test_older_models_are_enough(self):
        self.rig("1,103,120,121,123,124,160")
        s = self.fresh()
        self.assertEqual(s["dis_max_w"], 9000)
        self.assertEqual(s["cha_max_w"], 8000)
        self.assertEqual(s["dc_v"], 370.0)
        self.assertTrue(s["control"].startswith("124"))
        self.assertFalse(s["proven"])

    def test_no_inverter_is_said(self):
        self.rig("1,203")
        s = self.until(lambda s: "no inverter" in s["trouble"])
        self.assertEqual(s["age_ms"], -1)

    def test_small_reads_are_enough(self):
        self.rig()
        self.device.ask("chunk 60")
        self.fresh()


class Steered(ConverterTest):
    def test_discharge_charge_and_stop(self):
        self.rig()
        self.fresh()
        self.peer.ask("run 5000")
        self.power(3, 5000, 5000)
        s = self.until(lambda s: s["ac_w"] == 5000 and s["dc_w"] > 0)  # one round may see it change
        self.assertEqual(s["state"], RUNNING)
        self.assertAlmostEqual(s["dc_w"], 5263, delta=1)
        self.assertAlmostEqual(s["dc_a"], 14.2, delta=0.1)
        self.peer.ask("run -2500.9")
        self.power(3, -2500, -2500)
        self.until(lambda s: s["ac_w"] == -2500 and s["dc_a"] < 0)
        self.peer.ask("stop")
        self.power(3, 0, 0)
        self.assertEqual(self.until(lambda s: s["state"] == OFF)["ac_w"], 0)
        self.assertEqual(self.device.get(704, "WSetEna"), 1)
        self.assertEqual(self.device.get(715, "OpCtl"), 0)

    def test_heartbeats_are_kept(self):
        self.rig()
        self.fresh()
        first = self.device.get(715, "ControllerHb"), self.device.get(802, "CtrlHb")
        time.sleep(2.5)
        second = self.device.get(715, "ControllerHb"), self.device.get(802, "CtrlHb")
        self.assertGreaterEqual(second[0], first[0] + 2)
        self.assertGreaterEqual(second[1], first[1] + 2)

    def test_the_older_way_in_both_directions(self):
        self.rig("1,103,120,121,123,124,160")
        self.fresh()
        self.peer.ask("run 4000")
        self.power(3, 3995, 4000, 103)
        self.assertEqual(self.device.get(124, "InOutWRte_RvrtTms"), 3)
        self.peer.ask("run -4000")
        self.power(3, -4000, -3995, 103)
        s = self.until(lambda s: s["ac_w"] == -4000)
        self.assertLess(s["dc_a"], 0)
        self.peer.ask("stop")
        self.power(3, 0, 0, 103)
        wait_for(lambda: self.device.get(123, "Conn") == 0, 2, "disconnected")

    def test_a_device_without_storage_control_can_only_discharge(self):
        self.rig("1,103,120,121,123")
        s = self.fresh()
        self.assertFalse(s["can_charge"])
        self.assertEqual((s["dis_max_w"], s["cha_max_w"]), (9000, 0))
        self.peer.ask("run 2000")
        self.power(3, 2000, 2000, 103)
        self.peer.ask("run -2000")
        self.power(3, 0, 0, 103)

    def test_what_cannot_be_steered_gives_and_takes_nothing(self):
        self.rig("1,103,120,121")
        s = self.until(lambda s: "cannot be steered" in s["trouble"] and s["age_ms"] >= 0)
        self.assertEqual((s["dis_max_w"], s["cha_max_w"]), (0, 0))

    def test_refused_whole_taken_in_pieces(self):
        self.rig()
        self.fresh()
        self.device.ask("refuse 704")
        self.peer.ask("run 3000")
        self.until(lambda s: "refuses its setpoint" in s["trouble"])
        self.device.ask("refuse -")
        self.power(4, 3000, 3000)

    def test_off_does_not_wait_for_a_refused_zero(self):
        self.rig()
        self.fresh()
        self.peer.ask("run 3000")
        self.power(3, 3000, 3000)
        self.device.ask("refuse 704")
        self.peer.ask("stop")
        wait_for(lambda: self.device.get(715, "OpCtl") == 0, 2, "off")
        self.assertEqual(self.device.get(704, "WSet"), 3000)
        self.assertEqual(self.device.get(701, "W"), 0)
        self.device.ask("refuse -")
        wait_for(lambda: self.device.get(704, "WSet") == 0, 2, "0 W")

    def test_the_end_is_zero_and_off(self):
        self.rig()
        self.fresh()
        self.peer.ask("run 3000")
        self.power(3, 3000, 3000)
        self.assertEqual(self.peer.leave(), 0)
        self.assertEqual(self.device.get(701, "W"), 0)
        self.assertEqual(self.device.get(715, "OpCtl"), 0)


class DeadMan(ConverterTest):
    def armed(self, watts=5000):
        self.rig()
        self.until(lambda s: s["proven"])
        self.peer.ask("run %d" % watts)
        self.power(3, watts, watts)

    def test_it_is_proven_by_what_the_device_says(self):
        self.rig()
        s = self.until(lambda s: s["proven"])
        self.assertEqual(s["dead_man_ms"], 3000)
        self.assertEqual(self.device.get(704, "WSetRvrt"), 0)
        self.assertEqual(self.device.get(704, "WSetEnaRvrt"), 1)
        self.assertEqual(self.device.get(704, "WSetRvrtTms"), 3)

    def test_it_is_refreshed(self):
        self.armed()
        time.sleep(5)
        self.assertEqual(self.device.get(701, "W"), 5000)

    def test_writes_that_are_forgotten_prove_nothing(self):
        self.rig()
        self.device.ask("ignore 1")
        self.fresh()
        time.sleep(2)
        self.assertFalse(self.peer.status()["proven"])

    def test_a_reversion_to_something_else_proves_nothing(self):
        self.armed(0)
        self.device.ask("ignore 1")
        self.device.ask("set 704 WSetRvrt 500")
        self.until(lambda s: not s["proven"], 3)

    def test_a_hanging_control_thread_ends_at_zero(self):
        self.armed()
        before = time.monotonic()
        self.peer.process.stdin.write("hang 6\n")
        self.peer.process.stdin.flush()
        self.device_zero(2)
        self.assertLess(time.monotonic() - before, 2)

    def test_a_killed_driver_ends_at_zero(self):
        self.armed()
        self.peer.process.kill()
        self.device_zero(3.2)

    def device_zero(self, seconds):
        end = time.monotonic() + seconds
        while self.device.get(701, "W") != 0:
            self.assertLess(time.monotonic(), end, "power still flows")
            time.sleep(0.05)

    def test_a_cut_link_ends_at_zero_and_comes_back(self):
        self.armed()
        self.wire.cut = True
        self.device_zero(3.2)
        self.wire.cut = False
        self.power(12, 5000, 5000)
        self.fresh()

    def test_a_silent_device_ends_at_zero_and_comes_back(self):
        self.armed()
        self.wire.mute = True
        time.sleep(1.5)
        self.assertGreater(self.peer.status()["age_ms"], 1000)
        self.wire.mute = False
        self.power(15, 5000, 5000)
        self.fresh()


class Broken(ConverterTest):
    def truth(self):
        """Nothing but what the device says was taken, whatever the wire did."""
        s = self.peer.status()
        self.assertIn(s["ac_w"], (0, 1500))
        if s["dc_v"] is not None and s["age_ms"] >= 0:
            self.assertEqual(s["dc_v"], 370.0)
        self.assertIn(s["freq_hz"], (None, 0, 50.01))

    def test_late_answers(self):
        self.rig()
        self.fresh()
        self.peer.ask("run 1500")
        self.power(3, 1500, 1500)
        self.wire.delay = 0.3  # the driver waits 0.2
        for _ in range(30):
            self.truth()
            time.sleep(0.1)
        self.wire.delay = 0.0
        self.power(15, 1500, 1500)
        self.fresh(15)

    def test_torn_answers(self):
        self.rig()
        self.fresh()
        self.peer.ask("run 1500")
        self.power(3, 1500, 1500)
        for tear in (0, 3, 7, 9, 12):
            self.wire.tear = tear
            time.sleep(0.5)
            self.truth()
        self.wire.tear = None
        self.power(15, 1500, 1500)
        self.fresh(15)

    def test_a_reboot_is_noticed_and_ends_as_before(self):
        self.rig()
        self.until(lambda s: s["proven"])
        self.peer.ask("run 1500")
        self.power(3, 1500, 1500)
        self.device.ask("reboot")
        self.assertEqual(self.device.get(704, "WSetEna"), 0)
        self.power(5, 1500, 1500)
        self.until(lambda s: s["proven"], 5)

    def test_another_map_is_walked_again(self):
        self.rig()
        walks = self.fresh()["walks"]
        self.device.ask("map 0 1,702,701,715,714,704")
        self.peer.ask("run 1500")
        self.power(10, 1500, 1500)
        self.assertGreater(self.fresh()["walks"], walks)
        self.device.ask("map 40000 1,103,120,121,123,124,160")
        self.until(lambda s: s["control"].startswith("124"), 10)
        self.power(10, 1495, 1500, 103)

    def test_a_stopped_heartbeat_is_no_reading(self):
        for models in ("1,701,704,714,802", "1,701,704,714,715"):
            with self.subTest(models=models):
                self.rig(models)
                self.fresh()
                time.sleep(2.2)  # seen to count
                self.device.ask("freeze 1")
                self.until(lambda s: "heartbeat" in s["trouble"] and s["age_ms"] > 500, 6)
                self.device.ask("freeze 0")
                self.fresh(6)


class Metered(ConverterTest):
    def test_a_meter_is_read(self):
        self.rig()
        meter = Device("1,203")
        self.addCleanup(meter.end)
        peer = Peer(self.device.port, grid=("sunspec", meter.port))
        self.addCleanup(peer.end)
        end = time.monotonic() + 10
        while peer.meter()["age_ms"] < 0:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)
        m = peer.meter()
        self.assertEqual(m["p_w"], -1234)
        self.assertAlmostEqual(m["freq_hz"], 49.99)
        meter.end()
        time.sleep(1.5)
        self.assertGreater(peer.meter()["age_ms"], 1000)


if __name__ == "__main__":
    main()
