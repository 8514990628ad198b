"""Rollouts on a real stack: faulty ones until the proxy serves nobody, good ones for two minutes with stalls.

Rules:
1. A faulty rollout is measured at the client: orders that were not placed by the canary or in its place, and the
   time from the first customer who met it until the proxy was read back at 0 %.
2. The running version's noise is measured once for each proxy and rate, then declared in every plan; the same for
   faulty and for good rollouts.
3. A good rollout counts as good when nothing stopped or withdrew it within its two minutes. What was held while
   nothing could be believed is told beside it: that is what stalls are for.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.rollout.cases import FAULTS, RATE, RUNNING, Place
from benchmarks.rollout.noise import SECONDS as NOISE_SECONDS
from benchmarks.rollout.noise import noise
from benchmarks.rollout.rows import Row, Rows

from interlock.testing.replay.outcome import outcome
from interlock.testing.stack.planned import Wanted, plan
from interlock.testing.stack.production import ARTEFACT, Production
from interlock.testing.stack.server import ended
from interlock.testing.stack.stack import Stack

FAULTY_SECONDS, GOOD_SECONDS = 300.0, 120.0
"""How long a fault may go unnoticed; of errors at 1 % one run in 150 takes longer than 85 s by chance."""
STALLS = ("", "", "proxy", "canary", "server", "control")
"""What stands still for some seconds in the middle of a good rollout, in turn; most of the time nothing does."""
STALL_SECONDS = (5.0, 15.0, 30.0)


@contextmanager
def produced(
    place: Place, rows: Rows, *, rate: float = RATE, known: float = NOISE_SECONDS
) -> Iterator[Production]:
    with tempfile.TemporaryDirectory(prefix="rollout-bench-") as made:
        folder = Path(made)
        stack = Stack(
            folder,
            control=RUNNING,
            canary=RUNNING,
            proxy="envoy" if place.proxy == "envoy" else "haproxy",
            rate=rate,
            prometheus=place.meter == "prometheus",
        )
        stages = [{"percent": place.percent, "bake": 900}]
        scraper = stack.prometheus.url if stack.prometheus else ""

        def planned(running: Stack) -> bytes:
            key = f"{place.proxy}, {rate:g} a second, {known:g} s"
            judge = {"phi": rows.once(key, lambda: noise(running, known))}
            print(json.dumps(judge), flush=True)
            place_of = {"place": folder, "artefact": folder / ARTEFACT}
            return plan(running, Wanted(stages=stages, judge=judge, baseline=0, prometheus=scraper, **place_of))

        with Production(folder, stack, planned) as production:
            yield production


def faulty(place: Place, rows: Rows, runs: int) -> None:
    """Every case of a place that has not been run often enough yet."""
    done = rows.done()
    left = {case: runs - done[place.name, case] for case in place.faults}
    if max(left.values()) <= 0:
        return
    with produced(place, rows) as production:
        for turn in range(max(left.values())):
            for case in [case for case, missing in left.items() if missing > turn]:
                rows.add(
                    {
                        "place": place.name,
                        "case": case,
                        **once(production, case, seed=turn + done[place.name, case]),
                    }
                )


def once(production: Production, case: str, *, seed: int) -> Row:
    since = time.time()
    name = production.ship(replace(FAULTS[case], seed=seed + 1))
    shown = production.server.until(name, ended, seconds=FAULTY_SECONDS)
    time.sleep(0.6)  # customers who wait for an answer
    found = outcome(production.stack, shown, since=since)
    return {
        "state": found.state,
        "cause": found.cause,
        "metric": found.metric,
        "seconds": None if found.seconds is None else round(found.seconds, 3),
        "lost": found.lost,
        "met": found.met,
        "weight": found.weight,
        "discarded": shown["discarded"],
    }


def good(place: Place, rows: Rows, runs: int, *, beside: int = 1, seconds: float = GOOD_SECONDS) -> None:
    """Good rollouts until there are enough, on ``beside`` stacks at once which share the usual load."""
    numbers = range(rows.done()[place.name, "good"], runs)
    turns = [turn for turn in (numbers[first::beside] for first in range(beside)) if turn]
    known = min(NOISE_SECONDS, max(30.0, 1.5 * seconds))

    def play(turn: Sequence[int]) -> None:
        with produced(place, rows, rate=RATE / beside, known=known) as production:
            for number in turn:
                row = baked(production, number, seconds)
                rows.add({"place": place.name, "case": "good", "beside": beside, **row})

    with ThreadPoolExecutor(max_workers=beside) as playing:
        for done in [playing.submit(play, turn) for turn in turns]:
            done.result()


def baked(production: Production, number: int, seconds: float) -> Row:
    stall, lasts = STALLS[number % len(STALLS)], STALL_SECONDS[number // len(STALLS) % len(STALL_SECONDS)]
    name = production.ship(replace(RUNNING, seed=number + 1))
    production.server.until(name, lambda told: told["record"]["phase"] == "watch" or ended(told), seconds=120)
    began, since = time.monotonic(), time.time()
    if stall:
        time.sleep(seconds / 3)
        stand_still(production, stall, lasts)
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    shown = production.server.rollout(name)
    record = shown["record"]
    row = {
        "stall": f"{stall} {lasts:g} s" if stall else "",
        "state": record["state"],
        "cause": record["cause"] or "",
        "hold": record["hold"],
        "why": record["why"],
        "log_e": record["log_e"],
        "ticks": record["ticks"],
        "discarded": shown["discarded"],
        "lost": production.stack.harm(since).lost,
    }
    if not ended(shown):
        production.terminal.run("rollout", "abort", name, "--why", "two minutes are over", show=False)
        production.server.until(name, ended, seconds=60)
    return row


def stand_still(production: Production, what: str, seconds: float) -> None:
    """Freeze one process and let it go on."""
    if what == "canary":
        production.freeze_canary(seconds)
        return
    stack = production.stack
    frozen = {"proxy": stack.proxy, "server": production.server, "control": stack.controls[0]}[what]
    frozen.pause()
    try:
        time.sleep(seconds)
    finally:
        frozen.resume()
