"""Shards that come, go, crash and fall silent."""

from __future__ import annotations

from interlock.core.rollout.samples import GONE


def test_a_new_shard_costs_the_ticks_that_touch_it(world, codes):
    world.counts["control", "d"], world.since["control", "d"] = 0.0, "1"
    world.late["control", "d"] = 0.0
    ticks = world.steps(3)
    assert codes(ticks) == ["shards-changed", "", ""]
    assert len(ticks[-1].metrics["orders"].counts.control) == 3


def test_a_shard_that_is_taken_down_is_forgotten_when_the_others_have_its_traffic(world, codes):
    world.steps(10)
    world.absent, world.control = {("control", "b")}, 90.0
    seen = codes(world.steps(70))
    assert "" not in seen[:60]
    assert seen[-3:] == ["", "", ""]
    assert len(world.step().metrics["orders"].counts.control) == 1


def test_a_shard_that_falls_silent_and_still_serves_is_no_better_canary(world, codes):
    """Its part of the control's orders was missing from every tick: the canary seemed to sell more."""
    world.steps(10)
    world.absent = {("control", "b")}
    seen = codes(world.steps(200))
    assert "" not in seen
    assert set(seen[-100:]) == {"uncounted"}


def test_a_silent_shard_that_is_back_is_counted_again(world, codes):
    world.steps(10)
    world.absent = {("control", "b")}
    world.steps(100)
    world.absent = set()
    assert codes(world.steps(5))[-3:] == ["", "", ""]
    assert len(world.step().metrics["orders"].counts.control) == 2


def test_a_silent_shard_that_is_taken_down_later_is_forgotten_then(world, codes):
    world.steps(10)
    world.absent = {("control", "b")}
    world.steps(100)
    world.control = 90.0
    assert codes(world.steps(20))[-3:] == ["", "", ""]


def test_a_shard_of_the_canary_that_falls_silent_is_no_worse_canary(world, codes):
    world.counts["canary", "d"], world.since["canary", "d"], world.late["canary", "d"] = 0.0, "1", 0.0
    world.steps(20)
    world.absent = {("canary", "d")}
    seen = codes(world.steps(100))
    assert "" not in seen
    assert seen[-1] == "uncounted"


def test_the_last_shard_of_an_arm_is_never_forgotten(world, codes):
    world.absent = {("canary", "c")}
    assert set(codes(world.steps(200))) == {None, "missing"}


def test_a_crashed_canary_is_evidence_after_one_discarded_tick(world, codes):
    """Nobody listens, the router goes on assigning: no orders, and every request an error and slow."""
    world.step()
    world.since["canary", "c"], world.canary = GONE, 0.0
    ticks = world.steps(3)
    assert codes(ticks) == ["counter-reset", "", ""]
    tick = ticks[-1]
    assert (tick.metrics["orders"].counts.canary, tick.metrics["orders"].counts.control) == (0, (45, 45))
    assert tick.metrics["errors"].counts.canary == 10
    assert tick.metrics["latency"].buckets["1"].canary == 10


def test_a_canary_that_was_never_there_is_evidence_from_the_first_tick(worlds):
    world = worlds()
    world.since["canary", "c"], world.canary = GONE, 0.0
    world.read()
    tick = world.step()
    assert (tick.discard, tick.metrics["orders"].counts.canary) == ("", 0)


def test_requests_to_a_canary_that_is_gone_are_no_errors_where_the_plan_says_so(worlds):
    world = worlds(gone_is_bad=False)
    world.since["canary", "c"] = GONE
    world.read()
    assert world.step().metrics["errors"].counts.canary == 0


def test_a_canary_that_comes_back_costs_no_false_count(world, codes):
    world.since["canary", "c"] = GONE
    world.steps(3)
    world.since["canary", "c"], world.counts["canary", "c"] = "2", 0.0
    ticks = world.steps(3)
    assert codes(ticks) == ["counter-reset", "", ""]
    assert ticks[-1].metrics["orders"].counts.canary == 10


def test_a_control_that_is_gone_is_no_evidence_until_the_others_have_its_requests(world, codes):
    world.steps(10)
    world.since["control", "b"] = GONE
    assert codes(world.steps(20)) == ["shards-changed", *["uncounted"] * 19]
    world.control = 90.0
    ticks = world.steps(5)
    assert codes(ticks)[-3:] == ["", "", ""]
    assert ticks[-1].metrics["orders"].counts.control == (90,)


def test_a_control_that_is_back_is_taken_in_without_a_jump(world, codes):
    world.steps(10)
    world.since["control", "b"], world.control = GONE, 90.0
    world.steps(10)
    world.since["control", "b"], world.counts["control", "b"], world.control = "2", 0.0, 45.0
    ticks = world.steps(3)
    assert codes(ticks) == ["shards-changed", "", ""]
    assert ticks[-1].metrics["orders"].counts.control == (45, 45)


def test_a_control_that_is_back_before_others_had_its_requests_is_counted(world, codes):
    world.steps(10)
    world.since["control", "b"] = GONE
    world.steps(3)
    world.since["control", "b"], world.counts["control", "b"] = "2", 0.0
    assert codes(world.steps(3)) == ["shards-changed", "", ""]


def test_orders_of_the_last_lost_requests_are_awaited(worlds, codes):
    """They are counted three seconds late: so long the control's orders are short, though its requests are not."""
    world = worlds(in_flight=3.0)
    world.read()
    world.steps(10)
    world.since["control", "b"] = GONE
    world.steps(5)
    world.control = 90.0
    assert codes(world.steps(5)) == ["settling"] * 3 + [""] * 2


def test_a_control_that_was_never_there_had_a_part_that_nobody_knows(worlds, codes):
    """Whoever takes a rollout over cannot tell whether its requests are lost."""
    world = worlds()
    world.since["control", "b"] = GONE
    world.read()
    assert set(codes(world.steps(20))) == {"uncounted"}
    world.since["control", "b"], world.counts["control", "b"] = "2", 0.0
    assert codes(world.steps(3)) == ["shards-changed", "", ""]


def test_a_shard_that_joins_dead_had_no_part(world, codes):
    world.steps(10)
    world.counts["control", "d"], world.late["control", "d"], world.since["control", "d"] = 0.0, 0.0, GONE
    assert codes(world.steps(5)) == [""] * 5


def test_a_control_that_is_gone_altogether_never_counts(world, codes):
    world.steps(10)
    world.since["control", "a"] = world.since["control", "b"] = GONE
    assert codes(world.steps(40)) == ["counter-reset", *["control-gone"] * 39]


def test_a_control_without_requests_may_be_gone(world, codes):
    """At 100 % it is taken down; what is left to do is to wait."""
    world.steps(10)
    world.exposure, world.control = (100.0, 0.0), 0.0
    world.steps(40)
    world.since["control", "b"] = GONE
    world.steps(5)
    world.since["control", "a"] = GONE
    assert codes(world.steps(5))[-4:] == [""] * 4


def test_one_of_two_that_is_back_is_not_the_whole_control(world, codes):
    world.steps(10)
    world.since["control", "a"] = world.since["control", "b"] = GONE
    world.steps(5)
    world.since["control", "a"], world.counts["control", "a"] = "2", 0.0
    seen = codes(world.steps(20))
    assert "" not in seen
    assert seen[-1] == "uncounted"
    world.control = 90.0
    assert codes(world.steps(6))[-3:] == ["", "", ""]


def test_a_shard_that_is_told_twice_is_missing(world, codes):
    once = world.samples
    world.samples = lambda: [*once(), *(each for each in once() if each.arm == "canary")]
    assert codes(world.steps(4)) == [None, None, "missing", "missing"]
