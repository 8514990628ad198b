"""The table that closes a replay: what happened then, what happened now."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.doors.cli.text import pad, width, wrap

WHAT = 14
THEN, NOW = "then  ", "now   "
LEAST = 28
"""Columns that a place, a commit or a command needs; where both sides cannot have them they stand one below the
other."""


def then_and_now(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """Three columns in the terminal's width; what was reported left, what was measured right."""
    room = (width() - WHAT - 2) // 2
    if room < LEAST:
        return _below(rows)
    lines = [f"{'':<{WHAT}}{pad('then, as reported', room)}  now, as measured"]
    for what, then, now in rows:
        left, right = wrap(then, room), wrap(now, room)
        for number in range(max(len(left), len(right))):
            told = left[number] if number < len(left) else ""
            seen = right[number] if number < len(right) else ""
            lines.append(f"{pad(what if number == 0 else '', WHAT)}{pad(told, room)}  {seen}".rstrip())
    return lines


def _below(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """What was reported, and below it what was measured."""
    lines = [f"{'':<{WHAT}}{THEN}as reported", f"{'':<{WHAT}}{NOW}as measured"]
    room = width() - WHAT - len(NOW)
    for what, then, now in rows:
        told = [*_under(THEN, wrap(then, room)), *_under(NOW, wrap(now, room))]
        lines += [f"{pad('' if number else what, WHAT)}{line}".rstrip() for number, line in enumerate(told)]
    return lines


def _under(mark: str, lines: list[str]) -> list[str]:
    return [f"{'' if number else mark:<{len(mark)}}{line}" for number, line in enumerate(lines)]
