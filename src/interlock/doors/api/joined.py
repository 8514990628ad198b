"""One transaction for a request: the work, its ledger entries and its stored reply commit together or not at all.

Rules:
1. Inside, ``write`` and ``read`` run in the transaction that is already open.
2. What needs a committed ledger (checkpoints, proofs) is refused inside: the operation asking it must not be
   joined.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from interlock.core.change.canonical import Json
from interlock.core.change.errors import IntegrityError
from interlock.core.ledger.entry import Entry
from interlock.ports.leases import Lease
from interlock.ports.store import Index, Log, Repository, Tx

T = TypeVar("T")


@dataclass(slots=True)
class _CountingLog:
    inner: Log
    appended: int = 0

    def append(self, entry: Entry) -> int:
        self.appended += 1
        return self.inner.append(entry)

    def entries(self, subject: str) -> Sequence[tuple[int, Entry]]:
        return self.inner.entries(subject)

    def newest(self, limit: int, *, before: int | None = None) -> Sequence[tuple[int, Entry]]:
        return self.inner.newest(limit, before=before)

    def last_at(self) -> datetime | None:
        return self.inner.last_at()


@dataclass(slots=True)
class _CountingTx:
    inner: Tx
    counting: _CountingLog

    @property
    def log(self) -> Log:
        return self.counting

    def records(self, kind: type[T]) -> Repository[T]:
        return self.inner.records(kind)

    def index(self, kind: type[T]) -> Index:
        return self.inner.index(kind)

    def vouch(self, kind: type[T], ids: Collection[str], *, about: str, whole: bool = False) -> None:
        self.inner.vouch(kind, ids, about=about, whole=whole)

    def offer(self, work: str) -> None:
        self.inner.offer(work)

    def fenced(self, lease: Lease) -> None:
        self.inner.fenced(lease)

    def put_blob(self, content: bytes) -> str:
        return self.inner.put_blob(content)

    def blob(self, digest: str) -> bytes:
        return self.inner.blob(digest)


@dataclass(slots=True)
class JoinedStore:
    """A ``Store`` inside an open transaction. Not thread-safe: it belongs to one request."""

    outer: Tx
    _tx: _CountingTx = field(init=False)

    def __post_init__(self) -> None:
        self._tx = _CountingTx(self.outer, _CountingLog(self.outer.log))

    @property
    def appended(self) -> int:
        """How many ledger entries were appended through this store."""
        return self._tx.counting.appended

    def write(self, work: Callable[[Tx], T], *, signed: bool = False) -> T:
        """Run ``work`` in the open transaction; the request's own ``write`` waits for the checkpoint."""
        del signed
        return work(self._tx)

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` in the open transaction; it sees what was written before."""
        return work(self._tx)

    def checkpoint(self, covering: int | None = None) -> str:
        """Refused: nothing is committed yet."""
        del covering
        raise _uncommitted()

    def inclusion(self, index: int) -> Mapping[str, Json]:
        """Refused: nothing is committed yet."""
        del index
        raise _uncommitted()

    def tile(self, level: int, number: int, width: int) -> bytes:
        """Refused likewise."""
        del level, number, width
        raise _uncommitted()

    def bundle(self, number: int, width: int) -> bytes:
        """Refused likewise."""
        del number, width
        raise _uncommitted()

    def close(self) -> None:
        """Nothing to let go; the transaction belongs to the request."""


def _uncommitted() -> IntegrityError:
    return IntegrityError(
        "expected a committed ledger, got a transaction that is still open",
        code="ledger-uncommitted",
        hint="report this: the operation must not run joined",
    )
