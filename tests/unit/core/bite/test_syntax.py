"""What is new and what is changed, by syntax trees; and what a mutant is made of."""

from __future__ import annotations

import ast

import pytest

from interlock.core.bite.mutants import RAISED, Target, mutated, targets
from interlock.core.bite.seen import Place
from interlock.core.bite.syntax import standing

TESTS = b'''\
import pytest


class TestCart:
    def setup_method(self):
        self.cart = [1]

    @pytest.mark.parametrize("n", [1, 2])
    def test_pays(self, n):
        """Pays."""
        assert n in self.cart


if True:
    def test_guarded():
        assert 1
'''


@pytest.mark.parametrize(
    ("name", "old", "new", "how"),
    [
        ("TestCart.test_pays", b"        assert n", b"\n\n        # it pays\n        assert  n", "unchanged"),
        ("TestCart.test_pays", b"[1, 2]", b"[1, 2, 3]", "changed"),
        ("TestCart.test_pays", b"self.cart = [1]", b"self.cart = [2]", "changed"),
        ("test_guarded", b"self.cart = [1]", b"self.cart = [2]", "unchanged"),
        ("test_guarded", b"assert 1", b"assert 2", "changed"),
        ("test_other", b"def test_guarded", b"def test_other", "new"),
        ("TestCart.test_pays", b"assert n in", b"assert n in (", "changed"),
        ("TestCart.made_up", b"assert n", b"assert not n", "changed"),
    ],
)
def test_a_function_is_what_its_tree_says(name, old, new, how):
    place = Place(file="tests/test_cart.py", name=name)
    assert standing(place, TESTS.replace(old, new), TESTS) == how


def test_a_file_that_was_not_there_is_new():
    place = Place(file="t.py", name="test_guarded")
    assert standing(place, TESTS, None) == "new"
    assert standing(place, TESTS, TESTS) == "unchanged"


CODE = '''\
"""Promises."""
from functools import cache

MOST = 5
LOG = print("made")
__all__ = ["days"]


@cache
def days(km: int, *, fast: bool = False) -> int:
    """Days."""
    return 1 + km // 500


class Cart:
    def __init__(self):
        self.items = []

    def add(self, item):
        yield item


async def later():
    return 1
'''


def functions(content):
    return {
        node.name: node for node in ast.walk(ast.parse(content)) if hasattr(node, "args") and hasattr(node, "name")
    }


def test_targets_are_what_the_change_brought():
    before = (
        CODE.replace("// 500", "// 400").replace("MOST = 5", "MOST = 7").replace("async def later", "def later")
    )
    found = targets({"a.py": CODE.encode(), "b.py": b"def ("}, {"a.py": before.encode()})
    assert found.found == tuple(Target(file="a.py", name=name) for name in ("MOST", "days", "later"))
    assert found.unread == ("b.py",)
    assert {one.name for one in targets({"a.py": CODE.encode()}, {}).found} == {
        "MOST", "days", "later", "Cart.__init__", "Cart.add",
    }  # fmt: skip


def test_a_mutant_does_nothing_and_is_imported_as_the_code_is():
    names = ("MOST", "days", "Cart.__init__", "Cart.add", "later")
    spaces = {}
    exec(mutated(CODE.encode(), names, "none"), spaces)
    assert (spaces["days"](9_000), spaces["MOST"], spaces["Cart"]().add(1)) == (None, None, None)
    assert spaces["days"].__doc__ == "Days."
    exec(mutated(CODE.encode(), names, "stranger"), spaces)
    assert spaces["days"](9_000) not in (1, 19, None)
    assert spaces["Cart"]().items == [], "what Python calls itself is only emptied"
    raising = functions(mutated(CODE.encode(), names, "raises"))
    assert RAISED in ast.unparse(raising["days"])
    assert RAISED not in ast.unparse(raising["__init__"])


def test_where_there_is_nothing_to_replace_there_is_no_mutant():
    assert mutated(CODE.encode(), ("Cart.__init__",), "raises") is None
    assert mutated(CODE.encode(), ("MOST",), "raises") is None
    assert mutated(b"def (", ("days",), "none") is None
