"""Taking back what was signed: who may, what it does to tickets and changes, and what it never does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.model import SignedStatement
from interlock.core.change.canonical import Json, plain
from interlock.core.change.change import Change, ChangeState
from interlock.core.change.errors import Conflict, Forbidden, IllegalTransition, InvalidInput, NotFound
from interlock.core.ledger.note import VerifierKey
from interlock.core.ledger.told import differing, told
from interlock.core.policy.decision import Outcome
from interlock.core.ticket.pinning import pins_of
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.core.ticket.verify import Expected, Verified, verify
from interlock.ports.store import Page, Tx
from interlock.road import gather, intake, on_record, permit, revoke
from interlock.road.on_record import Wanted
from interlock.storage.audit import audit
from interlock.testing.road import Road, submission

APPROVES = frozenset({Scope.READ, Scope.APPROVE})


def token(name: str, *more: Scope) -> Actor:
    """A person's token that may approve, and no more than that."""
    return Actor(principal=name, kind="person", scopes=APPROVES | set(more))


def take_back(road: Road, statement: str, by: str = "ben", *, why: str = "") -> revoke.TakenBack:
    return revoke.take_back(road.station, token(by), statement, why=why)


def of(road: Road, change: Change, person: str) -> str:
    """The id of the person's newest statement about the change."""
    return road.said_by(change, person).id


def ticket_of(road: Road, result: permit.GateResult) -> TicketRecord:
    return road.station.store.read(lambda tx: tx.records(TicketRecord).get(str(result.ticket_id)))


def state_of(road: Road, change: Change) -> ChangeState:
    return intake.show(road.station, road.person("ana"), change.id).state


def statement(road: Road, name: str) -> SignedStatement:
    return road.station.store.read(lambda tx: tx.records(SignedStatement).get(name))


def entries(road: Road, subject: str, kind: str) -> list[Mapping[str, Json]]:
    told = road.station.store.read(lambda tx: list(tx.log.entries(subject)))
    return [entry.body for _, entry in told if entry.kind == kind]


def permitted(road: Road, name: str = "a") -> tuple[Change, permit.GateResult]:
    change = road.open(submission(name))
    road.approve(change, "ana", "ben")
    result = road.gate(change)
    assert result.outcome is Outcome.ALLOW
    return change, result


def test_an_approval_taken_back_before_the_gate_counts_no_more_and_says_who_and_why(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    take_back(road, of(road, change, "ben"), why="the canary metric is wrong")
    result = road.gate(change)
    assert result.outcome is not Outcome.ALLOW
    (rejected,) = result.judgement.tally.rejected
    assert rejected.reason == "taken back by `ben` on 2026-03-05 09:00 UTC: the canary metric is wrong"


def test_the_ticket_is_voided_the_others_are_given_back_and_the_change_is_open_again(road: Road) -> None:
    change, result = permitted(road)
    done = take_back(road, of(road, change, "ben"), why="not what I saw")
    assert [record.id for record in done.voided] == [result.ticket_id]
    assert done.too_late == ()
    kept = ticket_of(road, result)
    assert (kept.state, kept.ended_by) == (TicketState.VOIDED, "ben")
    assert state_of(road, change) is ChangeState.OPEN
    assert statement(road, of(road, change, "ana")).used_by is None
    assert entries(road, change.id, "change.reopened")[0]["ticket"] == result.ticket_id


def test_redeeming_it_online_is_refused_with_the_reason(road: Road) -> None:
    change, result = permitted(road)
    take_back(road, of(road, change, "ben"))
    with pytest.raises(IllegalTransition) as refused:
        permit.redeem(road.station, road.pipeline(), str(result.ticket_id))
    assert refused.value.code == "ticket-voided"
    assert "`ben` took back the approve by `ben`" in refused.value.message


def test_offline_it_still_verifies_until_its_time_is_over(road: Road) -> None:
    """What a deployer holds cannot be called in: the docs say so, and this is what they say."""
    change, result = permitted(road)
    take_back(road, of(road, change, "ben"))
    issuer = road.station.ticket_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    pins = pins_of(road.rules(), issuers=(issuer.decode(),), log=road.station.ledger_key)
    about = Expected(change=change.id, digest=change.digest, environment="production", weight=5.0)
    content = result.ticket or b""
    assert isinstance(verify(content, pins=pins, now=road.clock.now(), expected=about), Verified)
    later = road.clock.now() + timedelta(minutes=16)
    assert not isinstance(verify(content, pins=pins, now=later, expected=about), Verified)


def test_the_ledger_says_who_by_which_right_why_and_what_ended(road: Road) -> None:
    change, result = permitted(road)
    name = of(road, change, "ben")
    take_back(road, name, why="wrong metric")
    (body,) = entries(road, change.id, "statement.revoked")
    assert body == {
        "statement": name,
        "purpose": "approve",
        "digest": change.digest,
        "environment": "production",
        "approver": "ben",
        "by": "ben",
        "right": "approver",
        "why": "wrong metric",
        "voided": [result.ticket_id],
        "too_late": [],
    }
    assert audit(road.database, VerifierKey.parse(road.station.ledger_key)).findings == ()


def test_the_same_person_may_sign_anew_and_the_others_approval_still_counts(road: Road) -> None:
    change, result = permitted(road)
    take_back(road, of(road, change, "ben"))
    assert road.gate(change).outcome is not Outcome.ALLOW
    road.approve(change, "ben")
    again = road.gate(change)
    assert again.outcome is Outcome.ALLOW
    assert again.ticket_id != result.ticket_id


def test_what_was_redeemed_stays_redeemed_and_is_named(road: Road) -> None:
    change, result = permitted(road)
    permit.redeem(road.station, road.pipeline(), str(result.ticket_id))
    done = take_back(road, of(road, change, "ben"), why="too late, on the record")
    assert done.voided == ()
    assert [record.id for record in done.too_late] == [result.ticket_id]
    assert ticket_of(road, result).state is TicketState.REDEEMED
    assert state_of(road, change) is ChangeState.PERMITTED
    assert statement(road, of(road, change, "ana")).used_by == result.ticket_id
    assert entries(road, change.id, "statement.revoked")[0]["too_late"] == [result.ticket_id]


def test_a_ticket_that_ran_out_is_neither_voided_nor_too_late(road: Road) -> None:
    change, result = permitted(road)
    road.clock.pass_by(minutes=16)
    done = take_back(road, of(road, change, "ben"))
    assert (done.voided, done.too_late) == ((), ())
    assert ticket_of(road, result).at(road.clock.now()).state is TicketState.EXPIRED
    assert road.gate(change).outcome is not Outcome.ALLOW


def test_a_ticket_that_does_not_rest_on_it_stands(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    unused = road.hand_in(road.prepare(change, "ben", environment="staging")).id
    result = road.gate(change)
    assert take_back(road, unused).voided == ()
    assert ticket_of(road, result).state is TicketState.ISSUED
    assert state_of(road, change) is ChangeState.PERMITTED


def test_a_change_that_holds_another_ticket_stays_permitted(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    road.hand_in(road.prepare(change, "ana", environment="staging"))
    road.hand_in(road.prepare(change, "vera", environment="staging"))
    staging, production = road.gate(change, environment="staging"), road.gate(change)
    assert {staging.outcome, production.outcome} == {Outcome.ALLOW}
    done = take_back(road, of(road, change, "ben"))
    assert [record.id for record in done.voided] == [production.ticket_id]
    assert ticket_of(road, staging).state is TicketState.ISSUED
    assert state_of(road, change) is ChangeState.PERMITTED


def test_twice_is_refused_and_says_who_did_it(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ben")
    name = of(road, change, "ben")
    take_back(road, name)
    with pytest.raises(IllegalTransition) as refused:
        take_back(road, name)
    assert refused.value.code == "statement-taken-back"
    assert "`ben` took back on 2026-03-05 09:00 UTC" in refused.value.message
    assert len(entries(road, change.id, "statement.revoked")) == 1


def test_what_expired_is_over(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ben")
    road.clock.pass_by(hours=73)
    with pytest.raises(IllegalTransition) as refused:
        take_back(road, of(road, change, "ben"))
    assert refused.value.code == "statement-over"


def test_the_first_rules_are_not_unsigned(road: Road) -> None:
    first = road.station.store.read(lambda tx: tx.records(SignedStatement).find(purpose="genesis"))[0]
    with pytest.raises(IllegalTransition) as refused:
        take_back(road, first.id, first.statement.approver)
    assert refused.value.code == "statement-settled"


def test_an_unknown_statement(road: Road) -> None:
    with pytest.raises(NotFound):
        take_back(road, "sig-9999999999")


def test_a_version_that_moved_is_a_conflict_and_leaves_no_trace(road: Road) -> None:
    change, _ = permitted(road)
    name = of(road, change, "ben")
    with pytest.raises(Conflict) as refused:
        revoke.take_back(road.station, token("ben"), name, version=1)
    assert refused.value.code == "version-stale"
    assert statement(road, name).revoked_at is None
    revoke.take_back(road.station, token("ben"), name, version=2)


@pytest.mark.parametrize(
    ("actor", "code"),
    [
        (Actor(principal="q", kind="agent", scopes=APPROVES), "agent-never"),
        (Actor(principal="q", kind="agent", scopes=frozenset(Scope)), "agent-never"),
        (Actor(principal="agent:ben", kind="person", scopes=frozenset(Scope)), "revocation-by-machine"),
        (Actor(principal="ci", kind="pipeline", scopes=frozenset(Scope)), "revocation-by-machine"),
        (Actor(principal="ben", kind="pipeline", scopes=frozenset(Scope)), "revocation-by-machine"),
        (Actor(principal="ben", kind="person", scopes=frozenset({Scope.READ})), "scope-missing"),
        (token("cleo"), "statement-not-yours"),
        (token("ana"), "statement-not-yours"),
        (token("omar"), "statement-not-yours"),
        (token("nobody-at-all"), "statement-not-yours"),
        (token(""), "statement-not-yours"),
        (token("BEN\u200b"), "statement-not-yours"),
    ],
)
def test_machines_strangers_and_higher_ranks_take_nothing_back(road: Road, actor: Actor, code: str) -> None:
    change, result = permitted(road)
    name = of(road, change, "ben")
    with pytest.raises(Forbidden) as refused:
        revoke.take_back(road.station, actor, name, why="because I can")
    assert refused.value.code == code
    assert statement(road, name).revoked_at is None
    assert ticket_of(road, result).state is TicketState.ISSUED
    assert entries(road, change.id, "statement.revoked") == []


def test_an_administrator_may_and_must_say_why(road: Road) -> None:
    change, result = permitted(road)
    name, admin = of(road, change, "ben"), token("vera", Scope.ADMIN)
    with pytest.raises(InvalidInput) as refused:
        revoke.take_back(road.station, admin, name, why="  ")
    assert refused.value.code == "reason-missing"
    done = revoke.take_back(road.station, admin, name, why="ben's laptop was stolen")
    assert (done.right, done.statement.revoked_by) == ("administrator", "vera")
    assert [record.id for record in done.voided] == [result.ticket_id]


@pytest.mark.parametrize("why", ["x" * 2_001, "a\x00b", "looks\u202eright", "\x1b[2J"])
def test_a_reason_is_bounded_and_plain(road: Road, why: str) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ben")
    with pytest.raises(InvalidInput) as refused:
        take_back(road, of(road, change, "ben"), why=why)
    assert refused.value.code == "reason-text"


def test_whoever_holds_the_database_is_written_down_as_that(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ben")
    console = Actor(principal="local:ben@shop.example", kind="person", scopes=frozenset(Scope))
    done = revoke.take_back(road.station, console, of(road, change, "ben"))
    assert (done.right, done.statement.revoked_by) == ("approver", "local:ben@shop.example")


def test_a_withdrawn_change_stays_withdrawn(road: Road) -> None:
    change, _ = permitted(road)
    intake.withdraw(road.station, road.person("omar"), change.id)
    take_back(road, of(road, change, "ben"))
    assert state_of(road, change) is ChangeState.WITHDRAWN


def test_statements_are_found_by_what_they_are_about_who_signed_and_how_they_stand(road: Road) -> None:
    change, result = permitted(road)
    other, _ = permitted(road, "b")
    permit.redeem(road.station, road.pipeline(), str(result.ticket_id))
    take_back(road, of(road, other, "ben"))

    def found(**wanted: str) -> list[tuple[str, str, str]]:
        page = Page(limit=50)
        items, after = on_record.find_statements(road.station, token("cleo"), Wanted(**wanted), page)  # type: ignore[arg-type]  # a test names fields of Wanted
        assert after is None
        return [(one.signed.statement.subject, one.signed.statement.approver, one.standing) for one in items]

    assert found(subject=change.id) == [(change.id, "ben", "used"), (change.id, "ana", "used")]
    assert found(approver="ben", standing="taken-back") == [(other.id, "ben", "taken-back")]
    assert found(purpose="approve", standing="in-force") == [(other.id, "ana", "in-force")]
    road.clock.pass_by(hours=73)
    assert found(purpose="approve", standing="expired") == [(other.id, "ana", "expired")]


def test_a_page_of_statements_says_where_to_go_on(road: Road) -> None:
    change, _ = permitted(road)
    wanted = Wanted(subject=change.id)
    first, after = on_record.find_statements(road.station, token("cleo"), wanted, Page(limit=1))
    second, end = on_record.find_statements(road.station, token("cleo"), wanted, Page(limit=1, after=after))
    assert [one.signed.statement.approver for one in (*first, *second)] == ["ben", "ana"]
    assert (after, end) == (first[0].signed.id, None)


def test_the_audits_words_about_statements_after_it_are_right(road: Road) -> None:
    """The entry names the statements it gave back too: they were not taken back."""
    change, result = permitted(road)
    take_back(road, of(road, change, "ben"))

    def look(tx: Tx) -> None:
        subjects = (change.id, str(result.ticket_id))
        pairs = sorted((pair for name in subjects for pair in tx.log.entries(name)), key=lambda pair: pair[0])
        log = [entry for _, entry in pairs]
        for signed in gather.statements_about(tx, change.id):
            known = told(log, "statements", signed.id)
            assert known["revoked_at"] == (None if signed.revoked_at is None else "2026-03-05T09:00:00.000Z")
            assert differing(plain(signed), known) == []
            assert differing(plain(replace(signed, revoked_at=None)), known) == (
                [] if signed.revoked_at is None else ["revoked_at is none, recorded `2026-03-05T09:00:00.000Z`"]
            )

    road.station.store.read(look)
