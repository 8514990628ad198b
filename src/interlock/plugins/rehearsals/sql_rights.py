"""Who may do what with what is in a PostgreSQL database, and what stands beside its tables.

Rules:
1. Rights are told by who has them, sorted: the order in which they were given is no difference, nor that
   somebody said what goes without saying. What an owner may do to what is its own is not told, nor who that
   is: a copy has an owner of its own.
2. What stands in no schema (casts, event triggers, publications, large objects) is looked at only
   where no schemas are named: a copy of some schemas has none of it.
"""

from __future__ import annotations


def rights(grants: str, owner: str, kind: str) -> str:
    """The expression for the rights to one thing; ``kind`` is PostgreSQL's letter for ``acldefault``."""
    return (
        "coalesce(', grants ' || (SELECT string_agg(g.who || ' ' || g.what, ', ' ORDER BY g.who, g.what)"  # noqa: S608  # fixed
        " FROM ("
        "SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END::text"
        ' COLLATE "C" AS who,'
        " x.privilege_type || CASE WHEN x.is_grantable THEN ' with grant option' ELSE '' END AS what"
        f" FROM aclexplode(coalesce({grants}, acldefault('{kind}', {owner}))) x"
        f" WHERE x.grantee <> {owner}) g), '')"
    )


_SCHEMA_RIGHTS = f"""
SELECT '', n.nspname, 'rights' || {rights("n.nspacl", "n.nspowner", "n")}
FROM pg_namespace n WHERE <ours>"""  # noqa: S608  # fixed
EVERYWHERE = "*"
_DEFAULTS = """
SELECT coalesce(n.nspname, '*'), pg_get_userbyid(d.defaclrole) || ' '
  || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
    WHEN 'T' THEN 'types' ELSE 'schemas' END,
  coalesce((SELECT string_agg(g::text, ' ' ORDER BY g::text) FROM unnest(d.defaclacl) g), 'none')
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace WHERE n.oid IS NULL OR <ours>"""
_VIEWS = f"""
SELECT n.nspname, c.relname, 'rights' || coalesce(', with ' || array_to_string(c.reloptions, ' '), '')
  || {rights("c.relacl", "c.relowner", "r")}
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v' AND <relation>"""  # noqa: S608  # fixed
_FUNCTIONS = f"""
SELECT n.nspname, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
  'rights' || {rights("p.proacl", "p.proowner", "f")}
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE <function>"""  # noqa: S608  # fixed
BOUNDS = f"""'from ' || q.seqstart || ', ' || q.seqmin || ' to ' || q.seqmax || ', cache ' || q.seqcache
  || CASE WHEN q.seqcycle THEN ', cycle' ELSE '' END || {rights("s.relacl", "s.relowner", "s")}"""
"""What a sequence ``s`` with its row ``q`` may give, and to whom."""
_AGGREGATES = """
SELECT n.nspname, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
  concat_ws(' ', g.aggtransfn::regproc, g.aggfinalfn::regproc, g.aggcombinefn::regproc,
    format_type(g.aggtranstype, NULL), 'from', g.agginitval, g.aggkind, g.aggfinalmodify)
FROM pg_aggregate g JOIN pg_proc p ON p.oid = g.aggfnoid JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE <function>"""
_OPERATORS = """
SELECT n.nspname, o.oprname || '(' || o.oprleft::regtype || ', ' || o.oprright::regtype || ')', o.oprcode::text
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE <ours> AND NOT EXISTS (
  SELECT FROM pg_depend e WHERE e.classid = 'pg_operator'::regclass AND e.objid = o.oid AND e.deptype = 'e')"""
_COLLATIONS = """
SELECT n.nspname, l.collname, concat_ws(' ', l.collprovider, l.collcollate, l.collctype)
FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE <ours>"""
_RANGES = """
SELECT n.nspname, t.typname, 'of ' || format_type(r.rngsubtype, NULL)
FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid JOIN pg_namespace n ON n.oid = t.typnamespace WHERE <ours>"""
BESIDE = {
    "rights on schema": _SCHEMA_RIGHTS,
    "default privileges": _DEFAULTS,
    "rights on view": _VIEWS,
    "rights on function": _FUNCTIONS,
    "aggregate": _AGGREGATES,
    "operator": _OPERATORS,
    "collation": _COLLATIONS,
    "range": _RANGES,
}
"""Each by its schema and its name."""
ORDINARY = {"rights on view": "rights", "rights on function": "rights, grants PUBLIC EXECUTE"}
"""What is there without anybody's word, and is not told."""

_RULES = """
SELECT n.nspname, c.relname, r.rulename, pg_get_ruledef(r.oid) || ', enabled ' || r.ev_enabled::text
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND <relation>"""
_PARENTS = """
SELECT n.nspname, c.relname, i.inhparent::regclass::text, 'there'
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND <relation>"""
_STATISTICS = """
SELECT n.nspname, c.relname, s.stxname, pg_get_statisticsobjdef(s.oid)
FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE <relation>"""
OF_TABLES = {"rule": _RULES, "inherits": _PARENTS, "statistics": _STATISTICS}
"""Each by its table's schema and name, and its own."""

_CASTS = """
SELECT format_type(c.castsource, NULL) || ' as ' || format_type(c.casttarget, NULL),
  concat_ws(' ', nullif(c.castfunc, 0)::regprocedure, c.castcontext, c.castmethod)
FROM pg_cast c WHERE c.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend e
  WHERE e.classid = 'pg_cast'::regclass AND e.objid = c.oid AND e.deptype = 'e')"""
_EVENTS = """
SELECT evtname, concat_ws(' ', evtevent, evtfoid::regproc, evtenabled, array_to_string(evttags, ' '))
FROM pg_event_trigger WHERE evtname <> 'interlock_seen'"""
_PUBLICATIONS = """
SELECT p.pubname, concat_ws(' ', CASE WHEN p.puballtables THEN 'all' END, CASE WHEN p.pubinsert THEN 'insert' END,
  CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END,
  CASE WHEN p.pubtruncate THEN 'truncate' END, 'of', (SELECT string_agg(r.prrelid::regclass::text, ' ' ORDER BY
    r.prrelid::regclass::text) FROM pg_publication_rel r WHERE r.prpubid = p.oid)) FROM pg_publication p"""
_WRAPPERS = "SELECT fdwname, concat_ws(' ', array_to_string(fdwoptions, ' '), fdwacl) FROM pg_foreign_data_wrapper"
_SERVERS = """
SELECT srvname, concat_ws(' ', srvtype, srvversion, array_to_string(srvoptions, ' '), srvacl)
FROM pg_foreign_server"""
_LARGE = """
SELECT 'together', count(DISTINCT loid) || ', sum '
  || sum(hashtextextended(loid || ' ' || pageno || encode(data, 'hex'), 0))
FROM pg_largeobject HAVING count(*) > 0"""
WHOLE = {
    "cast": _CASTS,
    "event trigger": _EVENTS,
    "publication": _PUBLICATIONS,
    "foreign data wrapper": _WRAPPERS,
    "foreign server": _SERVERS,
}
"""Each by its name, in no schema."""
LARGE_THERE = "SELECT count(*) FROM pg_largeobject_metadata"
"""How many large objects there are, which anybody may ask."""
LARGE = {"large objects": _LARGE}
"""As ``WHOLE``; only a superuser or who reads all data may ask, so it is asked only where there are some."""
