"""What the judge is fed: one tick, the same interval read for both arms and for the exposure.

Rules:
1. A tick is counts: how many events of each metric the canary and each shard of the control had in it. Orders,
   errors and slow requests are all events; latency is the number of events above each bucket edge.
2. ``share`` is the canary's nominal share of the exposure, from what the router assigned, never from what was
   served: a broken release suppresses its own later requests.
3. A tick that must not count says why in ``discard``. It is recorded all the same, so that whoever recomputes a
   verdict sees what was left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MetricKind = Literal["good", "bad"]
"""``good``: fewer events are harm (orders). ``bad``: more events are harm (errors, slow requests)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Events of one series in one tick; the control's are cut into canary-sized shards where they are known."""

    canary: int
    control: tuple[int, ...]

    @property
    def total(self) -> int:
        """Events of both arms."""
        return self.canary + sum(self.control)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One metric in one tick. Either ``counts``, or for latency ``buckets``: events above each edge (seconds)."""

    kind: MetricKind
    counts: Counts | None = None
    buckets: Mapping[str, Counts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """Requests that the router assigned to each arm in one tick, those that a dead canary refused included."""

    canary: int
    control: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """``t`` is the end of the interval in seconds since the rollout began, ``share`` is in 0…1.

    ``discard`` is empty for a tick that counts, else the code of a trust check that took it out. ``instances`` is
    how many instances share the canary's traffic; where nobody knows it is one.
    """

    t: float
    share: float
    metrics: Mapping[str, Observed]
    assigned: Assigned | None = None
    discard: str = ""
    instances: int = 1
