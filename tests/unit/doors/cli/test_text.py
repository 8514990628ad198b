"""What reaches a terminal is harmless, fits, and keeps its meaning without colour."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as some

from interlock.doors.cli import text
from interlock.doors.cli.screens import columns
from interlock.doors.cli.screens.columns import Row, table


@given(some.text())
def test_nothing_from_outside_can_steer_the_terminal(given_):
    shown = text.safe(given_)
    assert not any(unicodedata.category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for each in shown)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("a\nb\tc", "a b c"),
        ("\u202eevil", "\\u202eevil"),
        ("ünïcode", "ünïcode"),
    ],
)
def test_controls_are_shown_as_escapes(given_, expected):
    assert text.safe(given_) == expected


@given(some.text(alphabet="ab 字é", max_size=80), some.integers(2, 40))
def test_a_cut_text_fits(given_, room):
    assert text.columns(text.cut(given_, room)) <= room
    assert text.columns(text.pad(given_, room)) in {room, room - 1, room}


@given(some.lists(some.text(alphabet="abc", min_size=1, max_size=12), max_size=30), some.integers(12, 60))
def test_wrapping_loses_no_word_and_fits(words, room):
    lines = text.wrap(" ".join(words), room)
    assert " ".join(lines).split() == words
    assert all(len(line) <= room for line in lines)


@pytest.mark.parametrize("wide", [60, 80, 96, 120, 132])
def test_a_remedy_is_never_cut_at_any_width(monkeypatch, wide):
    monkeypatch.setattr(columns, "width", lambda: wide)
    remedy = "interlock evidence add chg-7f3akq2m build/report.sarif --format sarif --subject sha256:" + "a" * 12
    lines = table(
        "needs", [Row(met=False, text="a scan of this very digest " * 4, progress="0 of 2", remedy=remedy)]
    )
    shown = " ".join(" ".join(lines).split())
    assert all(word in shown for word in remedy.split())
    assert lines[0].startswith("needs    ✗ ")


def test_short_digests_and_counts_read_like_words():
    assert text.short("sha256:" + "7f3a" + "0" * 58 + "c1") == "7f3a…c1"
    assert [text.plural(count, "rule") for count in (0, 1, 1200)] == ["0 rules", "1 rule", "1,200 rules"]


@pytest.mark.parametrize(
    ("columns_say", "wide"), [(None, 120), ("", 120), ("90", 90), ("20", 60), ("500", 132), ("x", 120)]
)
def test_piped_output_is_as_wide_as_columns_say(monkeypatch, columns_say, wide):
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns_say is not None:
        monkeypatch.setenv("COLUMNS", columns_say)
    assert text.width() == wide


def test_a_number_and_its_percent_sign_stay_together():
    """A table ended a line with −100 and began the next with %."""
    assert text.wrap("orders fell by −100 % at once", 19) == ["orders fell by", "−100 % at once"]
    assert text.wrap("at −100 %", 4) == ["at", "−100 %"]
