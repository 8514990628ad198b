"""One transaction as the work inside it sees it: records, blobs and the ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

import sqlalchemy as sa

from interlock.core.change.canonical import is_digest, sha256
from interlock.core.change.errors import IntegrityError, InvalidInput, NotFound
from interlock.ports.leases import Lease
from interlock.ports.store import Log
from interlock.storage import schema
from interlock.storage.leases import announce, fence
from interlock.storage.ledger import Head, SqlLog, as_bytes
from interlock.storage.records import Shelf, SqlRepository
from interlock.storage.session import Session
from interlock.storage.sides import SqlIndex
from interlock.storage.work import WorkLog, record_name

T = TypeVar("T")

MAX_BLOB = 32 * 1024 * 1024

Shelves = Mapping[type[Any], Shelf[Any]]

_BLOB = sa.select(schema.blob.c.content).where(schema.blob.c.digest == sa.bindparam("name"))


class SqlTx:
    """Records and the ledger, changed together. Valid only while its transaction is open."""

    def __init__(self, session: Session, shelves: Shelves, head: Head | None = None) -> None:
        self.session = session
        self.appended = SqlLog(session, head)
        self._shelves = shelves
        self._log = WorkLog(session, self.appended)

    def run(self, work: Callable[[SqlTx], T]) -> T:
        """One piece of work; the records it wrote are named by the entries it appended."""
        self._log = WorkLog(self.session, self.appended)
        outcome = work(self)
        self._log.finish()
        return outcome

    @property
    def log(self) -> Log:
        """The ledger."""
        return self._log

    def records(self, kind: type[T]) -> SqlRepository[T]:
        """The repository of one registered class."""
        return SqlRepository(self._shelf(kind), self.session)

    def index(self, kind: type[T]) -> SqlIndex:
        """What finds records of one registered class without reading them."""
        return SqlIndex(self._shelf(kind), self.session)

    def _shelf(self, kind: type[T]) -> Shelf[T]:
        shelf = self._shelves.get(kind)
        if shelf is None:
            raise IntegrityError(
                f"expected a registered record class, got `{kind.__name__}`",
                code="record-type",
                hint="register it where the store is opened",
            )
        return shelf

    def vouch(self, kind: type[T], ids: Collection[str], *, about: str, whole: bool = False) -> None:
        """Check records against the newest entries naming them; what this work itself wrote is known."""
        table = self._shelf(kind).table
        asked = [each for each in ids if (table.name, each) not in self.session.written]
        if not asked and not whole:
            return
        named = self._log.named([about, *asked])
        if whole:
            self._check_whole(table.name, ids, named)
        self.session.settle(table)
        rows = self.session.read(sa.select(table.c.id, table.c.body_digest).where(table.c.id.in_(asked)))
        for row in rows:
            if named.get(record_name(table.name, row.id)) != row.body_digest:
                raise _unvouched(table.name, row.id)

    def _check_whole(self, table: str, ids: Collection[str], named: Iterable[str]) -> None:
        """No entry names a record of this table that is neither among ``ids`` nor written by this work."""
        known = {record_name(table, each) for each in ids}
        known |= {record_name(*each) for each in self.session.written}
        gone = sorted(name for name in named if name.startswith(record_name(table, "")) and name not in known)
        if gone:
            raise _unvouched(table, gone[0].removeprefix(record_name(table, "")))

    def offer(self, work: str) -> None:
        """Make new work known with this transaction, due at once; known work stays as it is."""
        announce(self.session, work)

    def fenced(self, lease: Lease) -> None:
        """Go on only while ``lease`` is held, and let nobody take it before this is committed."""
        fence(self.session, lease)

    def put_blob(self, content: bytes) -> str:
        """Keep bytes by their digest (idempotent, at most 32 MiB)."""
        if len(content) > MAX_BLOB:
            raise InvalidInput(
                f"expected at most {MAX_BLOB} bytes, got {len(content)}",
                code="blob-too-large",
                hint="keep the file where it is and name its digest",
            )
        digest = sha256(content)
        self.session.insert_new(schema.blob, {"digest": digest, "content": content})
        return digest

    def blob(self, digest: str) -> bytes:
        """Bytes by digest, hashed again on the way out; ``NotFound`` or ``IntegrityError``."""
        known = is_digest(digest)
        found = self.session.read(_BLOB, {"name": digest}).scalar() if known else None
        if found is None:
            raise NotFound(
                f"expected a kept blob, got `{digest[:80]}`",
                code="blob-unknown",
                hint="it may have been deleted; its digest in the ledger still proves what it was",
            )
        content = as_bytes(found)
        if sha256(content) != digest:
            raise IntegrityError(
                f"blob `{digest}` is not what was written",
                code="blob-damaged",
                hint="restore it from a backup; its digest says when you have the right one",
            )
        return content


def _unvouched(table: str, record_id: str) -> IntegrityError:
    return IntegrityError(
        f"record `{record_id[:80]}` of {table} is not what the ledger says of it",
        code="record-unvouched",
        hint="stop every server, run interlock ledger verify, then restore from a backup",
    )
