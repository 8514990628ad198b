"""Whoever owns the database edits what decides: the gate, redemption and the audit all say so."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import suppress

import pytest

from interlock.core.approval.actor import Scope
from interlock.core.approval.model import SignedStatement
from interlock.core.approval.tokens import Token, new_token, secret_text
from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.change import ChangeRecord
from interlock.core.change.errors import IntegrityError, InterlockError
from interlock.core.ledger.entry import Entry, read_leaf
from interlock.core.ledger.note import VerifierKey
from interlock.core.ledger.told import differing, told
from interlock.core.policy.decision import Outcome
from interlock.core.ticket.record import Bar, TicketRecord
from interlock.doors.api.dispatch import Request, caller
from interlock.road import close, decide, gather, intake, permit, revoke
from interlock.road.void import void_in
from interlock.storage.audit import audit
from interlock.testing.authenticator import TOUCH
from interlock.testing.road import Road, submission

Row = dict[str, object]


def tamper(road: Road, table: str, change: Callable[[Row], object], number: int = 0) -> str:
    """Edit one row with its digest and columns, as a clever owner would; its id."""
    with sqlite3.connect(road.database.removeprefix("sqlite:///")) as connection:
        connection.row_factory = sqlite3.Row
        row = connection.execute(f"SELECT * FROM {table} ORDER BY seq").fetchall()[number]
        body = json.loads(row["body"])
        change(body)
        text = canonical(body)
        columns = [name for name in dict(row) if name in body and name not in {"id", "seq"}]
        values = {name: body[name] for name in columns} | {"body": text.decode(), "body_digest": sha256(text)}
        setting = ", ".join(f"{name} = :{name}" for name in values)
        connection.execute(f"UPDATE {table} SET {setting} WHERE id = :id", values | {"id": row["id"]})
    connection.close()
    return str(row["id"])


def found(road: Road) -> list[tuple[str | None, str]]:
    road.station.store.checkpoint()
    return [
        (each.record, each.text)
        for each in audit(road.database, VerifierKey.parse(road.station.ledger_key)).findings
    ]


def allowed(road: Road) -> tuple[str, str]:
    """A change with its ticket."""
    change = road.open(submission("promise"))
    road.approve(change, "ana", "ben")
    done = road.gate(change)
    assert done.outcome is Outcome.ALLOW
    return change.id, str(done.ticket_id)


def test_a_redeemed_ticket_is_not_redeemed_again(road: Road) -> None:
    _, ticket = allowed(road)
    permit.redeem(road.station, road.pipeline(), ticket)
    tamper(road, "tickets", lambda body: body.update(state="issued", ended_at=None, ended_by=None, version=1))
    with pytest.raises(IntegrityError) as refusal:
        permit.redeem(road.station, road.pipeline(), ticket)
    assert refusal.value.code == "record-unvouched"
    ((record, text),) = found(road)
    assert record == f"tickets/{ticket}"
    assert "state is `issued`, recorded `redeemed`" in text


def test_a_ticket_does_not_live_longer(road: Road) -> None:
    _, ticket = allowed(road)
    tamper(road, "tickets", lambda body: body.update(expires_at="2027-01-01T00:00:00.000Z"))
    with pytest.raises(IntegrityError):
        permit.redeem(road.station, road.pipeline(), ticket)
    assert [record for record, _ in found(road)] == [f"tickets/{ticket}"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"used_by": None}, "used_by is none, recorded `tkt-"),
        ({"presence": "possession"}, "presence is `possession`, recorded `verified`"),
        ({"revoked_at": "2026-03-05T09:00:00.000Z"}, "is not what entry"),
    ],
)
def test_an_approval_counts_as_it_was_recorded(road: Road, change: Row, says: str) -> None:
    name, _ = allowed(road)
    edited = tamper(road, "statements", lambda body: body.update(change), number=-1)
    with pytest.raises(IntegrityError) as refusal:
        permit.gate(road.station, road.pipeline(), name, permit.Offer(submission=submission("promise")))
    assert refusal.value.code == "record-unvouched"
    ((record, text),) = found(road)
    assert record == f"statements/{edited}"
    assert says in text


def remove(road: Road, table: str) -> None:
    with sqlite3.connect(road.database.removeprefix("sqlite:///")) as connection:
        assert connection.execute(f"DELETE FROM {table}").rowcount
    connection.close()


def unvouched(step: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError) as refusal:
        step()
    assert refusal.value.code == "record-unvouched"


def test_what_was_shipped_cannot_be_forgotten(road: Road) -> None:
    """Without the record any base would be taken as given."""
    name, _ = allowed(road)
    other = road.open(submission("other"))
    remove(road, "shipped")
    unvouched(lambda: road.gate(other))
    assert any(str(record).startswith("shipped/") for record, _ in found(road)), name


@pytest.mark.parametrize("how", ["gone", "elsewhere", "lifted"])
def test_a_bar_stands_although_its_row_does_not(road: Road, how: str) -> None:
    change, ticket = allowed(road)
    digest = road.station.store.read(lambda tx: tx.records(ChangeRecord).get(change).digest)
    now = road.clock.now()
    bar = Bar(id="bar-1", digest=digest, environment="staging", since=now, why="orders fell")
    entry = Entry(kind="digest.barred", subject=digest, actor="ana", at=now, body={})
    road.station.store.write(lambda tx: (tx.records(Bar).add(bar), tx.log.append(entry)))
    if how == "gone":
        remove(road, "bars")
    else:
        forged: Row = {"digest": "sha256:" + "0" * 64} if how == "elsewhere" else {"lifted_by": "sig-1"}
        tamper(road, "bars", lambda body: body.update(forged))
    unvouched(lambda: permit.redeem(road.station, road.pipeline(), ticket))


def test_evidence_that_was_there_is_missed(road: Road) -> None:
    change = road.open(submission("promise"))
    report = b'<testsuite name="t" tests="1"><testcase classname="c" name="one"/></testsuite>'
    offer = gather.EvidenceOffer(content=report, format="junit", subject=change.digest)
    gather.add_evidence(road.station, road.pipeline(), change.id, offer)
    remove(road, "evidence")
    unvouched(lambda: road.gate(change))


def test_a_change_that_was_edited_is_not_written_anew(road: Road) -> None:
    change = road.open(submission("promise"), by=road.person("ana"))
    pushed = submission("else")
    tamper(road, "changes", lambda body: body.update(opened_by="person:omar", pushed_by=["person:omar"]))
    unvouched(lambda: intake.push(road.station, road.person("omar"), change.id, pushed, version=None))
    unvouched(lambda: intake.withdraw(road.station, road.person("omar"), change.id))
    unvouched(lambda: close.close(road.station, road.person("omar"), change.id))
    assert [record for record, _ in found(road)] == [f"changes/{change.id}"]


def test_a_ticket_or_approval_that_was_edited_is_not_written_anew(road: Road) -> None:
    change = road.open(submission("promise"))
    first, _ = road.approve(change, "ana", "ben")
    ticket = str(road.gate(change).ticket_id)
    tamper(road, "tickets", lambda body: body.update(expires_at="2027-01-01T00:00:00.000Z"))
    system = road.person("ana")
    unvouched(lambda: road.station.store.write(lambda tx: void_in(road.station, tx, system, ticket, why="stop")))
    tamper(road, "statements", lambda body: body.update(presence="possession"), number=2)
    unvouched(lambda: revoke.take_back(road.station, system, first.id, why="I looked again"))


def test_an_approval_that_was_taken_back_does_not_count_again(road: Road) -> None:
    change = road.open(submission("promise"))
    first, _ = road.approve(change, "ana", "ben")
    revoke.take_back(road.station, road.person("ana"), first.id, why="I looked again")
    tamper(
        road,
        "statements",
        lambda body: body.update(revoked_at=None, revoked_by=None, revoked_why="", version=1),
        number=2,
    )
    with pytest.raises(IntegrityError):
        road.gate(change)
    assert [record for record, _ in found(road)] == [f"statements/{first.id}"]


def test_a_change_was_pushed_by_whom_the_ledger_names(road: Road) -> None:
    """Ana opened it and approves it herself, once the record says that omar did."""
    change = road.open(submission("promise"), by=road.person("ana"))
    road.approve(change, "ana", "ben")
    assert road.gate(change).outcome is Outcome.NEEDS
    tamper(road, "changes", lambda body: body.update(opened_by="person:omar", pushed_by=["person:omar"]))
    with pytest.raises(IntegrityError) as refusal:
        decide.judge(road.station, road.person("ana"), change.id, "production")
    assert refusal.value.code == "record-unvouched"
    with pytest.raises(IntegrityError) as refusal:
        road.gate(change)
    assert refusal.value.code == "record-unvouched"
    assert [record for record, _ in found(road)] == [f"changes/{change.id}"]


def test_evidence_is_worth_what_it_was_worth_when_it_arrived(road: Road) -> None:
    change = road.open(submission("promise"))
    report = b'<testsuite name="t" tests="1"><testcase classname="c" name="one"/></testsuite>'
    offer = gather.EvidenceOffer(content=report, format="junit", subject=change.digest)
    kept = gather.add_evidence(road.station, road.pipeline(), change.id, offer)
    assert kept.standing == "self-attested"
    tamper(road, "evidence", lambda body: body.update(standing="trusted", runner="ci"))
    with pytest.raises(IntegrityError) as refusal:
        road.gate(change)
    assert refusal.value.code == "record-unvouched"
    assert [record for record, _ in found(road)] == [f"evidence/{kept.id}"]


@pytest.mark.parametrize("taken_back", [True, False])
def test_a_voice_is_lent_as_the_ledger_says(road: Road, *, taken_back: bool) -> None:
    """A delegation that was taken back, and one without presence, made good by an edit."""
    change = road.open(submission("promise"))
    lent = road.lend("ben", "cleo", flags=TOUCH)
    road.hand_in(road.prepare(change, "cleo", on_behalf_of="ben"))
    if taken_back:
        revoke.take_back(road.station, road.person("ben"), lent.id, why="back again")
    whole: Row = {"revoked_at": None, "revoked_by": None, "revoked_why": "", "presence": "verified", "version": 1}
    tamper(road, "statements", lambda body: body.update(whole), number=2)
    with pytest.raises(IntegrityError) as refusal:
        road.gate(change)
    assert refusal.value.code == "record-unvouched"
    assert [record for record, _ in found(road)] == [f"statements/{lent.id}"]


@pytest.mark.parametrize("change", [{"scopes": ["admin", "read"]}, {"kind": "person"}, {"principal": "ana"}])
def test_a_token_is_what_was_made(road: Road, change: Row) -> None:
    secret = secret_text(bytes(32))
    now = road.clock.now()
    token = new_token(
        token_id="tok-1",
        principal="q",
        kind="agent",
        scopes=(Scope.READ,),
        days=1,
        secret=secret,
        created_by="ana",
        now=now,
    )
    entry = Entry(kind="token.created", subject=token.id, actor="ana", at=now, body={"principal": "q"})
    road.station.store.write(lambda tx: (tx.records(Token).add(token), tx.log.append(entry)))
    request = Request(method="GET", path="/v1/changes", headers={"authorization": f"Bearer {secret}"})
    assert caller(road.station, request).principal == "q"
    tamper(road, "tokens", lambda body: body.update(change))
    with pytest.raises(IntegrityError) as refusal:
        caller(road.station, request)
    assert refusal.value.code == "record-unvouched"
    assert [record for record, _ in found(road)] == ["tokens/tok-1"]


def wander(road: Road, chance: random.Random) -> None:
    """One random step on the road; what the road refuses is a step too."""
    changes = road.station.store.read(lambda tx: tx.records(ChangeRecord).find())
    change = chance.choice(changes) if changes else road.open(submission("first"))
    whole = submission(change.title)
    person = chance.choice(["ana", "ben", "vera"])
    statements = road.station.store.read(lambda tx: tx.records(SignedStatement).find(purpose="approve"))
    tickets = road.station.store.read(lambda tx: tx.records(TicketRecord).find())
    steps: list[Callable[[], object]] = [
        lambda: open_named(road, f"c{chance.randrange(10**6)}"),
        lambda: road.hand_in(road.prepare(change, person)),  # type: ignore[arg-type]  # a header has all it needs
        lambda: permit.gate(road.station, road.pipeline(), change.id, permit.Offer(submission=whole)),
        lambda: permit.gate(road.station, road.pipeline(), change.id, permit.Offer(digest="sha256:" + "0" * 64)),
        lambda: revoke.take_back(
            road.station, road.person(person), chance.choice(statements).id, why="looked again"
        ),
        lambda: permit.redeem(road.station, road.pipeline(), chance.choice(tickets).id),
        lambda: intake.withdraw(road.station, road.person("omar"), change.id),
        lambda: road.clock.pass_by(minutes=chance.choice([1, 20, 300])),
    ]
    with suppress(InterlockError, IndexError):
        chance.choices(steps, weights=[2, 6, 5, 1, 2, 3, 1, 1])[0]()


def open_named(road: Road, name: str) -> object:
    return road.open(submission(name), title=name)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_on_the_road_the_records_are_what_the_entries_tell(road: Road, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        wander(road, chance)
    assert found(road) == []
    assert told_of(road) > 50


def told_of(road: Road) -> int:
    """How many fields of records follow from the bodies of entries; each must be what is stored."""
    count = 0
    with sqlite3.connect(road.database.removeprefix("sqlite:///")) as connection:
        entries = [
            read_leaf(leaf) for (leaf,) in connection.execute("SELECT leaf FROM ledger_entry ORDER BY position")
        ]
        for table in ("changes", "statements", "tickets", "activations"):
            for name, body in connection.execute(f"SELECT id, body FROM {table}"):
                known = told(entries, table, name)
                assert differing(json.loads(body), known) == []
                count += len(known)
    connection.close()
    return count
