"""What the demonstration shows fits into the terminal that it is shown in."""

import shlex

import pytest

from interlock.testing.shop.terminal import Terminal, typed


@pytest.mark.parametrize("shown", ["run", "watch"])
def test_what_a_command_says_fits_the_terminal(tmp_path, shown):
    """It wrote for a pipe of 120 columns, and a terminal of 60 cut that in the midst of words."""
    said: list[str] = []
    getattr(Terminal(root=tmp_path, say=said.append, wide=60), shown)("rollout", "--help")
    lines = "\n".join(said).splitlines()
    assert len(lines) > 10
    assert max(map(len, lines)) <= 60


def test_a_long_command_is_broken_as_a_shell_takes_it():
    words = (
        "approve",
        "chg-7f3akq2m2a",
        "--statement",
        "../ana.json",
        "--signature",
        "../ana.sig",
        "--why",
        "a b",
    )
    lines = typed(words, 60).splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[0] == "$ interlock approve chg-7f3akq2m2a --statement ../ana.json \\"
    again = shlex.split("\n".join(lines).removeprefix("$ interlock").replace("\\\n", ""))
    assert tuple(again) == words
    assert typed(words, 200) == f"$ interlock {shlex.join(words)}"
