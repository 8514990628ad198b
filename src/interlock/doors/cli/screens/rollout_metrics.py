"""What each metric of a rollout shows: canary against what the control makes one expect, with its band.

Rules:
1. "Expected" is what the canary would have counted at the control's rate. A band is what is not excluded at 1 − α.
2. After harm the line says that it counts the whole rollout, where the answer above counts from when harm began.
3. Two lines a metric; one line where there are more than four. The least telling of very many are counted only.
"""

from __future__ import annotations

from typing import Any

from interlock.core.judge.told import rose
from interlock.doors.cli.screens.columns import MARGIN, label
from interlock.doors.cli.screens.rollout_bars import change, count, evidence, gauge, odds, scaled, spark
from interlock.doors.cli.screens.rollout_sums import edge_of, harmful, kind_of
from interlock.doors.cli.text import columns, cut, pad, paint, safe

Told = dict[str, Any]
MOST_TWO_LINES, MOST_LINES, MOST_NARROW = 4, 8, 5
GAUGE, _SMALL_GAUGE, _NARROW = 17, 11, 72
EVIDENCE_MOST = 48


def metrics(shown: Told, wide: int) -> list[str]:
    """All metrics, most evidence first where there are too many; after harm only the one that showed it."""
    standing, harm = shown["standing"], shown["record"]["harm"]
    if not standing:
        return []
    found: dict[str, Told] = standing["metrics"]
    if harm and harm["metric"] in found:
        found = {harm["metric"]: _as_proven(found[harm["metric"]], harm["at_least"])}
    names = list(found)
    most = MOST_LINES if wide >= _NARROW else MOST_NARROW
    if len(names) > most:
        names = sorted(names, key=lambda name: -found[name]["log_e"])[:most]
    lines = []
    for name in names:
        kind = kind_of(shown, name)
        lines.append(cut_painted(_first(name, found[name], kind, shown, wide), wide))
        if len(names) <= MOST_TWO_LINES:
            lines.append(" " * MARGIN + _second(name, found[name], kind, shown, wide))
    left = len(found) - len(names)
    return [*lines, *([" " * MARGIN + f"and {left} more with less evidence"] if left else [])]


def evidence_line(shown: Told, wide: int) -> list[str]:
    """The evidence for harm of all metrics together, on its way to the stop."""
    standing = shown["standing"]
    if not standing:
        return []
    stop = odds(standing["stops_at"])
    text = f"{odds(standing['log_e'])} for harm, stops at {stop}"
    if wide < _NARROW:
        text = f"{odds(standing['log_e'])}, stops at {stop}"
    drawn = evidence(standing["log_e"], standing["stops_at"], min(EVIDENCE_MOST, wide - MARGIN - len(text) - 2))
    return [f"{label('evidence')}{drawn}  {text}"]


def cut_painted(text: str, wide: int) -> str:
    """A line cut to ``wide`` columns; colour is dropped only where something must be cut."""
    import click  # noqa: PLC0415  # only for a line that has colour

    plain = click.unstyle(text)
    short = cut(plain, wide)
    return text if short == plain else short


def _first(name: str, one: Told, kind: str, shown: Told, wide: int) -> str:
    of = "of" if kind == "good" else "where"
    edge = edge_of(shown, name)
    slower = f" above {safe(edge)} s" if edge else ""
    parts = [f"{one['canary']:,}{slower} {of} ~{count(one['expected'])} expected{_window(one, shown)}", _band(one)]
    parts += [f"{odds(one['log_e'])} for harm"] if one["log_e"] > 1 else []
    parts += [_rate(name, shown)]
    text = _as_many(parts, wide - MARGIN)
    return label(cut(safe(name), MARGIN - 1)) + (paint(text, fg="red") if harmful(one, kind) else text)


def _window(one: Told, shown: Told) -> str:
    """Since when it counts, where the harm that is told above it counts from later on."""
    harm = shown["record"]["harm"]
    if not harm or harm.get("expected") is None:
        return ""
    same = harm["canary"] == one["canary"] and count(harm["expected"]) == count(one["expected"])
    return "" if same else " since the rollout began"


def _as_many(parts: list[str], room: int) -> str:
    """The first parts that fit; the least telling stand last."""
    kept = [part for part in parts if part]
    while len(kept) > 1 and columns(" · ".join(kept)) > room:
        kept.pop()
    return " · ".join(kept)


def _second(name: str, one: Told, kind: str, shown: Told, wide: int) -> str:
    size = GAUGE if wide >= _NARROW else _SMALL_GAUGE
    room = (wide - MARGIN - size - len("  canary   expected ")) // 2
    series = [tick["metrics"].get(name) if not tick["discard"] else None for tick in shown["recent"]]
    canary = scaled([None if each is None else float(each["canary"]) for each in series], room)
    expected = scaled([None if each is None else float(each["expected"]) for each in series], room)
    top = max([value for value in (*canary, *expected) if value is not None], default=0.0)
    drawn = gauge((one["low"], one["estimate"], one["high"]), size, harm="left" if kind == "good" else "right")
    bad = harmful(one, kind)
    mine = paint(pad(spark(canary, top), room), **({"fg": "red"} if bad else {"fg": "cyan"}))
    return f"{drawn}  canary {mine}  expected {spark(expected, top)}".rstrip()


def _as_proven(one: Told, at_least: float) -> Told:
    """A metric whose band ends where the stop proved that it does: one harm has one bound."""
    low, high = one["low"], one["high"]
    if rose(at_least):
        return {**one, "low": at_least if low is None else max(low, at_least)}
    return {**one, "high": 1.0 - at_least if high is None else min(high, 1.0 - at_least)}


def _band(one: Told) -> str:
    if one["estimate"] is None:
        return ""
    low, high = one["low"], one["high"]
    if low is None and high is None:
        return change(one["estimate"])
    if low is None:
        return f"{change(one['estimate'])} ({'at least' if high < 1 else 'up to'} {change(high)})"
    if high is None:
        return f"{change(one['estimate'])} (at least {change(low)})"
    return f"{change(one['estimate'])} ({change(low)} … {change(high)})"


def _rate(name: str, shown: Told) -> str:
    """Events a second of the canary over the ticks at hand."""
    ticks = [tick for tick in shown["recent"] if name in tick["metrics"] and not tick["discard"]]
    if not ticks:
        return ""
    seconds = len(ticks) * (shown["tick"] or 1.0)
    rate = sum(tick["metrics"][name]["canary"] for tick in ticks) / seconds
    return f"{rate:,.0f}/s" if rate >= 100 else f"{rate:.1f}/s" if rate >= 0.1 else f"{rate * 60:.1f}/min"  # noqa: PLR2004  # three digits each
