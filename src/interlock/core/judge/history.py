"""φ measured on an hour of recorded ticks, for every metric that the settings have none of.

Rules:
1. Counts of the control alone matter, of which the usual number of shards counts: a history needs no canary.
2. What one control counts in all says nothing of how shards differ: a metric is measured on a list of them.
3. A metric that cannot be measured stays without φ, and it is said why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from interlock.core.change.errors import InvalidInput
from interlock.core.judge.phi import PhiTable, placebo
from interlock.core.judge.record import Said, entries
from interlock.core.judge.series import check_edges
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.tick import Counts, Observed

ABSENT = "the history does not count it"
ONE_CONTROL = 'the history has its control as one number: give a list of canary-sized shards, "control": [5, 4, 6]'
TOO_LITTLE = "the history has too few events of it, or too few ticks: take an hour or more"
_FEWEST_SHARDS = 2

Rows = dict[str, dict[str, list[tuple[int, ...]]]]
"""By metric and edge the counts of the control's shards, tick by tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The settings with what was found, and why nothing was of the other metrics that have no φ."""

    settings: JudgeSettings
    missing: Mapping[str, str] = field(default_factory=dict)


def measured(settings: JudgeSettings, lines: Iterable[str | bytes], *, where: str = "line ") -> Measured:
    """φ on the control's shards, for every metric that has none.

    Raises:
        InvalidInput: as ``entries``.
    """
    rows: Rows = {}
    times: list[float] = []
    for number, entry in entries(lines, where=where, alone=True):
        if isinstance(entry, Said) and not entry.tick.discard:
            times.append(entry.tick.t)
            for name, observed in entry.tick.metrics.items():
                _check(settings, name, observed, where=f"{where}{number}")
                _collect(rows, name, dict(observed.buckets) if observed.counts is None else {"": observed.counts})
    every, source = _usual_gap(times), where.rstrip(": ")
    asked = [name for name in settings.metrics if name not in settings.phi]
    found = {name: _worst(rows.get(name, {}), every, source) for name in asked}
    tables = {name: one for name, one in found.items() if isinstance(one, PhiTable)}
    missing = {name: one for name, one in found.items() if isinstance(one, str)}
    return Measured(settings=replace(settings, phi={**tables, **settings.phi}), missing=missing)


def _check(settings: JudgeSettings, name: str, observed: Observed, *, where: str) -> None:
    """φ of another bucket than that which is judged says nothing of it."""
    known = settings.metrics.get(name)
    if known is None or not known.edges:
        return
    try:
        check_edges(name, known.edges, observed.buckets)
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error.message}", code=error.code, hint=error.hint) from error


def _collect(rows: Rows, name: str, series: Mapping[str, Counts]) -> None:
    for edge, counts in series.items():
        rows.setdefault(name, {}).setdefault(edge, []).append(counts.control)


def _usual_gap(times: Sequence[float]) -> float:
    gaps = Counter(round(after - before, 6) for before, after in pairwise(times))
    return gaps.most_common(1)[0][0] if gaps else 0.0


def _worst(series: Mapping[str, list[tuple[int, ...]]], every: float, source: str) -> PhiTable | str:
    """The largest φ over a metric's series at each window; a reason where history does not tell."""
    if not series:
        return ABSENT
    found, sharded = [], False
    for rows in series.values():
        usual = Counter(map(len, rows)).most_common(1)[0][0]
        if usual < _FEWEST_SHARDS:
            continue
        sharded = True
        try:
            found.append(placebo([row for row in rows if len(row) == usual], every=every))
        except InvalidInput:
            continue
    if not found:
        return TOO_LITTLE if sharded else ONE_CONTROL
    values = tuple(max(each) for each in zip(*(table.values for table in found), strict=True))
    return PhiTable(windows=found[0].windows, values=values, source=source)
