"""Whether a shard that fell silent is without traffic, or is only not counted any more. Pure.

Rules:
1. A shard that is absent for long is forgotten: most were taken down, and the others have their traffic. But one
   that goes on serving takes its part of the counts with it while the router's assignments stay: its arm is then
   counted short, and the other one looks better than it is.
2. So after one is forgotten the others must be seen to have taken its traffic over: as many events for each
   request assigned as before. Until that is a thousand times likelier than that their events stayed as they were,
   no window counts; a shard that is back is counted again. How many events came before is only known so far:
   ``DOUBT`` standard deviations more are asked for.
3. It is shown by any metric of the shard. Shards that had less than ``LEAST`` of their arm's events together are
   not worth it: no margin is so fine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.core.judge.tick import Assigned
from interlock.core.rollout.samples import Arm

Key = tuple[str, Arm, str]

LEAST = 0.03
SURE = math.log(1_000.0)
"""How much likelier it must be that the others took over, as a logarithm."""

DOUBT = 2.5
_FADES = 1.0 - 1.0 / 300.0
"""What a window weighs beside the one after it, in what is usual."""


@dataclass(slots=True)
class _Usual:
    """What one metric of one arm counted lately, shard by shard, and what the arm was assigned meanwhile."""

    assigned: float = 0.0
    events: dict[str, float] = field(default_factory=dict)

    def add(self, events: Mapping[str, int], assigned: int) -> None:
        self.assigned = self.assigned * _FADES + assigned
        self.events = {shard: self.events.get(shard, 0.0) * _FADES + number for shard, number in events.items()}

    @property
    def total(self) -> float:
        return math.fsum(self.events.values())


@dataclass(slots=True)
class _Doubt:
    """One metric of one arm: events for each request before, and which part of them each silent shard had."""

    rate: float
    parts: dict[str, float] = field(default_factory=dict)
    likelier: float = 0.0

    @property
    def part(self) -> float:
        """Of all events, that of all that are silent."""
        return min(math.fsum(self.parts.values()), 1.0)

    def add(self, events: int, assigned: int) -> None:
        """One window of the others. What is sure one way can still become sure the other way."""
        left = max(1.0 - self.part, 1e-6)
        gained = -events * math.log(left) - self.rate * assigned * (1.0 - left)
        self.likelier = max(self.likelier + gained, -SURE)


class Silent:
    """Forgotten shards of both arms. State is bounded by the number of shards."""

    def __init__(self) -> None:
        self._usual: dict[tuple[str, Arm], _Usual] = {}
        self._doubts: dict[tuple[str, Arm], _Doubt] = {}

    def forget(self, key: Key) -> None:
        """This shard was absent for long, and counts no more."""
        metric, arm, shard = key
        usual = self._usual.get((metric, arm))
        if usual is None or not usual.assigned or not usual.total:
            return
        total = usual.total
        most = (total + DOUBT * math.sqrt(total)) / usual.assigned
        doubt = self._doubts.setdefault((metric, arm), _Doubt(rate=most))
        doubt.parts[shard] = usual.events.get(shard, 0.0) / total
        doubt.likelier = 0.0

    def back(self, key: Key) -> None:
        """This shard is there, for the first time or again."""
        metric, arm, shard = key
        doubt = self._doubts.get((metric, arm))
        if doubt is not None and doubt.parts.pop(shard, None) is not None:
            doubt.likelier = 0.0
            if not doubt.parts:
                del self._doubts[metric, arm]

    def doubted(self, events: Mapping[Key, int], assigned: Assigned) -> bool:
        """Take one window; whether it may be counted short."""
        sent: Mapping[Arm, int] = {"canary": assigned.canary, "control": assigned.control}
        arms: dict[tuple[str, Arm], dict[str, int]] = {}
        for (metric, arm, shard), number in events.items():
            arms.setdefault((metric, arm), {})[shard] = number
        for place, each in arms.items():
            doubt = self._doubts.get(place)
            if doubt is None:
                self._usual.setdefault(place, _Usual()).add(each, sent[place[1]])
            else:
                doubt.add(sum(each.values()), sent[place[1]])
        self._settle()
        # An arm without traffic is counted short by nobody.
        return any(sent[arm] and doubt.part >= LEAST for (_, arm), doubt in self._doubts.items())

    def _settle(self) -> None:
        """What any metric shows of a shard holds for all of its metrics."""
        quiet = {
            (arm, shard)
            for (_, arm), doubt in self._doubts.items()
            if doubt.likelier >= SURE
            for shard in doubt.parts
        }
        for (metric, arm), doubt in list(self._doubts.items()):
            if all((arm, shard) in quiet for shard in doubt.parts):
                del self._doubts[metric, arm]
                self._usual.pop((metric, arm), None)
