"""The arithmetic of PromQL that a search for witnesses needs: over samples, over groups, between two numbers."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

Samples = Sequence[tuple[float, float]]
_TWO = 2


def span(length: timedelta | None) -> float:
    """Seconds; 0 for none."""
    return length.total_seconds() if length else 0.0


def quantile_of_buckets(q: float, buckets: Samples) -> float:
    """The ``q``-quantile of cumulative ``buckets`` (edge, count), by edge."""
    total = buckets[-1][1] if buckets else 0.0
    if len(buckets) < _TWO or total <= 0.0 or math.isnan(total):
        return math.nan
    low, had = 0.0, 0.0
    for edge, count in buckets:
        if count >= q * total:
            if math.isinf(edge):
                return low
            return low + (edge - low) * (q * total - had) / max(count - had, 1e-12)
        low, had = edge, count
    return low


def _rise(samples: Samples, long: float) -> float | None:
    """What a counter rose by in a range of ``long`` seconds, stretched to its ends as Prometheus does."""
    if len(samples) < _TWO:
        return None
    risen = sum(after - before if after >= before else after for (_, before), (_, after) in pairwise(samples))
    return risen * _stretch(samples, long)


def _delta(samples: Samples, long: float) -> float | None:
    return None if len(samples) < _TWO else (samples[-1][1] - samples[0][1]) * _stretch(samples, long)


def _stretch(samples: Samples, long: float) -> float:
    covered = samples[-1][0] - samples[0][0]
    every = covered / (len(samples) - 1)
    return min(long, covered + every) / covered if covered else 1.0


def _slope(samples: Samples) -> tuple[float, float] | None:
    """Slope a second and the level at the last sample, by least squares."""
    if len(samples) < _TWO:
        return None
    count, last = len(samples), samples[-1][0]
    mean_t = sum(at - last for at, _ in samples) / count
    mean_v = sum(value for _, value in samples) / count
    across = sum((at - last - mean_t) * (value - mean_v) for at, value in samples)
    along = sum((at - last - mean_t) ** 2 for at, _ in samples)
    slope = across / along if along else 0.0
    return slope, mean_v - slope * mean_t


def _per_second(samples: Samples, long: float, time: float) -> float | None:
    del time
    risen = _rise(samples, long)
    return None if risen is None else risen / long


def _latest(samples: Samples, long: float) -> float | None:
    del long
    if len(samples) < _TWO:
        return None
    (before_at, before), (at, value) = samples[-2:]
    return (value - before if value >= before else value) / (at - before_at)


def _last_step(samples: Samples, long: float) -> float | None:
    del long
    return samples[-1][1] - samples[-2][1] if len(samples) >= _TWO else None


def _predict(samples: Samples, long: float, time: float, ahead: float) -> float | None:
    del long
    found = _slope(samples)
    return None if found is None else found[1] + found[0] * (time - samples[-1][0] + ahead)


def _deriv(samples: Samples, long: float, time: float) -> float | None:
    del long, time
    found = _slope(samples)
    return None if found is None else found[0]


def _changed(samples: Samples, long: float, time: float) -> float:
    del long, time
    return float(sum(before != after for (_, before), (_, after) in pairwise(samples)))


def _resets(samples: Samples, long: float, time: float) -> float:
    del long, time
    return float(sum(after < before for (_, before), (_, after) in pairwise(samples)))


def _values(act: Callable[..., float]) -> Callable[..., float]:
    """``act`` of the values alone, with the numbers that the call has besides."""

    def called(samples: Samples, long: float, time: float, *numbers: float) -> float:
        del long, time
        return act([value for _, value in samples], *numbers)

    return called


def _span_only(act: Callable[[Samples, float], float | None]) -> Callable[..., float | None]:
    def called(samples: Samples, long: float, time: float) -> float | None:
        del time
        return act(samples, long)

    return called


def _one(values: Sequence[float]) -> float:
    del values
    return 1.0


def quantile(values: Sequence[float], q: float) -> float:
    """Between the two values around the rank, as PromQL does."""
    ordered = sorted(values)
    rank = min(max(q, 0.0), 1.0) * (len(ordered) - 1)
    low = math.floor(rank)
    return ordered[low] + (ordered[min(low + 1, len(ordered) - 1)] - ordered[low]) * (rank - low)


def mean(values: Sequence[float]) -> float:
    """Of at least one."""
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float:
    """Of the whole population."""
    middle = mean(values)
    return math.sqrt(mean([(value - middle) ** 2 for value in values]))


OVER: Mapping[str, Callable[..., float | None]] = {
    "rate": _per_second,
    "increase": _span_only(_rise),
    "delta": _span_only(_delta),
    "irate": _span_only(_latest),
    "idelta": _span_only(_last_step),
    "deriv": _deriv,
    "predict_linear": _predict,
    "changes": _changed,
    "resets": _resets,
    "avg_over_time": _values(mean),
    "sum_over_time": _values(math.fsum),
    "min_over_time": _values(min),
    "max_over_time": _values(max),
    "count_over_time": _values(lambda values: float(len(values))),
    "last_over_time": _values(lambda values: values[-1]),
    "present_over_time": _values(_one),
    "stddev_over_time": _values(deviation),
    "stdvar_over_time": _values(lambda values: deviation(values) ** 2),
    "quantile_over_time": _values(quantile),
}
FOLD: Mapping[str, Callable[..., float]] = {
    "sum": math.fsum,
    "avg": mean,
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
    "group": _one,
    "stddev": deviation,
    "stdvar": lambda values: deviation(values) ** 2,
    "quantile": quantile,
}


def _divided(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)


def _power(left: float, right: float) -> float:
    try:
        found = left**right
    except (OverflowError, ZeroDivisionError):
        return math.inf
    return math.nan if isinstance(found, complex) else found


COMPARING = frozenset({"==", "!=", "<", ">", "<=", ">="})
BINARY: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": lambda left, right: math.fmod(left, right) if right and math.isfinite(left) else math.nan,
    "^": _power,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "atan2": math.atan2,
}
