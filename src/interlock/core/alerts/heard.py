"""What of a mode's answers somebody hears, once it is known who is sent what, and what holds it back.

Rules:
1. An alert is heard when it is sent, which is its route's wait after it fires: that is its time, and it is held
   against the tolerance.
2. One that another alert holds back by then is heard by nobody: an alert that fires while all is well, or one that
   fires in the same failure, which then answers by itself where somebody hears of it.
3. An answer that reaches nobody is none, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from interlock.core.alerts.matrix import Cell, Row, Unheard
from interlock.core.alerts.promtool_says import Fired
from interlock.core.alerts.routing import Sent, Way

Labels = Mapping[str, str]
Holds = Callable[[Row, Fired, float], str]
"""What holds an alert of a row back that is sent so many seconds after the failure began; empty for nothing."""


@dataclass(frozen=True, slots=True)
class _Heard:
    fired: Fired
    way: Way | None
    why: str = ""


def routed(row: Row, sent: Callable[[Labels], Sent], holds: Holds, *, tolerance: float) -> Row:
    """The same where it is known who hears of what."""
    answers: list[Cell] = []
    late: list[Cell] = []
    unheard: list[Unheard] = []
    for cell in (*row.answers, *row.late):
        found = sorted(_ways(row, cell, sent, holds), key=lambda one: one.fired.seconds)
        heard = [one for one in found if one.way]
        soon = [one for one in heard if one.fired.seconds <= tolerance]
        if heard:
            names = dict.fromkeys(one.way.receiver for one in soon or heard[:1] if one.way)
            told = replace(cell, fired=tuple(one.fired for one in heard), receivers=tuple(names))
            (answers if soon else late).append(told)
        if not soon and cell.fired[0].seconds <= tolerance:
            reasons = dict.fromkeys(one.why for one in found if one.why and one.fired.seconds <= tolerance)
            unheard += [Unheard(alert=cell.alert, why=why) for why in reasons]
    return replace(
        row,
        answers=tuple(sorted(answers, key=lambda cell: (cell.seconds or 0.0, cell.alert))),
        late=tuple(late),
        unheard=(*row.unheard, *unheard),
    )


def _ways(row: Row, cell: Cell, sent: Callable[[Labels], Sent], holds: Holds) -> Iterator[_Heard]:
    for one in cell.fired:
        to = sent(one.labels)
        if not to.ways:
            yield _Heard(one, None, to.why)
        for way in to.ways:
            at = one.seconds + way.wait
            why = holds(row, one, at)
            yield _Heard(one, None, why) if why else _Heard(replace(one, seconds=at), way)
