"""Shards that fall silent: without traffic, or not counted any more."""

from __future__ import annotations

import numpy as np
import pytest

from interlock.core.judge.tick import Assigned
from interlock.core.rollout.silent import Key, Silent


class Fleet:
    """``number`` shards of the control that serve ``rate`` requests in each window between them, by chance."""

    def __init__(self, number: int, rate: float, *, seed: int, orders: float = 0.3) -> None:
        self.dice, self.silent = np.random.default_rng(seed), Silent()
        self.names, self.rate, self.orders = [f"{each}" for each in range(number)], rate, orders
        self.counted = list(self.names)

    def windows(self, number: int) -> list[bool]:
        return [self._window() for _ in range(number)]

    def _window(self) -> bool:
        share = self.rate / len(self.names)
        served = {name: int(self.dice.poisson(share)) for name in self.names}
        events: dict[Key, int] = {}
        for name in self.counted:
            events["requests", "control", name] = served[name]
            events["orders", "control", name] = int(self.dice.binomial(served[name], self.orders))
        return self.silent.doubted(events, Assigned(canary=0, control=sum(served.values())))

    def fall_silent(self, name: str, *, among: int = 0) -> None:
        self.counted.remove(name)
        for metric in ("requests", "orders"):
            self.silent.forget((metric, "control", name), among=among)

    def join(self, name: str) -> None:
        self.names.append(name)
        self.counted.append(name)
        for metric in ("requests", "orders"):
            self.silent.back((metric, "control", name))

    def take_down(self, name: str) -> None:
        self.names.remove(name)
        self.fall_silent(name)


@pytest.mark.parametrize("number", [2, 4, 10, 20])
def test_one_that_still_serves_is_doubted_for_good(number: int) -> None:
    for seed in range(20):
        fleet = Fleet(number, 300.0, seed=seed)
        assert not any(fleet.windows(300))
        fleet.fall_silent("1")
        assert all(fleet.windows(600)), seed


@pytest.mark.parametrize(("number", "most"), [(2, 3), (4, 8), (10, 60), (20, 400)])
def test_one_that_was_taken_down_is_forgotten_soon(number: int, most: int) -> None:
    for seed in range(20):
        fleet = Fleet(number, 300.0, seed=seed)
        fleet.windows(300)
        fleet.take_down("1")
        assert not fleet.windows(most)[-1], seed


def test_a_small_part_of_a_large_fleet_is_not_worth_it() -> None:
    fleet = Fleet(100, 1_000.0, seed=1)
    fleet.windows(60)
    fleet.fall_silent("1")
    assert not any(fleet.windows(10))


def test_many_small_parts_are_a_large_one() -> None:
    fleet = Fleet(50, 1_000.0, seed=1)
    fleet.windows(60)
    for name in range(10):
        fleet.fall_silent(f"{name}")
    assert all(fleet.windows(100))


def test_where_nothing_was_ever_counted_there_is_nothing_to_miss() -> None:
    fleet = Fleet(4, 300.0, seed=1)
    fleet.take_down("1")
    assert not any(fleet.windows(10))


def test_one_rare_event_shows_nothing() -> None:
    """The only error so far was the dead one's; the next comes from the others. So it may be by chance."""
    silent, assigned = Silent(), Assigned(canary=0, control=300)
    for window in range(10):
        assert not silent.doubted(
            {("errors", "control", "a"): 0, ("errors", "control", "b"): window == 5}, assigned
        )
    silent.forget(("errors", "control", "b"))
    assert all(silent.doubted({("errors", "control", "a"): window == 5}, assigned) for window in range(20))


def test_one_after_another_is_each_doubted() -> None:
    """What the first had is the others' when the second goes, also at once."""
    fleet = Fleet(3, 300.0, seed=1)
    fleet.windows(100)
    fleet.take_down("1")
    while fleet.windows(1)[-1]:
        pass
    fleet.fall_silent("2")
    assert all(fleet.windows(300))


def test_one_that_just_joined_had_as_much_as_the_others() -> None:
    fleet = Fleet(2, 300.0, seed=1)
    fleet.windows(300)
    fleet.join("2")
    fleet.windows(3)
    fleet.fall_silent("2")
    assert all(fleet.windows(300))


def test_one_that_is_gone_from_the_start_is_doubted_until_it_is_there() -> None:
    fleet = Fleet(2, 300.0, seed=1)
    fleet.fall_silent("1", among=2)
    assert all(fleet.windows(300))
    fleet.silent.back(("orders", "control", "1"))
    fleet.silent.back(("requests", "control", "1"))
    assert not any(fleet.windows(10))


def test_a_small_part_that_is_gone_from_the_start_is_not_worth_it() -> None:
    fleet = Fleet(50, 1_000.0, seed=1)
    fleet.fall_silent("1", among=50)
    fleet.windows(100)
    for name in ("2", "3", "4"):
        fleet.take_down(name)
    assert not fleet.windows(200)[-1]


def test_saying_again_that_one_is_gone_changes_nothing() -> None:
    fleet = Fleet(2, 300.0, seed=1)
    fleet.windows(100)
    fleet.take_down("1")
    for _ in range(3):
        fleet.windows(1)
        fleet.silent.forget(("orders", "control", "1"), among=2)
    assert not any(fleet.windows(10))


def test_without_traffic_nothing_is_counted_short() -> None:
    """At 100 % the control has none; a rollout must not wait there for a shard that nobody needs."""
    fleet = Fleet(4, 300.0, seed=1)
    fleet.windows(300)
    fleet.fall_silent("1")
    assert all(fleet.windows(10))
    fleet.rate = 0.0
    assert not any(fleet.windows(10))
