"""The port to state: records and the ledger, changed together or not at all.

Rules:
1. Every change of a record happens inside ``Store.write`` and appends its ledger entry in the same transaction.
   A ``write`` that records something without appending is refused (``IntegrityError``).
2. ``write`` is durable when it returns. Calls that wait are committed as a group; each sees the ones before it
   and one that raises leaves no trace and does not disturb its neighbours.
3. When the acknowledgement of a commit is lost the outcome is unknown: ``Unavailable`` with code
   ``commit-unknown``; the caller repeats with the same idempotency key, never assumes.
4. Records are dataclasses kept whole as JSON beside the columns they are looked up by. ``version`` makes
   concurrent edits conflict instead of overwrite.
5. ``read`` sees committed state of one moment and is never served by a replica.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from interlock.core.change.canonical import Json
from interlock.core.ledger.entry import Entry

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which slice of a listing: ``after`` is the last id of the page before, ``limit`` 1–200."""

    after: str | None = None
    limit: int = 50


class Repository(Protocol[R]):
    """All records of one kind. Idempotence: ``add`` of an existing id raises ``Conflict``."""

    def get(self, record_id: str) -> R:
        """The record; raises ``NotFound``."""

    def find(self, **where: str | None) -> Sequence[R]:
        """Records whose indexed columns equal the given values, oldest first."""

    def page(self, page: Page, **where: str | None) -> Sequence[R]:
        """Newest first, at most ``page.limit``."""

    def add(self, record: R) -> None:
        """Keep a new record."""

    def replace(self, record: R, *, expected_version: int | None = None) -> None:
        """Keep a new form of an existing record; raises ``Conflict`` when its stored version is another."""


class Log(Protocol):
    """The ledger from inside a transaction."""

    def append(self, entry: Entry) -> int:
        """The index the entry will have when the transaction commits."""

    def entries(self, subject: str) -> Sequence[tuple[int, Entry]]:
        """All entries about one record, in order."""

    def last_at(self) -> datetime | None:
        """The latest time any entry carries, None in an empty ledger: a clock behind it was set back."""


class Tx(Protocol):
    """One transaction over the registered record classes and the ledger."""

    @property
    def log(self) -> Log:
        """The ledger."""

    def records(self, kind: type[T]) -> Repository[T]:
        """The repository of one registered record class; an unregistered class is a programming error."""

    def put_blob(self, content: bytes) -> str:
        """Keep bytes by their SHA-256 (idempotent, at most 32 MiB) and return ``sha256:…``."""

    def blob(self, digest: str) -> bytes:
        """Bytes by digest, re-hashed on the way out; raises ``NotFound`` or ``IntegrityError``."""


class Store(Protocol):
    """State behind one database. Safe to use from several threads and, on PostgreSQL, several servers."""

    def write(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` in a transaction and return its result once that is durable.

        ``work`` may run again after a serialization failure, so it must not touch the outside world.
        """

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` over one consistent snapshot; writing inside raises."""

    def checkpoint(self) -> str:
        """The newest signed checkpoint that covers every acknowledged entry (C2SP signed note)."""

    def inclusion(self, index: int) -> Mapping[str, Json]:
        """``{index, leaf, proof, checkpoint}``: all that an offline verifier needs for one entry."""

    def close(self) -> None:
        """Finish what was accepted, then let go. Idempotent."""


AnyRepository = Repository[Any]
