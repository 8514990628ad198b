"""A whole recorded rollout, judged offline: what was said in the end, when, and by which evidence.

Rules:
1. It ends at a STOP, as the rollout would have; everything behind is not looked at.
2. φ of a metric that the settings have none of can be measured on ticks of the control alone, of which the
   usual number of shards counts. A metric that cannot be measured stays without history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.judge.arithmetic import HIGHEST
from interlock.core.judge.judge import Judge
from interlock.core.judge.phi import PhiTable, placebo
from interlock.core.judge.record import Said, entries, recompute, same, word
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.tick import Counts
from interlock.core.judge.verdict import NotEnough, Passed, Standing, Stopped, Untrusted, Verdict

_FEWEST_SHARDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The verdict of the last tick, where everything stood then, and when a pass was said first."""

    settings: JudgeSettings
    verdict: Verdict
    standing: Standing
    first_pass: float | None

    @property
    def word(self) -> str:
        """The verdict in a word."""
        return word(self.verdict)


def course(
    settings: JudgeSettings,
    lines: Iterable[str | bytes],
    *,
    where: str = "line ",
    margin: float | None = None,
    verify: bool = False,
) -> Course:
    """Judge recorded lines up to a STOP or to their end.

    Raises:
        InvalidInput: as ``recompute``; ``ticks-missing`` where there are none; ``record-differs`` with ``verify``.
    """
    judge = Judge(settings)
    if margin is not None:
        judge.begin_stage(margin, 0.0)
    verdict, first_pass = None, None
    for one in recompute(settings, lines, where=where, judge=judge):
        if verify:
            same(one, where)
        verdict = one.verdict
        if isinstance(verdict, Passed) and first_pass is None:
            first_pass = one.t
        if isinstance(verdict, Stopped) and not verify:
            break
    if verdict is None:
        raise InvalidInput(
            f"expected ticks, got none in `{where.rstrip(': ')}`",
            code="ticks-missing",
            hint="docs/how-to/judge.md shows a line",
        )
    return Course(settings=settings, verdict=verdict, standing=judge.standing(), first_pass=first_pass)


def measured(settings: JudgeSettings, lines: Iterable[str | bytes], *, where: str = "line ") -> JudgeSettings:
    """The settings with φ measured on the control's shards, for every metric that has none.

    Raises:
        InvalidInput: as ``entries``.
    """
    rows: dict[tuple[str, str], list[tuple[int, ...]]] = {}
    times: list[float] = []
    for _, entry in entries(lines, where=where):
        if isinstance(entry, Said) and not entry.tick.discard:
            times.append(entry.tick.t)
            for name, observed in entry.tick.metrics.items():
                series = dict(observed.buckets) if observed.counts is None else {"": observed.counts}
                _collect(rows, name, series)
    every = _usual_gap(times)
    found = {name: _worst(rows, name, every, where) for name in settings.metrics if name not in settings.phi}
    return replace(settings, phi={**{name: table for name, table in found.items() if table}, **settings.phi})


def _collect(rows: dict[tuple[str, str], list[tuple[int, ...]]], name: str, series: dict[str, Counts]) -> None:
    for edge, counts in series.items():
        rows.setdefault((name, edge), []).append(counts.control)


def _usual_gap(times: Sequence[float]) -> float:
    gaps = Counter(round(after - before, 6) for before, after in pairwise(times))
    return gaps.most_common(1)[0][0] if gaps else 0.0


def _worst(
    rows: dict[tuple[str, str], list[tuple[int, ...]]], name: str, every: float, where: str
) -> PhiTable | None:
    """The largest φ over a metric's series at each window; None where history does not tell."""
    found = []
    for (metric, _), series in rows.items():
        usual = Counter(map(len, series)).most_common(1)[0][0]
        if metric != name or usual < _FEWEST_SHARDS:
            continue
        try:
            found.append(placebo([row for row in series if len(row) == usual], every=every))
        except InvalidInput:
            continue
    if not found:
        return None
    values = tuple(max(each) for each in zip(*(table.values for table in found), strict=True))
    return PhiTable(windows=found[0].windows, values=values, source=where.rstrip(": "))


def report(found: Course) -> dict[str, Json]:
    """All of it as JSON values."""
    standing, settings = found.standing, found.settings
    metrics: dict[str, Json] = {}
    for name, one in standing.metrics.items():
        metrics[name] = {
            "canary": one.canary,
            "control": one.control,
            "expected": one.expected,
            "estimate": one.estimate,
            "low": one.low,
            "high": one.high,
            "lost": one.lost,
            "log_e": one.log_e,
            "ruled_out": one.ruled_out,
            "history": name in settings.phi,
        }
    return {
        "verdict": found.word,
        "t": standing.t,
        **_said(found.verdict),
        "first_pass": found.first_pass,
        "log_e": standing.log_e,
        "stops_at": standing.stops_at,
        "capped_at": HIGHEST,
        "metrics": metrics,
        "ticks": standing.ticks,
        "discarded": standing.discarded,
        "settings": settings.digest,
    }


def _said(verdict: Verdict) -> dict[str, Json]:
    if isinstance(verdict, Stopped):
        return {
            "metric": verdict.metric,
            "canary": verdict.canary,
            "expected": verdict.expected,
            "estimate": verdict.estimate,
            "at_least": verdict.at_least,
        }
    if isinstance(verdict, Untrusted):
        return {"code": verdict.code, "why": verdict.why}
    if isinstance(verdict, NotEnough):
        return {"eta": verdict.eta}
    return {}
