"""A PostgreSQL database's fingerprint: what it is made of, its rows column by column, and its sequences.

Rules:
1. Two databases with the same fingerprint have the same schema by name and the same rows; see ``sql_catalog`` and
   ``sql_rows`` for what counts.
2. A difference says where to look: ``table orders column note``, ``table orders values of note``,
   ``sequence orders_id_seq``.
3. It is one look at one moment: a read-only transaction, whose settings make every value the same text wherever
   it is asked for. It ends within its time, or it failed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from interlock.core.rehearsal.fingerprint import MAX_ITEMS, Fingerprint
from interlock.plugins.rehearsals.sql_asking import Asking, Row
from interlock.plugins.rehearsals.sql_catalog import catalog_items, schemas_of
from interlock.plugins.rehearsals.sql_rows import row_items

if TYPE_CHECKING:
    import psycopg

ONE_LOOK = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
ALIKE = (
    "SET LOCAL search_path = pg_catalog",
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL lc_monetary = 'C'",
    "SET LOCAL quote_all_identifiers = off",
    "SET LOCAL standard_conforming_strings = on",
)


def sql_fingerprint(
    connection: psycopg.Connection[Row],
    *,
    schemas: Sequence[str] = (),
    without: Sequence[str] = (),
    seconds: float = 600.0,
) -> Fingerprint:
    """What this connection's database holds now.

    ``schemas`` are all but PostgreSQL's own where none is named; ``without`` are tables that do not count, by name
    (``billing.orders`` outside of ``public``), where ``*`` stands for any letters. What PostgreSQL says against
    it, and that it took more than ``seconds``, is a look that failed. Ends with no transaction open.
    """
    import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

    try:
        with connection.transaction(force_rollback=True):
            for setting in (ONE_LOOK, *ALIKE):
                connection.execute(setting.encode())
            until = time.monotonic() + seconds
            return _looked(Asking(connection=connection, until=until, without=without), [*schemas])
    except psycopg.errors.QueryCanceled:
        return Fingerprint(items={}, failed=f"not over within {seconds:g} s; name fewer schemas or tables")
    except psycopg.Error as error:
        said = " ".join(str(error).split()) or type(error).__name__
        return Fingerprint(items={}, failed=said[:300])


def _looked(asking: Asking, schemas: list[str]) -> Fingerprint:
    wanted = schemas or schemas_of(asking)
    items: dict[str, str] = {}
    for source in (catalog_items(asking, wanted, whole=not schemas), row_items(asking, wanted)):
        for name, text in source:
            items[name] = text
            if len(items) > MAX_ITEMS:
                return Fingerprint(items={}, failed=f"more than {MAX_ITEMS} items; name fewer schemas or tables")
    return Fingerprint(items=items)
