"""Station 4, gather: whether what fires also reaches somebody, by Alertmanager's file and the real amtool.

Rules:
1. Every set of labels that an alert fires with is asked about, the earliest 50 of each alert in each mode; what is
   not asked about is not counted as heard.
2. The file must be one that Alertmanager loads, before anything is run.
3. Where the change moves the file, it is judged as the change has it, and what the file from before would say
   otherwise is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from interlock.core.alerts.heard import routed
from interlock.core.alerts.inhibitions import holding
from interlock.core.alerts.matrix import Cell, Matrix, Row
from interlock.core.alerts.promtool_says import Fired
from interlock.core.alerts.routing import Routing, Sent, read_routing, sent
from interlock.core.alerts.woken import settled
from interlock.ports.alerts import Labels, RoutesAlerts
from interlock.road.prove_alerts import Proof

MOST_SETS = 50
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Alertmanager's file, and who reads it."""

    routing: Routing
    router: RoutesAlerts

    def applied(self, proof: Proof) -> Proof:
        """The proof without the answers that reach nobody.

        Raises:
            InvalidInput: ``alertmanager-file`` for an answer that cannot be read.
            Unavailable: ``amtool-failed``.
        """
        return replace(proof, matrix=self._matrix(proof.matrix, proof.standing))

    def to(self, every: Sequence[Mapping[str, str]]) -> dict[str, None]:
        """Who hears of alerts with these labels, by the receivers' names.

        Raises:
            InvalidInput: ``alertmanager-file`` for an answer that cannot be read.
            Unavailable: ``amtool-failed``.
        """
        routing, asked = self.routing, [_labels(labels) for labels in every][:MOST_SETS]
        said = self.router.receivers(routing.content, routing.names, asked) if asked else {}
        return {way.receiver: None for each in asked for way in sent(routing, said[each]).ways}

    def _matrix(self, matrix: Matrix, standing: Iterable[Mapping[str, str]]) -> Matrix:
        rows = [replace(row, answers=_capped(row.answers), late=_capped(row.late)) for row in matrix.rows]
        asked = [_labels(each.labels) for row in rows for cell in (*row.answers, *row.late) for each in cell.fired]
        routing, always = self.routing, [*standing]
        said = self.router.receivers(routing.content, routing.names, asked) if asked else {}
        sides = self._sides(asked, rows, always) if asked and routing.inhibitions.rules else {}

        def where(labels: Mapping[str, str]) -> Sent:
            return sent(routing, said[_labels(labels)])

        def holds(row: Row, one: Fired, at: float) -> str:
            if not sides:
                return ""
            sources = [*always, *(each.labels for each in _firing(row) if each.seconds <= at)]
            known = [(labels, sides[_labels(labels)]) for labels in sources]
            found = holding(routing.inhibitions.rules, (one.labels, sides[_labels(one.labels)]), known)
            if found is None:
                return ""
            return f"held back by {found[1].get('alertname', '')} ({routing.path}:{found[0].line})"

        tolerance = matrix.tolerance
        return replace(matrix, rows=tuple(routed(row, where, holds, tolerance=tolerance) for row in rows))

    def _sides(
        self, asked: Iterable[Labels], rows: Iterable[Row], standing: Iterable[Mapping[str, str]]
    ) -> Mapping[Labels, tuple[str, ...]]:
        sources = [_labels(each) for each in standing]
        sources += [_labels(each.labels) for row in rows for each in _firing(row)]
        inhibitions = self.routing.inhibitions
        return self.router.receivers(inhibitions.content, inhibitions.names, [*asked, *sources])


def routes_by(path: str, content: bytes, router: RoutesAlerts, *, year: int | None = None) -> Routes:
    """By the file at ``path``, which names it in errors; ``year`` is the one that intervals are looked at in.

    Raises:
        InvalidInput: ``alertmanager-file``, or what is wrong with the YAML.
        Unavailable: ``amtool-failed``.
    """
    router.check(path, content)
    return Routes(routing=read_routing(path, content, year=year), router=router)


def otherwise(proof: Proof, now: Routes, before: Routes) -> str:
    """What is told of a file that the change moves; ``proof`` is the one before either was looked at.

    Raises:
        InvalidInput: ``alertmanager-file`` for an answer that cannot be read.
        Unavailable: ``amtool-failed``.
    """
    rows, then = ({row.mode: row for row in settled(one.applied(proof).matrix).rows} for one in (now, before))
    said = [
        f"{mode} would be {_told(then[mode])}, and is {_told(row)}"
        for mode, row in rows.items()
        if _told(then[mode]) != _told(row)
    ]
    more = f" and {len(said) - _NAMED} more" if len(said) > _NAMED else ""
    as_before = f"as it was before, {'; '.join(said[:_NAMED])}{more}" if said else "it answers as before"
    return f"{now.routing.path} is changed by this change: {as_before}"


def _told(row: Row) -> str:
    names = dict.fromkeys(name for cell in row.answers for name in cell.receivers or ())
    return f"told to {', '.join(names)}" if row.proven else "told to nobody in time"


def _firing(row: Row) -> list[Fired]:
    return [each for cell in row.cells for each in cell.fired[:MOST_SETS]]


def _capped(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(replace(cell, fired=cell.fired[:MOST_SETS]) for cell in cells)


def _labels(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted(labels.items()))
