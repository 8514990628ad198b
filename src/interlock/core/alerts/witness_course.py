"""A made-up series as a function of time, and as promtool writes it.

Rules:
1. Six courses are enough to move an alert: a level, a slope, a jump, a bend of a slope, a value that changes with
   every scrape, and a series that comes or goes. A series that is not there has none.
2. Time is seconds since the beginning of the test; ``end`` is when it is looked at last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from interlock.core.alerts.shape import quoted

Kind = Literal["absent", "level", "slope", "jump", "bend", "toggle", "gone", "came"]
_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Course:
    """``turn`` is when a jump or a bend comes, or a series goes.

    ``a`` and ``b`` by ``kind``: a level; the level at the end and the slope; the levels before and after; the
    slopes before and after; the two values.
    """

    kind: Kind
    a: float = 0.0
    b: float = 0.0
    end: float = 0.0
    turn: float = 0.0
    step: float = 1.0

    def at(self, time: float) -> float | None:
        """The sample at ``time``; None where there is none."""
        if self.kind == "absent" or time < 0.0:
            return None
        if self.kind == "level":
            return self.a
        if self.kind in {"gone", "came"}:
            return self.a if (time < self.turn) is (self.kind == "gone") else None
        if self.kind == "slope":
            return self.a + self.b * (time - self.end)
        if self.kind == "jump":
            return self.a if time < self.turn else self.b
        if self.kind == "bend":
            return self.a * min(time, self.turn) + self.b * max(0.0, time - self.turn)
        return self.a if int(time // self.step) % 2 else self.b


ABSENT = Course("absent")


def series_name(labels: Mapping[str, str]) -> str:
    """As PromQL writes a series with these labels, ``__name__`` among them."""
    inner = ",".join(f'{key}="{quoted(value)}"' for key, value in sorted(labels.items()) if key != "__name__")
    return f"{labels['__name__']}{{{inner}}}"


def written(course: Course, *, until: float, step: float) -> str:
    """Its samples from 0 to ``until``, every ``step`` seconds, in promtool's notation."""
    count = round(until / step) + 1
    if course.kind == "slope":
        first, rise = course.at(0.0) or 0.0, course.b * step
        return f"{_number(first)}{'' if rise < 0 else '+'}{_number(rise)}x{count - 1}"
    values = (course.at(place * step) for place in range(count))
    runs = [(value, len([*same])) for value, same in groupby(values)]
    return " ".join(_run(value, same) for value, same in runs)


def _run(value: float | None, same: int) -> str:
    if value is None:
        return "stale" if same == 1 else f"stale _x{same - 1}"
    return _number(value) if same == 1 else f"{_number(value)}x{same - 1}"


def _number(value: float) -> str:
    text = f"{value:.{_DIGITS}g}"
    return text if "e" not in text else f"{value:.12f}".rstrip("0").rstrip(".")
