"""Whether a shard that fell silent is without traffic, or is only not counted any more. Pure.

Rules:
1. A shard that is absent for long is forgotten: most were taken down, and the others have their traffic. But one
   that goes on serving takes its part of the counts with it while the router's assignments stay: its arm is then
   counted short, and the other one looks better than it is. So it is with one of the control that is gone, as long
   as the router sends requests to it that nobody serves.
2. So after one is forgotten the others must be seen to have taken its traffic over: as many events for each
   request assigned as before. Until that is a thousand times likelier than that their events stayed as they were,
   no window counts; a shard that is back is counted again. Rates before, of all and of the others, are only known
   as well as their events tell: gamma distributions, of which what came after are Poisson counts.
3. It is shown by any metric of the shard. Shards that had less than ``LEAST`` of their arm's events together are
   not worth it: no margin is so fine.
4. One that was gone before anything was counted had as much as each of the others, but how many events came before
   nobody knows: nothing counts until it is there.
5. What a shard had that was taken down is the others' from then on; one that is new has as much as each of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from interlock.core.judge.tick import Assigned
from interlock.core.rollout.samples import Arm

Key = tuple[str, Arm, str]

LEAST = 0.03
SURE = math.log(1_000.0)
"""How much likelier it must be that the others took over, as a logarithm."""

_PRIOR = 0.5
"""Jeffreys' prior of a rate, in events."""

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

    def join(self, shard: str) -> None:
        """A shard that is new."""
        if self.events and shard not in self.events:
            total, number = self.total, len(self.events) + 1
            self.events = {each: events * (number - 1) / number for each, events in self.events.items()}
            self.events[shard] = total / number

    def leave(self, shards: Iterable[str]) -> None:
        """Shards whose traffic the others have."""
        total = self.total
        for shard in shards:
            self.events.pop(shard, None)
        left = self.total
        self.events = {each: events * total / left for each, events in self.events.items() if left}

    @property
    def total(self) -> float:
        return math.fsum(self.events.values())


@dataclass(slots=True)
class _Doubt:
    """One metric of one arm: events and requests before, and which part of the events each silent shard had."""

    events: float = 0.0
    assigned: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)
    likelier: float = 0.0
    _from: float = 0.0
    _events: int = 0
    _assigned: int = 0

    @property
    def part(self) -> float:
        """Of all events, that of all that are silent."""
        return min(math.fsum(self.parts.values()), 1.0)

    def anew(self, likelier: float = 0.0) -> None:
        """Forget the windows so far, but for what they showed."""
        self.likelier = self._from = likelier
        self._events = self._assigned = 0

    def add(self, events: int, assigned: int) -> None:
        """One window of the others. What is sure one way can still become sure the other way."""
        self._events += events
        self._assigned += assigned
        self.likelier = self._from + self._gained()
        if self.likelier <= -SURE:
            self.anew(-SURE)

    def _gained(self) -> float:
        """What the windows so far show, by the events that either rate before would have led one to expect."""
        if not self.assigned or not self._assigned:
            return 0.0
        everybody = self.events + _PRIOR
        others = self.events * (1.0 - self.part) + _PRIOR
        after = math.lgamma(everybody + self._events) - math.lgamma(others + self._events)
        fewer = math.log(self.assigned / (self.assigned + self._assigned))
        return after - math.lgamma(everybody) + math.lgamma(others) + (everybody - others) * fewer


class Silent:
    """Forgotten shards of both arms. State is bounded by the number of shards."""

    def __init__(self) -> None:
        self._usual: dict[tuple[str, Arm], _Usual] = {}
        self._doubts: dict[tuple[str, Arm], _Doubt] = {}

    def forget(self, key: Key, *, among: int = 0) -> None:
        """This shard counts no more: it was absent for long, or is gone from ``among`` so many of its arm.

        To say so again changes nothing.
        """
        metric, arm, shard = key
        usual = self._usual.get((metric, arm)) or _Usual()
        part = usual.events.get(shard, 0.0) / usual.total if usual.total else 0.0
        if among and not usual.assigned:
            part = 1.0 / among if LEAST * among <= 1.0 else 0.0
        if not part:
            return
        doubt = self._doubts.setdefault((metric, arm), _Doubt(events=usual.total, assigned=usual.assigned))
        if shard not in doubt.parts:
            doubt.parts[shard] = part
            doubt.anew()

    def back(self, key: Key) -> None:
        """This shard is there, for the first time or again."""
        metric, arm, shard = key
        if (usual := self._usual.get((metric, arm))) is not None:
            usual.join(shard)
        doubt = self._doubts.get((metric, arm))
        if doubt is not None and doubt.parts.pop(shard, None) is not None:
            doubt.anew()
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
                if (usual := self._usual.get((metric, arm))) is not None:
                    usual.leave(doubt.parts)
