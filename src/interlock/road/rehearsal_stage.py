"""From a rehearsal's plan to everything that it takes: its driver and its probes, made and checked.

Rules:
1. Making them touches nothing. All that is wrong with their settings is told at once, with file and line.
2. What was made is let go of, whatever happens.
3. At least one probe looks: one of the plan, or one that the driver brings for a place of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rollout.plan import Keys
from interlock.core.rollout.plan_faults import Gathering, together
from interlock.core.rollout.plan_lines import located
from interlock.core.rollout.setting import InvalidSetting
from interlock.ports.rehearsal import MakesProbe, MakesRehearsal, OwnPlace, Probe, Rehearsal, RehearsalScene
from interlock.road.rehearse import Stage, Told

T = TypeVar("T")


@contextmanager
def staged(
    plan: RehearsalPlan,
    scene: RehearsalScene,
    *,
    drivers: Mapping[str, MakesRehearsal],
    probes: Mapping[str, MakesProbe],
    write: Callable[[bytes], None],
    steady: Callable[[], float],
    told: Told,
) -> Iterator[Stage]:
    """The stage, whose driver is let go of at the end.

    Raises:
        InvalidInput: ``plugin-unknown``, or what a driver or a probe says of its settings; ``PlanFaults`` where it
            is several.
    """
    found = Gathering()
    driver = found.read(partial(_driver, plan, scene, drivers), None)
    looks = {
        each.name: found.read(partial(_probe, plan, number, scene, probes), None)
        for number, each in enumerate(plan.probes)
    }
    if driver is None or found.faults:
        if driver is not None:
            driver.close()
        raise together(found.faults)
    try:
        made = {name: probe for name, probe in looks.items() if probe is not None}
        own = driver.probes() if isinstance(driver, OwnPlace) else {}
        if not made and not own:
            raise _blind(plan)
        made |= {name: probe for name, probe in own.items() if name not in made}
        yield Stage(driver=driver, probes=made, write=write, steady=steady, told=told)
    finally:
        driver.close()


def _driver(plan: RehearsalPlan, scene: RehearsalScene, drivers: Mapping[str, MakesRehearsal]) -> Rehearsal:
    made = _known(drivers, plan.driver.kind, plan, ("driver", "kind"), "driver of a rehearsal")
    try:
        return made(plan, scene)
    except InvalidSetting as error:
        raise located(error, plan, ("driver",)) from error


def _probe(plan: RehearsalPlan, number: int, scene: RehearsalScene, probes: Mapping[str, MakesProbe]) -> Probe:
    wanted = plan.probes[number]
    made = _known(probes, wanted.kind, plan, ("probes", number, "kind"), "probe")
    try:
        return made(wanted.settings, scene)
    except InvalidSetting as error:
        raise located(error, plan, ("probes", number)) from error


def _blind(plan: RehearsalPlan) -> InvalidInput:
    return InvalidInput(
        f"expected `probes` in the rehearsal plan, got none at `{plan.path}:{plan.line_of(())}`",
        code="rehearsal-plan",
        hint=f"add `probes:` with at least one: the driver `{plan.driver.kind}` brings none",
    )


def _known(factories: Mapping[str, T], kind: str, plan: RehearsalPlan, keys: Keys, what: str) -> T:
    if kind not in factories:
        raise InvalidInput(
            f"expected a known {what}, got `{kind[:80]}`{closest(kind, sorted(factories))} "
            f"at `{plan.path}:{plan.line_of(keys)}`",
            code="plugin-unknown",
            hint=f"installed: {', '.join(sorted(factories))}",
        )
    return factories[kind]
