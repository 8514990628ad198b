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
    "rehearse", "rehearse-migrations", "rehearse-kubernetes", "prove-alerts", "snapshots", "tests-that-bite",
    "scan", "review", "look-back", "evidence",
)  # fmt: skip
"""In the README's order, which is how somebody types them."""
COPIED = re.compile(r"git clone --quiet --branch main \.\./harbour \.\./(harbour-[a-z-]+) && cd \.\./\1")


def hidden_in(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line.startswith("<!-- run:"))


@pytest.mark.parametrize("page", HOW_TO, ids=lambda path: path.stem)
def test_what_is_thrown_away_is_seen(page):
    """`rm -r .interlock` stood in a comment: whoever typed what can be seen was refused at once."""
    assert "rm -r" not in hidden_in(page)


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_reader_sees_what_must_be_done_before(name):
    """What only the test sees is no change, commit, folder or rules in force that a reader has not."""
    hidden = hidden_in(DOCS / "how-to" / f"{name}.md")
    for needed in ("interlock ", "git ", "export ", "mkdir ", "psql ", "openssl ", "sed "):
        assert needed not in hidden


def test_each_page_about_evidence_begins_in_a_copy_of_its_own(read_steps):
    """One page's plans, rules and record are in no other's way, in whatever order somebody types them."""
    copies = []
    for name in EVIDENCE:
        first = read_steps(DOCS / "how-to" / f"{name}.md")[0]
        if name == "look-back":
            assert first.command.startswith("cd ../harbour && git switch "), "it looks at what the tutorial left"
            continue
        found = COPIED.fullmatch(first.command)
        assert found, name
        copies.append(found[1])
    assert sorted(set(copies)) == sorted(copies)


@pytest.mark.soak
def test_the_pages_about_evidence_are_typed_one_after_the_other(after_tutorial, read_steps, request):
    """In one home, as a reader has it who goes through them all."""
    server = request.getfixturevalue("teams_database")
    after_tutorial.database, after_tutorial.programs = server.url, server.binaries
    steps = [step for name in EVIDENCE for step in read_steps(DOCS / "how-to" / f"{name}.md")]
    differences = after_tutorial.run(steps)
    assert not differences, "\n\n".join(differences)


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
