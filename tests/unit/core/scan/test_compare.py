"""What is new, moved or was there before, by real Python sources with findings on their lines."""

from __future__ import annotations

import pytest

from interlock.core.scan.compare import compared, counts, once
from interlock.core.scan.plan import USUAL
from interlock.core.scan.seen import Seen, Source
from interlock.ports.scanner import Look
from interlock.registry import scanners
from interlock.road.scan import placed, ready, scan

ONE = b"def get(c, n):\n    return c.execute('SELECT ' + n)\n"
TWO = b"\n\ndef put(c, n):\n    return c.execute('INSERT ' + n)\n"


def source(content, side="head", path="a.py", lineage="", commit=""):
    return Source(side=side, path=path, content=content, lineage=lineage or path, commit=commit)


def seen(where, mark=b"execute", identity="", rule="B608"):
    """A finding on every line that has the mark."""
    lines = [number for number, line in enumerate(where.content.splitlines(), 1) if mark in line]
    return [
        Seen(source=where, line=line, rule=rule, tool="t", level="warning", identity=identity) for line in lines
    ]


def states(head, base, past=()):
    found = [placed([each for one in side for each in seen(one)]) for side in (head, base, past)]
    return [one.state for one in compared(*found)]


def base(content, path="a.py"):
    return [source(content, side="base", path=path)]


def test_what_was_there_before_is_not_new_wherever_it_stands_in_its_file():
    assert states([source(ONE)], base(ONE)) == ["existing"]
    assert states([source(b"import os  # more\n\n\n" + TWO + ONE)], base(ONE + TWO)) == ["existing", "existing"]
    again = ONE.replace(b"'SELECT '", b'"SELECT "').replace(b"return c", b"return  c")
    assert states([source(again)], base(ONE)) == ["existing"]


def test_a_rename_is_followed():
    assert states([source(ONE, path="b.py", lineage="a.py")], base(ONE)) == ["existing"]


def test_a_function_that_is_moved_or_renamed_whole_is_moved():
    assert states([source(b"x = 1\n"), source(ONE, path="b.py")], base(ONE)) == ["moved"]
    assert states([source(ONE.replace(b"get", b"fetch"))], base(ONE)) == ["moved"]


def test_a_statement_that_is_moved_by_itself_is_new():
    other = b"def reach(request, c, n):\n    return c.execute('SELECT ' + n)\n"
    assert states([source(other)], base(ONE)) == ["new"]
    loose = b"import db\n\ndb.execute('SELECT ' + db.n)\n"
    assert states([source(loose, path="b.py")], base(loose)) == ["new"]
    # A guard that is gone makes it another function.
    guarded = b"@login_required\n" + ONE
    assert states([source(ONE.replace(b"get", b"fetch"))], base(guarded)) == ["new"]


def test_each_before_accounts_for_one_now():
    assert states([source(ONE), source(ONE, path="b.py")], base(ONE)) == ["existing", "new"]
    twice = ONE + b"    c.execute('SELECT ' + n)\n"
    assert states([source(twice + b"    c.execute('SELECT ' + n)\n")], base(twice)) == [
        "existing",
        "existing",
        "new",
    ]
    assert states([source(ONE.replace(b"'SELECT '", b"'DELETE '"))], base(ONE)) == ["new"]


def test_what_is_no_python_is_told_by_its_lines():
    text = b"select:\n  execute: x\n"
    moved = b"# one\nselect:\n    execute: x\n"
    assert states([source(moved, path="a.yaml")], base(text, path="a.yaml")) == ["existing"]
    broken = b"def (:\n  execute\n"
    assert states([source(b"\n" + broken)], base(broken)) == ["existing"]


def secret(where, value):
    return placed(seen(where, b"key", identity=value))


def test_a_secret_is_told_by_its_value():
    now, was = source(b"key\n"), source(b"\n\nkey\n", side="base", path="b.py")
    assert [one.state for one in compared(secret(now, "x"), secret(was, "x"))] == ["moved"]
    assert [one.state for one in compared(secret(now, "x"), secret(was, "y"))] == ["new"]
    both = [*secret(now, "x"), *secret(source(b"key\n", path="c.py"), "x")]
    assert counts(compared(both, secret(was, "x"))) == {"new": 1, "moved": 1, "existing": 0}


def test_a_secret_that_stood_there_in_between_is_new_once():
    past = [source(b"key\n", side="past", commit=name) for name in ("c1", "c2")]
    found = compared([], [], [each for one in past for each in secret(one, "x")])
    assert [(one.state, one.placed.seen.source.place) for one in found] == [("new", "a.py in c1")]
    known = secret(source(b"key\n"), "x")
    assert [one.state for one in compared(known, [], secret(past[0], "x"))] == ["new"]
    assert compared([], secret(source(b"key\n", side="base"), "x"), secret(past[0], "x")) == ()
    assert compared([], [], placed(seen(past[0], b"key"))) == ()


def test_one_secret_found_by_two_rules_is_one():
    where = source(b"key\n")
    found = [*seen(where, b"key", "x", "AWS"), *seen(where, b"key", "x", "random"), *seen(where, b"key", "", "B1")]
    assert [one.rule for one in once(found)] == ["AWS", "B1"]


@pytest.mark.parametrize("hostile", [b"(" * 5_000 + b")" * 5_000, b"x = " + b"-" * 20_000 + b"1", b"\0", b"\xff"])
def test_what_no_parser_reads_is_text(hostile):
    line = b"\nexecute"
    assert states([source(hostile + line)], base(hostile + line)) == ["existing"]


def told(before, after):
    """What the usual scanners of Python say of a change to one file: the tool and what it is to the change."""
    look = Look(sources=[source(before, side="base"), source(after)])
    usual = [one for one in ready((USUAL,), scanners()) if one.kind != "secrets"]
    found, _ = scan(usual, look, told=lambda _: None)
    return sorted((one.placed.seen.tool, one.placed.seen.rule, one.state) for one in found)


TABLES = b"""\
TABLES = ("a", "b")
def find(c, request):
    for table in TABLES:
        c.execute("DELETE FROM " + table)
"""
FIXED = b"""\
def find(c, ship):
    name = "fixed"
    c.execute("SELECT id FROM t WHERE n = " + name)
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TABLES, TABLES.replace(b"in TABLES", b"in request.args.getlist('t')")),
        (FIXED, FIXED.replace(b'"fixed"', b"ship")),
    ],
)
def test_what_another_scanner_said_before_silences_nothing_that_is_new(before, after):
    """bandit speaks of the constant as well: that a value from elsewhere takes its place is new all the same."""
    assert [one for one in told(before, before) if one[2] == "new"] == []
    assert told(before, after) == [("bandit", "B608", "existing"), ("interlock-access", "sql-composed", "new")]
    # What both say is said once, before and now.
    assert told(after, after) == [("bandit", "B608", "existing")]
    assert told(b"", after) == [("bandit", "B608", "new")]
