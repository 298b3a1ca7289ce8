#!/usr/bin/env python3
"""gpio, safe, preflight and the daemon on a machine whose lines are not there: what they say, and
that they end. On real lines the guest has its own cases (tests/vm)."""
import json
import subprocess
import time

from daemon_lib import BANK, DEMO, DaemonTest, REBANKCTL, REBANKD, ROOT, main

LABEL = "no-such-chip"


def ctl(*arguments):
    return subprocess.run([str(REBANKCTL), *arguments], capture_output=True, text=True, timeout=30,
                          stdin=subprocess.DEVNULL, check=False)


class Lines(DaemonTest):
    def site(self, change=lambda text: text):
        """A bench whose chip this machine does not have."""
        parts = ROOT / "tests" / "config" / "good" / "lines.conf"
        text = parts.read_text().replace("pinctrl-rp1", LABEL).replace("../parts", "parts")
        (self.directory / "parts").symlink_to(ROOT / "tests" / "config" / "parts")
        (self.directory / "packs").symlink_to(ROOT / "config" / "packs")
        path = self.directory / "site.conf"
        path.write_text(change(text))
        return str(path)

    def test_gpio_lists_and_names_each_line_that_is_missing(self):
        done = ctl("gpio", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIsInstance(json.loads(done.stdout)["chips"], list)
        done = ctl("gpio", "--json", self.site())
        self.assertEqual(done.returncode, 1)
        mistakes = json.loads(done.stdout)["mistakes"]
        self.assertEqual(len(mistakes), 15)
        self.assertTrue(any("estop" in m and LABEL in m for m in mistakes), mistakes)
        self.assertIn("site.conf: gpio: negative of leaf-a: ", done.stderr)

    def test_safe_ends_at_once_and_says_what_it_did_not_reach(self):
        began = time.monotonic()
        done = ctl("safe", "--config", self.site())
        self.assertEqual(done.returncode, 1)
        self.assertIn("pcs_enable: no GPIO chip is labelled", done.stderr)
        self.assertLess(time.monotonic() - began, 5)

    def test_safe_goes_as_far_as_a_broken_file_goes(self):
        done = ctl("safe", "--config", self.site(lambda t: t.replace("GPIO26", "GPIO26,what")))
        self.assertEqual(done.returncode, 78)
        self.assertIn("unknown option", done.stderr)
        self.assertIn("pcs_enable: no GPIO chip is labelled", done.stderr)
        done = ctl("safe", "--config", str(self.directory / "nowhere.conf"))
        self.assertEqual(done.returncode, 78)
        self.assertIn("nothing was driven", done.stderr)

    def test_a_simulated_site_has_no_line(self):
        for command in (["safe", "--config", str(DEMO)], ["preflight", "--bus-dead", str(DEMO)]):
            done = ctl(*command)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("no line of this site is real", done.stdout)

    def test_preflight_moves_nothing_without_consent_or_lines(self):
        site = self.site()
        done = ctl("preflight", "--state-dir", str(self.directory), site)
        self.assertEqual(done.returncode, 1)
        self.assertIn("nothing was moved", done.stdout)
        done = ctl("preflight", "--bus-dead", "--state-dir", str(self.directory), site)
        self.assertEqual(done.returncode, 1)
        self.assertIn(LABEL, done.stderr)
        self.assertFalse(list(self.directory.glob("*.commissioned")))

    def test_the_daemon_says_which_chip_is_missing(self):
        done = subprocess.run([str(REBANKD), "--config", self.site(), "--run-dir",
                               str(self.directory / "run"), "--state-dir", str(self.directory / "state")],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 71)
        self.assertIn(f'no GPIO chip is labelled "{LABEL}"', done.stderr)

    def test_status_says_that_a_simulated_bank_needs_no_commissioning(self):
        status = json.loads(self.daemon().start().ctl("status", "--json").stdout)
        self.assertIs(status["commissioned"], True)
        self.assertEqual(status["commissioning"], "no real contactor")
        self.assertEqual(status["bank"], BANK)


if __name__ == "__main__":
    main()
