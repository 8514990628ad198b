"""Who is told of what, and after how long: failure modes against alerts.

Rules:
1. An alert answers a mode when it did not fire while all was well and fires within the tolerance after the failure
   began. One that fires on healthy traffic answers nothing: it would be firing anyhow.
2. It answers with the labels that it goes out with: one whose severity is for nobody tells nobody, and neither
   does one that Alertmanager sends nowhere, where it is known where it sends what.
3. A mode without an answer is a gap, whatever fires later. What fires too late, or for nobody, is told with it.
4. An alert that fires in no mode at all is told: it is about something else, or it can never fire.
5. What could not be decided is undecided and never a proof. An alert on a knife edge is no answer either.
6. Alerts that sleep at some hours answer together where one of them is awake at each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from interlock.core.alerts.gone import Gone
from interlock.core.alerts.promtool_says import Fired
from interlock.core.alerts.relabelled import Relabelled
from interlock.core.alerts.scope import Looked
from interlock.core.alerts.starts import HOURS
from interlock.core.alerts.taken import Taken
from interlock.core.alerts.urgency import is_quiet, severity_of

OWNERS = ("team", "route", "receiver", "owner", "squad")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One alert in one mode: what it ``fired`` with and after how many seconds, the first first.

    ``fault``: why nobody can say. ``receivers`` are who hears of what fired in time, None where nobody looked.
    ``awake``: of one that asks the clock, at which of the hours that were tried it fires, and in words ``only``
    when; None of one that fires at all of them.
    """

    alert: str
    fired: tuple[Fired, ...] = ()
    fault: str = ""
    receivers: tuple[str, ...] | None = None
    awake: frozenset[int] | None = None
    only: str = ""

    @property
    def seconds(self) -> float | None:
        """Until it fires, None where it does not."""
        return self.fired[0].seconds if self.fired else None

    @property
    def ends(self) -> float | None:
        """After how many seconds it fires no more although the failure goes on; None of one that goes on too."""
        last = max((each.last for each in self.fired), default=math.inf)
        return None if math.isinf(last) else last

    @property
    def severity(self) -> str:
        """The word of the first that fired."""
        return severity_of(self.fired[0].labels) if self.fired else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """An alert that fires in time, and why nobody hears of it."""

    alert: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One mode. ``touched`` are the series that it changes, ``answers`` the alerts in time, the fastest first.

    ``near`` is what a mode that changes nothing may have meant, ``taken`` says where the change takes its series
    away; ``edges`` are alerts that fire with some of the
    healthy noise and not with other, ``unheard`` those that fire for nobody: both answer nothing.
    """

    mode: str
    touched: tuple[str, ...]
    cells: tuple[Cell, ...]
    answers: tuple[Cell, ...]
    late: tuple[Cell, ...]
    near: str = ""
    taken: Taken | None = None
    edges: tuple[str, ...] = ()
    unheard: tuple[Unheard, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether somebody is told in time, at any hour: by one alert, or by several that take turns."""
        turns = frozenset(hour for cell in self.answers for hour in cell.awake or ())
        return any(cell.awake is None for cell in self.answers) or len(turns) == HOURS

    @property
    def faults(self) -> tuple[str, ...]:
        """Why something could not be decided."""
        return tuple(dict.fromkeys(cell.fault for cell in self.cells if cell.fault))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known of an alert beside the modes: severity, whose it is, its place, whether it cries wolf.

    ``silent``: it fires in none of the modes. Whether it can fire at all is not said here.
    """

    name: str
    severity: str
    route: str
    place: str
    restless: float | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The whole. ``tolerance`` in seconds; ``synthetic``: healthy series were declared, not captured."""

    rows: tuple[Row, ...]
    alerts: Mapping[str, Told]
    tolerance: float
    synthetic: bool
    unread: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[Gone, ...] = ()
    relabelled: tuple[Relabelled, ...] = ()

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
    taken: Taken | None = None,
) -> Row:
    """What one mode comes to; ``restless`` are the alerts that fire anyhow."""
    every, noisy = tuple(cells), frozenset(restless)
    fired = [cell for cell in every if cell.fired and cell.alert not in noisy] if touched else []
    loud = sorted(map(_loud, fired), key=lambda cell: (cell.seconds or 0.0, cell.alert))
    return Row(
        mode=mode,
        touched=tuple(touched),
        cells=every,
        answers=tuple(cell for cell in loud if cell.seconds is not None and cell.seconds <= tolerance),
        late=tuple(cell for cell in loud if cell.seconds is not None and cell.seconds > tolerance),
        near=near,
        taken=taken,
        unheard=tuple(
            Unheard(alert=cell.alert, why=f"severity {cell.severity} is for nobody")
            for cell, heard in zip(fired, map(_loud, fired), strict=True)
            if not heard.fired and (cell.seconds or 0.0) <= tolerance
        ),
    )


def on_edge(one: Row, shaky: Iterable[str]) -> Row:
    """The same where these alerts fire only with some of the healthy noise."""
    names = frozenset(shaky)
    edges = tuple(cell.alert for cell in one.answers if cell.alert in names)
    return replace(one, answers=tuple(cell for cell in one.answers if cell.alert not in names), edges=edges)


def told_of(alerts: Iterable[Looked]) -> dict[str, Told]:
    """Every alert by what tells it apart; those that nothing tells apart are told by the first."""
    found: dict[str, Told] = {}
    for one in alerts:
        rule = one.rule
        found.setdefault(
            one.key,
            Told(
                name=one.key,
                severity=severity_of(rule.labels),
                route=next((rule.labels[name] for name in OWNERS if rule.labels.get(name)), ""),
                place=f"{rule.place.path}:{rule.place.line}",
            ),
        )
    return found


def _loud(cell: Cell) -> Cell:
    """What of it is for somebody."""
    return replace(cell, fired=tuple(each for each in cell.fired if not is_quiet(each.labels)))
