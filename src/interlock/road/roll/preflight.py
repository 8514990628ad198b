"""Looking outside before any traffic moves: is everything there that a rollout will need, and as it should be?

Rules:
1. Nothing is changed. All that is wrong is found in one go, with file and line where the plan names it.
2. Everything must be read once: the weight, the exposure, and every metric; of the canary only where no step of
   the plan puts it up first. Then it is looked for when it is up (see ``answering``).
3. Every stage must be one that the router can split, and every program of a step one that can be started here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from interlock.core.change.errors import InterlockError, InvalidInput, Unavailable
from interlock.core.rollout.obstacle import Obstacle, from_error
from interlock.core.rollout.plan import Keys, Plan
from interlock.core.rollout.plan_check import check_kinds
from interlock.core.rollout.plan_lines import located
from interlock.core.rollout.setting import InvalidSetting
from interlock.core.rollout.silent import LEAST
from interlock.ports.meter import GONE, Arm, Meter, Refusing, Sample
from interlock.ports.router import Dividing, Router
from interlock.road.notify import check_notifiers
from interlock.road.roll.installed import absent
from interlock.road.roll.outside import Outside, counted
from interlock.road.roll.unfit import too_fast

T = TypeVar("T")
ARMS: tuple[Arm, ...] = ("canary", "control")


@dataclass(slots=True)
class Looked:
    """What was found. ``weight`` is what the data plane serves now, None where it does not say."""

    obstacles: list[Obstacle]
    weight: float | None = None


def look(outside: Outside, plan: Plan) -> Looked:
    """Everything that stands in the way outside."""
    looked = Looked(obstacles=[])
    unknown = check_kinds(plan, routers=outside.routers, meters=outside.meters, notifiers=outside.notifiers)
    looked.obstacles += [_with_line(plan, error) for error in unknown]
    if unknown:
        return looked
    _router(outside, plan, looked)
    for number, each in enumerate(plan.meters):
        _meter(outside, plan, number, each.plugin.kind, looked)
    looked.obstacles += absent(plan, outside.programs, root=outside.root)
    looked.obstacles += [
        _of(plan, ("notify", at), error) for at, error in check_notifiers(outside.notifiers, plan)
    ]
    return looked


def _router(outside: Outside, plan: Plan, looked: Looked) -> None:
    keys: Keys = ("router",)
    router = _try(plan, keys, looked, lambda: outside.routers[plan.router.kind](plan.router.settings))
    if router is None:
        return
    with _closing(router.close):
        before = len(looked.obstacles)
        _try(plan, keys, looked, router.check)
        if len(looked.obstacles) == before:
            looked.weight = _try(plan, keys, looked, router.weight)
            _try(plan, keys, looked, router.exposure)
            _stages(router, plan, looked)


def _stages(router: Router, plan: Plan, looked: Looked) -> None:
    """Whether every stage can be split, so that the narrowest is not found out when it is its turn."""
    if not isinstance(router, Dividing):
        return
    for number, stage in enumerate(plan.stages):
        _try(plan, ("stages", number, "percent"), looked, partial(router.check_weight, stage.percent))


def _meter(outside: Outside, plan: Plan, number: int, kind: str, looked: Looked) -> None:
    keys: Keys = ("meters", number)
    settings = plan.meters[number].plugin.settings
    meter = _try(plan, keys, looked, lambda: outside.meters[kind](settings, counted(plan, number)))
    if meter is None:
        return
    with _closing(meter.close):
        fast = too_fast(plan, number, meter)
        looked.obstacles += [_with_line(plan, fast)] if fast is not None else []
        before = len(looked.obstacles)
        _try(plan, keys, looked, lambda: _check(meter, plan))
        if len(looked.obstacles) == before:
            arms: Sequence[Arm] = ("control",) if plan.apply else ARMS
            looked.obstacles += _unread(plan, number, meter, looked, arms)


def _check(meter: Meter, plan: Plan) -> None:
    # A canary that a step of the plan puts up first cannot be reached yet; that the control can be, is seen below.
    with suppress(Unavailable) if plan.apply else nullcontext():
        meter.check()


def unread(plan: Plan, meters: Sequence[Meter]) -> list[Obstacle]:
    """What open meters do not say of either arm, now that both must be there; one that is gone says nothing."""
    looked = Looked(obstacles=[])
    for number, meter in enumerate(meters):
        before = len(looked.obstacles)
        _try(plan, ("meters", number), looked, meter.check)
        if len(looked.obstacles) == before:
            looked.obstacles += _unread(plan, number, meter, looked, ARMS)
    return looked.obstacles


def _unread(plan: Plan, number: int, meter: Meter, looked: Looked, arms: Sequence[Arm]) -> Iterator[Obstacle]:
    """Metrics of which an arm says nothing, and instances of the control where nobody listens."""
    samples = _try(plan, ("meters", number), looked, meter.read)
    if gone := list(_gone(plan, number, meter, samples or ())):
        yield from gone
        return
    heard = {(sample.metric, sample.arm) for sample in samples or () if sample.since != GONE}
    for metric in plan.meters[number].metrics if samples is not None else ():
        for arm in arms:
            if (metric, arm) not in heard:
                keys: Keys = ("meters", number, "metrics", metric)
                yield Obstacle(
                    code="metric-unread",
                    text=f"expected counts of `{metric}` for the {arm}, got none",
                    hint="see that it runs and is counted; then start again",
                    path=plan.path,
                    line=plan.line_of(keys),
                )


def _gone(plan: Plan, number: int, meter: Meter, samples: Sequence[Sample]) -> Iterator[Obstacle]:
    """Nobody would know what its part of the control's requests is, and nothing would count (see ``silent``)."""
    shards = {sample.shard for sample in samples if sample.arm == "control"}
    if not isinstance(meter, Refusing) or LEAST * len(shards) > 1:
        return
    for address in meter.refused("control"):
        error = Unavailable(
            f"expected an answer from {address}, got connection refused",
            code="meter-unreachable",
            hint="start what listens there, or take it out of the control",
            plugin=plan.meters[number].plugin.kind,
        )
        yield _of(plan, ("meters", number), error)


@contextmanager
def _closing(close: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(InterlockError):
            close()


def _try(plan: Plan, keys: Keys, looked: Looked, act: Callable[[], T]) -> T | None:
    try:
        return act()
    except InterlockError as error:
        looked.obstacles.append(_of(plan, keys, error))
        return None


def _with_line(plan: Plan, error: InvalidInput) -> Obstacle:
    """An error that tells its line in words."""
    found = re.search(rf"{re.escape(plan.path)}:(\d+)", error.message)
    return from_error(error, path=plan.path, line=int(found[1]) if found else 0)


def _of(plan: Plan, keys: Keys, error: InterlockError) -> Obstacle:
    if isinstance(error, InvalidSetting):
        told: InvalidInput = located(error, plan, keys)
        return from_error(told, path=plan.path, line=plan.line_of((*keys, *error.path)))
    return from_error(
        error, path=plan.path if keys else "", line=plan.line_of(_named(plan, keys, error)) if keys else 0
    )


def _named(plan: Plan, keys: Keys, error: InterlockError) -> Keys:
    """Where the address stands that an error of a meter names; ``keys`` where it names none of the plan's."""
    places = [(keys, "")]
    if keys[:1] == ("meters",):
        for key, value in plan.meters[int(keys[1])].plugin.settings.items():
            listed = enumerate(value) if isinstance(value, list) else ()
            places += [((*keys, key, at), each) for at, each in listed if isinstance(each, str)]
    return max((each for each in places if each[1] in error.message), key=lambda each: len(each[1]))[0]
