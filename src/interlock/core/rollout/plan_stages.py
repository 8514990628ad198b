"""Stages and steps of a rollout plan, as its file writes them.

Rules:
1. ``stages: default`` are 1, 5, 25, 50, 95 and 100 %, 15 minutes each, 2 hours at most; harm of 90, 50, 25, 10 and
   10 % must be ruled out before the next. At 100 % nothing is left to compare with, so nothing can be.
2. What a stage leaves out is as in the default; its margin is that of the default stage at its place.
3. A step is an argument list: a line for a shell is refused, since nobody can tell how it would be cut. Each has a
   way to verify it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, cast

from interlock.core.rollout.plan import StagePlan, StepPlan
from interlock.core.rollout.plan_source import Part, span

PERCENTS = (1.0, 5.0, 25.0, 50.0, 95.0, 100.0)
MARGINS = (0.9, 0.5, 0.25, 0.1)
BAKE = 900.0
LIMIT = 7_200.0
FULL = 100.0
MOST_STAGES = 50
MOST_STEPS = 50
LONGEST = 14 * 86_400.0
KINDS = ("artefact", "configuration", "flags", "other")

_STAGE = ("percent", "bake", "margin", "limit")
_STEP = ("name", "kind", "run", "verify", "timeout")


def default_stages() -> tuple[StagePlan, ...]:
    """What ``stages: default`` means."""
    return tuple(
        StagePlan(percent=percent, bake=BAKE, margin=_margin(number, percent), limit=LIMIT)
        for number, percent in enumerate(PERCENTS)
    )


def read_stages(part: Part | None) -> tuple[StagePlan, ...]:
    """The stages of a plan; the default ones where none are written.

    Raises:
        InvalidInput: ``rollout-stages``, ``rollout-range``, ``rollout-plan``.
    """
    if part is None or part.value == "default":
        return default_stages()
    if not isinstance(part.value, list):
        raise part.refuse("`default` or a list at `stages`", hint="write one `- {percent: 1, bake: 15m}` for each")
    parts = part.items()
    if len(parts) > MOST_STAGES:
        raise part.refuse(f"at most {MOST_STAGES} stages", str(len(parts)), hint="leave some out")
    stages = [_stage(each, number) for number, each in enumerate(parts)]
    for (_, low), (each, high) in pairwise(zip(parts, stages, strict=True)):
        if high.percent <= low.percent:
            raise each.refuse(
                f"a stage above {low.percent:g} %",
                f"{high.percent:g} %",
                code="rollout-stages",
                hint="stages rise: each is wider than the one before",
            )
    return tuple(stages)


def _stage(part: Part, number: int) -> StagePlan:
    fields = part.fields(_STAGE, required=("percent",))
    percent = fields["percent"].percent()
    if not 0 < percent <= FULL:
        raise fields["percent"].refuse(
            "a stage above 0 % and at most 100 %",
            code="rollout-stages",
            hint="no traffic is no stage: begin with 1",
        )
    bake = fields["bake"].seconds(least=0.0, most=LONGEST) if "bake" in fields else BAKE
    limit = fields["limit"].seconds(least=0.001, most=LONGEST) if "limit" in fields else max(LIMIT, bake)
    if limit < bake:
        raise fields["limit"].refuse(
            f"a limit of at least the bake, {span(bake)}",
            code="rollout-range",
            hint="lengthen it, or bake shorter",
        )
    if "margin" not in fields:
        return StagePlan(percent=percent, bake=bake, margin=_margin(number, percent), limit=limit)
    if percent == FULL:
        raise fields["margin"].refuse(
            "no margin at 100 %", hint="remove it: without a control there is nothing to compare with"
        )
    return StagePlan(percent=percent, bake=bake, margin=fields["margin"].fraction(), limit=limit)


def _margin(number: int, percent: float) -> float:
    return 1.0 if percent == FULL else MARGINS[min(number, len(MARGINS) - 1)]


def read_steps(part: Part | None) -> tuple[StepPlan, ...]:
    """A set of steps, in the order in which they are taken; none where none are written.

    Raises:
        InvalidInput: ``rollout-step``, ``rollout-plan``, ``rollout-range``.
    """
    if part is None or part.value == []:
        return ()
    parts = part.items()
    if len(parts) > MOST_STEPS:
        raise part.refuse(f"at most {MOST_STEPS} steps", str(len(parts)), hint="let a program take several")
    steps = [_step(each) for each in parts]
    names: set[str] = set()
    for each, step in zip(parts, steps, strict=True):
        if step.name in names:
            raise each.below("name", None).refuse("each step's name once", step.name, hint="rename one")
        names.add(step.name)
    return tuple(steps)


def _step(part: Part) -> StepPlan:
    fields = part.fields(_STEP, required=("name", "run"))
    if "verify" not in fields:
        raise part.refuse(
            f"`verify` in the step `{part.name}`",
            "none",
            code="rollout-step",
            hint="add a program that fails unless the step took effect: what nobody looked at is a hope",
        )
    return StepPlan(
        name=fields["name"].word(),
        kind=cast(
            "Literal['artefact', 'configuration', 'flags', 'other']",
            fields["kind"].choice(KINDS) if "kind" in fields else "other",
        ),
        run=_arguments(fields["run"]),
        verify=_arguments(fields["verify"]),
        timeout=fields["timeout"].seconds(least=0.1, most=3_600.0) if "timeout" in fields else 60.0,
    )


def _arguments(part: Part) -> tuple[str, ...]:
    """A program and its arguments; numbers and words are what they look like."""
    if isinstance(part.value, str):
        raise part.refuse(
            f"a list of arguments at `{part.name}`", code="rollout-step", hint=f"write {_as_list(part.value)}"
        )
    parts = part.items()
    for each in parts:
        if isinstance(each.value, dict | list) or each.value is None or "\x00" in each.text:
            raise each.refuse(f"a word at `{each.name}`", code="rollout-step", hint="put it in quotes")
    if not parts[0].text:
        raise parts[0].refuse("a program", "an empty word", code="rollout-step", hint="name it")
    return tuple(each.text for each in parts)


def _as_list(line: str) -> str:
    """A shell's line as the list it probably means."""
    try:
        words: Sequence[str] = shlex.split(line)
    except ValueError:
        words = line.split()
    return "[" + ", ".join(f'"{word}"' for word in words)[:300] + "]"
