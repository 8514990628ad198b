"""State that was never begun: every question about it is answered, nothing is kept.

It stands in where nothing may be made, so that a change can be checked before there is a database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from interlock.core.change.canonical import Json
from interlock.core.change.errors import IntegrityError, NotFound
from interlock.core.ledger.entry import Entry
from interlock.ports.counts import Pushed
from interlock.ports.leases import Lease
from interlock.ports.store import Page, Tx

T = TypeVar("T")


class EmptyStore:
    """The port ``Store`` over nothing. Safe to use from several threads."""

    @property
    def leases(self) -> EmptyLeases:
        """Nothing waits."""
        return EmptyLeases()

    @property
    def counts(self) -> EmptyCounts:
        """Nothing was pushed."""
        return EmptyCounts()

    def write(self, work: Callable[[Tx], T], *, signed: bool = False) -> T:
        """Refused: there is nothing to write to."""
        raise _nothing_kept()

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` over no records and an empty ledger."""
        return work(_EmptyTx())

    def checkpoint(self, covering: int | None = None) -> str:
        """Nothing was signed."""
        raise _nothing("a checkpoint")

    def inclusion(self, index: int) -> Mapping[str, Json]:
        """There is no entry."""
        raise _nothing(f"entry {index}")

    def tile(self, level: int, number: int, width: int) -> bytes:
        """There is no tile."""
        raise _nothing(f"tile {level}/{number}")

    def bundle(self, number: int, width: int) -> bytes:
        """There is no bundle."""
        raise _nothing(f"bundle {number}")

    def close(self) -> None:
        """Nothing is held."""


class EmptyCounts:
    """The port ``PushedCounts`` over nothing."""

    def put(self, service: str, pushed: Pushed) -> bool:
        """Refused: there is nowhere to keep it."""
        raise _nothing_kept()

    def newest(self, service: str) -> Sequence[Pushed]:
        """Nothing was pushed."""
        return ()


class EmptyLeases:
    """The port ``Leases`` over nothing: nothing is due, nothing can be held."""

    def offer(self, work: str, *, after: float = 0.0) -> None:
        """Refused: there is nowhere to keep it."""
        raise _nothing_kept()

    def claim(
        self, owner: str, *, seconds: float, most: int = 16, only: Collection[str] | None = None
    ) -> Sequence[Lease]:
        """Nothing is due."""
        return ()

    def renew(self, leases: Collection[Lease], *, seconds: float) -> Sequence[Lease]:
        """Nothing is held."""
        return ()

    def release(self, lease: Lease, *, after: float | None = None) -> None:
        """Nothing was held."""

    def idle(self, work: str) -> float | None:
        """Nothing is due."""
        return None


class _EmptyTx:
    @property
    def log(self) -> _EmptyLog:
        return _EmptyLog()

    def records(self, kind: type[T]) -> _EmptyShelf:
        return _EmptyShelf()

    def index(self, kind: type[T]) -> _EmptyShelf:
        return _EmptyShelf()

    def vouch(self, kind: type[T], ids: Collection[str], *, about: str, whole: bool = False) -> None:
        if ids:
            raise _nothing(f"`{min(ids)[:80]}`")

    def offer(self, work: str) -> None:
        raise _nothing_kept()

    def fenced(self, lease: Lease) -> None:
        raise _nothing_kept()

    def put_blob(self, content: bytes) -> str:
        raise _nothing_kept()

    def blob(self, digest: str) -> bytes:
        raise _nothing(f"`{digest[:80]}`")


class _EmptyShelf:
    def get(self, record_id: str) -> Any:  # noqa: ANN401  # a record of whatever kind; there is none
        raise _nothing(f"`{record_id[:80]}`")

    def find(self, **where: str | None) -> Sequence[Any]:
        return ()

    def ids(self, column: str, values: Collection[str]) -> Sequence[str]:
        return ()

    def page(self, page: Page, **where: str | None) -> Sequence[Any]:
        return ()

    def add(self, record: object) -> None:
        raise _nothing_kept()

    def replace(self, record: object, *, expected_version: int | None = None) -> None:
        raise _nothing_kept()

    def carriers(self, column: str, values: Collection[str]) -> Sequence[str]:
        return ()

    def counts(self, column: str, *, besides: str) -> Mapping[str, int]:
        return {}


class _EmptyLog:
    def append(self, entry: Entry) -> int:
        raise _nothing_kept()

    def entries(self, subject: str) -> Sequence[tuple[int, Entry]]:
        return ()

    def newest(self, limit: int, *, before: int | None = None) -> Sequence[tuple[int, Entry]]:
        return ()

    def last_at(self) -> datetime | None:
        return None


def _nothing(wanted: str) -> NotFound:
    return NotFound(
        f"expected {wanted}, got a state that was never begun",
        code="record-unknown",
        hint="interlock change open begins one; where a server keeps it, set INTERLOCK_SERVER",
    )


def _nothing_kept() -> IntegrityError:
    return IntegrityError(
        "expected a state to write to, got one that was never begun",
        code="write-while-reading",
        hint="report it: a command that reads tried to write",
    )
