"""The tables that rows are put into: their columns, what they refer to, and what they check.

Rules:
1. A column that fills itself (an identity, a sequence, a generated one) is left to do so.
2. What a domain or a partition demands is a check of its table like any other.
3. A parent table is filled through its partitions.
"""

from __future__ import annotations

from dataclasses import dataclass

from interlock.plugins.rehearsals.migration_palette import TEXTS, sized
from interlock.plugins.rehearsals.migration_values import Column
from interlock.plugins.rehearsals.sql_asking import Asking, named, quoted

_TABLES = """
SELECT c.oid, n.nspname, c.relname,
  CASE WHEN c.relispartition THEN pg_get_partition_constraintdef(c.oid) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema$)' AND NOT EXISTS (
  SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY 2, 3"""

_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod),
  CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
    ELSE format_type(a.atttypid, a.atttypmod) END,
  t.typcategory::text,
  ARRAY(SELECT e.enumlabel::text FROM pg_enum e
    WHERE e.enumtypid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END ORDER BY e.enumsortorder),
  a.attnotnull OR t.typnotnull,
  a.attidentity <> '' OR a.attgenerated <> ''
    OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%%', false),
  ARRAY(SELECT pg_get_expr(k.conbin, 0) FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'),
  CASE WHEN a.attgenerated = '' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), '') ELSE '' END
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %(table)s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""

_NAMES = """ARRAY(SELECT a.attname::text FROM unnest({key}) WITH ORDINALITY AS one(n, o)
    JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = one.n ORDER BY one.o)"""
_REFERENCES = f"""
SELECT k.confrelid, {_NAMES.format(key="k.conkey", table="k.conrelid")},
  {_NAMES.format(key="k.confkey", table="k.confrelid")}
FROM pg_constraint k WHERE k.conrelid = %(table)s AND k.contype = 'f' ORDER BY k.conname"""  # noqa: S608  # fixed
_CHECKS = f"""
SELECT pg_get_expr(k.conbin, k.conrelid), {_NAMES.format(key="k.conkey", table="k.conrelid")}
FROM pg_constraint k WHERE k.conrelid = %(table)s AND k.contype = 'c' ORDER BY k.conname"""  # noqa: S608  # fixed
# What an index depends on are its columns, those within its expressions too.
_UNIQUE = """
SELECT ARRAY(SELECT DISTINCT a.attname::text FROM pg_attribute a WHERE a.attrelid = i.indrelid
  AND (a.attnum = ANY(i.indkey) OR a.attnum IN (SELECT d.refobjsubid FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refobjid = i.indrelid)))
FROM pg_index i WHERE i.indrelid = %(table)s AND (i.indisunique OR i.indisexclusion) ORDER BY i.indexrelid"""

_ROOM = 8
"""So many letters have room for as many rows as there may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A foreign key: these columns name a row of that table by those."""

    table: int
    columns: tuple[str, ...]
    theirs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """An expression over some columns that must not be false."""

    expression: str
    columns: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table that is filled; ``columns`` are those that do not fill themselves.

    ``unique`` are the columns that are, together, in no two rows the same.
    """

    oid: int
    schema: str
    name: str
    columns: tuple[Column, ...]
    references: tuple[Reference, ...]
    checks: tuple[Check, ...]
    unique: tuple[frozenset[str], ...] = ()

    @property
    def told(self) -> str:
        """Its name for people."""
        return named(self.schema, self.name)

    @property
    def quoted(self) -> str:
        """Its name as a statement has it."""
        return quoted(self.schema, self.name)

    @property
    def distinct(self) -> frozenset[str]:
        """Columns that must differ from row to row: of each key one that has room for it, else all of them."""
        referring = {name for each in self.references for name in each.columns}
        found: set[str] = set()
        for key in self.unique:
            columns = [self.column(name) for name in sorted(key)]
            if not columns or any(each is None for each in columns):
                continue  # one of them fills itself
            roomy = {each.name for each in columns if each and each.name not in referring and _roomy(each)}
            if not roomy & found:
                found |= {min(roomy)} if roomy else key
        return frozenset(found)

    def column(self, name: str) -> Column | None:
        """One that does not fill itself."""
        return next((each for each in self.columns if each.name == name), None)


def _roomy(column: Column) -> bool:
    name, size = sized(column.base)
    if column.labels or column.base.endswith("[]"):
        return False
    return not 0 < size < _ROOM if name in TEXTS else column.category in "NDU" and name != "smallint"


def tables_of(asking: Asking) -> list[Table]:
    """Every table that counts."""
    return [
        _table(asking, oid, schema, name, partition)
        for oid, schema, name, partition in asking.ask(_TABLES)
        if asking.counts(schema, name)
    ]


def _table(asking: Asking, oid: int, schema: str, name: str, partition: str | None) -> Table:
    wanted = {"table": oid}
    columns, checks = [], []
    for column, kind, base, category, labels, required, itself, domains, default in asking.ask(_COLUMNS, wanted):
        if itself:
            continue
        columns.append(
            Column(
                name=column, kind=kind, base=base, category=category, labels=tuple(labels), required=required,
                default="" if "(" in default else default,
            )
        )  # fmt: skip
        checks += [
            Check(expression=each.replace("VALUE", quoted(column)), columns=frozenset({column}))
            for each in domains
        ]
    checks += [
        Check(expression=text, columns=frozenset(names)) for text, names in asking.ask(_CHECKS, wanted) if names
    ]
    if partition:
        mentioned = frozenset(each.name for each in columns if each.name in partition)
        checks.append(Check(expression=partition, columns=mentioned))
    references = tuple(
        Reference(table=other, columns=tuple(ours), theirs=tuple(theirs))
        for other, ours, theirs in asking.ask(_REFERENCES, wanted)
    )
    return Table(
        oid=oid, schema=schema, name=name, columns=tuple(columns), references=references, checks=tuple(checks),
        unique=tuple(frozenset(names) for (names,) in asking.ask(_UNIQUE, wanted)),
    )  # fmt: skip
