"""A rollout's life in memory: the real state, ledger, judge and windows over a world that is told what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.core.change.change import ChangeRecord
from interlock.core.change.errors import Conflict, Forbidden, IllegalTransition, InvalidInput
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.ticket.record import Bar, TicketRecord, TicketState
from interlock.road.recorded import complete
from interlock.road.roll import asks, verify
from interlock.road.roll.driver import Driver
from interlock.road.shipped import shipped_in
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import Arm, World

QUICK = PLAN.replace("baseline: 60s", "baseline: 0").replace(
    "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
)
Make = Callable[..., Rolling]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Rolling] = []

    def new(plan: str = QUICK, **world: object) -> Rolling:
        often = {"control": Arm(errors=0.05), "canary": Arm(errors=0.05)}
        given: dict[str, object] = {"rate": 1000.0, **often, **world}
        made.append(Rolling(tmp_path, plan=plan, world=World(**given)))  # type: ignore[arg-type]  # by name
        return made[-1]

    yield new
    for each in made:
        each.close()


def weights(rolling: Rolling) -> list[float]:
    found: list[float] = []
    for _, weight in rolling.world.weights:
        found += [weight] if found[-1:] != [weight] else []
    return found


def at(stage: int, phase: str = "watch") -> Callable[[RolloutRecord], bool]:
    return lambda record: (record.stage, record.phase) == (stage, phase)


def until_it_writes(rolling: Rolling, driver: Driver) -> None:
    for _ in range(20):
        driver.step()
        rolling.world.pass_by(1)


def test_a_healthy_change_reaches_everything_stage_by_stage(make: Make) -> None:
    rolling = make(PLAN)
    started = rolling.begin()
    ended = rolling.run(started.id)
    assert (ended.state, ended.weight, ended.alone) == (RolloutState.COMPLETED, 100.0, True)
    assert weights(rolling) == [1.0, 10.0, 50.0, 100.0]
    assert ended.kept_until is not None
    assert set(ended.ruled_out) == {"orders", "errors"}
    granted = [entry for entry in rolling.kinds(started.ticket) if entry == "ticket.widened"]
    assert len(granted) == 3
    told = rolling.body(started.ticket, "ticket.widened")
    assert {"ruled_out", "log_e", "weight", "rollout"} <= set(told)


def test_without_traffic_the_control_is_not_disturbed(make: Make) -> None:
    """At 100 % the control's rates collapse; that used to be distrusted until somebody looked."""
    rolling = make(QUICK.replace("{percent: 100, bake: 10s}", "{percent: 100, bake: 60s}"))
    started = rolling.begin()
    assert rolling.run(started.id).state is RolloutState.COMPLETED
    assert "rollout.held" not in rolling.kinds(started.id)


def test_what_went_out_is_known_to_have_gone_out_that_wide(make: Make) -> None:
    """The shipped head's weight follows the grants, so that the next change may go as wide."""
    rolling = make()
    started = rolling.begin()
    rolling.run(started.id)
    ticket = rolling.station.store.read(lambda tx: tx.records(TicketRecord).get(started.ticket))
    shipped = rolling.station.store.read(lambda tx: shipped_in(tx, "shop", "production"))
    assert (ticket.weight, [tip.weight for tip in shipped.tips]) == (100.0, [100.0])


def test_harm_brings_traffic_and_artefact_back(make: Make) -> None:
    rolling = make(canary=Arm(orders=0.005, errors=0.05))
    started = rolling.begin()
    ended = rolling.run(started.id)
    assert (ended.state, ended.cause, ended.weight) == (RolloutState.RETURNED, "harm", 0.0)
    assert weights(rolling) == [1.0, 0.0]
    assert rolling.world.ran == ["up", "down"]
    assert ended.harm is not None
    assert ended.harm.metric == "orders"
    (begun, _), (over, _) = rolling.world.weights
    assert ended.harm.seconds == pytest.approx(over - begun, abs=1.5)
    assert ended.harm.lost == pytest.approx(rolling.world.orders_lost, abs=12)


def test_stop_voids_the_ticket_and_bars_the_digest(make: Make) -> None:
    """Going out again needs an approval that was signed after the harm."""
    rolling = make(canary=Arm(orders=0.005, errors=0.05))
    started = rolling.begin()
    rolling.run(started.id)
    read = rolling.station.store.read
    assert read(lambda tx: tx.records(TicketRecord).get(started.ticket)).state is TicketState.VOIDED
    assert [bar.digest for bar in read(lambda tx: tx.records(Bar).find(digest=started.digest))] == [started.digest]
    change = read(lambda tx: complete(tx, tx.records(ChangeRecord).get(started.change)))
    assert "digest-barred" in {each.id for each in rolling.road.gate(change).reasons}


def test_the_order_of_going_back_is_weight_ticket_artefact(make: Make) -> None:
    rolling = make(canary=Arm(orders=0.005, errors=0.05))
    started = rolling.begin()
    rolling.run(started.id)
    kinds = [kind for kind in rolling.kinds(started.id) if kind != "rollout.observed"]
    assert kinds[kinds.index("rollout.returning") :] == [
        "rollout.returning",
        "rollout.intended",
        "rollout.effected",
        "rollout.weighed",
        "rollout.stopped",
        "rollout.intended",
        "rollout.effected",
        "rollout.counted",
        "rollout.returned",
    ]


def test_an_effect_is_intended_before_and_ended_after(make: Make) -> None:
    rolling = make(canary=Arm(orders=0.005, errors=0.05))
    started = rolling.begin()
    rolling.run(started.id)
    effects = rolling.effects(started.id)
    assert [(one.kind, one.target, one.state) for one in effects] == [
        ("step", "apply/up", "done"),
        ("weight", "1", "done"),
        ("weight", "0", "done"),
        ("step", "rollback/down", "done"),
    ]
    assert len({one.key for one in effects}) == 4


def test_what_was_recorded_is_judged_anew_to_the_last_digit(make: Make) -> None:
    rolling = make(PLAN, canary=Arm(orders=0.4, errors=0.05))
    started = rolling.begin()
    rolling.run(started.id)
    found = verify.verify(rolling.station, rolling.road.person("ana"), started.id)
    assert (found.exact, found.verdict, found.first_difference) == (True, "stop", "")
    assert found.ticks == rolling.record(started.id).ticks


def test_a_pause_holds_and_stop_still_acts(make: Make) -> None:
    rolling = make()
    started = rolling.begin()
    rolling.run(started.id, until=at(0))
    asks.pause(rolling.station, rolling.road.agent("q"), started.id, "let me look")
    for _ in range(40):
        rolling.step()
    held = rolling.record(started.id)
    assert (held.state, held.hold, held.stage) == (RolloutState.HELD, "paused", 0)
    rolling.world.canary.orders = 0.005
    assert rolling.run(started.id).cause == "harm"


def test_only_people_let_it_go_on(make: Make) -> None:
    rolling = make()
    started = rolling.begin()
    rolling.run(started.id, until=at(0))
    asks.pause(rolling.station, rolling.road.pipeline(), started.id)
    agent = rolling.road.agent("q")
    for refused in (
        lambda: asks.resume(rolling.station, agent, started.id),
        lambda: asks.extend(rolling.station, agent, started.id, 60),
    ):
        with pytest.raises(Forbidden):
            refused()
    asks.resume(rolling.station, rolling.road.person("ana"), started.id)
    assert rolling.run(started.id).state is RolloutState.COMPLETED


def test_aborting_needs_no_more_than_a_token_and_bars_nothing(make: Make) -> None:
    rolling = make()
    started = rolling.begin()
    rolling.run(started.id, until=at(1))
    asks.abort(rolling.station, rolling.road.agent("q"), started.id, "not today")
    ended = rolling.run(started.id)
    assert (ended.state, ended.cause, rolling.world.weight) == (RolloutState.RETURNED, "abort", 0.0)
    assert rolling.station.store.read(lambda tx: tx.records(Bar).find(digest=started.digest)) == []
    with pytest.raises(IllegalTransition):
        asks.abort(rolling.station, rolling.road.person("ana"), started.id)


def test_a_completed_rollout_goes_back_by_one_command_while_it_is_kept(make: Make) -> None:
    rolling = make()
    started = rolling.begin()
    rolling.run(started.id)
    back = asks.roll_back(rolling.station, rolling.road.agent("q"), "order-service", "production", "slow carts")
    assert (back.id, back.state, back.cause) == (started.id, RolloutState.RETURNING, "rollback")
    ended = rolling.run(started.id)
    assert (ended.state, rolling.world.weight, rolling.world.ran[-1]) == (RolloutState.RETURNED, 0.0, "down")
    assert "rollout.rolled-back" in rolling.kinds(started.id)


def test_after_its_time_nothing_is_kept(make: Make) -> None:
    rolling = make()
    started = rolling.begin()
    rolling.run(started.id)
    rolling.world.pass_by(3601)
    with pytest.raises(IllegalTransition) as over:
        asks.roll_back(rolling.station, rolling.road.person("ana"), "order-service", "production")
    assert over.value.code == "not-kept"
    assert rolling.record(started.id).state is RolloutState.COMPLETED


def test_low_traffic_is_held_with_what_can_be_done_and_widened_by_a_persons_signature(make: Make) -> None:
    rolling = make(rate=2.0)
    started = rolling.begin()
    held = rolling.run(started.id, until=lambda record: record.hold == "no-pass")
    assert (held.state, held.stage) == (RolloutState.HELD, 0)
    assert "rollout widen" in str(rolling.body(started.id, "rollout.held")["advice"])
    said = rolling.said(started.id)
    wanted = said.details["not_ruled_out"]
    assert "orders" in wanted
    with pytest.raises(InvalidInput) as words:
        rolling.hand_in(replace(said, details={**said.details, "not_ruled_out": "fine"}))
    assert words.value.code == "widening-words"
    with pytest.raises(Forbidden):
        rolling.hand_in(said, by=rolling.road.agent("q"))
    rolling.hand_in(said)
    wider = rolling.record(started.id)
    assert (wider.stage, wider.granted) == (1, 10.0)
    assert rolling.body(started.ticket, "ticket.widened")["not_ruled_out"] == wanted


def test_more_time_lets_a_held_stage_go_on(make: Make) -> None:
    rolling = make(rate=2.0)
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.hold == "no-pass")
    longer = asks.extend(rolling.station, rolling.road.person("ana"), started.id, 7200)
    assert (longer.state, longer.hold, longer.extended) == (RolloutState.RUNNING, "", 7200.0)
    with pytest.raises(InvalidInput):
        asks.extend(rolling.station, rolling.road.person("ana"), started.id, 0)


def test_a_version_that_cannot_be_put_up_moves_no_traffic(make: Make) -> None:
    rolling = make()
    rolling.world.failing.add("up")
    started = rolling.begin()
    ended = rolling.run(started.id)
    assert (ended.state, ended.cause) == (RolloutState.RETURNED, "apply-failed")
    assert set(weights(rolling)) <= {0.0}


def test_a_rollback_step_that_fails_is_loud_and_the_weight_stays_0(make: Make) -> None:
    rolling = make(canary=Arm(orders=0.005, errors=0.05))
    rolling.world.failing.add("down")
    started = rolling.begin()
    ended = rolling.run(started.id)
    assert (ended.state, rolling.world.weight) == (RolloutState.FAILED, 0.0)
    assert "rollback/down after 3 tries" in ended.why


def test_whoever_lost_the_lease_writes_nothing(make: Make) -> None:
    """The fenced one is told apart by its token, and its steps leave no trace."""
    rolling = make()
    started = rolling.begin()
    rolling.run(started.id, until=at(0))
    old = rolling.driver
    assert old is not None
    rolling.let_go()
    rolling.take(started.id, owner="two")
    before = rolling.kinds(started.id)
    with pytest.raises(Conflict) as lost:
        until_it_writes(rolling, old)
    assert lost.value.code == "lease-lost"
    assert rolling.kinds(started.id) == before


def test_nothing_is_written_where_nothing_was_counted(make: Make) -> None:
    """A server that was stopped just after it had written things down wrote without an entry, and it went back."""
    rolling = make()
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.phase == "watch" and record.ticks > 0)
    assert rolling.driver is not None
    rolling.driver.flush()
    before = rolling.record(started.id)
    rolling.world.pass_by(0.3)
    rolling.driver.flush()
    assert rolling.record(started.id) == before
    assert rolling.run(started.id).state is RolloutState.COMPLETED


def test_whoever_takes_over_stands_where_the_last_one_stood(make: Make) -> None:
    rolling = make()
    started = rolling.begin()
    rolling.run(started.id, until=at(1))
    for _ in range(7):
        rolling.step()
    rolling.let_go()
    rolling.take(started.id, owner="two")
    ended = rolling.run(started.id)
    assert (ended.state, weights(rolling)) == (RolloutState.COMPLETED, [1.0, 10.0, 50.0, 100.0])
    assert verify.verify(rolling.station, rolling.road.person("ana"), started.id).exact


def test_a_stage_that_has_just_begun_has_ruled_out_nothing(make: Make) -> None:
    """For some seconds after a widening it was told what the stage before had ruled out."""
    rolling = make()
    started = rolling.begin()
    said = []
    for phase in ("weigh", "watch"):
        record = rolling.run(
            started.id, until=lambda record, phase=phase: (record.stage, record.phase) == (1, phase)
        )
        said.append(
            rolling.station.store.read(lambda tx, r=record: asks.not_ruled_out(tx, r, asks.plan_of(tx, r)))
        )
    assert said == ["errors: nothing is ruled out; orders: nothing is ruled out"] * 2


def test_ticket_and_digest_are_taken_with_the_decision_and_not_after_the_data_plane(make: Make) -> None:
    """While the router does not answer, somebody could have shipped what had just done harm."""
    rolling = make(canary=Arm(orders=0.005, errors=0.05))
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.phase == "withdraw")
    read = rolling.station.store.read
    assert read(lambda tx: tx.records(TicketRecord).get(started.ticket)).state is TicketState.VOIDED
    assert len(read(lambda tx: tx.records(Bar).find(digest=started.digest))) == 1
    rolling.run(started.id)
    assert len(read(lambda tx: tx.records(Bar).find(digest=started.digest))) == 1
    assert rolling.kinds(started.digest).count("digest.barred") == 1
