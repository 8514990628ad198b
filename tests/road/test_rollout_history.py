"""What meters remember: the control's own noise without waiting, and what the backstop holds a rollout to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from interlock.core.change.errors import Unavailable
from interlock.core.judge.judge import Judge
from interlock.core.judge.phi import UNKNOWN
from interlock.core.judge.settings import BackstopSettings, JudgeSettings, MetricSettings
from interlock.core.judge.tick import Assigned, Counts, Observed, Tick
from interlock.core.judge.verdict import Passed
from interlock.core.rollout.samples import History
from interlock.road.roll.calibrate import Calibration, noisy, read_noise, table_of
from interlock.road.roll.foresee import DAYS, foreseen

SETTINGS = JudgeSettings(
    metrics={"orders": MetricSettings(kind="good"), "errors": MetricSettings(kind="bad")},
    backstop=BackstopSettings(metric="orders"),
)


@dataclass
class Remembers:
    """A meter whose source keeps the past: 600 orders a minute on each of two shards, unless told otherwise."""

    metrics: tuple[str, ...] = ("orders", "errors")
    level: float = 1.0
    forgot: int = 0
    down: bool = False
    longest: float = 1e9
    shards: tuple[str, ...] = ("a", "b")
    rate: float = 10.0
    uneven: float = 0.0
    newcomer: float = 0.0
    asked: list[tuple[float, float]] = field(default_factory=list)

    def check(self) -> None: ...

    def read(self) -> Sequence[object]:
        return ()

    def close(self) -> None: ...

    def history(self, seconds: float, step: float) -> Sequence[History]:
        self.asked.append((seconds, step))
        if self.down or seconds > self.longest:
            raise Unavailable("expected an answer, got none", code="meter-unreachable", hint="", plugin="it")
        dice = np.random.default_rng(1)
        found = []
        for metric in self.metrics:
            for shard in self.shards:
                counts = dice.poisson(self.rate * step, round(seconds / step)).astype(float)
                counts[-round(3600 / step) :] *= self.level
                if self.uneven:
                    wander = np.repeat(dice.normal(1.0, self.uneven, 6), round(600 / step))
                    counts[-len(wander) :] *= wander
                known: list[int | None] = [int(count) for count in counts]
                known[: self.forgot] = [None] * self.forgot
                if self.newcomer and shard == self.shards[-1]:
                    absent = max(0, len(known) - round(self.newcomer / step))
                    known[:absent] = [None] * absent
                found.append(History(metric=metric, shard=shard, step=step, counts=tuple(known)))
        return found


TWENTY = tuple(f"s{number}" for number in range(20))


def phi(meter: Remembers) -> tuple[float, float, str]:
    """φ of a short and of the longest window, and from where."""
    noise = Calibration(SETTINGS, [meter]).noise(1.0, 1.0)
    kept = read_noise(noise.to_bytes())
    assert table_of(kept.measured["orders"]) == noise.tables["orders"]
    table = noise.tables["orders"]
    assert list(table.values) == sorted(table.values)
    return table.values[0], table.values[-1], table.source


def test_long_windows_are_told_by_as_much_as_is_remembered() -> None:
    """Independent events have φ = 1; what an hour does not know of windows of ten minutes must not cost."""
    short, hour, source = phi(Remembers(shards=TWENTY, longest=3600.0))
    assert (hour > 1.15, source) == (True, "the last hour")
    again, day, source = phi(Remembers(shards=TWENTY))
    assert (again, day < 1.1, source) == (short, True, "the last hour and the last 24 h")


def test_what_came_during_the_day_shortens_what_is_asked_of_it() -> None:
    assert phi(Remembers(shards=TWENTY, newcomer=7 * 3600.0))[2] == "the last hour and the last 6 h"
    assert phi(Remembers(shards=TWENTY, newcomer=2 * 3600.0))[2] == "the last hour"


def test_a_large_fleet_tells_as_much_in_fewer_hours() -> None:
    fleet = tuple(f"s{number}" for number in range(200))
    assert phi(Remembers(metrics=("orders",), shards=fleet, rate=0.1))[2] == "the last hour and the last 12 h"


def test_an_hour_that_is_for_certain_noisier_than_the_day_counts() -> None:
    calm, wild = phi(Remembers(shards=TWENTY))[1], phi(Remembers(shards=TWENTY, uneven=0.1))[1]
    assert wild > 20 * calm


def test_no_meter_is_asked_for_more_steps_than_it_gives() -> None:
    meter = Remembers()
    Calibration(SETTINGS, [meter])
    assert meter.asked == [(3600.0, 5.0), (86_400.0, 30.0)]
    assert all(seconds / step <= 10_000 for seconds, step in meter.asked)


def test_an_hour_of_the_past_spares_the_wait() -> None:
    found = Calibration(SETTINGS, [Remembers()])
    noise = found.noise(1.0, 1.0)
    assert (found.waits, sorted(noise.tables), noise.without) == (False, ["errors", "orders"], {})
    assert all(1.0 <= value < 4.0 for value in noise.tables["orders"].values)
    assert "the last hour" in noise.told
    kept = read_noise(noise.to_bytes())
    assert table_of(kept.measured["orders"]) == noise.tables["orders"] == noisy(SETTINGS, kept).phi["orders"]


def test_what_is_not_remembered_is_waited_for() -> None:
    assert Calibration(SETTINGS, [Remembers(metrics=("orders",))]).waits
    assert Calibration(SETTINGS, [Remembers(down=True)]).waits
    assert Calibration(SETTINGS, []).waits


def test_what_nobody_counted_is_said_loudly() -> None:
    noise = Calibration(SETTINGS, []).noise(20.0, 1.0)
    assert (noise.tables, sorted(noise.without)) == ({}, ["errors", "orders"])
    assert "nothing passes by itself" in noise.told


def ticks(errors: tuple[int, ...], count: int = 30) -> Calibration:
    """A baseline of so many ticks: each of its shards takes ten orders a tick, and has these errors."""
    found = Calibration(SETTINGS, [])
    for second in range(count):
        orders = Counts(canary=0, control=tuple(8 + (second + shard) % 5 for shard in range(len(errors))))
        seen = {
            "orders": Observed(kind="good", counts=orders),
            "errors": Observed(kind="bad", counts=Counts(canary=0, control=errors)),
        }
        found.add(Tick(t=float(second), share=0.0, metrics=seen))
    return found


def test_errors_that_never_happened_leave_a_way_to_pass() -> None:
    """A service without errors and with two shards was held for ever: nothing told how its errors scatter."""
    noise = ticks((0, 0)).noise(30.0, 1.0)
    assert noise.tables["errors"].values == (UNKNOWN,) * len(noise.tables["errors"].values)
    assert "errors" not in noise.without
    again = read_noise(noise.to_bytes())
    assert table_of(again.measured["errors"]) == noise.tables["errors"]
    judge = Judge(noisy(SETTINGS, again))
    judge.expect_share(0.1)
    judge.begin_stage(0.9, 0.0)
    verdict = None
    for second in range(1, 240):
        seen = {
            "orders": Observed(kind="good", counts=Counts(canary=10, control=(45, 45))),
            "errors": Observed(kind="bad", counts=Counts(canary=0, control=(0, 0))),
        }
        assigned = Assigned(canary=50, control=450)
        verdict = judge.step(Tick(t=float(second), share=0.1, metrics=seen, assigned=assigned))
    assert isinstance(verdict, Passed)


def test_orders_that_never_came_leave_none() -> None:
    found = Calibration(SETTINGS, [])
    for second in range(30):
        none = Counts(canary=0, control=(0, 0))
        found.add(Tick(t=float(second), share=0.0, metrics={"orders": Observed(kind="good", counts=none)}))
    assert "orders" in found.noise(30.0, 1.0).without


def test_one_shard_or_a_moment_tells_nothing_of_rare_errors_either() -> None:
    assert "errors" in ticks((0,)).noise(30.0, 1.0).without
    assert "errors" in ticks((0, 0), count=10).noise(10.0, 1.0).without


def test_the_backstop_is_held_to_the_last_days_at_todays_level() -> None:
    forecast, why = foreseen(SETTINGS, [Remembers(level=0.5)], 7200.0)
    assert forecast is not None, why
    assert (forecast.every, len(forecast.expected)) == (60.0, 120)
    assert abs(sum(forecast.expected) / 120 - 0.5 * 1200) < 20


def test_without_whole_days_there_is_no_forecast_and_it_is_said() -> None:
    assert foreseen(SETTINGS, [Remembers(forgot=3000)], 7200.0) == (
        None,
        f"fewer than {DAYS} whole days are remembered",
    )
    assert foreseen(SETTINGS, [], 7200.0) == (None, f"no meter remembers {DAYS} days of orders")
    assert foreseen(JudgeSettings(metrics=SETTINGS.metrics), [Remembers()], 7200.0) == (
        None,
        "the plan names none",
    )
