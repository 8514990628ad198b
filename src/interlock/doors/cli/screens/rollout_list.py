"""Rollouts in a list: a table under its header where it fits, two lines each where it does not.

Rules:
1. Columns are as wide as what stands in them, so that a list of short names is a narrow one. Nothing is cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.doors.cli.screens.rollout_blind import unjudged
from interlock.doors.cli.text import columns, safe, short, width, wrap

Told = dict[str, Any]
HEADER = ("rollout", "service → environment", "version", "state", "traffic", "started, UTC", "")


def listing(items: Sequence[Told], judged: Mapping[str, Told], *, wide: int | None = None) -> list[str]:
    """All of them; ``judged`` tells by id how those under way stand."""
    room = wide or width()
    cells = [_cells(item, judged.get(item["id"])) for item in items]
    most = [max(columns(row[place]) for row in (HEADER, *cells)) for place in range(len(HEADER))]
    table = [_row(row, most) for row in (HEADER, *cells)]
    if max(map(columns, table)) <= room:
        return table
    return [line for row in cells for line in _two_lines(row, room)]


def _cells(item: Told, judged: Told | None) -> tuple[str, ...]:
    because = [safe(item["cause"] or "")]
    because += [unjudged(judged).partition(" · ")[0]] if judged else []
    return (
        safe(item["id"]),
        f"{safe(item['service'])} → {safe(item['environment'])}",
        short(item["digest"]),
        f"{item['state']}{', ' + item['hold'] if item['hold'] else ''}",
        f"{item['weight']:g} %",
        item["started_at"][:16].replace("T", " "),
        ", ".join(part for part in because if part),
    )


def _row(cells: Sequence[str], most: Sequence[int]) -> str:
    return "  ".join(cell + " " * (room - columns(cell)) for cell, room in zip(cells, most, strict=True)).rstrip()


def _two_lines(cells: Sequence[str], room: int) -> list[str]:
    name, where, version, state, weight, started, because = cells
    first = wrap(f"{name}  {where}", room)
    rest = [state, f"{weight} of traffic", version, f"started {started} UTC", because]
    return [*first, *(f"  {line}" for line in wrap(" · ".join(part for part in rest if part), room - 2))]
