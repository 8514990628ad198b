"""The two-person rule, attacked through the functions that the API calls. Each attack must leave the gate shut."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.errors import Conflict, Forbidden, InterlockError, InvalidInput
from interlock.core.policy.decision import Outcome
from interlock.core.ticket.pinning import pins_of
from interlock.core.ticket.pins import Quorum
from interlock.core.ticket.verify import Expected, Verified, verify
from interlock.road import gather, intake, permit
from interlock.testing.authenticator import TOUCH
from interlock.testing.road import Road, submission


def ids(result: permit.GateResult) -> set[str]:
    return {reason.id for reason in result.reasons}


def test_two_people_who_did_not_write_it_open_the_gate(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    result = road.gate(change)
    assert (result.outcome, ids(result)) == (Outcome.ALLOW, set())
    assert result.ticket is not None


def test_nobody_approved(road: Road) -> None:
    result = road.gate(road.open(submission("a")))
    assert "tier1-two-approvals" in ids(result)
    assert result.ticket is None


def test_one_approval_is_not_two(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana")
    assert "tier1-two-approvals" in ids(road.gate(change))


def test_the_same_person_twice_is_one(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana")
    road.approve(change, "ana")
    assert "tier1-two-approvals" in ids(road.gate(change))


def test_the_author_does_not_count(road: Road) -> None:
    change = road.open(submission("a", author="ana"))
    road.approve(change, "ana", "ben")
    assert "tier1-two-approvals" in ids(road.gate(change))


def test_the_opener_does_not_count_even_if_git_names_another(road: Road) -> None:
    change = road.open(submission("a", author="omar"), by=road.person("ana"))
    road.approve(change, "ana", "ben")
    assert "tier1-two-approvals" in ids(road.gate(change))


def test_who_pushed_later_does_not_count(road: Road) -> None:
    change = road.open(submission("a"))
    pushed = intake.push(road.station, road.person("ben"), change.id, submission("b"), version=None)
    road.approve(pushed, "ana", "ben")
    assert "tier1-two-approvals" in ids(road.gate(pushed))


def test_an_agents_token_carries_no_approval(road: Road) -> None:
    change = road.open(submission("a"))
    said = road.prepare(change, "ana")
    with pytest.raises(Forbidden) as refused:
        road.hand_in(said, by=road.agent("q"))
    assert refused.value.code == "agent-never"


def test_an_agents_token_that_claims_the_scope_carries_none_either(road: Road) -> None:
    change = road.open(submission("a"))
    forged = Actor(principal="q", kind="agent", scopes=frozenset(Scope))
    with pytest.raises(Forbidden):
        road.hand_in(road.prepare(change, "ana"), by=forged)


def test_a_pipelines_token_carries_no_approval(road: Road) -> None:
    change = road.open(submission("a"))
    with pytest.raises(Forbidden):
        road.hand_in(road.prepare(change, "ana"), by=road.pipeline())


def test_a_replayed_signature_is_a_conflict(road: Road) -> None:
    change = road.open(submission("a"))
    said = road.prepare(change, "ana")
    road.hand_in(said)
    with pytest.raises(Conflict):
        road.hand_in(said)


def test_an_approval_of_an_older_digest_is_void(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    pushed = intake.push(road.station, road.person("omar"), change.id, submission("b"), version=None)
    result = road.gate(pushed)
    assert "tier1-two-approvals" in ids(result)
    assert {"digest" in one.reason for one in result.judgement.tally.rejected} == {True}


def test_an_approval_signed_for_another_digest_does_not_count(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ben")
    road.hand_in(road.prepare(change, "ana", digest="sha256:" + "0" * 64))
    assert "tier1-two-approvals" in ids(road.gate(change))


def test_an_approval_for_staging_does_not_count_for_production(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ben")
    road.hand_in(road.prepare(change, "ana", environment="staging"))
    assert "tier1-two-approvals" in ids(road.gate(change))


def test_what_is_offered_must_be_what_was_approved(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    result = road.gate(change, submission("b"))
    assert "digest-drift" in ids(result)
    assert result.ticket is None


def test_an_expired_approval_does_not_count(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    road.clock.pass_by(hours=73)
    assert "tier1-two-approvals" in ids(road.gate(change))


def test_a_clock_set_back_lets_nothing_through(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    road.clock.pass_by(days=-2)
    try:
        result = road.gate(change)
    except InterlockError:
        return  # a fault is a refusal too: no ticket left the house
    assert result.outcome is not Outcome.ALLOW
    assert result.ticket is None


def test_another_persons_key_signs_for_nobody(road: Road) -> None:
    change = road.open(submission("a"))
    with pytest.raises(InvalidInput):
        road.hand_in(road.prepare(change, "ana"), key=road.keys["omar"])


def test_a_touch_without_pin_is_not_presence(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ben")
    said = road.prepare(change, "ana")
    signature = road.keys["ana"].sign(said, flags=TOUCH)
    kept = gather.add_statement(road.station, road.person("ana"), said, signature)
    assert kept.presence == "present"
    assert "tier1-presence" in ids(road.gate(change))


def test_approvals_are_spent_by_a_redeemed_ticket(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    first = road.gate(change)
    permit.redeem(road.station, road.pipeline(), first.ticket_id or "")
    assert "tier1-two-approvals" in ids(road.gate(change))


def test_asking_again_while_the_ticket_is_valid_gives_the_same_one(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    assert road.gate(change).ticket_id == road.gate(change).ticket_id


def test_an_unused_ticket_gives_its_approvals_back(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    first = road.gate(change)
    road.clock.pass_by(minutes=20)
    again = road.gate(change)
    assert again.outcome is Outcome.ALLOW
    assert again.ticket_id != first.ticket_id


def test_an_exception_is_not_granted_by_its_beneficiary(road: Road) -> None:
    change = road.open(submission("a"))
    details = {"rule": "tier1-two-approvals", "reason": "we are in a hurry"}
    said = road.prepare(change, "omar", purpose="exception", details=details)
    road.hand_in(said)
    road.hand_in(road.prepare(change, "ana", purpose="exception", details=details))
    assert "tier1-two-approvals" in ids(road.gate(change))


def test_two_others_may_grant_it(road: Road) -> None:
    change = road.open(submission("a"))
    for rule in ("tier1-two-approvals", "tier1-presence", "risk-questions", "ai-senior-approval"):
        for person in ("ana", "ben"):
            details = {"rule": rule, "reason": "the old version loses orders"}
            road.hand_in(road.prepare(change, person, purpose="exception", details=details))
    result = road.gate(change)
    assert result.outcome is Outcome.ALLOW
    assert {one.rule for one in result.judgement.grants} >= {"tier1-two-approvals"}


def test_a_statement_that_lives_longer_than_the_rules_allow_is_refused(road: Road) -> None:
    change = road.open(submission("a"))
    said = road.prepare(change, "ana")
    with pytest.raises(InvalidInput):
        road.hand_in(replace(said, expires_at=said.issued_at + timedelta(days=30)))


def test_a_digest_alone_does_not_vouch_for_the_openers_description(road: Road) -> None:
    """A developer's description is read again before production, or not believed."""
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    offer = permit.Offer(digest=change.digest)
    result = permit.gate(road.station, road.pipeline(), change.id, offer)
    assert ids(result) == {"not-read-again"}
    assert result.ticket is None


def test_what_the_pipeline_itself_opened_may_be_named_by_digest(road: Road) -> None:
    pipeline = replace(road.pipeline(), scopes=frozenset({Scope.READ, Scope.OPEN, Scope.GATE}))
    change = road.open(submission("a"), by=pipeline)
    road.approve(change, "ana", "ben")
    result = permit.gate(road.station, pipeline, change.id, permit.Offer(digest=change.digest))
    assert "not-read-again" not in ids(result)


def test_breaking_the_glass_needs_two_lifts_what_may_be_lifted_and_leaves_an_audit_due(road: Road) -> None:
    change = road.open(submission("a"))
    for person in ("ana", "ben"):
        said = road.prepare(change, person, purpose="break-glass", details={"reason": "orders are lost"})
        road.hand_in(replace(said, expires_at=said.issued_at + timedelta(minutes=30)))
    result = road.gate(change)
    assert result.outcome is Outcome.ALLOW
    kinds = [entry.kind for _, entry in road.station.store.read(lambda tx: tx.log.entries(change.id))]
    assert "audit.due" in kinds


def test_one_person_breaks_no_glass_on_tier_1(road: Road) -> None:
    change = road.open(submission("a"))
    said = road.prepare(change, "ana", purpose="break-glass", details={"reason": "orders are lost"})
    road.hand_in(replace(said, expires_at=said.issued_at + timedelta(minutes=30)))
    assert road.gate(change).outcome is not Outcome.ALLOW


def test_a_conflict_that_passes_does_not_cost_the_approvals(tmp_path: Path) -> None:
    road = Road(folder=tmp_path, enforced=("tier1-two-approvals", "conflicting-change"))
    try:
        change = road.open(submission("a"))
        road.approve(change, "ana", "ben")
        first = road.gate(change)
        other = road.open(submission("b"), by=road.person("cleo"))
        assert ids(road.gate(change)) == {"conflicting-change"}
        intake.withdraw(road.station, road.person("cleo"), other.id)
        again = road.gate(change)
        assert again.outcome is Outcome.ALLOW
        assert again.ticket_id != first.ticket_id
    finally:
        road.close()


SENIOR = Quorum(approvals=2, seniors=1, presence="verified")


def delegate(road: Road, delegator: str, to: str, *, hours: int) -> None:
    """``delegator`` lets ``to`` stand in for them."""
    request = gather.StatementRequest(
        purpose="delegation",
        subject=delegator,
        approver=delegator,
        environment="*",
        digest="sha256:" + "0" * 64,
        hours=hours,
        details={"delegate": to},
    )
    road.hand_in(gather.prepare_statement(road.station, road.person(delegator), request))


def test_a_senior_may_lend_their_rank_and_the_deployer_can_check_it(road: Road) -> None:
    """The gate once took the lent rank and the offline quorum did not: both read the same delegation now."""
    delegate(road, "ben", "cleo", hours=24)
    change = road.open(submission("a"))
    road.approve(change, "vera")
    road.hand_in(road.prepare(change, "cleo", on_behalf_of="ben"))
    result = road.gate(change)
    assert result.outcome is Outcome.ALLOW
    issuer = road.station.ticket_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    pins = pins_of(road.rules(), issuers=(issuer.decode(),), log=road.station.ledger_key)
    senior = {"production": replace(pins.environments["production"], quorum=SENIOR, services={})}
    expected = Expected(digest=change.digest, environment="production", weight=5.0)
    pinned = replace(pins, environments=senior)
    assert isinstance(verify(result.ticket or b"", pins=pinned, now=road.clock.now(), expected=expected), Verified)


def test_an_expired_delegation_lends_nothing(road: Road) -> None:
    delegate(road, "ben", "cleo", hours=1)
    road.clock.pass_by(hours=2)
    change = road.open(submission("a"))
    road.approve(change, "vera")
    road.hand_in(road.prepare(change, "cleo", on_behalf_of="ben"))
    assert "tier1-two-approvals" in ids(road.gate(change))
