"""Bringing a database to the schema this version knows.

Rules:
1. A start on a current schema reads one row and loads nothing; Alembic is imported only to migrate.
2. A database of a newer interlock is refused, never guessed at.
3. A database whose records this version cannot carry on honestly is refused before anything is touched.
4. Two servers that start at once may both migrate: one wins, the other looks again.
"""

from __future__ import annotations

import time
from pathlib import Path

import sqlalchemy as sa

from interlock.core.change.errors import InvalidInput
from interlock.storage import schema
from interlock.storage.engine import Engines, translate
from interlock.storage.look import standing

_TRIES = 5
_PAUSE_SECONDS = 0.2


def bring_up_to_date(engines: Engines) -> None:
    """Migrate to ``schema.REVISION``.

    Raises:
        InvalidInput: ``schema-newer``, ``state-older``.
        Unavailable: the database cannot be reached.
    """
    for tries_left in reversed(range(_TRIES)):
        revision = current_revision(engines)
        if revision == schema.REVISION:
            return
        if revision is not None and revision > schema.REVISION:
            raise InvalidInput(
                f"expected a database at schema {schema.REVISION} or older, got `{revision}`",
                code="schema-newer",
                hint="start the newer interlock that wrote it",
            )
        _check_age(engines, revision)
        try:
            _migrate(engines)
        except sa.exc.DBAPIError as error:
            if not tries_left:
                raise translate(error) from error
            time.sleep(_PAUSE_SECONDS)


def _check_age(engines: Engines, revision: str | None) -> None:
    if revision is None or revision >= schema.OLDEST:
        return
    size = standing(engines).size
    if size:
        raise InvalidInput(
            f"expected a state of schema {schema.OLDEST} or newer, got `{revision}` with {size} entries, "
            "begun with an older interlock",
            code="state-older",
            hint="keep it with the interlock that wrote it, and begin a new one here: docs/how-to/upgrade.md",
        )


def current_revision(engines: Engines) -> str | None:
    """The schema the database is at, or None for an empty one."""
    try:
        with engines.writer.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(sa.select(schema.alembic_version.c.version_num)).scalar()
    except sa.exc.DBAPIError as error:
        raise translate(error) from error


def _migrate(engines: Engines) -> None:
    from alembic import command  # noqa: PLC0415  # half a second that a current schema need not pay
    from alembic.config import Config  # noqa: PLC0415  # as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engines.writer.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
