"""A file of Python as it is gone through for SQL: its functions and classes, and what their parameters are given.

Rules:
1. A parameter is open, but for one that is said to be a number, a date, or one of a few constants: such words are
   believed.
2. Where a function is called, its parameters are what it is given there, or their defaults.
3. Followed are functions of at most ``SHORT`` statements, and those that execute something, have words of SQL, or
   call by its name one that does.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from interlock.core.scan.sql_read import Names, dotted
from interlock.core.scan.sql_value import FINE, OPEN, Value, constant, either
from interlock.core.scan.sql_words import NUMBERS, hints_at_sql, takes_sql

Function = ast.FunctionDef | ast.AsyncFunctionDef
SELVES = ("self.", "cls.")
SHORT, DEEPEST = 6, 3
_AROUND = frozenset(
    {"Annotated", "Collection", "Iterable", "List", "None", "Optional", "Sequence", "Set", "Tuple", "Union"}
    | {"datetime", "decimal", "frozenset", "list", "set", "tuple", "typing", "uuid"}
)
"""What may stand around the kinds of numbers."""


@dataclass(slots=True)
class File:
    """What a file has: its functions, and its classes with their methods and attributes.

    ``followed`` are the functions that are gone through where they are called, ``running`` those that are at the
    moment, ``gone`` what came of those that were, by what they were given, ``calls`` how many these are.
    ``whole``: what classes are given is known.
    """

    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    attributes: dict[str, Names] = field(default_factory=dict)
    top: Names = field(default_factory=dict)
    followed: frozenset[Function] = frozenset()
    running: list[Function] = field(default_factory=list)
    gone: dict[Hashable, tuple[Value, Names]] = field(default_factory=dict)
    calls: int = 0
    whole: bool = False

    def line_of(self, name: str, seen: frozenset[str] = frozenset()) -> list[ast.ClassDef]:
        """A class and those of this file that it is made from, the nearest first."""
        one = self.classes.get(name)
        if one is None or name in seen:
            return []
        bases = [each for base in one.bases for each in self.line_of(dotted(base), seen | {name})]
        return [one, *bases]

    def method(self, owner: str, name: str) -> Function | None:
        """The method of a class, or of one that it is made from."""
        bodies = [each for one in self.line_of(owner) for each in one.body]
        return next((each for each in bodies if isinstance(each, Function) and each.name == name), None)

    def give(self, owner: str, name: str, value: Value) -> None:
        """Keep what an attribute of a class is given, until everything is read once."""
        if not self.whole:
            mine = self.attributes.setdefault(owner, {})
            mine[name] = either([mine[name], value]) if name in mine else value

    def held(self, owner: str, name: str) -> Value | None:
        """What an attribute of a class is given in this file."""
        found = [self.attributes.get(one.name, {}).get(name) for one in self.line_of(owner)]
        given = [each for each in found if each is not None]
        return either(given) if given else None


def called_name(func: ast.expr) -> str:
    """The last name of what is called; empty where it has none."""
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def has_hint(node: ast.AST) -> bool:
    """Whether it is a constant that may be of SQL."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and hints_at_sql(node.value)


def followed(nodes: Iterable[ast.AST]) -> frozenset[Function]:
    """The functions among these nodes that are gone through where they are called."""
    functions = [each for each in nodes if isinstance(each, Function)]
    short, told, calls = set[Function](), set[Function](), dict[Function, set[str]]()
    for one in functions:
        inside = [*ast.walk(one)]
        calls[one] = {called_name(each.func) for each in inside if isinstance(each, ast.Call)}
        if any(takes_sql(name) for name in calls[one]) or any(has_hint(each) for each in _spoken(one, inside)):
            told.add(one)
        if sum(isinstance(each, ast.stmt) for each in inside) <= SHORT + 1:
            short.add(one)
    for _ in range(DEEPEST - 1):
        names = {one.name for one in told}
        told |= {one for one in functions if calls[one] & names}
    return frozenset(short | told)


def _spoken(node: Function, inside: Iterable[ast.AST]) -> Iterable[ast.AST]:
    """Without what documents it."""
    first = node.body[0]
    about = first.value if isinstance(first, ast.Expr) else None
    return (each for each in inside if each is not about)


def parameters(node: Function) -> Names:
    """What its parameters are where nobody is known to call it."""
    listed = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    found = {each.arg: FINE if _is_harmless(each.annotation) else OPEN for each in listed}
    return found | {each.arg: OPEN for each in (node.args.vararg, node.args.kwarg) if each is not None}


def bound(
    node: Function, call: ast.Call, values: Sequence[Value], named: Mapping[str, Value], *, skips: bool
) -> Names:
    """What its parameters are in this call; ``skips``: the first is what it is called on."""
    found, given = parameters(node), dict(_defaults(node))
    places = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
    static = any(dotted(each) == "staticmethod" for each in node.decorator_list)
    places = places[1:] if skips and not static else places
    spread = "**" in named or any(isinstance(each, ast.Starred) for each in call.args)
    if spread:
        return found
    given |= dict(zip(places, values, strict=False))
    given |= {name: value for name, value in named.items() if name in found}
    return found | given


def _defaults(node: Function) -> Iterable[tuple[str, Value]]:
    positional = [*node.args.posonlyargs, *node.args.args]
    ends = positional[len(positional) - len(node.args.defaults) :]
    pairs = [
        *zip(ends, node.args.defaults, strict=True),
        *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
    ]
    for name, value in pairs:
        if isinstance(value, ast.Constant):
            yield name.arg, constant(value.value) if isinstance(value.value, str) else FINE


def _is_harmless(annotation: ast.expr | None) -> bool:
    if annotation is None:
        return False
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value in NUMBERS
    if isinstance(annotation, ast.Subscript) and dotted(annotation.value).rpartition(".")[2] == "Literal":
        return True
    nodes = [*ast.walk(annotation)]
    names = {each.id for each in nodes if isinstance(each, ast.Name)}
    names |= {each.attr for each in nodes if isinstance(each, ast.Attribute)}
    return bool(names & NUMBERS) and names <= NUMBERS | _AROUND


def together(ways: Sequence[Names]) -> Names:
    """What names stand for after any of these ways was gone."""
    if len(ways) == 1:
        return ways[0]
    names = dict.fromkeys(key for each in ways for key in each)
    return {key: either([each[key] for each in ways if key in each]) for key in names}
