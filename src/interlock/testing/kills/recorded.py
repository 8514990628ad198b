"""What is written down about rollouts, watched in PostgreSQL itself: before a transaction commits, and after.

Rules:
1. A trigger at the ledger's table names each entry of a rollout; who listens hears of it when it is committed, and
   only then. A transaction's name is its last entry's that is no observation.
2. ``hold`` keeps whoever is about to commit an entry of a name inside its transaction, by a lock that the trigger
   waits for, until ``let_go``. So it can be killed with everything done and nothing kept.
3. Another trigger tells of each lease that changes hands.
4. Interlock's own tables and rows are left as they are.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import psycopg

_LOCKS = 4711
_LOOK_SECONDS = 0.005
_OBSERVED = "rollout.observed"

_TRIGGERS = """
CREATE FUNCTION told_of_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  said jsonb := convert_from(NEW.leaf, 'UTF8')::jsonb;
  body jsonb := said -> 'body';
  name text := concat_ws(' ', said ->> 'kind', body ->> 'kind', body ->> 'target', body ->> 'wanted');
BEGIN
  IF name LIKE 'rollout.%' THEN
    PERFORM pg_notify('interlock_kills', json_build_object('xid', pg_current_xact_id()::text, 'name', name,
      'rollout', NEW.subject, 'token', (SELECT token FROM lease WHERE work = NEW.subject))::text);
    PERFORM pg_advisory_xact_lock_shared(4711, hashtext(name));
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER told_of_entry AFTER INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION told_of_entry();
CREATE FUNCTION told_of_lease() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('interlock_kills', json_build_object('rollout', NEW.work, 'owner', NEW.owner,
    'token', NEW.token)::text);
  RETURN NULL;
END $$;
CREATE TRIGGER told_of_lease AFTER UPDATE ON lease FOR EACH ROW WHEN (NEW.token <> OLD.token)
  EXECUTE FUNCTION told_of_lease();
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A lease as it was taken, and when by the steady clock."""

    rollout: str
    owner: str
    token: int
    at: float


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry about a rollout that was committed, by name, and when by the steady clock."""

    rollout: str
    name: str
    at: float


@dataclass(slots=True)
class Recorded:
    """Watches the state at ``url``. Use as a context manager, after the state was begun.

    ``about`` is told the name of a step that whoever holds the lease has come to, and of which rollout: empty
    before a commit, where that is not known.
    """

    url: str
    about: Callable[[str, str], object]
    entries: list[Kept] = field(default_factory=list)
    leases: list[Held] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    _open: ExitStack = field(init=False, default_factory=ExitStack)
    _over: threading.Event = field(init=False, default_factory=threading.Event)
    _locks: dict[int, str] = field(init=False, default_factory=dict)
    _turn: threading.Lock = field(init=False, default_factory=threading.Lock)
    _line: psycopg.Connection[Any] = field(init=False)

    def __enter__(self) -> Self:
        self._line = self._connected()
        self._line.execute(_TRIGGERS.encode())
        heard = self._connected()
        heard.execute("LISTEN interlock_kills")
        threads = [
            threading.Thread(target=self._until_over, args=(work,), daemon=True)
            for work in (lambda: self._hear(heard), self._look)
        ]
        for thread in threads:
            thread.start()
            self._open.callback(thread.join)
        self._open.callback(self._over.set)
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def hold(self, name: str) -> None:
        """Nobody commits an entry of this name until it is let go."""
        with self._turn:
            number = self._number(name)
            self._line.execute("SELECT pg_advisory_lock(%s, %s)", (_LOCKS, number))
            self._locks[number] = name

    def let_go(self, name: str) -> None:
        """Whoever waits goes on. Idempotent."""
        with self._turn:
            number = self._number(name)
            if self._locks.pop(number, None) is not None:
                self._line.execute("SELECT pg_advisory_unlock(%s, %s)", (_LOCKS, number))

    def holder(self, rollout: str) -> Held | None:
        """Whoever took its lease last."""
        return next((held for held in reversed(list(self.leases)) if held.rollout == rollout), None)

    def _number(self, name: str) -> int:
        found = self._line.execute("SELECT hashtext(%s)", (name,)).fetchone()
        assert found is not None  # noqa: S101  # a row for every question
        return int(found[0])

    def _look(self) -> None:
        """Who waits before a commit."""
        with self._turn:
            waiting = self._line.execute(
                "SELECT DISTINCT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid = %s"
                " AND NOT granted",
                (_LOCKS,),
            ).fetchall()
            names = [self._locks.get(_signed(row[0])) for row in waiting]
        for name in names:
            if name is not None:
                self.about(f"before commit {name}", "")
                self.let_go(name)
        self._over.wait(_LOOK_SECONDS)

    def _hear(self, heard: psycopg.Connection[Any]) -> None:
        """What was committed, a transaction at a time."""
        told = [json.loads(each.payload) for each in heard.notifies(timeout=0.1, stop_after=1)]
        at = time.monotonic()
        together = [*told, *(json.loads(each.payload) for each in heard.notifies(timeout=0))] if told else []
        for transaction in _transactions(together):
            self._note(transaction, at)

    def _note(self, transaction: list[dict[str, Any]], at: float) -> None:
        first = transaction[0]
        if "owner" in first:
            self.leases.append(Held(first["rollout"], first["owner"], first["token"], at))
            self.about("claimed", first["rollout"])
            return
        names = [each["name"] for each in transaction]
        self.entries += [Kept(first["rollout"], name, at) for name in names]
        telling = [name for name in names if name != _OBSERVED] or names
        self.about(f"after commit {telling[-1]}", first["rollout"])

    def _until_over(self, work: Callable[[], None]) -> None:
        while not self._over.is_set():
            try:
                work()
            except Exception as error:  # noqa: BLE001  # the test asks for them
                self.faults.append(error)
                return

    def _connected(self) -> psycopg.Connection[Any]:
        import psycopg  # noqa: PLC0415  # only where PostgreSQL is in use

        return self._open.enter_context(psycopg.connect(self.url, autocommit=True))


def _transactions(told: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Entries of one rollout that were committed together, and each lease by itself, in order."""
    found: list[list[dict[str, Any]]] = []
    for each in told:
        if "xid" in each and found and found[-1][0].get("xid") == each["xid"]:
            found[-1].append(each)
        else:
            found.append([each])
    return found


def _signed(number: int) -> int:
    """PostgreSQL shows an oid where a signed number was given."""
    return number - (1 << 32) if number >= 1 << 31 else number
