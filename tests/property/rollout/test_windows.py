"""Windows over any history of scrapes: whatever is late, missing, repeated or in another order."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from interlock.core.rollout.samples import Exposure, Reading, Sample
from interlock.core.rollout.windows import Tolerances, Watched, Window

SHARDS = (("canary", "c"), ("control", "a"), ("control", "b"))
METRICS = {"orders": Watched(kind="good"), "took": Watched(kind="bad", edges=("1",))}


@dataclass
class Heard:
    """One round: for each shard, how many new events there were, and whether and how late it was read."""

    seconds: float
    events: tuple[int, int, int]
    lags: tuple[float | None, float | None, float | None]
    router: bool
    order: int


@st.composite
def rounds(draw):
    lag = st.one_of(st.none(), st.floats(0, 0.3), st.floats(0, 5))
    return Heard(
        seconds=draw(st.sampled_from([0.01, 0.9, 1.0, 1.1, 3.0, 30.0])),
        events=tuple(draw(st.integers(0, 500)) for _ in SHARDS),
        lags=tuple(draw(lag) for _ in SHARDS),
        router=draw(st.booleans()) or draw(st.booleans()),
        order=draw(st.integers(0, 5)),
    )


def begun(events=(0, 0, 0)):
    """Half a minute before anybody looks, and a round in which all is read."""
    later = tuple(each // 30 for each in events)
    return [
        Heard(30.0, events, (None, None, None), router=False, order=0),
        Heard(1.0, later, (0.0, 0.0, 0.0), router=True, order=0),
    ]


@dataclass
class Shop:
    """Counters that grow evenly between rounds, and what is read of them at any lag."""

    now: float = 1_000_000.0
    counts: dict = field(default_factory=lambda: dict.fromkeys(SHARDS, 0.0))
    sent: float = 0.0
    history: list = field(default_factory=list)

    def go_on(self, heard):
        before = dict(self.counts)
        for key, events in zip(SHARDS, heard.events, strict=True):
            self.counts[key] += events
        self.sent += sum(heard.events)
        self.history.append((self.now, self.now + heard.seconds, before, dict(self.counts)))
        self.now += heard.seconds

    def at(self, key, moment):
        for begun, ended, before, after in reversed(self.history):
            if begun <= moment <= ended:
                return before[key] + (after[key] - before[key]) * (moment - begun) / (ended - begun)
        return 0.0

    def reading(self, heard):
        samples = []
        for key, lag in zip(SHARDS, heard.lags, strict=True):
            if lag is not None:
                moment = self.now - lag
                value = float(int(self.at(key, moment)))
                known = {"arm": key[0], "shard": key[1], "value": value, "at": moment}
                samples.append(Sample(metric="orders", **known))
                samples.append(Sample(metric="took", above={"1": value // 3}, **known))
        samples = samples[heard.order :] + samples[: heard.order]
        exposure = Exposure(canary=int(self.sent), control=int(self.sent), at=self.now) if heard.router else None
        return Reading(samples=samples, exposure=exposure, wall=self.now, steady=self.now - 999_000.0)


def played(history, *, turned=False):
    shop, window, ticks = Shop(), Window(METRICS, lambda _: 0.5, tolerances=Tolerances(forget=1e9)), []
    for heard in history:
        shop.go_on(heard)
        reading = shop.reading(heard)
        if turned:
            reading = Reading(
                samples=reading.samples[::-1],
                exposure=reading.exposure,
                wall=reading.wall,
                steady=reading.steady,
            )
        ticks.append(window.read(reading))
    return shop, window, ticks


def counts(ticks):
    return [tick.metrics["orders"].counts for tick in ticks if tick is not None and tick.metrics]


@given(st.lists(rounds(), min_size=1, max_size=40))
def test_no_count_is_ever_negative_and_every_tick_is_in_order(history):
    _, _, ticks = played(history)
    for tick in (each for each in ticks if each is not None):
        for observed in tick.metrics.values():
            for each in (observed.counts, *observed.buckets.values()):
                assert each is None or min(each.canary, *each.control) >= 0
    times = [tick.t for tick in ticks if tick is not None]
    assert times == sorted(times)


@given(st.lists(rounds(), min_size=1, max_size=40))
def test_ticks_and_discarded_ticks_add_up_to_the_difference_of_the_ends(history):
    shop, window, ticks = played([*begun((900, 900, 900)), *history])
    for place, key in enumerate(SHARDS):
        told = [(c.canary, *c.control)[place] for c in counts(ticks)]
        ended = window._series["orders", *key].whole(window._end)
        assert sum(told) == ended[0] - 930
        assert ended[0] <= shop.counts[key]


@given(st.lists(rounds(), min_size=1, max_size=30))
def test_the_order_of_samples_changes_nothing(history):
    assert played(history)[2] == played(history, turned=True)[2]


@given(st.lists(rounds(), min_size=1, max_size=40), st.integers(1, 50), st.integers(1, 50))
def test_even_traffic_is_told_evenly_whatever_is_late(history, canary, control):
    """Both arms' intervals are the same: at even traffic the arms stand in each tick as their rates do."""
    rates = (canary * 1_000, control * 1_000, control * 1_000)
    for heard in history:
        heard.events = tuple(int(rate * heard.seconds) for rate in rates)
    _, _, ticks = played([*begun(tuple(rate * 30 for rate in rates)), *history])
    for tick in (each for each in ticks if each is not None and not each.discard):
        told = tick.metrics["orders"].counts
        for other in told.control:
            # Each count may be off by what rounding down to whole events costs at the two ends.
            assert abs(told.canary / canary - other / control) <= 3 / canary + 3 / control
