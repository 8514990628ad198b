"""How values go through the statements of a file, function by function, until something executes them.

Rules:
1. Each function is gone through once by itself, with parameters that are open but for those that are said to be
   numbers. Where it is called in the same file it is gone through with what it is given there.
2. Of two branches both hold afterwards; one that leaves does not. What a loop does, it does twice.
3. An attribute of a class is what its methods and its body give it and put into it, together, whichever object of
   it: what one method puts in another may execute. A name that is declared global may
   be anything.
4. What is called is followed where it is short, or has to do with SQL (see ``sql_file``), ``DEEPEST`` calls down,
   and ``MOST_CALLS`` in one file; what is beyond is open.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from interlock.core.scan.sql_file import DEEPEST, SELVES, File, Function, bound, parameters, together
from interlock.core.scan.sql_read import Found, Names, Reader, dotted
from interlock.core.scan.sql_value import FINE, OPEN, Value, either, put_together

MOST_CALLS = 2_000


class Flow(Reader):
    """One way through a body. ``returned`` is what it gives, ``later`` what is defined in it."""

    def __init__(self, file: File, names: Names, owner: str, found: Found) -> None:
        super().__init__(names, found)
        self.file, self.owner = file, owner
        self.returned: list[Value] = []
        self.later: list[tuple[Function, str]] = []
        self.inner: dict[str, Function] = {}
        self._left: list[list[Names]] = []

    def through(self, body: Sequence[ast.stmt]) -> bool:
        """Go through it; whether one comes out at its end."""
        return all(self.visit(each) is not False for each in body)

    def defined(self) -> None:
        """Go through the functions that are defined in what was gone through, with what there is at its end."""
        for node, owner in self.later:
            given = {**self.names, **parameters(node), **_object(node, owner)}
            own = Flow(self.file, given, owner or self.owner, self.found)
            own.inner = dict(self.inner)
            own.through(node.body)
            own.defined()

    def own(self, call: ast.Call, on: Value, values: Sequence[Value], named: Names) -> Value | None:
        """See ``Reader``."""
        if (made := dotted(call.func)) in self.file.classes and made not in self.inner:
            return replace(OPEN, of=made)
        node, owner = self._meant(call.func, on)
        if node is None or node in self.file.running or node not in self.file.followed:
            return None
        if len(self.file.running) >= DEEPEST or self.file.calls >= MOST_CALLS:
            return OPEN
        mine = self.inner.get(node.name) is node and self.file.functions.get(node.name) is not node
        same = owner is None or _is_self(call.func)
        given = {
            **(self.names if mine else self._of_self() if same else {}),
            **bound(node, call, values, named, skips=owner is not None),
            **_object(node, owner),
        }
        known = (node, owner, len(self.file.running), frozenset(given.items()))
        if known not in self.file.gone:
            self.file.gone[known] = self._inside(node, given, owner)
        found, after = self.file.gone[known]
        if owner is not None and same:
            self.names |= after
        return found

    def _inside(self, node: Function, given: Names, owner: str | None) -> tuple[Value, Names]:
        """What a function gives where names stand for these, and what it makes of its own object."""
        self.file.calls += 1
        self.file.running.append(node)
        inside = Flow(self.file, {**self.file.top, **given}, self.owner if owner is None else owner, self.found)
        inside.through(node.body)
        self.file.running.pop()
        return either(inside.returned) if inside.returned else FINE, inside._of_self()

    def _of_self(self) -> Names:
        return {key: each for key, each in self.names.items() if key.startswith(SELVES)}

    def _meant(self, func: ast.expr, on: Value) -> tuple[Function | None, str | None]:
        """The function of this file that is called; of a method with its class, else None."""
        if isinstance(func, ast.Name):
            return self.inner.get(func.id) or self.file.functions.get(func.id), None
        owner = self._whose(func.value, on) if isinstance(func, ast.Attribute) else ""
        if not owner or not isinstance(func, ast.Attribute):
            return None, None
        return self.file.method(owner, func.attr), owner

    def _whose(self, node: ast.expr, on: Value) -> str:
        """The class of what a method or an attribute is asked of; empty where it is not known."""
        name = node.id if isinstance(node, ast.Name) else ""
        return on.of or (self.owner if name in {"self", "cls"} else name)

    def put_in(self, target: ast.expr, held: Value, more: Value) -> None:
        """See ``Reader``. What one method puts in, another finds."""
        super().put_in(target, held, more)
        if self.owner and (key := dotted(target)).startswith(SELVES):
            self.file.give(self.owner, key.partition(".")[2], more)

    def assign(self, target: ast.expr, value: Value, source: ast.expr | None = None) -> None:
        """See ``Reader``. What an attribute of a class is given is kept for all of its methods."""
        super().assign(target, value, source)
        if self.owner and (key := dotted(target)).startswith(SELVES):
            self.file.give(self.owner, key.partition(".")[2], value)

    def attribute(self, node: ast.Attribute) -> Value | None:
        """See ``Reader``."""
        on = self.value(node.value)
        owner = self._whose(node.value, on)
        if (held := self.file.held(owner, node.attr)) is not None:
            return held
        made = self.file.method(owner, node.attr)
        if made is None or not any(dotted(each).endswith("property") for each in made.decorator_list):
            return None
        call = ast.Call(func=node, args=[], keywords=[])
        return self.own(ast.copy_location(call, node), on, [], {})

    def _on_functiondef(self, node: Function) -> None:
        for each in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.value(each)
        self.later.append((node, ""))
        self.inner[node.name] = node
        self.names.pop(node.name, None)

    _on_asyncfunctiondef = _on_functiondef

    def _on_classdef(self, node: ast.ClassDef) -> None:
        before = dict(self.names)
        with self.apart():
            for each in node.body:
                if isinstance(each, Function):
                    self.later.append((each, node.name))
                    continue
                self.visit(each)
                if isinstance(each, ast.AnnAssign) and not (key := dotted(each.target)).isupper():
                    # A field: whoever makes one of these may give it something else.
                    self.names[key] = OPEN
            given = {key: each for key, each in self.names.items() if each is not before.get(key)}
        for key, one in given.items():
            self.file.give(node.name, key, one)

    def _on_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for each in node.names:
            if each.asname and not each.name.isupper():
                self.names[each.asname] = replace(OPEN, means=each.name.rpartition(".")[2])

    _on_importfrom = _on_import

    def _on_assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for each in node.targets:
            self.assign(each, value, node.value)

    def _on_annassign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.value(node.value), node.value)

    def _on_augassign(self, node: ast.AugAssign) -> None:
        before = self.value(node.target)
        if isinstance(node.op, ast.Mod):
            self.assign(node.target, self.formatted(before, node.value, node.value))
            return
        more = self.value(node.value)
        texts = isinstance(node.op, ast.Add) and not isinstance(node.value, ast.List | ast.Tuple | ast.ListComp)
        after = put_together([before, more], node.value) if texts else either([before, more])
        self.assign(node.target, replace(after, keys=before.keys))

    def _on_expr(self, node: ast.Expr) -> None:
        value = node.value
        if isinstance(value, ast.Yield | ast.YieldFrom):
            self.returned.append(self.value(value.value))
        else:
            self.value(value)

    def _on_return(self, node: ast.Return) -> bool:
        self.returned.append(self.value(node.value))
        return False

    def _on_raise(self, node: ast.Raise) -> bool:
        self._otherwise(node)
        return False

    def _on_break(self, node: ast.Break | ast.Continue) -> bool:
        del node
        if self._left:
            self._left[-1].append(self.names)
        return False

    _on_continue = _on_break

    def _on_assert(self, node: ast.Assert) -> None:
        self.value(node.test)
        self.narrow(node.test, holds=True)

    def _on_if(self, node: ast.If) -> bool:
        self.value(node.test)
        before, out = dict(self.names), []
        for body, holds in ((node.body, True), (node.orelse, False)):
            self.names = dict(before)
            self.narrow(node.test, holds=holds)
            if self.through(body):
                out.append(self.names)
        self.names = together(out or [self.names])
        return bool(out)

    def _on_for(self, node: ast.For | ast.AsyncFor) -> None:
        self._loop(node.body, [(node.target, node.iter)])
        self.through(node.orelse)

    _on_asyncfor = _on_for

    def _on_while(self, node: ast.While) -> None:
        self.value(node.test)
        self._loop(node.body, [])
        self.through(node.orelse)

    def _loop(self, body: Sequence[ast.stmt], over: Sequence[tuple[ast.expr, ast.expr]]) -> None:
        for _ in range(2):
            before = dict(self.names)
            self._left.append([])
            for target, source in over:
                self.each_of(target, source)
            ended = self.through(body)
            self.names = together([before, *([self.names] if ended else []), *self._left.pop()])

    def _on_try(self, node: ast.Try | ast.TryStar) -> bool:
        before = dict(self.names)
        ended = self.through(node.body) and self.through(node.orelse)
        out, after = [self.names] if ended else [], self.names
        for each in node.handlers:
            self.names = together([before, after])
            if self.through(each.body):
                out.append(self.names)
        self.names = together(out or [after])
        return self.through(node.finalbody) and bool(out)

    _on_trystar = _on_try

    def _on_with(self, node: ast.With | ast.AsyncWith) -> bool:
        for each in node.items:
            value = self.value(each.context_expr)
            if each.optional_vars is not None:
                self.assign(each.optional_vars, value)
        return self.through(node.body)

    _on_asyncwith = _on_with

    def _on_match(self, node: ast.Match) -> None:
        self.value(node.subject)
        before, out = dict(self.names), [dict(self.names)]
        for each in node.cases:
            self.names = dict(before)
            if self.through(each.body):
                out.append(self.names)
        self.names = together(out)


def _is_self(func: ast.expr) -> bool:
    return isinstance(func, ast.Attribute) and dotted(func.value) in {"self", "cls"}


def _object(node: Function, owner: str | None) -> Names:
    """What a method is called on, under the name that it has there."""
    first = next(iter([*node.args.posonlyargs, *node.args.args]), None)
    return {first.arg: replace(OPEN, of=owner)} if owner and first and first.arg in {"self", "cls"} else {}
