"""Groups are evaluated after those that record what they look at, in the order of their files else."""

from __future__ import annotations

from interlock.core.alerts.group_order import ordered
from interlock.core.alerts.rule_files import read_rules


def groups(**rules):
    lines = ["groups:"]
    for name, each in rules.items():
        lines += [f"- name: {name}", "  rules:", *(f"  - {{{one}}}" for one in each)]
    return read_rules("a.yaml", "\n".join(lines).encode())


def test_what_is_recorded_comes_before_who_looks_at_it():
    found = groups(
        alerts=["alert: A, expr: 'b > 1'", "alert: B, expr: 'x > 1'"],
        second=["record: b, expr: 'a + 1'"],
        other=["alert: C, expr: 'y > 1'"],
        first=["record: a, expr: sum(x)"],
    )
    assert ordered(found) == ("first", "second", "alerts", "other")


def test_a_circle_and_what_does_not_parse_keep_their_order():
    found = groups(one=["record: a, expr: b"], two=["record: b, expr: a"], three=["alert: A, expr: 'no ('"])
    assert ordered(found) == ("two", "one", "three")
    assert ordered(()) == ()
