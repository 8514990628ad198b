"""kill -9, SIGSTOP and races of workers: no stage skipped or repeated, the weight right in the end."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable

import pytest

from interlock.core.rollout.record import RolloutState

HEALTHY, HARMFUL = ["10", "50", "100"], ["10", "0"]
FIVE_SECONDS = 5.0


def rehearsed(kills: Callable, url: str = "", **more: object) -> list[str]:
    """The steps of an undisturbed rollout, by name, in order."""
    undisturbed = kills(url, **more)
    rollout = undisturbed.begin()
    mover = undisturbed.mover("one")
    undisturbed.over(rollout.id)
    undisturbed.whole()
    return [said[0] for said in mover.said if said[0].startswith(("before", "after"))]


def killed_at(
    kills: Callable, step: int | str, wanted: list[str], *, url: str = "", lease: float = 1.0, **more: object
):
    """One is killed at a step, the other takes over; how long that took, in seconds, None where nobody had to."""
    made = kills(url, **more)
    second = made.mover("two", lease=lease, go=False)
    second.wait_for("up")
    rollout = made.begin()
    first = made.mover("one", lease=lease, die=step)
    first.wait_for("before a commit")
    second.go()
    dead = first.died(within=60)
    ended = made.over(rollout.id)
    taken = next((said[3] for said in second.said if said[0] == "before a commit"), None)
    failures = [said for each in made.movers for said in each.said if said[0].startswith("failed")]
    assert made.afar.weights() == wanted, (made.afar.deeds, ended, failures)
    assert ended.weight == made.world.weight == float(wanted[-1])
    assert ended.state is (RolloutState.RETURNED if wanted[-1] == "0" else RolloutState.COMPLETED)
    made.whole()
    return None if taken is None or not dead else taken - first.said[-1][3]


@pytest.mark.parametrize("name", ["after weight 10"])
def test_killed_around_the_first_weight(kills, name):
    """It was intended and nobody knows whether it was set: whoever takes over sets it and sees."""
    killed_at(kills, name, HARMFUL, lost=0.99)


@pytest.mark.parametrize("name", ["before weight 0"])
def test_killed_on_the_way_back(kills, name):
    """Harm was found and written down: the weight is 0 and the artefact back, whoever does it."""
    killed_at(kills, name, HARMFUL, lost=0.99)


def test_two_workers_race_and_one_moves(kills):
    """Both look for work; whoever gets the lease does everything, the other nothing."""
    made = kills(lost=0.99)
    movers = [made.mover(name, lease=3.0) for name in ("one", "two")]
    for mover in movers:
        mover.wait_for("ready")
    rollout = made.begin()
    made.over(rollout.id)
    assert len({deed.who for deed in made.afar.deeds}) == 1
    assert made.afar.weights() == HARMFUL
    made.whole()


@pytest.mark.soak
def test_a_holder_that_stood_still_does_nothing_more(kills, postgresql):
    """Stopped past its lease and let go on, it is fenced: every deed after the take-over is the other's."""
    made = kills(postgresql.new_database())
    rollout = made.begin()
    # Should it be stopped while it renews, PostgreSQL ends that transaction; a SQLite file would stay locked.
    first = made.mover("one", die="stop after weight 10")
    first.wait_for("after weight 10")
    second = made.mover("two")
    second.wait_for("before a commit")
    first.send(signal.SIGCONT)
    made.over(rollout.id)
    taken = next(said[3] for said in second.said if said[0] == "before a commit")
    late = [deed for deed in made.afar.deeds if deed.at > taken and deed.who == "one"]
    assert late == []
    assert made.afar.weights() == HEALTHY
    made.whole()


@pytest.mark.soak
def test_a_worker_that_ends_in_order_lets_go_at_once(kills):
    """Nobody waits for a lease of a minute that was given back."""
    made = kills()
    rollout = made.begin()
    first = made.mover("one", lease=60.0)
    second = made.mover("two", lease=60.0)
    for mover in (first, second):
        mover.wait_for("ready")
    first_or_second = {"one": (first, second), "two": (second, first)}
    while not made.afar.deeds:
        time.sleep(0.02)
    holder, other = first_or_second[made.afar.deeds[0].who]
    holder.wait_for("after weight 10")
    holder.process.stdin.close()
    other.wait_for("before a commit", within=45)
    made.over(rollout.id)
    assert made.afar.weights() == HEALTHY
    made.whole()


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize(("lost", "wanted"), [(0.99, HARMFUL), (0.0, HEALTHY)])
def test_killed_at_every_step_in_turn(kills, request, capsys, kind, lost, wanted):
    """Whatever it was doing: another takes over in time, and the data plane sees each weight once and in order."""

    def url() -> str:
        return "" if kind == "sqlite" else request.getfixturevalue("postgresql").new_database()

    steps = rehearsed(kills, url(), lost=lost)
    found = [killed_at(kills, step + 1, wanted, url=url(), lease=3.0, lost=lost) for step in range(len(steps))]
    taken = sorted(seconds for seconds in found if seconds is not None)
    assert len(taken) >= len(steps) // 2
    with capsys.disabled():
        sys.stdout.write(f"\n{kind}: {len(taken)} take-overs, median {taken[len(taken) // 2]:.2f} s, ")
        sys.stdout.write(f"longest {taken[-1]:.2f} s\n")
    assert taken[-1] < FIVE_SECONDS, taken


@pytest.mark.soak
@pytest.mark.parametrize(
    ("lease", "away", "state", "weights"),
    [(60.0, 1.0, RolloutState.COMPLETED, HEALTHY), (3.0, 6.0, RolloutState.RETURNED, HARMFUL)],
    ids=["shorter-than-a-lease", "longer"],
)
def test_postgresql_is_killed_before_a_weight_is_on_record(kills, postgresql, lease, away, state, weights):
    """Traffic is out and nobody judges it yet. It goes on when the database is back in time; else traffic is taken
    back."""
    made = kills(postgresql.new_database())
    rollout = made.begin()
    mover = made.mover("one", lease=lease, die="stop after weight 10")
    mover.wait_for("after weight 10")
    postgresql.kill()
    mover.send(signal.SIGCONT)
    time.sleep(away)
    postgresql.start()
    ended = made.over(rollout.id)
    assert (ended.state, made.afar.weights()) == (state, weights)
    made.whole()


@pytest.mark.soak
def test_postgresql_is_killed_while_what_is_out_is_judged(kills, postgresql, unhurried):
    """It is judged on without the database, however long that is away, and goes on when it is back."""
    made = kills(postgresql.new_database(), plan=unhurried)
    rollout = made.begin()
    mover = made.mover("one", lease=3.0)
    mover.wait_for("after weight 10")
    while made.record(rollout.id).phase != "watch":
        time.sleep(0.02)
    postgresql.kill()
    time.sleep(6.0)
    postgresql.start()
    ended = made.over(rollout.id)
    assert (ended.state, made.afar.weights()) == (RolloutState.COMPLETED, HEALTHY)
    made.whole()


@pytest.mark.soak
@pytest.mark.parametrize("name", ["before usual", "after usual"])
def test_killed_while_a_version_is_made_the_usual_one(kills, promoted, name):
    """Intended, and nobody knows whether it was done: it is verified first, and run where it was not."""
    made = kills(plan=promoted)
    rollout = made.begin()
    first = made.mover("one", die=name)
    assert first.died()
    made.mover("two")
    ended = made.over(rollout.id)
    assert ended.state is RolloutState.COMPLETED
    assert made.afar.weights() == [*HEALTHY, "0"]
    assert made.world.ran == ["up", "usual"]
    made.whole()
