"""What went back without a server is over on record too: told once, its ticket void, whatever was under way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.journal import Act, WentBack
from interlock.core.rollout.local import LocalRecord
from interlock.core.rollout.phrases import because
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.road.rollbacks import record_rollbacks
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import Arm, World

QUICK = PLAN.replace("baseline: 60s", "baseline: 0").replace(
    "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
)


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[Rolling]:
    often = Arm(errors=0.05)
    made = Rolling(tmp_path, plan=QUICK, world=World(rate=1000.0, control=often, canary=often))
    yield made
    made.close()


def back(rolling: Rolling, record: RolloutRecord, *, ok: bool = True) -> WentBack:
    """Somebody goes back by hand: the traffic is gone, and that is written down."""
    rolling.world.weight = 0.0
    now = rolling.world.now()
    rolling.world.pass_by(1)
    return WentBack(
        id="rbk-1",
        service=record.service,
        environment=record.environment,
        rollout=record.id,
        change=record.change,
        digest=record.digest,
        previous=record.previous,
        by="local:ana@shop.example",
        at=now,
        why="orders look odd",
        ended_at=now,
        ok=ok,
        before=record.weight,
        weight=0.0,
        acts=(Act(name="weight", ok=True, said="0 % read back"), Act(name="down", ok=ok)),
    )


def tell(rolling: Rolling, journal: WentBack) -> None:
    record_rollbacks(rolling.station, rolling.road.person("ana"), [journal])


def ticket(rolling: Rolling, record: RolloutRecord) -> TicketRecord:
    return rolling.station.store.read(lambda tx: tx.records(TicketRecord).get(record.ticket))


def test_a_completed_rollout_that_went_back_without_a_server_is_returned(rolling: Rolling) -> None:
    """It stayed completed, with all traffic elsewhere and its ticket taken for shipped."""
    completed = rolling.run(rolling.begin().id)
    assert completed.state is RolloutState.COMPLETED
    journal = back(rolling, completed)
    tell(rolling, journal)
    after = rolling.record(completed.id)
    assert (after.state, after.phase, after.cause) == (RolloutState.RETURNED, "over", "rollback")
    assert (after.ended_at, after.kept_until, after.weight) == (journal.ended_at, None, 0.0)
    assert after.why == "local:ana@shop.example went back without a server: orders look odd"
    assert ticket(rolling, after).state is TicketState.VOIDED
    assert rolling.kinds(completed.id)[-2:] == ["rollout.rolled-back", "rollout.returned"]
    tell(rolling, journal)
    assert rolling.record(completed.id) == after


def test_the_next_rollout_does_not_take_what_went_back_for_the_version_before(rolling: Rolling) -> None:
    completed = rolling.run(rolling.begin().id)
    tell(rolling, back(rolling, completed))
    following = rolling.begin("b")
    assert following.previous is None


def test_one_under_way_goes_back_once(rolling: Rolling) -> None:
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.stage == 1 and record.phase == "watch")
    tell(rolling, back(rolling, rolling.record(started.id)))
    after = rolling.run(started.id)
    assert (after.state, after.cause, after.weight) == (RolloutState.RETURNED, "rollback", 0.0)
    assert ticket(rolling, after).state is TicketState.VOIDED
    kinds = rolling.kinds(started.id)
    assert [kinds.count(f"rollout.{kind}") for kind in ("rolled-back", "returning", "returned")] == [1, 0, 1]


def test_one_whose_worker_saw_it_first_goes_back_once_and_by_whom(rolling: Rolling) -> None:
    """It stayed traffic that somebody else took away: neither who nor why."""
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.stage == 1 and record.phase == "watch")
    journal = back(rolling, rolling.record(started.id))
    after = rolling.run(started.id)
    assert (after.state, after.cause) == (RolloutState.RETURNED, "lost-weight")
    assert because(after.cause, after.why) == (
        "somebody else took its traffic away: expected 10 % at the canary, got 0 %"
    )
    tell(rolling, journal)
    told = rolling.record(started.id)
    why = "local:ana@shop.example went back without a server: orders look odd"
    assert told == replace(after, cause="rollback", why=why, version=told.version)
    tell(rolling, journal)
    assert rolling.record(started.id) == told
    kinds = rolling.kinds(started.id)
    assert [kinds.count(f"rollout.{kind}") for kind in ("rolled-back", "returning", "returned")] == [1, 1, 1]


def test_one_on_its_way_back_for_lost_weight_says_by_whom(rolling: Rolling) -> None:
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.stage == 1 and record.phase == "watch")
    journal = back(rolling, rolling.record(started.id))
    rolling.run(started.id, until=lambda record: record.state is RolloutState.RETURNING)
    tell(rolling, journal)
    after = rolling.run(started.id)
    assert (after.state, after.cause, after.weight) == (RolloutState.RETURNED, "rollback", 0.0)
    assert after.why == "local:ana@shop.example went back without a server: orders look odd"
    assert rolling.kinds(started.id).count("rollout.returned") == 1


@pytest.mark.parametrize("changed", ["nothing was there", "it was over"])
def test_traffic_that_was_gone_before_was_taken_by_somebody_else(rolling: Rolling, changed: str) -> None:
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.stage == 1 and record.phase == "watch")
    rolling.world.weight = 0.0
    after = rolling.run(started.id)
    journal = back(rolling, after)
    began = {"nothing was there": replace(journal, at=after.started_at, before=0.0)}
    tell(rolling, began.get(changed, replace(journal, at=journal.at + timedelta(seconds=1), before=None)))
    assert rolling.record(started.id) == after


def test_what_could_not_be_brought_back_by_hand_is_brought_back_by_the_next_worker(rolling: Rolling) -> None:
    completed = rolling.run(rolling.begin().id)
    tell(rolling, back(rolling, completed, ok=False))
    assert rolling.record(completed.id).state is RolloutState.RETURNING
    after = rolling.run(completed.id)
    assert (after.state, after.cause) == (RolloutState.RETURNED, "rollback")
    assert rolling.world.ran[-1] == "down"


def test_what_another_rollout_followed_is_told_and_its_traffic_left_alone(rolling: Rolling) -> None:
    """A journal that waited for days must not take the traffic of the version that came after."""
    first = rolling.run(rolling.begin().id)
    journal = back(rolling, first, ok=False)
    second = rolling.begin("b")
    tell(rolling, journal)
    assert rolling.record(first.id).state is RolloutState.COMPLETED
    assert rolling.record(second.id).state is RolloutState.STARTING


@pytest.mark.parametrize("ok", [True, False])
def test_one_that_was_starting_meanwhile_goes_back_too(rolling: Rolling, ok: bool) -> None:  # noqa: FBT001  # a parameter
    """Somebody went back by the record of the one before; the newer one went on to all traffic."""
    first = rolling.run(rolling.begin().id)
    rolling.world.weight = 0.0
    second = rolling.begin("b")
    rolling.run(second.id, until=lambda record: record.phase == "weigh")
    tell(rolling, back(rolling, first, ok=ok))
    assert rolling.record(second.id).state is RolloutState.RETURNING
    after = rolling.run(second.id)
    assert (after.state, after.cause, after.stage, rolling.world.weight) == (
        RolloutState.RETURNED,
        "rollback",
        0,
        0.0,
    )
    assert after.why == (
        f"local:ana@shop.example went back without a server: orders look odd, from {first.id}, "
        "while this one was under way"
    )
    assert ticket(rolling, after).state is TicketState.VOIDED
    kinds = rolling.kinds(second.id)
    assert [kinds.count(f"rollout.{kind}") for kind in ("returning", "returned", "completed")] == [1, 1, 0]


def test_how_to_go_back_is_kept_before_anything_is_put_up(rolling: Rolling) -> None:
    """It was kept with the first weight: until then this machine knew how to go back from the one before."""
    ran: list[list[str]] = []
    keep = rolling.world.kept.append
    rolling.outside = replace(
        rolling.outside, keep=lambda local: (ran.append(list(rolling.world.ran)), keep(local))[1]
    )
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.phase == "calibrate")
    assert (rolling.world.kept[0].rollout, rolling.world.kept[0].granted, ran[0]) == (started.id, 0.0, [])


def test_nothing_is_put_up_whose_way_back_cannot_be_kept(rolling: Rolling) -> None:
    def full(local: LocalRecord) -> None:
        raise Unavailable("expected to write, got a full disk", code="rollback-file", hint="", plugin="rollback")

    rolling.outside = replace(rolling.outside, keep=full)
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.phase == "withdraw")
    record = rolling.record(started.id)
    assert (record.cause, record.why[:14], rolling.world.ran) == ("untrusted", "rollback-file:", [])


def test_one_that_failed_is_returned_when_a_person_brought_it_back(rolling: Rolling) -> None:
    rolling.world.failing = {"down"}
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.stage == 1 and record.phase == "watch")
    rolling.world.canary = Arm(orders=0.0)
    failed = rolling.run(started.id)
    assert failed.state is RolloutState.FAILED
    tell(rolling, back(rolling, failed))
    after = rolling.record(started.id)
    assert (after.state, after.cause, after.harm) == (RolloutState.RETURNED, "harm", failed.harm)


def test_a_journal_about_another_service_moves_nothing(rolling: Rolling) -> None:
    completed = rolling.run(rolling.begin().id)
    tell(rolling, replace(back(rolling, completed), service="email"))
    assert rolling.record(completed.id) == completed


def test_a_journal_whose_time_cannot_be_ends_it_now(rolling: Rolling) -> None:
    completed = rolling.run(rolling.begin().id)
    journal = back(rolling, completed)
    tell(rolling, replace(journal, ended_at=journal.at + timedelta(days=400)))
    assert rolling.record(completed.id).ended_at == rolling.world.now()
