"""What the judge says of recorded counts, on one screen: the answer, each metric's evidence, what to do.

Rules:
1. Evidence, harm and spans of time are written as in the live view.
2. Nothing is advised that would not help: where a metric has no φ, neither counting longer nor a margin does.
"""

from __future__ import annotations

from collections.abc import Mapping

from interlock.core.judge.course import Course
from interlock.core.judge.history import ABSENT
from interlock.core.judge.told import stop_told
from interlock.core.judge.verdict import MetricStanding, Passed, Stopped, Untrusted
from interlock.doors.cli.screens.columns import told
from interlock.doors.cli.screens.rollout_bars import change, odds, span
from interlock.doors.cli.screens.rollout_sums import regression
from interlock.doors.cli.text import paint, plural, safe

BAR = 12
_COLOURS = {"stop": "red", "pass": "green", "not-enough-data": "yellow", "untrusted": "yellow"}


def screen(found: Course, missing: Mapping[str, str] | None = None) -> list[str]:
    """The lines; ``missing`` is why the history that was given measured nothing of a metric, None without one."""
    standing = found.standing
    head = paint(found.word.upper().replace("-", " "), fg=_COLOURS[found.word], bold=True)
    lines = [f"{head}  {_answer(found)}"]
    for name, one in standing.metrics.items():
        lines.extend(told(safe(name)[:8], _metric(one, kind=found.settings.metrics[name].kind)))
    lines.extend(told("evidence", _evidence(standing.log_e, standing.stops_at)))
    counted = f"{plural(standing.ticks, 'tick')}, {standing.discarded:,} of them discarded"
    lines.extend(told("judged", f"{counted}, under {found.settings.digest[:19]}…"))
    if found.compared is not None:
        lines.extend(told("verified", _verified(found.compared)))
    for why, names in _without(found, missing).items():
        text = f"for {safe(', '.join(names))}: nothing passes, only a catastrophe stops; {why}"
        lines.extend(told("no φ", text))
    return lines


def _verified(compared: int) -> str:
    if not compared:
        return "nothing: no tick says what was found when it was recorded, so there was nothing to compare"
    return f"{plural(compared, 'tick')} compared with what was recorded, each the same to the last digit"


def _without(found: Course, missing: Mapping[str, str] | None) -> dict[str, list[str]]:
    """The metrics that have no φ, by the reason."""
    reasons: dict[str, list[str]] = {}
    for name in found.settings.metrics:
        if name not in found.settings.phi:
            why = "measure it with --history FILE" if missing is None else missing.get(name, ABSENT)
            reasons.setdefault(why, []).append(name)
    return reasons


def _answer(found: Course) -> str:
    verdict, at = found.verdict, f"at {found.standing.t:,.6g} s"
    if isinstance(verdict, Stopped):
        return f"{at}: {safe(stop_told(verdict))}"
    if isinstance(verdict, Passed):
        first = f"first {found.first_pass:,.6g} s in; " if found.first_pass is not None else ""
        return f"{at}: {first}no larger regression than the margin permits"
    if isinstance(verdict, Untrusted):
        return f"{at}: {safe(verdict.code)}: {safe(verdict.why)}"
    if any(name not in found.settings.phi for name in found.settings.metrics):
        return f"{at}: nothing passes where a metric has no φ"
    if verdict.eta is None:
        return (
            f"{at}: too little is ruled out to pass, and no pass is in sight: count longer, or ask less: --margin"
        )
    return f"{at}: too little is ruled out to pass yet; a pass is expected in {span(verdict.eta)}"


def _metric(one: MetricStanding, *, kind: str) -> str:
    parts = [f"canary {one.canary:,} of {one.expected:,.1f} expected"]
    if one.estimate is not None:
        low, high = ("?" if bound is None else change(bound) for bound in (one.low, one.high))
        parts.append(f"{change(one.estimate)} ({low} … {high})")
    ruled = "nothing ruled out" if one.ruled_out is None else f"{regression(one.ruled_out, kind)} ruled out"
    return "  ·  ".join([*parts, ruled, f"{odds(one.log_e)} for harm"])


def _evidence(log_e: float, stops_at: float) -> str:
    full = max(0, min(BAR, round(BAR * log_e / stops_at)))
    drawn = "█" * full + "·" * (BAR - full)
    return f"{drawn} {odds(log_e)} for harm, stops at {odds(stops_at)}"
