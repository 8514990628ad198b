"""What is recorded of rollouts leads to the same verdicts and the same evidence; what was edited is noticed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.errors import IntegrityError
from interlock.core.judge.record import recompute
from interlock.core.ledger.merkle import hash_leaf
from interlock.core.rollout.plan_read import read_plan
from interlock.core.rollout.samples import Reading
from interlock.ports.meter import Counted
from interlock.road.roll import book, show
from interlock.road.roll.bench import Bench
from interlock.road.roll.driver import settings_of
from interlock.road.roll.verify import verify
from interlock.road.roll.written import entry
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


def edited(folder: Path, name: str, value: object) -> None:
    """Edit one field of the newest observation, with its digest as the row's own check wants it."""
    with sqlite3.connect(folder / "state.db") as database:
        key, body = database.execute("SELECT id, body FROM observations ORDER BY seq DESC LIMIT 1").fetchone()
        found = json.loads(body)
        for metric in found["standing"]["metrics"].values():
            if name in metric:
                metric[name] = value
        if name in found:
            found[name] = value
        fresh = canonical(found)
        database.execute(
            "UPDATE observations SET body = ?, body_digest = ? WHERE id = ?", (fresh.decode(), sha256(fresh), key)
        )
    database.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("verdict", "pass"), ("ticks", 99), ("first_t", 0.5), ("last_t", 1.5), ("log_e", 0.5), ("ruled_out", 0.01)],
)
def test_no_field_of_an_observation_can_be_edited(
    rolling: Rolling, tmp_path: Path, name: str, value: object
) -> None:
    rollout = rolling.begin().id
    rolling.run(rollout)
    edited(tmp_path, name, value)
    found = verify(rolling.station, rolling.road.person("ana"), rollout)
    assert not found.exact
    assert name == "ruled_out" or name in found.first_difference


def test_what_a_person_answers_for_is_never_read_from_an_edited_row(tmp_path: Path) -> None:
    rolling = Rolling(tmp_path, plan=PLAN, world=World(seed=3))
    rollout = rolling.begin().id
    rolling.run(rollout, until=lambda record: record.hold == "no-pass", most=900)
    ana = rolling.road.person("ana")
    assert "is ruled out" in show.show(rolling.station, ana, rollout).not_ruled_out
    said = rolling.said(rollout)
    edited(tmp_path, "ruled_out", 0.01)
    shown = show.show(rolling.station, ana, rollout)
    assert shown.not_ruled_out.startswith("nobody knows")
    for act in (lambda: rolling.said(rollout), lambda: rolling.hand_in(said)):
        with pytest.raises(IntegrityError):
            act()
    assert rolling.record(rollout).stage == 0
    rolling.close()


def test_how_it_stood_is_computed_again_from_the_ticks(rolling: Rolling, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes entries may write one that fits a forged standing: what the ticks lead to is another."""
    honest = Bench.take

    def forged(bench: Bench) -> book.Watched | None:
        watched = honest(bench)
        if watched is None or watched.standing is None:
            return watched
        metrics = {name: replace(one, ruled_out=0.01) for name, one in watched.standing.metrics.items()}
        return replace(watched, standing=replace(watched.standing, metrics=metrics))

    monkeypatch.setattr(Bench, "take", forged)
    rollout = rolling.begin().id
    rolling.run(rollout)
    found = verify(rolling.station, rolling.road.person("ana"), rollout)
    assert not found.exact
    assert "how the metrics stood" in found.first_difference


@pytest.mark.parametrize(
    ("hashed", "told"), [(False, "was changed after it was written"), (True, "does not lead to the signed root")]
)
def test_what_the_ledger_says_of_it_leads_to_the_signed_root(
    rolling: Rolling, tmp_path: Path, *, hashed: bool, told: str
) -> None:
    """Once its tile is full nothing reads the leaves again; whoever edits one may write its hash as well."""
    rollout, ana, station = rolling.begin().id, rolling.road.person("ana"), rolling.station
    rolling.run(rollout)
    noted = [entry(station, ana, "noted", "filler", {"number": number}) for number in range(600)]
    station.store.write(lambda tx: [tx.log.append(each) for each in noted])
    assert verify(station, ana, rollout).exact
    with sqlite3.connect(tmp_path / "state.db") as database:
        rows = database.execute("SELECT position, leaf FROM ledger_entry WHERE subject = ?", (rollout,)).fetchall()
        position, leaf = next(row for row in rows if b"rollout.started" in row[1])
        fresh = bytes(leaf).replace(b'"at":"20', b'"at":"19')
        assert fresh != leaf
        known = hash_leaf(fresh if hashed else bytes(leaf))
        database.execute("UPDATE ledger_entry SET leaf = ?, hash = ? WHERE position = ?", (fresh, known, position))
    database.close()
    found = verify(station, ana, rollout)
    assert not found.exact
    assert told in found.first_difference
