"""The policies of this working tree, for the commands that look at them without a server."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points

from interlock.bootstrap import rule_source
from interlock.core.change.errors import InvalidInput
from interlock.core.policy.bundle import Bundle, load_bundle
from interlock.core.policy.rules import load_plans, settings_of
from interlock.core.rollout.plan_check import Plans, check_kinds
from interlock.doors.cli.desk import settings
from interlock.registry import METERS, NOTIFIERS, ROUTERS


def working_bundle(more: Mapping[str, bytes] | None = None) -> tuple[Bundle, str]:
    """The policies with ``more`` files among them, and the folder they lie in, with its slash.

    Raises:
        InvalidInput: what ``load_bundle`` raises, and ``rules-missing`` without an ``interlock.yaml``.
    """
    files = rule_source(settings()).files()
    folder = f"{settings_of(files).policies.rstrip('/')}/"
    here = {path.removeprefix(folder): files[path] for path in files if path.startswith(folder)}
    return load_bundle({**here, **(more or {})}), folder


def working_plans() -> tuple[Plans, tuple[InvalidInput, ...]]:
    """The rollout plans of this working tree, and every plug-in they name that is not installed here.

    Raises:
        InvalidInput: what ``load_plans`` raises.
    """
    plans = load_plans(rule_source(settings()).files())
    if not plans:
        return plans, ()
    routers, meters, notifiers = (entry_points(group=each).names for each in (ROUTERS, METERS, NOTIFIERS))
    unknown = (
        error
        for plan in plans.values()
        for error in check_kinds(plan, routers=routers, meters=meters, notifiers=notifiers)
    )
    return plans, tuple(unknown)
