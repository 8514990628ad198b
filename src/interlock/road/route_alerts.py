"""Station 4, gather: whether what fires also reaches somebody, by Alertmanager's file and the real amtool.

Rules:
1. Every set of labels that an alert fires with is asked about, the earliest 50 of each alert in each mode; what is
   not asked about is not counted as heard.
2. The file must be one that Alertmanager loads, before anything is run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from interlock.core.alerts.matrix import Cell, Matrix, routed
from interlock.core.alerts.routing import Routing, Sent, read_routing, sent
from interlock.ports.alerts import Labels, RoutesAlerts
from interlock.road.prove_alerts import Proof

MOST_SETS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Alertmanager's file, and who reads it."""

    routing: Routing
    content: bytes
    router: RoutesAlerts

    def applied(self, proof: Proof) -> Proof:
        """The proof without the answers that reach nobody.

        Raises:
            InvalidInput: ``alertmanager-file`` for an answer that cannot be read.
            Unavailable: ``amtool-failed``.
        """
        return replace(proof, matrix=self._matrix(proof.matrix))

    def to(self, every: Sequence[Mapping[str, str]]) -> dict[str, None]:
        """Who hears of alerts with these labels, by the receivers' names.

        Raises:
            InvalidInput: ``alertmanager-file`` for an answer that cannot be read.
            Unavailable: ``amtool-failed``.
        """
        asked = [_labels(labels) for labels in every][:MOST_SETS]
        said = self.router.receivers(self.content, [*self.routing.receivers], asked) if asked else {}
        return {name: None for each in asked for name in sent(self.routing, said[each]).heard}

    def _matrix(self, matrix: Matrix) -> Matrix:
        rows = [replace(row, answers=_capped(row.answers), late=_capped(row.late)) for row in matrix.rows]
        asked = [_labels(each.labels) for row in rows for cell in (*row.answers, *row.late) for each in cell.fired]
        said = self.router.receivers(self.content, [*self.routing.receivers], asked) if asked else {}

        def where(labels: Mapping[str, str]) -> Sent:
            return sent(self.routing, said[_labels(labels)])

        return replace(matrix, rows=tuple(routed(row, where, tolerance=matrix.tolerance) for row in rows))


def routes_by(path: str, content: bytes, router: RoutesAlerts) -> Routes:
    """By the file at ``path``, which names it in errors.

    Raises:
        InvalidInput: ``alertmanager-file``, or what is wrong with the YAML.
        Unavailable: ``amtool-failed``.
    """
    router.check(path, content)
    return Routes(routing=read_routing(path, content), content=content, router=router)


def _capped(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(replace(cell, fired=cell.fired[:MOST_SETS]) for cell in cells)


def _labels(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted(labels.items()))
