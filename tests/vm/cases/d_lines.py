"""Chips and lines that are not there, go away, or belong to somebody else."""
import contextlib
import json
import subprocess

from bench import BARE_OUT, CONFIG, Failure, wait_for

HOLDER = r'''
import ctypes, fcntl, os, struct, sys, time
# GPIO_GET_LINEHANDLE_IOCTL, struct gpiohandle_request: one output, high.
fd = os.open(sys.argv[1], os.O_RDWR)
request = struct.pack("64II64s32sIi", *([int(sys.argv[2])] + [0] * 63), 2, b"\1" + bytes(63), b"somebody", 1, 0)
fcntl.ioctl(fd, 0xc16cb403, bytearray(request))
print("held", flush=True)
time.sleep(600)
'''


@contextlib.contextmanager
def held(chip, name):
    """Another process holds that line, high."""
    holder = subprocess.Popen(["python3", "-c", HOLDER, "/dev/" + chip.device, str(chip.names.index(name))],
                              stdout=subprocess.PIPE, text=True)
    try:
        if holder.stdout.readline() != "held\n":
            raise Failure("the line could not be held")
        yield
    finally:
        holder.kill()
        holder.wait()


def refused(bench, status, *words):
    """rebankd ends with that status and says these words; no line of an output moved."""
    done = subprocess.run(["rebankd", "--shared-clock"], capture_output=True, text=True, timeout=30)
    for word in words:
        if word not in done.stderr:
            raise Failure("stderr lacks %r:\n%s" % (word, done.stderr))
    if done.returncode != status:
        raise Failure("exit status %d, not %d:\n%s" % (done.returncode, status, done.stderr))
    bench.plant.sync()
    return done.stderr


def case_line_missing(bench):
    """A line that the chip does not have: refused, named, nothing driven."""
    t = bench.now()
    CONFIG.write_text(bench.site(swap={"a-positive": "a-positiv"}))
    refused(bench, 78, "a-positiv", "bench-coils")
    bench.unmoved(t)


def case_chip_missing(bench):
    """A chip that is not there (yet): named, nothing driven, and systemd may try again."""
    t = bench.now()
    CONFIG.write_text(bench.site().replace("bench-inputs:", "bench-nowhere:"))
    refused(bench, 71, "bench-nowhere")
    bench.unmoved(t)


def case_line_twice(bench):
    """One line for two uses: a mistake of the file."""
    CONFIG.write_text(bench.site(swap={"b-positive": "a-positive"}))
    refused(bench, 78, "a-positive", "a line has one use")


def case_line_busy(bench):
    """A line that another process holds: refused, the holder named and left alone."""
    with held(bench.chips["coils"], "a-positive"):
        wait_for(lambda: bench.level("a-positive") == 1, 5, "the other's level")
        t = bench.plant.edges[-1][0]
        CONFIG.write_text(bench.site())
        refused(bench, 69, "somebody", "a-positive")
        bench.unmoved(t)
        if bench.level("a-positive") != 1:
            raise Failure("the other's line moved")
    bench.start().closed("a", "b")


def listed(bench, status=0):
    """What `rebankctl gpio` lists: {(label of the chip, name of the line): all of it}, and the mistakes."""
    done = bench.ctl("gpio", "--json", str(CONFIG), check=False)
    if done.returncode != status:
        raise Failure("exit status %d, not %d:\n%s" % (done.returncode, status, done.stderr))
    tree = json.loads(done.stdout)
    return {(chip["label"], line["name"]): line for chip in tree["chips"] for line in chip["lines"]}, tree["mistakes"]


def is_listed(line, **expected):
    wrong = {key: line.get(key) for key in expected if line.get(key) != expected[key]}
    if wrong:
        raise Failure("%s is not %s" % (line, expected))


def row(text, name):
    """The row of this line in the list for people, its columns of one blank each."""
    return next(" ".join(l.split()) for l in text.splitlines() if l.split()[1:2] == [name])


def case_lines_listed(bench):
    """`rebankctl gpio`: chips by label, what the site file makes of their lines, who holds them, and what is missing."""
    bench.start().closed("a", "b")
    t = bench.now()
    with held(bench.chips["outputs"], BARE_OUT):
        lines, mistakes = listed(bench)
        text = bench.ctl("gpio", str(CONFIG)).stdout
    bench.unmoved(t)
    if mistakes:
        raise Failure("mistakes: %s" % mistakes)
    for chip in bench.chips.values():
        if [name for label, name in lines if label == chip.label] != chip.names:
            raise Failure("lines of %s: %s" % (chip.label, sorted(lines)))
        if '/dev/%s  "%s", %d lines' % (chip.device, chip.label, len(chip.names)) not in text:
            raise Failure(text)
    is_listed(lines["bench-coils", "b-positive"], configured_as="positive of b", direction="output", used=True,
              holder="rebankd")
    is_listed(lines["bench-inputs", "estop"], configured_as="estop", direction="input", used=True,
              holder="rebankd")
    is_listed(lines["bench-outputs", BARE_OUT], configured_as=None, used=True, holder="somebody")
    is_listed(lines["bench-inputs", "mains"], configured_as=None, used=False, holder="")
    for name, expected in (("b-positive", "output rebankd positive of b (active-high, push-pull)"),
                           ("estop", "input rebankd estop (active-high, no pull)"),
                           (BARE_OUT, "output somebody"), ("mains", "input")):
        if row(text, name).split(" ", 2)[2] != expected:
            raise Failure("%s: %r" % (name, row(text, name)))
    bench.end()
    CONFIG.write_text(bench.site(swap={"a-positive": "a-positiv"}))
    lines, mistakes = listed(bench, 1)
    is_listed(lines["bench-coils", "b-positive"], used=False, holder="")
    if len(mistakes) != 1 or 'positive of a: chip bench-coils has no line "a-positiv"' not in mistakes[0]:
        raise Failure("mistakes: %s" % mistakes)


def case_two_daemons(bench):
    """A second daemon ends at once and moves nothing of the first one's."""
    bench.start().closed("a", "b")
    t = bench.now()
    refused(bench, 75, "already run by process %d" % bench.pid())
    bench.closed("a", "b")
    bench.unmoved(t)


def vanish(bench, chip):
    bench.start().closed("a", "b")
    t = bench.now()
    bench.chips[chip].alive(False)
    return t


def back(bench, chip):
    bench.end()
    bench.chips[chip].alive(True)
    bench.wire(chip)


def case_chip_of_coils_vanishes(bench):
    """The chip of the coils goes: enable low within 0.3 s, heartbeat stops, the relay opens the bank."""
    t = vanish(bench, "coils")
    try:
        enable = bench.falls("pcs-enable", t, 500)
        last = bench.heartbeat_stops(t, 500)
        bench.reason("gpio_gone")
        bench.gets_low("alarm", 1000)
        for contact in bench.mains("a", "b"):
            wait_for(lambda: (contact, 0) in [(n, l) for at, n, l in bench.plant.contacts if at > t], 2,
                     contact + " open")
        bench.note("enable low %.0f ms, last beat %.0f ms after the last good one", enable - t, last - t)
    finally:
        back(bench, "coils")


def case_chip_of_inputs_vanishes(bench):
    """The chip of the inputs goes: unknown is tripped, and the bank opens."""
    t = vanish(bench, "inputs")
    try:
        bench.falls("pcs-enable", t, 600)
        for coil in bench.mains("a", "b"):
            bench.falls(coil, t, 1500)
        bench.reason("estop")
        bench.gets_low("alarm", 1500)
        bench.silent("gpio_gone", t)  # which is said of outputs
    finally:
        back(bench, "inputs")


def case_chip_of_enable_vanishes(bench):
    """The chip of enable and heartbeat goes: the coils fall, the relay has let go before."""
    t = vanish(bench, "outputs")
    try:
        for coil in bench.mains("a", "b"):
            bench.falls(coil, t, 1500)
        bench.reason("gpio_gone")
    finally:
        back(bench, "outputs")
