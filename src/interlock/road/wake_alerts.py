"""Station 4, gather: alerts that ask the clock, while failures begin at every hour of a week.

Rules:
1. promtool's clock cannot be set. The rules are run over the same series with the time that they ask moved, and
   nothing else of them changed (``core.alerts.clock``); who asks no clock is not run again.
2. The starts take turns with all of the healthy noise: who fires with some of it only is not awake at all hours.
3. What compares the clock with times that series hold, looks at a fixed moment, or looks back over hours is
   undecided with the reason, and counts as nobody.
4. One that no failure moves is not asked when it fires: it may at some hour, and is taken to stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from interlock.core.alerts.clock import asking, fixed, moved, of_alerts
from interlock.core.alerts.group_order import ordered
from interlock.core.alerts.modes import Failing
from interlock.core.alerts.plain_rules import anew
from interlock.core.alerts.promtool_file import Case, Phases, healthy_name, written
from interlock.core.alerts.promtool_says import Fired, Said, read_said
from interlock.core.alerts.rule_files import Group, Rule
from interlock.core.alerts.scope import Looked
from interlock.core.alerts.scope import moved as looks_at
from interlock.core.alerts.shape import Fits, Shape, selected
from interlock.core.alerts.starts import HOURS, starts
from interlock.core.alerts.woken import Hours, woken
from interlock.ports.alerts import RunsRules
from interlock.road.prove_alerts import Prepared, Proof

FARTHEST = 6 * 3_600.0
_CALM = 600.0
_LEAST, _EACH = 60.0, 1e-3
_TIMES = (1e9, 1e13)
"""A level in here is taken for a moment, in seconds or milliseconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    place: int
    begins: datetime
    world: Prepared


def awoken(
    proof: Proof, worlds: Sequence[Prepared], runner: RunsRules, now: datetime, *, told: Callable[[str], None]
) -> Proof:
    """The proof where alerts that ask the clock answer by what they do at every hour of a week.

    ``worlds`` is what was prepared with each of the healthy noises, the one of the proof first.
    """
    first, clock = worlds[0], asking(worlds[0].files.groups)
    mine = [one for one in proof.alerts if one.rule.name in clock and one.key not in first.faults]
    if not mine:
        return proof
    tried = starts(now)
    found: dict[tuple[str, str], Hours] = {}
    faults = {one.key: why for one in mine if (why := _undecided(one, first))}
    for one in mine:
        if one.key in faults:
            found |= {(row.mode, one.key): Hours(fault=faults[one.key]) for row in proof.matrix.rows}
    sure = [one for one in mine if one.key not in faults]
    for interval in sorted({one.interval for one in sure}):
        these = [one for one in sure if one.interval == interval]
        told(f"{len(these):,} asking the clock, with failures that begin at {HOURS} hours of the week")
        found |= _batch(these, interval, worlds, tried, runner)
    still = [one for one in mine if not any(looks_at(one, _touched(each)) for each in first.failures)]
    standing = tuple({"alertname": one.rule.name, **one.rule.labels} for one in still)
    return replace(proof, matrix=woken(proof.matrix, found, tried), standing=(*proof.standing, *standing))


def seconds_of(prepared: Prepared) -> float:
    """The most that it can take."""
    clock = asking(prepared.files.groups)
    mine = [one for one in prepared.alerts if one.rule.name in clock and one.back <= FARTHEST]
    return sum(_allowed(prepared, mine, each) for each in {one.interval for one in mine})


def _batch(
    alerts: Sequence[Looked],
    interval: float,
    worlds: Sequence[Prepared],
    tried: Sequence[datetime],
    runner: RunsRules,
) -> dict[tuple[str, str], Hours]:
    phases = _phases(worlds[0], alerts, interval)
    files: dict[str, bytes] = {}
    tests: list[str] = []
    asked = 0
    for place, begins in enumerate(tried):
        one = _Start(place=place, begins=begins, world=worlds[place % len(worlds)])
        cases = [*_cases(one, alerts)]
        rules = {f"r{place}-{number}.yaml": each for number, each in enumerate(_rules(one, alerts, phases))}
        asked += sum(2 * len(case.alerts) for case in cases)
        tests.append(f"t{place}.yaml")
        files |= {**rules, tests[-1]: written([*rules], cases, phases)}
    if not asked:
        return {}
    said = read_said(runner.tests(files, tests, seconds=_allowed(worlds[0], alerts, interval)), asked=asked)
    return {
        (failure.mode.name, alert.key): _hours(said, failure.mode.name, alert.key, phases)
        for failure in worlds[0].failures
        for alert in alerts
        if looks_at(alert, _touched(failure))
    }


def _hours(said: Said, mode: str, alert: str, phases: Phases) -> Hours:
    if said.fault:
        return Hours(fault=said.fault)
    fired = []
    cried: list[Fired] = []
    for place in range(HOURS):
        cried += said.fired.get((healthy_name(_name(mode, place)), alert), ())
        seen = said.fired.get((_name(mode, place), alert), ())
        fired.append(tuple(replace(one, seconds=max(0.0, one.seconds - phases.healthy)) for one in seen))
    return Hours(fired=tuple(fired), restless=min((one.seconds for one in cried), default=None))


def _cases(start: _Start, alerts: Sequence[Looked]) -> Iterator[Case]:
    for failure in start.world.failures:
        touched = _touched(failure)
        names = tuple({one.key: one.named for one in alerts if looks_at(one, touched)}.values())
        if names:
            yield Case(name=_name(failure.mode.name, start.place), failing=failure, alerts=names)


def _touched(failure: Failing) -> list[Shape]:
    names = set(failure.touched)
    return [shape for shape in failure.healthy if shape.name in names]


def _name(mode: str, place: int) -> str:
    return f"{mode}@{place}"


def _rules(start: _Start, alerts: Sequence[Looked], phases: Phases) -> Iterator[bytes]:
    """The rule files with their clock moved; of the alerts only those that are asked about, and what they need."""
    later = round(start.begins.timestamp() - phases.healthy)
    groups = start.world.files.groups
    wanted = {one.rule.name for one in alerts}
    kept = [rule for group in groups for rule in group.rules if not rule.alert or rule.name in wanted]
    every = any(of_alerts(rule.expression) - wanted for rule in kept)
    by_path: dict[str, list[Group]] = {}
    for group in groups:
        later_on = tuple(_later(rule, later) for rule in group.rules if every or rule in kept)
        by_path.setdefault(group.place.path, []).append(replace(group, rules=later_on))
    yield from (anew(each) for each in by_path.values())


def _later(rule: Rule, seconds: int) -> Rule:
    return replace(rule, expression=moved(rule.expression, seconds))


def _phases(prepared: Prepared, alerts: Sequence[Looked], interval: float) -> Phases:
    plan = prepared.plan
    warm = max(one.back for one in alerts)
    return Phases(
        healthy=warm + max(_CALM, 2 * plan.step, 2 * interval),
        warm=warm,
        failing=plan.tolerance + interval,
        step=plan.step,
        interval=interval,
        order=ordered(prepared.files.groups),
    )


def _allowed(prepared: Prepared, alerts: Sequence[Looked], interval: float) -> float:
    phases = _phases(prepared, alerts, interval)
    steps = (phases.healthy + phases.failing) / min(phases.interval, phases.step)
    each = sum(len(alerts) + len(one.healthy) for one in prepared.failures)
    return _LEAST + HOURS * steps * each * _EACH


def _undecided(alert: Looked, prepared: Prepared) -> str:
    if alert.back > FARTHEST:
        return f"it asks the clock and looks back over {alert.back / 3_600:.1f} h: not proven at every hour"
    if at := next((at for each in _texts(prepared.files.groups) if (at := fixed(each))), ""):
        return f"it asks the clock in rules that look at {at}: not proven at every hour"
    fits = Fits()
    looked_at = [shape for each in alert.selectors for shape in selected(prepared.shapes, each, fits)]
    for shape in looked_at:
        if not shape.counter and any(_TIMES[0] <= value < _TIMES[1] for value in shape.values):
            return f"it asks the clock, and {shape.metric} holds a time: not proven at every hour"
    return ""


def _texts(groups: Sequence[Group]) -> list[str]:
    return [rule.expression for group in groups for rule in group.rules]
