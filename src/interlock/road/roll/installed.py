"""Whether the programs of a plan's steps are there, before the first of them is needed.

Rules:
1. The program of each ``run`` and each ``verify`` is looked for on this machine, in the folder and by the search
   path that the step itself will have. It is not started.
2. All that is missing is told, each where the plan names it; a program twice in one line once.
3. What a step is to bring along is not there yet, and nobody can tell by its name. It is started by one that is:
   ``[env, ./brought-along]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from interlock.core.rollout.act import StepSet, steps_of
from interlock.core.rollout.obstacle import Obstacle
from interlock.core.rollout.plan import Plan
from interlock.ports.programs import Programs

SETS: tuple[StepSet, ...] = ("apply", "promote", "rollback")


def absent(plan: Plan, programs: Programs, *, root: str, sets: Iterable[StepSet] = SETS) -> Iterator[Obstacle]:
    """Programs of these sets that cannot be started here (``step-program``)."""
    told: set[tuple[str, int]] = set()
    for name in sets:
        for number, step in enumerate(steps_of(plan, name)):
            for key, arguments in (("run", step.run), ("verify", step.verify)):
                program, line = arguments[0], plan.line_of((name, number, key, 0))
                why = programs.missing(program)
                if why and (program, line) not in told:
                    told.add((program, line))
                    where = f"`{name}.{number}.{key}`"
                    yield Obstacle(
                        code="step-program",
                        text=f"expected a program that can be started at {where}, got `{program}`: {why}",
                        hint=f"install it where interlock runs, or correct its path: steps begin in {root}",
                        path=plan.path,
                        line=line,
                    )
