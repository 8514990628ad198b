"""The plan's section for one metric that a database counts: a query of totals, or a table that only grows.

Rules:
1. ``query`` is one SELECT that gives rows with the columns ``arm`` (canary or control), ``count``, and perhaps
   ``shard``, ``at`` (when it was so; the database's clock otherwise) and ``above_<edge>`` for each edge.
2. ``table`` is counted row by row as it grows: ``by`` names the column that grows (an id or a time), ``arm`` the
   column that tells the arms apart by the values ``canary`` and ``control``, ``shard`` perhaps a column, ``match``
   values that rows must have, ``took`` the column of seconds where there are edges.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from interlock.plugins.meters.counting import edge_value
from interlock.plugins.meters.reading import Section, one_of
from interlock.ports.meter import Counted

_READS = re.compile(r"(?is)\s*(select|with)\b")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?")
_LONGEST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """A query of totals."""

    metric: str
    sql: str
    edges: Mapping[str, float]
    absent_is_zero: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Growing:
    """A table that only grows. ``arms`` maps the values of column ``arm`` to the arms."""

    metric: str
    table: str
    by: str
    arm: str
    arms: Mapping[str, str]
    shard: str
    match: Mapping[str, str]
    took: str
    edges: Mapping[str, float]


def read_sql(counted: Counted) -> Totals | Growing:
    """The section of one metric.

    Raises:
        InvalidSetting: neither or both forms, unknown keys, names that are none, a query that does not read.
    """
    path = ("metrics", counted.name)
    section = Section(values=counted.query, what=f"metric `{counted.name}` of meter `sql`", path=path)
    if one_of(section, ("query", "table")) == "query":
        return _totals(section, counted)
    return _growing(section, counted)


def _totals(section: Section, counted: Counted) -> Totals:
    section.only("query", "absent")
    sql = section.values["query"]
    if not isinstance(sql, str) or len(sql) > _LONGEST or not _READS.match(sql):
        raise section.refuse("query", "one SELECT", sql, code="query-writes")
    sql = sql.strip().removesuffix(";").rstrip()
    if ";" in sql:
        raise section.refuse("query", "one SELECT without `;`", sql, code="query-writes")
    section.choice("absent", ("zero", "missing"), "missing")
    return Totals(
        metric=counted.name,
        sql=sql,
        edges=_edges(section, counted),
        absent_is_zero=section.values.get("absent") == "zero",
    )


def _growing(section: Section, counted: Counted) -> Growing:
    section.only("table", "by", "arm", "canary", "control", "shard", "match", "took")
    names = {key: _name(section, key) for key in ("table", "by", "arm")}
    names |= {key: _name(section, key) for key in ("shard", "took") if key in section.values}
    if bool(counted.edges) != ("took" in names):
        expected = "the column of seconds where a metric has edges, and only there"
        raise section.refuse("took", expected, names.get("took"))
    arms = {section.text(arm): arm for arm in ("canary", "control")}
    if len(arms) == 1:
        raise section.refuse("canary", "another value than `control`", section.values["canary"], code="arms-alike")
    match = section.texts("match")
    for name in match:
        if not _COLUMN.fullmatch(name):
            raise section.refuse("match", "names of columns", name)
    return Growing(
        metric=counted.name,
        table=names["table"],
        by=names["by"],
        arm=names["arm"],
        arms=arms,
        shard=names.get("shard", ""),
        match=match,
        took=names.get("took", ""),
        edges=_edges(section, counted),
    )


def _edges(section: Section, counted: Counted) -> dict[str, float]:
    return {edge: edge_value(section, edge) for edge in counted.edges}


def _name(section: Section, key: str) -> str:
    name = section.text(key)
    if not (_TABLE if key == "table" else _COLUMN).fullmatch(name):
        raise section.refuse(key, "a name of letters, digits and `_`", name)
    return name
