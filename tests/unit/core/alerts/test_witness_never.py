"""Alerts that can never fire: the two proofs, and everything that is none."""

from __future__ import annotations

import pytest

from interlock.core.alerts.witness_never import never


@pytest.mark.parametrize(
    ("expression", "proof"),
    [
        ("x > 5 and x < 3", "`x` is never both more than 5 and less than 3"),
        ("sum(x) >= 5 and (sum(x)) < 5", "`sum(x)` is never both at least 5 and less than 5"),
        ("3 > x and x > 3", "`x` is never both less than 3 and more than 3"),
        ("count(up) by (job) == 0", "`count by (job) (up)` is never both at least 1 and 0"),
        ("sum(x == 0) > 0", "`sum(x == 0)` is never both 0 and more than 0"),
        ("abs(x) < 0", "`abs(x)` is never both at least 0 and less than 0"),
        ("vector(0) > 1", "`vector(0)` is never both 0 and more than 1"),
        ("x > 5 and vector(0) == 1", "`vector(0)` is never both 0 and 1"),
        ('a{l="x"} and vector(1)', 'one has l="x", the other has no `l`'),
        ("changes(x[5m]) < 0", "`changes(x[5m])` is never both at least 0 and less than 0"),
        (
            'a{s="hit"} / (a{s="hit"} + a{s="miss"}) < 0.8',
            'one has s="hit", the other has s="miss"',
        ),
        ('sum by (job) (a) > 1 and b{zone="x"} > 0', 'one has zone="x", the other has no `zone`'),
        ('a / ignoring(l) b{l="x"} > 1 and b{l="x"} > 0', 'one has l="x", the other has no `l`'),
        ('sum without (l) (a) > 1 and b{l="x"} > 0', 'one has l="x", the other has no `l`'),
    ],
)  # fmt: skip
def test_what_can_never_fire_is_proven(expression, proof):
    assert never(expression).removeprefix("its two sides never match: ") == proof


@pytest.mark.parametrize(
    "expression",
    [
        "x > 3 and x < 5",
        "x > 5 or x < 3",
        "x > 5 and on(a) x < 3",
        "x > 5 and x offset 5m < 3",
        '{__name__=~"a|b"} > 5 and {__name__=~"a|b"} < 3',
        "x > 5 unless x < 3",
        "count(up) == 1",
        "count(up) == 0 or x > 0",
        "absent(x) == 1",
        "vector(1) == 1",
        "vector(time()) > 5",
        "vector(scalar(x)) > 5",
        "x or vector(0) < 1",
        "(count(x) or vector(0)) < 1",
        "sum(x == 1) > 0",
        "sum(x) < 0",
        "rate(x[5m]) < 0",
        "x > bool 5 < 1",
        'a{s="hit"} / ignoring(s) a{s="miss"} > 1',
        'a{s="hit"} / on(job) a{s="miss"} > 1',
        'a{s="hit"} unless a{s="miss"}',
        'a{s="hit"} or a{s="miss"}',
        'a * on(job) group_left(s) b{s="x"} > 1 and c{s="y"} > 0',
        'label_replace(a, "zone", "y", "", "") > 1 and b{zone="y"} > 0',
        'sum by (zone) (a) > 1 and b{zone="x"} > 0',
        "no PromQL (",
    ],
)
def test_what_may_fire_has_no_proof(expression):
    assert never(expression) == ""


def test_either_side_of_an_or_must_be_impossible():
    said = never("count(x) == 0 or abs(y) < 0")
    assert said == "`count(x)` is never both at least 1 and 0; `abs(y)` is never both at least 0 and less than 0"
