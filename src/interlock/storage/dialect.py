"""What SQLite and PostgreSQL say each in its own way: inserting what may be there, and arrays."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite


def insert_into(table: sa.Table, *, on_sqlite: bool) -> Any:  # noqa: ANN401  # an insert of either dialect
    """An insert that may say what happens on a conflict."""
    return sqlite.insert(table) if on_sqlite else postgresql().insert(table)


def postgresql() -> Any:  # noqa: ANN401  # the module of the dialect
    """Its dialect. A command on SQLite must not wait for it."""
    from sqlalchemy.dialects import postgresql as module  # noqa: PLC0415  # as said

    return module
