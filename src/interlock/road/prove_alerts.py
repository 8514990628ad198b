"""Station 4, gather: if this goes wrong, who is told, and after how long.

Rules:
1. Every alert is looked at while all is well, and in every mode whose series it looks at. In the others it cannot
   move, and is not asked.
2. The rules run are the files as they are, at their groups' own interval. Files that Prometheus would not load are
   refused before anything is run.
3. An alert that looks back further than promtool can, or cannot be read, is undecided with the reason.
4. What the new version does not expose any more has no series, and the others have the labels that it gives them.
   What it may be called then proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from interlock.core.alerts.broken import broken
from interlock.core.alerts.exposition import Exposed
from interlock.core.alerts.gone import Gone, gone, staying
from interlock.core.alerts.group_order import ordered
from interlock.core.alerts.matrix import Cell, Matrix, Row, Told, row, told_of
from interlock.core.alerts.modes import Failing, Mode, failing
from interlock.core.alerts.near import near
from interlock.core.alerts.plain_rules import plain
from interlock.core.alerts.plan import AlertPlan
from interlock.core.alerts.promtool_file import MOST_SAMPLES, Case, Phases, healthy_name
from interlock.core.alerts.promtool_says import Fired
from interlock.core.alerts.relabelled import Relabelled, as_exposed, relabelled
from interlock.core.alerts.renamed import renames
from interlock.core.alerts.rule_files import Group, read_rules
from interlock.core.alerts.scope import Looked, looked, moved
from interlock.core.alerts.shape import Fits, Shape, selected
from interlock.core.alerts.taken import Renamed, taken
from interlock.ports.alerts import RunsRules

WELL = "well"
Seen = Mapping[tuple[str, str], tuple[Fired, ...]]
"""What fired, by case and alert."""
LONGEST_FAILURE, SHORTEST_FAILURE, _SLACK = 6 * 3_600.0, 1_800.0, 600.0
LEAST_SECONDS, SECONDS_EACH, SECONDS_EACH_SAMPLE = 30.0, 1e-3, 1e-5
"""What promtool may take: at least so long, for each rule or series at each step of each case, and for each sample
that an alert looks back at there. Ten times what was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The cases of the alerts that are evaluated at one interval; ``seconds`` is what promtool may take."""

    interval: float
    alerts: tuple[Looked, ...]
    cases: tuple[Case, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All that is needed to run it. ``shapes`` are the healthy series that there are once the change is out.

    ``taken``: failures whose series the change takes away; ``was``: of the others old names by the new ones, by
    failure. ``faults``: alerts that cannot be decided, and
    why.
    """

    plan: AlertPlan
    files: Loadable
    shapes: tuple[Shape, ...]
    alerts: tuple[Looked, ...]
    phases: Phases
    failures: tuple[Failing, ...]
    nears: Mapping[str, str]
    batches: tuple[Batch, ...]
    faults: Mapping[str, str]
    gone: tuple[Gone, ...]
    taken: Mapping[str, Renamed]
    was: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    relabelled: tuple[Relabelled, ...] = ()

    @property
    def seconds(self) -> float:
        """The most that running it can take."""
        return sum(batch.seconds for batch in self.batches)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The matrix, with what it was made of: the failures over their series, and the alerts as they look.

    ``standing``: the labels of all that fires while all is well, or may at some hour.
    """

    matrix: Matrix
    failures: tuple[Failing, ...]
    alerts: tuple[Looked, ...]
    phases: Phases
    standing: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loadable:
    """Rule files that Prometheus loads: their groups as they stand in the checkout, and what promtool is given."""

    groups: tuple[Group, ...]
    contents: Mapping[str, bytes]


def groups_of(files: Mapping[str, bytes]) -> tuple[Group, ...]:
    """All groups of the rule files, by path.

    Raises:
        InvalidInput: ``alert-rules``, or what is wrong with the YAML.
    """
    return tuple(group for path, content in sorted(files.items()) for group in read_rules(path, content))


def loadable(files: Mapping[str, bytes], runner: RunsRules) -> Loadable:
    """The rule files, once it is known that Prometheus would load them.

    Raises:
        InvalidInput: ``alert-rules-broken`` for what it would not load, ``alert-rules``, or what is wrong with the
            YAML.
        Unavailable: ``promtool-failed``.
    """
    groups = {path: read_rules(path, content) for path, content in sorted(files.items())}
    found = {path: plain(path, files[path], of_it) for path, of_it in groups.items()}
    if said := runner.check(found):
        raise broken(said, groups)
    return Loadable(groups=tuple(group for of_it in groups.values() for group in of_it), contents=found)


def phases_of(plan: AlertPlan, alerts: Sequence[Looked]) -> Phases:
    """All is well for the longest look back and for as long as the plan says; then it fails.

    That lasts past the tolerance, and until the slowest alert would have fired where that is within six hours, so
    that what comes too late says by how much.
    """
    warm = max((alert.back for alert in alerts if alert.back <= _most(plan)), default=0.0)
    lasting = min(LONGEST_FAILURE, max(SHORTEST_FAILURE, 2 * plan.tolerance, warm + _SLACK))
    lasting = max(lasting, plan.tolerance + _SLACK)
    return Phases(healthy=warm + plan.healthy, warm=warm, failing=lasting, step=plan.step, interval=plan.interval)


def prepare(plan: AlertPlan, files: Loadable, shapes: Sequence[Shape], exposed: Exposed | None = None) -> Prepared:
    """``shapes`` are healthy series at the plan's step.

    Raises:
        InvalidInput: ``alert-rules`` for recording rules in a circle.
    """
    alerts = looked(files.groups, interval=plan.interval)
    there = tuple(shapes) if exposed is None else staying(shapes, plan.modes, exposed)
    there = there if exposed is None else as_exposed(there, plan.modes, exposed)
    failures = tuple(failing(there, mode) for mode in plan.modes)
    phases = replace(phases_of(plan, alerts), order=ordered(files.groups))
    faults = {alert.key: alert.unread for alert in alerts if alert.unread}
    faults |= {alert.key: _too_far(alert, plan) for alert in alerts if alert.back > _most(plan)}
    if not plan.prometheus:
        faults |= {alert.key: why for alert in alerts if (why := _muted(alert, there))}
    away = {} if exposed is None else taken(plan, shapes, exposed)
    was = {} if exposed is None else renames(plan, alerts, shapes, exposed)
    now_called = {old: new for pairs in was.values() for new, old in pairs.items()}
    unasked = Prepared(
        plan=plan,
        files=files,
        shapes=there,
        alerts=alerts,
        phases=phases,
        failures=failures,
        nears={
            one.mode.name: near(one.mode, there)
            for one in failures
            if not one.touched and one.mode.name not in away
        },
        batches=(),
        faults=faults,
        gone=() if exposed is None else gone(alerts, shapes, plan.modes, exposed, now_called),
        taken=away,
        was={name: pairs for name, pairs in was.items() if name not in away},
        relabelled=() if exposed is None else relabelled(alerts, shapes, plan.modes, exposed),
    )
    return asked_of(unasked, failures)


def asked_of(prepared: Prepared, failures: Sequence[Failing]) -> Prepared:
    """The same alerts over these failures."""
    batches = []
    for interval in sorted({alert.interval for alert in prepared.alerts}):
        mine = tuple(
            alert for alert in prepared.alerts if alert.interval == interval and alert.key not in prepared.faults
        )
        cases = tuple(_cases(mine, failures, prepared.shapes)) if mine else ()
        seconds = _allowed(cases, prepared.alerts, replace(prepared.phases, interval=interval))
        batches.append(Batch(interval=interval, alerts=mine, cases=cases, seconds=seconds))
    return replace(prepared, failures=tuple(failures), batches=tuple(batch for batch in batches if batch.cases))


def carry_out(prepared: Prepared, runner: RunsRules, *, told: Callable[[str], None]) -> Proof:
    """Run it."""
    fired: dict[tuple[str, str], tuple[Fired, ...]] = {}
    faults = dict(prepared.faults)
    for batch in prepared.batches:
        told(
            f"{_counted(batch.alerts, 'alert')} evaluated every {batch.interval:g} s in "
            f"{_counted(batch.cases, 'case')}"
        )
        phases = replace(prepared.phases, interval=batch.interval)
        said = runner.run(prepared.files.contents, batch.cases, phases, seconds=batch.seconds)
        if said.fault:
            faults |= {alert.key: said.fault for alert in batch.alerts}
        fired |= said.fired
    return Proof(
        matrix=_matrix(prepared, fired, faults),
        failures=prepared.failures,
        alerts=prepared.alerts,
        phases=prepared.phases,
        standing=_standing(fired, prepared.failures),
    )


def prove(
    plan: AlertPlan,
    files: Mapping[str, bytes],
    shapes: Sequence[Shape],
    runner: RunsRules,
    *,
    told: Callable[[str], None],
    exposed: Exposed | None = None,
) -> Proof:
    """All of it in one go.

    Raises:
        InvalidInput: rule files that cannot be read or would not be loaded.
        Unavailable: ``promtool-failed``.
    """
    return carry_out(prepare(plan, loadable(files, runner), shapes, exposed), runner, told=told)


def _cases(alerts: Sequence[Looked], failures: Sequence[Failing], shapes: Sequence[Shape]) -> Iterable[Case]:
    names = tuple({alert.key: alert.named for alert in alerts}.values())
    well = Failing(mode=_NO_MODE, healthy=tuple(shapes), failing=tuple(shapes), touched=())
    yield Case(name=WELL, failing=well, alerts=names)
    for failure in failures:
        touched = _touched(failure)
        asked = tuple({alert.key: alert.named for alert in alerts if moved(alert, touched)}.values())
        if asked:
            yield Case(name=failure.mode.name, failing=failure, alerts=asked)


def _matrix(prepared: Prepared, fired: Seen, faults: Mapping[str, str]) -> Matrix:
    plan, failures = prepared.plan, prepared.failures
    names = tuple(dict.fromkeys(alert.key for alert in prepared.alerts))
    cries = {name: _cried(fired, failures, name) for name in names}
    restless = [name for name, at in cries.items() if at is not None]
    rows = tuple(_row(prepared, failure, names, fired, faults, restless) for failure in failures)
    fires = {cell.alert for each in rows for cell in each.cells if cell.fired}
    known = told_of(prepared.alerts)
    told: dict[str, Told] = {
        name: replace(one, restless=cries[name], silent=name not in fires and name not in faults)
        for name, one in known.items()
    }
    return Matrix(
        rows=rows,
        alerts=told,
        tolerance=plan.tolerance,
        synthetic=not plan.prometheus,
        unread=faults,
        gone=prepared.gone,
        relabelled=prepared.relabelled,
    )


def _row(
    prepared: Prepared,
    failure: Failing,
    names: Sequence[str],
    fired: Seen,
    faults: Mapping[str, str],
    restless: Sequence[str],
) -> Row:
    mode = failure.mode.name
    cells = [
        Cell(alert=name, fired=_since(fired.get((mode, name), ()), prepared), fault=faults.get(name, ""))
        for name in names
    ]
    return row(
        mode,
        failure.touched,
        cells,
        tolerance=prepared.plan.tolerance,
        restless=restless,
        near=prepared.nears.get(mode, ""),
        taken=away.taken if (away := prepared.taken.get(mode)) else None,
    )


def _cried(fired: Seen, failures: Sequence[Failing], name: str) -> float | None:
    """When an alert first fired although all was well: in the case without a failure, or before one began."""
    asked = [(healthy_name(WELL), name), (WELL, name)]
    asked += [(healthy_name(failure.mode.name), name) for failure in failures]
    return min((each.seconds for key in asked for each in fired.get(key, ())), default=None)


def _standing(fired: Seen, failures: Sequence[Failing]) -> tuple[Mapping[str, str], ...]:
    """The labels of what fires while all is well."""
    cases = {WELL, healthy_name(WELL), *(healthy_name(failure.mode.name) for failure in failures)}
    found = (one.labels for (case, _), each in fired.items() if case in cases for one in each)
    return tuple({tuple(sorted(labels.items())): labels for labels in found}.values())


def _since(fired: Sequence[Fired], prepared: Prepared) -> tuple[Fired, ...]:
    """In seconds after the failure began; what fires in the last evaluations goes on."""
    begin, lasting = prepared.phases.healthy, prepared.phases.failing
    slack = 2 * max([batch.interval for batch in prepared.batches] + [lasting / MOST_SAMPLES])
    return tuple(
        replace(
            each,
            seconds=max(0.0, each.seconds - begin),
            last=math.inf if each.last >= begin + lasting - slack else each.last - begin,
        )
        for each in fired
    )


def _touched(failure: Failing) -> list[Shape]:
    names = set(failure.touched)
    return [shape for shape in failure.healthy if shape.name in names]


def _most(plan: AlertPlan) -> float:
    """The longest look back that promtool can follow."""
    return plan.step * (MOST_SAMPLES - 1)


def _allowed(cases: Sequence[Case], alerts: Sequence[Looked], phases: Phases) -> float:
    """The seconds that promtool may take for these cases."""
    steps = (phases.healthy + phases.failing) / min(phases.interval, phases.step)
    each = sum(len(alerts) + len(case.alerts) + len(case.failing.healthy) for case in cases)
    behind = sum(alert.back for alert in alerts if alert.back <= phases.warm) / phases.step * len(cases)
    return LEAST_SECONDS + steps * (each * SECONDS_EACH + behind * SECONDS_EACH_SAMPLE)


def _too_far(alert: Looked, plan: AlertPlan) -> str:
    days, most = alert.back / 86_400, f"{MOST_SAMPLES:,} samples of {plan.step:g} s"
    return f"it looks back over {days:.1f} d, further than {most}: write a longer `step`"


def _muted(alert: Looked, there: Sequence[Shape]) -> str:
    """What may keep it silent, of which nobody declared a series; nothing where there is none."""
    fits = Fits()
    unknown = dict.fromkeys(one.metric or "series" for one in alert.muted if not selected(there, one, fits))
    if not unknown:
        return ""
    return f"it is silent while {' or '.join(unknown)} says so (unless), which nobody declared: add it to `shapes`"


def _counted(things: Sequence[object], word: str) -> str:
    return f"{len(things):,} {word}{'' if len(things) == 1 else 's'}"


_NO_MODE = Mode(name=WELL, kind="drop", selectors=(), by=0.0)
