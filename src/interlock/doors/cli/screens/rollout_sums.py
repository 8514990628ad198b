"""What a rollout's counts come to: what is excluded, what must be, and what it cost.

Rules:
1. Of a good metric fewer is harm, of a bad one more; for latency the events above one bucket edge are shown.
2. What chance may do is called that: only a band that lies wholly on the harmful side is a loss, and what the
   judge stopped for.
3. What is excluded and what is asked for are told alike: of a good metric what is lost, of a bad one a factor.
"""

from __future__ import annotations

from typing import Any

from interlock.core.judge.told import times
from interlock.core.rollout.phrases import amount, percent
from interlock.doors.cli.text import safe

Told = dict[str, Any]
MOST_NAMED = 4


def kind_of(shown: Told, name: str) -> str:
    """``good`` or ``bad``: whether fewer or more of it is harm."""
    for tick in reversed(shown["recent"]):
        if name in tick["metrics"]:
            return str(tick["metrics"][name]["kind"])
    return "bad"


def excluded(shown: Told) -> str:
    """What is ruled out by now, and what the stage asks for; ✓ where that is enough."""
    standing = shown["standing"]
    asked = wanted(shown)
    if not standing or not standing["metrics"] or not asked:
        return ""
    found = {name: one["ruled_out"] for name, one in standing["metrics"].items()}
    enough = [name for name, value in found.items() if value is not None and value <= asked[name]]
    if len(found) > MOST_NAMED:
        return f"enough in {len(enough)} of {len(found)} metrics; all of them let it widen"
    parts = [
        _ruled(name, value, kind_of(shown, name)) + (" ✓" if name in enough else _asked(shown, name, asked[name]))
        for name, value in found.items()
    ]
    return " · ".join(parts)


def wanted(shown: Told) -> dict[str, float]:
    """What the stage must exclude, by metric; empty where it must exclude nothing.

    Of a bad metric a margin is a factor: twice the errors are as far from none as half of the orders.
    """
    stages, standing = shown["stages"], shown["standing"] or {"metrics": {}}
    margin = stages[min(shown["record"]["stage"], len(stages) - 1)]["margin"]
    if margin is None or margin >= 1:
        return {}
    return {
        name: margin if kind_of(shown, name) == "good" else margin / (1 - margin) for name in standing["metrics"]
    }


def passed(shown: Told) -> bool:
    """Whether all that a stage must exclude is excluded, by what is shown; never before anything is counted."""
    standing, asked = shown["standing"], wanted(shown)
    if not standing or not standing["metrics"]:
        return False
    ruled = {name: one["ruled_out"] for name, one in standing["metrics"].items()}
    return all(ruled[name] is not None and ruled[name] <= most for name, most in asked.items())


def excluded_at_last(shown: Told) -> str:
    """What the last PASS ruled out, for good."""
    found: dict[str, float] = shown["record"]["ruled_out"]
    parts = [_ruled(name, value, kind_of(shown, name)) for name, value in found.items()]
    return " · ".join(parts)


def lost(shown: Told) -> str:
    """What it cost, a metric each; empty where nothing is missing. What chance may do is called that.

    As long as it goes on that is no last word: what was on its way is counted still.
    """
    on = "" if shown["record"]["ended_at"] else " so far, by estimate"
    standing = shown["standing"] or {"metrics": {}}
    proven: list[str] = []
    chance: list[str] = []
    for name, one in standing["metrics"].items():
        if one["lost"] >= 0.5:  # noqa: PLR2004  # less than half of one is none
            sure = name == stopped_by(shown) or harmful(one, kind_of(shown, name))
            place = proven if sure else chance
            place.append(lost_text(shown, name, one["lost"]))
    within = f"{', '.join(chance)} (chance may do that)" if chance else ""
    return " · ".join(part for part in (f"{', '.join(proven)}{on}" * bool(proven), within) if part)


def lost_text(shown: Told, name: str, number: float) -> str:
    """``9 orders``, or ``3 more slow requests``."""
    what = "slow requests" if edge_of(shown, name) else safe(name)
    return amount(number, what, more=kind_of(shown, name) == "bad")


def stopped_by(shown: Told) -> str:
    """The metric that stopped it; empty where nothing did."""
    harm = shown["record"]["harm"]
    return str(harm["metric"]) if harm else ""


def edge_of(shown: Told, name: str) -> str:
    """For latency the bucket's edge in seconds that is shown, else nothing."""
    for tick in reversed(shown["recent"]):
        if name in tick["metrics"]:
            return str(tick["metrics"][name].get("edge") or "")
    return ""


def harmful(one: Told, kind: str) -> bool:
    """Whether the whole band lies on the harmful side."""
    edge = one["high"] if kind == "good" else one["low"]
    return edge is not None and (edge < 1 if kind == "good" else edge > 1)


def _ruled(name: str, value: float | None, kind: str) -> str:
    if value is None:
        return f"{safe(name)} nothing yet"
    return f"{safe(name)} worse than {regression(value, kind)}"


def _asked(shown: Told, name: str, most: float) -> str:
    return f" (asked: {regression(most, kind_of(shown, name))})"


def regression(fraction: float, kind: str) -> str:
    """A fraction worse: ``−19 %`` of a good metric, ``×2.9`` of a bad one."""
    return f"−{percent(fraction)}" if kind == "good" else times(1.0 + fraction)
