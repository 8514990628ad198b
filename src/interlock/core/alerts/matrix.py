"""Who is told of what, and after how long: failure modes against alerts.

Rules:
1. An alert answers a mode when it did not fire while all was well and fires within the tolerance after the failure
   began. One that fires on healthy traffic answers nothing: it would be firing anyhow.
2. A mode without an answer is a gap, whatever fires later. What fires too late is told with it.
3. An alert that fires in no mode at all is told: it is about something else, or it can never fire.
4. What could not be decided is undecided and never a proof. An alert on a knife edge is no answer either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from interlock.core.alerts.gone import Gone
from interlock.core.alerts.rule_files import Rule

SEVERITIES = ("severity", "priority", "level")
ROUTES = ("team", "route", "receiver", "owner", "squad")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One alert in one mode: seconds until it fires, None where it does not. ``fault``: why nobody can say."""

    alert: str
    seconds: float | None
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One mode. ``touched`` are the series that it changes, ``answers`` the alerts in time, the fastest first.

    ``near`` is what a mode that changes nothing may have meant; ``edges`` are alerts that fire with some of the
    healthy noise and not with other, which answer nothing.
    """

    mode: str
    touched: tuple[str, ...]
    cells: tuple[Cell, ...]
    answers: tuple[Cell, ...]
    late: tuple[Cell, ...]
    near: str = ""
    edges: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether somebody is told in time."""
        return bool(self.answers)

    @property
    def faults(self) -> tuple[str, ...]:
        """Why something could not be decided."""
        return tuple(dict.fromkeys(cell.fault for cell in self.cells if cell.fault))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known of an alert beside the modes: its severity, its route, its place, whether it cries wolf."""

    name: str
    severity: str
    route: str
    place: str
    restless: float | None = None
    never: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The whole. ``tolerance`` in seconds; ``synthetic``: healthy series were declared, not captured."""

    rows: tuple[Row, ...]
    alerts: Mapping[str, Told]
    tolerance: float
    synthetic: bool
    unread: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[Gone, ...] = ()

    @property
    def gaps(self) -> tuple[Row, ...]:
        """Modes of which nobody is told in time."""
        return tuple(row for row in self.rows if not row.proven)

    @property
    def restless(self) -> tuple[Told, ...]:
        """Alerts that fire while all is well."""
        return tuple(one for one in self.alerts.values() if one.restless is not None)


def row(
    mode: str,
    touched: Sequence[str],
    cells: Iterable[Cell],
    *,
    tolerance: float,
    restless: Iterable[str],
    near: str = "",
) -> Row:
    """What one mode comes to; ``restless`` are the alerts that fire anyhow."""
    every, noisy = tuple(cells), frozenset(restless)
    fired = sorted(
        (cell for cell in every if cell.seconds is not None and cell.alert not in noisy),
        key=lambda cell: (cell.seconds or 0.0, cell.alert),
    )
    return Row(
        mode=mode,
        touched=tuple(touched),
        cells=every,
        answers=tuple(cell for cell in fired if (cell.seconds or 0.0) <= tolerance) if touched else (),
        late=tuple(cell for cell in fired if (cell.seconds or 0.0) > tolerance),
        near=near,
    )


def on_edge(one: Row, shaky: Iterable[str]) -> Row:
    """The same where these alerts fire only with some of the healthy noise."""
    names = frozenset(shaky)
    edges = tuple(cell.alert for cell in one.answers if cell.alert in names)
    return replace(one, answers=tuple(cell for cell in one.answers if cell.alert not in names), edges=edges)


def told_of(rules: Iterable[Rule]) -> dict[str, Told]:
    """Every alert by name; several rules of one name, such as for several severities, are told by the first."""
    found: dict[str, Told] = {}
    for rule in rules:
        if rule.alert:
            found.setdefault(
                rule.name,
                Told(
                    name=rule.name,
                    severity=_first(rule.labels, SEVERITIES),
                    route=_first(rule.labels, ROUTES),
                    place=f"{rule.place.path}:{rule.place.line}",
                ),
            )
    return found


def _first(labels: Mapping[str, str], names: Sequence[str]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")
