"""A text that is cut says so, and ends at a word."""

from __future__ import annotations

import pytest

from interlock.core.rehearsal.brief import brief


@pytest.mark.parametrize(
    ("text", "most", "said"),
    [
        ("going back works", 16, "going back works"),
        (
            "a writer waited 0.50 s at 200,000 rows and 3.5 s behind",
            46,
            "a writer waited 0.50 s at 200,000 rows and…",
        ),
        ("in stock.0002_sale is not reversible", 26, "in stock.0002_sale is not…"),
        ("one, two, three", 10, "one, two…"),
        ("x" * 30, 10, "x" * 9 + "…"),
        ("a " + "x" * 30, 10, "a " + "x" * 7 + "…"),
    ],
)
def test_it_ends_at_a_word_and_says_that_it_goes_on(text, most, said):
    assert brief(text, most) == said
    assert len(brief(text, most)) <= most
