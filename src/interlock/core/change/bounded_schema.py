"""JSON Schema in bounded work: a schema comes with the change it judges, so it may be written to never end. Pure.

Rules:
1. Regular expressions are RE2's: the time is linear in the text. One that RE2 does not have (look-around, back
   references) is refused, and so is any but a plain one beside ``unevaluatedProperties``, where the library
   underneath asks its own engine.
2. Every keyword costs one step, one for each member of what it is given and of what it is held against, and the
   square of an array whose members can only be compared pairwise. One ``Budget`` covers a whole run, through all
   references; where it is used up nothing more is judged and ``Unbounded`` says so.
3. One dialect holds for a whole schema: a part that names another would be judged without these rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import re2  # type: ignore[import-untyped]  # the wheel has no types

MAX_STEPS = 1_000_000
MAX_PATTERN = 4_096
_PLAIN = re.compile(r"[^()\[\]{}*+?|]*[*+?]?\$?")
_LETTERS = 100  # of a text cost as much as one member of a list

Node = Any
"""A schema or what it judges, and the classes of two libraries that have no types for them."""
Keyword = Callable[[Any, Node, Node, Any], Iterator[Any] | None]
"""Of jsonschema: validator, value of the keyword, instance, schema → errors."""


class Unbounded(Exception):
    """The schema cannot be checked in bounded work; the message says why."""


@dataclass(slots=True)
class Budget:
    """The steps that are left, and the expressions compiled so far."""

    steps: int = MAX_STEPS
    _compiled: dict[str, Any] = field(default_factory=dict)

    def spend(self, steps: int) -> None:
        """Count ``steps``.

        Raises:
            Unbounded: they are one too many.
        """
        self.steps -= steps
        if self.steps < 0:
            raise Unbounded("the schema takes too many steps on what it judges")

    def search(self, pattern: str, text: str) -> bool:
        """Whether ``pattern`` is found in ``text``, in time linear in its length."""
        self.spend(1 + len(text) // _LETTERS)
        if pattern not in self._compiled:
            self._compiled[pattern] = _compile(pattern)
        return self._compiled[pattern].search(text.encode("utf-8", "replace")) is not None


def bounded(kind: Node, budget: Budget) -> Node:
    """The validator class ``kind`` with every keyword counted and RE2 for its expressions."""
    from jsonschema.validators import extend  # noqa: PLC0415  # costs 60 ms and is needed only when files match

    keywords: dict[str, Keyword] = {
        name: partial(_counted, budget, name, keyword) for name, keyword in kind.VALIDATORS.items()
    }
    own = {"pattern": _pattern, "patternProperties": _pattern_properties}
    keywords |= {name: partial(_counted, budget, name, partial(check, budget)) for name, check in own.items()}
    plain = kind.VALIDATORS["additionalProperties"]
    extra = partial(_additional_properties, budget, plain)
    keywords["additionalProperties"] = partial(_counted, budget, "additionalProperties", extra)
    return extend(kind, validators=keywords)  # type: ignore[no-untyped-call]  # its stubs leave it untyped


def in_one_dialect(schema: Node) -> Node:
    """The schema without the dialect that it or a part of it names.

    Raises:
        Unbounded: an expression that only the library's own engine would be asked for.
    """
    if isinstance(schema, list):
        return [in_one_dialect(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: in_one_dialect(item) for key, item in schema.items() if key != "$schema" or not isinstance(item, str)
    }


def refuse_unevaluated(schemas: list[Any]) -> None:
    """Refuse what ``unevaluatedProperties`` would search for with an engine that may never end.

    Raises:
        Unbounded: some schema says ``unevaluatedProperties`` and some pattern is more than plain.
    """
    found = [node for schema in schemas for node in _nodes(schema)]
    if any("unevaluatedProperties" in node for node in found):
        patterns = [key for node in found if isinstance(node.get("patternProperties"), dict)
                    for key in node["patternProperties"]]  # fmt: skip
        bad = [pattern for pattern in patterns if not _PLAIN.fullmatch(str(pattern)[: MAX_PATTERN + 1])]
        if bad:
            raise Unbounded(f"unevaluatedProperties beside the pattern {str(bad[0])[:60]!r} may never end")


def _nodes(schema: Node) -> Iterator[dict[str, Any]]:
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _compile(pattern: str) -> Node:
    if len(pattern) > MAX_PATTERN:
        raise Unbounded(f"a pattern has more than {MAX_PATTERN} letters")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern.encode("utf-8", "replace"), options=options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        why = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise Unbounded(f"the pattern {pattern[:60]!r} cannot be searched in bounded time: {why[:80]}") from error


def _counted(
    budget: Budget,
    name: str,
    keyword: Keyword,
    validator: Node,
    value: Node,
    instance: Node,
    schema: Node,
) -> Iterator[Any]:
    budget.spend(1 + _size(value) + _size(instance))
    if name == "uniqueItems" and isinstance(instance, list) and not _sortable(instance):
        budget.spend(len(instance) ** 2)
    yield from keyword(validator, value, instance, schema) or ()


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value) // _LETTERS
    return len(value) if isinstance(value, Sized) else 0


def _sortable(items: list[Any]) -> bool:
    return len({type(item) for item in items}) <= 1 and not any(
        isinstance(item, dict | list) for item in items[:1]
    )


def _pattern(budget: Budget, validator: Node, value: Node, instance: Node, _: Node) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415  # as above

    if validator.is_type(instance, "string") and not budget.search(value, instance):
        yield ValidationError(f"{instance!r} does not match {value!r}")


def _pattern_properties(budget: Budget, validator: Node, value: Node, instance: Node, _: Node) -> Iterator[Any]:
    for pattern, part in value.items() if validator.is_type(instance, "object") else ():
        for key, item in instance.items():
            if budget.search(pattern, key):
                yield from validator.descend(item, part, path=key, schema_path=pattern)


def _additional_properties(
    budget: Budget,
    plain: Keyword,
    validator: Node,
    value: Node,
    instance: Node,
    schema: Node,
) -> Iterator[Any]:
    """As the library does it, over what neither names nor expressions cover."""
    if validator.is_type(instance, "object"):
        named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        rest = {
            key: item
            for key, item in instance.items()
            if key not in named and not any(budget.search(pattern, key) for pattern in patterns)
        }
        yield from plain(validator, value, rest, {"additionalProperties": value}) or ()
