"""Flags that interlock serves, as they are kept: what the router ``flag`` moves and reads.

Rules:
1. A flag is a record that every server reads; it is moved in one transaction with its ledger entry.
2. A record is believed only as the ledger tells of it: who owns the database cannot move a flag in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from interlock.core.change.canonical import Json
from interlock.core.ledger.entry import Entry
from interlock.core.rollout.flags import FlagCount, FlagRecord, Value, flag_id
from interlock.ports.flags import FlagStanding
from interlock.ports.store import Store, Tx
from interlock.ports.world import Clock, Ids

MOVED = "flag.moved"
ACTOR = "interlock"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFlags:
    """``ports.flags`` over the state. Safe between threads and servers."""

    store: Store
    clock: Clock
    ids: Ids

    def look(self, flag: str) -> FlagStanding | None:
        """How it stands, None where nobody ever moved it."""
        return self.store.read(lambda tx: _look(tx, flag))

    def move(self, flag: str, percent: float, *, canary: Value, control: Value) -> bool:
        """Let ``percent`` of the users get ``canary``; whether that changed anything."""
        salt, now = self.ids.new("slt"), self.clock.now()

        def work(tx: Tx) -> bool:
            before = _flag(tx, flag)
            if before is not None and (before.percent, before.canary, before.control) == (
                percent,
                canary,
                control,
            ):
                return False
            record = FlagRecord(
                id=flag_id(flag),
                flag=flag,
                percent=percent,
                salt=salt,
                moved_at=now,
                canary=canary,
                control=control,
            )
            _keep(tx, before, record)
            was = before.percent if before is not None else 0.0
            body: dict[str, Json] = {"flag": flag, "percent": percent, "before": was}
            tx.log.append(Entry(kind=MOVED, subject=record.id, actor=ACTOR, at=now, body=body))
            return True

        return self.store.write(work)


def all_flags(tx: Tx) -> Sequence[FlagRecord]:
    """Every flag.

    Raises:
        IntegrityError: ``record-unvouched``.
    """
    found = tx.records(FlagRecord).find()
    for each in found:
        tx.vouch(FlagRecord, [each.id], about=each.id)
    return found


def _look(tx: Tx, flag: str) -> FlagStanding | None:
    record = _flag(tx, flag)
    if record is None:
        return None
    counts = tx.records(FlagCount).find(flag=flag)
    return FlagStanding(
        percent=record.percent,
        canary=sum(each.canary for each in counts),
        control=sum(each.control for each in counts),
        since=record.id,
    )


def _flag(tx: Tx, flag: str) -> FlagRecord | None:
    found = tx.records(FlagRecord).find(flag=flag)
    # Whether one was taken away is asked too: an application must not fall back to its default unseen.
    tx.vouch(FlagRecord, [each.id for each in found], about=flag_id(flag), whole=True)
    return found[0] if found else None


def _keep(tx: Tx, before: FlagRecord | None, record: FlagRecord) -> None:
    if before is None:
        tx.records(FlagRecord).add(record)
        return
    salt = before.salt if before.percent > 0 else record.salt
    moved = replace(record, salt=salt, version=before.version + 1)
    tx.records(FlagRecord).replace(moved, expected_version=before.version)
