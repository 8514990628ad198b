"""Pushed counts as rows: one for each source of a service, replaced by its next push.

Rules:
1. Nothing of this is a record, and no entry of the ledger names it: pushes come each second (``ports.counts``).
2. One statement decides whether a push is newer than the last, so that two servers cannot both think so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from interlock.core.change.parse import parse_json
from interlock.core.rollout.samples import Sample
from interlock.ports.counts import Pushed
from interlock.storage import schema
from interlock.storage.dialect import insert_into
from interlock.storage.engine import Engines, translate

FORGOTTEN_SECONDS = 86_400.0
_ROW = schema.pushed.c


class SqlPushedCounts:
    """The port ``PushedCounts`` over one database. Safe to use from several threads."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def put(self, service: str, pushed: Pushed) -> bool:
        """Keep a push unless its source has pushed the same or a later one."""
        newest = max((sample.at for sample in pushed.samples), default=0.0)
        row = {
            "service": service,
            "source": pushed.source,
            "sequence": pushed.sequence,
            "newest": newest,
            "body": json.dumps([asdict(sample) for sample in pushed.samples]),
        }
        statement = insert_into(schema.pushed, on_sqlite=self._engines.sqlite).values(**row)
        statement = statement.on_conflict_do_update(
            index_elements=[_ROW.service, _ROW.source],
            set_={name: statement.excluded[name] for name in ("sequence", "newest", "body")},
            where=_ROW.sequence < statement.excluded.sequence,
        )
        old = sa.delete(schema.pushed).where(_ROW.service == service, _ROW.newest < newest - FORGOTTEN_SECONDS)
        try:
            with self._engines.turns.small(), self._engines.writer.begin() as connection:
                kept = connection.execute(statement).rowcount == 1
                if kept:
                    connection.execute(old)
        except sa.exc.DBAPIError as error:
            raise translate(error) from error
        return kept

    def newest(self, service: str) -> Sequence[Pushed]:
        """The last push of each source."""
        wanted = sa.select(_ROW.source, _ROW.sequence, _ROW.body).where(_ROW.service == service)
        try:
            with self._engines.reader.begin() as connection:
                rows = connection.execute(wanted.order_by(_ROW.source)).all()
        except sa.exc.DBAPIError as error:
            raise translate(error) from error
        return tuple(
            Pushed(
                source=row.source,
                sequence=row.sequence,
                samples=parse_json(tuple[Sample, ...], row.body, what="pushed counts"),
            )
            for row in rows
        )
