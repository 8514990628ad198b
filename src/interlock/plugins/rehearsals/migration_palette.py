r"""Values that a migration may lose, for columns of every type: what plain rows would hide.

Rules:
1. Texts have small and large letters, blanks around and within, letters beyond ASCII, nothing at all, and as many
   letters as there may be. Numbers are negative, nothing, as large as may be, and have every decimal. Times have
   parts of a second, years far off, and zones. Objects have several shapes, and so have arrays.
2. Nothing is in it that a driver of PostgreSQL cannot read (a year before Christ, infinity).
3. The same values are taken each time: nothing is drawn by chance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from interlock.plugins.rehearsals.sql_asking import literal

SIZED = re.compile(r"^(?P<name>[a-z ]+?)\((?P<size>\d+)(?:,(?P<scale>-?\d+))?\)(?P<rest>.*)$")
TEXTS = frozenset({"text", "character varying", "character", "bpchar", "name", "citext", '"char"'})
WHOLE = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
LONGEST, UNSIZED = 10_000, 300
"""How long a text gets at most, and where the column sets no bound."""

_TEXTS = (
    "MiXed CaSe Ünïcode",
    "",
    "  blanks  around it ",
    "ANNA.Example+News@EXAMPLE.com",
    "+49 (0)30 / 123-45",
    "Zoë Ölçü 日本 😀",
    "same",
    "Line one\nLine two\tand a tab",
    "1,234.50",
    'O\'Brien \\ "quoted" 100%',
    "UPPER",
    " x",
    "é",
)
_FLOATS = ("0.1", "-2.5", "0", "123456789.123456789", "-0.0000001", "1e15", "3.14159265358979")
_STAMPS = (
    "2023-06-30 23:59:59.999999",
    "1970-01-01 00:00:00",
    "2024-02-29 12:34:56.123456",
    "1900-01-01 00:00:00.5",
    "2999-12-31 23:59:59.000001",
    "2021-03-28 02:30:00.25",
)
_JSONS = (
    '{"Name": " Ünï  Case ", "tags": ["a", "B"], "n": 1.50, "deep": {"k": null, "list": [{"x": 1}]}}',
    "{}",
    "[]",
    "null",
    '"a text"',
    "-12.75",
    '[1, "two", null, {"three": 3}]',
    '{"a": "", "b": false, "c": null}',
)
_WILD = frozenset({"0", "[]", "null", '"a text"', "-12.75", '[1, "two", null, {"three": 3}]', "1e15"})
"""What a statement may rightly refuse to reckon with, or to look into."""
_FIXED = {
    "real": _FLOATS[:3],
    "double precision": _FLOATS,
    "boolean": ("true", "false"),
    "date": ("1970-01-01", "2024-02-29", "1900-01-01", "2999-12-31"),
    "timestamp without time zone": _STAMPS,
    "timestamp with time zone": tuple(
        f"{one}{zone}" for one, zone in zip(_STAMPS, ("+02", "-11:30", "+00", "+05:45", "+00", "-03"), strict=True)
    ),
    "time without time zone": ("00:00:00", "23:59:59.999999", "12:34:56.000001"),
    "time with time zone": ("00:00:00+00", "23:59:59.999999-08", "12:34:56.5+05:45"),
    "interval": ("-3 days", "1 mon", "1 day 02:03:04.000005", "400:00:00", "0"),
    "money": ("-12.34", "0", "99999.99"),
    "json": (*_JSONS, '{"b": 1,  "a": 2, "b": 3}'),
    "jsonb": _JSONS,
    "bytea": ("", "\\x00ff0a5c", "\\x27"),
    "inet": ("192.168.7.9/24", "::1", "2001:db8::7/64"),
    "cidr": ("192.168.0.0/16", "2001:db8::/32"),
    "point": ("(-1.5,2.25)",),
    "hstore": ("", '"A b"=>"C",d=>NULL'),
    "int4range": ("empty", "[-5,7)", "(,3)"),
    "int8range": ("empty", "[-5,7)", "(,3)"),
    "numrange": ("empty", "(-1.5,2.25]", "(,3)"),
    "daterange": ("empty", "[2024-02-29,)"),
    "tsrange": ("empty", '["2024-02-29 12:34:56.5",)'),
    "tstzrange": ("empty", '["2024-02-29 12:34:56.5+02",)'),
}


def palette(kind: str, *, tame: bool = False) -> tuple[str, ...]:
    """Expressions of this type.

    ``tame`` ones are no number that is nothing or as large as may be, and no bare value where an object may be.
    """
    if kind.endswith("[]"):
        return tuple(_arrays(kind, tame=tame))
    return tuple(f"{literal(text)}::{kind}" for text in dict.fromkeys(_of(kind, tame=tame)))


def longest(kind: str) -> str:
    """The longest text that such a column takes, as an expression; empty where it is short, or no text."""
    name, size = sized(kind)
    if name not in TEXTS or name in {"name", '"char"'}:
        return ""
    wanted = min(size or UNSIZED, LONGEST)
    if wanted <= len(_TEXTS[0]):
        return ""
    return f"left(repeat('Lengthy Wörd ', {wanted // 13 + 1}), {wanted})::{kind}"


def sized(kind: str) -> tuple[str, int]:
    """A type's name without its size, and its size, 0 where it has none."""
    found = SIZED.match(kind)
    name = (found["name"] + found["rest"]).strip() if found else kind
    return name, int(found["size"]) if found else 1 if name == "character" else 0


def _of(kind: str, *, tame: bool) -> Iterator[str]:
    name, size = sized(kind)
    if name in TEXTS:
        bound = {'"char"': 1, "name": 63}.get(name, size)
        yield from (_cut(each, bound) for each in _TEXTS if name != '"char"' or each.isascii())
    elif name in WHOLE:
        yield from ("-1", "7", "1", "-40")
        if not tame:
            yield from ("0", str(WHOLE[name]), str(-WHOLE[name]), str(min(WHOLE[name] - 1, 2**53 + 1)))
    elif name == "numeric":
        yield from _decimals(kind, tame=tame)
    else:
        # A number behind a type of time says how much of a second is kept.
        yield from (each for each in _FIXED.get(name, ()) if not tame or each not in _WILD)


def _cut(text: str, size: int) -> str:
    return text[:size] if size else text


def _decimals(kind: str, *, tame: bool) -> Iterator[str]:
    found = SIZED.match(kind)
    scale = int(found["scale"] or 0) if found else 9
    whole = int(found["size"]) - scale if found else 20
    parts = "123456789" * (max(scale, 0) // 9 + 1)
    decimals = f".{parts[: max(scale, 0)]}" if scale > 0 else ""
    yield from ([] if tame and not decimals else [f"0{decimals}", f"-0{decimals}"])
    if whole > 0 and scale >= 0:
        yield from (f"1{decimals}", f"-7{decimals}")
        if not tame:
            yield from ("0", "9" * whole + decimals, "-" + "9" * whole + decimals)


def _arrays(kind: str, *, tame: bool) -> Iterator[str]:
    inner = palette(kind[:-2], tame=tame)
    yield f"'{{}}'::{kind}"
    for number, each in enumerate(inner[:6]):
        other = inner[(number + 1) % len(inner)]
        yield f"ARRAY[{each}]::{kind}"
        yield f"ARRAY[{each}, {other}, {each}, NULL]::{kind}" if number % 2 else f"ARRAY[{other}, {each}]::{kind}"
