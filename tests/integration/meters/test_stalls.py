"""Real processes that take orders by the clock, scraped four times a second, and stopped by SIGSTOP on the way.

A process that was stopped catches up all at once when it goes on: the worst that a meter can see of a stall.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from interlock.core.rollout.samples import Exposure, Reading
from interlock.core.rollout.share import AssignedShare
from interlock.core.rollout.windows import Tolerances, Watched, Window
from interlock.plugins.meters.scrape import ScrapeMeter
from interlock.ports.meter import Counted

SERVICE = """
import sys, time
from prometheus_client import Counter, Histogram, start_http_server
orders, errors = Counter("orders", "o"), Counter("errors", "e")
rate, begun, done = float(sys.argv[1]), time.monotonic(), 0
server, _ = start_http_server(0, addr="127.0.0.1")
print(server.server_port, flush=True)
while True:
    due = int((time.monotonic() - begun) * rate)
    if due > done:
        orders.inc(due - done)
        done = due
    time.sleep(0.005)
"""
METRICS = {"orders": Watched(kind="good"), "errors": Watched(kind="bad")}
QUERIES = tuple(Counted(name=name, query={"series": f"{name}_total"}) for name in METRICS)
TICK = 0.25
CANARY, CONTROL = 100.0, 450.0


class Stage:
    """Three services, a router that assigns by the clock, a meter and windows."""

    def __init__(self):
        self.services = [self._service(rate) for rate in (CANARY, CONTROL, CONTROL)]
        canary, *control = [f"http://127.0.0.1:{port}/metrics" for _, port in self.services]
        settings = {"canary": [canary], "control": control, "timeout": 1.0}
        self.meter = ScrapeMeter(settings, QUERIES)
        self.window = Window(METRICS, AssignedShare(0.1), tolerances=Tolerances(tick=TICK))
        self.begun = time.monotonic()
        self.ticks = []

    @staticmethod
    def _service(rate):
        made = subprocess.Popen([sys.executable, "-c", SERVICE, str(rate)], stdout=subprocess.PIPE)
        return made, int(made.stdout.readline())

    def run(self, seconds):
        """Rounds for so long; the ticks of this time."""
        before = len(self.ticks)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.monotonic()
            samples = self.meter.read()
            wall, steady = time.time(), time.monotonic()
            past = steady - self.begun
            exposure = Exposure(canary=int(past * CANARY), control=int(past * 2 * CONTROL), at=wall)
            tick = self.window.read(Reading(samples=samples, exposure=exposure, wall=wall, steady=steady))
            if tick is not None:
                self.ticks.append(tick)
            time.sleep(max(0.0, TICK - (time.monotonic() - begun)))
        return self.ticks[before:]

    def pid(self, place):
        return self.services[place][0].pid

    def close(self):
        self.meter.close()
        for process, _ in self.services:
            process.kill()
            process.wait()
            process.stdout.close()


@pytest.fixture
def stage():
    made = Stage()
    yield made
    made.close()


def counted(ticks):
    return [tick for tick in ticks if not tick.discard]


def ratios(ticks):
    """The canary's orders by those that its share lets expect, in each tick that has enough to tell."""
    orders = [(tick.metrics["orders"].counts, tick.share) for tick in counted(ticks)]
    return [counts.canary / (counts.total * share) for counts, share in orders if counts.total * share >= 10]


def off(ticks):
    """By how many orders the canary differs from its share in all ticks that count, and what that share is."""
    orders = [(tick.metrics["orders"].counts, tick.share) for tick in counted(ticks)]
    had = sum(counts.canary for counts, _ in orders)
    expected = sum(counts.total * share for counts, share in orders)
    return had - expected, expected


@pytest.mark.parametrize("place", [0, 1], ids=["canary", "one control"])
def test_what_a_stalled_process_catches_up_is_in_no_tick_that_counts(stage, place):
    """Its events of three seconds come in one instant; nothing of that may look like harm, or hide it."""
    stage.run(2.0)
    os.kill(stage.pid(place), signal.SIGSTOP)
    stalled = stage.run(3.0)
    os.kill(stage.pid(place), signal.SIGCONT)
    after = stage.run(3.0)
    assert {tick.discard for tick in stalled} - {""} <= {"missing", "overrun", "settling"}
    assert len(counted(stalled)) <= 2
    assert "overrun" in {tick.discard for tick in after}
    assert counted(after)
    assert all(0.5 < ratio < 1.6 for ratio in ratios(stage.ticks))
    difference, expected = off(stage.ticks)
    assert abs(difference) < 0.1 * expected


def test_all_stalled_together_is_no_evidence_either(stage):
    stage.run(2.0)
    for place in (1, 0, 2):
        os.kill(stage.pid(place), signal.SIGSTOP)
        time.sleep(0.1)
    time.sleep(2.0)
    for place in (2, 0, 1):
        os.kill(stage.pid(place), signal.SIGCONT)
        time.sleep(0.1)
    assert counted(stage.run(3.0))
    assert all(0.5 < ratio < 1.6 for ratio in ratios(stage.ticks))


def test_a_killed_canary_is_evidence_within_a_second(stage):
    stage.run(2.0)
    stage.services[0][0].kill()
    killed, gone, end = [], [], time.monotonic() + 20
    while len(gone) < 2 and time.monotonic() < end:
        killed += stage.run(1.5)
        gone = [tick for tick in counted(killed) if tick.metrics["orders"].counts.canary == 0]
    assert len(gone) >= 2
    assert all(tick.metrics["errors"].counts.canary > 0 for tick in gone)
    # In four ticks that count; those that do not are the machine's own stalls.
    assert counted(killed).index(gone[0]) < 4
