"""Lights say what is under way and why what is on record does not count; policy alone says what is enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.change.errors import IllegalTransition
from interlock.core.evidence.lights import Wanted, lights
from interlock.core.evidence.model import Evidence
from interlock.core.evidence.run import EvidenceRun

NOW = datetime(2026, 3, 5, 10, tzinfo=UTC)
HERE, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
KIND = "https://interlock.dev/predicates/rehearsal/v1"
WANTED = Wanted(fact="rehearsal", producer="rehearsal", predicates=(KIND,))


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def run(**more):
    return EvidenceRun(
        **{
            "id": "reh-1", "change": "chg-1", "digest": HERE, "producer": "rehearsal", "about": "shop in staging",
            "by": "ci", "host": "box", "began_at": ago(20), "until": ago(-40), **more,
        }
    )  # fmt: skip


def piece(**more):
    return Evidence(
        **{
            "id": "evd-1", "change": "chg-1", "subject": HERE, "predicate_type": KIND, "format": "dsse",
            "runner": "ci", "standing": "trusted", "summary": {"verdict": "passed"}, "blob": OTHER,
            "issued_at": ago(60), "expires_at": ago(-3_600), "received_at": ago(59), "received_from": "ci", **more,
        }
    )  # fmt: skip


def of(service, *, verdict="passed", **more):
    return piece(summary={"verdict": verdict, "tool": f"rehearsal of {service} in staging"}, **more)


def light(*, evidence=(), runs=()):
    (found,) = lights((WANTED,), evidence=evidence, runs=runs, digest=HERE, now=NOW)
    return found


@pytest.mark.parametrize(
    ("evidence", "runs", "state"),
    [
        ((), (), "missing"),
        ((), (run(),), "running"),
        ((), (run(until=NOW),), "lost"),
        ((), (run(digest=OTHER),), "missing"),
        ((), (run(ended="undecidable", ended_at=NOW),), "undecidable"),
        ((), (run(ended="cancelled", ended_at=NOW),), "cancelled"),
        ((), (run(ended="cancelled", ended_at=NOW, digest=OTHER),), "missing"),
        ((piece(),), (), "shown"),
        ((piece(),), (run(),), "running"),
        ((piece(),), (run(ended="passed", ended_at=NOW),), "shown"),
        ((piece(),), (run(ended="cancelled", ended_at=NOW),), "shown"),
        ((piece(),), (run(ended="dirty", left=("a flag is on",)), run(id="reh-2", ended="passed")), "dirty"),
        ((piece(summary={"verdict": "failed"}),), (), "failed"),
        ((piece(summary={}),), (), "failed"),
        ((piece(), piece(id="evd-2", standing="other-digest")), (), "shown"),
        ((of("shop", verdict="failed"), of("pay")), (), "failed"),
        ((of("shop", verdict="failed"), of("pay"), of("shop")), (), "shown"),
        ((of("shop", verdict="failed", standing="self-attested"), of("pay")), (), "shown"),
        ((piece(standing="other-digest"),), (), "void"),
        ((piece(standing="expired"),), (), "expired"),
        ((piece(standing="untrusted", why="signed by nobody"),), (), "untrusted"),
        ((piece(standing="self-attested"),), (), "self-attested"),
        ((piece(predicate_type="https://interlock.dev/predicates/snapshot/v1"),), (), "missing"),
        ((), (run(producer="alerts"),), "missing"),
    ],
)
def test_a_light_for_everything_that_can_be_so(evidence, runs, state):
    assert light(evidence=evidence, runs=runs).state == state


def test_what_is_left_is_told_with_its_run():
    found = light(runs=(run(ended="dirty", left=("a flag is on", "a file is gone")),))
    assert (found.run, found.why) == ("reh-1", "a flag is on; a file is gone")


def test_what_failed_says_why_and_what_passed_does_not():
    failed = {"verdict": "failed", "reasons": ["a flag stays on", "a file stays"]}
    assert light(evidence=(piece(summary=failed),)).why == "a flag stays on"
    assert light(evidence=(piece(summary={"verdict": "passed", "reasons": ["odd"]}),)).why == ""
    assert light(evidence=(piece(summary={"verdict": "failed", "reasons": "odd"}),)).why == ""


def test_since_when():
    assert light(runs=(run(),)).since == ago(20)
    assert light(evidence=(piece(standing="expired", expires_at=ago(5)),)).since == ago(5)


def test_what_is_over_stays_over_and_what_left_something_may_be_put_in_order():
    over = run().end("passed", now=NOW, evidence="evd-1")
    assert (over.ended, over.evidence, over.version) == ("passed", "evd-1", 2)
    with pytest.raises(IllegalTransition) as refused:
        over.end("failed", now=NOW)
    assert refused.value.code == "evidence-run-over"
    dirty = run().end("dirty", now=NOW, left=("a flag is on",))
    assert dirty.end("cancelled", now=NOW).left == ()
    assert run(until=ago(5)).at(NOW).end("cancelled", now=NOW) is not None


def test_a_run_that_is_over_is_never_lost():
    over = replace(run().end("passed", now=NOW), until=ago(10))
    assert over.at(NOW) is over
