"""A rollout as the judge saw it, as JSON lines, and the verdicts recomputed from them.

Rules:
1. A line is a tick, or what the judge was told between two ticks: ``{"expect_share": 0.05}``, ``{"stage":
   {"margin": 0.9, "t": 0}}``, ``{"forecast": {…}}``. A tick's counts of the control are a list of shards or one
   number. In a history, which needs no canary, ``share`` and the canary's counts may be left out.
2. A tick may carry what was said then: ``verdict`` (a word) and ``log_e``. Whoever recomputes compares both
   exactly; no tolerance, because the arithmetic has one answer (see ``arithmetic``).
3. Every line stands for itself and is refused for itself: what does not fit is named with its line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse_foreign
from interlock.core.judge.backstop import Forecast
from interlock.core.judge.judge import Judge
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.tick import Assigned, Counts, MetricKind, Observed, Tick
from interlock.core.judge.verdict import NotEnoughData, Passed, Stopped, Untrusted, Verdict

MOST_BYTES = 1 << 20
"""Of one line."""
_MOST = 2**53
_WORDS: dict[type, str] = {
    Stopped: "stop",
    Passed: "pass",
    NotEnoughData: "not-enough-data",
    Untrusted: "untrusted",
}
_TICK = ("t", "share", "metrics")
_WRITE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """Counts as they are written."""

    control: int | tuple[int, ...]
    canary: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One metric as it is written: counts, or buckets of counts."""

    kind: MetricKind
    canary: int | None = None
    control: int | tuple[int, ...] | None = None
    buckets: dict[str, Arms] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage that began: what it must rule out, and when."""

    margin: float
    t: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The share of requests that the router was told to assign to the canary."""

    expect_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A tick, and what the judge said of it when it was recorded."""

    tick: Tick
    verdict: str = ""
    log_e: float | None = None


Entry = Said | Stage | Share | Forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    t: float | None = None
    share: float | None = None
    metrics: dict[str, Written] | None = None
    assigned: Assigned | None = None
    discard: str = ""
    instances: int = 1
    verdict: str = ""
    log_e: float | None = None
    stage: Stage | None = None
    expect_share: float | None = None
    forecast: Forecast | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One tick recomputed. ``line`` counts from 1; ``differs`` says how it deviates from the record, if so.

    ``recorded`` says that there was something to compare, ``metrics`` which ones the tick counts.
    """

    line: int
    t: float
    metrics: AbstractSet[str]
    verdict: Verdict
    log_e: float
    differs: str = ""
    recorded: bool = False


def word(verdict: Verdict) -> str:
    """``stop``, ``pass``, ``not-enough-data`` or ``untrusted``."""
    return _WORDS[type(verdict)]


def write(entry: Entry) -> str:
    """One line without its end."""
    if isinstance(entry, Stage):
        return _WRITE({"stage": {"margin": entry.margin, "t": entry.t}})
    if isinstance(entry, Share):
        return _WRITE({"expect_share": entry.expect_share})
    if isinstance(entry, Forecast):
        return _WRITE({"forecast": {"every": entry.every, "expected": entry.expected, "phi": entry.phi}})
    return _WRITE(_tick(entry))


def _tick(said: Said) -> dict[str, object]:
    tick = said.tick
    line: dict[str, object] = {"t": tick.t, "share": tick.share}
    line["metrics"] = {name: _observed(observed) for name, observed in tick.metrics.items()}
    if tick.assigned is not None:
        line["assigned"] = {"canary": tick.assigned.canary, "control": tick.assigned.control}
    if tick.discard:
        line["discard"] = tick.discard
    if tick.instances != 1:
        line["instances"] = tick.instances
    if said.verdict:
        line["verdict"], line["log_e"] = said.verdict, said.log_e
    return line


def _observed(observed: Observed) -> dict[str, object]:
    if observed.counts is not None:
        return {"kind": observed.kind, **_arms(observed.counts)}
    return {"kind": observed.kind, "buckets": {edge: _arms(counts) for edge, counts in observed.buckets.items()}}


def _arms(counts: Counts) -> dict[str, object]:
    return {"canary": counts.canary, "control": list(counts.control)}


def read(line: str | bytes, *, alone: bool = False) -> Entry:
    """The entry in one line; ``alone`` for one of a history, where no canary is needed.

    Raises:
        InvalidInput: ``tick-shape``, ``tick-count``, or ``input-shape`` and its like from the JSON reader.
    """
    if len(line) > MOST_BYTES:
        raise _refused("a line of at most 1 MiB", f"{len(line)} bytes", code="tick-shape")
    found = parse_foreign(_Line, line, what="a tick")
    told = [name for name in ("stage", "expect_share", "forecast") if getattr(found, name) is not None]
    if alone and found.metrics is not None:
        found = _alone(found)
    ticks = [name for name in _TICK if getattr(found, name) is not None]
    if len(told) == 1 and not ticks:
        return _told(found)
    if told or len(ticks) < len(_TICK):
        missing = ", ".join(f"`{name}`" for name in _TICK if name not in ticks)
        raise _refused(
            "`t`, `share` and `metrics`", f"none of {missing}" if missing else f"`{told[0]}` beside them"
        )
    return Said(tick=_read_tick(found), verdict=found.verdict, log_e=found.log_e)


def _alone(line: _Line) -> _Line:
    """With no share and no events of a canary, where the line names none."""
    metrics = {name: _without_canary(one) for name, one in (line.metrics or {}).items()}
    return replace(line, share=line.share or 0.0, metrics=metrics)


def _without_canary(written: Written) -> Written:
    if written.buckets is None:
        return replace(written, canary=written.canary or 0)
    buckets = {edge: replace(arms, canary=arms.canary or 0) for edge, arms in written.buckets.items()}
    return replace(written, buckets=buckets)


def _told(line: _Line) -> Entry:
    if line.stage is not None:
        return line.stage
    if line.forecast is not None:
        return line.forecast
    assert line.expect_share is not None  # noqa: S101  # one of three is there, and it is not the others
    return Share(expect_share=line.expect_share)


def _read_tick(line: _Line) -> Tick:
    assert line.t is not None  # noqa: S101  # its caller counted all three
    assert line.share is not None  # noqa: S101  # likewise
    assert line.metrics is not None  # noqa: S101  # likewise
    if line.assigned is not None:
        _whole((line.assigned.canary, line.assigned.control), "assigned")
    metrics = {name: _read_observed(name, written) for name, written in line.metrics.items()}
    if not 1 <= line.instances <= _MOST:
        raise _refused("at least one of `instances`", str(line.instances), code="tick-count")
    return Tick(
        t=line.t,
        share=line.share,
        metrics=metrics,
        assigned=line.assigned,
        discard=line.discard,
        instances=line.instances,
    )


def _read_observed(name: str, written: Written) -> Observed:
    if written.buckets is not None and written.canary is None and written.control is None:
        buckets = {edge: _bucket(arms, f"metrics.{name}.buckets.{edge}") for edge, arms in written.buckets.items()}
        return Observed(kind=written.kind, buckets=buckets)
    if written.buckets is None and written.canary is not None and written.control is not None:
        return Observed(kind=written.kind, counts=_counts(written.canary, written.control, f"metrics.{name}"))
    raise _refused(f"either `canary` and `control` or `buckets` at `metrics.{name[:60]}`", "something else")


def _bucket(arms: Arms, place: str) -> Counts:
    if arms.canary is None:
        raise _refused(f"`canary` and `control` at `{place[:120]}`", "no `canary`")
    return _counts(arms.canary, arms.control, place)


def _counts(canary: int, control: int | tuple[int, ...], place: str) -> Counts:
    shards = (control,) if isinstance(control, int) else control
    _whole((canary, *shards), place)
    return Counts(canary=canary, control=shards)


def _whole(counts: Iterable[int], place: str) -> None:
    for count in counts:
        if not 0 <= count <= _MOST:
            raise _refused(f"counts of 0…2**53 at `{place[:120]}`", str(count), code="tick-count")


def _refused(expected: str, got: str, *, code: str = "tick-shape") -> InvalidInput:
    return InvalidInput(
        f"expected {expected}, got {got}",
        code=code,
        hint="docs/how-to/judge.md shows a line; counts are numbers of events in the tick, not totals",
    )


def recompute(
    settings: JudgeSettings, lines: Iterable[str | bytes], *, where: str = "line ", judge: Judge | None = None
) -> Iterator[Judged]:
    """Judge recorded lines anew, one result a tick; a deviation from what was recorded stands in ``differs``.

    Raises:
        InvalidInput: a line that does not fit, with ``where`` and its number in front.
    """
    judge = judge or Judge(settings)
    for number, entry in entries(lines, where=where):
        with _at(where, number):
            verdict = tell(judge, entry)
        if isinstance(entry, Said) and verdict is not None:
            differs = _differs(entry, verdict, judge.log_e)
            yield Judged(
                line=number,
                t=entry.tick.t,
                metrics=entry.tick.metrics.keys(),
                verdict=verdict,
                log_e=judge.log_e,
                differs=differs,
                recorded=bool(entry.verdict) or entry.log_e is not None,
            )


def entries(
    lines: Iterable[str | bytes], *, where: str = "line ", alone: bool = False
) -> Iterator[tuple[int, Entry]]:
    """Every line that is not empty, with its number; ``alone`` as in ``read``.

    Raises:
        InvalidInput: as ``read``, with ``where`` and the number in front.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            with _at(where, number):
                entry = read(line, alone=alone)
            yield number, entry


@contextmanager
def _at(where: str, number: int) -> Iterator[None]:
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(f"{where}{number}: {error.message}", code=error.code, hint=error.hint) from error


def tell(judge: Judge, entry: Entry) -> Verdict | None:
    """Tell the judge what a line says; its verdict where that is a tick."""
    if isinstance(entry, Said):
        return judge.step(entry.tick)
    if isinstance(entry, Stage):
        judge.begin_stage(entry.margin, entry.t)
    elif isinstance(entry, Share):
        judge.expect_share(entry.expect_share)
    else:
        judge.expect_total(entry)
    return None


def _differs(said: Said, verdict: Verdict, log_e: float) -> str:
    if said.verdict and said.verdict != word(verdict):
        return f"recorded verdict `{said.verdict[:40]}`, recomputed `{word(verdict)}`"
    if said.log_e is not None and said.log_e != log_e:
        return f"recorded log E {said.log_e!r}, recomputed {log_e!r}"
    return ""


def replay(
    settings: JudgeSettings, lines: Iterable[str | bytes], *, where: str = "line "
) -> list[tuple[float, Verdict, float]]:
    """Time, verdict and log E of every tick.

    Raises:
        InvalidInput: as ``recompute``, and ``record-differs`` at the first line that does.
    """
    found = []
    for one in recompute(settings, lines, where=where):
        same(one, where)
        found.append((one.t, one.verdict, one.log_e))
    return found


def same(one: Judged, where: str) -> None:
    """Refuse a tick that deviates from its record.

    Raises:
        InvalidInput: ``record-differs``.
    """
    if one.differs:
        raise InvalidInput(
            f"{where}{one.line}: {one.differs}",
            code="record-differs",
            hint="the counts, the settings or the recorded verdict are not what they were",
        )
