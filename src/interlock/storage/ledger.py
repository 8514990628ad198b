"""The ledger's rows: leaves, tiles, head.

Rules:
1. The leaves' bytes are the truth. The open tile of level 0 is hashed anew from them whenever it is loaded.
2. What was loaded must meet the root in the head row, or it is not used (``IntegrityError``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json

from interlock.core.change.canonical import timestamp
from interlock.core.change.errors import IntegrityError, InvalidInput
from interlock.core.ledger.entry import Entry, read_leaf
from interlock.core.ledger.merkle import hash_leaf
from interlock.core.ledger.tree import TILE_HEIGHT, TILE_WIDTH, Tree, split
from interlock.storage import schema
from interlock.storage.session import Session, lookup_value

_LEAVES = (
    sa.select(schema.entry.c.position, schema.entry.c.leaf, schema.entry.c.hash)
    .where(schema.entry.c.position >= sa.bindparam("start"), schema.entry.c.position < sa.bindparam("end"))
    .order_by(schema.entry.c.position)
)
_TILE = sa.select(schema.tile.c.hashes).where(
    schema.tile.c.level == sa.bindparam("row"), schema.tile.c.number == sa.bindparam("place")
)
_HEAD = sa.select(schema.head.c.size, schema.head.c.root, schema.head.c.latest).where(schema.head.c.id == 1)
_MOVE_HEAD = sa.update(schema.head).where(schema.head.c.id == 1)
_SUBJECT = (
    sa.select(schema.entry.c.position, schema.entry.c.leaf, schema.entry.c.hash)
    .where(schema.entry.c.subject == sa.bindparam("about"))
    .order_by(schema.entry.c.position)
)
_NAMING = (
    sa.select(schema.entry.c.position, schema.entry.c.leaf, schema.entry.c.hash)
    .where(schema.entry.c.subject.in_(sa.bindparam("about", expanding=True)))
    .order_by(schema.entry.c.position)
)
Mark = tuple[int, int, str | None]
"""How many leaves were pending, how many of them written, and their latest time, at some moment."""

_CATCH_UP = 4 * TILE_WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How large the log is, its root, and the latest time of any entry as its timestamp."""

    size: int
    root: bytes
    latest: str | None = None


def read_head(session: Session, *, lock: bool = False) -> Head:
    """The head row; with ``lock`` nobody else appends until this transaction ends."""
    row = session.read(_HEAD.with_for_update() if lock else _HEAD).first()
    if row is None:
        raise damaged("its head row is gone")
    if not isinstance(row.size, int) or not isinstance(row.latest, str | None):
        raise damaged("its head row holds something else")
    return Head(size=row.size, root=as_bytes(row.root), latest=row.latest)


def read_leaves(session: Session, start: int, end: int) -> list[bytes]:
    """The leaves ``[start, end)``, hashed anew; ``IntegrityError`` when one is missing or was changed."""
    rows = session.read(_LEAVES, {"start": start, "end": end}).all()
    if [row.position for row in rows] != list(range(start, end)):
        present = {row.position for row in rows}
        raise damaged(f"entry {next(index for index in range(start, end) if index not in present)} is gone")
    return [_unchanged(row) for row in rows]


def _unchanged(row: sa.Row[Any]) -> bytes:
    """The leaf of a row, hashed anew."""
    leaf = as_bytes(row.leaf)
    if hash_leaf(leaf) != row.hash:
        raise damaged(f"entry {row.position} was changed after it was written")
    return leaf


def read_tile(session: Session, level: int, number: int, width: int) -> Sequence[bytes]:
    """The first ``width`` hashes of a tile, hashed anew from leaves where level 0 has no stored one."""
    stored = session.read(_TILE, {"row": level, "place": number}).scalar()
    if stored is None and level == 0:
        start = number << TILE_HEIGHT
        return [hash_leaf(leaf) for leaf in read_leaves(session, start, start + width)]
    row = split(as_bytes(stored or b""))
    if len(row) < width:
        raise damaged(f"tile {level}/{number} is shorter than {width} hashes")
    return row


def load_tree(session: Session, head: Head) -> Tree:
    """The edge of the tree at ``head``, which it is shown to meet."""
    tree = Tree.load(head.size, lambda level, number, width: read_tile(session, level, number, width))
    return _meeting(tree, head)


def catch_up(session: Session, tree: Tree, head: Head) -> Tree:
    """``tree``, or its continuation when another server has appended meanwhile."""
    if (tree.size, tree.root()) == (head.size, head.root):
        return tree
    if head.size <= tree.size:
        raise damaged(f"it went back from {tree.size} entries to {head.size}, or their hashes changed")
    if head.size - tree.size > _CATCH_UP:
        return load_tree(session, head)
    grown = tree.copy()
    grown.extend(map(hash_leaf, read_leaves(session, tree.size, head.size)))
    return _meeting(grown, head)


def keep_growth(session: Session, before: Tree, after: Tree, latest: str | None) -> None:
    """Write the tiles that filled up or grew, and the new head."""
    for tile in after.filled:
        session.upsert(schema.tile, {"level": tile.level, "number": tile.number, "hashes": tile.hashes})
    if after.size >> TILE_HEIGHT != before.size >> TILE_HEIGHT:
        for tile in after.open_tiles(lowest=1):
            session.upsert(schema.tile, {"level": tile.level, "number": tile.number, "hashes": tile.hashes})
    session.update(_MOVE_HEAD, {"size": after.size, "root": after.root(), "latest": latest})


class SqlLog:
    """The ledger from inside a transaction that holds the head's lock, or only reads: ``head`` is then None."""

    def __init__(self, session: Session, head: Head | None) -> None:
        self._session = session
        self._head = head
        self._newest: str | None = None
        self._flushed = 0
        self.pending: list[tuple[str, bytes, bytes]] = []
        """Subject, leaf and hash."""

    @property
    def size(self) -> int:
        """How many entries there are, with those that were appended here."""
        return self._start().size + len(self.pending)

    @property
    def latest(self) -> str | None:
        """The latest time of any entry as its timestamp, those that were appended here included."""
        return self._newest if self._newest is not None else self._start().latest

    def _start(self) -> Head:
        # Who only reads records never asks, and is spared the statement.
        if self._head is None:
            self._head = read_head(self._session)
        return self._head

    def append(self, entry: Entry, leaf: bytes) -> None:
        """Take one entry with its leaf, which is what is kept."""
        self.pending.append((entry.subject, leaf, hash_leaf(leaf)))
        self._newest = max(self.latest or "", timestamp(entry.at))

    def entries(self, subject: str) -> Sequence[tuple[int, Entry]]:
        """All entries about one record, in order, those of this transaction included."""
        self.flush()
        rows = self._session.read(_SUBJECT, {"about": lookup_value("subject", subject)})
        return [(row.position, _entry(row.position, _unchanged(row))) for row in rows]

    def newest(self, limit: int, *, before: int | None = None) -> Sequence[tuple[int, Entry]]:
        """At most ``limit`` entries below ``before``, newest first, those of this transaction included."""
        self.flush()
        end = self.size if before is None else min(before, self.size)
        start = max(0, end - limit)
        leaves = read_leaves(self._session, start, end)
        return [(position, _entry(position, leaves[position - start])) for position in reversed(range(start, end))]

    def named(self, subjects: Sequence[str]) -> dict[str, str]:
        """The newest digest of each record that entries about these subjects name, as ``table/id``."""
        self.flush()
        newest: dict[str, str] = {}
        for row in self._session.read(_NAMING, {"about": list(subjects)}):
            leaf = _unchanged(row)
            if b'"records":' in leaf:
                newest |= _records_of(row.position, leaf)
        return newest

    def last_at(self) -> datetime | None:
        """The latest time any entry carries, those of this transaction included; None in an empty ledger."""
        try:
            latest = self.latest
            return datetime.fromisoformat(latest) if latest else None
        except ValueError as error:
            raise damaged("the latest time in its head is none") from error

    def flush(self) -> None:
        """Write the leaves that are still only in memory."""
        fresh = self.pending[self._flushed :]
        if fresh:
            first = self._start().size + self._flushed
            rows = [
                {"position": first + offset, "subject": subject, "leaf": leaf, "hash": node}
                for offset, (subject, leaf, node) in enumerate(fresh)
            ]
            self._session.insert(schema.entry, rows)
            self._flushed = len(self.pending)

    def mark(self) -> Mark:
        """A place to go back to."""
        return len(self.pending), self._flushed, self._newest

    def back_to(self, mark: Mark) -> None:
        """Forget what was appended after ``mark``; the caller rolls the rows back."""
        length, self._flushed, self._newest = mark
        del self.pending[length:]


def as_bytes(value: object) -> bytes:
    """A stored value as bytes, whatever type it was given by an edit behind our back (SQLite keeps any)."""
    if isinstance(value, bytes):
        return value
    return str(value).encode("utf-8", errors="surrogateescape")


_STOP = "stop every server, keep the files, run interlock ledger verify and compare with a witness or backup"


def damaged(why: str, *, hint: str = _STOP) -> IntegrityError:
    """The error for a ledger that contradicts itself."""
    return IntegrityError(
        f"the ledger contradicts itself: {why}",
        code="ledger-damaged",
        hint=hint,
    )


def _records_of(position: int, leaf: bytes) -> dict[str, str]:
    """What an entry names; a tenth of the time of reading all of it."""
    try:
        records = from_json(leaf).get("records", {})
    except (ValueError, AttributeError, RecursionError) as error:
        raise damaged(f"entry {position} is not an entry") from error
    if not isinstance(records, dict):
        raise damaged(f"entry {position} names no records")
    return records


def _entry(position: int, leaf: bytes) -> Entry:
    try:
        return read_leaf(leaf)
    except InvalidInput as error:
        raise damaged(f"entry {position} is not an entry") from error


def _meeting(tree: Tree, head: Head) -> Tree:
    if tree.root() != head.root:
        raise damaged(f"its {head.size} entries do not lead to the root in its head")
    return tree
