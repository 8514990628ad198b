"""Plug-ins by name, built-in and a user's alike, through Python's entry points.

Rules:
1. There is no switch over names: what is installed is what exists.
2. An unknown name, a name claimed twice or a plug-in that fails to load is an error at start-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import resources
from importlib.metadata import entry_points
from typing import Any, cast

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.ports.counts import PushedCounts
from interlock.ports.flags import Flags
from interlock.ports.meter import Meter
from interlock.ports.notifier import Notifier
from interlock.ports.reader import Reader
from interlock.ports.rehearsal import MakesProbe, MakesRehearsal
from interlock.ports.reviewer import MakesReviewer
from interlock.ports.router import Router
from interlock.ports.scanner import MakesScanner
from interlock.ports.validator import Validator

METERS = "interlock.meters"
NOTIFIERS = "interlock.notifiers"
PROBES = "interlock.probes"
READERS = "interlock.readers"
REHEARSALS = "interlock.rehearsals"
REVIEWERS = "interlock.reviewers"
ROUTERS = "interlock.routers"
SCANNERS = "interlock.scanners"
VALIDATORS = "interlock.validators"


def meters(counts: PushedCounts | None = None) -> dict[str, Callable[..., Meter]]:
    """Meter factories by name: each takes the plan's settings and the metrics that it is to count.

    One that says ``takes_counts`` gets what services push as well.
    """
    found = _load(METERS)
    return {
        name: partial(factory, counts=counts) if getattr(factory, "takes_counts", False) else factory
        for name, factory in found.items()
    }


def notifiers() -> dict[str, Callable[[Mapping[str, object]], Notifier]]:
    """Notifier factories by name; each takes its settings."""
    return cast("dict[str, Callable[[Mapping[str, object]], Notifier]]", _load(NOTIFIERS))


def probes() -> dict[str, MakesProbe]:
    """Factories of a rehearsal's probes by name."""
    return cast("dict[str, MakesProbe]", _load(PROBES))


def readers() -> dict[str, Callable[..., Reader]]:
    """Reader factories by name."""
    return cast("dict[str, Callable[..., Reader]]", _load(READERS))


def rehearsals() -> dict[str, MakesRehearsal]:
    """Factories of a rehearsal's drivers by name."""
    return cast("dict[str, MakesRehearsal]", _load(REHEARSALS))


def reviewers() -> dict[str, MakesReviewer]:
    """Factories of reviewers by name."""
    return cast("dict[str, MakesReviewer]", _load(REVIEWERS))


def routers(flags: Flags | None = None) -> dict[str, Callable[..., Router]]:
    """Router factories by name; each takes its settings, and ``flags`` where it ``takes_flags``."""
    loaded = cast("dict[str, Callable[..., Router]]", _load(ROUTERS))
    return {
        name: partial(factory, flags=flags) if getattr(factory, "takes_flags", False) else factory
        for name, factory in loaded.items()
    }


def scanners() -> dict[str, MakesScanner]:
    """Scanner factories by name; each takes its settings."""
    return cast("dict[str, MakesScanner]", _load(SCANNERS))


def validators() -> tuple[Validator, ...]:
    """One of each validator, sorted by name."""
    loaded = cast("dict[str, Callable[[], Validator]]", _load(VALIDATORS))
    return tuple(loaded[name]() for name in sorted(loaded))


def bundled_policies() -> dict[str, bytes]:
    """The policies that ship with interlock, by path inside a ``policies`` folder."""
    root = resources.files("interlock.core.policy.bundled")
    found: dict[str, bytes] = {}
    pending = [("", root)]
    while pending:
        prefix, folder = pending.pop()
        for item in folder.iterdir():
            path = f"{prefix}{item.name}"
            if item.is_dir():
                pending.append((f"{path}/", item))
            elif item.name.endswith((".cedar", ".yaml")):
                found[path] = item.read_bytes()
    return dict(sorted(found.items()))


def known(name: str, names: list[str], *, what: str) -> str:
    """``name`` if it is among ``names``.

    Raises:
        InvalidInput: ``plugin-unknown``.
    """
    if name not in names:
        raise InvalidInput(
            f"expected a known {what}, got `{name}`{closest(name, names)}",
            code="plugin-unknown",
            hint=f"installed: {', '.join(sorted(names))}",
        )
    return name


def _load(group: str) -> dict[str, Any]:
    loaded: dict[str, Any] = {}
    for point in entry_points(group=group):
        if point.name in loaded:
            raise InvalidInput(
                f"expected one plug-in called `{point.name}` in {group}, got two",
                code="plugin-twice",
                hint="uninstall one of the packages that provide it",
            )
        try:
            loaded[point.name] = point.load()
        except (ImportError, AttributeError) as error:
            raise InvalidInput(
                f"expected plug-in `{point.name}` of {group} to load, got: {error}",
                code="plugin-broken",
                hint=f"reinstall or uninstall the package that provides `{point.value}`",
            ) from error
    return loaded
