"""The screen of ``rollout watch`` while it goes on: the answer, where it stands, each metric, and what comes next.

Rules:
1. The answer first. At most one screen of 23 lines: what it is about, stage and weight, metrics, evidence, what is
   excluded, what it cost, how far the counts are to be believed, and what can be typed.
2. It reads only what the API answered; ``now`` is the server's clock, so that two clocks never make a time.
3. A picture that is old says so in its first line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.doors.cli.screens.columns import MARGIN, label
from interlock.doors.cli.screens.rollout_bars import clock, marked, odds, span
from interlock.doors.cli.screens.rollout_blind import blind, seconds_between
from interlock.doors.cli.screens.rollout_end import ended, untold, way_back
from interlock.doors.cli.screens.rollout_metrics import cut_painted, evidence_line, metrics
from interlock.doors.cli.screens.rollout_sums import excluded, lost, passed
from interlock.doors.cli.screens.rollout_typed import commands
from interlock.doors.cli.screens.rollout_words import badge, sentence, word
from interlock.doors.cli.text import columns, paint, safe, short, width, wrap

Told = dict[str, Any]
MOST_ROWS = 23
"""Rows of the smallest terminal but one, which the shell's prompt takes; what is least telling gives way."""

STALE_TICKS, STALE_LEAST = 4, 8.0
"""From how many ticks on, and how many seconds at least, a count is called old. What one server moves another
reads from the record, which is written every 5 s."""


def screen(shown: Told, *, contact: str = "", wide: int | None = None) -> list[str]:
    """The whole picture; ``contact`` is said on top where the server does not answer."""
    room = wide or width()
    top = [*_lost_contact(contact, room), *head(shown, room)]
    if shown["record"]["ended_at"]:
        return top + ended(shown, room)
    top += [*_stage(shown, room), *_weight(shown, room), *metrics(shown, room), *evidence_line(shown, room)]
    if shown["record"]["state"] == "returning":
        typed = commands(shown, room) if blind(shown) is not None else []
        return [*top, *_lost(shown, room), *way_back(shown, room), *typed]
    ruled = _labelled("excluded", excluded(shown), room)
    below = [_trust(shown, room), untold(shown, room), _lost(shown, room), commands(shown, room)]
    for place, block in enumerate(below):
        if len(top) + len(ruled) + sum(map(len, below)) > MOST_ROWS:
            below[place] = block[:1]
    trust, unsaid, gone, typed = below
    return [*top, *ruled, *gone, *trust, *unsaid, *typed]


def one_line(shown: Told) -> str:
    """Where nothing can be redrawn: one change, one line."""
    record, standing, stages = shown["record"], shown["standing"], shown["stages"]
    parts = [
        f"{moment(shown['now'])} {word(shown):<5}",
        f"stage {min(record['stage'] + 1, len(stages))} of {len(stages)}, {record['weight']:g} % served",
    ]
    if standing:
        parts.append(f"evidence {odds(standing['log_e'])}")
    gone = lost(shown)
    return " · ".join([*parts, *([f"lost {gone}"] if gone else []), sentence(shown)])


def head(shown: Told, room: int) -> list[str]:
    """The answer, and what it is about."""
    record = shown["record"]
    seconds = seconds_between(record["started_at"], record["ended_at"] or shown["now"])
    right = clock(seconds)
    mark = badge(word(shown))
    first, *rest = wrap(sentence(shown), room - MARGIN - len(right) - 2)
    gap = room - MARGIN - columns(first) - len(right)
    indent = " " * (MARGIN - len(word(shown)) - 2)
    lines = [f"{mark}{indent}{paint(first, bold=True)}{' ' * gap}{right}"]
    lines += [" " * MARGIN + paint(line, bold=True) for line in rest]
    about = f"{safe(record['service'])} {short(record['digest'])} → {safe(record['environment'])}"
    whose = f"{safe(record['change'])} · by {safe(record['started_by'])}"
    lines += [" " * MARGIN + line for line in wrap(f"{about} · {whose}", room - MARGIN)]
    return lines


def moment(text: str) -> str:
    """``03:12:41 UTC``."""
    return f"{text[11:19]} UTC"


def _stage(shown: Told, room: int) -> list[str]:
    record, stages = shown["record"], shown["stages"]
    place = min(record["stage"], len(stages) - 1)
    parts = [f"{place + 1} of {len(stages)} · {stages[place]['percent']:g} % of traffic"]
    spent = seconds_between(record["stage_since"], shown["now"])
    if record["stage_since"]:
        parts.append(f"{clock(spent)} in it")
    if record["held_since"]:
        parts.append(f"held for {span(seconds_between(record['held_since'], shown['now']))}")
    parts.append(_next(shown, place, spent))
    return _labelled("stage", " · ".join(part for part in parts if part), room)


def _next(shown: Told, place: int, spent: float) -> str:
    """What comes after this stage, and when: the later of its bake's end and of enough counts."""
    record, stages = shown["record"], shown["stages"]
    if record["state"] != "running" or blind(shown) is not None:
        return ""
    then = f"{stages[place + 1]['percent']:g} %" if place + 1 < len(stages) else "done"
    bake = max(seconds_between(shown["now"], record["bake_until"]), 0.0)
    if passed(shown) or place + 1 == len(stages):
        return f"{then} in {span(bake)}, when its bake ends" if bake else f"{then} now"
    eta, limit = shown["eta"], stages[place]["limit"] - spent
    if eta is None:
        return f"{then} when enough is counted, no estimate yet"
    if eta > limit:
        return f"too little traffic to pass: needs {span(eta)} more, holds in {span(limit)}"
    return f"{then} in about {span(max(eta, bake))}, when {'its bake ends' if bake > eta else 'enough is counted'}"


def _weight(shown: Told, room: int) -> list[str]:
    record = shown["record"]
    served, granted = record["weight"], record["granted"]
    text = f"{served:g} % served"
    if served != granted:
        text += f", {granted:g} % granted"
    bar_room = room - MARGIN - len(text) - 2
    marks = [stage["percent"] / 100 for stage in shown["stages"]]
    return [label("weight") + marked(served / 100, bar_room, marks) + f"  {text}"]


def _lost(shown: Told, room: int) -> list[str]:
    return _labelled("lost", lost(shown) or "nothing so far", room) if shown["standing"] else []


def _left_out(codes: Mapping[str, int], left: int) -> str:
    """Why ticks did not count; where the newest are all that is known of, that is said."""
    known = sum(codes.values())
    if not known:
        return ""
    each = ", ".join(f"{number:,} {safe(code)}" for code, number in sorted(codes.items()))
    if known < left:
        return f", the newest: {each}"
    return f": {each if len(codes) > 1 else safe(next(iter(codes)))}"


def _trust(shown: Told, room: int) -> list[str]:
    standing = shown["standing"]
    if not standing:
        return []
    codes = shown["discarded"]
    left = max(sum(codes.values()), standing["discarded"])
    told = f"{standing['ticks']:,} ticks counted"
    if shown["record"]["alone"]:
        told = f"what is compared above is from before 100 % · {told}"
    if left:
        told += f", {left:,} left out{_left_out(codes, left)}"
    age = seconds_between(shown["seen_at"], shown["now"])
    old = age > max(STALE_TICKS * (shown["tick"] or 1.0), STALE_LEAST)
    if old and shown["record"]["state"] == "running":
        told = f"{paint(f'the newest count is {span(age)} old', fg='red')} · {told}"
    silent = ", ".join(f"{safe(name)} ({safe(why)})" for name, why in sorted(shown.get("failed", {}).items()))
    if silent:
        told += f" · not read just now: {silent}"
    return _labelled("trust", told, room)


def _lost_contact(contact: str, room: int) -> list[str]:
    return [cut_painted(paint(contact, fg="red", bold=True), room)] if contact else []


def _labelled(word_left: str, text: str, room: int) -> list[str]:
    if not text:
        return []
    first, *rest = wrap(text, room - MARGIN)
    return [label(word_left) + first, *(" " * MARGIN + line for line in rest)]
