"""Alertmanager's time intervals: whether they are, taken together, all of the time.

Rules:
1. An interval is what all of its restrictions allow; several together are what any of them is, of one name or of
   several on one route.
2. A route is silent in its mute intervals and, where it has active ones, outside of those.
3. Each minute of each weekday on each day of each month is looked at, February with 28 days and with 29: a day of
   the month can be any weekday. Years restrict, unless the year that is asked about is among them.
4. Intervals of another location are another time: those of one location must be all of it by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from interlock.core.change.yaml_nodes import Mapping, Node, Scalar
from interlock.core.change.yaml_view import items, word

Spans = tuple[tuple[int, int], ...]
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_LENGTHS = ((1, 31), (2, 28), (2, 29), (3, 31), (4, 30), (5, 31), (6, 30), (7, 31), (8, 31), (9, 30), (10, 31),
            (11, 30), (12, 31))  # fmt: skip
_WHOLE_DAY = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One entry; None where it does not restrict. Ends are inclusive, but for those of ``times`` in minutes."""

    times: Spans | None = None
    weekdays: Spans | None = None
    days: Spans | None = None
    months: Spans | None = None
    years: Spans | None = None
    location: str = ""

    @property
    def whole(self) -> bool:
        """Whether it restricts nothing, wherever it is."""
        return all(each is None for each in (self.times, self.weekdays, self.days, self.months, self.years))


def intervals_of(top: Node) -> dict[str, tuple[Interval, ...]]:
    """The file's intervals by name."""
    named = (*items(top, "time_intervals"), *items(top, "mute_time_intervals"))
    return {word(each, "name"): tuple(_read(part) for part in items(each, "time_intervals")) for each in named}


def always_silent(mutes: Sequence[Interval], active: Sequence[Interval] | None, year: int | None) -> bool:
    """Whether a route with these is silent all of the time; ``active`` None where it has none."""
    places = {each.location for each in (*mutes, *(active or ()))} or {""}
    return any(_silent(place, mutes, active, year) for place in places)


def _silent(place: str, mutes: Sequence[Interval], active: Sequence[Interval] | None, year: int | None) -> bool:
    mine = [each for each in mutes if each.whole or each.location == place]
    # What is active at another location may be so at any of the moments here.
    open_ = None if active is None or any(each.location != place for each in active) else active
    if not mine and open_ is None:
        return False
    edges = sorted({0, *(edge for each in (*mine, *(open_ or ())) for span in each.times or () for edge in span)})
    moments = [edge for edge in edges if edge < _WHOLE_DAY]
    for (month, length), weekday, minute in product(_LENGTHS, range(7), moments):
        for day in range(1, length + 1):
            at = (month, length, day, weekday, minute, year)
            muted = any(_covers(each, at) for each in mine)
            if not muted and (open_ is None or any(_covers(each, at) for each in open_)):
                return False
    return True


def _covers(one: Interval, at: tuple[int, int, int, int, int, int | None]) -> bool:
    month, length, day, weekday, minute, year = at
    return (
        (one.times is None or any(begin <= minute < end for begin, end in one.times))
        and _within(one.weekdays, weekday)
        and _within(one.months, month)
        and (one.days is None or any(_at(begin, length) <= day <= _at(end, length) for begin, end in one.days))
        and (one.years is None or (year is not None and _within(one.years, year)))
    )


def _within(spans: Spans | None, value: int) -> bool:
    if spans is None:
        return True
    return any(begin <= value <= end if begin <= end else not end < value < begin for begin, end in spans)


def _at(day: int, length: int) -> int:
    """A day of the month, which may be counted from its end."""
    return day if day >= 0 else length + day + 1


def _read(node: Node) -> Interval:
    times = tuple(
        (_minute(word(each, "start_time")), _minute(word(each, "end_time"))) for each in items(node, "times")
    )
    return Interval(
        times=times or None,
        weekdays=_spans(node, "weekdays", _DAYS, 0),
        days=_spans(node, "days_of_month", (), 0),
        months=_spans(node, "months", _MONTHS, 1),
        years=_spans(node, "years", (), 0),
        location="" if word(node, "location") == "UTC" else word(node, "location"),
    )


def _spans(node: Node, key: str, names: Sequence[str], first: int) -> Spans | None:
    if not isinstance(node, Mapping):
        return None
    return tuple(_pairs(items(node, key), names, first)) or None


def _pairs(listed: Sequence[Node], names: Sequence[str], first: int) -> Iterator[tuple[int, int]]:
    for each in listed:
        begin, colon, end = (each.text if isinstance(each, Scalar) else "").strip().lower().partition(":")
        ends = [_number(text.strip(), names, first) for text in (begin, end if colon else begin)]
        yield ends[0], ends[1]


def _number(text: str, names: Sequence[str], first: int) -> int:
    """What amtool let pass is a name or a number."""
    return names.index(text) + first if text in names else int(text)


def _minute(text: str) -> int:
    hours, _, minutes = text.strip().partition(":")
    return int(hours) * 60 + int(minutes)
