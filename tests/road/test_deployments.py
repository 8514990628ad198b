"""Past deployments from a real record: rollouts by the engine, tickets used without one, and signed evidence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.dsse import key_id_of, sign_envelope
from interlock.core.evidence.statement import statement
from interlock.core.ledger.event import Event
from interlock.core.policy.shown import ALERTS, REHEARSAL
from interlock.road import gather, permit
from interlock.road.deployments import deployments
from interlock.road.events import note_events, read_events
from interlock.testing.road import submission
from interlock.testing.rolling import Rolling
from interlock.testing.rollout import Arm, World

SERVICE = "order-service"
BACK = {"verdict": "passed", "seconds": 0.4, "objective_seconds": 60, "service": SERVICE}
PROVEN = {
    "verdict": "passed",
    "proven": ["orders drop"],
    "service": SERVICE,
    "modes": [
        {
            "mode": "orders drop",
            "kind": "drop",
            "metrics": ["orders_total"],
            "proven": True,
            "answers": [{"alert": "OrdersDown", "seconds": 120.0}],
            "late": [],
        }
    ],
}


def shown(road, change, kind, predicate, *, days=7, key=None):
    """A statement about the change by its runner (or another key), handed in."""
    now = road.clock.now()
    stamped = {**predicate, "issued_at": now.isoformat(), "expires_at": (now + timedelta(days=days)).isoformat()}
    said = statement(subject=change.digest, predicate_type=kind, predicate=stamped)
    signer = key or road.runner
    content = sign_envelope(said, signer, key_id_of(signer.public_key()))
    return gather.add_evidence(road.station, road.pipeline(), change.id, gather.EvidenceOffer(content=content)).id


def listed(road, *, station=None, environment="production", service=None, limit=3):
    return deployments(
        station or road.station, road.person("ana"), environment=environment, service=service, limit=limit
    )


def said(one):
    return (one.answers.rollback.said, one.answers.canary.said, one.answers.alert.said)


def used(road, name, *, before=None):
    """A change with two approvals whose ticket the pipeline used; ``before`` is done while it is open."""
    change = road.open(submission(name), title=f"Change {name}")
    evidence = before(change) if before else None
    road.approve(change, "ana", "ben")
    found = road.gate(change)
    assert found.ticket_id is not None, found.reasons
    permit.redeem(road.station, road.pipeline(), found.ticket_id)
    return change, evidence


@pytest.fixture
def rolling(tmp_path):
    made = Rolling(tmp_path, world=World(rate=1000.0, control=Arm(), canary=Arm()))
    yield made
    made.close()


def test_a_rollout_with_its_evidence_has_all_three_with_ids(rolling):
    change, ticket = rolling.change("a")
    rehearsed = shown(rolling.road, change, REHEARSAL, BACK)
    proven = shown(rolling.road, change, ALERTS, PROVEN)
    rolling.world.pass_by(60.0)
    rollout = rolling.started(rolling.start(change, ticket))
    rolling.run(rollout.id, until=lambda record: record.ticks > 0)
    [one] = listed(rolling.road, station=rolling.station)
    assert (one.id, one.kind, one.change, one.state) == (rollout.id, "rollout", change.id, "running")
    assert one.commit == change.submission.parts[0].head
    answers = one.answers
    assert said(one) == ("yes", "yes", "yes")
    assert answers.rollback.places == (rehearsed,)
    assert "back in 0.4 s of at most 60 s" in answers.rollback.why
    assert answers.canary.places == (rollout.id,)
    assert "under the judge" in answers.canary.why
    assert answers.alert.places == (proven,)
    assert answers.alert.why == "OrdersDown 120 s after orders drop, proven"


def test_a_ticket_used_for_everything_at_once_had_none(road):
    change, _ = used(road, "a")
    [one] = listed(road)
    assert (one.kind, one.change, one.title, one.service) == ("ticket", change.id, "Change a", SERVICE)
    assert said(one) == ("no", "no", "no")
    assert one.answers.rollback.why == "no rehearsal that counted among 0 pieces of evidence on record"


@pytest.mark.parametrize("kind", ["failed", "expired", "another-key", "late", "other-service"])
def test_what_did_not_count_then_shows_nothing_of_then(road, kind):
    def before(change):
        if kind == "failed":
            return shown(road, change, REHEARSAL, {**BACK, "verdict": "failed"})
        if kind == "expired":
            shown(road, change, REHEARSAL, BACK, days=1)
            road.clock.pass_by(days=2)
        if kind == "another-key":
            shown(road, change, REHEARSAL, BACK, key=Ed25519PrivateKey.generate())
        if kind == "other-service":
            shown(road, change, REHEARSAL, {**BACK, "service": "email"})
        return None

    change, evidence = used(road, "a", before=before)
    if kind == "late":
        road.clock.pass_by(minutes=1)
        shown(road, change, REHEARSAL, BACK)
    [one] = listed(road)
    assert one.answers.rollback.said == "no"
    assert one.answers.rollback.places == ((evidence,) if kind == "failed" else ())


def test_a_ticket_that_nobody_reported_used_is_listed_and_says_so(road):
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    first = road.gate(change).ticket_id
    [one] = listed(road)
    assert (one.id, one.state, one.answers.canary.said) == (first, "issued", "unknown")
    road.clock.pass_by(minutes=20)
    second = road.gate(change).ticket_id
    assert second != first
    [again] = listed(road)
    assert (again.id, again.state) == (second, "issued")
    permit.redeem(road.station, road.pipeline(), second)
    [used_] = listed(road)
    assert (used_.id, used_.state, used_.answers.canary.said) == (second, "redeemed", "no")


def note(road, name, subject, **said_):
    events = read_events(road.station, road.person("ana"), [Event(name=name, subject=subject, said=said_)])
    note_events(road.station, events)


def test_what_a_deployer_noted_is_listed_with_its_commit(road):
    commit = "1" * 40
    note(road, "deployment.applied", "shop", service=SERVICE, commit=commit)
    note(road, "deployment.applied", "elsewhere", environment="staging")
    note(road, "flag.flipped", "night-rates", service=SERVICE)
    [one] = listed(road)
    assert (one.kind, one.title, one.service, one.commit, one.state) == ("note", "shop", SERVICE, commit, "noted")
    assert said(one) == ("unknown", "unknown", "unknown")
    assert "noted by ana" in one.answers.rollback.why
    assert listed(road, service="email") == ()


def test_a_note_about_a_change_is_read_with_its_evidence_and_once(road):
    change = road.open(submission("a"))
    rehearsed = shown(road, change, REHEARSAL, BACK)
    road.clock.pass_by(minutes=1)
    note(road, "deployment.applied", change.id)
    [one] = listed(road)
    assert (one.kind, one.change, one.commit) == ("note", change.id, change.submission.parts[0].head)
    assert (said(one), one.answers.rollback.places) == (("yes", "unknown", "no"), (rehearsed,))
    used(road, "b", before=lambda other: note(road, "deployment.applied", other.id))
    assert [each.kind for each in listed(road)] == ["ticket", "note"]


def test_newest_first_at_most_as_many_and_of_the_service_that_is_asked_for(road):
    names = []
    for name in "abcd":
        road.clock.pass_by(minutes=10)
        change, _ = used(road, name)
        names.append(change.id)
    assert [one.change for one in listed(road)] == names[:0:-1]
    assert listed(road, service="email") == ()
    assert len(listed(road, service=SERVICE, limit=2)) == 2
    assert listed(road, environment="staging") == ()
    with pytest.raises(InvalidInput) as refused:
        listed(road, environment="stagin")
    assert (refused.value.code, "(did you mean `staging`?)" in refused.value.message) == (
        "environment-unknown",
        True,
    )


def test_an_alert_that_nobody_calls_business_is_unknown(road):
    mode = {"mode": "p99", "proven": True, "answers": [{"alert": "Slow", "seconds": 60.0}], "late": []}

    def before(change):
        return shown(road, change, ALERTS, {**PROVEN, "modes": [mode]})

    _, evidence = used(road, "a", before=before)
    [one] = listed(road)
    assert (one.answers.alert.said, one.answers.alert.places) == ("unknown", (evidence,))


def test_requests_of_the_order_service_are_no_orders_whatever_the_mode_is_called(road):
    mode = {**PROVEN["modes"][0], "metrics": ["http_requests_total"]}

    def before(change):
        return shown(road, change, ALERTS, {**PROVEN, "modes": [mode]})

    _, evidence = used(road, "a", before=before)
    [one] = listed(road)
    assert (one.answers.alert.said, one.answers.alert.places) == ("no", (evidence,))
    assert one.answers.alert.why == "alerts were proven on http_requests_total, which counts no business"
