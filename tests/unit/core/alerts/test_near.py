"""What a mode that changes nothing may have meant."""

from __future__ import annotations

import pytest

from interlock.core.alerts.expression import selectors
from interlock.core.alerts.modes import Mode
from interlock.core.alerts.near import near
from interlock.core.alerts.shape import Shape


def shape(metric):
    return Shape(metric=metric, labels={}, counter=True, values=(1.0,))


@pytest.mark.parametrize(
    ("series", "there", "meant"),
    [
        ("took_second", ["took_seconds_bucket", "took_seconds_count"], " (did you mean `took_seconds`?)"),
        ("took_seconds_buckets", ["took_seconds_bucket"], " (did you mean `took_seconds`?)"),
        ("took_seconds", ["took_seconds_bucket_bucket"], ""),
        ("order_total", ["orders_total"], " (did you mean `orders_total`?)"),
    ],
)
def test_a_histogram_is_never_meant_by_its_buckets(series, there, meant):
    mode = Mode(name="slow", kind="slow", selectors=selectors(series), by=2.0)
    assert near(mode, [shape(metric) for metric in there]) == meant
