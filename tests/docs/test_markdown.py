"""Links lead somewhere, YAML is YAML, and no page names a command or a flag that does not exist."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from interlock.core.policy.bundle import load_bundle
from interlock.core.policy.modes import read_modes
from interlock.core.policy.reset import RULES
from interlock.doors.cli.main import COMMANDS
from interlock.registry import bundled_policies

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(?P<language>[a-z]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
README = (ROOT / "README.md").read_text(encoding="utf-8")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def blocks(path, *languages):
    text = path.read_text(encoding="utf-8")
    return [fence["body"] for fence in FENCE.finditer(text) if fence["language"] in languages]


def anchors(path):
    titles = re.findall(r"^#{1,6} (.+?)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\((?!https?://|mailto:)([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_yaml_is_yaml(page):
    for block in blocks(page, "yaml"):
        documents = [item for item in yaml.safe_load_all(block) if item is not None]
        assert documents


def test_the_modes_and_freezes_that_are_shown_are_read(tmp_path):
    shown = blocks(ROOT / "docs" / "how-to" / "policies.md", "yaml")
    freezes = next(block for block in shown if "freezes:" in block)
    assert read_modes(freezes.encode(), {})[1][0].name == "Regatta"


def command_lines(text):
    """Every ``interlock …`` in a shell text, as words: on its own, in ``$(…)`` and behind ``&&``."""
    joined = text.replace("\\\n", " ")
    for line in joined.splitlines():
        bare = re.sub(r"(^|\s)#(\s.*)?$", "", line)
        for match in re.finditer(r"(?:^|[\s(`])interlock ((?:(?!&&|\|\||[|;)`]).)+)", bare):
            lexer = shlex.shlex(match[1].strip(), posix=True, punctuation_chars="<>&")
            lexer.whitespace_split = True
            try:
                yield list(lexer)
            except ValueError:  # a quotation that the cut went through: the words before it are what counts
                yield match[1].split()


def check(words):
    """What is wrong with a command line, empty when click takes its command and every flag."""
    command = None
    flags = {"--help", "-h", "--version"}
    names = COMMANDS
    for word in words:
        if word in (">", "<", "&", "2", ">>", "--"):  # behind it stands somebody else's command
            break
        if command is None or isinstance(command, click.Group):
            if word in flags:
                return ""
            if word not in (names if command is None else command.commands):
                return f"no command `{word}` in {' '.join(words)}"
            if command is None:
                module, _, attribute = COMMANDS[word][0].partition(":")
                command = getattr(importlib.import_module(module), attribute)
            else:
                command = command.commands[word]
            flags |= {flag for option in command.params for flag in option.opts}
        elif word.startswith("--") and word.partition("=")[0] not in flags:
            return f"no flag `{word}` in {' '.join(words)}"
    return f"not a whole command: {' '.join(words)}" if isinstance(command, click.Group) else ""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_flags_exist(page):
    if page.name == "commands.md":
        return
    text = page.read_text(encoding="utf-8")
    shown = "\n".join(blocks(page, "sh", "console", "yaml", ""))
    # In prose only what begins with the name of a command: `interlock[postgresql]` is none.
    prose = "\n".join(re.findall(r"`(interlock [a-z][^`]*)`", FENCE.sub("", text)))
    own = [
        line for line in shown.splitlines() if not re.match(r"[✗·]|\s{9}|(needs|ask|watched|next|ticket) ", line)
    ]
    problems = [problem for words in command_lines("\n".join([*own, prose])) if (problem := check(words))]
    assert not problems


def test_every_remedy_names_a_command_that_exists():
    base = {path: text for path, text in bundled_policies().items() if path.startswith("base/")}
    remedies = [policy.remedy for policy in load_bundle(base).policies.values()] + [rule.remedy for rule in RULES]
    problems = [
        problem
        for remedy in remedies
        for words in command_lines(remedy.replace(",", " "))
        if (problem := check(words))
    ]
    assert sum("interlock " in remedy for remedy in remedies) > 20
    assert not problems


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("$ interlock gate chg-1 --environment production --ticket-file x", ""),
        ("- run: interlock gate --fromat github", "no flag `--fromat`"),
        ("ticket=$(interlock gate --josn | python -c 1)", "no flag `--josn`"),
        ("interlock chek", "no command `chek`"),
        ("interlock ledger", "not a whole command"),
        ("interlock serve --log json > serve.log &", ""),
    ],
)
def test_a_wrong_command_is_found(line, wrong):
    (words,) = command_lines(line)
    assert wrong in check(words)
    assert bool(wrong) == bool(check(words))


def test_the_two_commands_stand_on_top_and_exist():
    first = blocks(ROOT / "README.md", "")[0]
    targets = re.findall(r"^make (\w+)", first, re.MULTILINE)
    assert targets == ["demo", "test"]
    assert README.index(first) < README.index("## ")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in [*targets, "docs"])


def test_every_how_to_is_linked_from_the_first_page():
    """README led neither to rollouts, nor to what counts them, nor to the judge."""
    missing = [
        page.name for page in (ROOT / "docs/how-to").glob("*.md") if f"(docs/how-to/{page.name}" not in README
    ]
    assert not missing


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md", "docs/concepts.md", "docs/how-to/pipeline.md"])
def test_whoever_reads_on_comes_to_a_rollout(page):
    """One page said that the station was being built, the others led nowhere near one."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "interlock rollout start" in text
    assert "rollout.md)" in text
