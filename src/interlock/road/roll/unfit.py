"""What a plan's plug-ins say of their settings, before anything outside is touched.

Rules:
1. A factory touches nothing: making a router, a meter and a notifier once shows what they do not take, with the
   line of the file.
2. A tick is not shorter than the time in which a meter's source counts anew: most would be discarded, and the
   rollout distrusted for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from interlock.core.change.catalog import Place
from interlock.core.change.errors import InterlockError, InvalidInput
from interlock.core.change.yaml_nodes import refused
from interlock.core.rollout.plan import Keys, Plan, PluginPlan
from interlock.core.rollout.plan_check import check_kinds
from interlock.core.rollout.plan_lines import located
from interlock.core.rollout.setting import InvalidSetting
from interlock.ports.meter import Meter, Renewing
from interlock.ports.notifier import Notifier
from interlock.ports.router import Router
from interlock.road.notify import check_settings
from interlock.road.roll.outside import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Factories by name."""

    routers: Mapping[str, Callable[..., Router]]
    meters: Mapping[str, Callable[..., Meter]]
    notifiers: Mapping[str, Callable[..., Notifier]]


def unfit(plan: Plan, installed: Installed) -> tuple[InvalidInput, ...]:
    """All that is wrong with the plan's plug-ins, as far as the plan could be read."""
    unknown = check_kinds(plan, routers=installed.routers, meters=installed.meters, notifiers=installed.notifiers)
    return (*unknown, *_refused(plan, installed))


def _refused(plan: Plan, installed: Installed) -> Iterator[InvalidInput]:
    for keys, act in _acts(plan, installed):
        try:
            act()
        except InvalidSetting as error:
            yield located(error, plan, keys)
        except InvalidInput as error:
            yield error
        except InterlockError as error:
            yield InvalidInput(error.message, code=error.code, hint=error.hint)


def _acts(plan: Plan, installed: Installed) -> Iterator[tuple[Keys, Callable[[], object]]]:
    """Every plug-in that is installed, made once; a meter needs to know how its metrics are judged."""
    if plan.router.kind in installed.routers:
        yield ("router",), partial(_router, installed, plan.router)
    for number, meter in enumerate(plan.meters if plan.judge else ()):
        if meter.plugin.kind in installed.meters:
            yield ("meters", number), partial(_meter, installed, plan, number)
    for number, section in enumerate(plan.notify):
        if section.kind in installed.notifiers:
            yield ("notify", number), partial(check_settings, installed.notifiers, section)


def _router(installed: Installed, section: PluginPlan) -> None:
    installed.routers[section.kind](section.settings).close()


def _meter(installed: Installed, plan: Plan, number: int) -> None:
    section = plan.meters[number].plugin
    meter = installed.meters[section.kind](section.settings, counted(plan, number))
    meter.close()
    wrong = too_fast(plan, number, meter)
    if wrong is not None:
        raise wrong


def too_fast(plan: Plan, number: int, meter: Meter) -> InvalidInput | None:
    """The error where a tick is shorter than the meter's source takes to count anew."""
    if not isinstance(meter, Renewing) or plan.tick >= meter.interval:
        return None
    keys: Keys = ("tick",) if ("tick",) in plan.lines else ("meters", number, "interval")
    return refused(
        Place(path=plan.path, line=plan.line_of(keys)),
        f"a `tick` of at least the {meter.interval:g} s in which `{plan.meters[number].plugin.kind}` counts anew",
        f"{plan.tick:g}s",
        code="tick-too-short",
        hint=f"write `tick: {meter.interval:g}s`, or have it scrape more often and say so in `interval`",
    )
