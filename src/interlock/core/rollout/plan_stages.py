"""Stages and steps of a rollout plan, as its file writes them.

Rules:
1. ``stages: default`` are 1, 5, 25, 50, 95 and 100 %, 15 minutes each, 2 hours at most; harm of 90, 50, 25, 10 and
   10 % must be ruled out before the next. At 100 % nothing is left to compare with, so nothing can be.
2. What a stage leaves out is as in the default; its margin is that of the default stage at its place.
3. A step is an argument list: a line for a shell is refused, since nobody can tell how it would be cut. Each has a
   way to verify it.
4. All that is wrong with them is told at once.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from interlock.core.change.errors import InvalidInput
from interlock.core.rollout.plan import StagePlan, StepPlan
from interlock.core.rollout.plan_faults import Gathering
from interlock.core.rollout.plan_source import Part, span

PERCENTS = (1.0, 5.0, 25.0, 50.0, 95.0, 100.0)
MARGINS = (0.9, 0.5, 0.25, 0.1)
LEAST_MARGIN, MOST_MARGIN = 0.01, 0.99
"""What the judge can be asked to rule out."""

BAKE = 900.0
LIMIT = 7_200.0
FULL = 100.0
MOST_STAGES = 50
MOST_STEPS = 50
LONGEST = 14 * 86_400.0
KINDS = ("artefact", "configuration", "flags", "other")


class Named(Protocol):
    """Something of a plan that has a name."""

    @property
    def name(self) -> str:
        """What it is called."""


N = TypeVar("N", bound=Named)

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
    found = Gathering()
    stages = [found.read(partial(_stage, each, number), None) for number, each in enumerate(parts)]
    for (_, low), (each, high) in pairwise(zip(parts, stages, strict=True)):
        if low is not None and high is not None and high.percent <= low.percent:
            found.note([_not_above(each, low.percent, high.percent)])
    found.finish()
    return tuple(stage for stage in stages if stage is not None)


def _not_above(part: Part, low: float, high: float) -> InvalidInput:
    return part.refuse(
        f"a stage above {low:g} %",
        f"{high:g} %",
        code="rollout-stages",
        hint="stages rise: each is wider than the one before",
    )


def _stage(part: Part, number: int) -> StagePlan:
    fields, faults = part.survey(_STAGE, required=("percent",))
    found = Gathering()
    found.note(faults)
    percent = found.read(partial(_percent, fields["percent"]), 0.0) if "percent" in fields else 0.0
    bake, limit = found.read(partial(_times, fields), (BAKE, LIMIT))
    margin = found.read(partial(_margin_of, fields, number, percent), 1.0)
    found.finish()
    return StagePlan(percent=percent, bake=bake, margin=margin, limit=limit)


def _percent(part: Part) -> float:
    percent = part.percent()
    hint = "all traffic is 100: write that, or less"
    if percent <= 0:
        hint = "no traffic is no stage: begin with 1"
    if not 0 < percent <= FULL:
        raise part.refuse("a stage above 0 % and at most 100 %", code="rollout-stages", hint=hint)
    return percent


def _times(fields: Mapping[str, Part]) -> tuple[float, float]:
    """Bake and limit."""
    found = Gathering()
    bake = found.read(lambda: fields["bake"].seconds(least=0.0, most=LONGEST), BAKE) if "bake" in fields else BAKE
    limit = max(LIMIT, bake)
    if "limit" in fields:
        limit = found.read(lambda: fields["limit"].seconds(least=0.001, most=LONGEST), limit)
    found.finish()
    if limit < bake:
        raise fields["limit"].refuse(
            f"a limit of at least the bake, {span(bake)}",
            code="rollout-range",
            hint="lengthen it, or bake shorter",
        )
    return bake, limit


def _margin_of(fields: Mapping[str, Part], number: int, percent: float) -> float:
    if "margin" not in fields:
        return _margin(number, percent)
    if percent == FULL:
        raise fields["margin"].refuse(
            "no margin at 100 %", hint="remove it: without a control there is nothing to compare with"
        )
    found = fields["margin"].fraction()
    if not LEAST_MARGIN <= found <= MOST_MARGIN:
        raise fields["margin"].refuse(
            f"a margin of {LEAST_MARGIN:.0%} to {MOST_MARGIN:.0%}",
            code="rollout-range",
            hint="less can hardly ever be ruled out, and more is no harm that a stage should let pass",
        )
    return found


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
    return named_once(parts, _step, "each step's name once")


def named_once(parts: Sequence[Part], read: Callable[[Part], N], expected: str) -> tuple[N, ...]:
    """All of a list in its order, or all that is wrong with them; one name twice is ``expected`` not to be."""
    found, names = Gathering(), set[str]()
    values = [found.read(partial(read, each), None) for each in parts]
    for each, value in zip(parts, values, strict=True):
        if value is not None and value.name in names:
            found.note([each.below("name", None).refuse(expected, value.name, hint="rename one")])
        names |= {value.name} if value is not None else set()
    found.finish()
    return tuple(value for value in values if value is not None)


def _step(part: Part) -> StepPlan:
    fields, faults = part.survey(_STEP, required=("name", "run"))
    found = Gathering()
    found.note(faults)
    if isinstance(part.value, Mapping) and "verify" not in part.value:
        found.note([_unverified(part)])
    read = {key: found.read(partial(_STEP_READERS[key], each), None) for key, each in fields.items()}
    found.finish()
    return StepPlan(**{"kind": "other", **read})


def _unverified(part: Part) -> InvalidInput:
    return part.refuse(
        f"`verify` in the step `{part.name}`",
        "none",
        code="rollout-step",
        hint="add a program that fails unless the step took effect: what nobody looked at is a hope",
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


_STEP_READERS: Mapping[str, Callable[[Part], Any]] = {
    "name": Part.word,
    "kind": lambda part: part.choice(KINDS),
    "run": _arguments,
    "verify": _arguments,
    "timeout": lambda part: part.seconds(least=0.1, most=3_600.0),
}


def _as_list(line: str) -> str:
    """A shell's line as the list it probably means."""
    try:
        words: Sequence[str] = shlex.split(line)
    except ValueError:
        words = line.split()
    return "[" + ", ".join(f'"{word}"' for word in words)[:300] + "]"
