"""What people, GitHub and GitLab see, byte for byte, drawn from answers that were recorded once.

``GOLDEN=write python -m pytest tests/golden/cli`` writes the files anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlock.doors.cli.screens import columns, entries, permit
from interlock.doors.cli.screens.drift import drift
from interlock.doors.cli.screens.facts import facts
from interlock.doors.cli.screens.record import record
from interlock.doors.cli.screens.statements import listed, one_statement, taken_back
from interlock.doors.cli.screens.verdict import verdict

HERE = Path(__file__).parent
WIDE, NARROW = 120, 80


def read(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text())


def shown(form: str, name: str, capsys, tmp_path: Path) -> str:
    permit.show(
        read(name),
        form=form,
        everything=False,
        ticket_file="ticket.json" if name != "gate-refused" else None,
        moved="",
        notes=(),
        report_file=str(tmp_path / "report.xml"),
    )
    return re.sub(r"\b[0-9a-f]{32}\b", "TOKEN", capsys.readouterr().out)


def unsure() -> Any:
    """The same change with a migration, of which a trusted rehearsal was passed."""
    found = read("judgement")
    why = "a database migration: what it does to stored rows is not read"
    found["description"]["reversibility"] = {
        "kind": "unknown",
        "losses": [],
        "unknowns": [
            {"where": f"migrations/000{n}.up.sql", "line": None, "commit": None, "text": why} for n in "234"
        ],
    }
    summary = {"kind": "rehearsal", "verdict": "passed", "measured": {"schema": {"reversible": True}}}
    found["evidence"] = [{"id": "evd-3usk5esbw6", "standing": "trusted", "summary": summary}]
    return found


SCREENS: dict[str, Callable[[], list[str]]] = {
    "check": lambda: verdict(read("judgement"), everything=False),
    "check-all": lambda: verdict(read("judgement"), everything=True),
    "describe": lambda: facts(read("judgement")),
    "describe-unsure": lambda: facts(unsure()),
    "change-show": lambda: record(read("judgement"), [], everything=False),
    "change-show-taken-back": lambda: record(read("judgement"), [], read("statements")["gone"], everything=False),
    "statement-list": lambda: listed(read("statements")["page"]["items"], read("statements")["page"]["next"]),
    "statement-show": lambda: [
        line for one in read("statements")["page"]["items"][:4] for line in one_statement(one)
    ],
    "statement-take-back": lambda: taken_back(read("statements")["voided"]),
    "statement-take-back-late": lambda: taken_back(read("statements")["too_late"]),
    "ledger-log": lambda: entries.listed(read("judgement")["history"], "7"),
    "change-show-all": lambda: record(read("judgement"), read("judgement")["history"], everything=True),
}


def compare(name: str, found: str) -> None:
    file = HERE / name
    if os.environ.get("GOLDEN") == "write":
        file.write_text(found)
    assert found == file.read_text()


@pytest.mark.parametrize("wide", [WIDE, NARROW])
@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_reads_as_it_was_agreed(screen, wide, monkeypatch):
    monkeypatch.setattr(columns, "width", lambda: wide)
    lines = SCREENS[screen]()
    compare(f"{screen}.{wide}.txt", "\n".join(lines) + "\n")
    too_wide = [line for line in lines if columns.columns(line) > wide and " " in line.strip()[: wide - 20]]
    assert too_wide == []


@pytest.mark.parametrize("name", ["gate-refused", "gate-allowed", "gate-glass"])
@pytest.mark.parametrize("form", ["text", "github"])
def test_the_gate_reads_as_it_was_agreed(form, name, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "width", lambda: WIDE)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    compare(f"{name}.{form}.txt", shown(form, name, capsys, tmp_path))


@pytest.mark.parametrize("name", ["gate-refused", "gate-allowed", "gate-glass"])
def test_the_step_summary_and_the_report(name):
    compare(f"{name}.md", permit.markdown(read(name)))
    compare(f"{name}.xml", permit.junit(read(name)).decode() + "\n")


def test_no_text_from_outside_forges_a_workflow_command_or_a_cell(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    said = shown("github", "gate-refused", capsys, tmp_path)
    assert "\x1b" not in said
    assert not any(line.startswith("::error::forged") for line in said.splitlines())
    table = [line for line in permit.markdown(read("gate-refused")).splitlines() if "forged" in line]
    assert table[0].replace("\\|", "").count("|") == 4
    assert "<img" not in table[0].replace("\\<", "")
    assert b"\x1b" not in permit.junit(read("gate-refused"))


def test_drift_names_the_files_that_moved():
    def git(**blobs: str) -> dict[str, object]:
        files = [{"path": path, "status": "modified", "new_blob": blob} for path, blob in blobs.items()]
        return {"parts": [{"kind": "git", "files": files}]}

    one, two = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    assert drift(git(a="1"), one, git(a="1"), one) == ""
    assert drift(git(a="1", b="1"), one, git(a="1", b="2"), two) == (
        "digest moved: recorded 1111…11, offered 2222…22 (b)"
    )
    many = {f"f{number}": "2" for number in range(6)}
    assert drift(git(), one, git(**many), two).endswith("(f0, f1, f2, f3 and 2 more)")
    assert drift(git(a="1"), one, git(a="1"), two).endswith("(other commits with the same content)")
