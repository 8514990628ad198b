"""Three columns that fit the terminal: a mark with what is needed, how far it is, and what to do.

Rules:
1. A remedy is never cut, because it is there to be typed; it wraps, or moves to a line of its own.
2. Widths follow the content, between bounds, so that short screens stay short.
"""

from __future__ import annotations

from dataclasses import dataclass

from interlock.doors.cli.text import columns, hung, mark, pad, paint, width, wrap

MARGIN = 9
NARROW = 96
MOST_TEXT, MOST_PROGRESS = 52, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that is needed; ``met`` None is only watched.

    Where ``text`` ends in a list, ``head`` is what stands before it and ``items`` are shown each on a line.
    """

    met: bool | None
    text: str
    progress: str = ""
    remedy: str = ""
    head: str = ""
    items: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """The text without the list that is shown below it."""
        return self.head or self.text


def label(word: str, colour: str | None = None) -> str:
    """The word in the left margin; an answer's has a colour."""
    return paint(pad(word, MARGIN), bold=True, fg=colour) if word else " " * MARGIN


def told(word: str, text: str, colour: str | None = None) -> list[str]:
    """A labelled paragraph."""
    return beside(label(word, colour), text)


def beside(left: str, text: str) -> list[str]:
    """``text``, wrapped in the room that is right of ``left``."""
    return hung(left, text, width())


def table(word: str, rows: list[Row]) -> list[str]:
    """All rows under one label."""
    if not rows:
        return []
    text = min(MOST_TEXT, max(columns(row.short) for row in rows))
    progress = min(MOST_PROGRESS, max(columns(row.progress) for row in rows))
    room = width() - MARGIN - 2 - text - 2 - (progress + 2 if progress else 0)
    lines: list[str] = []
    for row in rows:
        lines.extend(_narrow(row) if width() < NARROW else _wide(row, text, progress, room))
        lines.extend(_items(row))
    return [label(word if not place else "") + line for place, line in enumerate(lines)]


def _wide(row: Row, text: int, progress: int, room: int) -> list[str]:
    words, remedy = wrap(row.short, text), wrap(row.remedy, room)
    lines = []
    for place in range(max(len(words), len(remedy))):
        left = words[place] if place < len(words) else ""
        middle = row.progress if place == 0 else ""
        right = remedy[place] if place < len(remedy) else ""
        sign = mark(row.met) if place == 0 else " "
        between = f"  {pad(middle, progress)}" if progress else ""
        lines.append(f"{sign} {pad(left, text)}{between}  {right}".rstrip())
    return lines


def _narrow(row: Row) -> list[str]:
    room = width() - MARGIN - 2
    first, *rest = wrap(f"{row.short} · {row.progress}" if row.progress else row.short, room)
    arrows = ("  → ", "    ")
    remedy = (
        [arrows[place > 0] + line for place, line in enumerate(wrap(row.remedy, room - 2))] if row.remedy else []
    )
    return [f"{mark(row.met)} {first}", *(f"  {line}" for line in rest), *remedy]


def _items(row: Row) -> list[str]:
    """Below the row, over the whole width: what is listed is read line by line."""
    room = width() - MARGIN - 4
    return [
        ("  · " if place == 0 else "    ") + line
        for item in row.items
        for place, line in enumerate(wrap(item, room))
    ]
