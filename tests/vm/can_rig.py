"""Vehicle packs on virtual CAN buses, a converter, and the site file that joins them to the bench.

The Leaf "a" has its contactors on the bench's lines, the i3 "i" and the Kona "k" drive their own; all three
and the converter share one DC bus, which tests/vm/packs computes.
"""
import json
import re
import subprocess
import threading
import time

import bench
from converter import Converter

PORT = 5502
VOLTS = 372.0  # the i3 tells the bus in steps of 4 V, and a join wants 0.7 V
KINDS = {"a": "leaf", "i": "i3", "k": "kona"}
BUSES = {"a": "vcan0", "i": "vcan1", "k": "vcan2"}

INDEPENDENT = """
		independent = {
			over_voltage = "none: a bench"; under_voltage = "none: a bench";
			over_current = "none: a bench"; over_temperature = "none: a bench";
			isolation = "none: a bench";
		};"""
PACKS = {
    "a": """
	{
		id = "a"; profile = "nissan-leaf-aze0"; bus = "vcan0"; soh = 0.78;
		precharge = { resistor_ohm = 47.0; resistor_j = 1500.0; };
		contactors = {
			negative = "bench-coils:a-negative";
			positive = "bench-coils:a-positive";
			precharge = "bench-coils:a-precharge";
			feedback_negative = "bench-inputs:a-feedback-negative";
			feedback_positive = "bench-inputs:a-feedback-positive";
			feedback_precharge = "bench-inputs:a-feedback-precharge";
		};@independent@
	}""",
    "i": """
	{
		id = "i"; profile = "bmw-i3-94"; bus = "vcan1"; soh = 0.88;
		contactors = { supply_in_heartbeat_chain = true; };@independent@
	}""",
    "k": """
	{
		id = "k"; profile = "kona-64"; bus = "vcan2"; soh = 0.88;
		contactors = { supply_in_heartbeat_chain = true; };@independent@
	}""",
}

SITE = """
bank = { id = "bench"; mixed_chemistry = true; };
packs = (@packs@
);
pcs = (
	{
		id = "pcs1"; driver = "sunspec"; url = "tcp://127.0.0.1:5502/1"; p_max_w = 10000.0;
		dc_min_v = 260.0; dc_max_v = 450.0; dc_max_a = 60.0; efficiency = 0.96;
		standby_w = 10.0; dead_man_s = 5.0; poll_s = 0.4; timeout_s = 1.0;
	}
);
bus = {
	voltage_source = "pack:@source@"; voltage_steps_accepted_because = "volts that its steps hit";
	min_v = 260.0; max_v = 450.0; capacitance_f = 0.003;
	resistance_ohm = 0.004;
};
grid = { p_max_w = 10000.0; ramp_w_s = 5000.0; measured_at_ac = true; };
gpio = {
	chip = "bench-outputs";
	pcs_enable = "bench-outputs:pcs-enable";
	heartbeat = "bench-outputs:heartbeat";
	estop = "bench-inputs:estop";
	insulation_absent_because = "a bench: no monitor";
};
plan = {
	min_on_s = 0.0; min_off_s = 0.0; pack_ops_day_max = 1000; bank_ops_hour_max = 1000; settle_s = 0.5;
};
mqtt = {
	url = "mqtt://127.0.0.1:1883";
	sources = ( { id = "utility"; priority = 10; valid_max_s = 300.0; } );
};
"""


def ip(*arguments):
    subprocess.run(["ip", "link", *arguments], check=True)


def wait_slowly(condition, seconds, what):
    """As bench.wait_for, but asking the daemon for its status costs an emulated machine too much."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise bench.Failure("not within %g s: %s" % (seconds, what() if callable(what) else what))
        time.sleep(0.5)


def site(*names, source="i", extra=""):
    text = SITE.replace("@packs@", ",".join(PACKS[n] for n in names)).replace("@source@", source)
    return text.replace("@independent@", INDEPENDENT) + extra


class Packs:
    """tests/vm/packs."""

    def __init__(self):
        self.process = subprocess.Popen([bench.VM / "packs"], stdin=subprocess.PIPE, text=True, bufsize=1,
                                        stdout=subprocess.PIPE)
        self.states, self.bad, self.said, self.answers = {}, [], [], []
        self.bus_v, self.report_of = 0.0, {}
        self.changed = threading.Condition()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            word = line.split()
            with self.changed:
                if word[0] == "state":
                    self.states.setdefault(word[2], []).append((int(word[1]) / 1e3, word[3]))
                elif word[0] == "bad":
                    self.bad.append(line.strip())
                elif word[0] == "bus":
                    self.bus_v = float(word[1])
                elif word[0] == "pack":
                    self.report_of[word[1]] = (word[2], float(word[3]), float(word[4]), int(word[6]))
                elif word[0] == "sync":
                    self.answers.append(word[1])
                if word[0] not in ("bus", "pack", "sync"):
                    self.said.append(line.strip())
                self.changed.notify_all()

    def tell(self, text):
        self.process.stdin.write(text + "\n")

    def report(self):
        """Brings bus_v and report_of (state, volts, amperes, bad frames) up to date."""
        with self.changed:
            self.answers.clear()
            self.tell("report")
            self.tell("sync x")
            if not self.changed.wait_for(lambda: self.answers, 5):
                raise bench.Failure("packs do not answer; they said:\n" + "\n".join(self.said[-20:]))
        return self.report_of

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


class Rig:
    def __init__(self, the_bench, *names, volts=VOLTS, converter=None):
        self.bench, self.names = the_bench, names
        self.packs, self.converter = Packs(), converter or Converter(PORT)
        for name in names:
            self.packs.tell("pack %s %s %s %g" % (name, KINDS[name], BUSES[name], volts))
        if "a" in names:
            for pole in bench.POLES:
                self.packs.tell("line a %s %s" % (pole, the_bench.chips["inputs"].path("a-feedback-" + pole)))
        self.running = True
        self.bridge = threading.Thread(target=self.bridge_run, daemon=True)
        self.bridge.start()
        self.seq = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.running = False
        self.bridge.join()
        self.converter.close()
        self.packs.end()

    def bridge_run(self):
        """The converter's power acts on the bus, and it measures there; its enable is a line."""
        while self.running:
            try:
                self.packs.report()
            except (bench.Failure, ValueError, BrokenPipeError):
                return
            self.converter.dc_v = self.packs.bus_v
            enabled = self.bench.level("pcs-enable") == 1
            self.packs.tell("converter %g" % (self.converter.power_w() if enabled else 0.0))
            time.sleep(0.2)  # an emulated machine has other things to do

    def start(self, text):
        """The daemon on this site, commissioned by hand: preflight has cases of its own."""
        bench.CONFIG.write_text(text)
        done = subprocess.run(["rebankctl", "check", str(bench.CONFIG)], capture_output=True, text=True)
        if done.returncode != 0:
            raise bench.Failure("check: " + done.stderr)
        digest = next(l.split()[-1] for l in done.stdout.splitlines() if l.startswith("# Digest"))
        chemistry = re.findall(r'chemistry = "(.*)"', done.stdout)
        bench.STATE.mkdir(parents=True, exist_ok=True)
        (bench.STATE / "bench.commissioned").write_text(json.dumps({
            "version": 1, "bank": bench.BANK, "digest": digest, "utc_ms": 1,
            "packs": [{"id": n, "serial": "", "chemistry": c} for n, c in zip(self.names, chemistry)]}))
        return self.bench.start(text, commissioned=False)

    def connected(self):
        return self.bench.status()["telemetry"]["packs_connected"]

    def wait_connected(self, n, seconds):
        def why():
            status = self.bench.status()
            return "%d packs connected; telemetry %s\npacks %s\nthey said:\n%s\n%s" % (
                n, status["telemetry"], json.dumps(status["packs"], indent=1)[:6000],
                "\n".join(self.packs.said[-30:]), self.bench.log())
        wait_slowly(lambda: (self.bench.status().get("telemetry") or {}).get("packs_connected") == n,
                    seconds, why)

    def dispatch(self, power_w, valid_s=60):
        """A setpoint by MQTT."""
        self.seq += 1
        message = {"v": 1, "id": "s%d" % self.seq, "session": "case", "seq": self.seq,
                   "ts": int(time.time() * 1000), "p_w": power_w, "valid_s": valid_s}
        subprocess.run(["mosquitto_pub", "-q", "1", "-t", "rebank/v1/bench/setpoint/utility/set", "-m",
                        json.dumps(message)], check=True)
