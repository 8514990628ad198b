"""How rollouts stand right now, as the worker of this process sees them: for people who watch, decides nothing.

Rules:
1. What is on record is a few seconds old; what the worker has in hand is a tick old. Where this process is not the
   one that moves a rollout, the record must do.
2. Every command imports this, so it imports no judge.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interlock.core.judge.tick import MetricKind
from interlock.core.judge.verdict import Standing

RECENT = 120
"""Ticks that a picture holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentMetric:
    """One metric in one tick; ``expected`` is what the canary would have had with the control's rate."""

    kind: MetricKind
    canary: int
    expected: float
    edge: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentTick:
    """One tick for a picture; of a latency the events above its middle edge."""

    t: float
    weight: float
    log_e: float
    discard: str = ""
    metrics: Mapping[str, RecentMetric] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The last verdict in words."""

    kind: str
    why: str = ""
    eta: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One rollout as it was seen last."""

    standing: Standing | None = None
    verdict: Told | None = None
    recent: tuple[RecentTick, ...] = ()
    discarded: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    seen_at: datetime | None = None


class Live:
    """Snapshots by rollout. Safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}

    def put(self, rollout: str, snapshot: Snapshot) -> None:
        """This is how it stands."""
        with self._lock:
            self._known[rollout] = snapshot

    def get(self, rollout: str) -> Snapshot | None:
        """How it stood last, None where this process does not move it."""
        with self._lock:
            found: Snapshot | None = self._known.get(rollout)
            return found

    def drop(self, rollout: str) -> None:
        """Not in this process's hands any more."""
        with self._lock:
            self._known.pop(rollout, None)
