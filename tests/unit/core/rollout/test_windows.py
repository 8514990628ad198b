from __future__ import annotations

import pytest

from interlock.core.rollout.samples import GONE
from interlock.core.rollout.windows import Tolerances, Watched, Window


def test_a_tick_is_what_happened_in_one_interval_in_both_arms(world):
    tick = world.step()
    assert (tick.discard, tick.t, tick.share) == ("", 1.0, 0.1)
    assert (tick.metrics["orders"].counts.canary, tick.metrics["orders"].counts.control) == (10, (45, 45))
    assert tick.metrics["latency"].counts is None
    assert tick.metrics["latency"].buckets["0.25"].control == (22, 22)
    assert tick.metrics["latency"].buckets["1"].canary == 1
    assert (tick.assigned.canary, tick.assigned.control) == (10, 90)


def test_the_first_round_opens_and_the_next_closes(world, codes):
    assert codes(world.steps(3)) == ["", "", ""]


def test_counts_between_two_rounds_of_different_moments_are_cut_at_the_same_one(world):
    """A page that is read 40 ms later than the others shows 40 ms more; that is no more orders in the tick."""
    world.late["canary", "c"] = 0.04
    tick = world.steps(3)[-1]
    assert tick.discard == ""
    assert (tick.metrics["orders"].counts.canary, tick.metrics["orders"].counts.control) == (10, (45, 45))


def test_a_counter_that_begins_anew_costs_the_ticks_that_touch_it(world, codes):
    world.steps(2)
    world.counts["control", "a"] = 0.0
    assert codes(world.steps(4)) == ["counter-reset", "", "", ""]


def test_another_life_is_a_reset_even_where_the_count_is_higher(world, codes):
    world.since["canary", "c"] = "2"
    world.counts["canary", "c"] = 1_000.0
    ticks = world.steps(3)
    assert codes(ticks) == ["counter-reset", "", ""]
    assert ticks[0].metrics["orders"].counts.canary == 0


def test_a_router_that_was_started_anew_costs_the_tick(world, codes):
    world.router_since, world.sent = "2", [0.0, 0.0]
    world.step()
    world.router_since, world.sent = "3", [0.0, 0.0]
    assert codes(world.steps(2)) == ["counter-reset", ""]


def test_old_values_are_no_tick_at_first_and_stale_then(world, codes):
    world.stuck = {key: (world.wall, count) for key, count in world.counts.items()}
    assert codes(world.steps(6)) == [None, None, "stale", "stale", "stale", "stale"]


def test_one_arm_that_repeats_itself_is_enough(world, codes):
    world.stuck = {("canary", "c"): (world.wall, world.counts["canary", "c"])}
    assert codes(world.steps(4)) == [None, None, "stale", "stale"]


def test_what_is_caught_up_after_old_values_is_discarded_whole(world, codes):
    world.stuck = {("canary", "c"): (world.wall, world.counts["canary", "c"])}
    world.steps(30)
    world.stuck = {}
    ticks = world.steps(5)
    assert codes(ticks) == ["overrun", "settling", "settling", "", ""]
    assert (ticks[0].metrics["orders"].counts.canary, ticks[0].metrics["orders"].counts.total) == (310, 3100)


def test_metrics_that_disappear_are_missing_and_never_a_tick_that_counts(world, codes):
    world.absent = {("canary", "c")}
    assert codes(world.steps(40)) == [None, None, *["missing"] * 38]


def test_scrapes_that_come_late_for_one_arm_only_never_make_a_tick(world, codes):
    """The canary's page comes every third second: its counts catch up while the control's go on evenly."""
    seen = []
    for second in range(30):
        world.absent = {("canary", "c")} if second % 3 else set()
        seen.append(world.step())
    assert {code for code in codes(seen[1:]) if code is not None} == {"overrun"}


def test_a_stalled_canary_that_catches_up_is_discarded(world, codes):
    """SIGSTOP of the canary for 30 s: nothing is read of it, then thirty seconds of orders come at once."""
    for _ in range(30):
        world.absent, world.canary = {("canary", "c")}, 0.0
        world.step()
    world.absent, world.canary = set(), 10.0
    world.counts["canary", "c"] += 300
    assert codes(world.steps(5)) == ["overrun", "settling", "settling", "", ""]


def test_a_stalled_judge_discards_what_it_slept_through(world, codes):
    assert codes([world.step(30.0), *world.steps(3)]) == ["overrun", "settling", "settling", ""]


def test_a_stalled_proxy_is_missing_exposure(world, codes):
    world.router = False
    assert codes(world.steps(4)) == [None, None, "exposure-missing", "exposure-missing"]
    world.router = True
    assert codes(world.steps(4)) == ["overrun", "settling", "settling", ""]


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 2.0])
def test_a_clock_that_jumps_is_seen_and_costs_little(world, jump, codes):
    world.steps(2)
    world.wall += jump
    ticks = world.steps(6)
    assert codes(ticks)[0] == "clock-jump"
    assert codes(ticks)[-1] == ""
    assert [tick.t for tick in ticks if tick] == sorted({tick.t for tick in ticks if tick})
    assert all(tick is None or tick.discard or tick.metrics["orders"].counts.canary == 10 for tick in ticks)


def test_a_source_whose_clock_is_ahead_is_not_believed(world, codes):
    world.late["control", "a"] = -600.0
    assert set(codes(world.steps(5))) == {"clock-jump"}


def test_windows_that_are_old_are_stale(world, codes):
    world.late = dict.fromkeys(world.late, 60.0)
    world.tolerances = Tolerances()
    world.begin()
    assert codes(world.steps(5))[-1] == "stale"


def test_a_control_of_which_none_was_ever_there_never_counts(worlds, codes):
    world = worlds()
    world.since["control", "a"] = world.since["control", "b"] = GONE
    world.read()
    assert set(codes(world.steps(40))) == {"control-gone"}


def test_a_control_that_collapses_is_disturbed_not_a_better_canary(world, codes):
    world.steps(10)
    world.control = 2.0
    assert codes(world.steps(3)) == ["control-disturbed"] * 3


def test_a_new_level_of_traffic_becomes_the_usual_one(world, codes):
    world.steps(30)
    world.control = 2.0
    seen = codes(world.steps(30))
    assert seen[0] == "control-disturbed"
    assert seen[-5:] == [""] * 5


def test_a_change_of_weight_costs_the_tick_that_holds_it(world, codes):
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
def test_what_can_be_no_count_is_missing(world, value, codes):
    world.stuck = {("canary", "c"): (world.wall, value)}
    assert codes(world.steps(4)) == [None, None, "missing", "missing"]


def test_a_metric_that_nobody_reads_is_missing_from_the_start(worlds, codes):
    window = Window({"orders": Watched(kind="good"), "carts": Watched(kind="good")}, lambda _: 0.1)
    world = worlds()
    world.window = window
    assert codes([world.read(), *world.steps(4)]) == [None, None, None, "missing", "missing"]


def test_fractions_are_rounded_without_drift(worlds):
    world = worlds()
    world.canary = 0.25
    world.read()
    ticks = world.steps(40)
    assert sum(tick.metrics["orders"].counts.canary for tick in ticks) == 10


def test_time_goes_on_from_where_another_server_left_it(worlds):
    world = worlds()
    world.begin(t=120.0)
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
def test_tolerances_are_of_the_tick(worlds, tick, codes):
    world = worlds(tick=tick)
    world.read()
    assert codes(world.step(tick) for _ in range(3)) == ["", "", ""]
    world.absent = {("canary", "c")}
    assert codes(world.step(tick) for _ in range(4)) == [None, None, "missing", "missing"]
    world.absent = set()
    assert codes(world.step(tick) for _ in range(4)) == ["overrun", "settling", "settling", ""]
