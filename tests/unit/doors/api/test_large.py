"""Large requests take turns; small ones go past them."""

from __future__ import annotations

import asyncio
import threading

import pytest

from interlock.doors.api.large import LARGE, Lane, give_back

PATIENCE = 10


class Work:
    """Waits until it is let go, and notes how many were at work at once."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.at_once = 0
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        assert self.let_go.wait(PATIENCE), "nobody let the work go"
        with self._lock:
            self.at_once -= 1
        return "done"


@pytest.mark.parametrize(("size", "most"), [(LARGE, 3), (LARGE + 1, 1)])
def test_only_bodies_above_the_limit_take_turns(size: int, most: int) -> None:
    work = Work()

    async def three() -> list[str]:
        lane = Lane()
        tasks = [asyncio.create_task(lane.run(size, work)) for _ in range(3)]
        for _ in range(1_000):
            await asyncio.sleep(0.005)
            if work.at_once >= most:
                break
        await asyncio.sleep(0.05)
        work.let_go.set()
        return [await task for task in tasks]

    assert asyncio.run(three()) == ["done"] * 3
    assert work.most == most


def test_a_small_request_does_not_wait_for_a_large_one() -> None:
    work = Work()

    async def both() -> str:
        lane = Lane()
        large = asyncio.create_task(lane.run(LARGE + 1, work))
        small = await asyncio.wait_for(lane.run(10, lambda: "small"), PATIENCE)
        work.let_go.set()
        await large
        return small

    assert asyncio.run(both()) == "small"


def test_a_large_request_that_fails_gives_up_its_turn() -> None:
    def fails() -> str:
        raise LookupError("as it may")

    async def twice() -> str:
        lane = Lane()
        with pytest.raises(LookupError):
            await lane.run(LARGE + 1, fails)
        return await asyncio.wait_for(lane.run(LARGE + 1, lambda: "next"), PATIENCE)

    assert asyncio.run(twice()) == "next"


def test_giving_memory_back_does_nothing_else() -> None:
    kept = bytes(range(256)) * 1_000
    give_back()
    assert kept[-1] == 255
