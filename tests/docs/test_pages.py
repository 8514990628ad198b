"""The tutorial and the how-to pages do what they show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = sorted(
    path for path in (DOCS / "how-to").glob("*.md") if "```console" in path.read_text(encoding="utf-8")
)
TEAMS = "postgresql://interlock@db.example.com/interlock"
WANTED = {
    "approvals",
    "backups",
    "evidence",
    "pipeline",
    "policies",
    "rollout-plan",
    "rules",
    "server",
    "terraform",
    "watch",
}
MINUTES = {"notify", "rollback", "suspects"}
"""Pages that take a rollout of their own from start to end, as `watch` does."""


def test_the_tutorial_prints_what_it_shows(tutorial):
    _, differences = tutorial
    assert not differences, "\n\n".join(differences)


@pytest.mark.parametrize(
    "page",
    [pytest.param(path, id=path.stem, marks=pytest.mark.soak if path.stem in MINUTES else ()) for path in HOW_TO],
)
def test_the_page_prints_what_it_shows(page, after_tutorial, read_steps, request):
    steps = read_steps(page)
    if any(TEAMS in step.command for step in steps):
        server = request.getfixturevalue("teams_database")
        after_tutorial.database, after_tutorial.programs = server.url, server.binaries
    assert sum(not step.file for step in steps) > 0
    differences = after_tutorial.run(steps)
    assert not differences, "\n\n".join(differences)


EVIDENCE = (
    "rehearse", "rehearse-migrations", "snapshots", "tests-that-bite", "prove-alerts", "scan", "review",
)  # fmt: skip


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_reader_sees_what_must_be_done_before(name):
    """A line that only the test sees is no change, no folder and no rules in force that a reader has not."""
    text = (DOCS / "how-to" / f"{name}.md").read_text(encoding="utf-8")
    hidden = "\n".join(line for line in text.splitlines() if line.startswith("<!-- run:"))
    for needed in ("change open", "switch --quiet --create", "export ", "mkdir ../"):
        assert needed not in hidden
    assert "rules genesis" not in hidden or "(rules.md#genesis)" in text


def test_no_two_pages_write_the_same_rehearsal():
    written = [
        each
        for page in HOW_TO
        for each in set(re.findall(r"<!-- file: (rehearsals/\S+) -->", page.read_text(encoding="utf-8")))
    ]
    assert sorted(written) == sorted(set(written))


def test_every_how_to_is_there_and_runs_something():
    assert {path.stem for path in HOW_TO} >= WANTED


@pytest.mark.parametrize(
    ("block", "wanted"),
    [
        ("$ echo one\none\n", []),
        ("$ echo one\ntwo\n", ["does not print `two`"]),
        ("$ false\n", ["exit 1, the page says 0"]),
        ("$ false\nexit 1\n", []),
        ("$ echo chg-7f3akq2m2a\nchg-aaaaaaaaaa\n", []),
        ("$ echo a; echo b\nb\na\n", ["does not print `a`"]),
        ("$ cat <<END\n> one\n> END\none\n", []),
        ("$ exit 0\n$ echo one\none\n", ["did not end", "did not end"]),
    ],
)
def test_a_page_that_lies_is_found(block, wanted, tmp_path, shell_in, read_steps):
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n```console\n{block}```\n", encoding="utf-8")
    (tmp_path / "home" / "here").mkdir(parents=True)
    found = shell_in(tmp_path / "home" / "here").run(read_steps(page))
    assert len(found) == len(wanted)
    assert all(text in problem for text, problem in zip(wanted, found, strict=True))
