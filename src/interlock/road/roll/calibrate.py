"""How far the control scatters by itself, measured before any traffic moves.

Rules:
1. Where a meter remembers the past it is asked for it, and nobody waits. Else the control is watched alone, at
   weight 0, shard by shard; each shard plays a canary in turn (a placebo).
2. The last hour, in fine steps, tells of short windows. Of long ones an hour has few, and what is only uncertain
   would cost as much as noise: they are told by as much as is remembered with the shards of today, up to a day.
   Where this hour is for certain noisier than the day was, it counts.
3. What was counted is kept whole beside the table made of it: whoever doubts the table makes it again.
4. A metric with fewer than two shards, or too few events, gets no table: the judge then knows no history, passes
   nothing by itself, and stops for catastrophes only. It is said so, loudly, and never guessed.
5. Windows of a second or two are looked at as well: of a short baseline they are all that it tells, and what is
   longer than it allows has the largest φ found.
6. A table that the plan declares stands as it is declared. One that is measured says how large its shards were,
   and is fitted to the canary's instances by the judge.
7. Bad events that hardly ever happen among several shards tell nothing of their scatter, and much of how rare they
   are: φ is then the pessimistic one that is taken without history, at which a good version can pass by its own
   rate against the metric's floor. A service without errors could never pass otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from interlock.core.change.canonical import canonical
from interlock.core.change.errors import InterlockError, InvalidInput
from interlock.core.change.parse import parse_json
from interlock.core.judge.backstop import Forecast
from interlock.core.judge.phi import LOWER, UNKNOWN, UPPER, WINDOWS, PhiTable, placebo
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.tick import Tick
from interlock.core.rollout.samples import History
from interlock.ports.meter import Meter, Remembering

_MOST_COUNTS = 500_000
"""Of one metric: a large fleet tells as much in fewer hours, and all of it is kept with the rollout."""

Rows = tuple[tuple[int, ...], ...]
"""One row a tick, one column a shard."""

PAST_SECONDS, PAST_STEP = 3600.0, 5.0
FEWEST_ROWS = 20
"""Ticks from which on it is told whether events are rare."""
HOURS, LONG_STEP = (24, 12, 6, 3), 30.0
"""How far back long windows are looked at, the most first, in steps that fit every one of them."""
_MOST_UNKNOWN = 0.1
_NEWEST = 10
"""Steps in which a shard must have been counted to be one of today's."""
_CALM = frozenset({"", "no-exposure"})
"""Codes of ticks that tell of the control all the same: at weight 0 nothing is assigned to the canary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Longer:
    """The same over a longer time, in wider steps."""

    every: float
    rows: Mapping[str, Rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The counts of one metric by bucket edge (empty for a counted one), ``every`` seconds a row.

    ``longer`` tells of windows that are no shorter than its steps, None where nothing goes further back. ``rare``:
    bad events, too few to tell how they scatter. ``by_request``: the router decides for each request anew.
    """

    every: float
    source: str
    rows: Mapping[str, Rows]
    longer: Longer | None = None
    rare: bool = False
    by_request: bool = False


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

    def __init__(self, settings: JudgeSettings, meters: Iterable[Meter], *, by_request: bool = False) -> None:
        self._settings, self._by_request = settings, by_request
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
            found = self._past.get(name) or self._watched(name, seconds, every)
            measured[name] = replace(found, by_request=self._by_request)
            if self._settings.metrics[name].kind == "bad" and _too_rare(measured[name]):
                measured[name] = replace(measured[name], rare=True)
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
    if measured.rare:
        return PhiTable.flat(UNKNOWN, f"hardly an event in {measured.source}")
    windows = tuple(window for window in (1.0, 2.0, *WINDOWS) if window >= measured.every)
    short = _values(measured.rows, measured.every, windows)
    longer = measured.longer
    table = PhiTable(
        windows=windows,
        values=short,
        source=measured.source,
        shard=_smallest(measured),
        by_request=measured.by_request,
    )
    if longer is None:
        return table
    certain = _values(measured.rows, measured.every, windows, bound=LOWER)
    wide = tuple(window for window in windows if window >= longer.every)
    known = dict(zip(wide, _values(longer.rows, longer.every, wide), strict=True))
    values: list[float] = []
    for window, upper, lower in zip(windows, short, certain, strict=True):
        values.append(max(known[window], lower, *values) if window in known else upper)
    return replace(table, values=tuple(values))


def _smallest(measured: Measured) -> float:
    """The part of the control's traffic that a shard had, where they were most."""
    rows = chain(measured.rows.values(), measured.longer.rows.values() if measured.longer else ())
    return 1.0 / max(len(each[0]) for each in rows if each)


def _too_rare(measured: Measured) -> bool:
    """Whether several shards were watched for a while, and their events are too few to scatter."""
    rows = list(measured.rows.values())
    watched = bool(rows) and all(len(each) >= FEWEST_ROWS and len(each[0]) > 1 for each in rows)
    return watched and not _tells(measured)


def _values(
    rows: Mapping[str, Rows], every: float, windows: tuple[float, ...], bound: float = UPPER
) -> tuple[float, ...]:
    """φ at each window: of several edges the largest."""
    found = [
        placebo(each, every=every, windows=windows, bound=bound).values
        for each in rows.values()
        if any(any(row) for row in each)
    ]
    if not found:
        return placebo((), every=every).values
    return tuple(max(each) for each in zip(*found, strict=True))


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
    """The past of every metric whose meter remembers it, where enough of its last hour is known."""
    found: dict[str, Measured] = {}
    for meter in meters:
        if not isinstance(meter, Remembering):
            continue
        hour = _asked(meter, PAST_SECONDS, PAST_STEP)
        told = {name: known for name in _names(hour) if _tells(known := _last_hour(hour, name))}
        day = _asked(meter, HOURS[0] * PAST_SECONDS, LONG_STEP) if told else ()
        found |= {name: _with_longer(known, day, name) for name, known in told.items()}
    return found


def _asked(meter: Remembering, seconds: float, step: float) -> Sequence[History]:
    try:
        return meter.history(seconds, step)
    except InterlockError:
        return ()


def _names(histories: Sequence[History]) -> list[str]:
    return sorted({one.metric for one in histories})


def _last_hour(histories: Sequence[History], name: str) -> Measured:
    edges = sorted({one.edge for one in histories if one.metric == name})
    rows = {edge: _known(by_shard(histories, name, edge)) for edge in edges}
    return Measured(every=PAST_STEP, source="the last hour", rows=rows)


def _with_longer(hour: Measured, histories: Sequence[History], name: str) -> Measured:
    """With as much of the day as is known of the shards that are there now, at least some hours."""
    for hours in HOURS:
        steps = round(hours * PAST_SECONDS / LONG_STEP)
        rows = {edge: _of_today(by_shard(histories, name, edge), steps) for edge in hour.rows}
        if min(map(len, rows.values()), default=0) < (1.0 - _MOST_UNKNOWN) * steps:
            continue
        if sum(map(len, chain.from_iterable(rows.values()))) > _MOST_COUNTS:
            continue
        longer = replace(
            hour, source=f"{hour.source} and the last {hours} h", longer=Longer(every=LONG_STEP, rows=rows)
        )
        if _tells(longer):
            return longer
    return hour


def _of_today(shards: list[tuple[int | None, ...]], steps: int) -> Rows:
    """The rows of the shards that counted to the end."""
    last = [counts[-steps:] for counts in shards]
    return _known([counts for counts in last if any(count is not None for count in counts[-_NEWEST:])])


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
