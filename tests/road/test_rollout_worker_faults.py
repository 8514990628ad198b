"""What goes wrong around a worker, one thing at a time: traffic goes on being judged, or goes back."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.core.change.canonical import sha256
from interlock.core.change.errors import IntegrityError, Unavailable
from interlock.core.rollout.local import LocalRecord
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.world.programs import SystemPrograms
from interlock.road.roll import asks
from interlock.road.roll.watching import Watching
from interlock.testing.rolling import PLAN as ROLLING
from interlock.testing.rolling import Rolling
from interlock.testing.rollout import Arm, World
from interlock.testing.two import PLAN, Two

QUICK = ROLLING.replace("baseline: 60s", "baseline: 0").replace(
    "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
)
LONG = PLAN.replace("bake: 1s, margin", "bake: 200s, margin")
Make = Callable[..., Two]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Two] = []

    def new(**more: object) -> Two:
        made.append(Two(tmp_path, **{"plan": LONG, **more}))  # type: ignore[arg-type]  # keywords by name
        return made[-1]

    yield new
    for each in made:
        each.close()


def out(two: Two, service: str = "order-service") -> str:
    """A rollout of the service that is judged."""
    rollout = two.begin(service)
    two.until(lambda: two.record(rollout).phase == "watch")
    return rollout


def edited(folder: Path, rollout: str, old: str, new: str, *, sealed: bool) -> None:
    """Another record in the place of the one that was written, with a digest that fits or not."""
    with sqlite3.connect(folder / "state.db") as database:
        (body,) = database.execute("select body from rollouts where id = ?", (rollout,)).fetchone()
        assert old in body
        changed = body.replace(old, new)
        database.execute("update rollouts set body = ? where id = ?", (changed, rollout))
        if sealed:
            fits = (sha256(changed.encode()), rollout)
            database.execute("update rollouts set body_digest = ? where id = ?", fits)
    database.close()


def kinds(two: Two, rollout: str) -> list[str]:
    return [entry.kind for _, entry in two.station.store.read(lambda tx: tx.log.entries(rollout))]


def test_a_damaged_row_stops_no_other_rollout_and_its_own_traffic_goes_back(make: Make, tmp_path: Path) -> None:
    two = make()
    damaged, sound = out(two), out(two, "email")
    two.worker.stop()
    edited(tmp_path, damaged, '"stage":0', '"stage":1', sealed=False)
    two.worlds["email"].canary = Arm(orders=0.0)
    failed: list[str] = []
    two.worker = two.another("two", failed=lambda work, _: failed.append(work))
    two.worker.start()
    ended = two.over(sound)
    two.until(lambda: two.worlds["order-service"].weight == 0.0)
    two.until(lambda: "rollout.escalated" in kinds(two, damaged))
    assert (ended.state, ended.cause) == (RolloutState.RETURNED, "harm")
    assert set(failed) == {damaged}


def test_a_record_that_was_edited_brings_its_traffic_back_once_and_says_so(make: Make, tmp_path: Path) -> None:
    two = make()
    rollout = out(two)
    two.worker.stop()
    edited(tmp_path, rollout, '"granted":10', '"granted":50', sealed=True)
    failed: list[BaseException] = []
    two.worker = two.another("two", failed=lambda _, error: failed.append(error))
    two.worker.start()
    two.until(lambda: two.worlds["order-service"].weight == 0.0)
    time.sleep(1.5)
    assert all(isinstance(error, IntegrityError) for error in failed)
    assert len(failed) < 6
    assert kinds(two, rollout).count("rollout.escalated") == 1


def test_a_server_whose_rollout_another_took_over_says_so(make: Make, tmp_path: Path) -> None:
    """It let go without a word: nobody could tell from its log why it moved the rollout no more."""
    two = make()
    rollout = out(two)
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute("update lease set owner = 'two', token = token + 1 where work = ?", (rollout,))
    database.close()
    two.until(lambda: bool(two.failed))
    assert [getattr(error, "code", error) for error in two.failed] == ["lease-lost"]


def test_without_the_ledgers_plan_the_local_record_names_the_router(make: Make, tmp_path: Path) -> None:
    two = make()
    rollout = out(two)
    two.worker.stop()
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute("delete from blob where digest = ?", (two.record(rollout).plan,))
    database.close()
    edited(tmp_path, rollout, '"stage":0', '"stage":1', sealed=False)
    kept = next(each for each in reversed(two.kept) if each.rollout == rollout)
    two.worker = two.another("two", kept=lambda asked: kept if asked == rollout else None)
    two.worker.start()
    two.until(lambda: two.worlds["order-service"].weight == 0.0)


def test_a_server_that_cannot_open_the_meters_brings_traffic_back(make: Make) -> None:
    two = make()
    rollout = out(two)
    two.worker.stop()

    def secretless(*_: object) -> None:
        raise InvalidSetting(
            "expected the secret in $SHOP_TOKEN, got none", code="meter-secret", hint="set it", path=("auth",)
        )

    failed: list[BaseException] = []
    two.worker = two.another("two", meters={"fake": secretless}, failed=lambda _, error: failed.append(error))
    two.worker.start()
    ended = two.over(rollout)
    assert (ended.state, ended.cause, two.worlds["order-service"].weight) == (
        RolloutState.RETURNED,
        "untrusted",
        0,
    )
    assert "three times" in ended.why
    assert len(failed) == 3


def test_a_fault_in_the_workers_own_threads_is_told_and_they_go_on(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = make(plan=PLAN)
    leases = type(two.station.leases)
    for name in ("claim", "renew"):
        monkeypatch.setattr(leases, name, first_fails(getattr(leases, name)))
    ended = two.over(two.begin("order-service"))
    assert ended.state is RolloutState.COMPLETED
    assert sum("said once" in str(error) for error in two.failed) == 2


def first_fails(real: Callable[..., object]) -> Callable[..., object]:
    told: list[object] = []

    def instead(*given: object, **named: object) -> object:
        if not told:
            told.append(given)
            raise RuntimeError("said once")
        return real(*given, **named)

    return instead


def test_a_thread_that_does_not_start_holds_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    two = make(plan=PLAN)
    real, refused = threading.Thread.start, []

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith("interlock-rol") and not refused:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    began = time.monotonic()
    assert two.over(two.begin("order-service")).state is RolloutState.COMPLETED
    assert len(refused) == 1
    assert time.monotonic() - began < 15


@pytest.mark.soak
def test_whoever_lost_the_lease_lets_go_of_nothing_that_was_claimed_anew(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow read outlives its lease: the same worker takes the rollout again before the old thread has ended."""
    two = make(lease=1.0)
    rollout = out(two)
    tick, renew, slow = Watching.tick, type(two.leases).renew, threading.Event()

    def hands() -> list[threading.Thread]:
        return [each for each in threading.enumerate() if each.name == f"interlock-{rollout}"]

    def late(watching: Watching, record: RolloutRecord) -> object:
        if not slow.is_set():
            slow.set()
            two.until(lambda: len(hands()) > 1)
        return tick(watching, record)

    def lost(*given: object, **named: float) -> object:
        return () if slow.is_set() and len(hands()) < 2 else renew(*given, **named)  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(type(two.leases), "renew", lost)
    monkeypatch.setattr(Watching, "tick", late)
    two.until(slow.is_set)
    two.until(lambda: len(hands()) > 1)
    monkeypatch.undo()
    two.until(lambda: len(hands()) == 1)
    (holder,) = hands()
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        assert hands() == [holder]
        time.sleep(0.02)


def test_a_way_back_that_cannot_be_kept_holds_the_stage_which_is_judged_on(make: Make) -> None:
    kept: list[LocalRecord] = []
    full = threading.Event()

    def keep(local: LocalRecord) -> None:
        if full.is_set():
            raise Unavailable(
                "expected to write, got a full disk", code="rollback-file", hint="", plugin="rollback"
            )
        kept.append(local)

    two = make(
        plan=PLAN.replace("percent: 100", "percent: 50, margin: 50%").replace("bake: 1s,", "bake: 2s,"), keep=keep
    )
    rollout = out(two)
    full.set()
    two.until(lambda: two.record(rollout).hold == "untrusted")
    assert "rollback-file" in two.record(rollout).why or "full disk" in two.record(rollout).why
    full.clear()
    two.until(lambda: two.record(rollout).stage == 1 and two.record(rollout).phase == "watch")
    full.set()
    two.worlds["order-service"].canary = Arm(orders=0.0)
    two.until(lambda: two.worlds["order-service"].weight == 0.0)
    assert two.record(rollout).cause in {None, "harm"}
    full.clear()
    assert two.over(rollout).cause == "harm"


def test_a_widening_whose_way_back_cannot_be_kept_goes_back_after_seconds(tmp_path: Path) -> None:
    """The disk is full only now: the widening is on record already, and nothing of it is set."""

    def keep(local: LocalRecord) -> None:
        if local.granted > 1.0 and rolling.record(local.rollout).phase == "weigh":
            raise Unavailable(
                "expected to write, got a full disk", code="rollback-file", hint="", plugin="rollback"
            )

    arm = Arm(errors=0.05)
    rolling = Rolling(tmp_path, plan=QUICK, world=World(rate=1000.0, control=arm, canary=arm))
    rolling.outside = replace(rolling.outside, keep=keep)
    try:
        ended = rolling.run(rolling.begin().id)
        assert (ended.state, ended.cause, ended.why[:14]) == (RolloutState.RETURNED, "untrusted", "rollback-file:")
        assert [weight for _, weight in rolling.world.weights] == [1.0, 0.0]
    finally:
        rolling.close()


def test_a_database_that_is_away_longer_than_a_lease_leaves_nothing_unjudged(make: Make) -> None:
    two = make(lease=1.5)
    rollout = out(two)
    with away(two):
        time.sleep(3.0)
        assert two.worlds["order-service"].weight == 10.0
        two.worlds["order-service"].canary = Arm(orders=0.0)
        two.until(lambda: two.worlds["order-service"].weight == 0.0, most=8)
    ended = two.over(rollout)
    assert (ended.state, ended.cause) == (RolloutState.RETURNED, "harm")


def test_a_database_that_comes_back_finds_the_rollout_where_it_was(make: Make) -> None:
    two = make(lease=1.5)
    rollout = out(two)
    with away(two):
        time.sleep(3.0)
    ticks = two.record(rollout).ticks
    two.until(lambda: two.record(rollout).ticks >= ticks + 10)
    assert two.record(rollout).state is RolloutState.RUNNING
    assert [weight for _, weight in two.worlds["order-service"].weights] == [10.0]


def test_what_nobody_can_judge_goes_back_before_the_lease_is_over(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit of which nobody knows ends the driver, and without a database nobody takes the rollout again."""
    two = make(lease=2.0)
    rollout = out(two)
    with away(two):
        monkeypatch.setattr(Watching, "tick", unknown)
        two.until(lambda: two.worlds["order-service"].weight == 0.0, most=4)
        monkeypatch.undo()
    ended = two.over(rollout)
    assert (ended.state, ended.cause) == (RolloutState.RETURNED, "untrusted")
    assert "database" in ended.why


def unknown(*_: object) -> None:
    raise Unavailable("nobody knows", code="commit-unknown", hint="", plugin="database")


@contextmanager
def away(two: Two) -> Iterator[None]:
    """No database meanwhile."""

    def down(*_: object, **__: object) -> None:
        raise Unavailable("expected a database, got none", code="database-busy", hint="", plugin="database")

    with pytest.MonkeyPatch.context() as patched:
        for kind, names in (
            (type(two.station.store), ("read", "write")),
            (type(two.leases), ("claim", "renew", "release", "offer")),
        ):
            for name in names:
                patched.setattr(kind, name, down)
        yield


# Seconds that no other process of this machine sleeps for: the tests beside this one run the same step.
ASLEEP = f"61.{os.getpid():07}"
PROMOTED = PLAN.replace("  - {{percent: 100, bake: 1s}}\n", "").replace(
    "notify:",
    f"promote:\n  - {{{{name: usual, kind: artefact, run: [sleep, '{ASLEEP}'], verify: [sleep, '0']}}}}\nnotify:",
)


def promoting(two: Two) -> str:
    """A rollout whose promoting step runs, on this machine, and goes on running."""
    rollout = two.begin("order-service")
    two.until(sleeping)
    two.until(lambda: two.record(rollout).phase == "promote")
    return rollout


def sleeping() -> bool:
    found = (each / "cmdline" for each in Path("/proc").iterdir() if each.name.isdigit())
    return any(ASLEEP.encode() in content for content in map(content_of, found))


def content_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_an_abort_is_at_the_data_plane_within_ticks_and_ends_the_step(make: Make, tmp_path: Path) -> None:
    """It took until the step was over."""
    two = make(plan=PROMOTED, programs=SystemPrograms(str(tmp_path)))
    rollout = promoting(two)
    asks.abort(two.station, two.road.person("ana"), rollout, "stop it")
    began = time.monotonic()
    two.until(lambda: two.worlds["order-service"].weight == 0.0)
    assert time.monotonic() - began < 20
    ended = two.over(rollout)
    assert (ended.state, ended.cause, sleeping()) == (RolloutState.RETURNED, "abort", False)


def test_harm_is_found_while_a_step_runs_and_no_database_answers(make: Make, tmp_path: Path) -> None:
    two = make(plan=PROMOTED, lease=1.5, programs=SystemPrograms(str(tmp_path)))
    rollout = promoting(two)
    with away(two):
        time.sleep(3.0)
        assert (two.worlds["order-service"].weight, sleeping()) == (10.0, True)
        two.worlds["order-service"].canary = Arm(orders=0.0)
        two.until(lambda: two.worlds["order-service"].weight == 0.0, most=8)
    ended = two.over(rollout)
    assert (ended.state, ended.cause, sleeping()) == (RolloutState.RETURNED, "harm", False)


def test_a_server_that_ends_gives_a_step_a_while_and_leaves_it_to_the_next(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interlock.road.roll.worker.FINISH_SECONDS", 0.5)
    two = make(plan=PROMOTED, programs=SystemPrograms(str(tmp_path)))
    rollout = promoting(two)
    began = time.monotonic()
    two.worker.stop()
    assert 0.4 < time.monotonic() - began < 20
    assert (two.worlds["order-service"].weight, sleeping(), two.failed) == (10.0, False, [])
    two.worker = two.another("two")
    two.worker.start()
    ended = two.over(rollout)
    assert (ended.state, two.worlds["order-service"].weight) == (RolloutState.COMPLETED, 0.0)
