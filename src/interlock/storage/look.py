"""What a database is, before anything is made or written: a look that leaves no trace.

Rules:
1. Nothing is created: no file, no folder, no table. A place where nothing is, is a state that was never begun.
2. What was begun names its ledger's key. Whoever opens it needs that very key, and must not make another.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from interlock.core.change.errors import InvalidInput
from interlock.storage import schema
from interlock.storage.engine import Engines, connect, translate


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands in a database: its schema, the ledger's and the ticket's verifier keys, and how many entries.

    All None and 0 where nothing was begun; ``ticket_key`` is None too before a start pinned it. ``signed_at`` is
    when the newest checkpoint was signed (UTC).
    """

    revision: str | None = None
    ledger_key: str | None = None
    ticket_key: str | None = None
    size: int = 0
    signed_at: str | None = None

    @property
    def begun(self) -> bool:
        """Whether there is a ledger."""
        return self.ledger_key is not None


def look(url: str) -> Standing:
    """What stands at ``url``.

    Raises:
        InvalidInput: ``database-url``.
        Unavailable, IntegrityError: it does not answer, or cannot be read.
    """
    try:
        engines = connect(url, create=False)
    except InvalidInput as error:
        if error.code == "database-missing":
            return Standing()
        raise
    try:
        return standing(engines)
    finally:
        engines.dispose()


def standing(engines: Engines) -> Standing:
    """The same of a database that is open already."""
    try:
        with engines.reader.begin() as connection:
            inspector = sa.inspect(connection)
            if not inspector.has_table(schema.log.name):
                return Standing()
            held = {column["name"] for column in inspector.get_columns(schema.log.name)}
            row = connection.execute(
                sa.select(*(column for column in schema.log.c if column.name in held))
            ).first()
            return Standing(
                revision=connection.execute(sa.select(schema.alembic_version.c.version_num)).scalar(),
                ledger_key=row.vkey if row else None,
                ticket_key=getattr(row, "ticket_vkey", None),
                signed_at=connection.execute(sa.select(sa.func.max(schema.checkpoint.c.signed_at))).scalar(),
                size=connection.execute(sa.select(schema.head.c.size)).scalar() or 0,
            )
    except sa.exc.DBAPIError as error:
        raise translate(error) from error
