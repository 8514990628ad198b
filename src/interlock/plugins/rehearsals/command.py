"""The driver ``command``: the plan's own steps, each a program with its arguments, each verified by another.

Rules:
1. Steps are told what the steps of a rollout are told, under the same names, so that the same programs serve both.
2. Done is what a step's own verification says. A set ends with its first step that is not.
3. It measures nothing besides.
4. A step gets few variables of the runner. One that fails and names another that is set says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.going_back import ENVIRONMENT, Before, GoingBack, by_steps
from interlock.core.rehearsal.outcome import Acted
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rollout.plan import StepPlan
from interlock.core.rollout.step_doubts import BASE
from interlock.plugins.rehearsals.reading import refuse
from interlock.ports.rehearsal import RehearsalScene

NAME = "command"


class CommandRehearsal:
    """The driver; see the rules above."""

    def __init__(self, plan: RehearsalPlan, scene: RehearsalScene) -> None:
        self._plan, self._scene = plan, scene
        for key in plan.driver.settings:
            hint = "it is told its steps beside the driver: apply and rollback"
            raise refuse(f"no settings of the driver `{NAME}`", key, hint=hint, path=(key,))
        for key, steps in (("apply", plan.apply), ("rollback", plan.rollback)):
            if not steps:
                hint = f"write {key}: with at least one step, beside the driver"
                raise refuse(f"steps at `{key}` for the driver `{NAME}`", "none", hint=hint, path=())

    @staticmethod
    def going_back(plan: RehearsalPlan, before: Before) -> GoingBack:
        """The steps of ``rollback``; those of another environment say whose they are."""
        found = by_steps(plan.rollback, before.names, plan.passed_on)
        if before.names.get(ENVIRONMENT):
            return found
        theirs = f"these are the steps for {plan.environment}: its paths, hosts and names stand in them"
        return replace(found, told=(theirs, *found.told))

    def needs(self) -> str:
        """The first program that could not be started."""
        for step in (*self._plan.apply, *self._plan.rollback):
            for program in (step.run[0], step.verify[0]):
                why = self._scene.programs.missing(program)
                if why:
                    return f"`{program}` for step {step.name}: {why}"
            if not self._scene.base and any(BASE in word for word in (*step.run, *step.verify)):
                return f"a commit at which the change begins, for step {step.name}: it has no git range"
        return ""

    def apply(self) -> Iterator[Acted]:
        """The steps of ``apply``."""
        return self._went(self._plan.apply)

    def roll_back(self) -> Iterator[Acted]:
        """The steps of ``rollback``."""
        return self._went(self._plan.rollback)

    def measured(self) -> Mapping[str, Json]:
        """Nothing."""
        return {}

    def close(self) -> None:
        """Nothing is open."""

    def _went(self, steps: tuple[StepPlan, ...]) -> Iterator[Acted]:
        for step in steps:
            acted = self._step(step)
            yield acted
            if not acted.ok:
                return

    def _step(self, step: StepPlan) -> Acted:
        programs, names, began = self._scene.steps, self._names(step), time.monotonic()
        ran = programs.run(step.run, timeout=step.timeout, environment=names)
        said = f"{step.run[0]} {ran.told}"
        if ran.good:
            ran = programs.run(step.verify, timeout=step.timeout, environment=names)
            said = ran.said if ran.good else f"not verified: {step.verify[0]} {ran.told}"
        if not ran.good:
            said += programs.lacks(" ".join((*step.run, *step.verify, ran.said)))
        return Acted(name=step.name, ok=ran.good, said=said, seconds=time.monotonic() - began)

    def _names(self, step: StepPlan) -> dict[str, str]:
        scene = self._scene
        return {
            "ROLLOUT_ID": scene.run,
            "ROLLOUT_KEY": f"{scene.run}/{step.name}",
            "ROLLOUT_CHANGE": scene.change,
            "ROLLOUT_DIGEST": scene.digest,
            "ROLLOUT_PREVIOUS": "",
            BASE: scene.base,
            "ROLLOUT_SERVICE": scene.service,
            "ROLLOUT_ENVIRONMENT": scene.environment,
        }
