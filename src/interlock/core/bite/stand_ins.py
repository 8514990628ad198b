"""Old code in which stand-ins have the names that only the new code has: what passes on it looks at nothing new.

Rules:
1. Stand-ins are given to names of a module and of its classes that head has and base has not: functions, classes,
   values, attributes that methods set, what a module imports. What was there stays, and does what it did.
2. A function whose parameters are others takes head's; one that is gone is the one that took its place.
3. Stand-ins are equal to nothing, and allow whatever is done with them. They are of two kinds, as no value is
   wrong for every test: ``true`` gives what is true, ``void`` what is nothing, or false. Names, classes and what
   is made of classes are true in both, so that looking whether they are there is no test.
4. Errors that head declares are classes of errors, for a test can wait for nothing else.
5. What Python itself calls by name (``__len__``) has no stand-in: what it must return is not free.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from typing import Literal

from interlock.core.bite.syntax import Function, tree_of

Filling = Literal["true", "void"]
FILLINGS: tuple[Filling, ...] = ("true", "void")
MODULE = "tests_stranger"
"""Where stand-ins are made of: a module beside the witness."""
_ERRORS = ("Error", "Exception", "Warning")
_BARE = ("TypedDict", "NamedTuple")
"""Classes of which a field has no value of its own, or must not be made of one."""
_Named = Function | ast.ClassDef | None
"""What a name is; None is a value."""


def with_stand_ins(before: bytes | None, after: bytes, filling: Filling) -> bytes | None:
    """A file of base in which head's names stand; None where that is nothing else, or nothing can be said."""
    old, new = tree_of(before or b""), tree_of(after)
    if old is None or new is None:
        return None
    then, now = _members(old.body), _members(new.body)
    kept = any([*(_widened(then.get(name), node, filling) for name, node in now.items())])
    fresh = [_stand_in(name, now[name], filling) for name in now if name not in then]
    if before is not None and not kept and not fresh:
        return None
    place = _beginning(old)
    old.body[place:place] = [_statement(text) for text in fresh]
    try:
        return ast.unparse(ast.fix_missing_locations(old)).encode()
    except (RecursionError, ValueError):
        return None


def _members(body: list[ast.stmt]) -> dict[str, _Named]:
    """What a body gives names to, in its branches too; not those that Python or its builtins have."""
    found: dict[str, _Named] = {}
    for node in _flat(body):
        if isinstance(node, Function | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update({(each.asname or each.name.partition(".")[0]): None for each in node.names})
        else:
            found.update(
                {each.id: None for each in ast.walk(node) if _is_stored(each) and isinstance(each, ast.Name)}
            )
    return {
        name: node
        for name, node in found.items()
        if name.isidentifier()
        and not name.startswith("__")
        and not hasattr(builtins, name)
        and name != "annotations"
    }


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        inner = [getattr(node, name, None) for name in ("body", "orelse", "finalbody")]
        branches = [each for each in inner if isinstance(each, list) and each]
        if isinstance(node, Function | ast.ClassDef) or not branches:
            yield node
            continue
        for each in (*branches, *(handler.body for handler in getattr(node, "handlers", []))):
            yield from _flat(each)


def _is_stored(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Store)


def _beginning(tree: ast.Module) -> int:
    """Where the first statement may stand: after the docstring, and what is imported of the future."""
    place = 1 if ast.get_docstring(tree, clean=False) is not None else 0
    while place < len(tree.body):
        node = tree.body[place]
        if not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            break
        place += 1
    return place


def _widened(then: _Named, now: _Named, filling: Filling) -> bool:
    """Give what was there head's parameters and members; whether there were any."""
    if isinstance(then, Function) and isinstance(now, Function):
        return _take_parameters(then, now)
    if not (isinstance(then, ast.ClassDef) and isinstance(now, ast.ClassDef)):
        return False
    old, new = _members(then.body), _members(now.body)
    touched = any([*(_widened(old.get(name), node, filling) for name, node in new.items())])
    touched = _widened(_initial(then), _initial(now), filling) or touched
    typed = {
        each.target.id
        for each in now.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
    held = set(old) | _attributes(then)
    fresh = [name for name in (*new, *sorted(_attributes(now) - set(new))) if name not in held]
    for name in fresh:
        node = new.get(name)
        text = _field(name, then, filling) if name in typed else _method(name, node, filling)
        then.body.append(_statement(text))
    return touched or bool(fresh)


def _initial(node: ast.ClassDef) -> _Named:
    """How one is made, which ``_members`` leaves out as it does all that Python calls."""
    return next((each for each in node.body if isinstance(each, Function) and each.name == "__init__"), None)


def _attributes(node: ast.ClassDef) -> set[str]:
    """What the methods of a class set of their own object."""
    return {
        each.attr
        for each in ast.walk(node)
        if _is_stored(each) and isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name)
        if each.value.id == "self" and not each.attr.startswith("__")
    }


def _take_parameters(then: Function, now: Function) -> bool:
    old, new = _parameters(then.args), _parameters(now.args)
    if list(old) == list(new):
        return False
    taken = [name for name in new if name not in old]
    gone = [name for name in old if name not in new]
    if then.args.vararg or then.args.kwarg or len(gone) > len(taken):
        return False
    then.body[:0] = [_statement(f"{name} = {taken[place]}") for place, name in enumerate(gone)]
    defaults = {**old, **{taken[place]: old[name] for place, name in enumerate(gone)}}
    then.args = _arguments(now.args, defaults)
    return True


def _parameters(args: ast.arguments) -> dict[str, ast.expr | None]:
    """Parameters in their order, with what they are where nothing is given."""
    plain = [*args.posonlyargs, *args.args]
    missing = len(plain) - len(args.defaults)
    found = {one.arg: None if at < missing else args.defaults[at - missing] for at, one in enumerate(plain)}
    return {**found, **{one.arg: value for one, value in zip(args.kwonlyargs, args.kw_defaults, strict=True)}}


def _arguments(now: ast.arguments, defaults: Mapping[str, ast.expr | None]) -> ast.arguments:
    """Head's parameters without what they are said to be; each that was there is required where it was."""
    made = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    nothing = ast.Constant(value=None)
    for each in (*now.posonlyargs, *now.args):
        (made.posonlyargs if each in now.posonlyargs else made.args).append(ast.arg(arg=each.arg))
        value = defaults.get(each.arg, nothing)
        if value is not None or made.defaults:
            made.defaults.append(value or nothing)
    for each in now.kwonlyargs:
        made.kwonlyargs.append(ast.arg(arg=each.arg))
        made.kw_defaults.append(defaults.get(each.arg, nothing))
    made.vararg = now.vararg and ast.arg(arg=now.vararg.arg)
    made.kwarg = now.kwarg and ast.arg(arg=now.kwarg.arg)
    return made


def _stand_in(name: str, node: _Named, filling: Filling) -> str:
    if isinstance(node, ast.ClassDef) and _is_error(node):
        return f"class {name}(Exception):\n    pass"
    if isinstance(node, Function):
        return _function(name, node, filling)
    return f"{name} = {_stranger('made' if isinstance(node, ast.ClassDef) else 'name', filling)}"


def _is_error(node: ast.ClassDef) -> bool:
    return any(ast.unparse(each).endswith(_ERRORS) for each in node.bases)


def _function(name: str, node: Function, filling: Filling) -> str:
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    given = "None" if filling == "void" else _stranger("name", filling)
    return f"{word} {name}(*_, **__):\n    return {given}"


def _method(name: str, node: _Named, filling: Filling) -> str:
    decorators = " ".join(ast.unparse(each) for each in getattr(node, "decorator_list", []))
    if isinstance(node, Function) and "property" not in decorators:
        return f"@staticmethod\n{_function(name, node, filling)}"
    return f"{name} = {_stranger('leaf', filling)}"


def _field(name: str, owner: ast.ClassDef, filling: Filling) -> str:
    bare = any(ast.unparse(each).endswith(_BARE[0]) for each in owner.bases)
    return f"{name}: object" if bare else f"{name}: object = {_stranger('leaf', filling)}"


def _stranger(level: str, filling: Filling) -> str:
    # An expression and no import: nothing more than head's names is there to be counted.
    return f'__import__("{MODULE}").stranger("{level}", {filling == "void"})'


def _statement(text: str) -> ast.stmt:
    return ast.parse(text).body[0]
