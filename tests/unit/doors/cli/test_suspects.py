from __future__ import annotations

import pytest

from interlock.doors.cli.main import main


@pytest.mark.parametrize("since", ["60d", "31d", "721h", "0d", "soon", "999999d"])
def test_a_span_that_cannot_be_is_refused_as_it_was_typed(since, capsys):
    """Of 60d it said "expected `seconds` from 1 to 2592000", which nobody typed."""
    with pytest.raises(SystemExit) as left:
        main(["suspects", "harbour", "--since", since])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "error[suspects-window]" in said
    assert f"expected a span such as 90m, 2h or 3d after --since, at most 30d, got `'{since}'`" in said
