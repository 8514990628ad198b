from __future__ import annotations

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.plugins.validators.null_value import NullValue


def test_a_null_where_a_value_was_is_an_error_with_line_and_remedy(changed):
    (validation,) = NullValue().validate(
        [changed("delivery:\n  max_days: 7\n", "delivery:\n  max_days: null\n")], {}
    )
    (finding,) = validation.findings
    assert finding.message == "delivery.max_days is null, was 7"
    assert (finding.level, finding.path, finding.line) == ("error", "config/delivery.yaml", 2)
    assert (finding.pointer, finding.remedy) == ("/delivery/max_days", "give a value, or remove the key")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("a: {b: 1, c: 2}", "a: ~", "a is null, was a map of 2"),
        ("a: [1, 2]", "a:", "a is null, was a list of 2"),
        ("a: [1, 2]", "a: [1, null]", "a[1] is null, was 2"),
        ("password: hunter2hunter2", "password: null", "password is null, was redacted"),
        ("a: false", "a: null", "a is null, was false"),
    ],
)
def test_whatever_the_value_was(changed, told, before, after, message):
    assert told(NullValue(), changed(before, after)) == [("error", "null-value/null", message)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1\nb: 2", "b: 2"),
        ("a: null", "a: null\nb: 1"),
        ("a: 1", "a: 2"),
        (None, "a: null"),
        ("a: 1", "a: 1\nb: null"),
        ("a: null", "a: 1"),
        ("a: 1", None),
    ],
)
def test_what_is_no_loss_is_not_told_and_names_no_file(changed, before, after):
    assert NullValue().validate([changed(before, after)], {}) == ()


def test_a_blank_new_record_among_complete_ones_is_found(changed, told):
    """Policy rows with blank fields, replicated in seconds, took down a cloud in June 2025."""
    before = "policies:\n- {region: eu, quota: 5}\n- {region: us, quota: 7}\n"
    after = before + "- {region: asia, quota: null}\n"
    message = "policies[2].quota is null in a new record, has a value in each of the 2 others"
    assert told(NullValue(), changed(before, after)) == [("error", "null-value/new-record", message)]


def test_a_blank_new_record_is_fine_where_others_are_blank_or_without_the_key(changed, told):
    before = "policies:\n- {region: eu, quota: null}\n- {region: us, quota: 7}\n"
    assert told(NullValue(), changed(before, before + "- {region: asia, quota: null}\n")) == []
    before = "policies:\n- {region: eu}\n- {region: us, quota: 7}\n"
    assert told(NullValue(), changed(before, before + "- {region: asia, quota: null}\n")) == []


def test_a_blank_entry_of_a_map_of_records_is_found(changed, told):
    before = "regions:\n  eu: {quota: 5}\n  us: {quota: 7}\n"
    found = told(NullValue(), changed(before, before + "  asia: {quota: null}\n"))
    assert [rule for _, rule, _ in found] == ["null-value/new-record"]


def test_an_empty_text_is_a_warning_unless_settings_say_otherwise(changed, told):
    reading = changed("a: x", 'a: ""')
    assert told(NullValue(), reading) == [("warning", "null-value/blank", "a is empty, was x")]
    assert told(NullValue(), reading, {"blank": "error"})[0][0] == "error"
    assert told(NullValue(), reading, {"blank": "off"}) == []


def test_an_empty_variable_of_an_env_file_is_an_error(changed, told):
    found = told(NullValue(), changed("HOST=db\n", "HOST=\n", path="shop.env"), {"blank": "off"})
    assert found == [("error", "null-value/blank", "HOST is empty, was db")]


def test_an_ignored_pointer_may_be_null(changed, told):
    reading = changed("a: {b: 1}\nc: 1", "a: {b: null}\nc: null")
    assert [m for _, _, m in told(NullValue(), reading, {"ignore": ["/a/**"]})] == ["c is null, was 1"]


def test_unknown_settings_are_refused(changed):
    with pytest.raises(InvalidInput) as refused:
        NullValue().validate([changed("a: 1", "a: 2")], {"blanks": "error"})
    assert refused.value.code == "input-shape"


def test_a_repaired_file_is_not_told_as_a_loss(changed, told):
    """What could not be read before had no values to lose: the repair of a broken file was told as a null."""
    assert told(NullValue(), changed("a: 1\na: 2\n", "a: null\n")) == []
