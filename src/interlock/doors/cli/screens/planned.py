"""Rollout plans as ``interlock policy check`` lists them: one line each, and what they name that is not here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from interlock.core.change.canonical import plain
from interlock.core.change.errors import InvalidInput
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.plan_check import Plans
from interlock.core.rollout.transition import FULL
from interlock.doors.cli.screens.columns import told
from interlock.doors.cli.text import mark, plural, safe, width, wrap

if TYPE_CHECKING:
    from interlock.core.policy.bundle import Bundle
    from interlock.doors.cli.producer_plans import ProducerLine

MOST_PLACES = 4
_HARMLESS = frozenset({"step-moving"})
"""Codes of doubts about a plan that can be carried out all the same."""
_PLACE = re.compile(r"[\w./-]+\.ya?ml(:[0-9]+)?")


def doubted(doubts: Sequence[InvalidInput]) -> Iterator[str]:
    """What is wrong with plans, each with its file and what to do."""
    for error in doubts:
        # Neither cut nor wrapped, so that it is found by its file: the line of it stands at the end.
        yield f"{mark(met=False)} {safe(error.message)}"
        yield f"  {safe(error.hint)}"


def planned(plans: Plans, unfit: Sequence[InvalidInput] = ()) -> Iterator[str]:
    """The plans there are, each with how many doubts about its plug-ins; nothing where there are none."""
    for (service, environment), plan in sorted(plans.items()):
        fault = _fault(_of(plan.path, unfit), "start")
        what = f"{safe(service)} in {safe(environment)}: {fault}{_stages(plan)} · {safe(plan.path)}"
        yield from told("plan", what)


def of_producers(lines: Sequence[ProducerLine], unfit: Sequence[InvalidInput] = ()) -> Iterator[str]:
    """The plans of producers, each with how many doubts about its plug-ins; nothing where there are none."""
    for one in sorted(lines, key=lambda line: (line.producer, line.service, line.environment)):
        fault = _fault(_of(one.path, unfit), "run")
        where = f" in {safe(one.environment)}" if one.environment else ""
        says = f"{fault}{safe(one.producer)}, {safe(one.says)}"
        yield from told("plan", f"{safe(one.service)}{where}: {says} · {safe(one.path)}")


def closing(bundle: Bundle, doubts: Sequence[InvalidInput]) -> Iterator[str]:
    """How many doubts there are and where, again at the end: the first lines have scrolled away by then."""
    places = [f"{lint.path}:{lint.line}" for lint in bundle.lints]
    places += [_place(error) for error in doubts]
    if not places:
        return
    most = list(dict.fromkeys(each for each in places if each))[:MOST_PLACES]
    more = f" and {len(places) - len(most)} more" if len(places) > len(most) else ""
    text = f"{plural(len(places), 'doubt')}, told above: {', '.join(map(safe, most))}{more}"
    first, *rest = wrap(text, width() - 2)
    yield f"{mark(met=False)} {first}"
    yield from (f"  {line}" for line in rest)


def _fault(doubts: Sequence[InvalidInput], act: str) -> str:
    """How many there are, and whether they keep the plan from being carried out."""
    hindered = any(error.code not in _HARMLESS for error in doubts)
    return f"✗ {plural(len(doubts), 'doubt')}{f', cannot {act}' if hindered else ''} · " if doubts else ""


def _of(path: str, doubts: Sequence[InvalidInput]) -> list[InvalidInput]:
    """Those about a file."""
    return [error for error in doubts if _place(error).partition(":")[0] == path]


def _place(error: InvalidInput) -> str:
    """``rollouts/harbour.yaml:4``, as far as the message names it."""
    found = [each[0] for each in _PLACE.finditer(error.message)]
    return found[-1] if found else ""


def planned_json(
    plans: Plans, doubts: Sequence[InvalidInput], producers: Sequence[ProducerLine] = ()
) -> dict[str, Any]:
    """The same for programs."""
    return {
        "plans": [
            {"service": plan.service, "environment": plan.environment, "path": plan.path, "digest": plan.digest}
            for _, plan in sorted(plans.items())
        ],
        "producer_plans": [plain(one) for one in producers],
        "plan_doubts": [{"code": error.code, "message": error.message, "hint": error.hint} for error in doubts],
    }


def _stages(plan: Plan) -> str:
    percents = ", ".join(f"{stage.percent:g}" for stage in plan.stages)
    told, rest = f"{plural(len(plan.stages), 'stage')}, {percents} %", FULL - plan.stages[-1].percent
    if not rest:
        # Nothing makes it the usual version: the next rollout would begin with a canary at 100 %.
        return told if plan.promote else f"{told}, no `promote`: it stays at the canary, and the next is refused"
    # A last stage below 100 % is promoted from; where nothing promotes, that is how far it goes.
    return f"{told}, then `promote`" if plan.promote else f"{told}, {rest:g} % stay with the version before"
