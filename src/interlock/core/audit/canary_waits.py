"""Whether an Argo ``Rollout`` or a Flagger ``Canary`` waits while a part of the traffic is on the new version.

Rules:
1. A weight above 0 % and below 100 % is seen where something waits at it: a pause without a duration (a person
   ends it), pauses of a minute or more together, an analysis or an experiment that must end first. One that only
   runs beside (``canary.analysis``) holds nothing up.
2. Flagger waits for one interval at each weight; all of them below 100 % are a minute or more together.
3. What is passed through at once is no canary, and is told with why. What cannot be told (a weight or a duration
   that is no number, a plug-in's step, a split by header) is *unknown*.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.core.audit.answers import Said
from interlock.core.change.yaml_nodes import Node
from interlock.core.change.yaml_view import at, items, number, word
from interlock.core.rollout.phrases import amount

FULL, LEAST = 100.0, 60.0
INTERVAL = 60.0
"""Flagger's own, where none is written."""
MOST_STEPS = 1_000
Told = tuple[str, Said]
_UNITS = {"h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_SPAN = re.compile(r"(?:\d{1,12}(?:\.\d{0,9})?(?:h|ms|us|µs|ns|m|s))+")
_PIECE = re.compile(r"(\d+(?:\.\d*)?)(h|ms|us|µs|ns|m|s)")


def span(text: str) -> float | None:
    """A duration as both write it (``30``, ``30s``, ``1h30m``), in seconds; None for what is none."""
    bare = text.strip()
    if bare.isdecimal() and len(bare) <= 12:  # noqa: PLR2004  # longer is no time
        return float(bare)
    if len(bare) > 40 or not _SPAN.fullmatch(bare):  # noqa: PLR2004  # likewise
        return None
    return sum(float(count) * _UNITS[unit] for count, unit in _PIECE.findall(bare))


def rollout(node: Node) -> Told:
    """An Argo ``Rollout``; empty words for one that names neither strategy."""
    if at(node, "spec", "strategy", "blueGreen") is not None:
        return "blue-green: all traffic at once", "no"
    if at(node, "spec", "strategy", "canary") is None:
        return "", "no"
    steps = items(node, "spec", "strategy", "canary", "steps")
    if not steps:
        return "canary strategy without a step: a rolling update", "no"
    if number(node, "spec", "replicas") == 0:
        return "a canary with `replicas: 0`: nothing of it runs", "no"
    full = number(node, "spec", "strategy", "canary", "trafficRouting", "maxTrafficWeight") or FULL
    return _judged(len(steps), [*_stands(steps, full)])


@dataclass(slots=True)
class _Stand:
    """A weight in percent, None where it is no number, and what waits at it.

    ``waited`` are its pauses in seconds; ``held``: something there ends only when it is done; ``doubt``: it may.
    """

    weight: float | None
    waited: float = 0.0
    held: bool = False
    doubt: str = ""

    @property
    def partial(self) -> bool:
        """Whether a part of the traffic and not all of it is on the new version, as far as can be told."""
        return self.weight is None or 0 < self.weight < FULL

    @property
    def waits(self) -> bool:
        """Whether somebody or something could still say no."""
        return self.held or self.waited >= LEAST


def _stands(steps: list[Node], full: float) -> Iterator[_Stand]:
    """Each weight with what waits at it; before the first one nothing is sent."""
    now = _Stand(weight=0.0)
    for step in steps[:MOST_STEPS]:
        if at(step, "setWeight") is not None:
            yield now
            weight = number(step, "setWeight")
            now = _Stand(weight=None if weight is None else weight / full * FULL)
        elif (own := _of_experiment(step)) is not None:
            yield own
            _wait(now, step, "experiment", waits=not own.partial)
        elif at(step, "pause") is not None:
            _wait(now, step, "pause")
        elif at(step, "analysis") is not None:
            now.held = True
        elif at(step, "plugin") is not None:
            now.doubt = now.doubt or "how long a plug-in's step waits is not told"
        elif at(step, "setHeaderRoute") is not None and not now.partial:
            # From here on those with that header are sent there, at whatever weight.
            now.weight, now.doubt = None, "who sends the header of its route is not told"
    yield now


def _wait(now: _Stand, step: Node, key: str, *, waits: bool = True) -> None:
    if not waits:
        return
    if at(step, key, "duration") is None or not (text := word(step, key, "duration")):
        now.held = True
    elif (seconds := span(text)) is None:
        now.doubt = now.doubt or f"a {key} of `{text[:20]}` is no time that is understood"
    else:
        now.waited += seconds


def _of_experiment(step: Node) -> _Stand | None:
    """An experiment sends traffic by weights of its own; without one it only waits at the weight that is there."""
    if at(step, "experiment") is None:
        return None
    shares = [share for each in items(step, "experiment", "templates") if (share := number(each, "weight"))]
    own = _Stand(weight=sum(shares))
    _wait(own, step, "experiment")
    return own


def _judged(steps: int, stands: list[_Stand]) -> Told:
    told = f"canary in {amount(steps, 'steps')}"
    partial = [each for each in stands if each.partial]
    for each in partial:
        if each.waits and each.weight is not None:
            return f"{told}, the first wait at {each.weight:g} %", "yes"
    for each in partial:
        if each.doubt:
            return f"{told}: {each.doubt}", "unknown"
        if each.weight is None and each.waits:
            return f"{told}: a weight that is no number", "unknown"
    if not partial:
        return f"{told}, none of them above 0 % and below 100 %", "no"
    longest = max(partial, key=lambda each: each.waited)
    weight = "?" if longest.weight is None else f"{longest.weight:g}"
    if longest.waited:
        return f"{told}, at {weight} % for {longest.waited:g} s: too short for anybody to see anything", "no"
    return f"{told}, nothing waits at {weight} %: no pause and no analysis before all traffic", "no"


def flagger(node: Node) -> Told:
    """A Flagger ``Canary``."""
    if word(node, "spec", "skipAnalysis").lower() == "true":
        return "`skipAnalysis`: all traffic at once", "no"
    for key in ("analysis", "canaryAnalysis"):
        found = at(node, "spec", key)
        if found is not None and (told := _analysis(found))[0]:
            return told
    return "no analysis", "no"


def _analysis(found: Node) -> Told:
    iterations = number(found, "iterations")
    if iterations:
        # Without weights it is an A/B test where requests are matched, else everything is switched at once.
        if not items(found, "match"):
            return "blue-green: all traffic at once", "no"
        return _over("A/B test by its `match`", found, int(iterations))
    if listed := items(found, "stepWeights"):
        shares = [number(each) for each in listed]
        if None in shares:
            return "an analysis with a weight that is no number", "unknown"
        passed = [share for share in shares if share is not None and 0 < share < FULL]
        return _over(f"analysis in {amount(len(listed), 'weights')}", found, len(passed))
    if at(found, "stepWeight") is None:
        return "", "no"
    step = number(found, "stepWeight")
    most = number(found, "maxWeight") if at(found, "maxWeight") is not None else FULL
    if step is None or most is None:
        return "an analysis with a weight that is no number", "unknown"
    held = 0
    while step > 0 and held < MOST_STEPS and held * step < most and (held + 1) * step < FULL:
        held += 1
    return _over(f"analysis in steps of {step:g} % up to {most:g} %", found, held)


def _over(told: str, found: Node, times: int) -> Told:
    """So many intervals at less than all traffic."""
    if not times:
        return f"{told}: none of them above 0 % and below 100 %", "no"
    written = word(found, "interval")
    each = span(written) if written else INTERVAL
    if each is None:
        return f"{told}: an interval of `{written[:20]}` is no time that is understood", "unknown"
    if each * times < LEAST:
        return f"{told}, over within {each * times:g} s: too short for anybody to see anything", "no"
    return told, "yes"
