"""Nothing from a change becomes a command of the pipeline that prints it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from interlock.doors.cli import desk, text
from interlock.doors.cli.screens import permit

FORGED = "::add-mask::refused ##[set-output name=outcome]allow ##vso[task.setvariable]x ##teamcity[x] ::::: ####"
RECORDED = Path(__file__).parents[3] / "golden/cli/gate-refused.json"
RUNNERS = ["GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"]


def refused(said: str) -> dict[str, Any]:
    """What the gate answers about a change that is called ``said``, in short."""
    reason = {
        "id": "gate-forged",
        "text": said,
        "remedy": said,
        "layer": "gate",
        "mode": "enforce",
        "outcome": "deny",
        "facts": {},
        "lifted_by": None,
    }
    told: dict[str, Any] = json.loads(RECORDED.read_text())
    judgement = told["judgement"]
    judgement["change"]["title"] = said
    judgement["grants"], judgement["tally"]["rejected"], judgement["tally"]["counted"] = [], [], []
    judgement["decision"] |= {"reasons": [reason], "observed": [], "obligations": []}
    return told | {"reasons": [reason]}


def commands(printed: str) -> list[str]:
    """The lines in which a runner of GitHub or Azure finds a command, while it is listening."""
    found, token = [], None
    for line in printed.splitlines():
        trimmed = line.strip()
        if token:
            token = None if trimmed == f"::{token}::" else token
        elif stop := re.fullmatch(r"::stop-commands::(\w+)", trimmed):
            token = stop[1]
        elif trimmed.startswith("::") or re.search(r"##(vso|teamcity)?\[", line):
            found.append(trimmed)
    assert token is None, "the runner was never told to listen again"
    return found


@pytest.mark.parametrize("runner", RUNNERS)
def test_what_runners_read_as_a_command_is_pulled_apart(runner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(runner, "true")
    shown = text.safe(FORGED)
    assert "::" not in shown
    assert "##" not in shown
    assert commands("\n".join(text.wrap(shown, 12))) == []


def test_elsewhere_it_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for runner in RUNNERS:
        monkeypatch.delenv(runner, raising=False)
    assert text.safe("std::vector ## note") == "std::vector ## note"


@given(some.text(alphabet=":#[ ab", max_size=40))
def test_no_number_of_signs_survives(given_: str) -> None:
    assert "::" not in text.inert(given_)
    assert "##" not in text.inert(given_)


def test_a_section_of_gitlab_cannot_begin() -> None:
    assert "\x1b" not in text.safe("\x1b[0Ksection_start:1:a[collapsed=true]\r\x1b[0Kb")
    assert "\r" not in text.safe("section_end:1:a\r")


def test_json_holds_no_command_and_the_same_value(capsys: pytest.CaptureFixture[str]) -> None:
    desk.show_json({"title": FORGED, FORGED: "#" * 5})
    printed = capsys.readouterr().out
    assert commands(printed) == []
    assert json.loads(printed) == {"title": FORGED, FORGED: "#" * 5}


@pytest.mark.parametrize("before", ["", "x" * 105])
def test_the_gate_s_screen_for_github_holds_none_but_its_own(
    before: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long title wraps so that a line begins with what looks like a command."""
    for variable in (*RUNNERS, "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(variable, raising=False)
    said = refused(f"{before} {FORGED}")
    permit.show(
        said, form="github", everything=False, ticket_file=None, moved="", notes=[FORGED], report_file="unused"
    )
    printed = capsys.readouterr().out
    found = commands(printed)
    assert {line.partition("::")[2].partition("::")[0] for line in found} == {
        "error title=interlock",
        "warning title=interlock",
    }
    assert printed.count("::stop-commands::") == 1


def test_the_token_is_another_one_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = set()
    for _ in range(3):
        permit.show(
            refused("a"),
            form="github",
            everything=False,
            ticket_file=None,
            moved="",
            notes=[],
            report_file="unused",
        )
        tokens.add(capsys.readouterr().out.splitlines()[0])
    assert len(tokens) == 3
    assert all(len(token.removeprefix("::stop-commands::")) == 32 for token in tokens)


@pytest.mark.parametrize(
    "sign",
    [
        "|",
        "<img src=x onerror=y>",
        "[a](javascript:b)",
        "![a](http://b)",
        "`a`",
        "*a*",
        "_a_",
        "# a",
        "&lt;",
        "~a~",
    ],
)
def test_a_cell_of_the_summary_shows_what_it_says_and_nothing_else(sign: str) -> None:
    """Each sign that means something in Markdown stands behind a backslash, so that a row stays a row."""
    written = permit.markdown(refused(f"so {sign} then"))
    row = next(line for line in written.splitlines() if "then" in line and line.startswith("| "))
    assert len(re.findall(r"(?<!\\)\|", row)) == 4
    assert not re.search(r"(?<!\\)[<>\[\]()*_`#&~!]", row)
    assert re.sub(r"\\(.)", r"\1", row).count(f"so {sign} then") == 2
