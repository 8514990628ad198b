"""What the backstop holds a rollout to: the same hours of the last days, brought to today's level.

Rules:
1. Only a meter that remembers days can tell. Without one, or with gaps in what it remembers, there is no forecast,
   and it is said so: a level guessed from ten minutes would stop good rollouts at nightfall.
2. Today's level is the last hour over the same hour of those days.
"""

from __future__ import annotations

from collections.abc import Iterable

from interlock.core.change.errors import InterlockError, InvalidInput
from interlock.core.judge.backstop import Forecast, forecast
from interlock.core.judge.settings import JudgeSettings
from interlock.ports.meter import Meter, Remembering
from interlock.road.roll.calibrate import by_shard

DAY = 86_400.0
DAYS = 3
STEP = 60.0
HOUR = 3_600.0
LONGEST = 12 * HOUR
_MOST_MISSING = 0.05


def foreseen(settings: JudgeSettings, meters: Iterable[Meter], seconds: float) -> tuple[Forecast | None, str]:
    """The forecast for so many seconds from now, or why there is none."""
    if settings.backstop is None:
        return None, "the plan names none"
    metric, ahead = settings.backstop.metric, min(max(seconds, HOUR), LONGEST)
    for meter in meters:
        if not isinstance(meter, Remembering):
            continue
        try:
            histories = meter.history(DAYS * DAY + HOUR, STEP)
        except InterlockError:
            continue
        shards = by_shard(histories, metric, "")
        if shards:
            return _from_days([_total(row) for row in zip(*shards, strict=True)], ahead)
    return None, f"no meter remembers {DAYS} days of {metric}"


def _total(row: tuple[int | None, ...]) -> int | None:
    """All shards' counts; those that were not there then counted nothing."""
    known = [count for count in row if count is not None]
    return sum(known) if known else None


def _from_days(totals: list[int | None], ahead: float) -> tuple[Forecast | None, str]:
    day, hour, steps = round(DAY / STEP), round(HOUR / STEP), round(ahead / STEP)
    now = len(totals)
    rows = [totals[now - number * day : now - number * day + steps] for number in range(1, DAYS + 1)]
    before = [totals[now - number * day - hour : now - number * day] for number in range(DAYS + 1)]
    if now < DAYS * day + hour or any(_gaps(row) for row in (*rows, *before)):
        return None, f"fewer than {DAYS} whole days are remembered"
    earlier = sum(_sum(row) for row in before[1:]) / DAYS
    if earlier <= 0:
        return None, "the last days had no events at this hour"
    try:
        days = [[count or 0 for count in row] for row in rows]
        return forecast(days, every=STEP, level=_sum(before[0]) / earlier), ""
    except InvalidInput as error:
        return None, error.message


def _gaps(row: list[int | None]) -> bool:
    return not row or sum(count is None for count in row) > _MOST_MISSING * len(row)


def _sum(row: list[int | None]) -> int:
    return sum(count or 0 for count in row)
