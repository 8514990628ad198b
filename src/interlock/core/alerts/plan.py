"""An alert plan: which failures of a service somebody must be told of, and what they do to its series.

Rules:
1. A plan is a rule, ``alert-plans/<name>.yaml``: what must be noticed cannot be edited by the change that is
   looked at. The alert rules themselves are the change's own, as they are checked out.
2. Healthy series are captured from a Prometheus, or declared; declared ones make the result *synthetic*.
3. With the ``exposition`` of the new version, what it does not expose any more has no series in the proof.
4. With the ``alertmanager`` file of the change, an alert that it sends to nobody tells nobody.
5. A failure mode of ``change.md`` is one of the plan's when it has that mode's name in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from interlock.core.alerts.modes import Mode
from interlock.core.rollout.plan import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredShape:
    """A healthy series that somebody declares: events a second of a counter, or the level of a gauge.

    ``buckets`` are the edges of a histogram in seconds with the share of events at or below each.
    """

    series: str
    per_second: float | None = None
    level: float | None = None
    buckets: Mapping[str, float] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposition:
    """Where the new version says which metrics it has: a file of the commit, an address, or what a program prints.

    ``words`` is the path, the address, or the program with its arguments.
    """

    kind: Literal["file", "url", "command"]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPlan:
    """The whole file; spans in seconds. ``rules`` are globs of rule files in the checkout.

    ``step`` is the scrape interval, ``interval`` how often a group is evaluated that does not say; ``tolerance``
    is how long somebody may be told after a failure began. ``prometheus`` is empty where shapes are declared.
    """

    path: str
    service: str
    rules: tuple[str, ...]
    modes: tuple[Mode, ...]
    tolerance: float = 600.0
    interval: float = 60.0
    step: float = 60.0
    healthy: float = 3_600.0
    prometheus: str = ""
    shapes: tuple[DeclaredShape, ...] = ()
    exposition: Exposition | None = None
    alertmanager: str = ""
    digest: str = ""
    lines: Mapping[Keys, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def environment(self) -> str:
        """None: alerts are proven of the service."""
        return ""

    def line_of(self, keys: Keys) -> int:
        """Where a key stands in the file, or the nearest above it that is written; 1 where none is."""
        return next((self.lines[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in self.lines), 1)


def covered(plan: AlertPlan, failure_mode: str) -> tuple[Mode, ...]:
    """The modes of the plan that a failure mode of ``change.md`` names."""
    said = failure_mode.casefold()
    return tuple(mode for mode in plan.modes if mode.name.casefold() in said)
