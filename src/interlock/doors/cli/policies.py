"""The policies of this working tree, for the commands that look at them without a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.bootstrap import rule_source
from interlock.core.change.errors import InvalidInput
from interlock.core.policy.bundle import Bundle, load_bundle
from interlock.core.policy.rules import look_through_plans, settings_of
from interlock.core.rollout.plan_check import Plans
from interlock.core.rollout.plan_faults import Gathering
from interlock.doors.cli.desk import settings
from interlock.registry import meters, notifiers, routers


def working_bundle(more: Mapping[str, bytes] | None = None) -> tuple[Bundle, str]:
    """The policies with ``more`` files among them, and the folder they lie in, with its slash.

    Raises:
        InvalidInput: what ``load_bundle`` raises, and ``rules-missing`` without an ``interlock.yaml``.
    """
    files = rule_source(settings()).files()
    folder = f"{settings_of(files).policies.rstrip('/')}/"
    here = {path.removeprefix(folder): files[path] for path in files if path.startswith(folder)}
    return load_bundle({**here, **(more or {})}), folder


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingPlans:
    """``faults`` are of files that are no plan, ``unfit`` is what the plug-ins of the others do not take."""

    plans: Plans
    faults: tuple[InvalidInput, ...] = ()
    unfit: tuple[InvalidInput, ...] = ()

    @property
    def doubts(self) -> tuple[InvalidInput, ...]:
        """Everything, by file and line."""
        found = Gathering()
        found.note((*self.faults, *self.unfit))
        return found.faults


def working_plans() -> WorkingPlans:
    """The rollout plans of this working tree, and all that is wrong with them; nothing outside is touched.

    Raises:
        InvalidInput: settings or a catalog that cannot be used.
    """
    found = look_through_plans(rule_source(settings()).files())
    if not found.plans and not found.unread:
        return WorkingPlans(plans=found.plans, faults=found.faults)
    from interlock.road.roll.unfit import Installed, unfit  # noqa: PLC0415  # only where there are plans

    installed = Installed(routers=routers(), meters=meters(), notifiers=notifiers())
    every = [*found.plans.values(), *found.unread]
    wrong = tuple(error for plan in every for error in unfit(plan, installed))
    return WorkingPlans(plans=found.plans, faults=found.faults, unfit=wrong)
