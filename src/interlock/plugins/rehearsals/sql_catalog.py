"""What a PostgreSQL database is made of, as the items of a fingerprint: everything by name, nothing by position.

Rules:
1. A column that was dropped and came back stands last in its table; by name it is the same column. So nothing here
   goes by position, and what PostgreSQL numbers for itself (oids, files on disk) is not seen.
2. What an extension brought is the extension's; the extension itself is seen with its version.
3. A name is said without its schema where that is ``public``. A definition longer than ``MAX_TEXT`` letters is its
   digest and its length.
4. A constraint says whether it was validated, an index whether it can be used.
"""

from __future__ import annotations

from collections.abc import Iterator

from interlock.core.change.canonical import sha256
from interlock.core.rehearsal.fingerprint import MAX_TEXT
from interlock.plugins.rehearsals.sql_asking import Asking, Item, named
from interlock.plugins.rehearsals.sql_rights import (
    BESIDE,
    EVERYWHERE,
    LARGE,
    LARGE_THERE,
    OF_TABLES,
    ORDINARY,
    WHOLE,
    rights,
)

_SCHEMAS = """
SELECT nspname FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1"""

_TABLES = f"""
SELECT n.nspname, c.relname,
  CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'f' THEN 'foreign table'
    ELSE 'materialized view' END
  || CASE WHEN c.relispartition THEN ' ' || pg_get_expr(c.relpartbound, c.oid) ELSE '' END
  || CASE WHEN c.relkind = 'p' THEN ' ' || pg_get_partkeydef(c.oid) ELSE '' END
  || CASE c.relpersistence WHEN 'u' THEN ', unlogged' ELSE '' END
  || CASE WHEN c.relrowsecurity THEN ', row security' ELSE '' END
  || CASE WHEN c.relforcerowsecurity THEN ' forced' ELSE '' END
  || coalesce(', with ' || array_to_string(c.reloptions, ' '), '')
  || CASE c.relreplident WHEN 'd' THEN '' WHEN 'n' THEN ', replica identity nothing'
    WHEN 'f' THEN ', replica identity full' ELSE ', replica identity by an index' END
  || {rights("c.relacl", "c.relowner", "r")}
  || coalesce((SELECT ', at ' || r.srvname || coalesce(' with ' || array_to_string(f.ftoptions, ' '), '')
    FROM pg_foreign_table f JOIN pg_foreign_server r ON r.oid = f.ftserver WHERE f.ftrelid = c.oid), '')
  || coalesce(', comment ' || obj_description(c.oid, 'pg_class'), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'm') AND <relation>"""  # noqa: S608  # fixed

_COLUMNS = """
SELECT n.nspname, c.relname, a.attname,
  format_type(a.atttypid, a.atttypmod)
  || CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || l.collname ELSE '' END
  || CASE WHEN a.attnotnull THEN ', not null' ELSE '' END
  || CASE a.attidentity WHEN 'a' THEN ', identity always' WHEN 'd' THEN ', identity by default' ELSE '' END
  || CASE WHEN d.oid IS NULL THEN '' WHEN a.attgenerated <> '' THEN ', generated ' ELSE ', default ' END
  || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
  || coalesce(', grants ' || array_to_string(a.attacl, ' '), '')
  || coalesce(', with ' || array_to_string(a.attfdwoptions, ' '), '')
  || coalesce(', comment ' || col_description(c.oid, a.attnum), '')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'm') AND <relation>"""

_CONSTRAINTS = """
SELECT n.nspname, c.relname, o.conname, pg_get_constraintdef(o.oid)
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE o.contype <> 'n' AND <relation>"""
# Where a server keeps NOT NULL as a constraint too, it was seen with its column.

_INDEXES = """
SELECT n.nspname, c.relname, x.relname,
  pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE ', cannot be used' END
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE <relation>"""

_TRIGGERS = """
SELECT n.nspname, c.relname, g.tgname,
  pg_get_triggerdef(g.oid) || CASE g.tgenabled WHEN 'D' THEN ', disabled'
    WHEN 'A' THEN ', enabled always' WHEN 'R' THEN ', enabled on replicas' ELSE '' END
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT g.tgisinternal AND <relation>"""

_POLICIES = """
SELECT n.nspname, c.relname, p.polname, p.polcmd::text
  || CASE WHEN p.polpermissive THEN '' ELSE ' restrictive' END
  || ' to ' || (SELECT string_agg(o.who, ', ' ORDER BY o.who) FROM (SELECT CASE r WHEN 0 THEN 'PUBLIC'
    ELSE pg_get_userbyid(r)::text END AS who FROM unnest(p.polroles) r) o)
  || coalesce(' using ' || pg_get_expr(p.polqual, c.oid), '')
  || coalesce(' check ' || pg_get_expr(p.polwithcheck, c.oid), '')
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE <relation>"""

_VIEWS = """
SELECT n.nspname, c.relname, pg_get_viewdef(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm') AND <relation>"""

_FUNCTIONS = """
SELECT n.nspname, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
  CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE <function>"""

_TYPES = """
SELECT n.nspname, t.typname, CASE t.typtype
  WHEN 'e' THEN 'enum ' || (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
    FROM pg_enum e WHERE e.enumtypid = t.oid)
  WHEN 'd' THEN 'domain ' || format_type(t.typbasetype, t.typtypmod)
    || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END || coalesce(' default ' || t.typdefault, '')
    || coalesce((SELECT string_agg(' ' || pg_get_constraintdef(k.oid), '' ORDER BY k.conname)
      FROM pg_constraint k WHERE k.contypid = t.oid), '')
  WHEN 'c' THEN 'composite ' || (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', '
    ORDER BY a.attname) FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
  ELSE 'range' END
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
AND <type>"""

_EXTENSIONS = "SELECT extname, extversion FROM pg_extension"


def schemas_of(asking: Asking) -> list[str]:
    """Every schema that is not PostgreSQL's own."""
    return [str(name) for (name,) in asking.ask(_SCHEMAS)]


def told(text: str) -> str:
    """A definition in one line, or what stands for it where it is long."""
    line = str(text).strip().replace("\n", " ")
    return line if len(line) <= MAX_TEXT else f"{sha256(line.encode())[:23]}…, {len(line)} letters"


def catalog_items(asking: Asking, schemas: list[str], *, whole: bool) -> Iterator[Item]:
    """Every item of these schemas; where they are the ``whole`` database, what stands in none too."""
    there = set(schemas_of(asking))
    yield from ((f"schema {schema}", "there") for schema in schemas if schema in there)
    yield from ((f"extension {name}", str(version)) for name, version in asking.ask(_EXTENSIONS))
    for kind, query in {"": _TABLES, **_OF_TABLES, **OF_TABLES}.items():
        for schema, table, *name, text in asking.ask(_whole(query), {"schemas": schemas}):
            if asking.counts(schema, table):
                yield " ".join(("table", named(schema, table), *([kind, *name] if kind else []))), told(text)
    for kind, query in (*_BESIDE.items(), *BESIDE.items()):
        for schema, name, text in asking.ask(_whole(query), {"schemas": schemas}):
            if text != ORDINARY.get(kind) and (whole or schema != EVERYWHERE):
                yield f"{kind} {named(schema, name) if schema else name}", told(text)
    if not whole:
        return
    large = LARGE if asking.one(LARGE_THERE)[0] else {}
    for kind, query in (*WHOLE.items(), *large.items()):
        yield from ((f"{kind} {name}", told(text)) for name, text in asking.ask(query))


def _whole(query: str) -> str:
    for word, condition in _CONDITIONS.items():
        query = query.replace(word, condition)
    return query


_MEMBER = "EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{}'::regclass AND e.objid = {} AND e.deptype = 'e')"
_CONDITIONS = {
    "<relation>": f"<ours> AND NOT {_MEMBER.format('pg_class', 'c.oid')}",
    "<function>": f"<ours> AND NOT {_MEMBER.format('pg_proc', 'p.oid')}",
    "<type>": f"<ours> AND NOT {_MEMBER.format('pg_type', 't.oid')}",
    "<ours>": "n.nspname = ANY(%(schemas)s)",
}
_OF_TABLES = {
    "column": _COLUMNS,
    "constraint": _CONSTRAINTS,
    "index": _INDEXES,
    "trigger": _TRIGGERS,
    "policy": _POLICIES,
}
_BESIDE = {"view": _VIEWS, "function": _FUNCTIONS, "type": _TYPES}
