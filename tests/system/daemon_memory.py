#!/usr/bin/env python3
"""What rebankd takes of the machine: no allocation on the control thread, little locked memory."""
import os
import pathlib
import re
import subprocess
import time

from daemon_lib import REBANKD, DaemonTest, main, wait_for

HERE = pathlib.Path(__file__).resolve().parent


class Memory(DaemonTest):
    def setUp(self):
        linked = subprocess.run(["ldd", str(REBANKD)], capture_output=True, text=True).stdout
        if "libasan" in linked:
            self.skipTest("the sanitizer brings its own allocator")
        super().setUp()

    def counted(self, exercise, **env):
        """Allocations of the control thread while exercise(daemon) runs."""
        library = self.directory / "nomalloc.so"
        subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-O1", "-g", "-shared", "-fPIC",
                        "-o", str(library), str(HERE / "daemon_nomalloc.c"), "-ldl"], check=True)
        marker = self.directory / "count"
        env.update(LD_PRELOAD=str(library), COUNT_FROM=str(marker))
        d = self.daemon(env=env).start()
        self.connected(d)
        marker.touch()
        wait_for(lambda: "counting allocations" in d.stderr(), 5, "counting")
        exercise(d)
        marker.unlink()
        text = wait_for(lambda: re.search(r"control thread allocations: (\d+)", d.stderr()), 5,
                        "the count")
        d.stop()
        return int(text.group(1)), d.stderr()

    def test_control_thread_does_not_allocate_once_it_runs(self):
        def exercise(d):
            end = time.monotonic() + 5
            while time.monotonic() < end:
                d.ctl("setpoint", "discharge", "2kW", "--for", "60")
                d.ctl("status")
                d.ctl("setpoint", "charge", "1kW", "--for", "60")
                d.ctl("disable", "leaf-a", check=False)
                time.sleep(0.3)
            d.fault("estop")  # the trip, its events and its recording
            wait_for(d.recordings, 20, "recording")
        calls, text = self.counted(exercise)
        self.assertEqual(calls, 0, text)

    def test_the_count_sees_an_allocation(self):
        calls, _ = self.counted(lambda d: None, COUNT_PROVOKE="1")
        self.assertEqual(calls, 1)

    def test_resident_memory_stays_within_32_MiB_with_all_of_it_locked(self):
        d = self.daemon().start()
        self.connected(d)
        status = pathlib.Path("/proc/%d/status" % d.process.pid).read_text()
        field = {k: v.split()[0] for k, v in re.findall(r"(\w+):\s+(.*)", status) if v}
        before = time.monotonic(), os.times(), self.cpu(d)
        time.sleep(5)
        load = (self.cpu(d) - before[2]) / (time.monotonic() - before[0])
        print("rebankd: RSS %s kB, locked %s kB, threads %s, %.2f %% of one core" %
              (field["VmRSS"], field["VmLck"], field["Threads"], 100 * load))
        self.assertLessEqual(int(field["VmRSS"]), 32 * 1024)
        if "memory is not locked" not in d.stderr():
            self.assertGreater(int(field["VmLck"]), 4096)
        self.assertEqual(d.stop(), 0, d.stderr())

    def cpu(self, d):
        field = pathlib.Path("/proc/%d/stat" % d.process.pid).read_text().rsplit(")", 1)[1].split()
        return (int(field[11]) + int(field[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
