"""Scan plans: every key is looked at, all that is wrong is told, and they are part of the rules."""

from __future__ import annotations

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.policy.rules import load_rules
from interlock.core.rollout.plan_faults import PlanFaults
from interlock.core.scan.plan import left_out, together
from interlock.core.scan.plan_read import read_scan_plan
from interlock.registry import bundled_policies

PLAN = b"""\
scanners:
  - {kind: bandit, passwords: true}
  - kind: semgrep
without: [legacy/**, "*.min.js"]
accept:
  - {rule: B608, paths: [src/report.py], why: names of columns come from a list}
"""
RULES = {
    "interlock.yaml": b"version: 1\nenvironments: {production: {production: true}}\n",
    **{f"policies/{path}": content for path, content in bundled_policies().items()},
}


def test_a_plan_is_read_whole():
    plan = read_scan_plan("scan-plans/shop.yaml", PLAN)
    assert [(one.kind, dict(one.settings)) for one in plan.scanners] == [
        ("bandit", {"passwords": True}),
        ("semgrep", {}),
    ]
    without, accept = together([plan])
    assert left_out(without, "legacy/old/a.py")
    assert left_out(without, "web/x.min.js")
    assert not left_out(without, "src/a.py")
    assert accept[0].covers("B608", "src/report.py")
    assert not accept[0].covers("B608", "src/other.py")
    assert plan.line_of(("scanners", 1, "kind")) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"scaners: []\n", "a known key of `the file` (did you mean `scanners`?)"),
        (b"scanners: []\n", "a list at `scanners`"),
        (b"scanners: [{name: x}]\n", "`kind` in `scanners.0`"),
        (b"without: ['**']\n", "a glob of 1 to 1000 characters that names something"),
        (b"accept: [{rule: B608, paths: [a]}]\n", "`why` in `accept.0`"),
        (b"unread: [{paths: [a]}]\n", "`why` in `unread.0`"),
        (b"{}\n", "at least one of scanners, without, accept, unread"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(content, words):
    with pytest.raises(InvalidInput) as told:
        read_scan_plan("scan-plans/x.yaml", content)
    assert words in told.value.message
    assert told.value.code == "scan-plan"
    assert "scan-plans/x.yaml:1" in told.value.message


def test_plans_and_what_lies_below_them_are_rules():
    plans = {"scan-plans/shop.yaml": PLAN, "scan-plans/semgrep/own.yaml": b"rules: []\n"}
    rules = load_rules(RULES | plans)
    assert {path: file.plan is not None for path, file in rules.scan_files.items()} == {
        "scan-plans/shop.yaml": True,
        "scan-plans/semgrep/own.yaml": False,
    }
    assert rules.digest != load_rules(RULES).digest
    assert rules.digest != load_rules(RULES | plans | {"scan-plans/semgrep/own.yaml": b"rules: [] \n"}).digest
    with pytest.raises(PlanFaults):
        load_rules(RULES | {"scan-plans/a.yaml": b"x: 1\n", "scan-plans/b.yaml": b"y: 1\n"})
