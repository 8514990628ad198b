"""Which parts a text takes in by ``%`` and by ``format``, in the order in which they stand in it.

Rules:
1. A part that can only be a number by its form (``%d``, ``{:.2f}``) is one.
2. A text that is not known, or does not fit what it is given, takes in all of it, after its words.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence

from interlock.core.scan.sql_value import FINE, Value, constant, either

_PERCENT = re.compile(r"%(?:\((?P<key>[^)]*)\))?[#0 +-]*(?P<star>\*)?[\d.*]*[hlL]?(?P<kind>[diouxXeEfFgGcrsa%])")
_NUMERIC = re.compile(r".*[bdoxXneEfFgG]$")


def is_number_by_form(form: str) -> bool:
    """Whether what is written in this form can only be a number; one of characters is not."""
    return _NUMERIC.fullmatch(form) is not None


def by_percent(text: str, given: Sequence[Value], named: Mapping[str, Value], rest: Value) -> list[Value]:
    """The parts of ``text % given``; ``rest`` is everything that is given, where no place is known for it."""
    parts, start, number = [], 0, 0
    for found in _PERCENT.finditer(text):
        parts.append(constant(text[start : found.start()]))
        start, kind = found.end(), found["kind"]
        if kind == "%":
            parts.append(constant("%"))
        elif found["key"] is None and number >= len(given):
            parts.append(FINE if kind in "diouxXeEfFgG" else rest)
        else:
            value = named.get(found["key"], rest) if found["key"] is not None else given[number]
            number += found["key"] is None
            parts.append(FINE if kind in "diouxXeEfFgG" else value)
    return [*parts, constant(text[start:])]


def by_format(text: str, given: Sequence[Value], named: Mapping[str, Value], rest: Value) -> list[Value]:
    """The parts of ``text.format(*given, **named)``; ``rest`` as above."""
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError:
        return [constant(text), either([*given, *named.values(), rest])]
    parts, number = [], 0
    for words, field, form, _ in pieces:
        parts.append(constant(words))
        if field is None:
            continue
        name = re.split(r"[.\[]", field, maxsplit=1)[0]
        if not name:
            name, number = str(number), number + 1
        known = given[int(name)] if name.isdecimal() and int(name) < len(given) else named.get(name, rest)
        parts.append(FINE if form and is_number_by_form(form) else known)
    return parts
