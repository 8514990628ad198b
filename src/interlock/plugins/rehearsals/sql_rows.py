"""The rows of a PostgreSQL database, as the items of a fingerprint: counted, and summed up column by column.

Rules:
1. A column's checksum is a sum over its values, each hashed together with its row's primary key: it does not
   depend on the order of rows or columns, and two values that changed places are seen. A table without a primary
   key has a sum over whole rows besides.
2. Checksums find what was lost or spoiled by accident. They are 64-bit sums, no proof against somebody who forges.
3. A sequence is ``ahead`` when what it gives next is in no row yet, else it is ``behind`` by so many: the next
   insert fails. Where it stands is no state: numbers that were given and not used are no loss. One that belongs
   to no column stands where it stands: its next number is told.
4. Nothing is written, and one transaction sees everything at one moment.
"""

from __future__ import annotations

from collections.abc import Iterator

from interlock.plugins.rehearsals.sql_asking import Asking, Item, named, quoted
from interlock.plugins.rehearsals.sql_rights import BOUNDS

_TABLES = """
SELECT n.nspname, c.relname, array_agg(a.attname::text ORDER BY a.attname),
  array_remove(array_agg(CASE WHEN a.attnum = ANY(i.indkey) THEN a.attname::text END ORDER BY a.attname), NULL)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind IN ('r', 'm') AND n.nspname = ANY(%(schemas)s) AND a.attnum > 0 AND NOT a.attisdropped
AND (c.relkind = 'r' OR c.relispopulated)
GROUP BY 1, 2 ORDER BY 1, 2"""

_BARE = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = ANY(%(schemas)s)
AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)"""

_SEQUENCES = f"""
SELECT n.nspname, s.relname, q.seqincrement, format_type(q.seqtypid, NULL), {BOUNDS},
  tn.nspname, t.relname, a.attname
FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace JOIN pg_sequence q ON q.seqrelid = s.oid
LEFT JOIN LATERAL (
  SELECT d.refobjid AS relation, d.refobjsubid AS number FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_class'::regclass
    AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
  UNION ALL
  SELECT f.adrelid, f.adnum FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
    WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid
  LIMIT 1) o ON true
LEFT JOIN pg_class t ON t.oid = o.relation LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = o.number
WHERE s.relkind = 'S' AND n.nspname = ANY(%(schemas)s) ORDER BY 1, 2"""  # noqa: S608  # fixed


def row_items(asking: Asking, schemas: list[str]) -> Iterator[Item]:
    """Every table's rows and every sequence's state."""
    wanted = {"schemas": schemas}
    for schema, table, columns, key in asking.ask(_TABLES, wanted):
        if asking.counts(schema, table):
            yield from _summed(asking, schema, table, columns, key)
    for schema, table in asking.ask(_BARE, wanted):
        if asking.counts(schema, table):
            count = asking.one(f"SELECT count(*) FROM ONLY {quoted(schema, table)}")[0]  # noqa: S608  # quoted
            yield f"table {named(schema, table)} rows", f"{count:,}"
    for schema, name, step, kind, bounds, *owner in asking.ask(_SEQUENCES, wanted):
        if owner[0] is None or asking.counts(owner[0], owner[1]):
            yield f"bounds of sequence {named(schema, name)}", bounds
        if owner[0] is None:
            last, called = asking.one(f"SELECT last_value, is_called FROM {quoted(schema, name)}")  # noqa: S608  # quoted
            stands = f"gives {last + step if called else last:,} next"
            yield f"sequence {named(schema, name)}", f"{kind}, by {step}, of no column, {stands}"
        elif asking.counts(owner[0], owner[1]):
            stands = _standing(asking, (schema, name), step, owner)
            yield f"sequence {named(schema, name)}", f"{kind}, by {step}, {stands}"


def _summed(asking: Asking, schema: str, table: str, columns: list[str], key: list[str]) -> Iterator[Item]:
    texts = ", ".join(_text(each) for each in key)
    # Said once for each column, and not in a query below: that one could not be read by several workers.
    seed = f"hashtextextended(concat_ws(',', {texts}), 0)" if key else "0"
    parts = [f"count({quoted(each)}), sum(hashtextextended({_text(each)}, {seed}))" for each in columns]
    if not key:
        whole = (f"coalesce(length({_text(each)})::text || ':' || {_text(each)}, '-')" for each in columns)
        parts.append(f"sum(hashtextextended(concat_ws(',', {', '.join(whole)}), 0))")
    found = asking.one(f"SELECT count(*), {', '.join(parts)} FROM ONLY {quoted(schema, table)}")  # noqa: S608  # quoted
    name, count = f"table {named(schema, table)}", found[0]
    yield f"{name} rows", f"{count:,}" + ("" if key else _short(found[-1]))
    for number, column in enumerate(columns):
        filled, total = found[1 + 2 * number], found[2 + 2 * number]
        yield f"{name} values of {column}", f"{filled:,} of {count:,} set{_short(total)}"


def _text(column: str) -> str:
    # Two equal texts are one only by the letters, whatever the column's collation takes for equal.
    return f'{quoted(column)}::text COLLATE "C"'


def _short(total: object) -> str:
    """The checksum; nothing has none."""
    return "" if total is None else f", checksum {int(str(total)) % 2**64:016x}"


def _standing(asking: Asking, sequence: tuple[str, str], step: int, owner: list[str]) -> str:
    """Where it stands against the column that it gives numbers to, whose values may be no numbers."""
    schema, table, column = owner
    last, called = asking.one(f"SELECT last_value, is_called FROM {quoted(*sequence)}")  # noqa: S608  # quoted
    end = "max" if step > 0 else "min"
    held = asking.one(f"SELECT {end}({quoted(column)}) FROM {quoted(schema, table)}")[0]  # noqa: S608  # quoted
    given = last if called else last - step
    behind = (held - given) * (1 if step > 0 else -1) if isinstance(held, int) else 0
    return f"{f'behind by {behind:,}' if behind > 0 else 'ahead'} of {named(schema, table)}.{column}"
