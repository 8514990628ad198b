"""Station 4, gather: if this goes wrong, who is told, and after how long.

Rules:
1. Every alert is looked at while all is well, and in every mode whose series it looks at. In the others it cannot
   move, and is not asked.
2. The rules run are the files as they are, at their groups' own interval.
3. An alert that looks back further than promtool can, or cannot be read, is undecided with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from interlock.core.alerts.matrix import Cell, Matrix, Row, Told, row, told_of
from interlock.core.alerts.modes import Failing, Mode, failing
from interlock.core.alerts.plan import AlertPlan
from interlock.core.alerts.promtool_file import MOST_SAMPLES, Case, Phases, healthy_name
from interlock.core.alerts.rule_files import Group, read_rules
from interlock.core.alerts.scope import Looked, looked, moved
from interlock.core.alerts.shape import Shape
from interlock.ports.alerts import RunsRules

WELL = "well"
LONGEST_FAILURE, SHORTEST_FAILURE, _SLACK = 6 * 3_600.0, 1_800.0, 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The matrix, with what it was made of: the failures over their series, and the alerts as they look."""

    matrix: Matrix
    failures: tuple[Failing, ...]
    alerts: tuple[Looked, ...]
    phases: Phases


def groups_of(files: Mapping[str, bytes]) -> tuple[Group, ...]:
    """All groups of the rule files, by path.

    Raises:
        InvalidInput: ``alert-rules``, or what is wrong with the YAML.
    """
    return tuple(group for path, content in sorted(files.items()) for group in read_rules(path, content))


def phases_of(plan: AlertPlan, alerts: Sequence[Looked]) -> Phases:
    """All is well for the longest look back and for as long as the plan says; then it fails.

    That lasts until the slowest alert would have fired, so that what comes too late says by how much.
    """
    warm = max((alert.back for alert in alerts if alert.back <= _most(plan)), default=0.0)
    lasting = min(LONGEST_FAILURE, max(SHORTEST_FAILURE, 2 * plan.tolerance, warm + _SLACK))
    return Phases(healthy=warm + plan.healthy, warm=warm, failing=lasting, step=plan.step, interval=plan.interval)


def prove(
    plan: AlertPlan,
    files: Mapping[str, bytes],
    shapes: Sequence[Shape],
    runner: RunsRules,
    *,
    told: Callable[[str], None],
) -> Proof:
    """Run it; ``shapes`` are healthy series at the plan's step.

    Raises:
        InvalidInput: rule files that cannot be read.
    """
    groups = groups_of(files)
    alerts = looked(groups, interval=plan.interval)
    phases = phases_of(plan, alerts)
    failures = tuple(failing(shapes, mode) for mode in plan.modes)
    first: dict[tuple[str, str], float | None] = {}
    faults: dict[str, str] = {alert.rule.name: alert.unread for alert in alerts if alert.unread}
    faults |= {alert.rule.name: _too_far(alert, plan) for alert in alerts if alert.back > _most(plan)}
    for interval in sorted({alert.interval for alert in alerts}):
        mine = [alert for alert in alerts if alert.interval == interval and alert.rule.name not in faults]
        cases = [*_cases(mine, failures, shapes)]
        told(f"{len(mine)} alerts evaluated every {interval:g} s, {len(cases)} cases")
        said = runner.run(files, cases, replace(phases, interval=interval)) if mine else None
        if said is not None and said.fault:
            faults |= {alert.rule.name: said.fault for alert in mine}
        first |= said.first if said is not None else {}
    return Proof(
        matrix=_matrix(plan, alerts, failures, first, faults, phases.healthy),
        failures=failures,
        alerts=alerts,
        phases=phases,
    )


def _cases(alerts: Sequence[Looked], failures: Sequence[Failing], shapes: Sequence[Shape]) -> Iterable[Case]:
    names = tuple(dict.fromkeys(alert.rule.name for alert in alerts))
    well = Failing(mode=_NO_MODE, healthy=tuple(shapes), failing=tuple(shapes), touched=())
    yield Case(name=WELL, failing=well, alerts=names)
    for failure in failures:
        touched = _touched(failure)
        asked = tuple(dict.fromkeys(alert.rule.name for alert in alerts if moved(alert, touched)))
        if asked:
            yield Case(name=failure.mode.name, failing=failure, alerts=asked)


def _matrix(
    plan: AlertPlan,
    alerts: Sequence[Looked],
    failures: Sequence[Failing],
    first: Mapping[tuple[str, str], float | None],
    faults: Mapping[str, str],
    healthy: float,
) -> Matrix:
    names = tuple(dict.fromkeys(alert.rule.name for alert in alerts))
    cries = {name: _cried(first, failures, name) for name in names}
    restless = [name for name, at in cries.items() if at is not None]
    rows = tuple(_row(plan, failure, names, first, faults, restless, healthy) for failure in failures)
    fires = {cell.alert for each in rows for cell in each.cells if cell.seconds is not None}
    known = told_of(alert.rule for alert in alerts)
    told: dict[str, Told] = {
        name: replace(one, restless=cries[name], never=name not in fires and name not in faults)
        for name, one in known.items()
    }
    return Matrix(rows=rows, alerts=told, tolerance=plan.tolerance, synthetic=not plan.prometheus, unread=faults)


def _row(
    plan: AlertPlan,
    failure: Failing,
    names: Sequence[str],
    first: Mapping[tuple[str, str], float | None],
    faults: Mapping[str, str],
    restless: Sequence[str],
    healthy: float,
) -> Row:
    cells = [
        Cell(alert=name, seconds=_since(first.get((failure.mode.name, name)), healthy), fault=faults.get(name, ""))
        for name in names
    ]
    return row(failure.mode.name, failure.touched, cells, tolerance=plan.tolerance, restless=restless)


def _cried(first: Mapping[tuple[str, str], float | None], failures: Sequence[Failing], name: str) -> float | None:
    """When an alert first fired although all was well: in the case without a failure, or before one began."""
    asked = [(healthy_name(WELL), name), (WELL, name)]
    asked += [(healthy_name(failure.mode.name), name) for failure in failures]
    fired = [at for key in asked if (at := first.get(key)) is not None]
    return min(fired, default=None)


def _since(at: float | None, healthy: float) -> float | None:
    return None if at is None else max(0.0, at - healthy)


def _touched(failure: Failing) -> list[Shape]:
    names = set(failure.touched)
    return [shape for shape in failure.healthy if shape.name in names]


def _most(plan: AlertPlan) -> float:
    """The longest look back that promtool can follow."""
    return plan.step * (MOST_SAMPLES - 1)


def _too_far(alert: Looked, plan: AlertPlan) -> str:
    days, most = alert.back / 86_400, f"{MOST_SAMPLES:,} samples of {plan.step:g} s"
    return f"it looks back over {days:.1f} d, further than {most}: write a longer `step`"


_NO_MODE = Mode(name=WELL, kind="drop", selectors=(), by=0.0)
