from __future__ import annotations

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.plugins.validators.bounds import Bounds


@pytest.mark.parametrize(
    ("before", "after", "rule", "words"),
    [
        ("7", "71", "factor", "a is 71, was 7: 10.1 times, at most 10 times is permitted"),
        ("100", "9.9", "factor", "a is 9.9, was 100: 1/10.1 of it, at least 1/10 is permitted"),
        ("7", "0", "zero", "a is 0, was 7"),
        ("7", "-7", "sign", "a is -7, was 7: the sign changed"),
        ("-7", "7", "sign", "a is 7, was -7: the sign changed"),
        ("250ms", "5s", "factor", "a is 5s, was 250ms: 20 times, at most 10 times is permitted"),
        ("64Mi", "1Gi", "factor", "a is 1Gi, was 64Mi: 16 times, at most 10 times is permitted"),
        ("1m", "3600s", "factor", "a is 3600s, was 1m: 60 times, at most 10 times is permitted"),
        ("90%", "5%", "factor", "a is 5%, was 90%: 1/18 of it, at least 1/10 is permitted"),
        ("1", "123456789012345678901234567890", "factor", None),
        ("0.1", "1.1000000000000000000000000001", "factor", None),
        ("-90071992548.0", "-2.2250738585e-313", "factor", None),
        (
            "2.2250738585e-313",
            "90071992548.0",
            "factor",
            "a is 90071992548.0, was 2.2250738585e-313: over 1e308 times, at most 10 times is permitted",
        ),
        ("1" + "0" * 320, "5", "factor", None),
        ("5", "1" + "0" * 320, "factor", None),
    ],
)
def test_a_value_far_from_the_last_is_an_error(changed, told, before, after, rule, words):
    ((level, found, message),) = told(Bounds(), changed(f"a: {before}", f"a: {after}"))
    assert (level, found) == ("error", f"bounds/{rule}")
    assert words is None or message == words


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("7", "70"),
        ("70", "7"),
        ("0", "1000000"),
        ("true", "false"),
        ("1", "[1]"),
        ("v1", "v100"),
        ("'1'", "'100'"),
        ("60s", "1m"),
        ("1", "500m"),
        ("2024-01-01", "2034-01-01"),
        ("null", "5"),
    ],
)
def test_a_small_step_and_what_is_no_number_are_left_alone(changed, told, before, after):
    assert told(Bounds(), changed(f"a: {before}", f"a: {after}")) == []


def test_units_that_cannot_be_compared_are_a_warning(changed, told):
    assert told(Bounds(), changed("a: 30", "a: 30s")) == [
        ("warning", "bounds/unit", "a is 30s, was 30: two units that cannot be compared")
    ]


@pytest.mark.parametrize("key", ["port", "containerPort", "user_id", "db-port", "version", "runAsUser"])
def test_numbers_that_are_names_are_left_alone_unless_a_limit_speaks_of_them(changed, told, key):
    reading = changed(f"{key}: 80", f"{key}: 8080")
    assert told(Bounds(), reading) == []
    assert told(Bounds(), reading, {"limits": [{"pointer": f"/{key}", "factor": 2}]}) != []


def test_an_env_file_holds_numbers_as_text(changed, told):
    found = told(Bounds(), changed("MAX=7\n", "MAX=700\n", path="shop.env"))
    assert [rule for _, rule, _ in found] == ["bounds/factor"]


def test_limits_hold_for_new_keys_and_the_first_that_covers_decides(changed, told):
    limits = [
        {"pointer": "/delivery/max_days", "match": "config/**", "minimum": 1, "maximum": 30, "factor": 2},
        {"pointer": "/delivery/*", "free": True},
    ]
    found = told(Bounds(), changed(None, "delivery: {max_days: 0, zone: 9}"), {"limits": limits})
    assert found == [("error", "bounds/minimum", "delivery.max_days is 0, at least 1 is permitted")]
    reading = changed("delivery: {max_days: 7, zone: 1}", "delivery: {max_days: 15, zone: 1000}")
    assert [rule for _, rule, _ in told(Bounds(), reading, {"limits": limits})] == ["bounds/factor"]
    reading = changed("delivery: {max_days: 29}", "delivery: {max_days: 31}")
    assert [rule for _, rule, _ in told(Bounds(), reading, {"limits": limits})] == ["bounds/maximum"]


def test_a_file_counts_as_checked_only_where_a_limit_speaks_of_it(changed):
    reading = changed("a: 1", "a: 2")
    assert Bounds().validate([reading], {}) == ()
    (validation,) = Bounds().validate([reading], {"limits": [{"pointer": "/a", "maximum": 5}]})
    assert (validation.path, validation.findings) == ("config/delivery.yaml", ())


def test_the_exact_edge_of_the_factor_is_permitted(changed, told):
    assert told(Bounds(), changed("a: 1.5", "a: 3"), {"factor": 2}) == []
    assert told(Bounds(), changed("a: 1.5", "a: 3.0001"), {"factor": 2}) != []


@pytest.mark.parametrize(
    "settings",
    [
        {"factor": 1},
        {"factor": -3},
        {"limits": [{"pointer": "/a", "factor": 0.5}]},
        {"limits": [{"pointer": "/a", "minimum": 2, "maximum": 1}]},
        {"limits": [{"pointer": "/a"}]},
        {"limits": [{"pointer": "/a", "max": 3}]},
        {"factors": 3},
    ],
)
def test_settings_that_mean_nothing_are_refused(changed, settings):
    with pytest.raises(InvalidInput):
        Bounds().validate([changed("a: 1", "a: 2")], settings)
