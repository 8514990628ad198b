"""What an alert proof comes to for one change: which of its failure modes somebody is told of.

Rules:
1. A failure mode of ``change.md`` is proven when the plan binds it to modes, and each of them is answered in time.
2. *Failed* means that one is bound and not answered. One that nothing binds is not proven, and says so: that is
   incomplete and no failure. What could not be decided makes nothing proven.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlock.core.alerts.matrix import Cell, Matrix, Row
from interlock.core.alerts.modes import Mode
from interlock.core.alerts.plan import AlertPlan, covered
from interlock.core.alerts.taken import Taken
from interlock.core.change.canonical import Json

MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One failure mode of the change, with the rows that it is bound to."""

    failure_mode: str
    rows: tuple[Row, ...]

    @property
    def proven(self) -> bool:
        """Whether somebody is told of all that it is bound to."""
        return bool(self.rows) and all(row.proven for row in self.rows)


def answered(plan: AlertPlan, matrix: Matrix, failure_modes: Sequence[str]) -> tuple[Answered, ...]:
    """Each failure mode of the change against the matrix."""
    rows = {row.mode: row for row in matrix.rows}
    return tuple(
        Answered(
            failure_mode=said, rows=tuple(rows[mode.name] for mode in covered(plan, said) if mode.name in rows)
        )
        for said in failure_modes
    )


def verdict(found: Sequence[Answered]) -> str:
    """``passed`` unless one is bound and nobody is told of it."""
    return "failed" if any(one.rows and not one.proven for one in found) else "passed"


def predicate(plan: AlertPlan, matrix: Matrix, found: Sequence[Answered]) -> dict[str, Json]:
    """What is signed; the caller adds whose and when."""
    rows: list[Json] = [_row(row, mode) for row, mode in zip(matrix.rows[:MOST], plan.modes, strict=False)]
    proven: list[Json] = [one.failure_mode for one in found if one.proven]
    unbound: list[Json] = [one.failure_mode for one in found if not one.rows]
    restless: list[Json] = [one.name for one in matrix.restless[:MOST]]
    undecided: list[Json] = [f"{name}: {why}"[:300] for name, why in sorted(matrix.unread.items())[:MOST]]
    return {
        "verdict": verdict(found),
        "proven": proven,
        "unbound": unbound,
        "tolerance_seconds": plan.tolerance,
        "synthetic": matrix.synthetic,
        "modes": rows,
        "restless": restless,
        "undecided": undecided,
        "gone": [
            {"metric": one.metric, "near": one.near, "alerts": [*one.alerts[:MOST]]} for one in matrix.gone[:MOST]
        ],
        "relabelled": [
            {
                "metric": one.metric,
                "label": one.label,
                "value": one.value,
                "now": [*one.now[:MOST]],
                "alerts": [*one.alerts[:MOST]],
            }
            for one in matrix.relabelled[:MOST]
        ],
    }


def _row(row: Row, mode: Mode) -> Json:
    unheard: list[Json] = [{"alert": one.alert, "why": one.why} for one in row.unheard[:MOST]]
    return {
        "mode": row.mode,
        "kind": mode.kind,
        "metrics": [*dict.fromkeys(each.metric for each in mode.selectors)],
        "proven": row.proven,
        "series": len(row.touched),
        "near": row.near,
        "taken": _taken(row.taken),
        "edges": [*row.edges[:MOST]],
        "unheard": unheard,
        "answers": [_cell(cell) for cell in row.answers[:MOST]],
        "late": [_cell(cell) for cell in row.late[:MOST]],
    }


def _taken(taken: Taken | None) -> Json:
    """Null where the change takes none of its series away."""
    if taken is None:
        return None
    return {
        "names": [{"metric": old, "to": new} for old, new in taken.names[:MOST]],
        "places": [*taken.places[:MOST]],
        "captured": taken.captured,
        "told_by": [*taken.told_by[:MOST]],
    }


def _cell(cell: Cell) -> Json:
    """``receivers`` is null where nobody looked where it is routed; ``only`` says when, of one that sleeps.

    ``ends``: after how many seconds it fires no more although the failure goes on, null where it goes on too.
    """
    receivers: list[Json] | None = None if cell.receivers is None else [*cell.receivers]
    said: dict[str, Json] = {"alert": cell.alert, "seconds": cell.seconds, "severity": cell.severity}
    return {**said, "ends": cell.ends, "receivers": receivers, "only": cell.only}
