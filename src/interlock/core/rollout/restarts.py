"""Whether the canary crashes and comes back again and again, which its counts cannot show. Pure.

Rules:
1. A counter that begins anew costs a tick, for good reason. A version that crashes every few seconds so takes all
   evidence against itself away, while it hurts whoever it meets. That it restarts is then the evidence.
2. One shard that began anew ``MOST`` times within the span is a crash loop; so is a canary of which so many times
   as many shards as it has were replaced by others. Going out anew once, or growing, is neither.
3. Only the canary's: when any shard of the control began anew in the same span, it is the machine, or whoever
   counts, and nothing follows from it.
4. The first reading begins nothing anew, and a shard that is gone does so when it is back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from interlock.core.judge.verdict import Untrusted
from interlock.core.rollout.samples import GONE, Reading, Sample

CRASH_LOOP = "crash-loop"
"""The code of the distrust that says: the canary does not stay up."""

MOST = 3
SPAN, TICKS, _MOST_KEPT = 60.0, 12, 1_000
"""Seconds in which restarts are counted, and no fewer than so many ticks."""


@dataclass(slots=True)
class _Counter:
    """One metric of one shard, and when it began anew."""

    life: str
    value: float
    anew: deque[float] = field(default_factory=lambda: deque(maxlen=MOST))


@dataclass(slots=True)
class _Shard:
    seen: float
    alive: bool = True
    counters: dict[str, _Counter] = field(default_factory=dict)


class _Shards:
    """The shards of one arm. ``vacant`` are places of shards that went and were followed by none."""

    def __init__(self) -> None:
        self._shards: dict[str, _Shard] = {}
        self._replaced: deque[float] = deque(maxlen=_MOST_KEPT)
        self._vacant = 0

    def see(self, samples: Sequence[Sample], now: float, since: float) -> None:
        """What one reading says of them, if anything; what was not seen ``since`` then is forgotten."""
        if not samples:
            return
        begun, there = bool(self._shards), {sample.shard for sample in samples if sample.since != GONE}
        self._vacant += sum(shard.alive for name, shard in self._shards.items() if name not in there)
        for name in sorted(there):
            self._enter(name, now, begun=begun)
        for name, shard in list(self._shards.items()):
            shard.alive = name in there
            if shard.seen < since:
                del self._shards[name]
        for sample in samples:
            if sample.since != GONE:
                _count(self._shards[sample.shard].counters, sample, now)

    def times(self, since: float) -> int:
        """How often one of them, or all of them together, began anew since then."""
        each = (counter.anew for shard in self._shards.values() for counter in shard.counters.values())
        most = max((sum(at >= since for at in anew) for anew in each), default=0)
        replaced, alive = (
            sum(at >= since for at in self._replaced),
            sum(one.alive for one in self._shards.values()),
        )
        return max(most, replaced // max(alive, 1))

    def _enter(self, name: str, now: float, *, begun: bool) -> None:
        known = self._shards.get(name)
        if known is None:
            self._shards[name] = _Shard(seen=now)
            if begun and self._vacant:
                self._vacant -= 1
                self._replaced.append(now)
            return
        if not known.alive:
            self._vacant = max(self._vacant - 1, 0)
        known.seen = now


class Restarts:
    """Restarts of both arms in one stage; begin a new one with each. State is bounded by the number of shards."""

    def __init__(self, tick: float) -> None:
        self._span = max(SPAN, TICKS * tick)
        self._canary, self._control = _Shards(), _Shards()

    def see(self, reading: Reading) -> Untrusted | None:
        """Take one reading; the verdict where the canary, and it alone, does not stay up."""
        since = reading.steady - self._span
        for arm, shards in (("canary", self._canary), ("control", self._control)):
            shards.see([one for one in reading.samples if one.arm == arm], reading.steady, since)
        times = self._canary.times(since)
        if times < MOST or self._control.times(since):
            return None
        why = f"the canary restarted {times} times in {self._span:.0f} s, and the control did not"
        return Untrusted(code=CRASH_LOOP, why=why)


def _count(counters: dict[str, _Counter], sample: Sample, now: float) -> None:
    counter = counters.setdefault(sample.metric, _Counter(life=sample.since, value=sample.value))
    if sample.value < counter.value or (sample.since and counter.life and sample.since != counter.life):
        counter.anew.append(now)
    counter.value, counter.life = sample.value, sample.since or counter.life
