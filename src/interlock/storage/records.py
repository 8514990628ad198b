"""Records: one table per registered class, kept whole as canonical JSON beside the columns they are found by.

Rules:
1. Columns are copies. They are computed from the record at each write, so the JSON is the truth; when a class is
   registered with other columns, its table is rebuilt from the JSON.
2. What cannot be looked up is refused on the way in: names with NUL, lone surrogates, more than 1,000 bytes.
3. Each row carries the digest of its JSON; a row whose bytes changed by themselves is never read as a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import reduce
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from interlock.core.change.canonical import canonical, sha256, timestamp
from interlock.core.change.errors import Conflict, IntegrityError, InterlockError, InvalidInput, NotFound
from interlock.core.change.parse import parse_json
from interlock.ports.store import Page
from interlock.storage.session import Session, lookup_value, taken
from interlock.storage.sides import Side

R = TypeVar("R")

MAX_PAGE = 200

LISTED = {
    "changes": "interlock change list",
    "evidence": "interlock evidence list CHANGE",
    "rollouts": "interlock rollout list",
    "statements": "interlock statement list",
    "tokens": "interlock token list",
}
"""The command that lists a table's records, for whoever named one that is not there."""

_TOLD = "interlock ledger log"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType(Generic[R]):
    """How a record class is kept. ``columns`` are attribute paths; ``statement.subject`` is found as ``subject``.

    ``many`` are attribute paths to several words each, found by any of them through a table of their own.
    ``unique`` names those columns of which no two records may share a value (None is no value).
    ``version`` is the attribute that ``replace(expected_version=…)`` compares.
    """

    kind: type[R]
    table: str
    key: str = "id"
    columns: tuple[str, ...] = ()
    many: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    version: str | None = None

    def shape(self) -> str:
        """What the table's form depends on, as canonical JSON."""
        shape = {"key": self.key, "columns": self.columns, "unique": self.unique, "version": self.version}
        return canonical(shape | ({"many": self.many} if self.many else {})).decode()


class Shelf(Generic[R]):
    """A record type with its table."""

    def __init__(self, record_type: RecordType[R]) -> None:
        self.type = record_type
        self.columns = {path.rsplit(".", 1)[-1]: path for path in record_type.columns}
        used = {"seq", "id", "version", "body_digest", "body"} & self.columns.keys()
        if len(self.columns) != len(record_type.columns) or used or set(record_type.unique) - self.columns.keys():
            raise InvalidInput(
                f"expected columns of free names for `{record_type.table}`, got `{record_type.columns}`",
                code="record-type",
                hint="rename a column; unique ones must be among the columns",
            )
        self.table = self.make_table(record_type.table, sa.MetaData())
        self.sides = {path: Side(f"{record_type.table}_{path}", path) for path in record_type.many}
        columns = self.table.c
        self.rows = sa.select(columns.id, columns.body_digest, columns.body)
        self.one = self.rows.where(columns.id == sa.bindparam("key"))
        counted = sa.update(self.table).execution_options(preserve_rowcount=True)
        self.update = counted.where(columns.id == sa.bindparam("key"))
        self.update_version = self.update.where(columns.version == sa.bindparam("expected"))

    def make_table(self, name: str, metadata: sa.MetaData) -> sa.Table:
        """The table under ``name``."""
        unique = set(self.type.unique)
        return sa.Table(
            name,
            metadata,
            sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
            sa.Column("id", sa.Text, nullable=False, unique=True),
            sa.Column("version", sa.BigInteger),
            *(sa.Column(column, sa.Text, unique=column in unique) for column in self.columns),
            sa.Column("body_digest", sa.Text, nullable=False),
            sa.Column("body", sa.Text, nullable=False),
            *(sa.Index(f"{name}_{column}", column, "seq") for column in self.columns if column not in unique),
        )

    def row(self, record: R) -> dict[str, object]:
        """The column values of a record."""
        body = canonical(record)
        version = getattr(record, self.type.version) if self.type.version else None
        row: dict[str, object] = {name: _lookup(name, _at(record, path)) for name, path in self.columns.items()}
        row |= {"id": _lookup("id", _at(record, self.type.key)), "version": version}
        return row | {"body_digest": sha256(body), "body": body.decode()}

    def record(self, row: Any) -> R:  # noqa: ANN401  # a row of any statement that names these columns
        """The record of a row with ``id``, ``body_digest`` and ``body``.

        Raises:
            IntegrityError: ``record-damaged``.
        """
        body = row.body.encode() if isinstance(row.body, str) else b""
        if sha256(body) != row.body_digest:
            raise self._damaged(row.id)
        try:
            return parse_json(self.type.kind, body, what=f"record `{row.id}` of {self.type.table}")
        except InterlockError as error:
            raise self._damaged(row.id) from error

    def _damaged(self, record_id: str) -> IntegrityError:
        return IntegrityError(
            f"record `{record_id}` of {self.type.table} is not what was written",
            code="record-damaged",
            hint="run interlock ledger verify, then restore from a backup",
        )


class SqlRepository(Generic[R]):
    """The records of one class inside one transaction."""

    def __init__(self, shelf: Shelf[R], session: Session) -> None:
        self._shelf = shelf
        self._table = shelf.table
        self._session = session

    def get(self, record_id: str) -> R:
        """The record; raises ``NotFound``."""
        lookup_value("id", record_id)
        self._session.settle(self._table, record_id)
        row = self._session.read(self._shelf.one, {"key": record_id}).first()
        if row is None:
            raise NotFound(
                f"expected a known id in {self._table.name}, got `{record_id[:80]}`",
                code="record-unknown",
                hint=f"{LISTED.get(self._table.name, _TOLD)} shows what there is; or correct the id",
            )
        return self._shelf.record(row)

    def find(self, **where: str | None) -> Sequence[R]:
        """Records whose columns equal the given values (None: have none), oldest first."""
        self._session.settle(self._table)
        statement = self._filtered(where).order_by(self._table.c.seq)
        return [self._shelf.record(row) for row in self._session.read(statement)]

    def page(self, page: Page, **where: str | None) -> Sequence[R]:
        """Newest first, at most ``page.limit``; an unknown ``after`` raises ``NotFound``."""
        if not 1 <= page.limit <= MAX_PAGE:
            raise InvalidInput(
                f"expected a page of 1 to {MAX_PAGE}, got `{page.limit}`",
                code="page-limit",
                hint="ask for several pages",
            )
        self._session.settle(self._table)
        statement = self._filtered(where).order_by(self._table.c.seq.desc()).limit(page.limit)
        if page.after is not None:
            self.get(page.after)
            after = sa.select(self._table.c.seq).where(self._table.c.id == page.after).scalar_subquery()
            statement = statement.where(self._table.c.seq < after)
        return [self._shelf.record(row) for row in self._session.read(statement)]

    def add(self, record: R) -> None:
        """Keep a new record; ``Conflict`` when its id or a unique column is taken."""
        row = self._shelf.row(record)
        key = str(row["id"])
        if not self._session.add_record(self._table, key, row):
            raise taken(self._table.name, key)
        for side in self._shelf.sides.values():
            side.add(self._session, key, record)

    def replace(self, record: R, *, expected_version: int | None = None) -> None:
        """Keep a new form; ``NotFound`` for a new id, ``Conflict`` when the stored version is another."""
        row = self._shelf.row(record)
        key = str(row.pop("id"))
        changes = row | {"key": key}
        statement = self._shelf.update
        if expected_version is not None:
            statement = self._shelf.update_version
            changes["expected"] = expected_version
        unique = bool(self._shelf.type.unique)
        if not self._session.change_record(self._table, key, statement, changes, unique=unique):
            self.get(key)
            raise Conflict(
                f"expected `{key}` at version {expected_version}, got another: it changed meanwhile",
                code="version-stale",
                hint="read it again and repeat the step on what it says now",
            )
        for side in self._shelf.sides.values():
            side.replace(self._session, key, record)

    def _filtered(self, where: dict[str, str | None]) -> sa.Select[Any]:
        unknown = where.keys() - self._shelf.columns.keys() - {"id"}
        if unknown:
            raise InvalidInput(
                f"expected columns of {self._table.name}, got `{min(unknown)}`",
                code="record-column",
                hint=f"one of: {', '.join(self._shelf.columns)}",
            )
        return self._shelf.rows.where(
            *(self._table.c[name] == _lookup(name, value) for name, value in where.items())
        )


def _at(record: object, path: str) -> object:
    return reduce(getattr, path.split("."), record)


def _value(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, Enum):
        return _value(value.value)
    return timestamp(value) if isinstance(value, datetime) else str(value)


def _lookup(name: str, value: object) -> str | None:
    text = _value(value)
    return None if text is None else lookup_value(name, text)
