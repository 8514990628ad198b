"""Rows of a refusal: what ends in a list is shown line by line, and nothing of it is lost elsewhere."""

import pytest

from interlock.doors.cli.screens import columns
from interlock.doors.cli.screens.columns import table
from interlock.doors.cli.screens.verdict import MOST_ITEMS, NAMED, missing_rows


def row(items, text):
    reason = {"id": "r", "outcome": "deny", "text": text, "remedy": "mend it", "facts": {"several": items}}
    return missing_rows({"reasons": [reason], "obligations": []})[0]


def sentence(items):
    more = f" and {len(items) - NAMED} more" if len(items) > NAMED else ""
    return f"it failed: {', '.join(items[:NAMED])}{more}"


@pytest.mark.parametrize("count", [2, NAMED, NAMED + 1, MOST_ITEMS])
def test_each_item_has_its_line(count, monkeypatch):
    monkeypatch.setattr(columns, "width", lambda: 120)
    items = [f"file-{number}.yaml:1: is null, was 7" for number in range(count)]
    found = row(items, sentence(items))
    assert found.short == "it failed"
    assert found.items == tuple(items)
    assert found.text == sentence(items), "other formats say the whole sentence"
    lines = table("needs", [found])
    assert [line.split("· ")[1] for line in lines[1:]] == items


def test_many_items_are_counted():
    items = [f"f{number}" for number in range(MOST_ITEMS + 5)]
    found = row(items, sentence(items))
    assert found.items == (*items[:MOST_ITEMS], "and 5 more")


@pytest.mark.parametrize(("items", "text"), [(["one"], "it failed: one"), (["a", "b"], "a, b failed"), ([], "no")])
def test_a_sentence_that_ends_otherwise_stays_whole(items, text):
    found = row(items, text)
    assert (found.short, found.items) == (text, ())
