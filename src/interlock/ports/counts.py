"""The port to counts that services push themselves: the newest of each source, for whichever server asks.

Rules:
1. A push holds all cumulative counts of its source and replaces the source's last one, whole or not at all. It is
   idempotent by source and ``sequence``: one that is not higher than the last changes nothing.
2. Every sample keeps the moment that its source gave it. A push that comes late is old, not new.
3. Counts are no records: they come each second, decide nothing by themselves and stand in no entry of the ledger;
   what a rollout made of them (its ticks) does.
4. Safe from several threads and several servers; durable enough to survive the server, each call well below 1 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from interlock.core.rollout.samples import Sample

MOST_SAMPLES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """One push. ``source`` names who counted (an instance), ``sequence`` grows from push to push."""

    source: str
    sequence: int
    samples: Sequence[Sample]


class PushedCounts(Protocol):
    """The newest push of each source, by service."""

    def put(self, service: str, pushed: Pushed) -> bool:
        """Keep it; False where this source has pushed the same or a later one before.

        Raises:
            Unavailable.
        """

    def newest(self, service: str) -> Sequence[Pushed]:
        """The last push of each source, sorted by source. A source that is silent for a day is forgotten.

        Raises:
            Unavailable.
        """
