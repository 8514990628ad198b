"""What a call gives that is of no function of the file: casts, quoting, formats, joins, containers.

Rules:
1. A cast to a number, and what a library quotes, is harmless. A method that gives its text in another form gives
   it as it was.
2. What is not known here is open, whatever it was given.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from interlock.core.scan.access_words import words
from interlock.core.scan.sql_formats import by_format
from interlock.core.scan.sql_value import EMPTY, FINE, OPEN, Value, either, put_together, without_keys
from interlock.core.scan.sql_words import COMPOSES, NUMBERS, QUOTES, SAME

_ADDS = frozenset({"add", "append", "appendleft", "extend", "insert", "update", "write", "writelines"})
_WRITES = frozenset({"write", "writelines"})
_THROUGH = frozenset(
    {"Counter", "OrderedDict", "StringIO", "Template", "cast", "deque", "dedent", "dict", "enumerate", "filter"}
    | {"frozenset", "gettext", "iter", "list", "max", "min", "next", "repr", "reversed", "set", "sorted", "str"}
    | {"sum", "text", "tuple", "zip", "chain", "unicode", "bytes", "bytearray", "islice", "deepcopy"}
)
"""What gives what it is given, in another form."""
_FILLED = frozenset({"format_map", "replace", "safe_substitute", "substitute"})
_ASKED = frozenset({"get", "pop", "setdefault", "popleft"})
_GIVES_ITSELF = SAME | {"getvalue", "items"}
_QUOTED_WORDS = frozenset({"quote", "quoted"})


def is_written(name: str) -> bool:
    """Whether a method of this name puts its text behind what was put in before."""
    return name in _WRITES


def is_added(name: str) -> bool:
    """Whether a method of this name puts something into a container."""
    return name in _ADDS


def given(call: ast.Call, name: str, on: Value, values: Sequence[Value], named: Mapping[str, Value]) -> Value:
    """What is given by what is called ``name``, on something or on nothing."""
    if name in NUMBERS or _quotes(name):
        return FINE
    if isinstance(call.func, ast.Attribute) and (found := _method(call, name, on, values, named)) is not None:
        return found
    if name in COMPOSES and values:
        return replace(values[0], bound=True)
    if name == "map" and call.args:
        return _mapped(call.args[0], values)
    if name in _THROUGH:
        return _through(call, values, named)
    return OPEN


def _quotes(name: str) -> bool:
    return name in QUOTES or name == "qn" or bool(words(name) & _QUOTED_WORDS)


def _method(
    call: ast.Call, name: str, on: Value, values: Sequence[Value], named: Mapping[str, Value]
) -> Value | None:
    rest = OPEN if any(each.arg is None for each in call.keywords) or _is_spread(call) else FINE
    if name == "format":
        if on.bound:
            return on
        if on.exact and not _is_spread(call):
            return put_together(by_format(on.text, values, named, rest), call)
        return put_together([on, *values, *named.values()], call)
    if name == "join":
        return _joined(call, on, values[0] if values else EMPTY)
    if name in _FILLED:
        return put_together([on, *values, *named.values()], call)
    if name in _ASKED:
        return either([without_keys(on), *values[1:]])
    if name == "keys":
        return on.keys if on.keys is not None else on
    return on if name in _GIVES_ITSELF else None


def _is_spread(call: ast.Call) -> bool:
    return any(isinstance(each, ast.Starred) for each in call.args)


def _joined(call: ast.Call, between: Value, parts: Value) -> Value:
    each = parts.keys if parts.keys is not None else parts
    if between.bound:
        return replace(each, bound=True)
    if each.open and each.has_words:
        # One behind the other: what is open stands behind words of another part.
        return replace(each, open=False, exact=False, puts=each.puts | {call})
    return replace(put_together([each, between, each], call), exact=False)


def _mapped(function: ast.expr, values: Sequence[Value]) -> Value:
    name = function.attr if isinstance(function, ast.Attribute) else ""
    name = function.id if isinstance(function, ast.Name) else name
    if name in NUMBERS or _quotes(name):
        return FINE
    over = either(values[1:])
    return replace(over, exact=False) if name in _THROUGH or over.open else OPEN


def _through(call: ast.Call, values: Sequence[Value], named: Mapping[str, Value]) -> Value:
    held = either([*values, *named.values()])
    if call.keywords and isinstance(call.func, ast.Name) and call.func.id == "dict":
        asked = OPEN if "**" in named and named["**"].keys is None else FINE
        return replace(held, keys=asked)
    return held
