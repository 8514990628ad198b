"""What the judge says of recorded counts, on one screen: the answer, each metric's evidence, what to do."""

from __future__ import annotations

from interlock.core.judge.arithmetic import HIGHEST
from interlock.core.judge.course import Course
from interlock.core.judge.told import stop_told
from interlock.core.judge.verdict import MetricStanding, Passed, Stopped, Untrusted
from interlock.core.rollout.phrases import percent
from interlock.doors.cli.screens.columns import told
from interlock.doors.cli.text import paint, plural, safe

BAR = 12
_COLOURS = {"stop": "red", "pass": "green", "not-enough-data": "yellow", "untrusted": "yellow"}


def screen(found: Course) -> list[str]:
    """The lines."""
    standing = found.standing
    head = paint(found.word.upper().replace("-", " "), fg=_COLOURS[found.word], bold=True)
    lines = [f"{head}  {_answer(found)}"]
    for name, one in standing.metrics.items():
        lines.extend(told(safe(name)[:8], _metric(one, kind=found.settings.metrics[name].kind)))
    lines.extend(told("evidence", _evidence(standing.log_e, standing.stops_at)))
    counted = f"{plural(standing.ticks, 'tick')}, {standing.discarded:,} of them discarded"
    lines.extend(told("judged", f"{counted}, under {found.settings.digest[:19]}…"))
    without = [name for name in found.settings.metrics if name not in found.settings.phi]
    if without:
        names = safe(", ".join(without))
        lines.extend(
            told("no φ", f"for {names}: nothing passes, only a catastrophe stops; measure it with --history FILE")
        )
    return lines


def _answer(found: Course) -> str:
    verdict, at = found.verdict, f"at {found.standing.t:,.6g} s"
    if isinstance(verdict, Stopped):
        return f"{at}: {safe(stop_told(verdict))}"
    if isinstance(verdict, Passed):
        first = f"first {found.first_pass:,.6g} s in; " if found.first_pass is not None else ""
        return f"{at}: {first}no larger regression than the margin permits"
    if isinstance(verdict, Untrusted):
        return f"{at}: {safe(verdict.code)}: {safe(verdict.why)}"
    if verdict.eta is None:
        return (
            f"{at}: too little is ruled out to pass, and no pass is in sight: count longer, or ask less: --margin"
        )
    return f"{at}: too little is ruled out to pass yet; a pass is to be expected in {verdict.eta:,.0f} s"


def _metric(one: MetricStanding, *, kind: str) -> str:
    parts = [f"canary {one.canary:,} of {one.expected:,.1f} expected"]
    if one.estimate is not None:
        low, high = ("?" if bound is None else f"{bound:.3g}" for bound in (one.low, one.high))
        parts.append(f"ratio {one.estimate:.3g} ({low} … {high})")
    worse = "fewer" if kind == "good" else "more"
    ruled = "nothing ruled out" if one.ruled_out is None else f"{percent(one.ruled_out)} {worse} ruled out"
    return "  ·  ".join([*parts, ruled, f"log E {one.log_e:.2f}"])


def _evidence(log_e: float, stops_at: float) -> str:
    full = max(0, min(BAR, round(BAR * log_e / stops_at)))
    drawn = "█" * full + "·" * (BAR - full)
    return f"{drawn} {_odds(log_e)}  (stops at {_odds(stops_at)})"


def _odds(nats: float) -> str:
    if nats >= HIGHEST / 2:
        return "more than 10¹² : 1"
    odds = 2.718281828 ** max(nats, -HIGHEST)
    return f"{odds:,.0f} : 1" if odds >= 10 else f"{odds:.2g} : 1"  # noqa: PLR2004  # two digits are enough below
