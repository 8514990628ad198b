"""What the live view is drawn with: bars, sparklines, a gauge with its band, odds and spans of time.

Rules:
1. Everything is a string of exactly the columns asked for, and says the same without colour.
2. Two sparklines that are compared share one scale; what was not counted is a gap, never a zero.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from interlock.core.judge.told import times
from interlock.core.rollout.phrases import span as span  # noqa: PLC0414  # told on: every screen has it from here
from interlock.doors.cli.text import paint

_EIGHTHS = " ▏▎▍▌▋▊▉"
_STEPS = "▁▂▃▄▅▆▇█"
_MINUTE, _HOUR = 60, 3_600
_DIGITS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_MANY = 1_000_000.0
_OCTAVES = 2.0
"""The gauge reaches from a quarter to four times the control's rate."""


def bar(fraction: float, room: int) -> str:
    """A bar of ``room`` columns, filled to ``fraction`` (0…1) in eighths; anything above nothing is visible."""
    filled = round(min(max(fraction, 0.0), 1.0) * room * 8)
    if fraction > 0 and room:
        filled = max(filled, 1)
    whole, rest = divmod(filled, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(room)


def marked(fraction: float, room: int, marks: Collection[float], *, empty: str = "·", at: str = "╵") -> str:
    """The same with signs at ``marks`` (0…1) where it is not filled."""
    places = {min(round(mark * room), room - 1) for mark in marks}
    drawn = bar(fraction, room)
    return "".join(sign if sign != " " else at if place in places else empty for place, sign in enumerate(drawn))


def evidence(log_e: float, stops_at: float, room: int) -> str:
    """Evidence on the way to the stop, which stands at four fifths; what is beyond it is drawn beyond it."""
    stop = room * 4 // 5
    part = log_e / stops_at if stops_at > 0 else 0.0
    left, right = bar(part, stop), bar((part - 1) * 4, room - stop - 1) if part > 1 else " " * (room - stop - 1)
    reached = part >= 1
    colour = {"fg": "red", "bold": True} if reached else {}
    return paint(left.replace(" ", "·"), **colour) + "┃" + paint(right, **colour)


def scaled(values: Sequence[float | None], room: int) -> list[float | None]:
    """``values``, oldest first, as at most ``room`` averages; None where nothing was counted."""
    if len(values) <= room:
        return list(values)
    # The oldest are left out so that each column stands for equally many.
    each = -(-len(values) // room)
    rest = values[len(values) % each :]
    groups = [rest[place : place + each] for place in range(0, len(rest), each)]
    return [_mean([value for value in group if value is not None]) for group in groups]


def spark(values: Sequence[float | None], top: float) -> str:
    """One sign a value, from nothing to ``top``."""
    return "".join(" " if value is None else _step(value, top) for value in values)


def gauge(bounds: tuple[float | None, float | None, float | None], room: int, *, harm: str) -> str:
    """Low, estimate and high of the canary's rate over the control's, between ¼ and 4 times; ``│`` is as expected.

    The side that is harm (``left`` or ``right``) is shaded.
    """
    low, estimate, high = bounds
    middle = room // 2
    signs = ["░" if (place < middle) == (harm == "left") and place != middle else "·" for place in range(room)]
    signs[middle] = "│"
    if low is not None or high is not None:
        first = 0 if low is None else _place(low, room)
        last = room - 1 if high is None else _place(high, room)
        for place in range(first, last + 1):
            signs[place] = "┿" if place == middle else "━"
    if estimate is not None:
        signs[_place(estimate, room)] = "●"
    return "".join(signs)


def odds(log_e: float) -> str:
    """Evidence as odds for harm: ``1,204 : 1``; ``1 : 3`` where it speaks against harm."""
    if log_e < -0.05:  # noqa: PLR2004  # 1 : 1.05 is still even
        return f"1 : {_number(-log_e)}"
    return f"{_number(log_e)} : 1"


def clock(seconds: float) -> str:
    """``00:04:13``."""
    whole = max(int(seconds), 0)
    return f"{whole // _HOUR:02d}:{whole % _HOUR // _MINUTE:02d}:{whole % _MINUTE:02d}"


def count(value: float) -> str:
    """A number of events, with a tenth only where it matters."""
    return f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:,.0f}"  # noqa: PLR2004  # likewise


def change(ratio: float) -> str:
    """A rate over the control's, as harm is told everywhere: ``−81 %``, ``±0 %``, ``×1.06``, ``×3.4``."""
    percent = round((ratio - 1) * 100)
    if percent <= 0:
        return f"−{-percent} %" if percent else "±0 %"
    return times(ratio)


def _number(log: float) -> str:
    value = math.exp(min(log, 700.0))
    if value < 10:  # noqa: PLR2004  # even odds and little more
        return f"{value:.1f}".removesuffix(".0")
    if value < _MANY:
        return f"{value:,.0f}"
    return f"10{str(int(log / math.log(10))).translate(_DIGITS)}"


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _step(value: float, top: float) -> str:
    return _STEPS[min(int(value / top * len(_STEPS)), len(_STEPS) - 1)] if top > 0 and value > 0 else _STEPS[0]


def _place(ratio: float, room: int) -> int:
    middle = room // 2
    if ratio <= 0:
        return 0
    part = min(max(math.log2(ratio) / _OCTAVES, -1.0), 1.0)
    return min(max(middle + round(part * middle), 0), room - 1)
