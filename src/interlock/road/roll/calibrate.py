"""How far the control scatters by itself, measured before any traffic moves.

Rules:
1. Where a meter remembers the past it is asked for an hour of it, and nobody waits. Else the control is watched
   alone, at weight 0, shard by shard; each shard plays a canary in turn (a placebo).
2. What was counted is kept whole beside the table made of it: whoever doubts the table makes it again.
3. A metric with fewer than two shards, or too few events, gets no table: the judge then knows no history, passes
   nothing by itself, and stops for catastrophes only. It is said so, loudly, and never guessed.
4. Windows of a second or two are looked at as well: of a short baseline they are all that it tells, and what is
   longer than it allows has the largest φ found.
5. A table that the plan declares stands as it is declared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from interlock.core.change.canonical import canonical
from interlock.core.change.errors import InterlockError, InvalidInput
from interlock.core.change.parse import parse_json
from interlock.core.judge.backstop import Forecast
from interlock.core.judge.phi import WINDOWS, PhiTable, placebo
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.tick import Tick
from interlock.core.rollout.samples import History
from interlock.ports.meter import Meter, Remembering

Rows = tuple[tuple[int, ...], ...]
"""One row a tick, one column a shard."""

PAST_SECONDS, PAST_STEP = 3600.0, 5.0
_CALM = frozenset({"", "no-exposure"})
"""Codes of ticks that tell of the control all the same: at weight 0 nothing is assigned to the canary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The counts of one metric by bucket edge (empty for a counted one), ``every`` seconds a row."""

    every: float
    source: str
    rows: Mapping[str, Rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Tables by metric, the counts behind them, and why a metric has none.

    ``forecast`` is what the backstop holds the rollout to, None where there is none; ``unforeseen`` says why.
    """

    tables: Mapping[str, PhiTable] = field(default_factory=dict)
    measured: Mapping[str, Measured] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)
    forecast: Forecast | None = None
    unforeseen: str = ""

    def to_bytes(self) -> bytes:
        """As it is kept."""
        return canonical(self)

    @property
    def told(self) -> str:
        """For people, in one line."""
        sources = sorted({one.source for name, one in self.measured.items() if name in self.tables})
        known = f"the control's own noise, from {' and '.join(sources)}" if sources else ""
        names = ", ".join(f"{name} ({why})" for name, why in sorted(self.without.items()))
        missing = f"no history of {names}: nothing passes by itself, only catastrophes stop it" if names else ""
        alone = f"no backstop: {self.unforeseen}" if self.unforeseen else ""
        return "; ".join(text for text in (missing, known, alone) if text) or "noise as the plan declares it"


class Calibration:
    """Ticks of the control alone, and what meters remember."""

    def __init__(self, settings: JudgeSettings, meters: Iterable[Meter]) -> None:
        self._settings = settings
        self._rows: dict[tuple[str, str], list[tuple[int, ...]]] = {}
        self._past = _remembered(meters)
        self.ticks = 0

    @property
    def waits(self) -> bool:
        """Whether the control must be watched, because nothing else tells of some metric."""
        return any(name not in self._settings.phi and name not in self._past for name in self._settings.metrics)

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
        """What these ticks, and the past, amount to."""
        tables: dict[str, PhiTable] = {}
        without: dict[str, str] = {}
        measured: dict[str, Measured] = {}
        for name in self._settings.metrics:
            if name in self._settings.phi:
                continue
            measured[name] = self._past.get(name) or self._watched(name, seconds, every)
            try:
                tables[name] = table_of(measured[name])
            except InvalidInput as error:
                without[name] = error.message.removeprefix("expected history with ")
        return Noise(tables=tables, measured=measured, without=without)

    def _watched(self, name: str, seconds: float, every: float) -> Measured:
        rows = {edge: _even(found) for (metric, edge), found in self._rows.items() if metric == name}
        return Measured(every=every, source=f"{seconds:.0f} s before it began", rows=rows)


def table_of(measured: Measured) -> PhiTable:
    """The table of one metric: of several bucket edges the noisiest at each window.

    Raises:
        InvalidInput: ``placebo-history``.
    """
    windows = tuple(window for window in (1.0, 2.0, *WINDOWS) if window >= measured.every)
    found = [
        placebo(rows, every=measured.every, windows=windows, source=measured.source)
        for rows in measured.rows.values()
        if any(any(row) for row in rows)
    ]
    if not found:
        return placebo((), every=measured.every)
    values = tuple(max(each) for each in zip(*(table.values for table in found), strict=True))
    return PhiTable(windows=found[0].windows, values=values, source=measured.source)


def read_noise(content: bytes) -> Noise:
    """What was kept.

    Raises:
        InvalidInput: ``input-shape``.
    """
    return parse_json(Noise, content, what="the noise of a rollout's control")


def unmeasured(settings: JudgeSettings) -> Noise:
    """What is known where the plan says that nothing is to be measured."""
    return Noise(without={name: "baseline: 0" for name in settings.metrics if name not in settings.phi})


def noisy(settings: JudgeSettings, noise: Noise | None) -> JudgeSettings:
    """The settings with the measured tables; declared ones stand."""
    return settings if noise is None else replace(settings, phi={**noise.tables, **settings.phi})


def by_shard(histories: Sequence[History], metric: str, edge: str) -> list[tuple[int | None, ...]]:
    """What each shard counted, as far back as all of them go."""
    found = [one.counts for one in histories if (one.metric, one.edge) == (metric, edge)]
    length = min((len(counts) for counts in found), default=0)
    return [counts[-length:] for counts in found if length]


def _remembered(meters: Iterable[Meter]) -> dict[str, Measured]:
    """The last hour of every metric whose meter remembers it, where enough of it is known."""
    found: dict[str, Measured] = {}
    for meter in meters:
        if not isinstance(meter, Remembering):
            continue
        try:
            histories = meter.history(PAST_SECONDS, PAST_STEP)
        except InterlockError:
            continue
        for name in sorted({one.metric for one in histories}):
            edges = sorted({one.edge for one in histories if one.metric == name})
            rows = {edge: _known(by_shard(histories, name, edge)) for edge in edges}
            known = Measured(every=PAST_STEP, source="the last hour", rows=rows)
            if _tells(known):
                found[name] = known
    return found


def _known(shards: list[tuple[int | None, ...]]) -> Rows:
    """The rows of which every shard is known."""
    rows: list[tuple[int, ...]] = []
    for row in zip(*shards, strict=True):
        counts = tuple(count for count in row if count is not None)
        rows += [counts] if len(counts) == len(row) else []
    return tuple(rows)


def _tells(measured: Measured) -> bool:
    try:
        table_of(measured)
    except InvalidInput:
        return False
    return True


def _even(rows: list[tuple[int, ...]]) -> Rows:
    """The rows of the usual number of shards: a shard that came or went leaves out its ticks."""
    usual = Counter(map(len, rows)).most_common(1)
    return tuple(row for row in rows if usual and len(row) == usual[0][0])
