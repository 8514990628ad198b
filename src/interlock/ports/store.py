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

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from interlock.core.change.canonical import Json
from interlock.core.ledger.entry import Entry
from interlock.ports.leases import Lease

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


class Index(Protocol):
    """Records of one kind found without reading a single one, so that a damaged one does not hide the others."""

    def ids(self, column: str, values: Collection[str]) -> Sequence[str]:
        """Ids of the records whose column, one of a single value, is one of ``values``, oldest first."""

    def carriers(self, column: str, values: Collection[str]) -> Sequence[str]:
        """Ids of the records that carry one of ``values`` in ``column``, one of several, each once, sorted."""

    def counts(self, column: str, *, besides: str) -> Mapping[str, int]:
        """How many records carry each value of ``column``, the record with the id ``besides`` left out."""


class Log(Protocol):
    """The ledger from inside a transaction."""

    def append(self, entry: Entry) -> int:
        """The index the entry will have when the transaction commits."""

    def entries(self, subject: str) -> Sequence[tuple[int, Entry]]:
        """All entries about one record, in order."""

    def newest(self, limit: int, *, before: int | None = None) -> Sequence[tuple[int, Entry]]:
        """At most ``limit`` entries, newest first: those with an index below ``before``, None for all."""

    def last_at(self) -> datetime | None:
        """The latest time any entry carries, None in an empty ledger: a clock behind it was set back."""


class Blobs(Protocol):
    """Bytes named by their own digest, kept and read with the transaction they stand in."""

    def put_blob(self, content: bytes) -> str:
        """Keep bytes by their SHA-256 (idempotent, at most 32 MiB) and return ``sha256:…``."""

    def blob(self, digest: str) -> bytes:
        """Bytes by digest, re-hashed on the way out; raises ``NotFound`` or ``IntegrityError``."""


class Fence(Protocol):
    """Durable work inside the transaction that moves it; see ``ports.leases``."""

    def offer(self, work: str) -> None:
        """Make new work known with this transaction, due at once. Idempotent; known work stays as it is."""

    def fenced(self, lease: Lease) -> None:
        """Go on only while ``lease`` is held; nobody can take it before this transaction ends.

        Only inside ``Store.write``, before anything is written. Whether its time ran out does not matter as long
        as nobody took it over.

        Raises:
            Conflict: ``lease-lost``: another took over, and nothing of this may happen.
        """


class Tx(Blobs, Fence, Protocol):
    """One transaction over the registered record classes and the ledger."""

    @property
    def log(self) -> Log:
        """The ledger."""

    def records(self, kind: type[T]) -> Repository[T]:
        """The repository of one registered record class; an unregistered class is a programming error."""

    def index(self, kind: type[T]) -> Index:
        """What finds records of one registered class by their columns of several values."""

    def vouch(self, kind: type[T], ids: Collection[str], *, about: str, whole: bool = False) -> None:
        """Check records that are about to decide against the newest entries naming them.

        ``about`` is what the entries that speak of them are about, besides their ids: the change, for approvals.
        With ``whole`` these must be all of their kind that entries about it name: none was taken away.

        Raises:
            IntegrityError: ``record-unvouched`` when one is not what the ledger says, or is gone.
        """


class Provable(Protocol):
    """A ledger that anyone can verify. Reads only; safe to use from several threads, repeated calls agree.

    Nothing is handed out that no signed checkpoint covers.
    """

    def checkpoint(self, covering: int | None = None) -> str:
        """The newest signed checkpoint (C2SP signed note): one that covers the entry at index ``covering``.

        By default one that covers every acknowledged entry.
        """

    def inclusion(self, index: int) -> Mapping[str, Json]:
        """``{index, leaf, proof, checkpoint}``: all that an offline verifier needs for one entry."""

    def tile(self, level: int, number: int, width: int) -> bytes:
        """The first ``width`` (1–256) hashes of a tile (C2SP tlog-tiles); ``NotFound`` beyond the log."""

    def bundle(self, number: int, width: int) -> bytes:
        """The first ``width`` (1–256) leaves of a bundle, each behind its length; ``NotFound`` beyond the log."""


class Store(Provable, Protocol):
    """State behind one database. Safe to use from several threads and, on PostgreSQL, several servers."""

    def write(self, work: Callable[[Tx], T], *, signed: bool = False) -> T:
        """Run ``work`` in a transaction and return its result once that is durable.

        With ``signed`` it waits until a checkpoint covers what was appended, unless none can be signed just now.

        ``work`` may run again after a serialization failure, so it must not touch the outside world.
        """

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` over one consistent snapshot; writing inside raises."""

    def close(self) -> None:
        """Finish what was accepted, then let go. Idempotent."""
