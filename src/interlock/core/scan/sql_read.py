"""What an expression comes to, as far as it matters for SQL (see ``sql_value``).

Rules:
1. Read is what stands in the file: constants, texts that are put together, containers, and functions of the same
   file (see ``sql_flow``). What anything else gives is open, be it a parameter, an attribute or a call.
2. A value that was tested is what it was tested for (see ``sql_tested``).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from interlock.core.scan.sql_calls import given, is_added, is_written
from interlock.core.scan.sql_formats import by_percent, is_number_by_form
from interlock.core.scan.sql_tested import harmless
from interlock.core.scan.sql_value import (
    EMPTY,
    FINE,
    OPEN,
    Value,
    constant,
    either,
    kept_in,
    put_together,
    without_keys,
)
from interlock.core.scan.sql_words import is_constant_name, is_given_sql

Names = dict[str, Value]
Found = dict[ast.expr, str]
_LISTS = (ast.List, ast.Tuple, ast.Set, ast.ListComp, ast.SetComp, ast.GeneratorExp)
_ARITHMETIC = (ast.Sub, ast.FloorDiv, ast.Pow, ast.LShift, ast.RShift, ast.MatMult)
Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


def dotted(node: ast.expr) -> str:
    """``name`` or ``name.attribute``; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


class Reader:
    """Reads expressions by what names stand for; ``found`` is where something is put into SQL, and for what."""

    def __init__(self, names: Names, found: Found) -> None:
        self.names, self.found = names, found

    def value(self, node: ast.expr | None) -> Value:
        """What it comes to; what is called in it is looked at as well."""
        if node is None:
            return EMPTY
        found = self.visit(node)
        return found if isinstance(found, Value) else OPEN

    def visit(self, node: ast.AST) -> Value | bool | None:
        """Look at a node by its kind; of one that has no part here, at all that is in it.

        It gives the value of an expression, and of a statement whether one comes out at its end.
        """
        read: Callable[[ast.AST], Value | bool | None]
        read = getattr(self, f"_on_{type(node).__name__.lower()}", self._otherwise)
        return read(node)

    def own(self, call: ast.Call, on: Value, values: Sequence[Value], named: Names) -> Value | None:
        """What a function or a class of the same file gives; ``on`` is what it is called on. Else None."""
        raise NotImplementedError

    def attribute(self, node: ast.Attribute) -> Value | None:
        """What an attribute of a class of the same file is; None where it is none."""
        raise NotImplementedError

    def narrow(self, test: ast.expr, *, holds: bool) -> None:
        """Take what is known where ``test`` holds, or does not."""
        for node in harmless(test, self.value, holds=holds):
            if key := dotted(node):
                self.names[key] = FINE

    def assign(self, target: ast.expr, value: Value, source: ast.expr | None = None) -> None:
        """Give a name, an attribute, a place in a container or several of them a value."""
        if isinstance(target, ast.Starred):
            self.assign(target.value, value)
        elif isinstance(target, ast.Tuple | ast.List):
            pairs = isinstance(source, ast.Tuple | ast.List) and len(source.elts) == len(target.elts)
            for number, each in enumerate(target.elts):
                one = source.elts[number] if pairs and isinstance(source, ast.Tuple | ast.List) else None
                self.assign(each, self.value(one) if one is not None else without_keys(value), one)
        elif isinstance(target, ast.Subscript) and (key := dotted(target.value)):
            asked = self.value(target.slice)
            had = self.names.get(key, EMPTY)
            self.names[key] = replace(kept_in(had, value), keys=either([asked, had.keys or asked]))
        elif key := dotted(target):
            self.names[key] = value

    def put_in(self, target: ast.expr, held: Value, more: Value) -> None:
        """Put one thing more into a container that holds this."""
        self.names[dotted(target)] = kept_in(held, more)

    def each_of(self, target: ast.expr, source: ast.expr) -> None:
        """Give ``target`` what iterating over ``source`` gives."""
        value = self.value(source)
        asked = value.keys if value.keys is not None else value
        if _is_items(source) and isinstance(target, ast.Tuple):
            for each, one in zip(target.elts, (asked, without_keys(value)), strict=False):
                self.assign(each, one)
        else:
            self.assign(target, asked)

    def _otherwise(self, node: ast.AST) -> Value:
        for each in ast.iter_child_nodes(node):
            self.visit(each)
        return OPEN

    def _on_name(self, node: ast.Name) -> Value:
        return self.names.get(node.id) or (FINE if is_constant_name(node.id) else replace(OPEN, means=node.id))

    def _on_attribute(self, node: ast.Attribute) -> Value:
        if (known := self.names.get(dotted(node))) is not None:
            return known
        if (mine := self.attribute(node)) is not None:
            return mine
        around = self.value(node.value)
        if is_constant_name(node.attr) or (around == FINE and not isinstance(node.value, ast.Name)):
            return FINE
        return replace(OPEN, means=node.attr)

    def _on_constant(self, node: ast.Constant) -> Value:
        held = node.value
        if isinstance(held, bytes):
            return constant(held.decode("latin-1"))
        return EMPTY if held is None else constant(held if isinstance(held, str) else str(held))

    def _on_joinedstr(self, node: ast.JoinedStr) -> Value:
        parts = []
        for each in node.values:
            if isinstance(each, ast.FormattedValue):
                value = self.value(each.value)
                form = self.value(each.format_spec) if each.format_spec is not None else EMPTY
                parts.append(FINE if form.exact and is_number_by_form(form.text) else value)
            else:
                parts.append(self.value(each))
        return put_together(parts, node)

    def _on_binop(self, node: ast.BinOp) -> Value:
        if isinstance(node.op, ast.Add):
            parts = _added(node)
            values = [self.value(each) for each in parts]
            return (
                either(values) if any(isinstance(each, _LISTS) for each in parts) else put_together(values, node)
            )
        one = self.value(node.left)
        if isinstance(node.op, ast.Mod):
            return self.formatted(one, node.right, node)
        other = self.value(node.right)
        if isinstance(node.op, ast.Mult):
            return one if one.text or one.puts else other
        return FINE if isinstance(node.op, _ARITHMETIC) else either([one, other])

    def formatted(self, text: Value, taken: ast.expr, node: ast.expr) -> Value:
        """``text % taken``."""
        listed = [self.value(each) for each in taken.elts] if isinstance(taken, ast.Tuple) else []
        named: Names = {}
        if isinstance(taken, ast.Dict):
            pairs = zip(taken.keys, taken.values, strict=True)
            named = {str(key.value): self.value(each) for key, each in pairs if isinstance(key, ast.Constant)}
        rest = self.value(taken)
        if not text.exact:
            return put_together([text, rest], node)
        if not isinstance(taken, ast.Tuple | ast.Dict | ast.Name | ast.Attribute | ast.Starred):
            listed = [rest]
        return put_together(by_percent(text.text, listed, named, without_keys(rest)), node)

    def _on_list(self, node: ast.List | ast.Tuple | ast.Set) -> Value:
        return replace(either(self.value(each) for each in node.elts), exact=False)

    _on_tuple = _on_set = _on_list

    def _on_dict(self, node: ast.Dict) -> Value:
        more = [self.value(each) for key, each in zip(node.keys, node.values, strict=True) if key is None]
        held = [self.value(each) for key, each in zip(node.keys, node.values, strict=True) if key is not None]
        asked = [self.value(key) for key in node.keys if key is not None]
        asked += [each.keys or each for each in more]
        return replace(either([*held, *more]), keys=either(asked), exact=False)

    def _on_listcomp(self, node: Comprehension) -> Value:
        with self.apart():
            for each in node.generators:
                self.each_of(each.target, each.iter)
                for test in each.ifs:
                    self.value(test)
                    self.narrow(test, holds=True)
            if isinstance(node, ast.DictComp):
                return replace(self.value(node.value), keys=self.value(node.key), exact=False)
            return replace(self.value(node.elt), exact=False)

    _on_setcomp = _on_generatorexp = _on_dictcomp = _on_listcomp

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is given a value meanwhile is forgotten afterwards."""
        before = dict(self.names)
        try:
            yield
        finally:
            self.names = before

    def _on_ifexp(self, node: ast.IfExp) -> Value:
        self.value(node.test)
        found = []
        for each, holds in ((node.body, True), (node.orelse, False)):
            with self.apart():
                self.narrow(node.test, holds=holds)
                found.append(self.value(each))
        return either(found)

    def _on_boolop(self, node: ast.BoolOp) -> Value:
        return either([self.value(each) for each in node.values])

    def _on_compare(self, node: ast.Compare) -> Value:
        self._otherwise(node)
        return FINE

    def _on_unaryop(self, node: ast.UnaryOp) -> Value:
        inner = self.value(node.operand)
        return FINE if isinstance(node.op, ast.Not) else inner

    def _on_subscript(self, node: ast.Subscript) -> Value:
        self.value(node.slice)
        return replace(without_keys(self.value(node.value)), exact=False)

    def _on_await(self, node: ast.Await | ast.Starred | ast.FormattedValue) -> Value:
        return self.value(node.value)

    _on_starred = _on_formattedvalue = _on_await

    def _on_namedexpr(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        self.assign(node.target, value)
        return value

    def _on_lambda(self, node: ast.Lambda) -> Value:
        with self.apart():
            for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                self.names[each.arg] = OPEN
            self.value(node.body)
        return OPEN

    def _on_call(self, node: ast.Call) -> Value:
        func = node.func
        on = self.value(func.value) if isinstance(func, ast.Attribute) else EMPTY
        known = self.value(func) if not isinstance(func, ast.Attribute) else EMPTY
        name = func.attr if isinstance(func, ast.Attribute) else known.means or dotted(func)
        values = [self.value(each) for each in node.args]
        named = {each.arg or "**": self.value(each.value) for each in node.keywords}
        for number, one in enumerate((*values, *named.values())):
            if (
                one.puts
                and not _runs_python(func)
                and is_given_sql(name, one.text, first=number == 0 or number >= len(values))
            ):
                self.found |= {put: name for put in one.puts if put not in self.found}
        if (mine := self.own(node, on, values, named)) is not None:
            return mine
        if isinstance(func, ast.Attribute) and is_added(name) and dotted(func.value):
            for each in values[-1:]:
                self.put_in(func.value, on, put_together([on, each], node) if is_written(name) else each)
            return EMPTY
        return given(node, name, on, values, named)


def _runs_python(func: ast.expr) -> bool:
    return isinstance(func, ast.Name) and func.id == "exec"


def _is_items(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "items"


def _added(node: ast.expr) -> list[ast.expr]:
    """What is added up, from left to right."""
    parts: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts.append(node.right)
        node = node.left
    return [node, *reversed(parts)]
