"""How far the control scatters by itself, measured before any traffic moves.

Rules:
1. The control is watched alone, at weight 0, shard by shard; each shard plays a canary in turn (a placebo).
2. What was counted is kept whole beside the table made of it: whoever doubts the table makes it again.
3. A metric with fewer than two shards, or too few events, gets no table: the judge then knows no history, passes
   nothing by itself, and stops for catastrophes only. It is said so, loudly, and never guessed.
4. Windows of a second or two are looked at as well: of a short baseline they are all that it tells, and what is
   longer than it allows has the largest φ found.
5. A table that the plan declares stands as it is declared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from interlock.core.change.canonical import canonical
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse_json
from interlock.core.judge.phi import WINDOWS, PhiTable, placebo
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.tick import Tick

_CALM = frozenset({"", "no-exposure"})
"""Codes of ticks that tell of the control all the same: at weight 0 nothing is assigned to the canary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What was measured: tables by metric, and the counts behind them by metric and bucket edge."""

    every: float
    seconds: float
    tables: Mapping[str, PhiTable] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, tuple[tuple[int, ...], ...]]] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """As it is kept."""
        return canonical(self)

    @property
    def told(self) -> str:
        """For people, in one line."""
        if self.without:
            names = ", ".join(f"{name} ({why})" for name, why in sorted(self.without.items()))
            return f"no history of {names}: nothing passes by itself, only catastrophes stop it"
        return f"the control's own noise, from {self.seconds:.0f} s of it"


class Calibration:
    """Ticks of the control alone."""

    def __init__(self, settings: JudgeSettings) -> None:
        self._settings = settings
        self._rows: dict[tuple[str, str], list[tuple[int, ...]]] = {}
        self.ticks = 0

    def add(self, tick: Tick) -> None:
        """One tick; what does not count is left out."""
        if tick.discard not in _CALM or not tick.metrics:
            return
        self.ticks += 1
        for name, seen in tick.metrics.items():
            if seen.counts is not None:
                self._rows.setdefault((name, ""), []).append(seen.counts.control)
            for edge, counts in seen.buckets.items():
                self._rows.setdefault((name, edge), []).append(counts.control)

    def noise(self, seconds: float, every: float) -> Noise:
        """What these ticks amount to."""
        tables: dict[str, PhiTable] = {}
        without: dict[str, str] = {}
        rows: dict[str, dict[str, tuple[tuple[int, ...], ...]]] = {}
        for name in self._settings.metrics:
            if name in self._settings.phi:
                continue
            rows[name] = {edge: _even(found) for (metric, edge), found in self._rows.items() if metric == name}
            try:
                tables[name] = table_of(rows[name], every=every, source=f"the control, {seconds:.0f} s before")
            except InvalidInput as error:
                without[name] = error.message.removeprefix("expected history with ")
        return Noise(every=every, seconds=seconds, tables=tables, rows=rows, without=without)


def table_of(rows: Mapping[str, tuple[tuple[int, ...], ...]], *, every: float, source: str) -> PhiTable:
    """The table of one metric: of several bucket edges the noisiest at each window.

    Raises:
        InvalidInput: ``placebo-history``.
    """
    windows = tuple(window for window in (1.0, 2.0, *WINDOWS) if window >= every)
    found = [placebo(each, every=every, windows=windows, source=source) for each in rows.values() if _heard(each)]
    if not found:
        placebo((), every=every)
    values = tuple(max(each) for each in zip(*(table.values for table in found), strict=True))
    return PhiTable(windows=found[0].windows, values=values, source=source)


def read_noise(content: bytes) -> Noise:
    """What was kept.

    Raises:
        InvalidInput: ``input-shape``.
    """
    return parse_json(Noise, content, what="the noise of a rollout's control")


def noisy(settings: JudgeSettings, noise: Noise | None) -> JudgeSettings:
    """The settings with the measured tables; declared ones stand."""
    return settings if noise is None else replace(settings, phi={**noise.tables, **settings.phi})


def none_measured(settings: JudgeSettings) -> str:
    """What is told where nothing was to be measured."""
    missing = sorted(name for name in settings.metrics if name not in settings.phi)
    if not missing:
        return "noise as the plan declares it"
    return f"no history of {', '.join(missing)}: nothing passes by itself, only catastrophes stop it"


def _even(rows: list[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """The rows of the usual number of shards: a shard that came or went leaves out its ticks."""
    usual = Counter(map(len, rows)).most_common(1)
    return tuple(row for row in rows if usual and len(row) == usual[0][0])


def _heard(rows: tuple[tuple[int, ...], ...]) -> bool:
    return any(any(row) for row in rows)
