"""Real servers on one PostgreSQL, killed at every step over a real proxy: none skipped or repeated.

What is asserted is what others say: the proxy of its weights, PostgreSQL of the leases, the steps' programs of
themselves, and interlock's own commands of the record and the ledger.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path
from statistics import median

import pytest

from interlock.testing.kills.desk import AFTER, BEFORE
from interlock.testing.kills.killer import AFTER_COMMIT, BEFORE_COMMIT, Stop, is_of
from interlock.testing.kills.pair import DOWN, UP, USUAL, Pair, Rolled, waited
from interlock.testing.postgresql import PostgreSQL
from interlock.testing.stack.behaviour import Behaviour
from interlock.testing.stack.scaled import HEALTHY
from interlock.testing.stack.server import Told

pytestmark = pytest.mark.soak

FIVE_SECONDS = 5.0
ROLLOUTS = 8
"""In so many at most every step is killed at: one that is come to before two servers are up has to wait."""

EFFECTS = frozenset({"rollout.intended", "rollout.effected", "rollout.observed"})
FINISHING = ("rollout.completed", "rollout.returned", "rollout.failed")


@dataclass(frozen=True)
class Kind:
    """How a version behaves and what must become of it: weights served, the last entry, and steps that ran."""

    version: Behaviour
    weights: Sequence[int]
    last: str
    steps: Sequence[str]


GOOD = Kind(HEALTHY, (0, 33, 100), "rollout.completed", (UP,))
BAD = Kind(replace(HEALTHY, lost=0.99), (0, 33, 0), "rollout.returned", (UP, DOWN))
USUAL_THEN = Kind(HEALTHY, (0, 33, 100, 0), "rollout.completed", (UP, USUAL))


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL() as server:
        yield server


@pytest.fixture(scope="module", params=["envoy", "haproxy"])
def pair(request, tmp_path_factory, postgresql) -> Iterator[Pair]:
    with Pair(tmp_path_factory.mktemp("pair"), request.param, postgresql.new_database()) as made:
        yield made


@pytest.fixture(params=["envoy", "haproxy"])
def promoting(request, tmp_path, postgresql) -> Iterator[Pair]:
    with Pair(tmp_path, request.param, postgresql.new_database(), promotes=True) as made:
        yield made


def every_step(passed: Sequence[str]) -> list[str]:
    """Those of an undisturbed rollout, and each moment before a commit."""
    found = []
    for step in passed:
        if step.startswith(AFTER_COMMIT):
            found.append(BEFORE_COMMIT + step.removeprefix(AFTER_COMMIT))
        found.append(step)
    return list(dict.fromkeys(found))


def right(pair: Pair, rolled: Rolled, kind: Kind) -> None:
    """As if nobody had been killed, whoever is asked."""
    record = rolled.shown["record"]
    assert list(rolled.served) == list(kind.weights), (rolled, record)
    assert round(record["weight"]) == kind.weights[-1]
    sent_by_their_holders(pair, rolled, kind)
    handed_over_where_somebody_was_stopped(pair, rolled, kind)
    once_on_record(pair, rolled, kind)
    for step in (UP, DOWN, USUAL):
        ran_once(pair, rolled, step, times=int(step in kind.steps))
    assert "exact" in (said := pair.verified(rolled.id)), said
    assert "holds" in said


def ran_once(pair: Pair, rolled: Rolled, step: str, *, times: int) -> None:
    """A program whose server is killed goes on alone: where it is slower than a take-over, it is run once more."""
    ran = Counter(pair.desk.ran(rolled.id, step))
    stopped = [stop.step for stop in pair.killer.stops if stop.rollout == rolled.id]
    at_it = (f"{BEFORE} {step}", f"{AFTER} {step}", f"{AFTER_COMMIT}rollout.intended step")
    meanwhile = len([each for each in stopped if each.startswith(at_it)])
    assert ran[BEFORE] == ran[AFTER], (step, pair.desk.marks)
    assert times <= ran[BEFORE] <= times + meanwhile * times, (step, stopped, pair.desk.marks)


def sent_by_their_holders(pair: Pair, rolled: Rolled, kind: Kind) -> None:
    """Each weight once, or once more by whoever took over; never by anybody without the lease.

    Weight 0 may be asked for twice: it waits for no slow database, and is set again once that has answered.
    """
    assert [percent for percent, _ in groupby(one.percent for one in rolled.sent)] == list(kind.weights[1:])
    for one in rolled.sent:
        held = [each for each in pair.killer.recorded.leases if each.rollout == rolled.id and each.at < one.at][-1]
        assert is_of(held, one.pid), (one, held)
    for one, again in pairwise(rolled.sent):
        assert one.percent != again.percent or one.pid != again.pid or one.percent == 0, (one, again)


def handed_over_where_somebody_was_stopped(pair: Pair, rolled: Rolled, kind: Kind) -> None:
    """Whoever lives and works keeps its lease; each fencing token is one more than the last."""
    recorded, stops = pair.killer.recorded, [each for each in pair.killer.stops if each.rollout == rolled.id]
    end = next(each.at for each in recorded.entries if (each.rollout, each.name) == (rolled.id, kind.last))
    leases = [each for each in recorded.leases if each.rollout == rolled.id and each.at < end]
    assert [each.token for each in leases] == list(range(1, len(leases) + 1))
    assert len(leases) == 1 + len([stop for stop in stops if stop.at < end]), (leases, stops)


def once_on_record(pair: Pair, rolled: Rolled, kind: Kind) -> None:
    """No stage twice, no stage left out, and one end."""
    entries = pair.production.server.entries(rolled.id)[::-1]
    assert len(entries) < 200
    kinds = [each["kind"] for each in entries]
    moves = Counter(each for each in kinds if each not in EFFECTS)
    weighed = moves.pop("rollout.weighed")
    assert max(moves.values()) == 1, moves
    assert weighed == 2, moves
    assert [each for each in kinds if each in FINISHING] == [kind.last]
    assert kinds[-1] == kind.last


def told(capsys: pytest.CaptureFixture[str], what: str, pair: Pair, stops: Sequence[Stop]) -> list[float]:
    """How long each take-over took, printed as a line of a table."""
    assert waited(lambda: all(pair.killer.taken(stop) is not None for stop in stops), seconds=15.0), [
        stop for stop in stops if pair.killer.taken(stop) is None
    ]
    found = sorted((pair.killer.taken(stop) or 0.0, stop.step) for stop in stops)
    taken = [seconds for seconds, _ in found]
    line = f"{pair.proxy:8} {what:24} n {len(taken):3}  median {median(taken):.2f} s  longest {taken[-1]:.2f} s"
    with capsys.disabled():
        sys.stdout.write(f"\n{line}  ({found[-1][1]})\n")
    return taken


def killed_at_every_step(pair: Pair, kind: Kind, what: str, capsys: pytest.CaptureFixture[str], since: str = ""):
    """As the name says, beginning with the step ``since``."""
    rehearsed = pair.roll(kind.version)
    right(pair, rehearsed, kind)
    steps = every_step(pair.killer.passed)
    left, first = steps[steps.index(since) if since else 0 :], len(pair.killer.stops)
    rollouts = 0
    while left and rollouts < ROLLOUTS:
        again(pair, rehearsed)
        rehearsed = pair.roll(kind.version, left)
        right(pair, rehearsed, kind)
        rollouts += 1
        left = [step for step in left if step not in {stop.step for stop in pair.killer.stops[first:]}]
    taken = told(capsys, f"{what}, {rollouts} rollouts", pair, pair.killer.stops[first:])
    again(pair, rehearsed)
    assert not left
    assert pair.gate.lost <= len(pair.killer.stops)
    assert taken[-1] < FIVE_SECONDS, taken


def again(pair: Pair, rolled: Rolled) -> None:
    """The next one begins where this one did."""
    if rolled.shown["record"]["state"] == "completed":
        pair.back(rolled.id)


def test_killed_at_every_step_of_a_healthy_rollout(pair, capsys):
    killed_at_every_step(pair, GOOD, "healthy", capsys)


def test_killed_at_every_step_of_a_harmful_rollout(pair, capsys):
    killed_at_every_step(pair, BAD, "harmful", capsys)


def test_killed_at_every_step_that_makes_a_version_the_usual_one(promoting, capsys):
    killed_at_every_step(promoting, USUAL_THEN, "promoted", capsys, since=BEFORE_COMMIT + "rollout.passed")


RACES = [(f"before weight {GOOD.weights[1]}", BAD), (f"{AFTER_COMMIT}rollout.intended weight 33", BAD)]
RACES += [(f"{AFTER_COMMIT}rollout.weighed 33", GOOD)]


@pytest.mark.parametrize(("step", "kind"), RACES, ids=["in-the-midst-of-setting", "about-to-set", "judging"])
def test_whoever_stood_still_past_its_lease_does_nothing_more(pair, step, kind):
    """It goes on when the other has gone on from there: a bad version is back at 0, or a good one at 100."""
    said: list[str] = []

    def meanwhile(name: str) -> None:
        assert waited(lambda: [stop for stop in pair.killer.stops if stop.rollout == name], seconds=60)
        frozen = next(each for each in pair.servers if each.alive and each.pid == pair.killer.stops[-1].pid)
        try:
            pair.production.server.until(name, lambda shown: weighed(shown, kind.weights[-1]), seconds=120)
        finally:
            frozen.resume()
        waited(lambda: said.extend(lost_by(frozen.log_file, name)) or said, seconds=30)

    rolled = pair.roll(kind.version, [step], freezes=True, meanwhile=meanwhile)
    stop = pair.killer.stops[-1]
    taken = pair.killer.taken(stop)
    assert taken is not None
    assert [one for one in rolled.sent if one.pid == stop.pid and one.at > stop.at + taken] == []
    assert len(said) == 1, said
    right(pair, rolled, kind)
    again(pair, rolled)


def weighed(shown: Told, percent: int) -> bool:
    """Whether this weight was set and seen to be served."""
    done = [each["target"] for each in shown["effects"] if (each["kind"], each["state"]) == ("weight", "done")]
    return str(percent) in done


def lost_by(log: Path, rollout: str) -> list[str]:
    """What a server said of a lease that it lost."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [each["why"] for each in lines if (each.get("code"), each.get("rollout")) == ("lease-lost", rollout)]
