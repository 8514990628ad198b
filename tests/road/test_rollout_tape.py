"""What is recorded of rollouts leads to the same verdicts and the same evidence; what was edited is noticed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.core.judge.record import recompute
from interlock.core.rollout.plan_read import read_plan
from interlock.core.rollout.samples import Reading
from interlock.ports.meter import Counted
from interlock.road.roll.bench import Bench
from interlock.road.roll.driver import settings_of
from interlock.road.roll.verify import verify
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import Arm, FakeMeter, FakeRouter, World

QUICK = PLAN.replace("baseline: 60s", "baseline: 0").replace(
    "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
)


def recorded(seed: int) -> Bench:
    """Forty ticks of a rollout in a world of its own: sometimes harmed, sometimes stalled, sometimes widened."""
    canary = Arm(orders=0.5 if seed % 3 else 0.3, errors=0.002 * (1 + seed % 5))
    world = World(rate=200.0 + 10 * seed, seed=seed, canary=canary, weight=1.0 + seed % 20)
    plan = read_plan("rollouts/orders.yaml", QUICK.encode())
    bench = Bench(plan, settings_of(plan))
    router, meter = FakeRouter(world, {}), FakeMeter(world, {}, (Counted(name="orders"), Counted(name="errors")))
    bench.begin_stage(0, world.weight)
    for number in range(40):
        world.pass_by(1.0 if (number + seed) % 17 else 6.0)
        if number == 25:
            world.weight = 50.0
            bench.moved(world.steady())
            bench.begin_stage(2, 50.0)
        reading = Reading(
            samples=meter.read(), exposure=router.exposure(), wall=world.now().timestamp(), steady=world.time
        )
        bench.read(reading, discard="weight-higher" if (number * 7 + seed) % 31 == 0 else "")
    return bench


def test_a_hundred_recorded_rollouts_are_judged_anew_to_the_last_digit() -> None:
    stops = 0
    for seed in range(100):
        bench = recorded(seed)
        watched = bench.take()
        assert watched is not None
        again = list(recompute(bench.settings, watched.content.splitlines()))
        assert [one.differs for one in again if one.differs] == []
        assert (again[-1].log_e, len(again)) == (bench.judge.log_e, watched.ticks)
        stops += watched.verdict == "stop"
    assert 5 < stops < 95


def test_one_edited_count_is_noticed() -> None:
    for seed in range(10):
        watched = recorded(seed).take()
        assert watched is not None
        bench = recorded(seed)
        lines = watched.content.splitlines()
        place = next(at for at, line in enumerate(lines) if b'"discard"' not in line and b'"orders"' in line)
        head, _, tail = lines[place].partition(b'"canary":')
        digits = len(tail) - len(tail.lstrip(b"0123456789"))
        lines[place] = head + b'"canary":' + str(int(tail[:digits]) + 1).encode() + tail[digits:]
        assert any(one.differs for one in recompute(bench.settings, lines))


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[Rolling]:
    world = World(rate=1000.0, canary=Arm(orders=0.3))
    made = Rolling(tmp_path, plan=QUICK, world=world)
    yield made
    made.close()


@pytest.mark.parametrize("edit", ["blob", "observation", "gone"])
def test_what_is_edited_in_the_database_is_a_difference(rolling: Rolling, tmp_path: Path, edit: str) -> None:
    rollout = rolling.begin().id
    rolling.run(rollout)
    ana = rolling.road.person("ana")
    assert verify(rolling.station, ana, rollout).exact
    with sqlite3.connect(tmp_path / "state.db") as database:
        if edit == "blob":
            database.execute("UPDATE blob SET content = replace(content, '\"canary\":1', '\"canary\":2')")
        elif edit == "observation":
            database.execute("UPDATE observations SET body = replace(body, '\"number\":1', '\"number\":0')")
        else:
            database.execute("DELETE FROM observations WHERE id = ?", (f"{rollout}-o0",))
    database.close()
    found = verify(rolling.station, ana, rollout)
    assert not found.exact
    assert found.first_difference
