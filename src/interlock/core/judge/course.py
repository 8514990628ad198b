"""A whole recorded rollout, judged offline: what was said in the end, when, and by which evidence.

Rules:
1. It ends at a STOP, as the rollout would have; nothing behind it is judged. What was recorded is compared to the
   last line all the same, where that is asked for, and how many ticks had something to compare is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.judge.arithmetic import HIGHEST
from interlock.core.judge.judge import Judge
from interlock.core.judge.record import recompute, same, word
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.verdict import NotEnough, Passed, Standing, Stopped, Untrusted, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The verdict of the last tick, where everything stood then, and when a pass was said first.

    ``compared`` is how many ticks said what was found when they were recorded, each of them the same as now; None
    where nobody asked.
    """

    settings: JudgeSettings
    verdict: Verdict
    standing: Standing
    first_pass: float | None
    compared: int | None = None

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
        InvalidInput: as ``recompute``; ``ticks-missing`` where there are none; ``ticks-metric`` where a metric of
            the settings is in none; ``record-differs`` with ``verify``.
    """
    judge = Judge(settings)
    if margin is not None:
        judge.begin_stage(margin, 0.0)
    verdict, first_pass, stopped, compared = None, None, None, 0
    uncounted = set(settings.metrics)
    for one in recompute(settings, lines, where=where, judge=judge):
        if verify:
            same(one, where)
            compared += one.recorded
        if stopped is not None:
            continue
        verdict = one.verdict
        uncounted -= one.metrics
        if isinstance(verdict, Passed) and first_pass is None:
            first_pass = one.t
        if isinstance(verdict, Stopped):
            stopped = judge.standing()
            if not verify:
                break
    if verdict is None:
        raise InvalidInput(
            f"expected ticks, got none in `{where.rstrip(': ')}`",
            code="ticks-missing",
            hint="docs/how-to/judge.md shows a line",
        )
    _check_counted(uncounted, where)
    return Course(
        settings=settings,
        verdict=verdict,
        standing=stopped or judge.standing(),
        first_pass=first_pass,
        compared=compared if verify else None,
    )


def _check_counted(uncounted: AbstractSet[str], where: str) -> None:
    """A metric that no tick has is misspelt or was never recorded; it is not the same as one that went missing."""
    if not uncounted:
        return
    raise InvalidInput(
        f"expected counts of `{min(uncounted)[:60]}` in `{where.rstrip(': ')}`, got none in any tick",
        code="ticks-metric",
        hint="count it in every tick, or leave it out of the settings: without it no tick counts",
    )


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
        "compared": found.compared,
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
