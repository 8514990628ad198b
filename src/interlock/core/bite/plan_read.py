"""``test-plans/<name>.yaml``: from the bytes of a file to a plan, every key looked at before anything is run.

Rules:
1. All that is wrong is told at once, with its line.
2. A plan without ``command`` is one of pytest; one with a command says in it where its JUnit report goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from interlock.core.bite.plan import JUNIT_PLACE, TestPlan
from interlock.core.change.canonical import sha256
from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.change.yaml_nodes import refused
from interlock.core.rollout.passed_on import read_variables
from interlock.core.rollout.plan_faults import Gathering, surveyed, together
from interlock.core.rollout.plan_source import Part, read_source

KEYS = (
    "service", "product", "tests", "roots", "python", "arguments", "command", "timeout", "repeats", "coverage",
    "environment",
)  # fmt: skip
REQUIRED = ("service", "product")
MOST_WORDS = 100
MOST_REPEATS = 10

TestPlans = Mapping[str, TestPlan]
"""By service."""

_EMPTY = TestPlan(path="", service="", product=())


def read_test_plan(path: str, content: bytes) -> TestPlan:
    """The plan of one file; ``path`` names it in errors.

    Raises:
        InvalidInput: ``test-plan``, ``test-range``, or what is wrong with the YAML; ``PlanFaults`` where it is
            several.
    """
    plan, faults = survey_test_plan(path, content)
    if faults:
        raise together(faults)
    return plan


def survey_test_plan(path: str, content: bytes) -> tuple[TestPlan, tuple[InvalidInput, ...]]:
    """The plan as far as it can be read, and all that is wrong with it.

    Raises:
        InvalidInput: what is wrong with the YAML.
    """
    part = read_source(path, content, kind="test")
    found = Gathering()
    fields, faults = part.survey(KEYS, required=REQUIRED)
    found.note(faults)
    if {"arguments", "command"} <= fields.keys():
        hint = "`arguments` are pytest's own; another runner has a `command`"
        found.note([fields["command"].refuse("either `arguments` or `command`", "both", hint=hint)])
    read = {key: found.read(partial(_READERS[key], each), None) for key, each in fields.items()}
    known = {_FIELDS.get(key, key): each for key, each in read.items() if each is not None}
    plan = replace(_EMPTY, **known, path=path, digest=sha256(content), lines=part.source.lines)
    return plan, found.faults


def read_test_plans(files: Mapping[str, bytes], services: Collection[str]) -> TestPlans:
    """The plans of all rule files that are one.

    Raises:
        InvalidInput: as ``read_test_plan``, or ``test-service``, ``test-twice``; ``PlanFaults`` where several
            things are wrong in them.
    """
    found = surveyed(files, survey_test_plan, partial(_misplaced, services))
    if found.faults:
        raise together(found.faults)
    return {plan.service: plan for plan in found.plans.values()}


def _misplaced(services: Collection[str], plan: TestPlan, other: TestPlan | None) -> Iterator[InvalidInput]:
    place = Place(path=plan.path, line=plan.line_of(("service",)))
    if plan.service and plan.service not in services:
        yield refused(
            place,
            f"a service of the catalog{closest(plan.service, sorted(services))}",
            plan.service,
            code="test-service",
            hint="correct it, or describe the service: docs/how-to/describe-your-services.md",
        )
    if other is not None:
        yield refused(
            place,
            f"one test plan of `{plan.service}`, which {other.path} is",
            "another",
            code="test-twice",
            hint="remove one of the two",
        )


def _words(part: Part) -> tuple[str, ...]:
    parts = part.items()
    if len(parts) > MOST_WORDS:
        raise part.refuse(f"at most {MOST_WORDS} words", str(len(parts)), hint="leave some out")
    return tuple(each.word() for each in parts)


def _globs(part: Part) -> tuple[str, ...]:
    words = _words(part)
    for each, word in zip(part.items(), words, strict=True):
        if not word.strip("/!"):
            raise each.refuse(f"a glob at `{each.name}`", word, hint="such as src/, lib/**/*.py or !src/vendor/")
    return words


def _roots(part: Part) -> tuple[str, ...]:
    words = _words(part)
    for each, word in zip(part.items(), words, strict=True):
        if word.startswith("/") or ".." in word.split("/"):
            raise each.refuse("a folder of the repository", word, hint="such as src, or . for its root")
    return words


def _command(part: Part) -> tuple[str, ...]:
    words = _words(part)
    if not any(JUNIT_PLACE in word for word in words):
        hint = f"say in it where its JUnit report goes: --junit={JUNIT_PLACE}"
        raise part.refuse(f"`{JUNIT_PLACE}` in `{part.name}`", "none", hint=hint)
    return words


def _repeats(part: Part) -> int:
    value = part.value
    if isinstance(value, bool) or not isinstance(value, int):
        raise part.refuse(f"a whole number at `{part.name}`", hint="3 is usual")
    if not 2 <= value <= MOST_REPEATS:  # noqa: PLR2004  # once tells nothing of a flaky test
        raise part.refuse(f"2 to {MOST_REPEATS} at `{part.name}`", code="test-range", hint="3 is usual")
    return value


def _yes_or_no(part: Part) -> bool:
    if not isinstance(part.value, bool):
        raise part.refuse(f"true or false at `{part.name}`", hint="write one of them, without quotes")
    return part.value


_FIELDS = {"environment": "passed_on"}
_READERS: Mapping[str, Callable[[Part], Any]] = {
    "service": Part.word,
    "product": _globs,
    "tests": _globs,
    "roots": _roots,
    "python": Part.word,
    "arguments": _words,
    "command": _command,
    "timeout": lambda part: part.seconds(least=1.0, most=7_200.0),
    "repeats": _repeats,
    "coverage": _yes_or_no,
    "environment": read_variables,
}
