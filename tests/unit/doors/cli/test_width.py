"""What people read breaks at words within their terminal, in colour as without; in a pipe errors stay whole."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from interlock.doors.cli.aside import aside
from interlock.doors.cli.screens import alert_proof, biting, local, rehearsal, review, scan, snapshot
from interlock.doors.cli.screens.columns import Row, beside, table, told
from interlock.doors.cli.text import columns, hung, wrap

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
SERVICE = "a-service-with-a-name-of-some-length"
NOT_HANDED = {"evidence": None, "verdict": "failed", "service": SERVICE}
REHEARSED = NOT_HANDED | {
    "environment": "staging",
    "seconds": 1.3,
    "objective_seconds": 300,
    "late_seconds": 0.0,
    "good": False,
    "reasons": [],
    "left": [],
    "left_count": 0,
    "changed": [],
    "changed_count": 0,
    "measured": {},
    "whole": True,
    "applied": [],
    "rolled_back": [],
}
BITTEN = NOT_HANDED | {
    "good": True,
    "verdict": "passed",
    "counts": {
        "passed": 31,
        "total": 31,
        "bites": 20,
        "kills": 1,
        "looked_at": 21,
        "behaviours": 0,
        "idle": 0,
        "hidden": 0,
        "apart": 0,
        "unseen": 0,
    },
    "behaviours": [],
    "tests": [],
    "failed_tests": [],
    "hidden_tests": [],
    "coverage": {"run": 3, "lines": 3, "why": ""},
    "listed_first": True,
}
SCANNED = NOT_HANDED | {
    "verdict": "passed",
    "new_findings": [],
    "blocking": 0,
    "noted": 2,
    "new": 0,
    "unread": [],
    "unread_count": 0,
    "existing": 0,
    "moved": 0,
    "scanners": [],
    "binary": 0,
    "left_out": 0,
    "unlooked": 0,
    "files": 1,
    "lines": 2,
}
SAVED = NOT_HANDED | {
    "environment": "production",
    "verdict": "passed",
    "tables": 20,
    "rows": 120_000,
    "taken_by": "pg_dump",
    "by_marks": {},
    "reasons": [],
    "digest": "",
    "unverified": [],
    "differing": [],
    "differing_count": 0,
    "not_compared": [],
    "seconds": {"take": 1.0},
}
RAN = NOT_HANDED | {
    "good": True,
    "exit_code": 0,
    "ended": "late",
    "seconds": 77.0,
    "visits": [],
    "file": "lcl-1.cast",
    "transcript": {"masked": 0, "left_out": 0, "digest": "sha256:" + "a" * 64},
}
ASKED = NOT_HANDED | {
    "change": "chg-1",
    "concerns": [],
    "model": "a-model-with-a-name-of-its-own",
    "host": "models.example.com",
    "files": 3,
    "not_sent_count": 0,
    "cut": 0,
    "shortened": 0,
    "moved": 0,
    "ignored": {},
    "beside": {},
}
PROVEN = NOT_HANDED | {
    "good": False,
    "failure_modes": [],
    "modes": [],
    "ready": [],
    "unheard_rules": [],
    "relabelled": [],
    "tolerance_seconds": 600,
    "synthetic": True,
    "routes": {"doubts": []},
    "gone": [],
    "alerts": [],
    "witnesses": [],
    "undecided": [],
}


class OnTerminal(io.StringIO):
    """Says that it is one."""

    def isatty(self):
        return True


@pytest.fixture(params=[True, False], ids=["colour", "plain"])
def narrow(request, monkeypatch):
    """Called, it makes a terminal of 80 columns, with colours or without: pytest's own is put in place last."""

    def begin():
        monkeypatch.setattr("sys.stdout", OnTerminal())
        return request.param

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not request.param:
        monkeypatch.setenv("NO_COLOR", "1")
    return begin


@pytest.mark.parametrize(
    ("screen", "done"),
    [
        (rehearsal.rehearsed, REHEARSED),
        (biting.bitten, BITTEN),
        (biting.bitten, BITTEN | {"verdict": "undecidable", "fault": "no pytest"}),
        (scan.shown, SCANNED),
        (snapshot.saved, SAVED),
        (local.shown, RAN),
        (review.screen, ASKED),
        (alert_proof.proven, PROVEN),
    ],
)
def test_no_answer_is_wider_than_the_terminal(narrow, screen, done):
    """`FAIL`, `BITES`, `CLEAN` and their like were one line, which a terminal broke within a word."""
    coloured = narrow()
    lines = screen(done)
    assert [line for line in lines if len(COLOURS.sub("", line)) > 80] == []
    assert (lines[0] != COLOURS.sub("", lines[0])) is coloured
    assert COLOURS.sub("", lines[1]).startswith(" " * 9 + COLOURS.sub("", lines[1])[9])


def test_colours_take_no_room(narrow):
    coloured = narrow()
    text = "somebody is told of one failure of two within ten minutes, and of the other nobody is told at all"
    lines = told("GAPS", text, "red")
    assert [COLOURS.sub("", line) for line in lines] == [
        f"GAPS     {wrap(text, 71)[0]}",
        " " * 9 + wrap(text, 71)[1],
    ]
    assert ("\x1b[" in lines[0]) is coloured
    assert columns("\x1b[31m\x1b[1mGAPS\x1b[0m字") == 6
    assert beside("\x1b[1mGAPS\x1b[0m ", "x")[0].endswith(" x")
    assert all(
        len(COLOURS.sub("", line)) <= 80 for line in table("needs", [Row(met=False, text=text, remedy=text)])
    )


def test_later_lines_hang_where_they_are_told_to():
    assert hung("error[x]: ", "one two three", 16, indent=2) == ["error[x]: one", "  two three"]
    assert hung("error[x]: ", "a-long-word two", 14, indent=2) == ["error[x]:", "  a-long-word", "  two"]
    assert hung("stays ", "one two", 9) == ["stays one", "      two"]


@pytest.mark.parametrize(("kind", "count"), [(io.StringIO, 1), (OnTerminal, 2)])
def test_a_doubt_is_one_line_in_a_pipe(monkeypatch, kind, count):
    monkeypatch.setattr("sys.stderr", kind())
    monkeypatch.setenv("COLUMNS", "80")
    aside("doubt", "no runner has signed this, so that it will be kept and not count for anybody " + "at all " * 3)
    lines = sys.stderr.getvalue().splitlines()
    assert len(lines) == count
    assert lines[0].startswith("doubt    no runner")


def _in_a_terminal(*words, columns_=80, **environment):
    """What is printed on a real terminal whose size only the terminal knows, the answer in a pipe."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns_, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
    subprocess.run(
        [sys.executable, "-m", "interlock", *words],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=kept | environment,
        timeout=60,
        check=False,
    )
    os.close(theirs)
    said = b""
    try:
        while piece := os.read(mine, 65536):
            said += piece
    except OSError:  # the other side is closed
        pass
    os.close(mine)
    return said.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}], ids=["colour", "plain"])
def test_an_error_fits_the_terminal_it_goes_to(tmp_path, monkeypatch, environment):
    """`NAME=$(interlock …)`: the answer is in a pipe and the error before a person."""
    monkeypatch.chdir(tmp_path)
    said = _in_a_terminal("catalog", "check", **environment)
    lines = [COLOURS.sub("", line) for line in said.splitlines()]
    assert lines[0].startswith("error[catalog-missing]: expected a catalog at")
    assert lines[1].startswith("  ")
    assert any(line.startswith("        ") for line in lines)
    assert max(map(len, lines)) <= 80
    assert ("\x1b[" in said) is not bool(environment)
    piped = subprocess.run(
        [sys.executable, "-m", "interlock", "catalog", "check"], capture_output=True, text=True, check=False
    )
    assert len(piped.stderr.splitlines()) == 2
    assert " ".join(" ".join(lines).split()) == " ".join(piped.stderr.split())
