"""The table that closes a replay, in the terminals there are."""

import pytest

from interlock.doors.cli.screens.then_and_now import then_and_now

ROWS = [
    ("validation", "none reported", "config/delivery.yaml:14: delivery.max_days is null, was 7"),
    ("rollback", "manual, hours", "by itself: 0 % read back at envoy, the artefact down 0.4 s later and verified"),
]


@pytest.mark.parametrize("wide", [60, 80, 132])
def test_it_fits_and_cuts_nothing(monkeypatch, wide):
    """At 60 columns a file's place ran out of the terminal."""
    monkeypatch.setenv("COLUMNS", str(wide))
    lines = then_and_now(ROWS)
    assert max(map(len, lines)) <= wide
    assert "…" not in "".join(lines)
    assert "config/delivery.yaml:14:" in "".join(lines)
