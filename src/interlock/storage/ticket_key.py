"""Which key signs tickets, as the database remembers it.

Rules:
1. The first start pins the key; every later one must bring the same. Deployers have pinned its public half, and a
   key that changes in silence is found out by their next deployment.
2. A new one is pinned on purpose only (``repin``), together with a ledger entry that names both.
"""

from __future__ import annotations

import sqlalchemy as sa

from interlock.core.change.errors import InvalidInput
from interlock.storage import schema
from interlock.storage.engine import Engines, connect, translate

_HERE = schema.log.c.id == 1


def pin(engines: Engines, ours: str) -> None:
    """Remember the verifier key ``ours``, or find it to be the one remembered.

    Raises:
        InvalidInput: ``ticket-key-mismatch``.
    """
    if _read(engines) is None:
        _write(engines, sa.and_(_HERE, schema.log.c.ticket_vkey.is_(None)), ours)
    kept = _read(engines)
    if kept != ours:
        raise InvalidInput(
            f"expected the ticket key `{str(kept)[:120]}`, got `{ours}`",
            code="ticket-key-mismatch",
            hint="restore ticket.key; if it is lost, move this one away and make a new one on purpose: "
            "interlock ticket new-key",
        )


def repin(url: str, ours: str) -> None:
    """Remember ``ours`` from now on."""
    engines = connect(url, create=False)
    try:
        _write(engines, _HERE, ours)
    finally:
        engines.dispose()


def _read(engines: Engines) -> str | None:
    try:
        with engines.reader.begin() as connection:
            return connection.execute(sa.select(schema.log.c.ticket_vkey).where(_HERE)).scalar()
    except sa.exc.DBAPIError as error:
        raise translate(error) from error


def _write(engines: Engines, where: sa.ColumnElement[bool], key: str) -> None:
    try:
        with engines.writer.begin() as connection:
            connection.execute(sa.update(schema.log).where(where).values(ticket_vkey=key))
    except sa.exc.DBAPIError as error:
        raise translate(error) from error
