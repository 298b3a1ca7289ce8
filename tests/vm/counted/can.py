"""What CAN costs, and how soon a tripping frame is answered."""
import re
import subprocess

import bench

BUS_MAX = 1.0        # % of a core, a full bus
ABOVE_MAX_US = 2000  # p99.9, above a bare loop


def figure(text, pattern):
    found = re.search(pattern, text)
    if not found:
        raise bench.Failure("no %r in:\n%s" % (pattern, text))
    return float(found.group(1))


def case_can_latency(b):
    """A full bus, and a tripping frame to the command it causes, beside a bare loop."""
    done = subprocess.run([bench.VM / "bench_can", "vcan3"], capture_output=True, text=True)
    if done.returncode != 0:
        raise bench.Failure("bench_can: %d %s" % (done.returncode, done.stderr))
    for line in done.stdout.splitlines():
        b.note("%s", line.strip())
    if figure(done.stdout, r"the bus +(-?[0-9.]+) %") > BUS_MAX:
        raise bench.Failure("a full bus costs more than %g %%" % BUS_MAX)
    if figure(done.stdout, r"above it .*p99.9 +(-?[0-9]+) us") > ABOVE_MAX_US:
        raise bench.Failure("p99.9 is more than %d us above the bare loop" % ABOVE_MAX_US)
