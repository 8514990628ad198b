"""How far the running version scatters by itself on this machine, measured once for each stack.

A shop knows its noise from an hour or more of history; these stacks have none, and ten minutes are taken. Shorter
ones say little of what hardly ever happens: after 90 s φ of errors was between 3 and 4, where it is 1. The same
code makes the table, and the plan declares it with its source.
"""

from __future__ import annotations

import time

from interlock.core.judge.read_settings import read_settings
from interlock.core.rollout.samples import Reading
from interlock.core.rollout.share import AssignedShare
from interlock.core.rollout.windows import Tolerances, Watched, Window
from interlock.plugins.meters.scrape import ScrapeMeter
from interlock.ports.meter import Counted
from interlock.ports.router import Deciding
from interlock.road.roll.calibrate import Calibration
from interlock.testing.replay.outcome import ROUTERS
from interlock.testing.stack.planned import EDGES, JUDGED, METRICS
from interlock.testing.stack.stack import Stack

SECONDS, TICK = 600.0, 1.0


def noise(stack: Stack, seconds: float = SECONDS) -> dict[str, object]:
    """``phi`` of a judge's section."""
    settings = read_settings({"metrics": JUDGED})
    counted = [
        Counted(name=name, edges=EDGES if "histogram" in query else (), query=query)
        for name, query in METRICS.items()
    ]
    meter = ScrapeMeter({arm: list(urls) for arm, urls in stack.targets.items()}, counted)
    router = ROUTERS[stack.proxy.router](dict(stack.proxy.settings))
    watched = {name: Watched(kind=one.kind, edges=one.edges) for name, one in settings.metrics.items()}
    window = Window(watched, AssignedShare(0.0), tolerances=Tolerances(tick=TICK))
    calibration = Calibration(settings, [], by_request=isinstance(router, Deciding) and router.by_request())
    due = time.monotonic()
    for _ in range(int(seconds / TICK)):
        samples, exposure = meter.read(), router.exposure()
        reading = Reading(samples=samples, exposure=exposure, wall=time.time(), steady=time.monotonic())
        if (tick := window.read(reading)) is not None:
            calibration.add(tick)
        due += TICK
        time.sleep(max(0.0, due - time.monotonic()))
    meter.close()
    router.close()
    tables = calibration.noise(seconds, TICK).tables
    return {
        name: {
            "windows": list(table.windows),
            "values": list(table.values),
            "source": f"measured on this stack: {table.source}",
            "shard": table.shard,
            "by_request": table.by_request,
        }
        for name, table in tables.items()
    }
