"""The state of every table that a migration is judged by: where it lies, what it is made of, what was written.

Rules:
1. Rows written are the server's own counts. A program's are there once its connection has ended.
"""

from __future__ import annotations

from interlock.core.rehearsal.migration import Col, State, TableState
from interlock.plugins.rehearsals.sql_asking import Asking, named

_TABLES = """
SELECT c.oid, n.nspname, c.relname, pg_relation_filenode(c.oid),
  coalesce(s.n_tup_ins, 0), coalesce(s.n_tup_upd, 0), coalesce(s.n_tup_del, 0),
  ARRAY(SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    WHERE i.indrelid = c.oid AND i.indisvalid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^(pg_|information_schema$)'"""
_COLUMNS = """
SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_attribute a WHERE a.attrelid = ANY(%(tables)s) AND a.attnum > 0 AND NOT a.attisdropped"""


def state_of(asking: Asking) -> State:
    """Every table that counts, by its number."""
    asking.connection.execute(b"SELECT pg_stat_clear_snapshot()")
    tables = [each for each in asking.ask(_TABLES) if asking.counts(each[1], each[2])]
    columns: dict[int, dict[int, Col]] = {each[0]: {} for each in tables}
    for table, place, name, kind, required in asking.ask(_COLUMNS, {"tables": [*columns]}):
        columns[table][place] = Col(name=name, kind=kind, required=required)
    return {
        oid: TableState(
            name=named(schema, name),
            file=file or 0,
            columns=columns[oid],
            indexes=frozenset(indexes),
            changes=(put, changed, gone),
        )
        for oid, schema, name, file, put, changed, gone, indexes in tables
    }
