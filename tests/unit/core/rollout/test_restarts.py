"""A canary that crashes and comes back again and again, and what only looks like it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from interlock.core.rollout.restarts import CRASH_LOOP, MOST, Restarts
from interlock.core.rollout.samples import GONE, Arm, Reading, Sample

Shards = Mapping[tuple[Arm, str], tuple[float, str]]


def reading(at: float, shards: Shards) -> Reading:
    samples = tuple(
        Sample(metric=metric, arm=arm, shard=shard, value=value, at=at, since=since)
        for (arm, shard), (value, since) in shards.items()
        for metric in ("orders", "errors")
    )
    return Reading(samples=samples, exposure=None, wall=at, steady=at)


def found(rounds: list[Shards], *, every: float = 1.0, tick: float = 1.0) -> list[str]:
    """What each round was answered: nothing, or why."""
    restarts = Restarts(tick)
    answers = [restarts.see(reading(number * every, shards)) for number, shards in enumerate(rounds)]
    assert all(answer is None or answer.code == CRASH_LOOP for answer in answers)
    return ["" if answer is None else answer.why for answer in answers]


def lives(*canary: tuple[float, str], control: tuple[float, str] = (5, "1")) -> list[Shards]:
    return [{("canary", "c"): each, ("control", "a"): control, ("control", "b"): control} for each in canary]


def test_three_lives_more_than_the_first_are_a_crash_loop() -> None:
    seen = found(lives((5, "1"), (1, "2"), (2, "2"), (1, "3"), (1, "4")))
    assert seen == ["", "", "", "", "the canary restarted 3 times in 60 s, and the control did not"]


def test_without_a_named_life_a_count_that_fell_is_another_one() -> None:
    assert found(lives((5, ""), (1, ""), (5, ""), (2, ""), (9, ""), (3, "")))[-1]


def test_two_are_none() -> None:
    assert not any(found(lives((5, "1"), (1, "2"), *[(1, "3")] * 200)))


def test_three_of_long_ago_are_none() -> None:
    assert not any(found(lives((5, "1"), (1, "2"), (1, "3"), (1, "4")), every=31.0))


def test_of_a_slow_source_restarts_are_counted_for_longer() -> None:
    """Prometheus that scrapes every 15 s shows three restarts in 45 s at best."""
    assert found(lives((5, "1"), (1, "2"), (1, "3"), (1, "4")), every=31.0, tick=15.0)[-1]


def test_a_canary_that_is_gone_and_back_begins_anew_once() -> None:
    seen = lives((5, "1"), (0, GONE), (0, GONE), (1, "2"), (0, GONE), (1, "3"))
    assert not any(found(seen))
    assert found([*seen, *lives((0, GONE), (1, "4"))])[-1]


def test_where_the_control_begins_anew_too_it_is_the_machine() -> None:
    rounds = [*lives((5, "1")), *lives((1, "2"), (1, "3"), (1, "4"), control=(1, "2"))]
    assert not any(found(rounds))


def test_a_pod_that_is_replaced_again_and_again_is_a_crash_loop() -> None:
    """Each life has another name there: nothing is ever reset."""
    control: Shards = {("control", "a"): (5, "1")}
    rounds = [{("canary", f"pod-{number // 3}"): (number % 3, ""), **control} for number in range(3 * MOST + 1)]
    seen = found(rounds)
    assert seen[-1]
    assert not any(seen[:-1])


def test_a_place_that_stays_empty_for_a_while_is_taken_once() -> None:
    control: Shards = {("control", "a"): (5, "1")}
    rounds: list[Shards] = []
    for number in range(MOST + 1):
        rounds += [{("canary", f"pod-{number}"): (1, ""), **control}, control]
        rounds += [{("canary", f"pod-{number}"): (0, GONE), **control}]
    assert found(rounds)[-1]


@pytest.mark.parametrize("number", [1, 3, 9])
def test_going_out_anew_once_is_none(number: int) -> None:
    """Somebody deployed the canary again: each shard has one life more."""
    first: Shards = {("canary", f"{each}"): (5, "1") for each in range(number)} | {("control", "a"): (5, "1")}
    second: Shards = {("canary", f"{each}"): (1, "2") for each in range(number)} | {("control", "a"): (6, "1")}
    other: Shards = {("canary", f"new-{each}"): (1, "1") for each in range(number)} | {("control", "a"): (6, "1")}
    assert not any(found([first, first, second, second]))
    assert not any(found([first, first, other, other]))


def test_growing_and_shrinking_are_none() -> None:
    control: Shards = {("control", "a"): (5, "1")}
    sizes = [1, 4, 9, 9, 4, 4, 1, 1]
    assert not any(
        found(
            [{("canary", f"{n}"): (at + 1.0, "1") for n in range(size)} | control for at, size in enumerate(sizes)]
        )
    )


def test_what_was_not_read_for_a_moment_did_not_begin_anew() -> None:
    seen = lives((5, "1"), (6, "1"))
    assert not any(found([*seen, {}, *seen[1:], {}, *seen[1:], {}, *seen[1:], {}, *seen[1:]]))


def test_what_is_kept_is_bounded_by_the_shards_that_are_there() -> None:
    restarts = Restarts(1.0)
    for at in range(2_000):
        restarts.see(reading(float(at), {("control", f"{at}"): (1, ""), ("canary", "c"): (float(at), "")}))
    assert len(restarts._control._shards) <= 62  # nothing else shows it
