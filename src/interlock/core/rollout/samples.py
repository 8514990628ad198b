"""What meters and routers read, and one moment's reading of all of it.

Rules:
1. Counts are cumulative. ``at`` is the moment the source counted, in Unix seconds.
2. A shard where nobody listens any more (the connection is refused: there is no process) is not missing: it counts
   nothing, and says so with ``since`` = ``GONE``. One that does not answer in time is missing: it may be counting.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Arm = Literal["canary", "control"]

GONE = "gone"
"""``Sample.since`` of a shard that has no process: its value is 0 and stays 0 until another life begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One cumulative count. ``shard`` names who counted (an instance, a pod): counts are compared shard by shard.

    ``above`` holds, for latency, the cumulative number of events slower than each edge, by the edge as the plan
    writes it (seconds); ``value`` is then the number of all events. ``since`` names the counter's life where the
    source tells (a start time, ``_created``): another one is a reset.
    """

    metric: str
    arm: Arm
    shard: str
    value: float
    at: float
    above: Mapping[str, float] = field(default_factory=dict)
    since: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Requests assigned to each arm since the router began to count; ``at`` is the moment read (Unix seconds).

    ``since`` names the run of the router that counts (its start, a process id): another value is a reset.
    """

    canary: int
    control: int
    at: float
    since: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that was read in one round. ``exposure`` is None where the router did not answer.

    ``wall`` is the clock of whoever read, in Unix seconds; ``steady`` its monotonic clock. A jump is seen by the
    two going apart.
    """

    samples: Sequence[Sample]
    exposure: Exposure | None
    wall: float
    steady: float


def usable(sample: Sample, edges: Sequence[str]) -> tuple[float, ...] | None:
    """All numbers of a sample in a fixed order, None where one is missing or can be no count."""
    if any(edge not in sample.above for edge in edges):
        return None
    values = (sample.value, *(sample.above[edge] for edge in edges))
    if not all(math.isfinite(value) and value >= 0 for value in (*values, sample.at)):
        return None
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What one shard of the control counted in each ``step`` seconds of the past, oldest first.

    ``edge`` is the latency edge above which events count, empty for all events. None stands where nobody knows:
    the source was not there, or began to count anew.
    """

    metric: str
    shard: str
    step: float
    counts: tuple[int | None, ...]
    edge: str = ""
