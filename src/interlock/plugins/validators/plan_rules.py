"""A Terraform or OpenTofu plan holds no wildcard permission, opens nothing to the world and keeps what keeps data.

Rules:
1. Judged is what each managed resource will be, for every resource that the plan creates, updates or replaces; and
   each deletion of something that keeps other things from being lost.
2. What was so before the change is a warning, not an error: the change is not to blame, and somebody should know.
3. A partial plan is an error: what it does not say cannot be judged. A provider's action it runs is a warning.
4. A value that is known only after apply cannot be checked; that is a warning, never a pass.
5. ``ignore`` names rules by resource: ``[{rule: plan/public-ingress, address: aws_security_group.lb}]``; both are
   globs, ``*`` stands for anything, and an entry that names no rule or no address is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse
from interlock.core.change.parts import Finding, TerraformPlan, Validation
from interlock.core.change.pointers import dotted, joined, one_line
from interlock.core.facts.plan_rules import exposure, identity
from interlock.core.facts.plan_rules.retention import KEEPERS, LOCKS, retention
from interlock.core.facts.plan_rules.view import Problem, View
from interlock.ports.reader import Material, Reading

_DELETED = "take the deletion out of this change, and say in one of its own why it may go"
_WHOLE = "plan everything, without -target and until nothing is deferred, or split the change"
_ACTION = "look at what the action does before it runs"
_UNKNOWN = "look at it after apply, or write the value into the configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """One exception by glob; a person wrote it into the rules, where it was reviewed."""

    rule: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """``validators.plan-rules``."""

    ignore: tuple[Ignored, ...] = ()


class PlanRules:
    """The validator; see the rules above."""

    name = "plan-rules"

    def validate(self, readings: Sequence[Reading], settings: Mapping[str, Json]) -> tuple[Validation, ...]:
        """One ``Validation`` per plan."""
        wanted = parse(PlanSettings, dict(settings), what="validators.plan-rules")
        if not all(entry.rule.strip() and entry.address.strip() for entry in wanted.ignore):
            raise InvalidInput(
                "expected a rule and an address in each entry of validators.plan-rules.ignore, got an empty one",
                code="settings-range",
                hint="name both, `*` for any",
            )
        return tuple(
            Validation(
                validator=self.name,
                path=reading.part.path,
                findings=(
                    *_unsaid(reading.part, wanted.ignore),
                    *_findings(reading.part.path, reading.material, wanted.ignore),
                ),
            )
            for reading in readings
            if isinstance(reading.part, TerraformPlan)
        )


def _unsaid(plan: TerraformPlan, ignored: Sequence[Ignored]) -> Iterator[Finding]:
    """What the plan does not tell about itself."""
    whole = plan.incomplete or (("the plan ended in an error",) if plan.errored else ())
    for gap in whole:
        problem = Problem(rule="plan/incomplete", words=f"plan incomplete: {gap}", remedy=_WHOLE)
        if not _is_ignored(problem, "plan", ignored):
            yield replace(
                _finding(plan.path, 0, plan.path, problem), message=one_line(problem.words), pointer=None
            )
    for action in plan.invokes:
        words = "is run, and what it does is not in the plan"
        problem = Problem(rule="plan/action", words=words, remedy=_ACTION, level="warning")
        if not _is_ignored(problem, action, ignored):
            yield replace(_finding(plan.path, 0, action, problem), pointer=None)


def _is_ignored(problem: Problem, address: str, ignored: Sequence[Ignored]) -> bool:
    return any(fnmatchcase(problem.rule, i.rule) and fnmatchcase(address, i.address) for i in ignored)


def _findings(path: str, material: Material, ignored: Sequence[Ignored]) -> Iterator[Finding]:
    try:
        plan = json.loads(material.after(path) or b"")
    except (InvalidInput, ValueError, RecursionError):
        yield Finding(
            rule="plan/unreadable",
            level="error",
            message=one_line(f"{path} cannot be read as JSON, so its rules were not checked"),
            path=path,
            remedy="terraform show -json plan.out > plan.json",
        )
        return
    entries = plan.get("resource_changes") if isinstance(plan, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, dict) or entry.get("mode", "managed") != "managed":
            continue
        address = str(entry.get("address", "a resource"))
        for problem in _problems(entry):
            if not _is_ignored(problem, address, ignored):
                yield _finding(path, index, address, problem)


def _problems(entry: Mapping[str, Json]) -> Iterator[Problem]:
    """What is wrong with one entry of ``resource_changes``."""
    kind = entry.get("type")
    change = entry.get("change")
    if not isinstance(kind, str) or not isinstance(change, dict):
        return
    actions = change.get("actions")
    before, after = change.get("before"), change.get("after")
    if actions == ["delete"] and kind in LOCKS:
        yield Problem(rule="plan/lock-deleted", words=f"is deleted: it is {LOCKS[kind]}", remedy=_DELETED)
    if actions in (["no-op"], ["read"], ["delete"], ["forget"]) or not isinstance(after, dict):
        return
    new = View(after, change.get("after_unknown"))
    old = View(before) if isinstance(before, dict) else None
    known = {(p.rule, p.words) for p in _told(kind, old)} if old is not None else set()
    for problem in _told(kind, new):
        if (problem.rule, problem.words) in known:
            yield replace(problem, words=f"{problem.words}, as before", level="warning")
        else:
            yield problem
    yield from retention(KEEPERS.get(kind, ()), old, new)
    for pointer in dict.fromkeys(new.asked):
        words = f"{dotted(pointer)} is known only after apply and was not checked"
        yield Problem(rule="plan/unknown", words=words, pointer=pointer, remedy=_UNKNOWN, level="warning")


def _told(kind: str, view: View) -> Iterator[Problem]:
    for table in (identity.TABLE, exposure.TABLE):
        for rule in table.get(kind, ()):
            yield from rule(view)


def _finding(path: str, index: int, address: str, problem: Problem) -> Finding:
    shown = dotted(problem.pointer)
    where = f" ({shown})" if problem.pointer and shown not in problem.words else ""
    side = joined(joined(joined("", "resource_changes"), index), "change")
    return Finding(
        rule=problem.rule,
        level=problem.level,
        message=one_line(f"{address} {problem.words}{where}"),
        path=path,
        pointer=f"{side}/after{problem.pointer}" if problem.pointer else side,
        remedy=problem.remedy,
    )
