"""Texts from outside in the gate's reports: no name or title forges a cell, a link or an image of the summary."""

import json
from pathlib import Path

import pytest

from interlock.doors.cli.screens import permit

RECORDED = Path(__file__).parents[3] / "golden" / "cli" / "gate-refused.json"


def summary(text: str) -> str:
    result = json.loads(RECORDED.read_text())
    for reason in result["reasons"]:
        reason["text"], reason["facts"] = text, {}
    return permit.markdown(result)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a | b", "a \\| b"),
        ("[click](https://evil.example)", "\\[click\\]\\(https://evil.example\\)"),
        ("![x](https://evil.example/x.png)", "\\!\\[x\\]\\(https://evil.example/x.png\\)"),
        ("<img src=x>", "\\<img src=x\\>"),
        ("`code` **bold** _slanted_ # head", "\\`code\\` \\*\\*bold\\*\\* \\_slanted\\_ \\# head"),
        ("back\\slash |", "back\\\\slash \\|"),
    ],
)
def test_every_sign_of_markdown_is_escaped_in_a_cell(text: str, escaped: str) -> None:
    found = summary(text)
    assert f"| {escaped} |" in found
    assert f"| {text} |" not in found
