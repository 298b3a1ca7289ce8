"""rebankctl pcs: what it says of a device, that it only looks, and that it proves when told to."""
import subprocess
import unittest

from converter_lib import BUILD, Device, main


class Probe(unittest.TestCase):
    def device(self, models):
        device = Device(models)
        self.addCleanup(device.end)
        return device

    def probe(self, device, *options):
        return subprocess.run([str(BUILD / "rebankctl"), "pcs", "--for", "3s", *options,
                               "tcp://127.0.0.1:%d/1" % device.port],
                              capture_output=True, text=True, timeout=30)

    def test_it_tells_what_there_is_and_touches_nothing(self):
        device = self.device("1,701,702,704,714,715")
        before = device.get(704, "WSetRvrt"), device.get(715, "ControllerHb")
        done = self.probe(device)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for words in ("Elsewhere Storage 10", "704@40277", "704 WSet, watts", "9000 W at most",
                      "--prove", "370 V"):
            self.assertIn(words, done.stdout)
        self.assertEqual((device.get(704, "WSetRvrt"), device.get(715, "ControllerHb")), before)
        self.assertEqual(device.get(704, "WSetEna"), 0)

    def test_it_tells_what_the_device_believes_of_its_battery(self):
        device = self.device("1,701,702,704,713,714,715")
        done = self.probe(device)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for words in ("its battery  20000 Wh", "charge     55 %", "health     93 %"):
            self.assertIn(words, done.stdout)
        device.ask("set 713 Sta 2")
        self.assertIn("state        in fault", self.probe(device).stdout)

    def test_it_proves_the_dead_man(self):
        device = self.device("1,701,702,704,714,715")
        done = self.probe(device, "--prove", "--dead-man", "4s")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("read back: ends at 0 W", done.stdout)
        self.assertEqual(device.get(704, "WSetRvrtTms"), 4)

    def test_a_device_that_forgets_has_none(self):
        device = self.device("1,701,702,704,714,715")
        device.ask("ignore 1")
        done = self.probe(device, "--prove")
        self.assertEqual(done.returncode, 1)
        self.assertIn("NOT PROVEN", done.stdout)

    def test_what_is_no_converter_is_said(self):
        done = self.probe(self.device("1,203"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("no inverter", done.stdout)


if __name__ == "__main__":
    main()
