from __future__ import annotations

import pytest

from interlock.core.rollout.samples import GONE, Exposure, Reading, Sample
from interlock.core.rollout.windows import Tolerances, Watched, Window

METRICS = {
    "orders": Watched(kind="good"),
    "errors": Watched(kind="bad"),
    "latency": Watched(kind="bad", edges=("0.25", "1")),
}


def nominal(assigned):
    total = assigned.canary + assigned.control
    return assigned.canary / total if total else 0.0


class World:
    """A shop of one canary and two control shards with even traffic: what meters and router say at any second."""

    def __init__(self, **tolerances):
        self.window = Window(METRICS, nominal, tolerances=Tolerances(**tolerances))
        self.wall, self.steady = 1_000_000.0, 50.0
        self.canary, self.control = 10.0, 45.0  # orders a second: of the canary, of each shard of the control
        self.exposure = (10.0, 90.0)
        self.counts = {("canary", "c"): 0.0, ("control", "a"): 0.0, ("control", "b"): 0.0}
        self.sent = [0.0, 0.0]
        self.since = dict.fromkeys(self.counts, "1")
        self.late = dict.fromkeys(self.counts, 0.0)
        self.absent = set()
        self.stuck = {}
        self.router = True
        self.router_since = ""

    def run(self, seconds=1.0):
        """Let time and traffic go on."""
        self.wall += seconds
        self.steady += seconds
        for key in self.counts:
            self.counts[key] += (self.canary if key[0] == "canary" else self.control) * seconds
        for place, rate in enumerate(self.exposure):
            self.sent[place] += rate * seconds

    def samples(self):
        for (arm, shard), count in self.counts.items():
            if (arm, shard) in self.absent:
                continue
            at, value = self.stuck.get((arm, shard), (self.wall - self.late[arm, shard], count))
            gone = self.since[arm, shard] == GONE
            known = {"arm": arm, "shard": shard, "at": at, "since": self.since[arm, shard]}
            value = 0.0 if gone else value
            yield Sample(metric="orders", value=value, **known)
            yield Sample(metric="errors", value=value // 100, **known)
            yield Sample(metric="latency", value=value, above={"0.25": value // 2, "1": value // 10}, **known)

    def read(self):
        exposure = Exposure(
            canary=int(self.sent[0]), control=int(self.sent[1]), at=self.wall, since=self.router_since
        )
        return self.window.read(
            Reading(
                samples=tuple(self.samples()),
                exposure=exposure if self.router else None,
                wall=self.wall,
                steady=self.steady,
            )
        )

    def step(self, seconds=1.0):
        self.run(seconds)
        return self.read()

    def steps(self, number):
        return [self.step() for _ in range(number)]


@pytest.fixture
def world():
    made = World()
    assert made.read() is None
    return made


def codes(ticks):
    return [None if tick is None else tick.discard for tick in ticks]


def test_a_tick_is_what_happened_in_one_interval_in_both_arms(world):
    tick = world.step()
    assert (tick.discard, tick.t, tick.share) == ("", 1.0, 0.1)
    assert (tick.metrics["orders"].counts.canary, tick.metrics["orders"].counts.control) == (10, (45, 45))
    assert tick.metrics["latency"].counts is None
    assert tick.metrics["latency"].buckets["0.25"].control == (22, 22)
    assert tick.metrics["latency"].buckets["1"].canary == 1
    assert (tick.assigned.canary, tick.assigned.control) == (10, 90)


def test_the_first_round_opens_and_the_next_closes(world):
    assert codes(world.steps(3)) == ["", "", ""]


def test_counts_between_two_rounds_of_different_moments_are_cut_at_the_same_one(world):
    """A page that is read 40 ms later than the others shows 40 ms more; that is no more orders in the tick."""
    world.late["canary", "c"] = 0.04
    tick = world.steps(3)[-1]
    assert tick.discard == ""
    assert (tick.metrics["orders"].counts.canary, tick.metrics["orders"].counts.control) == (10, (45, 45))


def test_a_counter_that_begins_anew_costs_the_ticks_that_touch_it(world):
    world.steps(2)
    world.counts["control", "a"] = 0.0
    assert codes(world.steps(4)) == ["counter-reset", "", "", ""]


def test_another_life_is_a_reset_even_where_the_count_is_higher(world):
    world.since["canary", "c"] = "2"
    world.counts["canary", "c"] = 1_000.0
    ticks = world.steps(3)
    assert codes(ticks) == ["counter-reset", "", ""]
    assert ticks[0].metrics["orders"].counts.canary == 0


def test_a_router_that_was_started_anew_costs_the_tick(world):
    world.router_since, world.sent = "2", [0.0, 0.0]
    world.step()
    world.router_since, world.sent = "3", [0.0, 0.0]
    assert codes(world.steps(2)) == ["counter-reset", ""]


def test_old_values_are_no_tick_at_first_and_stale_then(world):
    world.stuck = {key: (world.wall, count) for key, count in world.counts.items()}
    assert codes(world.steps(6)) == [None, None, "stale", "stale", "stale", "stale"]


def test_one_arm_that_repeats_itself_is_enough(world):
    world.stuck = {("canary", "c"): (world.wall, world.counts["canary", "c"])}
    assert codes(world.steps(4)) == [None, None, "stale", "stale"]


def test_what_is_caught_up_after_old_values_is_discarded_whole(world):
    world.stuck = {("canary", "c"): (world.wall, world.counts["canary", "c"])}
    world.steps(30)
    world.stuck = {}
    ticks = world.steps(5)
    assert codes(ticks) == ["overrun", "settling", "settling", "", ""]
    assert (ticks[0].metrics["orders"].counts.canary, ticks[0].metrics["orders"].counts.total) == (310, 3100)


def test_metrics_that_disappear_are_missing_and_never_a_tick_that_counts(world):
    world.absent = {("canary", "c")}
    assert codes(world.steps(40)) == [None, None, *["missing"] * 38]


def test_scrapes_that_come_late_for_one_arm_only_never_make_a_tick(world):
    """The canary's page comes every third second: its counts catch up while the control's go on evenly."""
    seen = []
    for second in range(30):
        world.absent = {("canary", "c")} if second % 3 else set()
        seen.append(world.step())
    assert {code for code in codes(seen[1:]) if code is not None} == {"overrun"}


def test_a_stalled_canary_that_catches_up_is_discarded(world):
    """SIGSTOP of the canary for 30 s: nothing is read of it, then thirty seconds of orders come at once."""
    for _ in range(30):
        world.absent, world.canary = {("canary", "c")}, 0.0
        world.step()
    world.absent, world.canary = set(), 10.0
    world.counts["canary", "c"] += 300
    assert codes(world.steps(5)) == ["overrun", "settling", "settling", "", ""]


def test_a_stalled_judge_discards_what_it_slept_through(world):
    assert codes([world.step(30.0), *world.steps(3)]) == ["overrun", "settling", "settling", ""]


def test_a_stalled_proxy_is_missing_exposure(world):
    world.router = False
    assert codes(world.steps(4)) == [None, None, "exposure-missing", "exposure-missing"]
    world.router = True
    assert codes(world.steps(4)) == ["overrun", "settling", "settling", ""]


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 2.0])
def test_a_clock_that_jumps_is_seen_and_costs_little(world, jump):
    world.steps(2)
    world.wall += jump
    ticks = world.steps(6)
    assert codes(ticks)[0] == "clock-jump"
    assert codes(ticks)[-1] == ""
    assert [tick.t for tick in ticks if tick] == sorted({tick.t for tick in ticks if tick})
    assert all(tick is None or tick.discard or tick.metrics["orders"].counts.canary == 10 for tick in ticks)


def test_a_source_whose_clock_is_ahead_is_not_believed(world):
    world.late["control", "a"] = -600.0
    assert set(codes(world.steps(5))) == {"clock-jump"}


def test_windows_that_are_old_are_stale(world):
    world.late = dict.fromkeys(world.late, 60.0)
    world.window = Window(METRICS, nominal)
    assert codes(world.steps(5))[-1] == "stale"


def test_a_new_shard_costs_the_ticks_that_touch_it(world):
    world.counts["control", "d"], world.since["control", "d"] = 0.0, "1"
    world.late["control", "d"] = 0.0
    ticks = world.steps(3)
    assert codes(ticks) == ["shards-changed", "", ""]
    assert len(ticks[-1].metrics["orders"].counts.control) == 3


def test_a_shard_that_is_taken_down_is_forgotten_when_the_others_have_its_traffic(world):
    world.steps(10)
    world.absent, world.control = {("control", "b")}, 90.0
    seen = codes(world.steps(70))
    assert "" not in seen[:60]
    assert seen[-3:] == ["", "", ""]
    assert len(world.step().metrics["orders"].counts.control) == 1


def test_a_shard_that_falls_silent_and_still_serves_is_no_better_canary(world):
    """Its part of the control's orders was missing from every tick: the canary seemed to sell more."""
    world.steps(10)
    world.absent = {("control", "b")}
    seen = codes(world.steps(200))
    assert "" not in seen
    assert set(seen[-100:]) == {"uncounted"}


def test_a_silent_shard_that_is_back_is_counted_again(world):
    world.steps(10)
    world.absent = {("control", "b")}
    world.steps(100)
    world.absent = set()
    assert codes(world.steps(5))[-3:] == ["", "", ""]
    assert len(world.step().metrics["orders"].counts.control) == 2


def test_a_silent_shard_that_is_taken_down_later_is_forgotten_then(world):
    world.steps(10)
    world.absent = {("control", "b")}
    world.steps(100)
    world.control = 90.0
    assert codes(world.steps(20))[-3:] == ["", "", ""]


def test_a_shard_of_the_canary_that_falls_silent_is_no_worse_canary(world):
    world.counts["canary", "d"], world.since["canary", "d"], world.late["canary", "d"] = 0.0, "1", 0.0
    world.steps(20)
    world.absent = {("canary", "d")}
    seen = codes(world.steps(100))
    assert "" not in seen
    assert seen[-1] == "uncounted"


def test_the_last_shard_of_an_arm_is_never_forgotten(world):
    world.absent = {("canary", "c")}
    assert set(codes(world.steps(200))) == {None, "missing"}


def test_a_crashed_canary_is_evidence_after_one_discarded_tick(world):
    """Nobody listens, the router goes on assigning: no orders, and every request an error and slow."""
    world.step()
    world.since["canary", "c"], world.canary = GONE, 0.0
    ticks = world.steps(3)
    assert codes(ticks) == ["counter-reset", "", ""]
    tick = ticks[-1]
    assert (tick.metrics["orders"].counts.canary, tick.metrics["orders"].counts.control) == (0, (45, 45))
    assert tick.metrics["errors"].counts.canary == 10
    assert tick.metrics["latency"].buckets["1"].canary == 10


def test_a_canary_that_was_never_there_is_evidence_from_the_first_tick():
    world = World()
    world.since["canary", "c"], world.canary = GONE, 0.0
    world.read()
    tick = world.step()
    assert (tick.discard, tick.metrics["orders"].counts.canary) == ("", 0)


def test_requests_to_a_canary_that_is_gone_are_no_errors_where_the_plan_says_so():
    world = World(gone_is_bad=False)
    world.since["canary", "c"] = GONE
    world.read()
    assert world.step().metrics["errors"].counts.canary == 0


def test_a_canary_that_comes_back_costs_no_false_count(world):
    world.since["canary", "c"] = GONE
    world.steps(3)
    world.since["canary", "c"], world.counts["canary", "c"] = "2", 0.0
    ticks = world.steps(3)
    assert codes(ticks) == ["counter-reset", "", ""]
    assert ticks[-1].metrics["orders"].counts.canary == 10


def test_a_control_that_collapses_is_disturbed_not_a_better_canary(world):
    world.steps(10)
    world.control = 2.0
    assert codes(world.steps(3)) == ["control-disturbed"] * 3


def test_a_new_level_of_traffic_becomes_the_usual_one(world):
    world.steps(30)
    world.control = 2.0
    seen = codes(world.steps(30))
    assert seen[0] == "control-disturbed"
    assert seen[-5:] == [""] * 5


def test_a_change_of_weight_costs_the_tick_that_holds_it(world):
    world.steps(2)
    world.run(0.5)
    world.window.weight_changed(world.steady)
    world.run(0.01)
    assert world.read().discard == "weight-changed"
    assert codes(world.steps(2)) == ["", ""]


def test_a_scrape_at_the_change_of_weight_closes_the_window_there(world):
    world.run(0.4)
    assert world.read().metrics["orders"].counts.canary == 4


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_what_can_be_no_count_is_missing(world, value):
    world.stuck = {("canary", "c"): (world.wall, value)}
    assert codes(world.steps(4)) == [None, None, "missing", "missing"]


def test_a_shard_that_is_told_twice_is_missing(world):
    once = world.samples
    world.samples = lambda: [*once(), *(each for each in once() if each.arm == "canary")]
    assert codes(world.steps(4)) == [None, None, "missing", "missing"]


def test_a_metric_that_nobody_reads_is_missing_from_the_start():
    window = Window({"orders": Watched(kind="good"), "carts": Watched(kind="good")}, nominal)
    world = World()
    world.window = window
    assert codes([world.read(), *world.steps(4)]) == [None, None, None, "missing", "missing"]


def test_fractions_are_rounded_without_drift():
    world = World()
    world.canary = 0.25
    world.read()
    ticks = world.steps(40)
    assert sum(tick.metrics["orders"].counts.canary for tick in ticks) == 10


def test_time_goes_on_from_where_another_server_left_it():
    world = World()
    world.window = Window(METRICS, nominal, t=120.0)
    world.read()
    assert world.step().t == 121.0


def test_a_source_that_scrapes_just_as_it_is_read_costs_no_tick(world):
    """Read and scrape fall together, so that one round sees nothing new and the next sees two scrapes."""
    world.late["canary", "c"] = 0.0
    seen = []
    for second in range(12):
        world.stuck = {("canary", "c"): (world.wall, world.counts["canary", "c"])} if second % 2 == 0 else {}
        seen.append(world.step())
    counted = [tick for tick in seen if tick is not None]
    assert {tick.discard for tick in counted} == {""}
    assert all(
        tick.metrics["orders"].counts.canary * 9
        == tick.metrics["orders"].counts.total - tick.metrics["orders"].counts.canary
        for tick in counted
    )


@pytest.mark.parametrize("tick", [0.1, 15.0])
def test_tolerances_are_of_the_tick(tick):
    world = World(tick=tick)
    world.read()
    assert codes(world.step(tick) for _ in range(3)) == ["", "", ""]
    world.absent = {("canary", "c")}
    assert codes(world.step(tick) for _ in range(4)) == [None, None, "missing", "missing"]
    world.absent = set()
    assert codes(world.step(tick) for _ in range(4)) == ["overrun", "settling", "settling", ""]
