"""Seeded traffic for a rollout: what canary and control count in each tick, and what faults do to it.

Rules:
1. A stream is counts per tick and shard; shard 0 is the canary, the others are the control in canary-sized
   shards. The same seed gives the same stream, to every contender.
2. Five kinds of traffic. ``poisson``. ``diurnal``: a day's wave in the hour, shared by all shards. ``bursty``:
   the shared rate jumps to threefold for half a minute every two (both arms share it), and inside each shard
   every event calls for 0.3 more within some ten seconds (they do not share that). ``batched``: events come in
   batches of mean 4, geometric. ``noisy``: each shard's rate wanders by 10–20 % (gamma, a new level about once a
   minute).
3. Orders, errors and requests are drawn apart, each with the traffic's noise. Latency is lognormal; a stream
   holds how many requests lay above each edge.
4. A fault changes the canary from its onset on: orders are thinned, errors are added, latency is stretched. What
   the router assigned is split at random and cleanly, whatever the noise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Counted = npt.NDArray[np.int64]
KINDS = ("poisson", "diurnal", "bursty", "batched", "noisy")
MEDIAN, SPREAD = 0.1, 0.6
"""Of the latency, seconds and lognormal σ: p99 is 0.4 s, and the bound of p99 +10 % is 14 s, as in the floor."""
OFFSPRING, MEMORY, BATCH, WANDER = 0.3, 10.0, 4, 60.0


def edge(quantile: float) -> float:
    """Where the baseline's latency has that quantile, seconds."""
    return float(MEDIAN * np.exp(SPREAD * NormalDist().inv_cdf(quantile)))


EDGES = {"q50": edge(0.5), "q90": edge(0.9), "q99": edge(0.99), "slo": 0.5}


def above(seconds: float, stretch: float = 1.0) -> float:
    """The share of requests that take longer than ``seconds`` when everything takes ``stretch`` times as long."""
    return 1 - NormalDist().cdf(float(np.log(seconds / stretch / MEDIAN)) / SPREAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A service under a canary. Rates are of one canary-sized shard, per second."""

    kind: str = "poisson"
    orders: float = 1.0
    requests: float = 100.0
    errors: float = 0.001
    share: float = 0.05
    tick: float = 5.0
    minutes: float = 60.0

    @property
    def shards(self) -> int:
        """The canary and all of the control, in canary-sized pieces."""
        return round(1 / self.share)

    @property
    def ticks(self) -> int:
        """How many there are in a rollout."""
        return round(self.minutes * 60 / self.tick)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the canary does from ``onset`` (seconds) on: factors on its orders, its errors and its latency."""

    orders: float = 1.0
    errors: float = 1.0
    latency: float = 1.0
    onset: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Many rollouts: each series as rollout × tick × shard; what the router assigned as rollout × tick × arm."""

    setting: Setting
    series: dict[str, Counted]
    assigned: Counted = field(repr=False)

    def __len__(self) -> int:
        return len(self.assigned)


GOOD = Fault()


def draw(setting: Setting, rollouts: int, seed: list[int], fault: Fault = GOOD) -> Streams:
    """As many rollouts of that setting under that fault."""
    chance = np.random.default_rng(np.random.SeedSequence(seed))
    at = (np.arange(setting.ticks) + 1) * setting.tick > fault.onset + 1e-9
    shape = (rollouts, setting.ticks, setting.shards)
    shared = shared_rate(setting, rollouts, chance)
    orders = arrivals(setting, setting.orders, shared, shape, chance)
    errors = arrivals(setting, setting.errors * setting.requests, shared, shape, chance)
    requests = arrivals(setting, setting.requests, shared, shape, chance)
    series = {"orders": orders, "errors": errors, "requests": requests}
    series |= slow(requests, fault, at, chance)
    if fault.orders < 1:
        orders[:, at, 0] = chance.binomial(orders[:, at, 0], fault.orders)
    if fault.errors > 1:
        more = setting.errors * setting.requests * (fault.errors - 1)
        added = arrivals(setting, more, shared, (*shape[:2], 1), chance)
        errors[:, at, 0] += added[:, at, 0]
    total = requests.sum(axis=2)
    canary = chance.binomial(total, setting.share)
    return Streams(setting=setting, series=series, assigned=np.stack([canary, total - canary], axis=2))


def slow(
    requests: Counted, fault: Fault, at: npt.NDArray[np.bool_], chance: np.random.Generator
) -> dict[str, Counted]:
    """Requests above each edge: those above a later edge are among those above an earlier one."""
    found, left, before = {}, requests, (1.0, 1.0)
    for name, seconds in EDGES.items():
        usual, stretched = above(seconds), above(seconds, fault.latency)
        odds = np.full(requests.shape[1:], usual / before[0])
        odds[at, 0] = stretched / before[1]
        left = chance.binomial(left, odds)
        found[name], before = left, (usual, stretched)
    return found


def shared_rate(setting: Setting, rollouts: int, chance: np.random.Generator) -> npt.NDArray[np.float64]:
    """The factor on every shard's rate, rollout × tick × 1: what concurrent control cancels."""
    times = (np.arange(setting.ticks) + 0.5) * setting.tick
    if setting.kind == "diurnal":
        phase = chance.uniform(0, 2 * np.pi, (rollouts, 1))
        return np.asarray(1 + 0.6 * np.sin(2 * np.pi * times / 3600 + phase))[:, :, None]
    if setting.kind != "bursty":
        return np.ones((rollouts, setting.ticks, 1))
    factor = np.empty((rollouts, setting.ticks, 1))
    busy = chance.random(rollouts) < 0.2
    for tick in range(setting.ticks):
        leaves = 1 - np.exp(-setting.tick / np.where(busy, 30.0, 120.0))
        busy ^= chance.random(rollouts) < leaves
        factor[:, tick, 0] = np.where(busy, 3.0, 1.0)
    return factor


def arrivals(
    setting: Setting,
    rate: float,
    shared: npt.NDArray[np.float64],
    shape: tuple[int, int, int],
    chance: np.random.Generator,
) -> Counted:
    """Events of one series at ``rate`` a second in each shard, with the traffic's own noise."""
    mean = np.broadcast_to(rate * setting.tick * shared, shape)
    if setting.kind == "batched":
        batches = chance.poisson(mean / BATCH)
        more = chance.negative_binomial(np.maximum(batches, 1), 1 / BATCH)
        return np.asarray(np.where(batches > 0, batches + more, 0))
    if setting.kind == "bursty":
        return self_exciting(mean, setting.tick, chance)
    if setting.kind == "noisy":
        return chance.poisson(mean * wandering(setting.tick, shape, chance))
    return chance.poisson(mean)


def self_exciting(mean: npt.NDArray[np.float64], tick: float, chance: np.random.Generator) -> Counted:
    """A Hawkes process in ticks: each event calls for 0.3 more in its shard, within some ten seconds."""
    found = np.empty(mean.shape, dtype=np.int64)
    fades = np.exp(-tick / MEMORY)
    recent = mean[:, 0]
    for at in range(mean.shape[1]):
        found[:, at] = chance.poisson((1 - OFFSPRING) * mean[:, at] + OFFSPRING * recent)
        recent = fades * recent + (1 - fades) * found[:, at]
    return found


def wandering(tick: float, shape: tuple[int, int, int], chance: np.random.Generator) -> npt.NDArray[np.float64]:
    """Each shard's factor on its rate: gamma of mean 1, spread 10–20 %, a new level about once a minute."""
    rollouts, ticks, shards = shape
    form = chance.uniform(0.1, 0.2, (rollouts, shards)) ** -2.0
    factor = np.empty(shape)
    level = chance.gamma(form, 1 / form)
    for at in range(ticks):
        turns = chance.random((rollouts, shards)) < 1 - np.exp(-tick / WANDER)
        level = np.where(turns, chance.gamma(form, 1 / form), level)
        factor[:, at] = level
    return factor
