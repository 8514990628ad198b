"""From a rehearsal's plan to everything that it takes: its driver and its probes, made and checked.

Rules:
1. Making them touches nothing. All that is wrong with their settings is told at once, with file and line.
2. What was made is let go of, whatever happens.
3. At least one probe looks: one of the plan, or one that the driver brings. What a driver brings for a place that
   is not its own looks too, whatever the plan names.
4. The driver of a member finds its own notes in its scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
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
from interlock.road.rehearsal_set import Member, SetRehearsal, looks_of
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
    found.note(_unseen(plan))
    put = _set if plan.members else _driver
    driver = found.read(partial(put, plan, scene, drivers), None)
    named = {
        each.name: found.read(partial(_probe, plan, number, scene, probes), None)
        for number, each in enumerate(plan.probes)
    }
    if driver is None or found.faults:
        if driver is not None:
            driver.close()
        raise together(found.faults)
    try:
        made = {name: probe for name, probe in named.items() if probe is not None}
        theirs = driver.own_probes() if isinstance(driver, SetRehearsal) else {}
        own = driver.probes() if isinstance(driver, OwnPlace) else {}
        own = own or {name: probe for each in theirs.values() for name, probe in each.items()}
        looks = _looks(plan, driver)
        beside = {name: probe for each in looks.values() for name, probe in each.items()}
        if not made and not own and not beside:
            raise _blind(plan)
        members = _members(plan, theirs, looks)
        made |= beside | {name: probe for name, probe in own.items() if name not in made}
        yield Stage(
            driver=driver,
            probes=made,
            write=write,
            steady=steady,
            told=told,
            members=members,
            own=frozenset(name for each in theirs.values() for name in each),
        )
    finally:
        driver.close()


def unfit(
    plan: RehearsalPlan,
    scene: RehearsalScene,
    *,
    drivers: Mapping[str, MakesRehearsal],
    probes: Mapping[str, MakesProbe],
) -> tuple[InvalidInput, ...]:
    """What the plan's driver and probes do not take, without anything being touched."""
    found = Gathering()
    found.note(_unseen(plan))
    put = _set if plan.members else _driver
    driver = found.read(partial(put, plan, scene, drivers), None) if plan.driver.kind or plan.members else None
    if driver is not None:
        driver.close()
    for number in range(len(plan.probes)):
        found.read(partial(_probe, plan, number, scene, probes), None)
    return found.faults


def _driver(
    plan: RehearsalPlan, scene: RehearsalScene, drivers: Mapping[str, MakesRehearsal], at: Keys = ()
) -> Rehearsal:
    made = _known(drivers, plan.driver.kind, plan, (*at, "driver", "kind"), "driver of a rehearsal")
    try:
        return made(plan, scene)
    except InvalidSetting as error:
        raise located(error, plan, (*at, "driver")) from error


def _set(plan: RehearsalPlan, scene: RehearsalScene, drivers: Mapping[str, MakesRehearsal]) -> Rehearsal:
    """The drivers of all members that go back, as one."""
    found, members = Gathering(), list[Member]()
    for number, each in enumerate(plan.members):
        if each.driver is None:
            continue
        alone = replace(plan, driver=each.driver, apply=each.apply, rollback=each.rollback, members=(), back=())
        noted = scene.noted.get(each.name)
        its = replace(scene, noted=noted if isinstance(noted, dict) else {})
        driver = found.read(partial(_driver, alone, its, drivers, ("members", number)), None)
        if driver is not None:
            members.append(Member(name=each.name, driver=driver))
    made = SetRehearsal(members, plan.back)
    if found.faults:
        made.close()
        raise together(found.faults)
    return made


def _looks(plan: RehearsalPlan, driver: Rehearsal) -> dict[str, dict[str, Probe]]:
    """What drivers bring for places that are not their own, by member; a plan without members has one."""
    if isinstance(driver, SetRehearsal):
        return driver.own_looks()
    return {"": looks_of(plan.driver.kind, driver)}


def _unseen(plan: RehearsalPlan) -> Iterator[InvalidInput]:
    """Members whose probes are not among the plan's."""
    known = [each.name for each in plan.probes]
    for number, member in enumerate(plan.members):
        for name in member.probes:
            if name not in known:
                yield InvalidInput(
                    f"expected a probe of the plan{closest(name, known)}, got `{name}` "
                    f"at `{plan.path}:{plan.line_of(('members', number, 'probes'))}`",
                    code="rehearsal-plan",
                    hint=f"there are: {', '.join(known) or 'none'}",
                )


def _members(
    plan: RehearsalPlan, theirs: Mapping[str, Mapping[str, Probe]], looks: Mapping[str, Mapping[str, Probe]]
) -> dict[str, tuple[str, ...]]:
    """The probes of each member that goes back; one that nobody sees is refused."""
    found: dict[str, tuple[str, ...]] = {}
    for number, member in enumerate(plan.members):
        if member.reversible:
            brought = (*theirs.get(member.name, ()), *looks.get(member.name, ()))
            found[member.name] = (*member.probes, *brought)
            if not found[member.name]:
                raise InvalidInput(
                    f"expected a probe that sees the member `{member.name}`, got none "
                    f"at `{plan.path}:{plan.line_of(('members', number))}`",
                    code="rehearsal-plan",
                    hint="name it under `probes:` of the member: a member that nobody sees may be forgotten",
                )
    return found


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
