"""Records for the drill, and what an owner of the database would do to them.

Rules:
1. They are made up, so that no record of the log that is drilled leaves it; their classes, tables and entries are
   the real ones.
2. Whoever edits a record recomputes its digest and every column it is found by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from interlock.core.approval.actor import Scope
from interlock.core.approval.model import SignedStatement, Statement
from interlock.core.approval.tokens import Token
from interlock.core.change.canonical import Json, sha256
from interlock.core.ledger.entry import Entry
from interlock.core.ticket.record import Bar, TicketRecord, TicketState
from interlock.ports.store import Tx
from interlock.storage.kinds import RECORD_TYPES
from interlock.storage.records import Shelf
from interlock.storage.session import Session

_SHELVES: Mapping[type[Any], Shelf[Any]] = {each.kind: Shelf(each) for each in RECORD_TYPES}
_DIGEST = sha256(b"drill")
_CHANGE = "chg-drill"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAttack:
    """One thing done to one record; ``after`` is its new form, None when it is taken away."""

    name: str
    done: str
    before: Any
    after: Any

    def run(self, session: Session) -> None:
        """Do it, and leave no trace in the row itself."""
        shelf = _SHELVES[type(self.before)]
        mine = shelf.table.c.id == self.before.id
        if self.after is None:
            session.update(sa.delete(shelf.table).where(mine), {})
        else:
            session.update(sa.update(shelf.table).where(mine), shelf.row(self.after))


def samples(now: datetime) -> Sequence[Callable[[Tx], object]]:
    """One piece of work for each record the drill needs, with the entries that the road would write."""
    ticket, bar, statement, token = _ticket(now), _bar(now), _statement(now), _token(now)
    issued = replace(ticket, state=TicketState.ISSUED, ended_at=None, ended_by=None, why="", version=1)
    fresh = replace(statement, revoked_at=None, revoked_by=None, revoked_why="", version=1)
    said: dict[str, Json] = {"statement": statement.id, "digest": _DIGEST, "approver": "ana"}
    terms: dict[str, Json] = {"change": _CHANGE, "digest": _DIGEST, "environment": "production"}
    rights: dict[str, Json] = {"principal": token.principal, "kind": token.kind, "scopes": [*token.scopes]}
    return (
        _step(issued, "ticket.issued", issued.id, terms, now),
        _step(ticket, "ticket.voided", ticket.id, {"why": ticket.why}, now, new=False),
        _step(bar, "drill.barred", bar.id, {}, now),
        _step(fresh, "statement.approve", _CHANGE, said, now),
        _step(statement, "statement.revoked", _CHANGE, {"statement": statement.id}, now, new=False),
        _step(token, "token.created", token.id, rights, now),
    )


def record_attacks(now: datetime) -> tuple[RecordAttack, ...]:
    """What is done to the samples."""
    ticket, bar, statement, token = _ticket(now), _bar(now), _statement(now), _token(now)
    return (
        RecordAttack(
            name="edit-record",
            done="a voided ticket is issued again, its digest recomputed",
            before=ticket,
            after=replace(ticket, state=TicketState.ISSUED, ended_at=None, ended_by=None, why="", version=1),
        ),
        RecordAttack(
            name="delete-record", done="the bar on a digest that did harm is gone", before=bar, after=None
        ),
        RecordAttack(
            name="un-revoke",
            done="an approval that was taken back counts again",
            before=statement,
            after=replace(statement, revoked_at=None, revoked_by=None, revoked_why="", version=1),
        ),
        RecordAttack(
            name="widen-token",
            done="an agent's token became a person's that may approve",
            before=token,
            after=replace(token, kind="person", scopes=(Scope.APPROVE, *token.scopes)),
        ),
    )


def _step(
    record: Any,  # noqa: ANN401  # of whatever class
    kind: str,
    subject: str,
    body: dict[str, Json],
    now: datetime,
    *,
    new: bool = True,
) -> Callable[[Tx], object]:
    def work(tx: Tx) -> None:
        records = tx.records(type(record))
        (records.add if new else records.replace)(record)
        tx.log.append(Entry(kind=kind, subject=subject, actor="drill", at=now, body=body))

    return work


def _ticket(now: datetime) -> TicketRecord:
    return TicketRecord(
        id="tkt-drill",
        change=_CHANGE,
        digest=_DIGEST,
        environment="production",
        terms_digest=_DIGEST,
        blob=_DIGEST,
        issued_at=now,
        expires_at=now + timedelta(minutes=15),
        state=TicketState.VOIDED,
        ended_at=now,
        ended_by="drill",
        why="drill",
        version=2,
    )


def _bar(now: datetime) -> Bar:
    return Bar(id="bar-drill", digest=_DIGEST, environment="production", since=now, why="drill")


def _statement(now: datetime) -> SignedStatement:
    said = Statement(
        purpose="approve",
        subject=_CHANGE,
        digest=_DIGEST,
        environment="production",
        approver="ana",
        nonce="drill",
        issued_at=now,
        expires_at=now + timedelta(hours=1),
    )
    return SignedStatement(
        id="sig-drill",
        statement=said,
        signature="drill",
        fingerprint="drill",
        presence="verified",
        received_at=now,
        received_from="ana",
        revoked_at=now,
        revoked_by="ana",
        revoked_why="drill",
        version=2,
    )


def _token(now: datetime) -> Token:
    return Token(
        id="tok-drill",
        principal="drill-agent",
        kind="agent",
        scopes=(Scope.READ,),
        hash=_DIGEST,
        created_by="drill",
        created_at=now,
        expires_at=now + timedelta(days=1),
    )
