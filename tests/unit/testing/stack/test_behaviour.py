from __future__ import annotations

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.testing.stack import Behaviour


def test_a_behaviour_is_read_as_it_was_written():
    one = Behaviour(version="b", errors=0.05, crash="first-request", metrics_for=3.0)
    assert Behaviour.from_json(one.to_json()) == one


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"version": "b", "errors": 1.1}', "expected a fraction from 0 to 1 for errors, got `1.1`"),
        ('{"version": "b", "lost": -0.1}', "expected a fraction from 0 to 1 for lost, got `-0.1`"),
        ('{"version": "b", "slower": 0}', "expected a number above 0 for slower, got `0`"),
        ('{"version": "b", "crash": "sometimes"}', "got `sometimes`"),
        ('{"version": "b", "wings": 2}', "got `wings`"),
        ("{}", "got `{}`"),
        ("version: b", "got `version: b`"),
    ],
)
def test_what_is_no_behaviour_is_refused_in_one_line(written, said):
    with pytest.raises(InvalidInput, match="expected") as refused:
        Behaviour.from_json(written)
    assert said in refused.value.message
    assert "\n" not in refused.value.message
