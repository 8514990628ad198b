"""The moments at which a failure is made to begin for an alert that asks the clock, and when it is awake.

Rules:
1. There is one for each hour of the week, 168, each in another week of the next two years and at another minute:
   what sleeps by hour, weekday, day of the month, month, minute or year is met asleep.
2. What an alert does at these moments is told by the moments at which it *fired*: an alert that begins at six
   tells of a failure of five to six.
3. Times are UTC, as PromQL's are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

HOURS, _WEEKS, _STRIDE = 168, 104, 37
_DAY = 24
_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip

_CHOICES = (("day",), ("hour",), ("month",), ("day", "hour"), ("day", "month"), ("hour", "month"))
_MOSTLY = 0.8
"""What a choice of days, hours and months must explain: a failure just before the end of one is told too late."""


def starts(now: datetime) -> tuple[datetime, ...]:
    """Every hour of a week, spread over the two years that begin with the week of ``now``."""
    monday = datetime(now.year, now.month, now.day, tzinfo=UTC) - timedelta(days=now.weekday())
    return tuple(
        monday + timedelta(weeks=place * _STRIDE % _WEEKS, hours=place, minutes=place * 7 % 60)
        for place in range(HOURS)
    )


def only(fired: Collection[datetime], tried: Sequence[datetime]) -> str:
    """When an alert fires that did so at ``fired``, of failures that began at ``tried``: the words after *but*."""
    if not fired:
        first, last = (f"{each:%Y-%m-%d}" for each in (min(tried), max(tried)))
        return f"at none of {len(tried)} hours from {first} to {last}"
    for chosen in _CHOICES:
        within = [
            each for each in tried if all(_of(each, part) in {_of(one, part) for one in fired} for part in chosen)
        ]
        if len(within) < len(tried) and len(fired) >= _MOSTLY * len(within):
            return f"only {' '.join(_told(part, {_of(one, part) for one in fired}) for part in chosen)}"
    return f"at {len(fired)} of {len(tried)} hours only"


def _of(moment: datetime, part: str) -> int:
    return {"day": moment.weekday(), "hour": moment.hour, "month": moment.month - 1}[part]


def _told(part: str, found: Collection[int]) -> str:
    if part == "hour":
        return _hours(found)
    return _named(found, _DAYS, "on") if part == "day" else _named(found, _MONTHS, "in")


def _named(found: Collection[int], names: Sequence[str], how: str) -> str:
    runs = _runs(found, len(names))
    told = [names[a] if a == b else f"{names[a]} to {names[b]}" for a, b in runs]
    return f"{how} {', '.join(told)}"


def _hours(found: Collection[int]) -> str:
    (begin, end), *more = _runs(found, _DAY)
    if more:
        return f"in {len(found)} hours of the day"
    if begin == 0:
        return f"before {end + 1:02}:00 UTC"
    return f"from {begin:02}:00 UTC" if end == _DAY - 1 else f"from {begin:02}:00 to {(end + 1) % _DAY:02}:00 UTC"


def _runs(found: Collection[int], size: int) -> list[tuple[int, int]]:
    """What follows on each other, round the circle."""
    begins = [one for one in sorted(found) if (one - 1) % size not in found]
    return [
        (one, next(end % size for end in range(one, one + size) if (end + 1) % size not in found))
        for one in begins
    ]
