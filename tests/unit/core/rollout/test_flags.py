from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies

from interlock.core.rollout.flags import FlagRecord, count_id, flag_id, in_canary, place

AT = datetime(2026, 3, 5, tzinfo=UTC)
percents = strategies.floats(0, 100)


def flag(percent, salt="salt"):
    return FlagRecord(id=flag_id("shop"), flag="shop", percent=percent, salt=salt, moved_at=AT)


@given(strategies.text(), strategies.text(), percents, percents)
def test_widening_never_moves_anybody_out_of_the_canary(salt, key, one, other):
    narrow, wide = sorted((one, other))
    at = place(salt, key)
    assert 0 <= at.share < 1
    assert in_canary(flag(narrow, salt), at) <= in_canary(flag(wide, salt), at)


@given(strategies.text(), strategies.text())
def test_nobody_is_in_at_nothing_and_everybody_at_all(salt, key):
    assert not in_canary(flag(0, salt), place(salt, key))
    assert in_canary(flag(100, salt), place(salt, key))


@pytest.mark.parametrize("percent", [1, 5, 25, 50, 95])
def test_the_share_of_users_is_the_weight(percent):
    users = 20_000
    got = sum(in_canary(flag(percent), place("salt", f"user-{number}")) for number in range(users))
    deviation = (users * percent / 100 * (1 - percent / 100)) ** 0.5
    assert abs(got - users * percent / 100) < 4 * deviation


def test_another_salt_is_another_order_of_users():
    both = Counter(
        (in_canary(flag(50), place("one", f"u{number}")), in_canary(flag(50), place("two", f"u{number}")))
        for number in range(4_000)
    )
    assert min(both.values()) > 850


def test_the_mark_says_nothing_about_the_place():
    low = [
        place("salt", f"u{number}").mark % 2 for number in range(8_000) if place("salt", f"u{number}").share < 0.1
    ]
    assert 0.4 < sum(low) / len(low) < 0.6


def test_ids_follow_from_names_and_differ():
    assert flag_id("shop") == flag_id("shop") != flag_id("shop2")
    assert count_id("a", "bc") != count_id("ab", "c")
