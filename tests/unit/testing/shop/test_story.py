"""What the demonstration leaves out of a screen, and that it cuts nothing in two."""

import re
from pathlib import Path

from interlock.testing.shop import story
from interlock.testing.shop.story import items, only, without

SCREEN = """\
refused  chg-a → production · 8 things missing · 5 rules only watched,
         see --all
needs    ✗ validation failed
           → correct the named place: interlock check
           · config/delivery.yaml:3: delivery.max_days is null, expected type
             integer, was 7
           · config/delivery.yaml:7: orders.timeout_ms is 60, was 800
         ✗ Tier-1: people who did not write it · 0 of 2
           · src/else.py
             is not of these
ask      ana
note     nothing was shipped from here before: what lies before 1163ac8ddd7a is
         taken as given
"""


def test_a_note_is_left_out_with_all_its_lines():
    """Its second line stood there alone."""
    found = without(SCREEN, "note")
    assert found == SCREEN.splitlines()[:-2]


def test_what_is_kept_is_kept_with_all_its_lines():
    """The first line of a refusal ended in a comma."""
    assert only(SCREEN, "refused", "needs") == SCREEN.splitlines()[:10]


def test_what_was_wrapped_is_one_line_again():
    """The table said "expected type" and no more."""
    assert items(SCREEN, "config/") == (
        "config/delivery.yaml:3: delivery.max_days is null, expected type integer, was 7",
        "config/delivery.yaml:7: orders.timeout_ms is 60, was 800",
    )


def test_it_can_be_read_in_80_columns():
    """Titles ran over; the defect, tables and screens follow the terminal by themselves."""
    titles = re.findall(r"_title\(f?\"(.*)\"\)", Path(story.__file__).read_text(encoding="utf-8"))
    assert len(titles) == 5
    assert max(len(f"── {title}") for title in titles) <= 80
