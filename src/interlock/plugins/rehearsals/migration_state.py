"""The state of every table that a migration is judged by: where it lies, what it is made of, what was written.

Rules:
1. Rows written are the server's own counts. A program's are there once its connection has ended.
2. A partitioned table lies nowhere itself: what was written is what was written to its partitions. A view is here
   for the locks on it and for whom its end stops.
"""

from __future__ import annotations

from interlock.core.rehearsal.migration import Col, State, TableState
from interlock.plugins.rehearsals.sql_asking import Asking, named

_TABLES = """
SELECT c.oid, n.nspname, c.relname, pg_relation_filenode(c.oid),
  coalesce(s.put, 0), coalesce(s.changed, 0), coalesce(s.gone, 0),
  ARRAY(SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    WHERE i.indrelid = c.oid AND i.indisvalid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN LATERAL (
  SELECT sum(t.n_tup_ins)::bigint AS put, sum(t.n_tup_upd)::bigint AS changed, sum(t.n_tup_del)::bigint AS gone
  FROM pg_stat_user_tables t WHERE t.relid = c.oid
    OR (c.relkind = 'p' AND t.relid IN (SELECT relid FROM pg_partition_tree(c.oid)))) s ON true
WHERE c.relkind IN ('r', 'm', 'p', 'v') AND n.nspname !~ '^(pg_|information_schema$)'"""
_COLUMNS = """
SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_attribute a WHERE a.attrelid = ANY(%(tables)s) AND a.attnum > 0 AND NOT a.attisdropped"""

_PARTS = """
SELECT n.nspname, c.relname, m.nspname, l.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, pg_partition_tree(c.oid) t
JOIN pg_class l ON l.oid = t.relid JOIN pg_namespace m ON m.oid = l.relnamespace
WHERE c.relkind = 'p' AND t.isleaf AND l.relkind = 'r'"""


def parts_of(asking: Asking) -> dict[str, tuple[str, ...]]:
    """The partitions of each partitioned table, by their names."""
    found: dict[str, tuple[str, ...]] = {}
    for schema, name, *part in asking.ask(_PARTS):
        found[named(schema, name)] = (*found.get(named(schema, name), ()), named(*part))
    return found


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
