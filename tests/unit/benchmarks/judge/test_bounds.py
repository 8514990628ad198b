import numpy as np
import pytest
from benchmarks.judge import bounds
from benchmarks.judge.figures import detection
from benchmarks.judge.scenarios import ALL_FAULTS, ALL_GOODS

NAMED = {scenario.name: scenario for scenario in (*ALL_GOODS, *ALL_FAULTS)}


@pytest.mark.parametrize(
    ("name", "seconds", "harm"),
    [
        ("orders-99-at-60", 6.2, 6.1),
        ("orders-50-at-60", 38.8, 19.4),
        ("orders-10-at-60", 1158, 115.8),
        ("latency", 14, 1400),
    ],
)
def test_the_bound_is_the_designs(name, seconds, harm):
    assert NAMED[name].bound == pytest.approx(seconds, rel=0.02)
    assert NAMED[name].bound_harm == pytest.approx(harm, rel=0.02)


def test_no_harm_tells_nothing():
    assert bounds.information(1.0, 0.05, 10) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("found", "of", "limit"), [(0, 300, 0.00994), (3, 3000, 0.00258), (9, 3000, 0.00523)])
def test_confidence_limits_are_those_of_the_tables(found, of, limit):
    assert bounds.at_most(found, of) == pytest.approx(limit, rel=0.002)


def test_who_stops_everything_may_do_so_always():
    assert bounds.at_most(5, 5) == 1


def test_missed_rollouts_are_infinitely_late_and_early_stops_find_nothing():
    scenario = NAMED["orders-99-late"]
    found = detection(scenario, "x", np.array([600.0, 1210.0, 1220.0, np.inf]))
    assert (found.found, found.early, found.delay, found.late) == (0.5, 0.25, 20.0, np.inf)


def test_scenarios_have_names_and_seeds_of_their_own():
    scenarios = (*ALL_GOODS, *ALL_FAULTS)
    assert len({each.name for each in scenarios}) == len({each.number for each in scenarios}) == len(scenarios)
