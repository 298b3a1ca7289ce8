"""The installer's trial of the wiring, and the record without which nothing closes."""
from bench import CONFIG, RECORD, Failure


def fails(bench, *words, swap=None, site=None):
    """Preflight of this site fails and says these words; no record is written."""
    CONFIG.write_text(site or bench.site(swap=swap))
    out = bench.preflight()
    for word in words:
        if word not in out.stdout:
            raise Failure("preflight does not say %r:\n%s" % (word, out.stdout))
    if out.returncode == 0 or RECORD.exists():
        raise Failure("passed:\n" + out.stdout)
    bench.low(*bench.coils("a", "b"), "pcs-enable")


def case_uncommissioned(bench):
    """Without a record, or with that of another configuration, nothing ever closes."""
    bench.start(commissioned=False)
    bench.stays_low(*bench.coils("a", "b"), "pcs-enable", after=bench.started_ms, seconds=6)
    bench.reason("uncommissioned")
    bench.end()
    bench.start()
    bench.closed("a", "b")
    bench.end()
    CONFIG.write_text(bench.site().replace("ramp_w_s = 20000.0", "ramp_w_s = 19000.0"))
    t = bench.now()
    bench.again()
    bench.stays_low(*bench.coils("a", "b"), "pcs-enable", after=t, seconds=5)
    if "the configuration changed" not in bench.log():
        raise Failure(bench.log())


def case_preflight(bench):
    """A sound site passes: one coil at a time, the relay and the emergency stop are seen, a record is written."""
    CONFIG.write_text(bench.site())
    t = bench.now()
    out = bench.preflight()
    if out.returncode != 0 or not RECORD.exists():
        raise Failure(out.stdout)
    driven = 0
    for _, name, level in [e for e in bench.plant.edges if e[0] > t and e[1] in bench.coils("a", "b")]:
        driven += 1 if level else -1
        if driven > 1:
            raise Failure("two coils at once:\n" + bench.story(t))
    if any(n == "pcs-enable" and l == 1 and at > t for at, n, l in bench.plant.edges):
        raise Failure("the converters were enabled")
    bench.note("%.1f s", (bench.now() - t) / 1e3)


def case_preflight_finds_swapped_feedback(bench):
    """Feedback of two poles exchanged: named."""
    fails(bench, "swapped", swap={"a-feedback-negative": "a-feedback-positive",
                                  "a-feedback-positive": "a-feedback-negative"})


def case_preflight_finds_swapped_packs(bench):
    """Coil of one pack on the feedback of the other one: named."""
    fails(bench, "moves feedback_positive of b", swap={"a-positive": "b-positive", "b-positive": "a-positive"})


def case_preflight_finds_inverted_feedback(bench):
    """A feedback that is wired the other way round: named."""
    site = bench.site().replace("a-feedback-negative,no-pull", "a-feedback-negative,no-pull,active-low")
    fails(bench, "inverted", site=site)


def case_preflight_finds_dead_contactor(bench):
    """A contactor that does not move, and one that does not open: named."""
    bench.fault("a-positive", "no_close")
    bench.fault("b-negative", "weld")
    fails(bench, "feedback_positive of a did not move", "feedback_negative of b stays closed")


def case_preflight_beside_daemon(bench):
    """Preflight beside a running daemon is refused and moves nothing."""
    bench.start().closed("a", "b")
    t = bench.now()
    out = bench.preflight()
    if out.returncode == 0 or "stop it first" not in out.stdout:
        raise Failure(out.stdout)
    bench.unmoved(t)
