"""What a rollout touches outside: routers, meters, notifiers, programs, and the steady clock.

Rules:
1. The engine knows no plug-in by name and starts nothing itself: what it needs comes from where things are wired.
2. The steady clock only goes forward and goes on while a process stands still or the machine sleeps: by it a
   server knows that its lease may be over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from interlock.core.change.errors import InterlockError
from interlock.core.rollout.local import LocalRecord
from interlock.core.rollout.plan import Plan, PluginPlan
from interlock.core.rollout.record import RolloutRecord
from interlock.core.rollout.setting import InvalidSetting
from interlock.ports.meter import Counted, Meter
from interlock.ports.notifier import Notifier
from interlock.ports.programs import Programs
from interlock.ports.router import Router

F = TypeVar("F")


def _nobody(before: RolloutRecord | None, after: RolloutRecord, plan: Plan) -> None:
    del before, after, plan


def _nothing(record: RolloutRecord, plan: Plan) -> None:
    del record, plan


def _none(rollout: str) -> LocalRecord | None:
    del rollout
    return None


def _nowhere(local: LocalRecord) -> None:
    del local


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Factories by name.

    ``keep`` writes the local record of how to go back, ``kept`` finds a rollout's. ``root`` is where steps run.
    ``told`` is called after each transition that is durable, for people, and ``again`` by whoever takes
    a rollout: the one before may have died without telling. Both neither raise nor wait.
    """

    routers: Mapping[str, Callable[..., Router]]
    meters: Mapping[str, Callable[..., Meter]]
    notifiers: Mapping[str, Callable[..., Notifier]]
    programs: Programs
    steady: Callable[[], float]
    root: str = ""
    keep: Callable[[LocalRecord], None] = _nowhere
    kept: Callable[[str], LocalRecord | None] = _none
    told: Callable[[RolloutRecord | None, RolloutRecord, Plan], None] = _nobody
    again: Callable[[RolloutRecord, Plan], None] = _nothing


@dataclass(slots=True)
class Opened:
    """The plan's router and meters, open."""

    router: Router
    meters: tuple[Meter, ...]
    closed: bool = field(default=False)

    def close(self) -> None:
        """Let go of all connections. Idempotent."""
        if not self.closed:
            self.closed = True
            for close in (self.router.close, *(meter.close for meter in self.meters)):
                with suppress(InterlockError):
                    close()


def open_router(outside: Outside, plan: Plan) -> Router:
    """The plan's router.

    Raises:
        InvalidSetting: ``plugin-unknown``, or what the router says of its settings.
    """
    return router_of(outside, plan.router)


def router_of(outside: Outside, plugin: PluginPlan) -> Router:
    """The router that is named, wherever it is named.

    Raises:
        InvalidSetting: as with ``open_router``.
    """
    return _known(outside.routers, plugin, what="router")(plugin.settings)


def open_meters(outside: Outside, plan: Plan) -> tuple[Meter, ...]:
    """The plan's meters, in order.

    Raises:
        InvalidSetting: ``plugin-unknown``, or what a meter says of its settings.
    """
    return tuple(
        _known(outside.meters, each.plugin, what="meter")(each.plugin.settings, counted(plan, number))
        for number, each in enumerate(plan.meters)
    )


def open_all(outside: Outside, plan: Plan) -> Opened:
    """Router and meters."""
    router = open_router(outside, plan)
    return Opened(router=router, meters=open_meters(outside, plan))


def counted(plan: Plan, number: int) -> tuple[Counted, ...]:
    """What one of the plan's meters is to count."""
    watched = edges_of(plan)
    return tuple(
        Counted(name=name, edges=watched.get(name, ()), query=dict(query))
        for name, query in plan.meters[number].metrics.items()
    )


def edges_of(plan: Plan) -> dict[str, tuple[str, ...]]:
    """The latency bucket edges of each metric, as the plan writes them."""
    metrics = plan.judge.get("metrics")
    found: dict[str, tuple[str, ...]] = {}
    for name, written in (metrics if isinstance(metrics, Mapping) else {}).items():
        edges = written.get("edges") if isinstance(written, Mapping) else None
        if isinstance(edges, list | tuple):
            found[str(name)] = tuple(str(edge) for edge in edges)
    return found


def _known(factories: Mapping[str, F], plugin: PluginPlan, *, what: str) -> F:
    found = factories.get(plugin.kind)
    if found is None:
        raise InvalidSetting(
            f"expected a known {what}, got `{plugin.kind}`",
            code="plugin-unknown",
            hint=f"installed: {', '.join(sorted(factories)) or 'none'}",
        )
    return found
