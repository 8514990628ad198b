"""Who is told of a rollout: what, when, once, and never in its way."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.plan import Plan, PluginPlan, StagePlan
from interlock.core.rollout.record import Harm, RolloutRecord, RolloutState
from interlock.core.rollout.setting import InvalidSetting
from interlock.road.notices import EVERY, happening, happenings
from interlock.road.notify import Teller, check_notifiers, told_of
from interlock.testing.road import START

STAGES = tuple(StagePlan(percent=each, bake=900, margin=0.5, limit=7200) for each in (1.0, 5.0, 100.0))
BEGUN = RolloutRecord(
    id="rol-1",
    service="shop",
    environment="production",
    change="chg-1",
    digest="sha256:" + "9" * 64,
    ticket="tkt-1",
    plan="sha256:" + "1" * 64,
    rules="sha256:" + "2" * 64,
    started_by="ana",
    started_at=START,
)
RUNNING = replace(BEGUN, state=RolloutState.RUNNING, granted=1.0, weight=1.0)
STOPPED = replace(
    RUNNING,
    state=RolloutState.RETURNING,
    cause="harm",
    why="orders: 0 of about 8.7 expected, −100 % (at least −20 %)",
)
HARM = Harm(metric="orders", estimate=0.0, at_least=0.2, log_e=7.1, lost=8.7, seconds=3.5)


def plan(*sections: dict, kind: str = "memory") -> Plan:
    notify = tuple(PluginPlan(kind=kind, settings=each) for each in sections)
    nothing = PluginPlan(kind="none", settings={})
    return Plan(
        path="rollouts/shop.yaml",
        service="shop",
        environment="production",
        router=nothing,
        meters=(),
        judge={},
        stages=STAGES,
        notify=notify,
    )


class Told:
    """A notifier that keeps what it was told, and does what a test says instead."""

    def __init__(self) -> None:
        self.notices, self.settings = [], []
        self.fails: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def factory(self, settings):
        self.settings.append(dict(settings))
        return self

    def check(self) -> None:
        if self.fails is not None:
            raise self.fails

    def send(self, notice) -> None:
        self.gate.wait(60)
        if self.fails is not None:
            raise self.fails
        self.notices.append(notice)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def teller(road, told):
    return Teller(road.station, {"memory": told.factory}, link=lambda name: f"https://x.example/{name}")


def entries(road):
    return road.station.store.read(lambda tx: told_of(tx, "rol-1"))


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (None, BEGUN, "started"),
        (BEGUN, RUNNING, None),
        (RUNNING, replace(RUNNING, granted=5.0, stage=1), "widened"),
        (RUNNING, replace(RUNNING, weight=0.9), None),
        (RUNNING, replace(RUNNING, state=RolloutState.HELD, hold="untrusted", why="no counts"), "held"),
        (replace(RUNNING, state=RolloutState.HELD), RUNNING, None),
        (RUNNING, STOPPED, "stopped"),
        (RUNNING, replace(RUNNING, state=RolloutState.RETURNING, cause="abort"), None),
        (STOPPED, replace(STOPPED, why="0 % is not served: 1 %"), "stuck"),
        (STOPPED, replace(STOPPED, why="settled", version=2), None),
        (STOPPED, replace(STOPPED, state=RolloutState.RETURNED, harm=HARM, weight=0.0), "returned"),
        (STOPPED, replace(STOPPED, state=RolloutState.FAILED), "failed"),
        (RUNNING, replace(RUNNING, state=RolloutState.COMPLETED, weight=100.0), "completed"),
    ],
)
def test_what_is_worth_telling(before, after, what):
    found = happening(before, after, plan())
    assert (found.what if found else None) == what


def test_a_notice_says_the_answer_then_the_cost_then_what_to_type():
    after = replace(STOPPED, state=RolloutState.RETURNED, harm=HARM, weight=0.0)
    notice = happening(STOPPED, after, plan()).notice
    assert notice.title == "back at 0 %: shop 9999…99 → production"
    assert notice.text.splitlines() == [
        "the judge found harm: orders: 0 of about 8.7 expected, −100 % (at least −20 %)",
        "lost by the judge's estimate: 9 orders within 3.5 s",
        "nothing more to do; what changed: interlock suspects shop --since 2h",
    ]


def test_a_notice_of_holding_gives_commands_that_can_be_typed():
    """``extend`` without ``--by`` was refused to whoever was woken."""
    text = happening(RUNNING, HELD, plan()).notice.text
    assert f"interlock rollout extend {HELD.id} --by 30m" in text


def test_what_was_told_is_in_the_ledger(road, teller, told):
    teller(None, BEGUN, plan({}))
    teller(RUNNING, STOPPED, plan({}))
    assert teller.drain(10)
    assert [one.title.partition(":")[0] for one in told.notices] == ["started", "STOP"]
    assert told.notices[0].link == "https://x.example/rol-1"
    assert [(one.what, one.notifier, one.ok) for one in entries(road)] == [
        ("started", "0/memory", True),
        ("stopped", "0/memory", True),
    ]


def test_a_happening_is_told_once_by_whatever_server(road, told):
    for _ in range(3):
        teller = Teller(road.station, {"memory": told.factory})
        teller(RUNNING, STOPPED, plan({}, {}))
        teller.again(STOPPED, plan({}, {}))
        assert teller.drain(10)
    kinds = [one.title.partition(":")[0] for one in told.notices]
    assert sorted(kinds) == ["STOP", "STOP", "started", "started"]  # two notifiers, each once


HELD = replace(RUNNING, stage=1, granted=5.0, state=RolloutState.HELD, hold="untrusted", held_since=START)


@pytest.mark.parametrize(
    ("record", "whats"),
    [
        (RUNNING, ["started"]),
        (replace(RUNNING, granted=5.0, stage=1), ["started", "widened"]),
        (HELD, ["started", "widened", "held"]),
        (replace(HELD, hold="paused"), ["started", "widened"]),
        (STOPPED, ["started", "stopped"]),
        (replace(STOPPED, cause="abort"), ["started"]),
        (replace(STOPPED, state=RolloutState.RETURNED, harm=HARM), ["started", "stopped", "returned"]),
        (replace(STOPPED, state=RolloutState.FAILED), ["started", "stopped", "failed"]),
        (replace(RUNNING, stage=2, granted=100.0, state=RolloutState.COMPLETED), ["started", "completed"]),
    ],
)
def test_who_takes_over_tells_what_the_one_that_died_did_not(road, teller, told, record, whats):
    """A server that died between writing and sending: people were never told."""
    teller.again(record, plan({}))
    assert teller.drain(10)
    assert [one.what for one in entries(road)] == whats
    teller.again(record, plan({}))
    assert teller.drain(10)
    assert len(told.notices) == len(whats)


def test_told_first_or_by_who_took_over_a_happening_has_one_key():
    """Else it would be told twice."""
    pairs = [(None, BEGUN), (RUNNING, HELD), (RUNNING, STOPPED), (RUNNING, replace(RUNNING, stage=1, granted=5.0))]
    for before, after in pairs:
        first = happening(before, after, plan())
        assert (first.key, first.notice) in [(one.key, one.notice) for one in happenings(after, plan())]


def test_holding_twice_is_two_happenings(road, teller, told):
    held = replace(RUNNING, state=RolloutState.HELD, held_since=START)
    later = replace(held, held_since=START.replace(hour=10))
    for _ in range(2):
        teller(RUNNING, held, plan({}))
        teller(RUNNING, later, plan({}))
    assert teller.drain(10)
    assert len(told.notices) == 2


@pytest.mark.parametrize(
    "error", [Unavailable("no", code="notify-failed", hint="", plugin="x"), ZeroDivisionError()]
)
def test_a_notifier_that_fails_is_recorded_and_stops_nobody(road, teller, told, error):
    told.fails = error
    teller(None, BEGUN, plan({}))
    assert teller.drain(10)
    told.fails = None
    teller(RUNNING, STOPPED, plan({}))
    assert teller.drain(10)
    first, second = entries(road)
    assert (first.ok, second.ok) == (False, True)
    assert first.said in {"notify-failed: no", "memory failed with ZeroDivisionError"}


def test_a_notifier_that_hangs_does_not_make_the_rollout_wait(teller, told):
    told.gate.clear()
    began = time.monotonic()
    for number in range(1_000):
        teller(RUNNING, replace(RUNNING, granted=5.0, stage=number + 1), plan({}))
    assert time.monotonic() - began < 20
    assert not teller.drain(0.05)
    told.gate.set()


def test_a_notifier_is_told_only_of_what_it_asked_for_and_never_sees_the_key(road, teller, told):
    sections = plan({"on": ["stopped", "failed"], "environment": "X"})
    teller(None, BEGUN, sections)
    teller(RUNNING, STOPPED, sections)
    assert teller.drain(10)
    assert [one.what for one in entries(road)] == ["stopped"]
    assert told.settings == [{"environment": "X"}]


@pytest.mark.parametrize("on", [[], ["stoped"], "stopped", [3], None])
def test_what_nobody_can_be_told_of_is_refused(on, told):
    [(place, error)] = check_notifiers({"memory": told.factory}, plan({}, {"on": on}))
    assert (place, error.code) == (1, "notify-on")
    assert all(word in error.message for word in EVERY)


def test_an_unknown_notifier_and_one_that_does_not_like_its_settings_are_found_before_traffic_moves(told):
    told.fails = InvalidSetting("no address", code="notify-address", hint="", path=("file",))
    [(_, error)] = check_notifiers({"memory": told.factory}, plan({}))
    assert error.code == "notify-address"
    [(_, error)] = check_notifiers({"memory": told.factory}, plan({}, kind="memry"))
    assert error.message == "expected a known notifier, got `memry` (did you mean `memory`?)"


@pytest.mark.parametrize(
    ("judge", "says"),
    [
        ({}, "the plan names no backstop, so nothing watches"),
        ({"backstop": {"metric": "orders"}}, "the plan names a backstop on orders"),
    ],
)
def test_whoever_is_told_of_100_percent_is_told_what_watches_there(judge, says):
    """It said "widened to 100 %" as if it were judged on."""
    after = replace(RUNNING, stage=2, granted=100.0)
    found = happening(replace(RUNNING, stage=1, granted=5.0), after, replace(plan(), judge=judge))
    assert f"nothing is compared any more, since no traffic is left to compare with; {says}" in found.notice.text
    before = happening(RUNNING, replace(RUNNING, stage=1, granted=5.0), plan())
    assert "compared" not in before.notice.text


def test_what_was_ruled_out_was_ruled_out_before_100_percent():
    done = replace(RUNNING, state=RolloutState.COMPLETED, weight=100.0, ruled_out={"orders": 0.06}, alone=True)
    assert "ruled out before 100 %: orders 6 % or worse" in happening(RUNNING, done, plan()).notice.text


def test_one_lost_order_is_one_order():
    gone = replace(STOPPED, state=RolloutState.RETURNED, harm=replace(HARM, lost=0.9))
    assert "lost by the judge's estimate: 1 order within 3.5 s" in happening(STOPPED, gone, plan()).notice.text
