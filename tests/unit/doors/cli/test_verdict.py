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


@pytest.mark.parametrize(
    ("text", "state", "progress", "items"),
    [
        ("rehearsed on this digest (failed)", "failed", "", ("a flag stays on",)),
        ("rehearsed on this digest (missing)", "failed", "failed", ("a flag stays on",)),
        ("rehearsed on this digest (failed)", "void", "void", ()),
    ],
)
def test_how_far_it_is_is_said_once_and_why_it_failed_below(text, state, progress, items):
    reason = {"id": "r", "outcome": "needs", "text": text, "remedy": "try", "facts": {"rehearsal": "failed"}}
    light = {"fact": "rehearsal", "producer": "rehearsal", "state": state, "why": "a flag stays on"}
    (found,) = missing_rows({"reasons": [reason], "obligations": []}, lights=[light])
    assert (found.progress, found.items) == (progress, items)
