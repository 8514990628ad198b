"""Values for columns of every type, as expressions over ``i``, the number of the row.

Rules:
1. Values differ from row to row as far as a type has so many, so that a unique column can be filled.
2. A value is one of a domain's base: whether the domain takes it is its check's business.
3. Where nothing is known of a type, a text is cast to it: the server says whether that is one.
"""

from __future__ import annotations

from dataclasses import dataclass

from interlock.plugins.rehearsals.migration_palette import SIZED, TEXTS, sized
from interlock.plugins.rehearsals.sql_asking import literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: ``kind`` is its type as the server writes it, ``base`` a domain's, ``labels`` an enum's.

    ``default`` is the constant that it has where nothing is said.
    """

    name: str
    kind: str
    base: str
    category: str
    labels: tuple[str, ...]
    required: bool
    default: str = ""


def value_of(column: Column) -> str:
    """The expression for one column."""
    if column.labels:
        labels = ", ".join(literal(each) for each in column.labels)
        return f"(ARRAY[{labels}])[1 + (i % {len(column.labels)})]::{column.base}"
    return f"({_value(column.base)})::{column.base}"


def varied(column: Column) -> str:
    """The expression for one column, with texts that are not all alike in their letters and blanks."""
    name, size = sized(column.base)
    if column.labels or name not in TEXTS - {'"char"'} or 0 < size < _ROOM:
        return value_of(column)
    shapes = " ".join(f"WHEN {number} THEN {each}" for number, each in enumerate(_SHAPES, start=1))
    return f"(CASE i % {len(_SHAPES) + 1} {shapes} ELSE 'v' || i END)::{column.base}"


def _value(kind: str) -> str:
    if kind.endswith("[]"):
        return f"ARRAY[({_value(kind[:-2])})::{kind[:-2]}]"
    name, size = sized(kind)
    if name in TEXTS:
        return _text(size)
    if name == "numeric" and (found := SIZED.match(kind)):
        whole, scale = size - int(found["scale"] or 0), int(found["scale"] or 0)
        return f"(i % {10 ** max(1, min(whole, 9))}) / {10 ** max(0, min(scale, 6))}.0 * {1 if whole > 0 else 0}"
    if name in {"vector", "halfvec"}:
        return f"array_fill((i % 1000)::real, ARRAY[{size or 3}])"
    if name in {"bit", "bit varying"}:
        return f"(i % 2)::int::bit({size or 1})"
    return _PLAIN.get(name, "'v' || i")


def _text(size: int) -> str:
    # The last digits differ most; where there is room for them all, no two are the same.
    return f"right('v' || i, {size})" if size else "'v' || i"


_ROOM = 24
"""So many letters have room for each of these shapes with its number."""
_SHAPES = ("'Mixed Case ' || i", "' ' || i || '  '", "'Ünï-' || i", "'x' || i || '@Example.COM'")
_DAY = "timestamp '2020-01-01 00:00:00' + (i % 10000000) * interval '1 minute'"
_PLAIN = {
    "smallint": "i % 32767",
    "integer": "i",
    "bigint": "i",
    "oid": "i",
    "numeric": "i + 0.25",
    "real": "i % 1000000 + 0.5",
    "double precision": "i + 0.5",
    "money": "i",
    "boolean": "i % 2 = 0",
    "date": "date '2000-01-01' + (i % 20000)::int",
    "timestamp without time zone": _DAY,
    "timestamp with time zone": f"({_DAY}) AT TIME ZONE 'UTC'",
    "time without time zone": "time '00:00' + (i % 86400) * interval '1 second'",
    "time with time zone": "time '00:00' + (i % 86400) * interval '1 second'",
    "interval": "i * interval '1 second'",
    "uuid": "md5('v' || i)::uuid",
    "json": "json_build_object('v', i)",
    "jsonb": "jsonb_build_object('v', i)",
    "bytea": "decode(md5('v' || i), 'hex')",
    "inet": "inet '10.0.0.0' + (i % 16000000)",
    "cidr": "set_masklen(inet '10.0.0.0' + (i % 16000000), 32)",
    "macaddr": "lpad(to_hex(i), 12, '0')",
    "xml": "'<v>' || i || '</v>'",
    "point": "point(i, i)",
    "tsvector": "to_tsvector('v' || i)",
    "tsquery": "to_tsquery('v' || i)",
    "int4range": "int4range(i::int, i::int + 1)",
    "int8range": "int8range(i, i + 1)",
    "numrange": "numrange(i, i + 1)",
    "daterange": "daterange(date '2000-01-01' + (i % 20000)::int, date '2000-01-02' + (i % 20000)::int)",
    "tsrange": f"tsrange({_DAY}, {_DAY} + interval '1 minute')",
    "tstzrange": f"tstzrange(({_DAY}) AT TIME ZONE 'UTC', ({_DAY} + interval '1 minute') AT TIME ZONE 'UTC')",
    "hstore": "'v=>' || i",
    "ltree": "'v' || i",
}
