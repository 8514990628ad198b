"""What an alert that asks the clock comes to, once failures began at every hour of a week.

Rules:
1. It answers with the labels that it goes out with at all of the hours at which it is awake, after as long as it
   takes at the worst of them.
2. One that cries while all is well at one of the hours does so, and answers nothing.
3. One that is awake at some hours answers nothing by itself; ``settled`` says so, with when it is awake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from interlock.core.alerts.matrix import Cell, Matrix, Row, Told, Unheard
from interlock.core.alerts.promtool_says import Fired
from interlock.core.alerts.starts import only
from interlock.core.alerts.urgency import is_quiet


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """One alert in one mode: what ``fired`` at each of the starts since the failure began.

    ``fault``: why nobody can say. ``restless``: when it first cried while all was well, at any of them.
    """

    fired: tuple[tuple[Fired, ...], ...] = ()
    restless: float | None = None
    fault: str = ""


def woken(matrix: Matrix, found: Mapping[tuple[str, str], Hours], starts: Sequence[datetime]) -> Matrix:
    """The matrix with what was ``found`` of alerts that ask the clock, by mode and alert."""
    rows = tuple(_row(row, found, starts, matrix.tolerance) for row in matrix.rows)
    names = {alert for _, alert in found}
    alerts = {name: _told(one, found) if name in names else one for name, one in matrix.alerts.items()}
    return replace(matrix, rows=rows, alerts=alerts, unread={**matrix.unread, **_faults(found)})


def settled(matrix: Matrix) -> Matrix:
    """The same where what is awake at times only is no answer, unless others are when it is not."""
    return replace(matrix, rows=tuple(row if row.proven else _asleep(row) for row in matrix.rows))


def _asleep(row: Row) -> Row:
    more = tuple(Unheard(alert=cell.alert, why=cell.only) for cell in row.answers)
    return replace(row, answers=(), unheard=(*row.unheard, *more))


def _row(row: Row, found: Mapping[tuple[str, str], Hours], starts: Sequence[datetime], tolerance: float) -> Row:
    mine = {alert: hours for (mode, alert), hours in found.items() if mode == row.mode}
    if not mine:
        return row
    noisy = {alert for (_, alert), hours in found.items() if hours.restless is not None}
    known = {cell.alert: cell for cell in (*row.answers, *row.late)}
    new = {name: _cell(name, hours, starts, tolerance) for name, hours in mine.items()}
    loud = [cell for cell in new.values() if cell.fired and cell.alert not in noisy]
    answers = (*(cell for cell in row.answers if cell.alert not in mine), *loud)
    asleep = [name for name, cell in new.items() if not cell.fired and name in known and not mine[name].fault]
    return replace(
        row,
        cells=tuple(new.get(cell.alert, cell) for cell in row.cells),
        answers=tuple(sorted(answers, key=lambda cell: (cell.seconds or 0.0, cell.alert))),
        late=tuple(cell for cell in row.late if cell.alert not in mine),
        unheard=(
            *row.unheard,
            *(Unheard(alert=name, why=new[name].only) for name in asleep if name not in noisy),
        ),
    )


def _cell(name: str, hours: Hours, starts: Sequence[datetime], tolerance: float) -> Cell:
    if hours.fault:
        return Cell(alert=name, fault=hours.fault)
    soon = [
        {tuple(sorted(one.labels.items())): one.seconds for one in fired if _tells(one, tolerance)}
        for fired in hours.fired
    ]
    awake = frozenset(place for place, each in enumerate(soon) if each)
    moments = [starts[place] + timedelta(seconds=min(soon[place].values())) for place in awake]
    common = set.intersection(*(set(soon[place]) for place in awake)) if awake else set()
    fired = [Fired(labels=dict(labels), seconds=max(soon[place][labels] for place in awake)) for labels in common]
    whole = len(awake) == len(starts)
    why = "" if whole else only(moments, starts)
    return Cell(
        alert=name,
        fired=tuple(sorted(fired, key=lambda one: one.seconds)),
        awake=None if whole else awake,
        only=why if fired or not awake else "with other labels at each hour",
    )


def _tells(one: Fired, tolerance: float) -> bool:
    return one.seconds <= tolerance and not is_quiet(one.labels)


def _told(one: Told, found: Mapping[tuple[str, str], Hours]) -> Told:
    mine = [hours for (_, alert), hours in found.items() if alert == one.name and not hours.fault]
    cried = min((hours.restless for hours in mine if hours.restless is not None), default=None)
    fires = any(fired for hours in mine for fired in hours.fired)
    return replace(one, restless=cried, silent=one.silent and not fires) if mine else one


def _faults(found: Mapping[tuple[str, str], Hours]) -> dict[str, str]:
    return {alert: hours.fault for (_, alert), hours in found.items() if hours.fault}
