"""Verifying all that is stored: leaves, tiles, head and checkpoints against the key, records against the leaves.

Rules:
1. The audit reads one snapshot and needs no private key. It starts from the leaves and believes nothing else.
2. It goes on after a finding and reports up to 20, first the one that names an entry.
3. Entries that no checkpoint by the key covers may have been written by anyone: they are a finding. While a server
   writes, the newest entries are signed a moment later; the audit waits for that moment and looks again. What
   was there at the first look must then be signed.
4. Entries that name no record at all are those of an interlock that did not do so yet: its records cannot be
   compared, which is one finding and not one for each.
5. What it cannot see it says: a whole older state with valid signatures looks like a younger log. Only somebody
   outside who remembers (a witness, an older checkpoint that was kept) can tell.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa
from pydantic_core import from_json

from interlock.core.change.errors import InterlockError, NotFound
from interlock.core.ledger.checkpoint import Checkpoint, open_checkpoint
from interlock.core.ledger.merkle import hash_leaf
from interlock.core.ledger.note import VerifierKey
from interlock.core.ledger.tree import Tile, Tree
from interlock.storage import schema
from interlock.storage.compare import Named, compare
from interlock.storage.compare_sides import compare_sides
from interlock.storage.engine import Engines, connect, translate
from interlock.storage.kinds import RECORD_TYPES
from interlock.storage.ledger import as_bytes
from interlock.storage.records import Shelf

MAX_FINDINGS = 20
UNSIGNED = "unsigned"
PATIENCE_SECONDS = 3.0
_PAUSE_SECONDS = 0.05
_BATCH = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One contradiction. ``what`` is a stable word, ``text`` one line.

    ``entry`` is the index it names, ``record`` the record as ``table/id``, if any.
    """

    what: str
    text: str
    entry: int | None = None
    record: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What was read and what was found. ``root`` is over the leaves as they are stored now.

    ``signed`` is how many entries the newest valid checkpoint covers, ``records`` how many records were compared.
    """

    size: int
    signed: int
    records: int
    root: bytes
    checkpoints: int
    findings: tuple[Finding, ...]
    vkey: str

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts anything."""
        return not self.findings

    @property
    def unsigned(self) -> int:
        """How many of the newest entries no checkpoint covers yet."""
        return self.size - self.signed


@dataclass(slots=True)
class _Audit:
    key: VerifierKey
    tree: Tree = field(default_factory=Tree)
    findings: list[Finding] = field(default_factory=list)
    latest: str = ""
    due: list[Checkpoint] = field(default_factory=list)
    named: Named = field(default_factory=Named)
    signed: int | None = None
    """The size of the newest checkpoint that is met; None before any."""

    def found(self, what: str, text: str, entry: int | None = None, record: str | None = None) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(what=what, text=text, entry=entry, record=record))

    def contradicted(self, record: str, text: str, entry: int | None) -> None:
        self.found("record", f"{record[:120]} {text}", entry, record)


def audit(
    url: str, key: VerifierKey, older: Sequence[Checkpoint] = (), *, patience: float = PATIENCE_SECONDS
) -> AuditReport:
    """Verify the log at ``url`` by ``key``; ``older`` are checkpoints that somebody kept.

    ``patience`` is how many seconds a server that is writing has to sign what was found unsigned.

    Raises:
        InvalidInput: ``database-url``, ``database-missing``.
        NotFound: ``ledger-missing`` when the database holds no ledger.
        Unavailable, IntegrityError: it cannot be read at all.
    """
    engines = connect(url, create=False)
    try:
        with _reading(engines) as connection:
            report = audit_connection(connection, key, older)
        if [each.what for each in report.findings] == [UNSIGNED] and _was_signed(engines, report, patience):
            with _reading(engines) as connection:
                report = audit_connection(connection, key, older, first=report.size)
    except sa.exc.DBAPIError as error:
        raise reading_error(engines, error) from error
    finally:
        engines.dispose()
    return report


@contextmanager
def _reading(engines: Engines) -> Iterator[sa.Connection]:
    with engines.reader.begin() as connection:
        if engines.sqlite:
            # Each page is read once; mapped ones would only count as this process's memory.
            connection.exec_driver_sql("PRAGMA mmap_size=0")
        yield connection


def _was_signed(engines: Engines, report: AuditReport, patience: float) -> bool:
    """Whether a checkpoint turns up that claims to cover what was unsigned; the next audit verifies it."""
    newest = sa.select(sa.func.max(schema.checkpoint.c.size))
    until = time.monotonic() + patience
    while time.monotonic() < until:
        with engines.reader.begin() as connection:
            size = connection.execute(newest).scalar()
        if isinstance(size, int) and size >= report.size:
            return True
        time.sleep(_PAUSE_SECONDS)
    return False


def audit_connection(
    connection: sa.Connection, key: VerifierKey, older: Sequence[Checkpoint] = (), *, first: int | None = None
) -> AuditReport:
    """The audit over one open snapshot.

    The first ``first`` entries must be signed (None: all). They are what an earlier look had found; whatever came
    since then a server that writes has yet to sign.
    """
    state = _Audit(key)
    pinned = connection.execute(sa.select(schema.log.c.vkey)).scalar()
    if pinned is not None and pinned != str(key):
        state.found("key", f"the database names the key {pinned[:120]}, pinned is {key}")
    count = _checkpoints(connection, state, older)
    _leaves(connection, state)
    _head(connection, state)
    records = _records(connection, state)
    _signed(state, state.tree.size if first is None else first)
    findings = sorted(state.findings, key=lambda each: each.entry is None)
    return AuditReport(
        size=state.tree.size,
        signed=state.signed or 0,
        records=records,
        root=state.tree.root(),
        checkpoints=count,
        findings=tuple(findings),
        vkey=str(key),
    )


def _records(connection: sa.Connection, state: _Audit) -> int:
    if len(state.named):
        records = compare(connection, state.named, state.contradicted)
        compare_sides(connection, map(Shelf, RECORD_TYPES), state.contradicted)
        return records
    # Nobody can take names out of signed leaves, so an edit of the database does not lead here.
    records = compare(connection, state.named, lambda _name, _text, _entry: None)
    if records:
        state.found(
            "record",
            f"{_count(records)} covered by no entry: written by an older interlock that named none, or by "
            "somebody else; the entries themselves were read",
        )
    return records


def _count(records: int) -> str:
    return f"{records} record is" if records == 1 else f"{records} records are"


def no_ledger() -> NotFound:
    """The error for a database without a ledger."""
    return NotFound(
        "expected a ledger in this database, got none",
        code="ledger-missing",
        hint="name the database that interlock serve writes to",
    )


def _checkpoints(connection: sa.Connection, state: _Audit, older: Sequence[Checkpoint]) -> int:
    rows = connection.execute(sa.select(schema.checkpoint.c.size, schema.checkpoint.c.note)).all()
    due = list(older)
    for row in rows:
        try:
            checkpoint = open_checkpoint(str(row.note), state.key)
        except InterlockError as error:
            state.found(
                "checkpoint", f"the checkpoint of size {row.size} is not by the pinned key: {error.message}"
            )
            continue
        if checkpoint.size != row.size:
            state.found("checkpoint", f"the checkpoint of size {checkpoint.size} is filed under {row.size}")
        due.append(checkpoint)
    # Taken from the end as the tree grows past them.
    state.due = sorted(due, key=lambda each: each.size, reverse=True)
    _meet(state)
    return len(rows)


def _leaves(connection: sa.Connection, state: _Audit) -> None:
    tiles = _stored_tiles(connection)
    columns = schema.entry.c
    statement = sa.select(columns.position, columns.subject, columns.leaf, columns.hash)
    rows = connection.execute(
        statement.order_by(schema.entry.c.position),
        execution_options={"stream_results": True, "yield_per": _BATCH},
    )
    tree = state.tree
    for batch in rows.partitions(_BATCH):
        for position, subject, stored, kept in batch:
            leaf = as_bytes(stored)
            if position != tree.size:
                gap = "is gone" if position > tree.size else "is there twice"
                state.found("entry", f"entry {tree.size} {gap}: the next one stored is {position}", tree.size)
                return
            node = hash_leaf(leaf)
            if node != kept:
                state.found("entry", f"entry {position} was changed after it was written", position)
            tree.append(node)
            _read(state, position, subject, leaf)
            if tree.filled:
                _compare(state, tree.filled, tiles)
            if state.due and state.due[-1].size == tree.size:
                _meet(state)
    _compare(state, tree.open_tiles(lowest=1), tiles, partial=True)
    for (level, number), _ in sorted(tiles.items()):
        state.found("tile", f"tile {level}/{number} covers entries that are not there")
    for checkpoint in state.due:
        state.found("checkpoint", f"a checkpoint covers {checkpoint.size} entries, stored are {tree.size}")


def _read(state: _Audit, position: int, subject: str, leaf: bytes) -> None:
    try:
        fields = from_json(leaf, cache_strings="keys")
        if fields["subject"] != subject:
            state.found("entry", f"entry {position} is filed under `{subject[:60]}`", position)
        state.latest = max(state.latest, fields["at"])
        if "records" in fields:
            state.named.read(position, fields["records"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        state.found("entry", f"entry {position} is not an entry", position)


def _stored_tiles(connection: sa.Connection) -> dict[tuple[int, int], bytes]:
    rows = connection.execute(sa.select(schema.tile.c.level, schema.tile.c.number, schema.tile.c.hashes))
    return {(row.level, row.number): as_bytes(row.hashes) for row in rows}


def _compare(
    state: _Audit, computed: list[Tile], stored: dict[tuple[int, int], bytes], *, partial: bool = False
) -> None:
    for tile in computed:
        if stored.pop((tile.level, tile.number), None) != tile.hashes:
            state.found("tile", f"tile {tile.level}/{tile.number} does not follow from the entries")
    if not partial:
        computed.clear()


def _meet(state: _Audit) -> None:
    while state.due and state.due[-1].size <= state.tree.size:
        checkpoint = state.due.pop()
        if checkpoint.size != state.tree.size or checkpoint.root != state.tree.root():
            state.found("history", f"the first {checkpoint.size} entries are not those that were signed")
        else:
            state.signed = checkpoint.size


def _signed(state: _Audit, needed: int) -> None:
    if state.tree.size and state.signed is None:
        state.found(UNSIGNED, f"{state.tree.size} entries, none signed: no valid checkpoint covers any of them")
    elif (state.signed or 0) < needed:
        first = state.signed or 0
        count = state.tree.size - first
        state.found(
            UNSIGNED,
            f"the newest {count} of {state.tree.size} entries are unsigned: anyone may have written entries "
            f"{first} to {state.tree.size - 1}, unless a server was killed before it signed them",
        )


def _head(connection: sa.Connection, state: _Audit) -> None:
    rows = connection.execute(sa.select(schema.head)).all()
    tree = state.tree
    if [(row.id, row.size, row.root) for row in rows] != [(1, tree.size, tree.root())]:
        size = rows[0].size if rows else "no row"
        state.found("head", f"the head ({size}) does not follow from the {tree.size} entries")
    elif (rows[0].latest or "") != state.latest:
        state.found("head", f"the head's latest time {rows[0].latest} is not {state.latest}")


def reading_error(engines: Engines, error: sa.exc.DBAPIError) -> InterlockError:
    """What a failed read means: a database without a ledger, or an outage."""
    try:
        with engines.reader.connect() as connection:
            empty = not sa.inspect(connection).has_table(schema.log.name)
    except sa.exc.SQLAlchemyError:
        empty = False
    return no_ledger() if empty else translate(error)


def stored_leaves(connection: sa.Connection, size: int) -> Iterator[bytes]:
    """The first ``size`` leaves in order, as stored."""
    statement = sa.select(schema.entry.c.leaf).where(schema.entry.c.position < size)
    rows = connection.execute(
        statement.order_by(schema.entry.c.position),
        execution_options={"stream_results": True, "yield_per": _BATCH},
    )
    for batch in rows.partitions(_BATCH):
        for row in batch:
            yield as_bytes(row[0])
