"""What could never count is refused before it is signed and when it is handed in; evidence repeats for nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.approval.enrolment import enrolment_digest
from interlock.core.approval.model import Statement
from interlock.core.change.errors import InterlockError
from interlock.core.evidence.dsse import sign_envelope
from interlock.core.evidence.statement import TEST_RESULT, statement
from interlock.road import gather
from interlock.testing.authenticator import UnsafeSimulatedAuthenticator
from interlock.testing.road import Road, submission

WHY = "orders are lost"
NEVER = {
    "glass without a reason": ("break-glass", {"reason": " \n"}, "reason-missing"),
    "glass with a reason nobody can read": ("break-glass", {"reason": "up\u202edown"}, "reason-text"),
    "an exception without a reason": ("exception", {"rule": "tier1-presence"}, "reason-missing"),
    "an exception from no rule": ("exception", {"reason": WHY}, "rule-unknown"),
    "an exception from an unknown rule": ("exception", {"rule": "tier1-presense", "reason": WHY}, "rule-unknown"),
    "an exception from what always holds": (
        "exception",
        {"rule": "digest-drift", "reason": WHY},
        "rule-protected",
    ),
    "a delegation to nobody": ("delegation", {}, "person-unknown"),
    "a delegation to a stranger": ("delegation", {"delegate": "clea"}, "person-unknown"),
    "a delegation to oneself": ("delegation", {"delegate": "ana"}, "delegate-self"),
}


@pytest.mark.parametrize("case", NEVER)
def test_what_could_never_count_is_refused_before_it_is_signed_and_after(road: Road, case: str) -> None:
    """Also a client that writes the statement itself learns it, and nothing is on record."""
    purpose, details, code = NEVER[case]
    change = road.open(submission("a"))
    request = gather.StatementRequest(
        purpose=purpose,  # type: ignore[arg-type]  # one of the purposes above
        subject=change.id,
        approver="ana",
        digest=change.digest,
        details=details,
    )
    with pytest.raises(InterlockError) as before:
        gather.prepare_statement(road.station, road.person("ana"), request)
    assert before.value.code == code
    said = road.prepare(change, "ana", purpose=purpose, details=details)
    with pytest.raises(InterlockError) as after:
        road.hand_in(said)
    assert after.value.code == code
    assert road.station.store.read(lambda tx: gather.statements_about(tx, change.id)) == ()


@pytest.mark.parametrize("purpose", ["approve", "exception", "break-glass"])
def test_a_signature_for_a_place_that_does_not_exist_is_refused(road: Road, purpose: str) -> None:
    change = road.open(submission("a"))
    details = {"rule": "tier1-presence", "reason": WHY}
    said = road.prepare(change, "ana", purpose=purpose, details=details, environment="prodution")
    with pytest.raises(InterlockError) as refused:
        road.hand_in(said)
    assert refused.value.code == "environment-unknown"
    assert "production" in refused.value.message


def _vouching(road: Road) -> Statement:
    """Vera vouches for a key of ana."""
    change = road.open(submission(str(road.clock.now())))
    road.clock.pass_by(minutes=1)
    return road.prepare(change, "vera", purpose="key-enrolment", subject="ana", answers={})


def test_an_absence_is_about_whoever_signs_it(road: Road) -> None:
    change = road.open(submission("a"))
    said = road.prepare(change, "ana", purpose="absence", subject="ben", answers={})
    with pytest.raises(InterlockError) as refused:
        road.hand_in(said)
    assert refused.value.code == "absence-of-another"
    request = gather.StatementRequest(
        purpose="absence", subject="me", approver="ana", digest=road.rules().digest, hours=48
    )
    assert gather.prepare_statement(road.station, road.person("ana"), request).subject == "ana"


def test_a_key_that_is_somebodys_already_is_not_enrolled_for_another(road: Road) -> None:
    """A key that two people list counts for neither, so ben would lose his own."""
    bens = enrolment_digest(road.keys["ben"].public_key.line)
    with pytest.raises(InterlockError) as refused:
        road.hand_in(replace(_vouching(road), digest=bens))
    assert (refused.value.code, "`ben`" in refused.value.message) == ("key-taken", True)
    new = enrolment_digest(UnsafeSimulatedAuthenticator("another").public_key.line)
    said = replace(_vouching(road), digest=new)
    assert road.hand_in(said).statement.digest == new


def test_the_same_evidence_twice_is_one_record_and_one_entry(road: Road) -> None:
    change = road.open(submission("a"))
    said = statement(subject=change.digest, predicate_type=TEST_RESULT, predicate={"result": "PASSED"}, name="a")
    key_id = road.rules().settings.trust.runners[0].key_id
    signed = gather.EvidenceOffer(content=sign_envelope(said, road.runner, key_id))
    report = b'<testsuite tests="1"><testcase name="fits" classname="tests"/></testsuite>'
    unsigned = gather.EvidenceOffer(content=report, format="junit", subject=change.digest)
    other = gather.EvidenceOffer(content=report, format="junit", subject="sha256:" + "0" * 64)

    def add(offer: gather.EvidenceOffer) -> str:
        road.clock.pass_by(minutes=1)
        return gather.add_evidence(road.station, road.pipeline(), change.id, offer).id

    first = [add(signed), add(unsigned)]
    assert [add(signed), add(unsigned)] == first
    assert add(other) not in first
    entries = road.station.store.read(lambda tx: tx.log.entries(change.id))
    assert [entry.kind for _, entry in entries].count("evidence.added") == 3
